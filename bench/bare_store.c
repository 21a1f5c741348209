/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_store.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/limits.h"
#include "stopwatch.h"

static enum mlt_err run(const struct bare_store *store, const char *sql)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? MLT_OK : MLT_ERR_DATABASE;
}

static enum mlt_err prepare(const struct bare_store *store, const char *sql, sqlite3_stmt **made)
{
    return sqlite3_prepare_v2(store->db, sql, -1, made, NULL) == SQLITE_OK ? MLT_OK
                                                                           : MLT_ERR_DATABASE;
}

enum mlt_err bare_store_open(struct bare_store *store, bool knows_ids)
{
    *store = (struct bare_store) { .file = "bench-bare.XXXXXX", .knows_ids = knows_ids };
    int fd = mkstemp(store->file);
    ENSURE(fd >= 0, MLT_ERR_SYSTEM);
    close(fd);
    ENSURE(sqlite3_open(store->file, &store->db) == SQLITE_OK, MLT_ERR_DATABASE);
    TRY(run(store, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
                   "CREATE TABLE message (row INTEGER PRIMARY KEY, sealed BLOB NOT NULL,"
                   " sender INTEGER, id BLOB)"));
    if (knows_ids)
        TRY(run(store, "CREATE UNIQUE INDEX message_id ON message (sender, id)"));
    TRY(prepare(store, "INSERT INTO message (sealed, sender, id) VALUES (?, ?, ?)", &store->put));
    TRY(prepare(store, "SELECT row, sealed FROM message WHERE row > ? ORDER BY row LIMIT 1",
                &store->next));
    return prepare(store, "DELETE FROM message WHERE row = ?", &store->drop);
}

void bare_store_close(struct bare_store *store)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    sqlite3_finalize(store->put);
    sqlite3_finalize(store->next);
    sqlite3_finalize(store->drop);
    sqlite3_close(store->db);
    for (size_t i = 0; store->file[0] != '\0' && i < sizeof(ends) / sizeof(ends[0]); i++) {
        char path[48];
        snprintf(path, sizeof(path), "%s%s", store->file, ends[i]);
        unlink(path);
    }
    *store = (struct bare_store) { 0 };
}

struct watch {
    double wall, cpu;
};

static struct watch watch_now(void)
{
    return (struct watch) { wall_s(), cpu_us() };
}

static struct bare_rate rate_since(const struct watch *start, size_t rows)
{
    return (struct bare_rate) { (double)rows / (wall_s() - start->wall),
                                (cpu_us() - start->cpu) / (double)rows };
}

static bool bind_id(const struct bare_store *store, size_t row)
{
    uint8_t id[16];
    return env_random(env_system(), id, sizeof(id)) == MLT_OK &&
           sqlite3_bind_int(store->put, 2, (int)(row % 100)) == SQLITE_OK &&
           sqlite3_bind_blob(store->put, 3, id, sizeof(id), SQLITE_TRANSIENT) == SQLITE_OK;
}

static enum mlt_err put_one(const struct bare_store *store, struct span bytes, size_t row)
{
    sqlite3_reset(store->put);
    bool bound =
        sqlite3_bind_blob(store->put, 1, bytes.p, (int)bytes.n, SQLITE_STATIC) == SQLITE_OK &&
        (!store->knows_ids || bind_id(store, row));
    return bound && sqlite3_step(store->put) == SQLITE_DONE ? MLT_OK : MLT_ERR_DATABASE;
}

enum mlt_err bare_store_put(struct bare_store *store, size_t rows, size_t size, size_t batch,
                            struct bare_rate *rate)
{
    static uint8_t bytes[2 * LIMIT_BODY];
    ENSURE(size <= sizeof(bytes) && batch > 0, MLT_ERR_RANGE);
    TRY(env_random(env_system(), bytes, size));
    const struct watch start = watch_now();
    for (size_t done = 0; done < rows;) {
        TRY(run(store, "BEGIN IMMEDIATE"));
        for (size_t i = 0; i < batch && done < rows; i++, done++)
            TRY(put_one(store, span_of(bytes, size), done));
        TRY(run(store, "COMMIT"));
    }
    *rate = rate_since(&start, rows);
    return MLT_OK;
}

static enum mlt_err take_one(const struct bare_store *store, sqlite3_int64 *row)
{
    sqlite3_reset(store->next);
    sqlite3_reset(store->drop);
    ENSURE(sqlite3_bind_int64(store->next, 1, *row) == SQLITE_OK &&
               sqlite3_step(store->next) == SQLITE_ROW,
           MLT_ERR_DATABASE);
    *row = sqlite3_column_int64(store->next, 0);
    ENSURE(sqlite3_column_blob(store->next, 1) != NULL, MLT_ERR_DATABASE);
    sqlite3_reset(store->next);
    bool done = sqlite3_bind_int64(store->drop, 1, *row) == SQLITE_OK &&
                sqlite3_step(store->drop) == SQLITE_DONE;
    return done ? MLT_OK : MLT_ERR_DATABASE;
}

enum mlt_err bare_store_take(struct bare_store *store, size_t rows, size_t batch,
                             struct bare_rate *rate)
{
    sqlite3_int64 row = 0;
    const struct watch start = watch_now();
    for (size_t done = 0; done < rows;) {
        TRY(run(store, "BEGIN IMMEDIATE"));
        for (size_t i = 0; i < batch && done < rows; i++, done++)
            TRY(take_one(store, &row));
        TRY(run(store, "COMMIT"));
    }
    *rate = rate_since(&start, rows);
    return MLT_OK;
}
