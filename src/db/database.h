/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_DB_DATABASE_H
#define MALOTE_DB_DATABASE_H

#include <sqlite3.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "db/db_files.h"
#include "wire/name.h"

/*
 * One SQLite file: WAL, synchronous=FULL, secure_delete, 0600.  A transaction that ended well is
 * on disk, in a file of that name.  The ledger, the mailboxes and a client's store are such files.
 *
 * Errors: MLT_ERR_LOCKED after the schema's busy_ms, MLT_ERR_SYSTEM with errno (ENOSPC, EROFS, EIO
 * ...), MLT_ERR_DAMAGED, MLT_ERR_NEWER, MLT_ERR_PERMISSION, MLT_ERR_NOMEM, else MLT_ERR_DATABASE.
 *
 * Any number of processes, and of connections in one, may have one file open; a connection and its
 * queries belong to one thread at a time.
 */

/* What a file of this kind holds.  Static storage. */
struct database_schema {
    const char *file;                  /* its name: "ledger.db" */
    int64_t version;                   /* user_version of a file that is up to date */
    const char *(*step)(int64_t from); /* SQL from version `from` to the next; from 0: a new one */
    int busy_ms;                       /* how long other processes may keep us waiting */
    bool in_log;                       /* what SQLite says of a failure goes to the log */
};

struct database {
    sqlite3 *handle;
    const struct database_schema *schema;
    int dirfd; /* borrowed */
    /* After an I/O error nobody knows what is on disk: every statement fails (MLT_ERR_DATABASE),
     * and database_close leaves the WAL as it is.  Set it in the process's other connections to the
     * file before they are closed. */
    bool broken;
    struct db_files files;
    /* Why it is broken: the files have lost their names.  The call that found it is MLT_ERR_SYSTEM
     * with ENOENT, also if that is a commit that stands in a file without a name. */
    enum db_loss loss;
    bool wal_saved; /* DB_LOSS_WAL: what was committed is in the database file, synced */
};

/*
 * Opens schema->file in the directory `dirfd`.  `path` is how SQLite reaches that file: an absolute
 * path, or schema->file itself when `dirfd` is the working directory (a process may have no right
 * to the parents of its own directory, so the name is never made absolute).  Both are borrowed
 * until it is closed.  `create`: an absent one is made, empty; else MLT_ERR_MISSING.  *fresh: it
 * has no tables yet, see database_create.  An older one is stepped forward in one transaction, a
 * newer one is MLT_ERR_NEWER.  What an earlier process left in the WAL is moved into the file and
 * synced first, so nothing that is read here is in memory only: who opens after an I/O error need
 * do no more.
 */
struct database_place {
    int dirfd;
    const char *path;
};

MUST_CHECK enum mlt_err database_open(struct database *db, const struct database_schema *schema,
                                      const struct database_place *place, bool create, bool *fresh);
/* { 0 } is closed. */
void database_close(struct database *db);

/* All tables and the version, inside the caller's transaction; nothing where another process, that
 * found the file fresh as well, was first. */
MUST_CHECK enum mlt_err database_create(struct database *db);

/* begin; work; end: commits (with fsync) if `err` is MLT_OK, else rolls back and returns it. */
MUST_CHECK enum mlt_err database_begin(struct database *db);
MUST_CHECK enum mlt_err database_end(struct database *db, enum mlt_err err);

/*
 * Everything of the WAL is moved into the file and the WAL begun anew (frames of a WAL whose fsync
 * failed must never be built upon; database_open does this too, unless others are at work there).
 * MLT_ERR_LOCKED while others read or write.
 */
MUST_CHECK enum mlt_err database_checkpoint(struct database *db);

/*
 * What is committed, as one whole database without a WAL, in a new file: place->path, in the
 * working directory that place->dirfd is of.  Others may read and write meanwhile; not inside a
 * transaction.  It is for a reader, and not synced.  On failure the file is gone, and this
 * connection goes on.  MLT_ERR_SYSTEM with ENOSPC where there is no room for it.
 */
MUST_CHECK enum mlt_err database_copy(struct database *db, const struct database_place *place);

/* Pages this connection wrote so far, into the WAL or out of it: tells when a checkpoint is due
 * for whoever does it himself. */
int64_t database_written(const struct database *db);

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

/* For a statement that is kept: forgets row and values, so that it can be bound and run anew.  A
 * SELECT whose rows were not read to the end holds the file's state of then until this or
 * query_end: no checkpoint empties the WAL meanwhile. */
void query_again(struct query *q);

/* In the order of the question marks; borrowed until query_end or query_again. */
void query_put_int(struct query *q, int64_t value);
void query_put_span(struct query *q, struct span value);
void query_put_text(struct query *q, const char *value);
void query_put_name(struct query *q, const struct name *name);
void query_put_null(struct query *q);

/* The next row; *row is false after the last. */
MUST_CHECK enum mlt_err query_next(struct query *q, bool *row);
/* For statements without rows. */
MUST_CHECK enum mlt_err query_run(struct query *q);
/* How many rows the last query_run changed. */
int64_t query_changes(const struct query *q);

/* Columns of the current row; spans and texts are borrowed until the next query_ call. */
int64_t query_int(struct query *q, int column);
struct span query_span(struct query *q, int column);
const char *query_text(struct query *q, int column);
bool query_is_null(struct query *q, int column);
/* Exactly n bytes; anything else is MLT_ERR_DAMAGED. */
MUST_CHECK enum mlt_err query_bytes(struct query *q, int column, uint8_t *out, size_t n);
/* The one number that a statement always answers with. */
MUST_CHECK enum mlt_err query_number(struct query *q, int64_t *number);
/* A name, else MLT_ERR_DAMAGED. */
MUST_CHECK enum mlt_err query_name(struct query *q, int column, struct name *name);

#endif
