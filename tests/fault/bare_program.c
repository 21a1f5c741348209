/* SPDX-License-Identifier: Apache-2.0
 *
 * SQLite alone, to try the checks on (said.h): with BARE=full nothing is wrong with it, with
 * BARE=normal power loses what it acknowledged, with BARE=early it says "did" before the commit,
 * with BARE=half it needs two transactions for one change, with BARE=twice what it tries again it
 * writes again.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "said.h"

enum { messages = 24, tries = 40 };

static const char *kind;

static bool is(const char *name)
{
    return strcmp(kind, name) == 0;
}

static bool run(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    bool done = sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK;
    if (!done)
        fprintf(stderr, "%s: %s\n", sql, why);
    sqlite3_free(why);
    return done;
}

static sqlite3 *open_at(const char *dir)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/bare.db", dir);
    sqlite3 *db = NULL;
    bool good =
        sqlite3_open(path, &db) == SQLITE_OK && run(db, "PRAGMA journal_mode = WAL") &&
        run(db, is("normal") ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL") &&
        run(db, "CREATE TABLE IF NOT EXISTS mail (row INTEGER PRIMARY KEY, id INTEGER,"
                " pad BLOB)") &&
        run(db, "CREATE TABLE IF NOT EXISTS told (id INTEGER PRIMARY KEY)");
    if (good)
        return db;
    sqlite3_close(db);
    return NULL;
}

static bool add(sqlite3 *db, int i)
{
    char sql[256];
    if (is("twice"))
        snprintf(sql, sizeof(sql), "INSERT INTO mail (id, pad) VALUES (%d, zeroblob(900))", i);
    else
        snprintf(sql, sizeof(sql),
                 "INSERT OR IGNORE INTO mail (row, id, pad) VALUES (%d, %d, zeroblob(900))", i, i);
    return run(db, "BEGIN IMMEDIATE") && run(db, sql) && run(db, "COMMIT");
}

static bool take(sqlite3 *db, int i)
{
    char drop[128];
    char tell[128];
    snprintf(drop, sizeof(drop), "DELETE FROM mail WHERE id = %d", i);
    snprintf(tell, sizeof(tell), "INSERT OR IGNORE INTO told VALUES (%d)", i);
    return run(db, "BEGIN IMMEDIATE") && run(db, drop) &&
           (!is("half") || (run(db, "COMMIT") && run(db, "BEGIN IMMEDIATE"))) && run(db, tell) &&
           run(db, "COMMIT");
}

static bool change(sqlite3 **db, const char *dir, int i, bool (*deed)(sqlite3 *, int))
{
    char keys[128];
    if (deed == add)
        snprintf(keys, sizeof(keys), "+mail/x/%d", i);
    else
        snprintf(keys, sizeof(keys), "-mail/x/%d +told/x/%d", i, i);
    for (int n = 0; n < tries; n++) {
        say("try %s", keys);
        if (is("early"))
            say("did %s", keys);
        if (*db != NULL && deed(*db, i)) {
            if (!is("early"))
                say("did %s", keys);
            return true;
        }
        say("not %s", keys);
        sqlite3_close(*db);
        *db = open_at(dir);
    }
    return false;
}

static int work(const char *dir, long done)
{
    sqlite3 *db = open_at(dir);
    for (int i = 1; i <= messages; i++) {
        if (--done < 0 && !change(&db, dir, i, add))
            return 1;
        if (i % 8 == 0 && db != NULL)
            (void)run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
        if (i % 3 == 0 && --done < 0 && !change(&db, dir, i / 3, take))
            return 1;
    }
    sqlite3_close(db);
    return 0;
}

static int show(const char *dir)
{
    sqlite3 *db = open_at(dir);
    if (db == NULL)
        return 1;
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, NULL) != SQLITE_OK ||
        sqlite3_step(q) != SQLITE_ROW || strcmp((const char *)sqlite3_column_text(q, 0), "ok") != 0)
        return 1;
    sqlite3_finalize(q);
    static const char all[] = "SELECT 'mail', id FROM mail UNION ALL SELECT 'told', id FROM told";
    if (sqlite3_prepare_v2(db, all, -1, &q, NULL) != SQLITE_OK)
        return 1;
    while (sqlite3_step(q) == SQLITE_ROW)
        say("has %s/x/%d", (const char *)sqlite3_column_text(q, 0), sqlite3_column_int(q, 1));
    sqlite3_finalize(q);
    sqlite3_close(db);
    return 0;
}

int main(int argc, char **argv)
{
    kind = getenv("BARE") == NULL ? "full" : getenv("BARE");
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "work") == 0)
        return work(argv[2], argc == 4 ? strtol(argv[3], NULL, 10) : 0);
    if (argc == 3 && strcmp(argv[1], "show") == 0)
        return show(argv[2]);
    return 2;
}
