/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_store.h"

#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "mail/mail_writer.h"

struct mail_store {
    struct mail_desk desk;
    struct mail_keys keys;
    struct mail_reader reader;
    struct mail_writer writer;
    size_t waiting;    /* bytes of puts that were not answered yet */
    uint64_t failures; /* of puts that were taken; see mail_job.failures */
    bool started;
    pthread_t write_thread, read_thread;
};

/* ---- beginning and end ---- */

static enum mlt_err open_all(struct mail_store *s, const struct mail_store_config *c, int dirfd)
{
    TRY(mail_desk_init(&s->desk, c));
    TRY(mail_keys_init(&s->keys, c->env));
    TRY(mail_reader_init(&s->reader, &s->desk, dirfd));
    return mail_writer_init(&s->writer, c, &s->desk, &s->reader, dirfd);
}

enum mlt_err mail_store_open(const struct mail_store_config *config, int dirfd,
                             struct mail_store **store)
{
    CLEANUP(mail_store_close) struct mail_store *made = NULL;
    TRY(ALLOC_NEW(&made));
    TRY(open_all(made, config, dirfd));
    *store = made;
    made = NULL;
    return MLT_OK;
}

static enum mlt_err start_threads(struct mail_store *s)
{
    ENSURE(pthread_create(&s->write_thread, NULL, mail_writer_run, &s->writer) == 0,
           MLT_ERR_SYSTEM);
    if (pthread_create(&s->read_thread, NULL, mail_reader_run, &s->reader) == 0) {
        s->started = true;
        return MLT_OK;
    }
    mail_desk_stop(&s->desk);
    pthread_join(s->write_thread, NULL);
    return MLT_ERR_SYSTEM;
}

enum mlt_err mail_store_start(struct mail_store *store)
{
    ENSURE(!store->started, MLT_ERR_STATE);
    /* A thread inherits the mask: signals are the owner's. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ENSURE(pthread_sigmask(SIG_SETMASK, &all, &before) == 0, MLT_ERR_SYSTEM);
    enum mlt_err err = start_threads(store);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

void mail_store_close(struct mail_store **store)
{
    struct mail_store *s = *store;
    if (s == NULL)
        return;
    if (s->started) {
        mail_desk_stop(&s->desk);
        pthread_join(s->read_thread, NULL);
        pthread_join(s->write_thread, NULL);
    }
    /* The reader first: the last connection to close moves the WAL into the file. */
    mail_reader_clear(&s->reader);
    mail_writer_clear(&s->writer);
    mail_keys_clear(&s->keys);
    mail_desk_clear(&s->desk);
    alloc_free(s);
    *store = NULL;
}

enum mlt_err mail_store_each_box(struct mail_store *store, const struct mail_box_visit *visit)
{
    ENSURE(!store->started, MLT_ERR_STATE);
    return mail_table_each_box(&store->writer.table, visit);
}

/* ---- jobs ---- */

bool mail_store_has_key(const struct mail_store *store, const struct name *recipient)
{
    return mail_keys_find(&store->keys, recipient) != NULL;
}

enum mlt_err mail_store_set_key(struct mail_store *store, const struct name *recipient,
                                struct span spki)
{
    return mail_keys_set(&store->keys, recipient, spki);
}

static enum mlt_err give(struct mail_store *store, struct mail_job **job)
{
    return mail_desk_give(&store->desk, &store->desk.writer, job);
}

enum mlt_err mail_store_put(struct mail_store *store, const struct mail_put *put)
{
    const struct envelope *e = put->envelope;
    struct mail_key *key = mail_keys_find(&store->keys, &e->recipient.name);
    ENSURE(key != NULL, MLT_ERR_MISSING);
    CLEANUP(mail_job_free) struct mail_job *job = NULL;
    TRY(mail_job_new(MAIL_JOB_PUT, &job));
    TRY(envelope_encode_deliver(e, &job->plain));
    size_t bytes = job->plain.len;
    ENSURE(bytes <= LIMIT_STORE_QUEUE - store->waiting, MLT_ERR_TOO_MANY);
    job->sender = e->sender.name;
    job->recipient = e->recipient.name;
    memcpy(job->id, e->id, sizeof(job->id));
    job->ticket = put->ticket;
    job->failures = store->failures;
    job->answer->bytes = bytes;
    job->answer->done.ticket = put->ticket;
    memcpy(job->answer->done.outcome.id, e->id, sizeof(e->id));
    job->key = mail_keys_use(&store->keys, key);
    TRY(give(store, &job));
    store->waiting += bytes;
    return MLT_OK;
}

enum mlt_err mail_store_remove(struct mail_store *store, const struct name *recipient, int64_t row,
                               enum outcome_state state)
{
    CLEANUP(mail_job_free) struct mail_job *job = NULL;
    TRY(mail_job_new(MAIL_JOB_REMOVE, &job));
    job->recipient = *recipient;
    job->row = row;
    job->state = state;
    return give(store, &job);
}

enum mlt_err mail_store_tell(struct mail_store *store, const struct mail_notice *notice)
{
    CLEANUP(mail_job_free) struct mail_job *job = NULL;
    TRY(mail_job_new(MAIL_JOB_TELL, &job));
    job->sender = notice->sender;
    job->recipient = notice->recipient;
    memcpy(job->id, notice->id, sizeof(job->id));
    job->state = notice->state;
    job->reason = notice->reason;
    return give(store, &job);
}

enum mlt_err mail_store_noted(struct mail_store *store, const struct name *sender,
                              const struct noted *noted)
{
    CLEANUP(mail_job_free) struct mail_job *job = NULL;
    TRY(mail_job_new(MAIL_JOB_NOTED, &job));
    job->sender = *sender;
    memcpy(job->id, noted->id, sizeof(job->id));
    job->state = noted->state;
    return give(store, &job);
}

enum mlt_err mail_store_erase(struct mail_store *store, const struct name *recipient)
{
    CLEANUP(mail_job_free) struct mail_job *job = NULL;
    TRY(mail_job_new(MAIL_JOB_ERASE, &job));
    job->recipient = *recipient;
    job->answer->done.notice.recipient = *recipient;
    TRY(give(store, &job));
    mail_keys_drop(&store->keys, recipient);
    return MLT_OK;
}

void mail_store_tick(struct mail_store *store)
{
    mail_desk_tick(&store->desk);
}

enum mlt_err mail_store_read(struct mail_store *store, const struct mail_read *read)
{
    ENSURE(read->most > 0, MLT_ERR_USAGE);
    CLEANUP(mail_job_free) struct mail_job *job = NULL;
    TRY(mail_job_new(MAIL_JOB_READ, &job));
    job->recipient = read->recipient;
    job->row = read->after;
    job->most = read->most < LIMIT_STORE_BATCH ? read->most : LIMIT_STORE_BATCH;
    job->most_bytes = read->most_bytes;
    memcpy(job->segment, read->segment, sizeof(job->segment));
    if (read->key != NULL)
        TRY(secret_copy(&job->secret, secret_span(read->key)));
    job->lost = read->lost;
    job->read_ticket = read->ticket;
    return mail_desk_give(&store->desk, &store->desk.reader, &job);
}

enum mlt_err mail_store_read_notices(struct mail_store *store, const struct mail_read_notices *read)
{
    ENSURE(read->most > 0, MLT_ERR_USAGE);
    CLEANUP(mail_job_free) struct mail_job *job = NULL;
    TRY(mail_job_new(MAIL_JOB_READ_NOTICES, &job));
    job->sender = read->sender;
    job->row = read->after;
    job->most = read->most < LIMIT_STORE_BATCH ? read->most : LIMIT_STORE_BATCH;
    job->read_ticket = read->ticket;
    return mail_desk_give(&store->desk, &store->desk.reader, &job);
}

/* ---- completions ---- */

bool mail_store_take(struct mail_store *store, struct mail_done *done)
{
    struct mail_done_entry *entry = mail_desk_take(&store->desk);
    if (entry == NULL)
        return false;
    if (entry->done.kind == MAIL_PUT)
        store->waiting -= entry->bytes;
    if (entry->failures > store->failures)
        store->failures = entry->failures;
    *done = entry->done;
    alloc_free(entry);
    return true;
}

void mail_done_clear(struct mail_done *done)
{
    for (size_t i = 0; done->messages != NULL && i < done->count; i++)
        buf_clear(&done->messages[i].deliver);
    alloc_free(done->messages);
    alloc_free(done->notices);
    buf_clear(&done->wrapped);
    *done = (struct mail_done) { 0 };
}

size_t mail_store_waiting(const struct mail_store *store)
{
    return store->waiting;
}
