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

    /* 2 -> 3: the ledger as a tree.  Of level n at idx: the hash over the 2^n leaves from
     * idx * 2^n on, once all of them are there; level 0 is leaf.hash.  What an older file has in
     * leaves and not in nodes yet is made up for by ledger_tree_complete. */
    "CREATE TABLE node(level INTEGER NOT NULL CHECK(level > 0), idx INTEGER NOT NULL,"
    "  hash BLOB NOT NULL CHECK(length(hash) = 32), PRIMARY KEY(level, idx)) STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER node_stays BEFORE DELETE ON node"
    "  BEGIN SELECT raise(ABORT, 'the ledger only grows'); END;"
    "CREATE TRIGGER node_is_final BEFORE UPDATE ON node"
    "  BEGIN SELECT raise(ABORT, 'the ledger only grows'); END;"
    "INSERT INTO meta(key, value) SELECT 'nodes due', x'01' WHERE EXISTS(SELECT 1 FROM leaf);"

    /* base: how many leaves it has in common with the ledgers of all earlier epochs; size: how many
     * it had when the epoch was opened; whole, crl: see struct ledger_opening; crl NULL: none. */
    "CREATE TABLE epoch(epoch INTEGER PRIMARY KEY, base INTEGER NOT NULL, size INTEGER NOT NULL,"
    "  whole INTEGER NOT NULL, crl INTEGER) STRICT;"

    /* until_s: past its end and its grace, and so past the CRL.  number: of the notice that told of
     * it; NULL: none has yet.  A serial may be unknown here, see revoke_carry.  604800 is
     * LIMIT_GRACE_S: older files knew no reasons, and told nobody by CRL. */
    "CREATE TABLE revocation(serial BLOB PRIMARY KEY CHECK(length(serial) = 16),"
    "  revoked_s INTEGER NOT NULL, reason INTEGER NOT NULL, until_s INTEGER NOT NULL,"
    "  number INTEGER) STRICT, WITHOUT ROWID;"
    "CREATE INDEX revocation_untold ON revocation(until_s) WHERE number IS NULL;"
    "INSERT INTO revocation SELECT serial, revoked_s, 0, not_after_s + 604800, NULL"
    "  FROM certificate WHERE revoked_s IS NOT NULL;"
    "DROP INDEX certificate_revoked;"
    "ALTER TABLE certificate DROP COLUMN revoked_s;"

    /* The newest one only. */
    "CREATE TABLE crl(number INTEGER PRIMARY KEY, position INTEGER NOT NULL REFERENCES"
    "  leaf(position), this_update_s INTEGER NOT NULL, next_update_s INTEGER NOT NULL,"
    "  entries INTEGER NOT NULL, der BLOB NOT NULL) STRICT;"
    "CREATE TABLE notice(number INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT;"

    /* closed_s: revoked, and only reissue opens the name.  renew_until_s: the administrator's leave
     * to renew what expired long ago. */
    "ALTER TABLE member ADD COLUMN closed_s INTEGER;"
    "ALTER TABLE member ADD COLUMN renew_until_s INTEGER;"
    "CREATE TABLE seen(name TEXT PRIMARY KEY, seen_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    "PRAGMA user_version = 3;",
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
