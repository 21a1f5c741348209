/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_schema.h"

#include "base/log.h"

/* clang-format off */
static const char *const steps[] = {
    /* 0 -> 1 */
    /* A mailbox.  An erased one keeps its messages only until they were swept away, and its owner
     * has a new one by then. */
    "CREATE TABLE boxes(number INTEGER PRIMARY KEY, recipient TEXT NOT NULL,"
    "  erased INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE UNIQUE INDEX boxes_recipient ON boxes(recipient) WHERE erased = 0;"
    "CREATE INDEX boxes_erased ON boxes(number) WHERE erased = 1;"

    /* What each sender has in it; the sum of them is what it holds. */
    "CREATE TABLE shares(box INTEGER NOT NULL, sender TEXT NOT NULL,"
    "  messages INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    "  PRIMARY KEY(box, sender)) STRICT, WITHOUT ROWID;"

    /* PROTOCOL.md 9.3 */
    "CREATE TABLE segments(number INTEGER PRIMARY KEY, box INTEGER NOT NULL, id BLOB NOT NULL,"
    "  wrapped BLOB NOT NULL, proof BLOB NOT NULL) STRICT;"
    "CREATE INDEX segments_box ON segments(box);"

    /* Rows rise in the order of arrival, so they also rise with `kept` (the store's own clock), and
     * the messages of a segment stand together among those of their box. */
    "CREATE TABLE messages(row INTEGER PRIMARY KEY, box INTEGER NOT NULL,"
    "  segment INTEGER NOT NULL, idx INTEGER NOT NULL, sender TEXT NOT NULL, id BLOB NOT NULL,"
    "  kept INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX messages_id ON messages(sender, id);"
    "CREATE INDEX messages_box ON messages(box);"

    /* What senders still have to be told. */
    "CREATE TABLE notices(row INTEGER PRIMARY KEY, sender TEXT NOT NULL, recipient TEXT NOT NULL,"
    "  id BLOB NOT NULL, state INTEGER NOT NULL, reason INTEGER NOT NULL,"
    "  kept INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX notices_id ON notices(sender, id);"
    "CREATE INDEX notices_sender ON notices(sender);"

    /* How many of them wait, since to count them would take as long as there are many: read-receipts
     * (state 6) of each pair, and under no recipient all the rest of a sender. */
    "CREATE TABLE waiting(sender TEXT NOT NULL, recipient TEXT NOT NULL, notices INTEGER NOT NULL,"
    "  PRIMARY KEY(sender, recipient)) STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER notice_comes AFTER INSERT ON notices BEGIN"
    "  INSERT INTO waiting(sender, recipient, notices)"
    "  VALUES(new.sender, CASE new.state WHEN 6 THEN new.recipient ELSE '' END, 1)"
    "  ON CONFLICT(sender, recipient) DO UPDATE SET notices = notices + 1; END;"
    "CREATE TRIGGER notice_goes AFTER DELETE ON notices BEGIN"
    "  UPDATE waiting SET notices = notices - 1 WHERE sender = old.sender"
    "  AND recipient = CASE old.state WHEN 6 THEN old.recipient ELSE '' END;"
    "  DELETE FROM waiting WHERE sender = old.sender"
    "  AND recipient = CASE old.state WHEN 6 THEN old.recipient ELSE '' END"
    "  AND notices <= 0; END;"
    "CREATE TRIGGER notice_changes AFTER UPDATE OF recipient, state ON notices BEGIN"
    "  UPDATE waiting SET notices = notices - 1 WHERE sender = old.sender"
    "  AND recipient = CASE old.state WHEN 6 THEN old.recipient ELSE '' END;"
    "  DELETE FROM waiting WHERE sender = old.sender"
    "  AND recipient = CASE old.state WHEN 6 THEN old.recipient ELSE '' END"
    "  AND notices <= 0;"
    "  INSERT INTO waiting(sender, recipient, notices)"
    "  VALUES(new.sender, CASE new.state WHEN 6 THEN new.recipient ELSE '' END, 1)"
    "  ON CONFLICT(sender, recipient) DO UPDATE SET notices = notices + 1; END;"

    /* How long this store has been at work, and what the wall clock showed then. */
    "CREATE TABLE clock(only_row INTEGER PRIMARY KEY CHECK(only_row = 1),"
    "  age_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL) STRICT;"
    "PRAGMA user_version = 1;",
};
/* clang-format on */

static const char *step(int64_t from)
{
    return steps[from];
}

/* Its two connections are ours alone; the time is for the lock of one that opens or recovers.  The
 * first opens it on the loop of net, which must hear STOP well within LIMIT_STOP_MS. */
static const struct database_schema schema = {
    .file = "mail.db",
    .version = COUNT_OF(steps),
    .step = step,
    .busy_ms = 1000,
};

static enum mlt_err create_tables(struct database *db)
{
    TRY(database_begin(db));
    return database_end(db, database_create(db));
}

static enum mlt_err set(struct database *db, const char *pragma)
{
    CLEANUP(query_end) struct query q = query_start(db, pragma);
    bool row = false;
    return query_next(&q, &row);
}

enum mlt_err mail_schema_open(struct database *db, int dirfd, bool create)
{
    const struct database_place place = { .dirfd = dirfd, .path = schema.file };
    CLEANUP(database_close) struct database made = { 0 };
    bool fresh = false;
    TRY(database_open(&made, &schema, &place, create, &fresh));
    ENSURE(create || !fresh, MLT_ERR_MISSING); /* an empty file is not the one that was here */
    if (fresh) {
        TRY(create_tables(&made));
        log_info("%s was not there, or was empty: it is begun anew", schema.file);
    }
    TRY(set(&made, "PRAGMA wal_autocheckpoint = 0"));
    /* In KiB: what does not fit would go to the WAL before the commit, and once more with it. */
    TRY(set(&made, "PRAGMA cache_size = -16384"));
    *db = made;
    made = (struct database) { 0 };
    return MLT_OK;
}
