/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/limits.h"
#include "mail/mail_writer.h"

static void answer_put(struct mail_job *job, enum outcome_state state, enum outcome_reason reason)
{
    struct mail_done *done = &job->answer->done;
    done->outcome.state = state;
    done->outcome.reason = reason;
    done->row = 0;
    done->fresh = false;
    job->says = true;
}

static void answer_stored(struct mail_job *job, int64_t row, bool fresh)
{
    answer_put(job, OUTCOME_STORED, OUTCOME_REASON_NONE);
    job->answer->done.row = row;
    job->answer->done.fresh = fresh;
}

/* ---- put ---- */

static bool is_to_another(const struct mail_notice *notice, const struct mail_job *job)
{
    return name_span(&notice->recipient).n > 0 && !name_eq(&notice->recipient, &job->recipient);
}

/* A message that went once is not kept again; any other notice is overtaken by sending anew.  What
 * became of a message to somebody else says nothing of this one. */
static enum mlt_err look_at_notice(struct mail_writer *w, struct mail_job *job)
{
    struct mail_notice notice;
    bool found = false;
    if (w->notices)
        TRY(mail_table_find_notice(&w->table, &job->sender, job->id, &notice, &found));
    if (!found)
        return MLT_OK;
    if (is_to_another(&notice, job)) {
        answer_put(job, OUTCOME_REFUSED, OUTCOME_REASON_DUPLICATE);
        return MLT_OK;
    }
    if (notice.state == OUTCOME_DELIVERED || notice.state == OUTCOME_READ) {
        answer_put(job, OUTCOME_DELIVERED, OUTCOME_REASON_NONE);
        return MLT_OK;
    }
    return mail_table_drop_notice(&w->table, &job->sender, job->id);
}

/* What a mailbox may hold, or `percent` of it. */
static bool has_room(const struct mail_limits *limits, unsigned percent,
                     const struct mail_count *holds, uint64_t bytes)
{
    uint64_t messages = limits->messages * percent / 100;
    uint64_t most = limits->bytes / 100 * percent + limits->bytes % 100 * percent / 100;
    if (messages == 0 && limits->messages > 0)
        messages = 1; /* a share of a small mailbox is not nothing */
    return holds->messages < messages && holds->bytes <= most && bytes <= most - holds->bytes;
}

static enum outcome_reason judge(const struct mail_writer *w, const struct mail_box *box,
                                 const struct mail_share *share, uint64_t bytes)
{
    if (!has_room(&w->limits, 100, &box->holds, bytes))
        return OUTCOME_REASON_FULL;
    if (!has_room(&w->limits, w->limits.share_percent, &share->holds, bytes))
        return OUTCOME_REASON_SHARE;
    return OUTCOME_REASON_NONE;
}

/* Every message kept ends in a notice: who lets so many of them lie gets no more kept, so that what
 * he has yet to hear needs no bound that would drop it.  Read-receipts are others' doing. */
static enum mlt_err judge_notices(struct mail_writer *w, const struct name *sender,
                                  enum outcome_reason *reason)
{
    uint64_t count = 0;
    if (w->notices)
        TRY(mail_table_count_notices(&w->table, sender, NULL, &count));
    if (count >= LIMIT_NOTICES_OF_ONE)
        *reason = OUTCOME_REASON_SHARE;
    return MLT_OK;
}

/* This id is here.  *again: it was in an erased mailbox, is gone now, and the put goes on. */
static enum mlt_err meet_known(struct mail_writer *w, struct mail_job *job,
                               const struct mail_box *box, bool *again)
{
    struct mail_row known;
    struct name owner;
    int64_t row = 0;
    bool found = false;
    bool erased = false;
    *again = false;
    TRY(mail_table_find_id(&w->table, &job->sender, job->id, &row, &found));
    if (!found)
        return MLT_OK;
    TRY(mail_table_find_row(&w->table, row, &known, &found));
    if (!found) {
        /* Its index is damaged: the others need not suffer, and it would be met here for ever. */
        answer_put(job, OUTCOME_REFUSED, OUTCOME_REASON_DUPLICATE);
        return MLT_OK;
    }
    if (known.box == box->number) {
        answer_stored(job, row, false);
        return MLT_OK;
    }
    TRY(mail_table_box_owner(&w->table, known.box, &owner, &erased));
    if (!erased) {
        answer_put(job, OUTCOME_REFUSED, OUTCOME_REASON_DUPLICATE);
        return MLT_OK;
    }
    *again = true;
    return mail_table_remove(&w->table, row);
}

/* The locked heap may be full of other mailboxes' segments: they can be begun anew. */
static enum mlt_err make_segment(struct mail_writer *w, const struct mail_job *job,
                                 struct mail_segment *segment, struct mail_wrapped *wrapped)
{
    EVP_PKEY *key = job->key->key;
    enum mlt_err err = mail_segment_new(w->env, &job->recipient, key, segment, wrapped);
    if (err != MLT_ERR_NOMEM)
        return err;
    mail_chains_end_all(&w->chains);
    return mail_segment_new(w->env, &job->recipient, key, segment, wrapped);
}

/* What a put makes before it touches a table.  Without it, for want of memory, the put is refused
 * and the transaction goes on. */
struct sealing {
    struct mail_row m;
    struct buf sealed;
};

static void end_sealing(struct sealing *s)
{
    buf_clear(&s->sealed);
}

static enum mlt_err seal(struct mail_writer *w, const struct mail_job *job,
                         struct mail_chain *chain, struct sealing *s)
{
    s->m = (struct mail_row) { .row = w->next_message++,
                               .box = chain->entry.number,
                               .segment = chain->number,
                               .index = chain->segment.next,
                               .sender = job->sender,
                               .kept = mail_writer_age(w) };
    memcpy(s->m.id, job->id, sizeof(s->m.id));
    const struct mail_binding binding = { .recipient = &job->recipient,
                                          .sender = &job->sender,
                                          .segment = chain->segment.id,
                                          .index = s->m.index,
                                          .id = job->id };
    return mail_seal(&chain->segment, &binding, buf_span(&job->plain), &s->sealed);
}

/* *chain is NULL if none can be made; an error is the database's. */
static enum mlt_err begin_segment(struct mail_writer *w, const struct mail_job *job, int64_t box,
                                  struct mail_chain **chain)
{
    CLEANUP(mail_segment_clear) struct mail_segment segment = { 0 };
    CLEANUP(mail_wrapped_clear) struct mail_wrapped wrapped = { 0 };
    int64_t number = 0;
    *chain = NULL;
    if (make_segment(w, job, &segment, &wrapped) != MLT_OK)
        return MLT_OK;
    TRY(mail_table_add_segment(&w->table, box, segment.id, &wrapped, &number));
    if (mail_chains_put(&w->chains, box, number, job->key, &segment) != MLT_OK)
        return mail_table_drop_segment(&w->table, number);
    *chain = mail_chains_find(&w->chains, box, job->key);
    return MLT_OK;
}

/* Seals with the next key of the box's segment, and adds the row; *added as mail_table_add. */
static enum mlt_err add_message(struct mail_writer *w, struct mail_job *job, int64_t box,
                                int64_t *row, bool *added)
{
    CLEANUP(end_sealing) struct sealing s = { 0 };
    struct mail_chain *chain = mail_chains_find(&w->chains, box, job->key);
    if (chain == NULL) {
        bool known = false;
        TRY(mail_table_find_id(&w->table, &job->sender, job->id, row, &known));
        if (known)
            return MLT_OK; /* no segment is begun that may stay empty */
        TRY(begin_segment(w, job, box, &chain));
    }
    if (chain == NULL || seal(w, job, chain, &s) != MLT_OK) {
        mail_chains_end(&w->chains, box);
        mail_writer_refuse(w, job);
        return MLT_OK;
    }
    *row = s.m.row;
    return mail_table_add(&w->table, &s.m, buf_span(&s.sealed), added);
}

static enum mlt_err keep(struct mail_writer *w, struct mail_job *job)
{
    struct mail_box *box = NULL;
    struct mail_share *share = NULL;
    uint64_t bytes = mail_sealed_size(job->plain.len);
    TRY(mail_counts_box(&w->counts, &job->recipient, true, &box));
    TRY(mail_counts_share(&w->counts, box, &job->sender, &share));
    enum outcome_reason reason = judge(w, box, share, bytes);
    if (reason == OUTCOME_REASON_NONE)
        TRY(judge_notices(w, &job->sender, &reason));
    int64_t row = 0;
    bool added = false;
    bool again = false;
    if (reason == OUTCOME_REASON_NONE)
        TRY(add_message(w, job, box->number, &row, &added));
    if (!added && !job->says)
        TRY(meet_known(w, job, box, &again));
    if (again && reason == OUTCOME_REASON_NONE)
        TRY(add_message(w, job, box->number, &row, &added));
    if (added) {
        mail_counts_add(&w->counts, box, share, bytes);
        answer_stored(job, row, true);
    } else if (!job->says) {
        ENSURE(reason != OUTCOME_REASON_NONE, MLT_ERR_DATABASE);
        answer_put(job, OUTCOME_REFUSED, reason);
    }
    return MLT_OK;
}

static enum mlt_err put(struct mail_writer *w, struct mail_job *job)
{
    job->says = false;
    if (job->failures != w->failures) {
        mail_writer_refuse(w, job);
        return MLT_OK;
    }
    TRY(look_at_notice(w, job));
    return job->says ? MLT_OK : keep(w, job);
}

/* ---- what leaves, and what is said of it ---- */

static enum mlt_err keep_notice(struct mail_writer *w, const struct mail_notice *notice)
{
    const struct mail_told told = { .notice = *notice,
                                    .row = w->next_notice++,
                                    .kept = mail_writer_age(w) };
    w->notices = true;
    return mail_table_put_notice(&w->table, &told);
}

/* The last removed row of a segment is enough to see whether anything is left of it. */
static void touch(struct mail_writer *w, const struct mail_row *m)
{
    for (size_t i = w->touched_count; i > 0; i--) {
        if (w->touched[i - 1].segment == m->segment) {
            w->touched[i - 1] = *m;
            return;
        }
    }
    w->touched[w->touched_count++] = *m;
}

enum mlt_err mail_apply_removal(struct mail_writer *w, struct mail_box *box,
                                const struct mail_row *m, struct mail_notice *notice)
{
    TRY(mail_table_remove(&w->table, m->row));
    if (box != NULL) {
        struct mail_share *share = NULL;
        touch(w, m);
        TRY(mail_counts_share(&w->counts, box, &m->sender, &share));
        mail_counts_take(&w->counts, box, share, m->bytes);
    }
    if (m->damaged)
        return MLT_OK;
    notice->sender = m->sender;
    memcpy(notice->id, m->id, sizeof(notice->id));
    return keep_notice(w, notice);
}

/* Its mailbox was erased while the receipt was on its way: that it arrived is the better news. */
static enum mlt_err remove_erased(struct mail_writer *w, struct mail_job *job,
                                  const struct mail_row *m)
{
    struct name owner;
    bool erased = false;
    TRY(mail_table_box_owner(&w->table, m->box, &owner, &erased));
    if (!erased || !name_eq(&owner, &job->recipient) || job->state != OUTCOME_DELIVERED)
        return MLT_OK;
    struct mail_notice *notice = &job->answer->done.notice;
    notice->recipient = job->recipient;
    notice->state = job->state;
    job->answer->done.kind = MAIL_TOLD; /* the mailbox that he has now holds no less */
    job->says = true;
    return mail_apply_removal(w, NULL, m, notice);
}

static enum mlt_err remove_one(struct mail_writer *w, struct mail_job *job)
{
    struct mail_box *box = NULL;
    struct mail_row m;
    bool found = false;
    TRY(mail_table_find_row(&w->table, job->row, &m, &found));
    job->here = found;
    /* Gone: if it says something, an attempt whose commit was in doubt has done it after all. */
    if (!found)
        return MLT_OK;
    job->says = false;
    TRY(mail_counts_box(&w->counts, &job->recipient, false, &box));
    if (box == NULL || box->number != m.box)
        return remove_erased(w, job, &m);
    struct mail_notice *notice = &job->answer->done.notice;
    notice->recipient = job->recipient;
    notice->state = job->state;
    job->answer->done.kind = MAIL_REMOVED;
    job->says = true;
    return mail_apply_removal(w, box, &m, notice);
}

static enum mlt_err tell(struct mail_writer *w, struct mail_job *job)
{
    struct mail_notice *notice = &job->answer->done.notice;
    *notice = (struct mail_notice) { .sender = job->sender, .recipient = job->recipient };
    notice->state = job->state;
    notice->reason = job->reason;
    memcpy(notice->id, job->id, sizeof(notice->id));
    uint64_t count = 0;
    TRY(mail_table_count_notices(&w->table, &job->sender, &job->recipient, &count));
    job->says = count < LIMIT_NOTICES_ABOUT;
    job->here = true;
    return job->says ? keep_notice(w, notice) : MLT_OK;
}

static enum mlt_err note(struct mail_writer *w, const struct mail_job *job)
{
    struct noted noted = { .state = job->state };
    memcpy(noted.id, job->id, sizeof(noted.id));
    return mail_table_noted(&w->table, &job->sender, &noted);
}

/* From here on the mailbox is another one, and what was in this one opens no more; its messages
 * are swept away bit by bit. */
static enum mlt_err erase(struct mail_writer *w, struct mail_job *job)
{
    struct mail_box *box = NULL;
    job->says = true;
    TRY(mail_apply_rest(w));
    TRY(mail_counts_box(&w->counts, &job->recipient, false, &box));
    if (box == NULL)
        return MLT_OK;
    int64_t number = box->number;
    mail_counts_forget(&w->counts);
    mail_chains_end(&w->chains, number);
    w->sweep = true;
    return mail_table_erase_box(&w->table, number);
}

enum mlt_err mail_apply(struct mail_writer *w, struct mail_job *job)
{
    switch (job->kind) {
    case MAIL_JOB_PUT:
        return put(w, job);
    case MAIL_JOB_REMOVE:
        return remove_one(w, job);
    case MAIL_JOB_TELL:
        return tell(w, job);
    case MAIL_JOB_NOTED:
        return note(w, job);
    case MAIL_JOB_ERASE:
        return erase(w, job);
    case MAIL_JOB_READ:
    case MAIL_JOB_READ_NOTICES:
        break;
    }
    return MLT_ERR_STATE;
}

enum mlt_err mail_apply_rest(struct mail_writer *w)
{
    for (size_t i = 0; i < w->touched_count; i++) {
        const struct mail_row *m = &w->touched[i];
        bool ended = false;
        TRY(mail_table_end_segment(&w->table, m, &ended));
        if (ended)
            mail_chains_end_segment(&w->chains, m->box, m->segment);
    }
    w->touched_count = 0;
    return mail_counts_write(&w->counts);
}
