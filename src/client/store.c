/* SPDX-License-Identifier: Apache-2.0 */
#include "client/store.h"

#include <errno.h>
#include <sqlite3.h>
#include <time.h>

#include "base/alloc.h"
#include "base/limits.h"

struct store {
    sqlite3 *db;
};

static const int schema_version = 1;

static const char schema[] =
    "CREATE TABLE streams (recipient TEXT PRIMARY KEY, epoch INTEGER NOT NULL,"
    "  next INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE messages (row INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL,"
    "  id BLOB NOT NULL, time INTEGER NOT NULL, epoch INTEGER NOT NULL, number INTEGER NOT NULL,"
    "  body BLOB NOT NULL, shown INTEGER NOT NULL DEFAULT 0, UNIQUE (sender, id)) STRICT;"
    "CREATE INDEX messages_unshown ON messages (row) WHERE shown = 0;"
    "CREATE TABLE contacts (name TEXT PRIMARY KEY, received INTEGER NOT NULL DEFAULT 0,"
    "  sent INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 1;";

static enum mlt_err err_with_errno(int number)
{
    errno = number;
    return MLT_ERR_SYSTEM;
}

static enum mlt_err err_of_sqlite(sqlite3 *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return MLT_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return MLT_ERR_LOCKED;
    case SQLITE_NOMEM:
        return MLT_ERR_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return MLT_ERR_DAMAGED;
    case SQLITE_FULL:
        return err_with_errno(ENOSPC);
    case SQLITE_READONLY:
        return err_with_errno(EROFS);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return sqlite3_system_errno(db) != 0 ? err_with_errno(sqlite3_system_errno(db))
                                             : MLT_ERR_DATABASE;
    default:
        return MLT_ERR_DATABASE;
    }
}

static enum mlt_err run(struct store *s, const char *sql)
{
    return err_of_sqlite(s->db, sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

static void finalize(sqlite3_stmt **q)
{
    sqlite3_finalize(*q);
}

static enum mlt_err prepare(struct store *s, const char *sql, sqlite3_stmt **q)
{
    return err_of_sqlite(s->db, sqlite3_prepare_v2(s->db, sql, -1, q, NULL));
}

/* Binding fails only for want of memory or a wrong index; stepping would then show it. */
static void bind_name(sqlite3_stmt *q, int at, const struct name *name)
{
    struct span text = name_span(name);
    sqlite3_bind_text(q, at, (const char *)text.p, (int)text.n, SQLITE_STATIC);
}

static void bind_blob(sqlite3_stmt *q, int at, struct span bytes)
{
    if (bytes.n == 0)
        sqlite3_bind_zeroblob(q, at, 0);
    else
        sqlite3_bind_blob64(q, at, bytes.p, bytes.n, SQLITE_STATIC);
}

static enum mlt_err step(struct store *s, sqlite3_stmt *q, bool *row)
{
    int rc = sqlite3_step(q);
    TRY(err_of_sqlite(s->db, rc));
    *row = rc == SQLITE_ROW;
    return MLT_OK;
}

static enum mlt_err step_to_end(struct store *s, sqlite3_stmt *q)
{
    bool row = true;
    while (row)
        TRY(step(s, q, &row));
    return MLT_OK;
}

static enum mlt_err column_name(sqlite3_stmt *q, int at, struct name *name)
{
    const void *text = sqlite3_column_text(q, at);
    struct span s = span_of(text, (size_t)sqlite3_column_bytes(q, at));
    ENSURE(text != NULL && name_parse(s, name) == MLT_OK, MLT_ERR_DAMAGED);
    return MLT_OK;
}

/* Rolls back on every way out that did not commit. */
struct transaction {
    struct store *store;
};

static void leave(struct transaction *t)
{
    if (t->store == NULL)
        return;
    int kept = errno;
    sqlite3_exec(t->store->db, "ROLLBACK", NULL, NULL, NULL);
    errno = kept;
}

static enum mlt_err enter(struct store *s, struct transaction *t)
{
    TRY(run(s, "BEGIN IMMEDIATE")); /* the write lock first: an upgrade could not wait for it */
    t->store = s;
    return MLT_OK;
}

static enum mlt_err commit(struct transaction *t)
{
    TRY(run(t->store, "COMMIT"));
    t->store = NULL;
    return MLT_OK;
}

static enum mlt_err read_version(struct store *s, int *version)
{
    CLEANUP(finalize) sqlite3_stmt *q = NULL;
    TRY(prepare(s, "PRAGMA user_version", &q));
    bool row = false;
    TRY(step(s, q, &row));
    ENSURE(row, MLT_ERR_DAMAGED);
    *version = sqlite3_column_int(q, 0);
    return MLT_OK;
}

static enum mlt_err check_version(struct store *s)
{
    int version = 0;
    TRY(read_version(s, &version));
    ENSURE(version <= schema_version, MLT_ERR_NEWER);
    if (version == schema_version)
        return MLT_OK;
    CLEANUP(leave) struct transaction t = { 0 };
    TRY(enter(s, &t));
    TRY(read_version(s, &version)); /* another process may have been first */
    if (version == 0)
        TRY(run(s, schema));
    return commit(&t);
}

/*
 * The change to WAL takes an exclusive lock without asking the busy handler, so processes that
 * open a fresh file at once meet here.
 */
static enum mlt_err enter_wal(struct store *s)
{
    const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
    enum mlt_err err = run(s, "PRAGMA journal_mode = WAL");
    for (int waited = 0; err == MLT_ERR_LOCKED && waited < LIMIT_STORE_BUSY_MS; waited += 10) {
        nanosleep(&pause, NULL);
        err = run(s, "PRAGMA journal_mode = WAL");
    }
    return err;
}

static enum mlt_err settle(struct store *s)
{
    ENSURE(sqlite3_busy_timeout(s->db, LIMIT_STORE_BUSY_MS) == SQLITE_OK, MLT_ERR_DATABASE);
    TRY(run(s, "PRAGMA trusted_schema = OFF"));
    TRY(run(s, "PRAGMA secure_delete = ON"));
    TRY(enter_wal(s));
    TRY(run(s, "PRAGMA synchronous = FULL"));
    return check_version(s);
}

enum mlt_err store_open(const struct home *home, struct store **store)
{
    /* SQLite gives its -wal and -shm the mode of the file: so that is there first, and private. */
    TRY(file_check_private(home->dirfd, "malote.db", true));
    CLEANUP(buf_clear) struct buf path = { 0 };
    TRY(buf_put_format(&path, "%s/malote.db", home->path));
    const char *text = NULL;
    TRY(buf_text(&path, &text));

    CLEANUP(store_close) struct store *s = NULL;
    TRY(ALLOC_NEW(&s));
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    int rc = sqlite3_open_v2(text, &s->db, flags, NULL);
    TRY(err_of_sqlite(s->db, rc));
    TRY(settle(s));
    *store = s;
    s = NULL;
    return MLT_OK;
}

void store_close(struct store **store)
{
    if (*store == NULL)
        return;
    sqlite3_close((*store)->db);
    alloc_free(*store);
    *store = NULL;
}

static enum mlt_err find_place(struct store *s, const struct name *recipient, bool *found,
                               struct store_place *place)
{
    CLEANUP(finalize) sqlite3_stmt *q = NULL;
    TRY(prepare(s, "SELECT epoch, next FROM streams WHERE recipient = ?1", &q));
    bind_name(q, 1, recipient);
    bool row = false;
    TRY(step(s, q, &row));
    if (row) {
        place->epoch = (uint64_t)sqlite3_column_int64(q, 0);
        place->number = (uint64_t)sqlite3_column_int64(q, 1);
    }
    *found = row;
    return MLT_OK;
}

static enum mlt_err write_place(struct store *s, const struct name *recipient,
                                const struct store_place *place)
{
    CLEANUP(finalize) sqlite3_stmt *q = NULL;
    TRY(prepare(s,
                "INSERT INTO streams (recipient, epoch, next) VALUES (?1, ?2, ?3)"
                " ON CONFLICT (recipient) DO UPDATE SET epoch = ?2, next = ?3",
                &q));
    bind_name(q, 1, recipient);
    sqlite3_bind_int64(q, 2, (int64_t)place->epoch);
    sqlite3_bind_int64(q, 3, (int64_t)place->number);
    return step_to_end(s, q);
}

enum mlt_err store_take_place(struct store *store, const struct name *recipient,
                              const struct env *env, struct store_place *place)
{
    CLEANUP(leave) struct transaction t = { 0 };
    TRY(enter(store, &t));
    struct store_place taken = { 0 };
    bool found = false;
    TRY(find_place(store, recipient, &found, &taken));
    if (!found) {
        TRY(env_random(env, (uint8_t *)&taken.epoch, sizeof(taken.epoch)));
        taken.number = 1;
    }
    const struct store_place next = { taken.epoch, taken.number + 1 };
    TRY(write_place(store, recipient, &next));
    TRY(commit(&t));
    *place = taken;
    return MLT_OK;
}

static enum mlt_err insert_message(struct store *s, const struct envelope *e, bool *fresh)
{
    CLEANUP(finalize) sqlite3_stmt *q = NULL;
    TRY(prepare(s,
                "INSERT INTO messages (sender, id, time, epoch, number, body)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (sender, id) DO NOTHING",
                &q));
    bind_name(q, 1, &e->sender.name);
    bind_blob(q, 2, SPAN_OF(e->id));
    sqlite3_bind_int64(q, 3, e->time_ms);
    sqlite3_bind_int64(q, 4, (int64_t)e->epoch);
    sqlite3_bind_int64(q, 5, (int64_t)e->number);
    bind_blob(q, 6, e->body);
    TRY(step_to_end(s, q));
    *fresh = sqlite3_changes(s->db) == 1;
    return MLT_OK;
}

static enum mlt_err run_contact(struct store *s, const char *sql, const struct name *name,
                                int64_t time_ms)
{
    CLEANUP(finalize) sqlite3_stmt *q = NULL;
    TRY(prepare(s, sql, &q));
    bind_name(q, 1, name);
    sqlite3_bind_int64(q, 2, time_ms);
    return step_to_end(s, q);
}

enum mlt_err store_put(struct store *store, const struct envelope *e, bool *fresh)
{
    static const char note[] = "INSERT INTO contacts (name, received) VALUES (?1, ?2)"
                               " ON CONFLICT (name) DO UPDATE SET received = max(received, ?2)";
    CLEANUP(leave) struct transaction t = { 0 };
    TRY(enter(store, &t));
    bool is_new = false;
    TRY(insert_message(store, e, &is_new));
    if (is_new)
        TRY(run_contact(store, note, &e->sender.name, e->time_ms));
    TRY(commit(&t));
    *fresh = is_new;
    return MLT_OK;
}

void store_message_clear(struct store_message *m)
{
    buf_clear(&m->body);
    *m = (struct store_message) { 0 };
}

static enum mlt_err read_message(sqlite3_stmt *q, struct store_message *m)
{
    CLEANUP(store_message_clear) struct store_message got = { 0 };
    got.row = sqlite3_column_int64(q, 0);
    TRY(column_name(q, 1, &got.sender));
    const uint8_t *id = sqlite3_column_blob(q, 2);
    ENSURE(id != NULL && sqlite3_column_bytes(q, 2) == ENVELOPE_ID, MLT_ERR_DAMAGED);
    for (size_t i = 0; i < ENVELOPE_ID; i++)
        got.id[i] = id[i];
    got.time_ms = sqlite3_column_int64(q, 3);
    got.epoch = (uint64_t)sqlite3_column_int64(q, 4);
    got.number = (uint64_t)sqlite3_column_int64(q, 5);
    const void *body = sqlite3_column_blob(q, 6);
    TRY(buf_put(&got.body, span_of(body, (size_t)sqlite3_column_bytes(q, 6))));
    const char *text = NULL;
    TRY(buf_text(&got.body, &text)); /* a NUL behind it, for who takes it for text */
    store_message_clear(m);
    *m = got;
    got = (struct store_message) { 0 };
    return MLT_OK;
}

enum mlt_err store_unshown(struct store *store, int64_t after, const struct name *only,
                           struct store_message *m, bool *found)
{
    CLEANUP(finalize) sqlite3_stmt *q = NULL;
    TRY(prepare(store,
                "SELECT row, sender, id, time, epoch, number, body FROM messages"
                " WHERE shown = 0 AND row > ?1 AND (?2 IS NULL OR sender = ?2)"
                " ORDER BY row LIMIT 1",
                &q));
    sqlite3_bind_int64(q, 1, after);
    if (only != NULL)
        bind_name(q, 2, only);
    bool row = false;
    TRY(step(store, q, &row));
    if (row)
        TRY(read_message(q, m));
    *found = row;
    return MLT_OK;
}

enum mlt_err store_shown(struct store *store, int64_t row)
{
    CLEANUP(finalize) sqlite3_stmt *q = NULL;
    TRY(prepare(store, "UPDATE messages SET shown = 1 WHERE row = ?1", &q));
    sqlite3_bind_int64(q, 1, row);
    return step_to_end(store, q);
}

enum mlt_err store_count_unshown(struct store *store, const struct name *except, uint64_t *count)
{
    CLEANUP(finalize) sqlite3_stmt *q = NULL;
    TRY(prepare(store,
                "SELECT count(*) FROM messages WHERE shown = 0 AND (?1 IS NULL OR sender <> ?1)",
                &q));
    if (except != NULL)
        bind_name(q, 1, except);
    bool row = false;
    TRY(step(store, q, &row));
    ENSURE(row, MLT_ERR_DAMAGED);
    *count = (uint64_t)sqlite3_column_int64(q, 0);
    return MLT_OK;
}

enum mlt_err store_reached(struct store *store, const struct name *recipient, int64_t now_ms)
{
    return run_contact(store,
                       "INSERT INTO contacts (name, sent) VALUES (?1, ?2)"
                       " ON CONFLICT (name) DO UPDATE SET sent = max(sent, ?2)",
                       recipient, now_ms);
}

enum mlt_err store_next_contact(struct store *store, const struct name *after,
                                struct store_contact *contact, bool *found)
{
    CLEANUP(finalize) sqlite3_stmt *q = NULL;
    TRY(prepare(store,
                "SELECT name, received, sent FROM contacts WHERE ?1 IS NULL OR name > ?1"
                " ORDER BY name LIMIT 1",
                &q));
    if (after != NULL)
        bind_name(q, 1, after);
    bool row = false;
    TRY(step(store, q, &row));
    if (row) {
        struct store_contact got = { 0 };
        TRY(column_name(q, 0, &got.name));
        got.received_ms = sqlite3_column_int64(q, 1);
        got.sent_ms = sqlite3_column_int64(q, 2);
        *contact = got;
    }
    *found = row;
    return MLT_OK;
}
