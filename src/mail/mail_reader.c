/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_reader.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "mail/mail_schema.h"

enum mlt_err mail_reader_init(struct mail_reader *reader, struct mail_desk *desk, int dirfd)
{
    reader->desk = desk;
    reader->dirfd = dirfd;
    ENSURE(pthread_mutex_init(&reader->lock, NULL) == 0, MLT_ERR_NOMEM);
    return MLT_OK;
}

void mail_reader_clear(struct mail_reader *reader)
{
    if (reader->desk == NULL)
        return;
    database_close(&reader->db);
    pthread_mutex_destroy(&reader->lock);
    *reader = (struct mail_reader) { 0 };
}

void mail_reader_pause(struct mail_reader *reader)
{
    pthread_mutex_lock(&reader->lock);
}

void mail_reader_go_on(struct mail_reader *reader)
{
    pthread_mutex_unlock(&reader->lock);
}

void mail_reader_close(struct mail_reader *reader)
{
    /* With the writer's connection goes what it shares with this one: nothing may keep it. */
    reader->db.broken = reader->db.handle != NULL;
    database_close(&reader->db);
    reader->closed = true;
}

void mail_reader_allow(struct mail_reader *reader)
{
    mail_reader_pause(reader);
    reader->closed = false;
    mail_reader_go_on(reader);
}

/* ---- messages ---- */

/* The segment that this answer is about, as the first message names it. */
struct reading {
    const struct mail_job *job;
    struct mail_done *done;
    int64_t number;
    struct mail_segment segment; /* open, unless `closed` */
    bool closed;                 /* its messages cannot be read */
    size_t bytes;
};

static void end_reading(struct reading *r)
{
    mail_segment_clear(&r->segment);
}

static enum mlt_err ask_for_key(struct reading *r, struct query *q)
{
    TRY(query_bytes(q, 0, r->done->segment, MAIL_SEGMENT));
    return buf_put(&r->done->wrapped, query_span(q, 1));
}

/* *asks: the answer is that a key is needed. */
static enum mlt_err open_segment(struct mail_reader *reader, struct reading *r, bool *asks)
{
    const struct mail_job *job = r->job;
    uint8_t id[MAIL_SEGMENT];
    uint8_t proof[MAIL_PROOF];
    bool row = false;
    CLEANUP(query_end)
    struct query q =
        query_start(&reader->db, "SELECT id, wrapped, proof FROM segments WHERE number = ?");
    query_put_int(&q, r->number);
    TRY(query_next(&q, &row));
    *asks = false;
    /* Without its segment, or with one that is damaged, nobody can open it ever again. */
    r->closed = !row || query_bytes(&q, 0, id, sizeof(id)) != MLT_OK ||
                query_bytes(&q, 2, proof, sizeof(proof)) != MLT_OK;
    if (r->closed)
        return MLT_OK;
    bool about = span_eq(SPAN_OF(id), SPAN_OF(job->segment));
    r->closed = about && job->lost;
    if (r->closed)
        return MLT_OK;
    *asks = !about || job->secret.n == 0;
    if (*asks)
        return ask_for_key(r, &q);
    return mail_segment_open(id, proof, &job->secret, &r->segment);
}

/* What is not as it was put there is not readable, whatever is wrong with it. */
static enum mlt_err open_message(struct reading *r, struct query *q, struct mail_message *m)
{
    struct envelope e;
    struct name sender;
    uint8_t id[ENVELOPE_ID];
    struct span sealed = query_span(q, 5);
    int64_t index = query_int(q, 2);
    if (r->closed || index < 0 || index >= LIMIT_SEGMENT)
        return MLT_OK;
    if (query_name(q, 3, &sender) != MLT_OK || query_bytes(q, 4, id, sizeof(id)) != MLT_OK)
        return MLT_OK;
    const struct mail_binding binding = { .recipient = &r->job->recipient,
                                          .sender = &sender,
                                          .segment = r->segment.id,
                                          .index = (uint32_t)index,
                                          .id = id };
    enum mlt_err err = mail_open(&r->segment, &binding, sealed, &m->deliver);
    if (err == MLT_ERR_AUTH)
        return MLT_OK;
    TRY(err);
    m->readable = envelope_decode_deliver(buf_span(&m->deliver), &e) == MLT_OK;
    return MLT_OK;
}

static enum mlt_err take_messages(struct mail_reader *reader, struct reading *r, struct query *q)
{
    struct mail_done *done = r->done;
    bool row = false;
    bool asks = false;
    TRY(query_next(q, &row));
    if (row) {
        r->number = query_int(q, 1);
        TRY(open_segment(reader, r, &asks));
    }
    if (asks)
        return MLT_OK;
    while (row && done->count < r->job->most && query_int(q, 1) == r->number) {
        size_t size = query_span(q, 5).n;
        if (done->count > 0 && size > r->job->most_bytes - r->bytes)
            break;
        r->bytes += size < r->job->most_bytes - r->bytes ? size : r->job->most_bytes - r->bytes;
        struct mail_message *m = &done->messages[done->count++];
        m->row = query_int(q, 0);
        TRY(open_message(r, q, m));
        TRY(query_next(q, &row));
    }
    done->end = !row;
    return MLT_OK;
}

static enum mlt_err read_messages(struct mail_reader *reader, struct mail_job *job)
{
    CLEANUP(end_reading) struct reading r = { .job = job, .done = &job->answer->done };
    TRY(ALLOC_ARRAY(job->most, &r.done->messages));
    CLEANUP(query_end)
    struct query q =
        query_start(&reader->db, "SELECT row, segment, idx, sender, id, sealed FROM messages"
                                 " WHERE box = (SELECT number FROM boxes WHERE recipient = ?"
                                 " AND erased = 0) AND row > ? ORDER BY row");
    query_put_name(&q, &job->recipient);
    query_put_int(&q, job->row);
    TRY(take_messages(reader, &r, &q));
    job->answer->bytes = r.bytes;
    return MLT_OK;
}

/* ---- notices ---- */

/* False for a damaged one, which nobody can be told of. */
static bool take_notice(struct query *q, struct mail_notice *notice)
{
    int64_t state = query_int(q, 2);
    int64_t reason = query_int(q, 3);
    notice->state = (enum outcome_state)state;
    notice->reason = (enum outcome_reason)reason;
    return query_name(q, 1, &notice->recipient) == MLT_OK && state >= OUTCOME_STORED &&
           state <= OUTCOME_READ && reason >= OUTCOME_REASON_NONE &&
           reason <= OUTCOME_REASON_ERASED &&
           query_bytes(q, 4, notice->id, sizeof(notice->id)) == MLT_OK;
}

static enum mlt_err read_notices(struct mail_reader *reader, struct mail_job *job)
{
    struct mail_done *done = &job->answer->done;
    TRY(ALLOC_ARRAY(job->most, &done->notices));
    CLEANUP(query_end)
    struct query q =
        query_start(&reader->db, "SELECT row, recipient, state, reason, id FROM notices"
                                 " WHERE sender = ? AND row > ? ORDER BY row");
    query_put_name(&q, &job->sender);
    query_put_int(&q, job->row);
    bool row = false;
    TRY(query_next(&q, &row));
    while (row && done->count < job->most) {
        struct mail_notice_row *n = &done->notices[done->count];
        n->row = query_int(&q, 0);
        n->notice.sender = job->sender;
        done->count += take_notice(&q, &n->notice) ? 1 : 0;
        TRY(query_next(&q, &row));
    }
    done->end = !row;
    return MLT_OK;
}

/* ---- the thread ---- */

static enum mlt_err answer(struct mail_reader *reader, struct mail_job *job)
{
    ENSURE(!reader->closed, MLT_ERR_DATABASE);
    if (reader->db.handle == NULL)
        TRY(mail_schema_open(&reader->db, reader->dirfd, false));
    return job->kind == MAIL_JOB_READ ? read_messages(reader, job) : read_notices(reader, job);
}

static void take_nothing(struct mail_done *done)
{
    struct mail_done empty = { .kind = done->kind };
    mail_done_clear(done);
    *done = empty;
}

void mail_reader_answer(struct mail_reader *reader, struct mail_job *job)
{
    struct mail_done *done = &job->answer->done;
    pthread_mutex_lock(&reader->lock);
    enum mlt_err err = answer(reader, job);
    if (reader->db.broken)
        database_close(&reader->db); /* a read that failed says nothing of the next one */
    pthread_mutex_unlock(&reader->lock);
    if (err != MLT_OK)
        take_nothing(done);
    done->err = err;
    done->read_ticket = job->read_ticket;
}

static struct mail_job *next_job(struct mail_desk *desk)
{
    struct mail_desk_side *side = &desk->reader;
    struct mail_job *job = NULL;
    pthread_mutex_lock(&desk->lock);
    while (!desk->stopping && (STAILQ_EMPTY(&side->jobs) || desk->read_bytes > LIMIT_STORE_READS))
        pthread_cond_wait(&side->work, &desk->lock);
    if (!desk->stopping) {
        job = STAILQ_FIRST(&side->jobs);
        STAILQ_REMOVE_HEAD(&side->jobs, next);
    }
    pthread_mutex_unlock(&desk->lock);
    return job;
}

void *mail_reader_run(void *arg)
{
    struct mail_reader *reader = arg;
    for (struct mail_job *job = next_job(reader->desk); job != NULL; job = next_job(reader->desk)) {
        struct mail_done_list answers = STAILQ_HEAD_INITIALIZER(answers);
        mail_reader_answer(reader, job);
        STAILQ_INSERT_TAIL(&answers, job->answer, next);
        job->answer = NULL;
        mail_job_free(&job);
        mail_desk_answer(reader->desk, &reader->desk->reader, &answers, 1);
    }
    return NULL;
}
