/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_table.h"

#include "mail/mail_schema.h"

#define MESSAGE_COLUMNS "SELECT row, box, segment, kept, sender, id, length(sealed) FROM messages "

/* clang-format off */
static const char *const texts[] = {
    [MAIL_SQL_FIND_BOX] = "SELECT number FROM boxes WHERE recipient = ? AND erased = 0",
    [MAIL_SQL_ADD_BOX] = "INSERT INTO boxes(recipient) VALUES(?) RETURNING number",
    [MAIL_SQL_BOX_OWNER] = "SELECT recipient, erased FROM boxes WHERE number = ?",
    [MAIL_SQL_BOX_SUM] =
        "SELECT ifnull(sum(messages), 0), ifnull(sum(bytes), 0) FROM shares WHERE box = ?",
    [MAIL_SQL_BOX_MARK] = "UPDATE boxes SET erased = 1 WHERE number = ?",
    [MAIL_SQL_BOX_SHARES_GO] = "DELETE FROM shares WHERE box = ?",
    [MAIL_SQL_BOX_SEGMENTS_GO] = "DELETE FROM segments WHERE box = ?",
    [MAIL_SQL_BOX_ERASED] = "SELECT number FROM boxes WHERE erased = 1 ORDER BY number LIMIT 1",
    [MAIL_SQL_BOX_GOES] = "DELETE FROM boxes WHERE number = ?",
    [MAIL_SQL_FIND_SHARE] = "SELECT messages, bytes FROM shares WHERE box = ? AND sender = ?",
    [MAIL_SQL_SET_SHARE] =
        "INSERT INTO shares(box, sender, messages, bytes) VALUES(?, ?, ?, ?) ON CONFLICT(box, sender)"
        " DO UPDATE SET messages = excluded.messages, bytes = excluded.bytes",
    [MAIL_SQL_SHARE_GOES] = "DELETE FROM shares WHERE box = ? AND sender = ?",
    [MAIL_SQL_ADD_SEGMENT] =
        "INSERT INTO segments(box, id, wrapped, proof) VALUES(?, ?, ?, ?) RETURNING number",
    /* Those of a segment stand together in their box: its neighbours tell. */
    [MAIL_SQL_SEGMENT_BEFORE] =
        "SELECT segment FROM messages WHERE box = ? AND row < ? ORDER BY row DESC LIMIT 1",
    [MAIL_SQL_SEGMENT_AFTER] =
        "SELECT segment FROM messages WHERE box = ? AND row > ? ORDER BY row LIMIT 1",
    [MAIL_SQL_SEGMENT_GOES] = "DELETE FROM segments WHERE number = ?",
    [MAIL_SQL_ADD_MESSAGE] =
        "INSERT INTO messages(row, box, segment, idx, sender, id, kept, sealed)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(sender, id) DO NOTHING",
    [MAIL_SQL_FIND_ID] = "SELECT row FROM messages WHERE sender = ? AND id = ?",
    [MAIL_SQL_MESSAGE] = MESSAGE_COLUMNS "WHERE row = ?",
    [MAIL_SQL_MESSAGES_FROM] = MESSAGE_COLUMNS "WHERE row >= ? ORDER BY row LIMIT ?",
    [MAIL_SQL_MESSAGES_OF_BOX] = MESSAGE_COLUMNS "WHERE box = ? ORDER BY row LIMIT ?",
    [MAIL_SQL_MESSAGE_GOES] = "DELETE FROM messages WHERE row = ?",
    [MAIL_SQL_FIND_NOTICE] = "SELECT state, recipient FROM notices WHERE sender = ? AND id = ?",
    [MAIL_SQL_PUT_NOTICE] =
        "INSERT INTO notices(row, sender, recipient, id, state, reason, kept)"
        " VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(sender, id) DO UPDATE SET"
        " recipient = excluded.recipient, state = excluded.state, reason = excluded.reason",
    [MAIL_SQL_NOTICE_GOES] = "DELETE FROM notices WHERE sender = ? AND id = ?",
    [MAIL_SQL_NOTED] = "DELETE FROM notices WHERE sender = ? AND id = ? AND state = ?",
    [MAIL_SQL_COUNT_NOTICES] = "SELECT notices FROM waiting WHERE sender = ? AND recipient = ?",
    [MAIL_SQL_OLDEST_NOTICE] = "SELECT row, kept FROM notices ORDER BY row LIMIT 1",
    [MAIL_SQL_OLD_NOTICE_GOES] = "DELETE FROM notices WHERE row = ?",
    [MAIL_SQL_CLOCK] =
        "SELECT ifnull((SELECT max(row) FROM messages), 0), ifnull((SELECT max(row) FROM notices), 0),"
        " max(ifnull((SELECT kept FROM messages ORDER BY row DESC LIMIT 1), 0),"
        "     ifnull((SELECT kept FROM notices ORDER BY row DESC LIMIT 1), 0)),"
        " ifnull((SELECT age_ms FROM clock), 0), ifnull((SELECT wall_ms FROM clock), 0)",
    [MAIL_SQL_SET_CLOCK] =
        "INSERT INTO clock(only_row, age_ms, wall_ms) VALUES(1, ?, ?) ON CONFLICT(only_row)"
        " DO UPDATE SET age_ms = excluded.age_ms, wall_ms = excluded.wall_ms",
    [MAIL_SQL_ANYTHING] =
        "SELECT EXISTS(SELECT 1 FROM messages) OR EXISTS(SELECT 1 FROM notices)",
    [MAIL_SQL_RESTART] = "PRAGMA wal_checkpoint(RESTART)",
    [MAIL_SQL_FREE_PAGES] = "PRAGMA freelist_count",
};
/* clang-format on */

enum mlt_err mail_table_open(struct mail_table *t, int dirfd, bool create)
{
    *t = (struct mail_table) { 0 };
    return mail_schema_open(&t->db, dirfd, create);
}

void mail_table_close(struct mail_table *t)
{
    for (size_t i = 0; i < MAIL_SQLS; i++)
        query_end(&t->kept[i]);
    database_close(&t->db);
}

struct query *mail_table_ask(struct mail_table *t, enum mail_sql which)
{
    struct query *q = &t->kept[which];
    if (q->statement == NULL)
        *q = query_start(&t->db, texts[which]);
    else
        query_again(q);
    return q;
}

void mail_table_reset(struct query **q)
{
    query_again(*q);
}

/* ---- mailboxes and shares ---- */

enum mlt_err mail_table_find_box(struct mail_table *t, const struct name *recipient, int64_t *box,
                                 bool *found)
{
    MAIL_ASK(q, t, MAIL_SQL_FIND_BOX);
    query_put_name(q, recipient);
    TRY(query_next(q, found));
    if (*found)
        *box = query_int(q, 0);
    return MLT_OK;
}

/* What RETURNING says; the statement is done only when it was stepped to its end. */
static enum mlt_err take_number(struct query *q, int64_t *number)
{
    bool row = false;
    TRY(query_next(q, &row));
    ENSURE(row, MLT_ERR_DATABASE);
    *number = query_int(q, 0);
    TRY(query_next(q, &row));
    return row ? MLT_ERR_DATABASE : MLT_OK;
}

enum mlt_err mail_table_add_box(struct mail_table *t, const struct name *recipient, int64_t *box)
{
    MAIL_ASK(q, t, MAIL_SQL_ADD_BOX);
    query_put_name(q, recipient);
    return take_number(q, box);
}

enum mlt_err mail_table_box_owner(struct mail_table *t, int64_t box, struct name *owner,
                                  bool *erased)
{
    MAIL_ASK(q, t, MAIL_SQL_BOX_OWNER);
    query_put_int(q, box);
    bool row = false;
    TRY(query_next(q, &row));
    ENSURE(row, MLT_ERR_DAMAGED);
    TRY(query_name(q, 0, owner));
    *erased = query_int(q, 1) != 0;
    return MLT_OK;
}

/* What is out of a damaged row must not come out of arithmetic as a quota without bounds. */
static uint64_t column_count(struct query *q, int column)
{
    int64_t value = query_int(q, column);
    return value > 0 ? (uint64_t)value : 0;
}

enum mlt_err mail_table_box_sum(struct mail_table *t, int64_t box, struct mail_count *sum)
{
    MAIL_ASK(q, t, MAIL_SQL_BOX_SUM);
    query_put_int(q, box);
    bool row = false;
    TRY(query_next(q, &row));
    ENSURE(row, MLT_ERR_DATABASE);
    sum->messages = column_count(q, 0);
    sum->bytes = column_count(q, 1);
    return MLT_OK;
}

static enum mlt_err run_for(struct mail_table *t, enum mail_sql which, int64_t number)
{
    MAIL_ASK(q, t, which);
    query_put_int(q, number);
    return query_run(q);
}

enum mlt_err mail_table_erase_box(struct mail_table *t, int64_t box)
{
    TRY(run_for(t, MAIL_SQL_BOX_MARK, box));
    TRY(run_for(t, MAIL_SQL_BOX_SHARES_GO, box));
    return run_for(t, MAIL_SQL_BOX_SEGMENTS_GO, box);
}

enum mlt_err mail_table_erased_box(struct mail_table *t, int64_t *box, bool *found)
{
    MAIL_ASK(q, t, MAIL_SQL_BOX_ERASED);
    TRY(query_next(q, found));
    if (*found)
        *box = query_int(q, 0);
    return MLT_OK;
}

enum mlt_err mail_table_drop_box(struct mail_table *t, int64_t box)
{
    return run_for(t, MAIL_SQL_BOX_GOES, box);
}

enum mlt_err mail_table_share(struct mail_table *t, int64_t box, const struct name *sender,
                              struct mail_count *share)
{
    MAIL_ASK(q, t, MAIL_SQL_FIND_SHARE);
    query_put_int(q, box);
    query_put_name(q, sender);
    bool row = false;
    TRY(query_next(q, &row));
    *share = (struct mail_count) { 0 };
    if (row) {
        share->messages = column_count(q, 0);
        share->bytes = column_count(q, 1);
    }
    return MLT_OK;
}

enum mlt_err mail_table_set_share(struct mail_table *t, int64_t box, const struct name *sender,
                                  const struct mail_count *share)
{
    bool gone = share->messages == 0;
    MAIL_ASK(q, t, gone ? MAIL_SQL_SHARE_GOES : MAIL_SQL_SET_SHARE);
    query_put_int(q, box);
    query_put_name(q, sender);
    if (!gone) {
        query_put_int(q, (int64_t)share->messages);
        query_put_int(q, (int64_t)share->bytes);
    }
    return query_run(q);
}

/* ---- segments and messages ---- */

enum mlt_err mail_table_add_segment(struct mail_table *t, int64_t box,
                                    const uint8_t id[static MAIL_SEGMENT],
                                    const struct mail_wrapped *wrapped, int64_t *number)
{
    MAIL_ASK(q, t, MAIL_SQL_ADD_SEGMENT);
    query_put_int(q, box);
    query_put_span(q, span_of(id, MAIL_SEGMENT));
    query_put_span(q, buf_span(&wrapped->secret));
    query_put_span(q, SPAN_OF(wrapped->proof));
    return take_number(q, number);
}

enum mlt_err mail_table_drop_segment(struct mail_table *t, int64_t number)
{
    return run_for(t, MAIL_SQL_SEGMENT_GOES, number);
}

enum mlt_err mail_table_add(struct mail_table *t, const struct mail_row *m, struct span sealed,
                            bool *added)
{
    MAIL_ASK(q, t, MAIL_SQL_ADD_MESSAGE);
    query_put_int(q, m->row);
    query_put_int(q, m->box);
    query_put_int(q, m->segment);
    query_put_int(q, m->index);
    query_put_name(q, &m->sender);
    query_put_span(q, SPAN_OF(m->id));
    query_put_int(q, m->kept);
    query_put_span(q, sealed);
    TRY(query_run(q));
    *added = query_changes(q) > 0;
    return MLT_OK;
}

enum mlt_err mail_table_find_id(struct mail_table *t, const struct name *sender,
                                const uint8_t id[static ENVELOPE_ID], int64_t *row, bool *found)
{
    MAIL_ASK(q, t, MAIL_SQL_FIND_ID);
    query_put_name(q, sender);
    query_put_span(q, span_of(id, ENVELOPE_ID));
    TRY(query_next(q, found));
    if (*found)
        *row = query_int(q, 0);
    return MLT_OK;
}

/* A row that says not whose it is can still be removed; nobody can be told. */
static void take_row(struct query *q, struct mail_row *m)
{
    struct mail_row got = { .row = query_int(q, 0), .box = query_int(q, 1) };
    got.segment = query_int(q, 2);
    got.kept = query_int(q, 3);
    got.damaged = query_name(q, 4, &got.sender) != MLT_OK ||
                  query_bytes(q, 5, got.id, sizeof(got.id)) != MLT_OK;
    got.bytes = column_count(q, 6);
    *m = got;
}

static enum mlt_err take_rows(struct query *q, struct mail_row *rows, size_t *count)
{
    size_t n = 0;
    bool row = false;
    TRY(query_next(q, &row));
    while (row) {
        take_row(q, &rows[n++]);
        TRY(query_next(q, &row));
    }
    *count = n;
    return MLT_OK;
}

enum mlt_err mail_table_find_row(struct mail_table *t, int64_t row, struct mail_row *m, bool *found)
{
    MAIL_ASK(q, t, MAIL_SQL_MESSAGE);
    query_put_int(q, row);
    TRY(query_next(q, found));
    if (*found)
        take_row(q, m);
    return MLT_OK;
}

enum mlt_err mail_table_from(struct mail_table *t, int64_t row, size_t most, struct mail_row *rows,
                             size_t *count)
{
    MAIL_ASK(q, t, MAIL_SQL_MESSAGES_FROM);
    query_put_int(q, row);
    query_put_int(q, (int64_t)most);
    return take_rows(q, rows, count);
}

enum mlt_err mail_table_of_box(struct mail_table *t, int64_t box, size_t most,
                               struct mail_row *rows, size_t *count)
{
    MAIL_ASK(q, t, MAIL_SQL_MESSAGES_OF_BOX);
    query_put_int(q, box);
    query_put_int(q, (int64_t)most);
    return take_rows(q, rows, count);
}

enum mlt_err mail_table_remove(struct mail_table *t, int64_t row)
{
    return run_for(t, MAIL_SQL_MESSAGE_GOES, row);
}

static enum mlt_err look_beside(struct mail_table *t, enum mail_sql which, const struct mail_row *m,
                                bool *same)
{
    MAIL_ASK(q, t, which);
    query_put_int(q, m->box);
    query_put_int(q, m->row);
    bool row = false;
    TRY(query_next(q, &row));
    *same = row && query_int(q, 0) == m->segment;
    return MLT_OK;
}

enum mlt_err mail_table_end_segment(struct mail_table *t, const struct mail_row *m, bool *ended)
{
    bool more = false;
    TRY(look_beside(t, MAIL_SQL_SEGMENT_AFTER, m, &more));
    if (!more)
        TRY(look_beside(t, MAIL_SQL_SEGMENT_BEFORE, m, &more));
    if (!more)
        TRY(mail_table_drop_segment(t, m->segment));
    *ended = !more;
    return MLT_OK;
}
