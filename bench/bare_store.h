/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BENCH_BARE_STORE_H
#define MALOTE_BENCH_BARE_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * What mail.db is set beside: one table, one statement prepared once, one thread that does nothing
 * else, a transaction for every `batch` rows.  WAL, synchronous=FULL, in the working directory.
 *
 * `knows_ids`: each row has one of 100 senders and a random id, and an index says whether they were
 * there before, without which nothing can be sent twice and kept once.
 */
struct bare_store {
    char file[32];
    bool knows_ids;
    sqlite3 *db;
    sqlite3_stmt *put, *next, *drop;
};

MUST_CHECK enum mlt_err bare_store_open(struct bare_store *store, bool knows_ids);
void bare_store_close(struct bare_store *store);

struct bare_rate {
    double per_second; /* rows, by the wall clock */
    double us;         /* CPU of one */
};

/* Rows of `size` bytes. */
MUST_CHECK enum mlt_err bare_store_put(struct bare_store *store, size_t rows, size_t size,
                                       size_t batch, struct bare_rate *rate);

/* Reads and deletes what was put, the oldest first. */
MUST_CHECK enum mlt_err bare_store_take(struct bare_store *store, size_t rows, size_t batch,
                                        struct bare_rate *rate);

#endif
