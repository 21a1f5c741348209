/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/database.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ca/schema.h"

static const char shim_name[] = "malote";
static const int busy_ms = 5000;

/* A full path would be looked up through parents that may be closed to us. */
static int keep_relative(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
    (void)vfs;
    size_t n = strlen(name) + 1;
    if (n > (size_t)room)
        return SQLITE_CANTOPEN;
    for (size_t i = 0; i < n; i++)
        out[i] = name[i];
    return SQLITE_OK;
}

/* The default opens /dev/urandom, which the sandbox has closed. */
static int fill_random(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    ssize_t got = getrandom(out, (size_t)n, 0);
    return got > 0 ? (int)got : 0;
}

static enum mlt_err start_shim(void)
{
    static sqlite3_vfs shim;
    ENSURE(sqlite3_initialize() == SQLITE_OK, MLT_ERR_DATABASE);
    if (sqlite3_vfs_find(shim_name) != NULL)
        return MLT_OK;
    const sqlite3_vfs *original = sqlite3_vfs_find(NULL);
    ENSURE(original != NULL, MLT_ERR_DATABASE);
    shim = *original;
    shim.pNext = NULL;
    shim.zName = shim_name;
    shim.xFullPathname = keep_relative;
    shim.xRandomness = fill_random;
    ENSURE(sqlite3_vfs_register(&shim, 0) == SQLITE_OK, MLT_ERR_DATABASE);
    return MLT_OK;
}

static enum mlt_err report(struct database *db)
{
    int code = sqlite3_errcode(db->handle);
    /* A commit whose fsync failed may stand or not; only opening the file anew tells. */
    if (code == SQLITE_IOERR)
        db->broken = true;
    log_error("%s: %s", DATABASE_FILE, sqlite3_errmsg(db->handle));
    if (code == SQLITE_NOMEM)
        return MLT_ERR_NOMEM;
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        return MLT_ERR_DAMAGED;
    return MLT_ERR_DATABASE;
}

static enum mlt_err run(struct database *db, const char *sql)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? MLT_OK : report(db);
}

static enum mlt_err read_version(struct database *db, int64_t *version, bool *fresh)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT (SELECT user_version FROM pragma_user_version), "
                                     "(SELECT count(*) FROM sqlite_schema)");
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_DATABASE);
    *version = query_int(&q, 0);
    *fresh = *version == 0 && query_int(&q, 1) == 0;
    return MLT_OK;
}

static enum mlt_err step_forward(struct database *db, int64_t from)
{
    TRY(database_begin(db));
    enum mlt_err err = MLT_OK;
    for (int64_t v = from; v < schema_version && err == MLT_OK; v++)
        err = run(db, schema_step(v));
    return database_end(db, err);
}

static enum mlt_err prepare(struct database *db, bool *fresh)
{
    /* FULL: NORMAL may lose what was acknowledged when power goes. */
    TRY(run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
                "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=ON;"
                "PRAGMA cell_size_check=ON;"));
    int64_t version = 0;
    TRY(read_version(db, &version, fresh));
    if (*fresh)
        return MLT_OK;
    ENSURE(version <= schema_version, MLT_ERR_NEWER);
    ENSURE(version >= 1, MLT_ERR_DAMAGED);
    return version < schema_version ? step_forward(db, version) : MLT_OK;
}

enum mlt_err database_open(struct database *db, int dirfd, bool create, bool *fresh)
{
    TRY(start_shim());
    /* SQLite gives its other files the mode of this one: made before it looks, as 0600. */
    TRY(file_check_private(dirfd, DATABASE_FILE, create));
    CLEANUP(database_close) struct database made = { 0 };
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(DATABASE_FILE, &made.handle, flags, shim_name) != SQLITE_OK)
        return made.handle == NULL ? MLT_ERR_NOMEM : report(&made);
    sqlite3_extended_result_codes(made.handle, 0);
    sqlite3_busy_timeout(made.handle, busy_ms);
    sqlite3_db_config(made.handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    bool empty = false;
    TRY(prepare(&made, &empty));
    *fresh = empty;
    *db = made;
    made.handle = NULL;
    return MLT_OK;
}

void database_close(struct database *db)
{
    if (db->handle != NULL && sqlite3_close(db->handle) != SQLITE_OK)
        log_error("%s: closed with statements open", DATABASE_FILE);
    db->handle = NULL;
}

enum mlt_err database_create(struct database *db)
{
    for (int64_t v = 0; v < schema_version; v++)
        TRY(run(db, schema_step(v)));
    return MLT_OK;
}

enum mlt_err database_begin(struct database *db)
{
    ENSURE(!db->broken, MLT_ERR_DATABASE);
    return run(db, "BEGIN IMMEDIATE");
}

enum mlt_err database_end(struct database *db, enum mlt_err err)
{
    if (err == MLT_OK)
        err = run(db, "COMMIT");
    int kept = errno;
    if (err != MLT_OK && sqlite3_get_autocommit(db->handle) == 0 && run(db, "ROLLBACK") != MLT_OK)
        log_error("%s: could not roll back", DATABASE_FILE);
    errno = kept;
    return err;
}

struct query query_start(struct database *db, const char *sql)
{
    struct query q = { .db = db };
    if (db->broken)
        q.err = MLT_ERR_DATABASE;
    else if (sqlite3_prepare_v2(db->handle, sql, -1, &q.statement, NULL) != SQLITE_OK)
        q.err = report(db);
    return q;
}

void query_end(struct query *q)
{
    sqlite3_finalize(q->statement);
    *q = (struct query) { 0 };
}

static void note(struct query *q, int rc)
{
    if (rc != SQLITE_OK && q->err == MLT_OK)
        q->err = report(q->db);
}

void query_put_int(struct query *q, int64_t value)
{
    if (q->err == MLT_OK)
        note(q, sqlite3_bind_int64(q->statement, ++q->bound, value));
}

void query_put_span(struct query *q, struct span value)
{
    /* A NULL pointer would bind NULL instead of nothing. */
    const void *p = value.n > 0 ? (const void *)value.p : "";
    if (q->err == MLT_OK)
        note(q, sqlite3_bind_blob64(q->statement, ++q->bound, p, value.n, SQLITE_STATIC));
}

void query_put_text(struct query *q, const char *value)
{
    if (q->err == MLT_OK)
        note(q, sqlite3_bind_text(q->statement, ++q->bound, value, -1, SQLITE_STATIC));
}

void query_put_null(struct query *q)
{
    if (q->err == MLT_OK)
        note(q, sqlite3_bind_null(q->statement, ++q->bound));
}

enum mlt_err query_next(struct query *q, bool *row)
{
    TRY(q->err);
    int rc = sqlite3_step(q->statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        q->err = report(q->db);
        return q->err;
    }
    *row = rc == SQLITE_ROW;
    return MLT_OK;
}

enum mlt_err query_run(struct query *q)
{
    bool row = false;
    TRY(query_next(q, &row));
    return row ? MLT_ERR_STATE : MLT_OK;
}

int64_t query_int(struct query *q, int column)
{
    return sqlite3_column_int64(q->statement, column);
}

struct span query_span(struct query *q, int column)
{
    const void *p = sqlite3_column_blob(q->statement, column);
    return span_of(p, (size_t)sqlite3_column_bytes(q->statement, column));
}

const char *query_text(struct query *q, int column)
{
    const unsigned char *text = sqlite3_column_text(q->statement, column);
    return text != NULL ? (const char *)text : "";
}

bool query_is_null(struct query *q, int column)
{
    return sqlite3_column_type(q->statement, column) == SQLITE_NULL;
}

enum mlt_err query_bytes(struct query *q, int column, uint8_t *out, size_t n)
{
    struct span s = query_span(q, column);
    ENSURE(s.n == n, MLT_ERR_DAMAGED);
    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i];
    return MLT_OK;
}

enum mlt_err database_set(struct database *db, const char *key, struct span value)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "INSERT INTO meta(key, value) VALUES(?, ?) "
                                     "ON CONFLICT(key) DO UPDATE SET value = excluded.value");
    query_put_text(&q, key);
    query_put_span(&q, value);
    return query_run(&q);
}

enum mlt_err database_get(struct database *db, const char *key, struct buf *out)
{
    CLEANUP(query_end) struct query q = query_start(db, "SELECT value FROM meta WHERE key = ?");
    query_put_text(&q, key);
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_MISSING);
    return buf_put(out, query_span(&q, 0));
}
