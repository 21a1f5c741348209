/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_HOST_H
#define MALOTE_TESTS_UNIT_HOST_H

#include <malote/client.h>

#include "scene.h"

/* A host of the shared library, by its public header, in a scene: it and the server turn by turn.
 */

extern struct mlt_client *client;

/* mlt_close, and scene_end: a test's tear-down. */
int host_end(void **state);

/* The home of the scene's user, who has joined; scene->store is closed. */
void host_open_joined(void);
/* The home as it is. */
void host_open(void);
void host_connect(enum mlt_kind kind, bool tells_read);

/* NULL: nothing has happened yet. */
const struct mlt_event *host_turn(void);
/* What happens next has to be this. */
const struct mlt_event *host_await(enum mlt_event_kind kind);

#endif
