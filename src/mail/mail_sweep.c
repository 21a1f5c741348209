/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/limits.h"
#include "mail/mail_writer.h"

static void free_entry(struct mail_done_entry **entry)
{
    alloc_free(*entry);
}

static enum mlt_err remove_row(struct mail_writer *w, struct mail_box *box,
                               const struct mail_row *m, const struct mail_notice *about)
{
    CLEANUP(free_entry) struct mail_done_entry *entry = NULL;
    TRY(mail_done_new(MAIL_TOLD, &entry));
    entry->row = m->row;
    entry->done.removed = box != NULL;
    entry->done.notice = *about;
    TRY(mail_apply_removal(w, box, m, &entry->done.notice));
    STAILQ_INSERT_TAIL(&w->out, entry, next);
    entry = NULL;
    return MLT_OK;
}

struct sweep {
    struct mail_row *rows;
    size_t most;
};

static void end_sweep(struct sweep *s)
{
    alloc_free(s->rows);
}

/* Nobody's messages, one erased mailbox at a time. */
static enum mlt_err sweep_erased(struct mail_writer *w, const struct sweep *s, bool *more)
{
    struct mail_notice about = { .state = OUTCOME_REFUSED, .reason = OUTCOME_REASON_ERASED };
    int64_t box = 0;
    size_t count = 0;
    bool erased = false;
    TRY(mail_table_erased_box(&w->table, &box, more));
    if (!*more)
        return MLT_OK;
    TRY(mail_table_box_owner(&w->table, box, &about.recipient, &erased));
    TRY(mail_table_of_box(&w->table, box, s->most, s->rows, &count));
    for (size_t i = 0; i < count; i++)
        TRY(remove_row(w, NULL, &s->rows[i], &about));
    return count == 0 ? mail_table_drop_box(&w->table, box) : MLT_OK;
}

/* A `kept` that lies ahead of the clock is a damaged one: it says nothing. */
static bool has_expired(const struct mail_writer *w, const struct mail_row *m)
{
    int64_t age = mail_writer_age(w);
    return w->limits.ttl_ms > 0 && m->kept >= 0 && m->kept <= age &&
           age - m->kept >= w->limits.ttl_ms;
}

static enum mlt_err expire_row(struct mail_writer *w, const struct mail_row *m)
{
    struct mail_notice about = { .state = OUTCOME_EXPIRED };
    struct mail_box *box = NULL;
    bool erased = false;
    TRY(mail_table_box_owner(&w->table, m->box, &about.recipient, &erased));
    if (erased)
        about.reason = OUTCOME_REASON_NONE;
    else
        TRY(mail_counts_box(&w->counts, &about.recipient, false, &box));
    return remove_row(w, box, m, &about);
}

/* Rows rise with time: the oldest come first. */
static enum mlt_err sweep_expired(struct mail_writer *w, const struct sweep *s, bool *more)
{
    size_t count = 0;
    size_t gone = 0;
    TRY(mail_table_from(&w->table, 0, s->most, s->rows, &count));
    for (size_t i = 0; i < count; i++) {
        if (!has_expired(w, &s->rows[i]))
            continue;
        TRY(expire_row(w, &s->rows[i]));
        gone++;
    }
    *more = gone > 0 && count == s->most;
    return MLT_OK;
}

static enum mlt_err sweep_notices(struct mail_writer *w, size_t most, bool *more)
{
    int64_t before = mail_writer_age(w) - (int64_t)LIMIT_NOTICE_S * 1000;
    *more = true;
    for (size_t i = 0; i < most && *more; i++)
        TRY(mail_table_forget_notice(&w->table, before, more));
    return MLT_OK;
}

enum mlt_err mail_sweep(struct mail_writer *w, size_t most, bool *more)
{
    CLEANUP(end_sweep) struct sweep s = { .most = most };
    bool notices = false;
    TRY(ALLOC_ARRAY(most, &s.rows));
    TRY(sweep_erased(w, &s, more));
    if (!*more)
        TRY(sweep_expired(w, &s, more));
    TRY(sweep_notices(w, most, &notices));
    *more = *more || notices;
    return MLT_OK;
}
