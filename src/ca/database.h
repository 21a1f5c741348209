/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_DATABASE_H
#define MALOTE_CA_DATABASE_H

#include <sqlite3.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * ledger.db: SQLite, WAL, synchronous=FULL, secure_delete.  Opened by a name relative to the
 * working directory and never by a full path: the ca process may have no right to the parents.
 * Errors: MLT_ERR_DATABASE (said in the log), MLT_ERR_NEWER, MLT_ERR_PERMISSION, MLT_ERR_NOMEM.
 */

#define DATABASE_FILE "ledger.db"

struct database {
    sqlite3 *handle;
    bool broken; /* after an I/O error nobody knows what is on disk: every statement fails */
};

/*
 * Opens DATABASE_FILE in the directory `dirfd`, which must be the working directory.  `create`:
 * an absent one is made, empty; else MLT_ERR_MISSING.  *fresh: it has no tables yet (see
 * database_create).  An older one is stepped forward in one transaction.
 */
MUST_CHECK enum mlt_err database_open(struct database *db, int dirfd, bool create, bool *fresh);
void database_close(struct database *db);

/* All tables and the version, inside the caller's transaction. */
MUST_CHECK enum mlt_err database_create(struct database *db);

/* begin; work; end: commits (with fsync) if `err` is MLT_OK, else rolls back and returns it. */
MUST_CHECK enum mlt_err database_begin(struct database *db);
MUST_CHECK enum mlt_err database_end(struct database *db, enum mlt_err err);

/*
 * One statement.  Values are bound, never printed into the text.  The first error is remembered
 * and everything after it does nothing: query_next and query_run report it.
 */
struct query {
    struct database *db;
    sqlite3_stmt *statement;
    enum mlt_err err;
    int bound;
};

/* { 0 } is empty.  CLEANUP(query_end) struct query q = query_start(db, "..."); */
struct query query_start(struct database *db, const char *sql);
void query_end(struct query *q);

/* In the order of the question marks; borrowed until query_end or query_again. */
void query_put_int(struct query *q, int64_t value);
void query_put_span(struct query *q, struct span value);
void query_put_text(struct query *q, const char *value);
void query_put_null(struct query *q);

/* The next row; *row is false after the last. */
MUST_CHECK enum mlt_err query_next(struct query *q, bool *row);
/* For statements without rows. */
MUST_CHECK enum mlt_err query_run(struct query *q);

/* Columns of the current row; spans and texts are borrowed until the next query_ call. */
int64_t query_int(struct query *q, int column);
struct span query_span(struct query *q, int column);
const char *query_text(struct query *q, int column);
bool query_is_null(struct query *q, int column);
/* Exactly n bytes; anything else is MLT_ERR_DAMAGED. */
MUST_CHECK enum mlt_err query_bytes(struct query *q, int column, uint8_t *out, size_t n);

/* Small named values.  MLT_ERR_MISSING. */
MUST_CHECK enum mlt_err database_set(struct database *db, const char *key, struct span value);
MUST_CHECK enum mlt_err database_get(struct database *db, const char *key, struct buf *out);

#endif
