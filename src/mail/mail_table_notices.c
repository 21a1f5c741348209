/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_table.h"

/* Notices, the store's clock, and what is asked at the start. */

enum mlt_err mail_table_find_notice(struct mail_table *t, const struct name *sender,
                                    const uint8_t id[static ENVELOPE_ID],
                                    struct mail_notice *notice, bool *found)
{
    MAIL_ASK(q, t, MAIL_SQL_FIND_NOTICE);
    query_put_name(q, sender);
    query_put_span(q, span_of(id, ENVELOPE_ID));
    TRY(query_next(q, found));
    if (!*found)
        return MLT_OK;
    *notice = (struct mail_notice) { .state = (enum outcome_state)query_int(q, 0) };
    if (query_name(q, 1, &notice->recipient) != MLT_OK)
        notice->recipient = (struct name) { 0 };
    return MLT_OK;
}

enum mlt_err mail_table_put_notice(struct mail_table *t, const struct mail_told *told)
{
    const struct mail_notice *n = &told->notice;
    MAIL_ASK(q, t, MAIL_SQL_PUT_NOTICE);
    query_put_int(q, told->row);
    query_put_name(q, &n->sender);
    query_put_name(q, &n->recipient);
    query_put_span(q, SPAN_OF(n->id));
    query_put_int(q, n->state);
    query_put_int(q, n->reason);
    query_put_int(q, told->kept);
    return query_run(q);
}

enum mlt_err mail_table_drop_notice(struct mail_table *t, const struct name *sender,
                                    const uint8_t id[static ENVELOPE_ID])
{
    MAIL_ASK(q, t, MAIL_SQL_NOTICE_GOES);
    query_put_name(q, sender);
    query_put_span(q, span_of(id, ENVELOPE_ID));
    return query_run(q);
}

enum mlt_err mail_table_noted(struct mail_table *t, const struct name *sender,
                              const struct noted *noted)
{
    MAIL_ASK(q, t, MAIL_SQL_NOTED);
    query_put_name(q, sender);
    query_put_span(q, SPAN_OF(noted->id));
    query_put_int(q, noted->state);
    return query_run(q);
}

enum mlt_err mail_table_count_notices(struct mail_table *t, const struct name *sender,
                                      const struct name *recipient, uint64_t *count)
{
    static const struct name none;
    MAIL_ASK(q, t, MAIL_SQL_COUNT_NOTICES);
    query_put_name(q, sender);
    query_put_name(q, recipient != NULL ? recipient : &none);
    bool row = false;
    TRY(query_next(q, &row));
    int64_t waiting = row ? query_int(q, 0) : 0;
    *count = waiting > 0 ? (uint64_t)waiting : 0;
    return MLT_OK;
}

static enum mlt_err find_old_notice(struct mail_table *t, int64_t kept, int64_t *number,
                                    bool *found)
{
    MAIL_ASK(q, t, MAIL_SQL_OLDEST_NOTICE);
    bool row = false;
    TRY(query_next(q, &row));
    *found = row && query_int(q, 1) < kept;
    if (*found)
        *number = query_int(q, 0);
    return MLT_OK;
}

enum mlt_err mail_table_forget_notice(struct mail_table *t, int64_t kept, bool *forgot)
{
    int64_t number = 0;
    TRY(find_old_notice(t, kept, &number, forgot));
    if (!*forgot)
        return MLT_OK;
    MAIL_ASK(q, t, MAIL_SQL_OLD_NOTICE_GOES);
    query_put_int(q, number);
    return query_run(q);
}

enum mlt_err mail_table_marks(struct mail_table *t, struct mail_marks *marks)
{
    MAIL_ASK(q, t, MAIL_SQL_CLOCK);
    bool row = false;
    TRY(query_next(q, &row));
    ENSURE(row, MLT_ERR_DATABASE);
    struct mail_marks got = { .kept_ms = query_int(q, 2), .saved_ms = query_int(q, 3) };
    got.wall_ms = query_int(q, 4);
    int64_t message = query_int(q, 0), notice = query_int(q, 1);
    ENSURE(message >= 0 && message < INT64_MAX && notice >= 0 && notice < INT64_MAX,
           MLT_ERR_DAMAGED);
    ENSURE(got.saved_ms >= 0 && got.wall_ms >= 0, MLT_ERR_DAMAGED);
    got.next_message = message + 1;
    got.next_notice = notice + 1;
    *marks = got;
    return MLT_OK;
}

enum mlt_err mail_table_set_clock(struct mail_table *t, int64_t age_ms, int64_t wall_ms)
{
    MAIL_ASK(q, t, MAIL_SQL_SET_CLOCK);
    query_put_int(q, age_ms);
    query_put_int(q, wall_ms);
    return query_run(q);
}

enum mlt_err mail_table_is_empty(struct mail_table *t, bool *empty)
{
    MAIL_ASK(q, t, MAIL_SQL_ANYTHING);
    bool row = false;
    TRY(query_next(q, &row));
    *empty = row && query_int(q, 0) == 0;
    return MLT_OK;
}

enum mlt_err mail_table_restart_wal(struct mail_table *t)
{
    MAIL_ASK(q, t, MAIL_SQL_RESTART);
    bool row = false;
    TRY(query_next(q, &row));
    bool busy = row && query_int(q, 0) != 0;
    TRY(query_next(q, &row));
    return busy ? MLT_ERR_LOCKED : MLT_OK;
}

enum mlt_err mail_table_free_pages(struct mail_table *t, uint64_t *pages)
{
    MAIL_ASK(q, t, MAIL_SQL_FREE_PAGES);
    bool row = false;
    TRY(query_next(q, &row));
    *pages = row ? (uint64_t)query_int(q, 0) : 0;
    return MLT_OK;
}

enum mlt_err mail_table_each_box(struct mail_table *t, const struct mail_box_visit *visit)
{
    CLEANUP(query_end)
    struct query q = query_start(&t->db, "SELECT b.recipient, sum(s.messages) FROM shares s "
                                         "JOIN boxes b ON b.number = s.box WHERE b.erased = 0 "
                                         "GROUP BY s.box");
    bool row = false;
    TRY(query_next(&q, &row));
    while (row) {
        struct name recipient;
        TRY(query_name(&q, 0, &recipient));
        int64_t messages = query_int(&q, 1);
        if (messages > 0)
            TRY(visit->box(visit->ctx, &recipient, (uint64_t)messages));
        TRY(query_next(&q, &row));
    }
    return MLT_OK;
}
