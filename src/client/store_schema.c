/* SPDX-License-Identifier: Apache-2.0 */
#include "client/store_schema.h"

/* What was released or lies in somebody's home is never changed: a later version is a step more. */
static const char *const steps[] = {
    "CREATE TABLE streams (recipient TEXT PRIMARY KEY, epoch INTEGER NOT NULL,"
    "  next INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE messages (row INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL,"
    "  id BLOB NOT NULL, time INTEGER NOT NULL, epoch INTEGER NOT NULL, number INTEGER NOT NULL,"
    "  body BLOB NOT NULL, shown INTEGER NOT NULL DEFAULT 0, UNIQUE (sender, id)) STRICT;"
    "CREATE INDEX messages_unshown ON messages (row) WHERE shown = 0;"
    "CREATE TABLE contacts (name TEXT PRIMARY KEY, received INTEGER NOT NULL DEFAULT 0,"
    "  sent INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 1;",

    /*
     * Messages of both directions in one table, so that history has one order.  Theirs: shown, gap,
     * tell (that it was read).  Ours: state and why (store.h), kept (in the outbox), changed (a
     * number that rises with every change of a fate, for those who watch), tried (when a session
     * first sent it; 0: none did).
     *
     * heard: the highest number of each stream that came, by which gaps are known.  A stream's row
     * is its byte in the file of turns.
     */
    "ALTER TABLE messages RENAME TO messages_1;"
    "CREATE TABLE messages (row INTEGER PRIMARY KEY AUTOINCREMENT, peer TEXT NOT NULL,"
    "  ours INTEGER NOT NULL, id BLOB NOT NULL, time INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    "  number INTEGER NOT NULL, flags INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL,"
    "  shown INTEGER NOT NULL DEFAULT 0, gap INTEGER NOT NULL DEFAULT 0,"
    "  tell INTEGER NOT NULL DEFAULT 0, state INTEGER NOT NULL DEFAULT 0,"
    "  why INTEGER NOT NULL DEFAULT 0, kept INTEGER NOT NULL DEFAULT 0,"
    "  changed INTEGER NOT NULL DEFAULT 0, changed_time INTEGER NOT NULL DEFAULT 0,"
    "  tried INTEGER NOT NULL DEFAULT 0) STRICT;"
    "INSERT INTO messages (row, peer, ours, id, time, epoch, number, body, shown)"
    "  SELECT row, sender, 0, id, time, epoch, number, body, shown FROM messages_1 ORDER BY row;"
    "DROP TABLE messages_1;"
    "CREATE UNIQUE INDEX messages_theirs ON messages (peer, id) WHERE ours = 0;"
    "CREATE UNIQUE INDEX messages_ours ON messages (id) WHERE ours = 1;"
    "CREATE INDEX messages_peer ON messages (peer, row);"
    "CREATE INDEX messages_unshown ON messages (row) WHERE ours = 0 AND shown = 0;"
    "CREATE INDEX messages_untold ON messages (row) WHERE tell = 1;"
    "CREATE INDEX messages_outbox ON messages (row) WHERE ours = 1 AND kept = 1;"
    "CREATE INDEX messages_waiting ON messages (peer, row) WHERE ours = 1 AND state = 0;"
    "CREATE INDEX messages_changed ON messages (changed, row) WHERE changed > 0;"

    "CREATE TABLE heard (sender TEXT NOT NULL, epoch INTEGER NOT NULL, last INTEGER NOT NULL,"
    "  PRIMARY KEY (sender, epoch)) STRICT, WITHOUT ROWID;"
    "INSERT INTO heard SELECT peer, epoch, max(number) FROM messages GROUP BY peer, epoch;"

    "ALTER TABLE streams RENAME TO streams_1;"
    "CREATE TABLE streams (row INTEGER PRIMARY KEY AUTOINCREMENT, recipient TEXT NOT NULL UNIQUE,"
    "  epoch INTEGER NOT NULL, next INTEGER NOT NULL) STRICT;"
    "INSERT INTO streams (recipient, epoch, next) SELECT recipient, epoch, next FROM streams_1;"
    "DROP TABLE streams_1;"
    "PRAGMA user_version = 2;",

    /*
     * What is known of the CA, one row (store_authority.h).  head: the signed head that is held;
     * restored_*: the last time it was put back, and whether somebody was told.  revoked: `since`
     * is the list's time that first had the serial.
     */
    "CREATE TABLE authority (one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  head BLOB, proven INTEGER NOT NULL DEFAULT 0, unproven INTEGER NOT NULL DEFAULT 0,"
    "  crl_number INTEGER NOT NULL DEFAULT 0, crl_this INTEGER NOT NULL DEFAULT 0,"
    "  crl_next INTEGER NOT NULL DEFAULT 0, newest INTEGER NOT NULL DEFAULT 0,"
    "  alarm INTEGER NOT NULL DEFAULT 0, alarm_time INTEGER NOT NULL DEFAULT 0,"
    "  restored_epoch INTEGER NOT NULL DEFAULT 0, restored_held INTEGER NOT NULL DEFAULT 0,"
    "  restored_base INTEGER NOT NULL DEFAULT 0, restored_told INTEGER NOT NULL DEFAULT 1) STRICT;"
    "INSERT INTO authority (one) VALUES (1);"
    "CREATE TABLE revoked (serial BLOB PRIMARY KEY, since INTEGER NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 3;",
};

static const char *step(int64_t from)
{
    return steps[from];
}

const struct database_schema store_schema = {
    .file = "malote.db",
    .version = (int64_t)COUNT_OF(steps),
    .step = step,
    .busy_ms = LIMIT_STORE_BUSY_MS,
    .in_log = false,
};
