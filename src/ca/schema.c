/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/schema.h"

#include "base/attr.h"

/* clang-format off */
static const char *const steps[] = {
    /* 0 -> 1 */
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"

    /* Append-only; position counts from 0 without a gap.  PROTOCOL.md 10 */
    "CREATE TABLE leaf(position INTEGER PRIMARY KEY, bytes BLOB NOT NULL,"
    "  hash BLOB NOT NULL CHECK(length(hash) = 32)) STRICT;"
    "CREATE TRIGGER leaf_stays BEFORE DELETE ON leaf"
    "  BEGIN SELECT raise(ABORT, 'the ledger only grows'); END;"
    "CREATE TRIGGER leaf_is_final BEFORE UPDATE ON leaf"
    "  BEGIN SELECT raise(ABORT, 'the ledger only grows'); END;"

    "CREATE TABLE certificate(serial BLOB PRIMARY KEY CHECK(length(serial) = 16),"
    "  position INTEGER NOT NULL UNIQUE REFERENCES leaf(position),"
    "  role INTEGER NOT NULL, name TEXT NOT NULL, spki BLOB NOT NULL CHECK(length(spki) = 32),"
    "  issued_s INTEGER NOT NULL, not_after_s INTEGER NOT NULL, revoked_s INTEGER,"
    "  der BLOB NOT NULL) STRICT;"
    "CREATE INDEX certificate_name ON certificate(role, name, position);"
    "CREATE INDEX certificate_spki ON certificate(spki);"
    "CREATE INDEX certificate_issued ON certificate(role, issued_s);"
    "CREATE INDEX certificate_revoked ON certificate(revoked_s) WHERE revoked_s IS NOT NULL;"

    /* spki NULL: reissued, waits for the new key.  mailbox NULL: its pair is still to be made;
     * else where its line starts in chaves.txt. */
    "CREATE TABLE member(name TEXT PRIMARY KEY, spki BLOB UNIQUE CHECK(length(spki) = 32),"
    "  since_s INTEGER NOT NULL, mailbox INTEGER) STRICT, WITHOUT ROWID;"
    "CREATE INDEX member_without_mailbox ON member(since_s) WHERE mailbox IS NULL;"

    "CREATE TABLE revoked_key(spki BLOB PRIMARY KEY CHECK(length(spki) = 32),"
    "  revoked_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    /* sealed: the token, wiped once used; proof: what it was used with. */
    "CREATE TABLE invite(id BLOB PRIMARY KEY CHECK(length(id) = 8), name TEXT,"
    "  made_s INTEGER NOT NULL, expires_s INTEGER NOT NULL, salt BLOB, sealed BLOB,"
    "  proof BLOB CHECK(length(proof) = 32), used_name TEXT,"
    "  used_spki BLOB CHECK(length(used_spki) = 32)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX invite_expires ON invite(expires_s);"
    "CREATE INDEX invite_name ON invite(name) WHERE name IS NOT NULL;"

    "CREATE TABLE pending(name TEXT NOT NULL, spki BLOB NOT NULL CHECK(length(spki) = 32),"
    "  request BLOB NOT NULL, asked_s INTEGER NOT NULL, refused INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY(name, spki)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX pending_asked ON pending(asked_s);"

    "PRAGMA user_version = 1;",

    /* 1 -> 2: whose mailbox pair was erased, until net has removed the mail; erased.h */
    "CREATE TABLE erased(name TEXT PRIMARY KEY, erased_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    "PRAGMA user_version = 2;",
};
/* clang-format on */

static const char *step(int64_t from)
{
    return steps[from];
}

const struct database_schema schema_ledger = {
    .file = SCHEMA_FILE,
    .version = (int64_t)COUNT_OF(steps),
    .step = step,
    .busy_ms = 5000,
    .in_log = true,
};
