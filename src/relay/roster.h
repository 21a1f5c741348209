/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_ROSTER_H
#define MALOTE_RELAY_ROSTER_H

#include <sys/queue.h>

#include "base/env.h"
#include "relay/flight.h"
#include "wire/name.h"

/* Everybody the CA ever certified, by name, with who of them is here, and what is in memory and in
 * the mailbox for them. */

TAILQ_HEAD(route_list, route);

struct member {
    struct member *next; /* of the same bucket */
    struct name name;
    uint64_t serial;     /* no two are alike */
    bool known;          /* ca says so; false: only still here */
    uint64_t generation; /* of the synchronisation that last named it */
    struct route *receiver;
    struct route_list routes;
    size_t route_count;
    size_t awaited; /* messages of his whose fate a session of his waits for */
    size_t uses;    /* flights from and to him */

    struct flight_list waiting; /* to him: all HELD or all FORWARDED, in order */
    size_t waiting_count, waiting_bytes;
    struct flight_list putting, kept;
    size_t putting_count;

    uint64_t messages; /* in his mailbox, as far as the store has told */
    bool unsure;       /* a put failed: there may be more than that */
    uint64_t changes;  /* rises with each put that may have added one */
};

struct roster {
    struct member **buckets;
    size_t capacity;
    size_t count;
    uint64_t serial; /* of the newest */
    uint64_t seed;
};

/* The seed keeps whoever chooses names from choosing collisions. */
MUST_CHECK enum mlt_err roster_init(struct roster *m, const struct env *env);
void roster_clear(struct roster *m);

/* NULL if there is none; borrowed until it is swept away. */
struct member *roster_find(const struct roster *m, const struct name *name);

/* Finds or makes (not known yet).  MLT_ERR_NOMEM. */
MUST_CHECK enum mlt_err roster_get(struct roster *m, const struct name *name,
                                   struct member **member);

/* Those not named since `generation` are unknown from now on, and gone when nobody uses them. */
void roster_sweep(struct roster *m, uint64_t generation);

#endif
