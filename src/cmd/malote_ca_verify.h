/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_VERIFY_H
#define MALOTE_CMD_MALOTE_CA_VERIFY_H

#include "cmd/malote_ca_commands.h"

/*
 * backup --verify FILE: a restore on trial, into a directory that is removed again, with the audit
 * of `malote-ca audit`.  Says what is in the backup; EXIT_TRUST where the audit finds a fault.
 */
MUST_CHECK enum exit_code malote_ca_verify(struct malote_ca_options *options, const char *path);

#endif
