/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BENCH_PEOPLE_H
#define MALOTE_BENCH_PEOPLE_H

#include "client/link.h"
#include "real_server.h"
#include "wire/envelope.h"
#include "wire/outcome.h"

/* Certified users and their connections, many of them driven by one thread. */
struct person {
    struct name name;
    EVP_PKEY *key;
    struct buf certificate;
    struct hs_client_config config;
    struct link *link;
    struct buf plain, out; /* the record at hand */
    uint64_t sent;         /* as epoch 1's numbers */
    size_t unanswered;
    bool has_more; /* records behind the Welcome, for whoever listens next */
};

void person_clear(struct person *p);

/* Makes keys for all of them, two threads long; then each enrols.  `stem` and a number: the name.
 */
MUST_CHECK enum mlt_err people_enrol(struct person *people, size_t n, const char *stem,
                                     const struct real_server *server);

/* The same in two steps, all of them at once: names and keys; then every one is connected before
 * any of them is answered. */
MUST_CHECK enum mlt_err people_prepare(struct person *people, size_t n, const char *stem);
MUST_CHECK enum mlt_err people_enrol_at_once(struct person *people, size_t n,
                                             const struct real_server *server);

/* Returns with its Welcome taken. */
MUST_CHECK enum mlt_err person_login(struct person *p, const struct real_server *server,
                                     enum client_auth_kind kind);
void person_logout(struct person *p);

/* Queues the next message of its stream; people_turn writes it. */
MUST_CHECK enum mlt_err person_send(struct person *p, const struct name *to, struct span body);

/* Called with every record; `ctx` is people_turn's. */
struct hearer {
    enum mlt_err (*record)(void *ctx, struct person *p, enum record_kind kind, struct span body);
    void *ctx;
};

/* Whoever is not connected is passed over.  Waits until something moves on any connection, at most
 * that long, and hands out what came. */
MUST_CHECK enum mlt_err people_turn(struct person *people, size_t n, int most_ms,
                                    const struct hearer *hearer);

#endif
