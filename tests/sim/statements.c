/* SPDX-License-Identifier: Apache-2.0 */
#include <sqlite3.h>

#include "base/alloc.h"
#include "sim.h"

/*
 * A third of the time of a world goes into preparing the same few statements anew.  Here (the
 * linker puts these in front, --wrap) all of them are kept for as long as their database is open,
 * not only those that store_rows.h keeps.
 */

int __real_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **out,
                              const char **tail);
int __real_sqlite3_finalize(sqlite3_stmt *statement);
int __real_sqlite3_close(sqlite3 *db);
int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **out,
                              const char **tail);
int __wrap_sqlite3_finalize(sqlite3_stmt *statement);
int __wrap_sqlite3_close(sqlite3 *db);

#define DATABASES  160 /* open at once */
#define STATEMENTS 64  /* of one */

struct kept {
    const char *sql; /* a literal: its address tells it from others */
    sqlite3_stmt *statement;
    bool in_use;
};

struct kept_database {
    sqlite3 *db; /* NULL: free */
    struct kept statements[STATEMENTS];
    size_t count;
};

static struct kept_database kept[DATABASES];

static struct kept_database *find_database(const sqlite3 *db)
{
    for (size_t i = 0; i < DATABASES; i++)
        if (kept[i].db == db)
            return &kept[i];
    return NULL;
}

int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **out,
                              const char **tail)
{
    struct kept_database *d = find_database(db);
    if (d == NULL && (d = find_database(NULL)) != NULL)
        *d = (struct kept_database) { .db = db };
    for (size_t i = 0; d != NULL && i < d->count; i++) {
        struct kept *k = &d->statements[i];
        if (k->sql == sql && !k->in_use) {
            k->in_use = true;
            *out = k->statement;
            return SQLITE_OK;
        }
    }
    int rc = __real_sqlite3_prepare_v2(db, sql, n, out, tail);
    if (rc == SQLITE_OK && d != NULL && d->count < STATEMENTS)
        d->statements[d->count++] = (struct kept) { sql, *out, true };
    return rc;
}

int __wrap_sqlite3_finalize(sqlite3_stmt *statement)
{
    struct kept_database *d =
        statement == NULL ? NULL : find_database(sqlite3_db_handle(statement));
    for (size_t i = 0; d != NULL && i < d->count; i++) {
        if (d->statements[i].statement != statement)
            continue;
        d->statements[i].in_use = false;
        sqlite3_clear_bindings(statement);
        return sqlite3_reset(statement);
    }
    return __real_sqlite3_finalize(statement);
}

int __wrap_sqlite3_close(sqlite3 *db)
{
    struct kept_database *d = find_database(db);
    for (size_t i = 0; d != NULL && i < d->count; i++)
        __real_sqlite3_finalize(d->statements[i].statement);
    if (d != NULL)
        *d = (struct kept_database) { 0 };
    return __real_sqlite3_close(db);
}
