/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_ADMIN_DOOR_H
#define MALOTE_CA_ADMIN_DOOR_H

#include <poll.h>
#include <sys/types.h>

#include "base/limits.h"
#include "ca/ca.h"
#include "ipc/admin.h"
#include "ipc/channel.h"

/*
 * ca.sock: who may come in (root, or DATA's owner, by SO_PEERCRED), how many at once and for how
 * long.  One request a connection.  Who revokes is answered when net has confirmed the CRL, or
 * after LIMIT_CONFIRM_MS; nobody else waits meanwhile.
 */

/* One whose answer is complete but for its end: net has to confirm a CRL. */
struct admin_wait {
    uint64_t number; /* of the CRL; 0: waits for nothing */
    enum admin_verb verb;
    struct name name;
};

struct admin_guest {
    struct channel channel; /* fd -1: free */
    int64_t until_ms;       /* monotonic */
    struct admin_wait wait;
};

struct admin_door {
    struct ca *ca;
    int listener; /* -1: none; borrowed */
    uid_t owner;
    struct admin_guest guests[LIMIT_ADMIN_CONNECTIONS];
    struct buf received, sent;
};

void admin_door_init(struct admin_door *door, struct ca *ca, int listener, uid_t owner);
void admin_door_clear(struct admin_door *door);

/* Fills in what to poll for (at most ADMIN_DOOR_POLLS) and returns how many; *timeout_ms is
 * lowered to the next deadline. */
#define ADMIN_DOOR_POLLS (1 + LIMIT_ADMIN_CONNECTIONS)
size_t admin_door_poll(const struct admin_door *door, struct pollfd *polls, int *timeout_ms);

/* After the poll: serves who is ready, shows out who took too long. */
void admin_door_serve(struct admin_door *door, const struct pollfd *polls, size_t count);

#endif
