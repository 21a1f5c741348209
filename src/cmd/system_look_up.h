/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_SYSTEM_LOOK_UP_H
#define MALOTE_CMD_SYSTEM_LOOK_UP_H

#include <malote/client.h>

#include "base/attr.h"

/*
 * The server's name by getaddrinfo, so by all of nsswitch.conf (mDNS, LDAP, containers), given to
 * the library.  It may wait; the caller is a command, and Ctrl-C ends it.  False, with the reason
 * in `detail` (room bytes), when the name has no address.
 */
MUST_CHECK bool system_look_up(struct mlt_client *client, char *detail, size_t room);

#endif
