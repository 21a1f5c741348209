/* SPDX-License-Identifier: Apache-2.0 */
#include "mail.h"

#include "base/alloc.h"
#include "chaos.h"
#include "judge.h"
#include "people.h"
#include "server.h"
#include "sim.h"

/* ---- lists that grow ---- */

struct list {
    uint8_t *p;
    size_t size, first, count, capacity; /* of an element; the first `first` are gone */
};

static void *list_at(const struct list *l, size_t i)
{
    return l->p + (l->first + i) * l->size;
}

static void list_add(struct list *l, size_t size, const void *element)
{
    l->size = size;
    if (l->first + l->count == l->capacity) {
        uint8_t *larger = NULL;
        size_t capacity = 2 * l->count + 16;
        must_ok(alloc_array_(capacity, size, (void **)&larger));
        if (l->count > 0)
            memcpy(larger, list_at(l, 0), l->count * size);
        alloc_free(l->p);
        l->p = larger;
        l->first = 0;
        l->capacity = capacity;
    }
    memcpy(list_at(l, l->count++), element, size);
}

static void list_drop(struct list *l, size_t n)
{
    l->first += n;
    l->count -= n;
}

static void list_empty(struct list *l)
{
    l->first = l->count = 0;
}

static void list_clear(struct list *l)
{
    alloc_free(l->p);
    *l = (struct list) { 0 };
}

/* ---- what is there ---- */

enum job_kind { JOB_PUT, JOB_REMOVE, JOB_TELL, JOB_NOTED };

struct job {
    enum job_kind kind;
    uint64_t index; /* of the message */
    void *ticket;
    int64_t row;
    enum outcome_state state;
    bool doomed; /* a put given before the router heard of a failed one */
    enum outcome_reason reason;
};

struct row {
    int64_t row;
    uint64_t index;
    bool gone;
    int64_t time_ms;
};

struct notice_row {
    int64_t row;
    uint64_t index;
    bool gone;
};

struct answer {
    struct job job;
    struct outcome outcome;
    int64_t row;
    bool fresh, failed;
};

static struct {
    /* on disk */
    struct list boxes[PEOPLE_MOST];
    struct list notices[PEOPLE_MOST];
    uint64_t in_box[PEOPLE_MOST];
    int64_t last_row, last_notice;
    /* in the process */
    struct router *router;
    uint64_t life;
    struct list waiting, running, late, answers;
    bool committing, down;
    int64_t down_until;
    size_t untaken; /* failed puts the router has not heard of */
    int64_t answer_at;
    struct mail_figures figures;
} mail;

void mail_init(void)
{
    memset(&mail, 0, sizeof(mail));
}

void mail_clear(void)
{
    for (size_t i = 0; i < PEOPLE_MOST; i++) {
        list_clear(&mail.boxes[i]);
        list_clear(&mail.notices[i]);
    }
    list_clear(&mail.waiting);
    list_clear(&mail.running);
    list_clear(&mail.late);
    list_clear(&mail.answers);
}

struct mail_figures mail_figures(void)
{
    return mail.figures;
}

/* ---- answers ---- */

static void tell_router(const struct answer *a)
{
    struct judged *m = judge_at(a->job.index);
    struct router_notice notice = { .sender = people_name(m->sender),
                                    .recipient = people_name(m->recipient),
                                    .outcome = a->outcome };
    memcpy(notice.outcome.id, m->id, ENVELOPE_ID);
    const struct router_put_result result = { a->outcome, a->row, a->fresh };
    switch (a->job.kind) {
    case JOB_PUT:
        sim_watch(a->job.index, outcome_text(&a->outcome), a->job.ticket);
        mail.untaken -= a->failed;
        if (a->job.ticket != NULL)
            router_put_done(mail.router, a->job.ticket, &result, sim_now_ms());
        break;
    case JOB_REMOVE:
        router_removed(mail.router, &notice, sim_now_ms());
        break;
    case JOB_TELL:
        router_told(mail.router, &notice);
        break;
    case JOB_NOTED:
        break;
    }
}

static void take_answer(void *who, uint64_t life)
{
    (void)who;
    if (life != mail.life || mail.answers.count == 0)
        return;
    struct answer a;
    memcpy(&a, list_at(&mail.answers, 0), sizeof(a));
    list_drop(&mail.answers, 1);
    tell_router(&a);
    server_check();
}

/* In order, and never within the call that asked. */
static int64_t answer_after(int64_t us)
{
    int64_t at = sim.agenda.now + us;
    if (at <= mail.answer_at)
        at = mail.answer_at;
    mail.answer_at = at;
    return at - sim.agenda.now;
}

static void answer(const struct answer *a)
{
    list_add(&mail.answers, sizeof(*a), a);
    mail.untaken += a->failed;
    agenda_plan(&sim.agenda, answer_after((int64_t)dice_below(&sim.dice, 400)), take_answer, NULL,
                mail.life);
}

static void refuse(const struct job *job, enum outcome_reason reason)
{
    const struct answer a = { .job = *job,
                              .outcome = { .state = OUTCOME_REFUSED, .reason = reason, },
                              .failed = reason == OUTCOME_REASON_NO_ROOM ||
                                        reason == OUTCOME_REASON_BUSY };
    answer(&a);
}

/* ---- the disk ---- */

static void keep_notice(uint64_t index, enum outcome_state state, enum outcome_reason reason)
{
    struct judged *m = judge_at(index);
    if (m->notice == OUTCOME_READ)
        return; /* it says more */
    const struct notice_row n = { ++mail.last_notice, index, false };
    if (m->notice != 0) { /* one of a message: the newer stands at the end */
        struct list *l = &mail.notices[m->sender];
        for (size_t i = 0; i < l->count; i++) {
            struct notice_row *old = list_at(l, i);
            old->gone = old->gone || old->index == index;
        }
    }
    m->notice = state;
    m->notice_reason = reason;
    list_add(&mail.notices[m->sender], sizeof(n), &n);
}

/* Rows rise. */
static struct row *find_row(const struct list *box, int64_t row)
{
    size_t low = 0, high = box->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (((struct row *)list_at(box, middle))->row < row)
            low = middle + 1;
        else
            high = middle;
    }
    struct row *found = low < box->count ? list_at(box, low) : NULL;
    return found != NULL && found->row == row && !found->gone ? found : NULL;
}

static void drop_row(struct judged *m)
{
    struct list *box = &mail.boxes[m->recipient];
    struct row *row = find_row(box, m->row);
    must(row != NULL);
    row->gone = true;
    mail.in_box[m->recipient]--;
    while (box->count > 0 && ((struct row *)list_at(box, 0))->gone)
        list_drop(box, 1);
    m->row = 0;
    m->damaged = false;
}

static bool keep(uint64_t index, struct answer *a)
{
    struct judged *m = judge_at(index);
    a->outcome = (struct outcome) { .state = OUTCOME_STORED };
    if (m->row != 0) {
        a->row = m->row;
        return true;
    }
    if (m->notice == OUTCOME_DELIVERED || m->notice == OUTCOME_READ) {
        a->outcome.state = OUTCOME_DELIVERED;
        return true;
    }
    if (mail.in_box[m->recipient] >= chaos.quota)
        return false;
    const struct row row = { ++mail.last_row, index, false, sim_now_ms() };
    list_add(&mail.boxes[m->recipient], sizeof(row), &row);
    mail.in_box[m->recipient]++;
    m->row = a->row = row.row;
    sim_watch(index, "written", NULL);
    a->fresh = true;
    return true;
}

static void do_job(const struct job *job)
{
    struct judged *m = judge_at(job->index);
    struct answer a = { .job = *job, .outcome = { .state = job->state, .kept = true } };
    switch (job->kind) {
    case JOB_PUT:
        mail.figures.puts++;
        if (keep(job->index, &a)) {
            answer(&a);
        } else {
            mail.figures.full++;
            m->may_lack = true; /* final, but if that is lost on its way it comes again */
            refuse(job, OUTCOME_REASON_FULL);
        }
        break;
    case JOB_REMOVE:
        if (m->row != job->row)
            break;
        m->may_lack = m->may_lack || job->state == OUTCOME_UNKNOWN;
        drop_row(m);
        keep_notice(job->index, job->state, OUTCOME_REASON_NONE);
        answer(&a);
        break;
    case JOB_TELL:
        keep_notice(job->index, job->state, OUTCOME_REASON_NONE);
        answer(&a);
        break;
    case JOB_NOTED:
        if (m->notice == (unsigned)job->state)
            m->notice = 0;
        break;
    }
}

static void commit_next(void);

/* What a failed commit wrote may be there when the disk is back. */
static void fail_running(void)
{
    bool comes_true = dice_once_in(&sim.dice, 2);
    mail.figures.failed_commits++;
    for (size_t i = 0; i < mail.running.count; i++) {
        const struct job *job = list_at(&mail.running, i);
        if (job->kind != JOB_PUT) {
            list_add(&mail.late, sizeof(*job), job);
            continue;
        }
        if (comes_true && !job->doomed) {
            struct job ghost = *job;
            ghost.ticket = NULL;
            list_add(&mail.late, sizeof(ghost), &ghost);
        }
        refuse(job, job->doomed ? job->reason : OUTCOME_REASON_NO_ROOM);
    }
    list_empty(&mail.running);
    for (size_t i = 0; i < mail.waiting.count; i++) {
        struct job *job = list_at(&mail.waiting, i);
        job->doomed = true; /* what was given before the router heard of it */
        job->reason = OUTCOME_REASON_NO_ROOM;
    }
}

static void finish_commit(void *who, uint64_t life)
{
    (void)who;
    if (life != mail.life)
        return;
    mail.committing = false;
    mail.figures.commits++;
    if (mail.down) {
        fail_running();
    } else {
        for (size_t i = 0; i < mail.running.count; i++) {
            const struct job *job = list_at(&mail.running, i);
            if (job->doomed)
                refuse(job, job->reason);
            else
                do_job(job);
        }
        list_empty(&mail.running);
    }
    commit_next();
}

static void commit_next(void)
{
    if (mail.committing || mail.waiting.count == 0 || mail.router == NULL)
        return;
    struct list taken = mail.waiting;
    mail.waiting = mail.running;
    mail.running = taken;
    mail.committing = true;
    if (dice_once_in(&sim.dice, chaos.commit_fails) && !sim.healed)
        mail_fail(dice_wait(&sim.dice, 3 * SECONDS));
    int64_t us = 500 + dice_wait(&sim.dice, dice_once_in(&sim.dice, 50) ? 800 * MS : 10 * MS);
    agenda_plan(&sim.agenda, us, finish_commit, NULL, mail.life);
}

static void recover(void *who, uint64_t life)
{
    (void)who;
    if (life != mail.life || !mail.down)
        return;
    if (sim.agenda.now < mail.down_until) {
        agenda_plan(&sim.agenda, mail.down_until - sim.agenda.now, recover, NULL, life);
        return;
    }
    mail.down = false;
    for (size_t i = 0; i < mail.late.count; i++) {
        struct job *job = list_at(&mail.late, i);
        if (job->kind == JOB_PUT) {
            struct answer a = { 0 };
            mail.figures.came_true += keep(job->index, &a) && a.fresh;
        } else {
            do_job(job); /* removals wait for the disk */
        }
    }
    list_empty(&mail.late);
    commit_next();
}

void mail_fail(int64_t us)
{
    if (mail.router == NULL)
        return;
    bool was_down = mail.down;
    mail.down = true;
    mail.down_until = sim.agenda.now + us;
    if (!was_down)
        agenda_plan(&sim.agenda, us, recover, NULL, mail.life);
}

/* ---- jobs ---- */

static void give(const struct job *job)
{
    list_add(&mail.waiting, sizeof(*job), job);
    commit_next();
}

void mail_put(const struct envelope *e, void *ticket)
{
    struct job job = { .kind = JOB_PUT, .ticket = ticket };
    struct judged *m = judge_of(e, &job.index);
    must(span_eq(SPAN_OF(m->id), SPAN_OF(e->id)));
    /* Too much waits, now and then; and whatever is given before the router hears of a failure
     * fails too. */
    sim_watch(job.index, mail.untaken > 0 || mail.down ? "put, and refused" : "put", ticket);
    bool is_full = !sim.healed && dice_once_in(&sim.dice, chaos.put_is_busy);
    if (mail.untaken > 0 || mail.down || is_full) {
        refuse(&job, is_full ? OUTCOME_REASON_BUSY : OUTCOME_REASON_NO_ROOM);
        return;
    }
    if (sim_has(PLANT_ACKNOWLEDGE_BEFORE_FSYNC)) {
        const struct answer a = { .job = job, .outcome = { .state = OUTCOME_STORED } };
        answer(&a);
        job.ticket = NULL;
    }
    give(&job);
}

void mail_remove(const struct name *recipient, int64_t row, enum outcome_state state)
{
    const struct row *r = find_row(&mail.boxes[people_index(recipient)], row);
    if (r == NULL)
        return;
    const struct job job = { JOB_REMOVE, .index = r->index, .row = row, .state = state };
    give(&job);
}

void mail_tell(const struct router_notice *notice)
{
    const struct judged *m = judge_of_id(notice->outcome.id);
    must(m != NULL);
    const struct job job = { JOB_TELL, .index = judge_index(m), .state = notice->outcome.state };
    give(&job);
}

void mail_noted(const struct name *sender, const struct noted *noted)
{
    const struct judged *m = judge_of_id(noted->id);
    if (m == NULL || m->sender != people_index(sender))
        return;
    const struct job job = { JOB_NOTED, .index = judge_index(m), .state = noted->state };
    give(&job);
}

/* ---- reading ---- */

#define READ_MOST LIMIT_DRAIN_WINDOW

static void do_read(const struct router_read *read)
{
    static uint8_t bodies[READ_MOST][LIMIT_BODY];
    struct router_stored found[READ_MOST];
    struct router_read_result result = { .ticket = read->ticket, .messages = found, .end = true };
    const struct list *box = &mail.boxes[people_index(&read->recipient)];
    /* A batch ends with its segment, too. */
    size_t most = 1 + (size_t)dice_below(&sim.dice, read->most), bytes = 0;
    for (size_t i = 0; i < box->count; i++) {
        const struct row *row = list_at(box, i);
        if (row->gone || row->row <= read->after)
            continue;
        const struct judged *m = judge_at(row->index);
        if (result.count == most || (result.count > 0 && bytes > read->most_bytes)) {
            result.end = sim_has(PLANT_LIVE_BEFORE_DRAINED);
            break;
        }
        struct router_stored *s = &found[result.count];
        *s = (struct router_stored) { .row = row->row, .readable = !m->damaged };
        s->envelope = judge_envelope(row->index);
        memcpy(bodies[result.count], s->envelope.body.p, s->envelope.body.n);
        s->envelope.body.p = bodies[result.count];
        bytes += s->envelope.body.n;
        result.count++;
    }
    if (mail.down)
        result = (struct router_read_result) { .ticket = read->ticket, .err = MLT_ERR_DATABASE };
    else if (!sim.healed && result.count > 0 && dice_once_in(&sim.dice, chaos.grant_is_void))
        result = (struct router_read_result) { .ticket = read->ticket, .err = MLT_ERR_STATE };
    if ((int)people_index(&read->recipient) == sim.watched[1])
        sim_say("read beyond row %u: %zu messages%s; %s", (unsigned)read->after, result.count,
                result.end ? ", the last" : "", err_name(result.err));
    router_read_done(mail.router, &result, sim_now_ms());
    for (size_t i = 0; i < result.count && sim_has(PLANT_DELETE_BEFORE_RECEIPT); i++)
        mail_remove(&read->recipient, found[i].row, OUTCOME_DELIVERED);
}

static void do_read_notices(const struct router_read_notices *read)
{
    struct router_notice notices[LIMIT_NOTICES];
    int64_t rows[LIMIT_NOTICES];
    struct router_notices_result result = {
        .ticket = read->ticket, .notices = notices, .rows = rows, .end = true
    };
    struct list *l = &mail.notices[people_index(&read->sender)];
    while (l->count > 0 && (((struct notice_row *)list_at(l, 0))->gone ||
                            judge_at(((struct notice_row *)list_at(l, 0))->index)->notice == 0))
        list_drop(l, 1);
    for (size_t i = 0; i < l->count; i++) {
        const struct notice_row *row = list_at(l, i);
        const struct judged *m = judge_at(row->index);
        if (row->gone || row->row <= read->after || m->notice == 0)
            continue;
        if (result.count == read->most) {
            result.end = false;
            break;
        }
        struct router_notice *n = &notices[result.count];
        *n = (struct router_notice) {
            .sender = read->sender,
            .recipient = people_name(m->recipient),
            .outcome = { .state = m->notice, .reason = m->notice_reason, .kept = true }
        };
        memcpy(n->outcome.id, m->id, ENVELOPE_ID);
        rows[result.count++] = row->row;
    }
    if (mail.down)
        result = (struct router_notices_result) { .ticket = read->ticket, .err = MLT_ERR_DATABASE };
    router_notices_done(mail.router, &result, sim_now_ms());
}

struct read_job {
    uint64_t life;
    bool of_notices;
    struct router_read read;
    struct router_read_notices notices;
};

static void read_now(void *who, uint64_t tag)
{
    struct read_job *job = who;
    (void)tag;
    if (job->life == mail.life) {
        if (job->of_notices)
            do_read_notices(&job->notices);
        else
            do_read(&job->read);
        server_check();
    }
    alloc_free(job);
}

static struct read_job *new_read(void)
{
    struct read_job *job = NULL;
    must_ok(ALLOC_NEW(&job));
    job->life = mail.life;
    agenda_plan(&sim.agenda, 50 + dice_wait(&sim.dice, 3 * MS), read_now, job, 0);
    return job;
}

void mail_read(const struct router_read *read)
{
    new_read()->read = *read;
}

void mail_read_notices(const struct router_read_notices *read)
{
    struct read_job *job = new_read();
    job->of_notices = true;
    job->notices = *read;
}

/* ---- the process ---- */

void mail_begin(struct router *router)
{
    mail.router = router;
    mail.life++;
    for (unsigned i = 0; i < PEOPLE_MOST; i++) {
        const struct name name = people_name(i);
        if (mail.in_box[i] > 0)
            must_ok(router_box(router, &name, mail.in_box[i]));
    }
}

void mail_lose(void)
{
    bool was_written = mail.committing && !mail.down && dice_once_in(&sim.dice, 2);
    mail.life++;
    mail.router = NULL;
    for (size_t i = 0; i < mail.running.count && was_written; i++) {
        const struct job *job = list_at(&mail.running, i);
        if (!job->doomed)
            do_job(job);
    }
    list_empty(&mail.running);
    list_empty(&mail.waiting);
    list_empty(&mail.late);
    list_empty(&mail.answers);
    mail.committing = mail.down = false;
    mail.untaken = 0;
}

void mail_damage(void)
{
    const struct list *box = &mail.boxes[dice_below(&sim.dice, people_count())];
    if (box->count == 0)
        return;
    const struct row *row = list_at(box, (size_t)dice_below(&sim.dice, box->count));
    if (!row->gone)
        judge_at(row->index)->damaged = true;
}

static void expire(uint64_t index)
{
    struct judged *m = judge_at(index);
    struct answer a = { .job = { JOB_REMOVE, .index = index },
                        .outcome = { .state = OUTCOME_EXPIRED, .kept = true } };
    m->may_lack = true; /* sent again by who has not heard of it yet */
    drop_row(m);
    keep_notice(index, OUTCOME_EXPIRED, OUTCOME_REASON_NONE);
    mail.figures.expired++;
    answer(&a);
}

void mail_tick(void)
{
    for (unsigned i = 0; i < PEOPLE_MOST && mail.router != NULL && !mail.down; i++) {
        const struct list *box = &mail.boxes[i];
        while (box->count > 0) {
            const struct row *row = list_at(box, 0);
            if (row->time_ms + chaos.ttl_ms > sim_now_ms())
                break;
            expire(row->index);
        }
    }
}

void mail_say(void)
{
    sim_say("store: %zu jobs wait, %s, %s, %zu answers", mail.waiting.count,
            mail.committing ? "commits" : "idle", mail.down ? "down" : "up", mail.answers.count);
    for (unsigned i = 0; i < PEOPLE_MOST; i++) {
        const struct list *box = &mail.boxes[i];
        for (size_t k = 0; k < box->count; k++) {
            const struct row *row = list_at(box, k);
            if (!row->gone)
                sim_say("row %u of p%02u from p%02u: message %u", (unsigned)row->row, i,
                        judge_at(row->index)->sender, (unsigned)row->index);
        }
    }
}

bool mail_is_empty(void)
{
    bool empty =
        mail.waiting.count == 0 && !mail.committing && !mail.down && mail.answers.count == 0;
    for (unsigned i = 0; i < PEOPLE_MOST; i++)
        empty = empty && mail.in_box[i] == 0;
    for (uint64_t i = 0; i < judge_count() && empty; i++)
        empty = judge_at(i)->notice == 0;
    return empty;
}
