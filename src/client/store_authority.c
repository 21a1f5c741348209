/* SPDX-License-Identifier: Apache-2.0 */
#include "client/store_authority.h"

#include <string.h>

#include "client/store_rows.h"

/* The longest life, the time in which it may still be renewed, and the window an administrator may
 * open for that.  PROTOCOL.md 11.5 */
static const int64_t most_life_s =
    INT64_C(86400) * LIMIT_CERT_DAYS + LIMIT_GRACE_S + LIMIT_RENEW_WINDOW_S;

static enum mlt_err read_head(struct query *q, struct store_authority *a)
{
    struct span head = query_is_null(q, 0) ? span_of(NULL, 0) : query_span(q, 0);
    ENSURE(head.n <= sizeof(a->head), MLT_ERR_DAMAGED);
    if (head.n > 0)
        memcpy(a->head, head.p, head.n);
    a->head_size = head.n;
    return MLT_OK;
}

enum mlt_err store_authority_read(struct store *store, struct store_authority *a)
{
    struct store_authority got = { 0 };
    TRY(store_rows_ready(store));
    CLEANUP(query_end)
    struct query q = query_start(&store->db, "SELECT head, proven, unproven, crl_number, crl_this,"
                                             " crl_next, newest, alarm, alarm_time FROM authority");
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_DAMAGED);
    TRY(read_head(&q, &got));
    got.proven_s = query_int(&q, 1);
    got.unproven_s = query_int(&q, 2);
    got.crl_number = (uint64_t)query_int(&q, 3);
    got.crl_this_s = query_int(&q, 4);
    got.crl_next_s = query_int(&q, 5);
    got.newest_s = query_int(&q, 6);
    got.alarm = (enum store_alarm)query_int(&q, 7);
    got.alarm_s = query_int(&q, 8);
    *a = got;
    return MLT_OK;
}

/* ---- heads ---- */

static enum mlt_err hold(struct store *s, const struct store_hold *h, bool *done)
{
    CLEANUP(query_end)
    struct query q =
        query_start(&s->db, "UPDATE authority SET head = ?1, proven = max(proven, ?2), unproven = 0"
                            " WHERE coalesce(head, x'') = ?3");
    query_put_span(&q, h->next);
    query_put_int(&q, h->proven_s);
    query_put_span(&q, h->held);
    TRY(query_run(&q));
    *done = query_changes(&q) == 1;
    return MLT_OK;
}

static enum mlt_err note_restored(struct store *s, const struct store_restored *restored)
{
    CLEANUP(query_end)
    struct query q =
        query_start(&s->db, "UPDATE authority SET restored_epoch = ?1, restored_held = ?2,"
                            " restored_base = ?3, restored_told = 0");
    query_put_int(&q, restored->epoch_s);
    query_put_int(&q, (int64_t)restored->held);
    query_put_int(&q, (int64_t)restored->base);
    return query_run(&q);
}

static enum mlt_err hold_and_note(struct store *s, const struct store_hold *h, bool *done)
{
    TRY(hold(s, h, done));
    return *done && h->restored != NULL ? note_restored(s, h->restored) : MLT_OK;
}

enum mlt_err store_authority_hold(struct store *store, const struct store_hold *hold, bool *done)
{
    bool is_done = false;
    TRY(store_rows_enter(store));
    TRY(store_rows_leave(store, hold_and_note(store, hold, &is_done)));
    *done = is_done;
    return MLT_OK;
}

static enum mlt_err set(struct store *s, const char *sql, int64_t value)
{
    CLEANUP(query_end) struct query q = query_start(&s->db, sql);
    query_put_int(&q, value);
    return query_run(&q);
}

enum mlt_err store_authority_proven(struct store *store, int64_t now_s)
{
    static const char sql[] = "UPDATE authority SET proven = max(proven, ?1), unproven = 0";
    TRY(store_rows_enter(store));
    return store_rows_leave(store, set(store, sql, now_s));
}

enum mlt_err store_authority_unproven(struct store *store, int64_t now_s)
{
    static const char sql[] = "UPDATE authority SET unproven = ?1 WHERE unproven = 0";
    TRY(store_rows_enter(store));
    return store_rows_leave(store, set(store, sql, now_s));
}

static enum mlt_err put_alarm(struct store *s, enum store_alarm alarm, int64_t now_s)
{
    CLEANUP(query_end)
    struct query q = query_start(&s->db, "UPDATE authority SET alarm = ?1, alarm_time = ?2");
    query_put_int(&q, (int64_t)alarm);
    query_put_int(&q, now_s);
    return query_run(&q);
}

enum mlt_err store_authority_alarm(struct store *store, enum store_alarm alarm, int64_t now_s)
{
    TRY(store_rows_enter(store));
    return store_rows_leave(store, put_alarm(store, alarm, now_s));
}

static enum mlt_err read_restored(struct store *s, struct store_restored *restored, bool *untold)
{
    CLEANUP(query_end)
    struct query q = query_start(&s->db, "SELECT restored_epoch, restored_held, restored_base"
                                         " FROM authority WHERE restored_told = 0");
    TRY(query_next(&q, untold));
    if (*untold)
        *restored = (struct store_restored) { .epoch_s = query_int(&q, 0),
                                              .held = (uint64_t)query_int(&q, 1),
                                              .base = (uint64_t)query_int(&q, 2) };
    return MLT_OK;
}

static enum mlt_err tell_restored(struct store *s, struct store_restored *restored, bool *tell)
{
    TRY(read_restored(s, restored, tell));
    if (!*tell)
        return MLT_OK;
    CLEANUP(query_end)
    struct query q = query_start(&s->db, "UPDATE authority SET restored_told = 1");
    return query_run(&q);
}

/* Asked at every login, so first without a transaction. */
enum mlt_err store_authority_tell_restored(struct store *store, struct store_restored *restored,
                                           bool *tell)
{
    struct store_restored got = { 0 };
    bool is_untold = false;
    TRY(store_rows_ready(store));
    TRY(read_restored(store, &got, &is_untold));
    if (is_untold) {
        TRY(store_rows_enter(store));
        TRY(store_rows_leave(store, tell_restored(store, &got, &is_untold)));
    }
    if (is_untold)
        *restored = got;
    *tell = is_untold;
    return MLT_OK;
}

/* ---- revoked serials ---- */

static enum mlt_err put_serials(struct store *s, const struct store_crl *crl)
{
    ENSURE(crl->serials.n % CERT_SERIAL == 0, MLT_ERR_RANGE);
    CLEANUP(query_end)
    struct query q = query_start(&s->db, "INSERT INTO revoked (serial, since) VALUES (?1, ?2)"
                                         " ON CONFLICT DO UPDATE SET since = max(since, ?2)");
    for (size_t at = 0; at < crl->serials.n; at += CERT_SERIAL) {
        query_put_span(&q, span_of(crl->serials.p + at, CERT_SERIAL));
        query_put_int(&q, crl->this_s);
        TRY(query_run(&q));
        query_again(&q);
    }
    return MLT_OK;
}

static enum mlt_err put_number(struct store *s, const struct store_crl *crl, const char *condition,
                               bool *done)
{
    ENSURE(crl->number >= 1 && crl->number <= INT64_MAX, MLT_ERR_RANGE);
    CLEANUP(query_end) struct query q = query_start(&s->db, condition);
    query_put_int(&q, (int64_t)crl->number);
    query_put_int(&q, crl->this_s);
    query_put_int(&q, crl->next_s);
    TRY(query_run(&q));
    *done = query_changes(&q) == 1;
    return MLT_OK;
}

static enum mlt_err add(struct store *s, const struct store_crl *news, bool *done)
{
    TRY(put_number(s, news,
                   "UPDATE authority SET crl_number = ?1, crl_this = ?2, crl_next = ?3"
                   " WHERE crl_number = ?1 - 1",
                   done));
    return *done ? put_serials(s, news) : MLT_OK;
}

enum mlt_err store_authority_add(struct store *store, const struct store_crl *news, bool *done)
{
    bool is_done = false;
    TRY(store_rows_enter(store));
    TRY(store_rows_leave(store, add(store, news, &is_done)));
    *done = is_done;
    return MLT_OK;
}

static enum mlt_err forget_old(struct store *s, int64_t now_s)
{
    CLEANUP(query_end) struct query q = query_start(&s->db, "DELETE FROM revoked WHERE since < ?1");
    query_put_int(&q, now_s - most_life_s);
    return query_run(&q);
}

static enum mlt_err replace(struct store *s, const struct store_crl *list, bool *done)
{
    TRY(put_number(s, list,
                   "UPDATE authority SET crl_number = ?1, crl_this = ?2, crl_next = ?3"
                   " WHERE crl_number < ?1",
                   done));
    if (!*done)
        return MLT_OK;
    TRY(put_serials(s, list));
    return forget_old(s, list->this_s);
}

enum mlt_err store_authority_replace(struct store *store, const struct store_crl *list, bool *done)
{
    bool is_done = false;
    TRY(store_rows_enter(store));
    TRY(store_rows_leave(store, replace(store, list, &is_done)));
    *done = is_done;
    return MLT_OK;
}

enum mlt_err store_authority_count(struct store *store, uint64_t *revoked)
{
    int64_t count = 0;
    TRY(store_rows_ready(store));
    CLEANUP(query_end)
    struct query q = query_start(&store->db, "SELECT count(*) FROM revoked");
    TRY(store_rows_number(&q, &count));
    *revoked = (uint64_t)count;
    return MLT_OK;
}

enum mlt_err store_authority_is_revoked(struct store *store,
                                        const uint8_t serial[static CERT_SERIAL], bool *is_revoked)
{
    TRY(store_rows_ready(store));
    CLEANUP(query_end)
    struct query q = query_start(&store->db, "SELECT 1 FROM revoked WHERE serial = ?1");
    query_put_span(&q, span_of(serial, CERT_SERIAL));
    return query_next(&q, is_revoked);
}

/* ---- the clock ---- */

enum mlt_err store_authority_note_time(struct store *store, int64_t signed_s)
{
    static const char sql[] = "UPDATE authority SET newest = ?1 WHERE newest < ?1";
    TRY(store_rows_enter(store));
    return store_rows_leave(store, set(store, sql, signed_s));
}

static enum mlt_err accept_clock(struct store *s, int64_t now_s, int64_t *was_s)
{
    CLEANUP(query_end)
    struct query q = query_start(&s->db, "SELECT newest FROM authority");
    int64_t newest_s = 0;
    TRY(store_rows_number(&q, &newest_s));
    *was_s = newest_s > now_s ? newest_s : 0;
    query_end(&q);
    return set(s, "UPDATE authority SET newest = ?1 WHERE newest > ?1", now_s);
}

enum mlt_err store_authority_accept_clock(struct store *store, int64_t now_s, int64_t *was_s)
{
    int64_t was = 0;
    TRY(store_rows_enter(store));
    TRY(store_rows_leave(store, accept_clock(store, now_s, &was)));
    *was_s = was;
    return MLT_OK;
}
