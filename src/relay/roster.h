/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_ROSTER_H
#define MALOTE_RELAY_ROSTER_H

#include <sys/queue.h>

#include "base/env.h"
#include "wire/envelope.h"
#include "wire/name.h"

/* Everybody the CA ever certified, by name, with who of them is here and what is under way. */

struct route;

/* A message that was forwarded and not confirmed yet. */
struct flight {
    TAILQ_ENTRY(flight) of_sender;    /* in member.sent */
    TAILQ_ENTRY(flight) of_recipient; /* in route.arriving */
    uint8_t id[ENVELOPE_ID];
    size_t bytes; /* of the body */
    struct member *from;
    struct route *sender; /* NULL once that session has ended */
    struct route *recipient;
};

TAILQ_HEAD(flight_list, flight);
TAILQ_HEAD(route_list, route);

struct member {
    struct member *next; /* of the same bucket */
    struct name name;
    bool known;          /* ca says so; false: only still here */
    uint64_t generation; /* of the synchronisation that last named it */
    struct route *receiver;
    struct route_list routes;
    size_t route_count;
    struct flight_list sent;
    size_t awaited; /* of `sent`: by a session that is still there */
};

struct roster {
    struct member **buckets;
    size_t capacity;
    size_t count;
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
