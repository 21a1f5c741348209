/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "crypto/crypto.h"
#include "mailbox_key.h"
#include "mail/mail_schema.h"
#include "mail/mail_writer.h"
#include "wire/cursor.h"

/*
 * mail.db with rows of anybody's making: what the reader gives out of them, and what the writer
 * does when it meets them.  The input is records: u8 table, then its columns.
 *
 *   0 box      vec8 recipient, u8 erased
 *   1 segment  u8 box, u8 flags (1: the true id, 2: the true proof), vec8 id, vec8 proof
 *   2 message  u8 box, u8 segment, u64 index, vec8 sender, vec8 id, u64 kept,
 *              u8 flags (1: truly sealed), vec16 sealed (what is xored into it, if truly)
 *   3 notice   vec8 sender, vec8 recipient, vec8 id, u8 state, u8 reason
 *   4 share    u8 box, vec8 sender, u64 messages, u64 bytes
 *
 * Held here: what is called readable is an envelope, of the sender and for the recipient that it is
 * sealed for; no answer is longer than was asked for; notices have known states; and whatever the
 * writer meets, it says so and goes on.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { most_records = 24 };

static const struct name joao = { "joao" };
static const struct mail_limits limits = { 100, 1 << 20, 50, 1000 };

static struct mail_desk desk;
static struct mail_reader reader;
static struct mail_writer writer;
static struct database db;
static struct mail_segment segment;
static struct mail_wrapped wrapped;
static struct secret first;
static struct mail_keys keys;
static int64_t now_ms = 1000000;

static void must(bool cond)
{
    if (!cond)
        abort();
}

static void must_ok(enum mlt_err err)
{
    must(err == MLT_OK);
}

static int64_t show_time(void *ctx)
{
    (void)ctx;
    return now_ms;
}

/* The same each time, so that an input is the same each time. */
static enum mlt_err draw(void *ctx, uint8_t *out, size_t n)
{
    static uint8_t last;
    (void)ctx;
    for (size_t i = 0; i < n; i++)
        out[i] = last++;
    return MLT_OK;
}

static const struct env env = { NULL, show_time, show_time, draw };

static void wake(void *ctx)
{
    (void)ctx;
}

static void make_segment(void)
{
    CLEANUP(buf_clear) struct buf spki = { 0 };
    must_ok(mailbox_key_public(&spki));
    must_ok(mail_keys_init(&keys, &env));
    must_ok(mail_keys_set(&keys, &joao, buf_span(&spki)));
    must_ok(mail_segment_new(&env, &joao, mail_keys_find(&keys, &joao)->key, &segment, &wrapped));
    must_ok(secret_copy(&first, secret_span(&segment.chain)));
}

/* The databases look for their names in `root` and the corpora are named from `here`, so each input
 * goes there and back. */
static char root[] = "/dev/shm/malote-fuzz-XXXXXX";
static int here;

/* Not sooner: a database that lost its names takes nothing more. */
static void leave_nothing(void)
{
    static const char *const files[] = { "mail.db", "mail.db-wal", "mail.db-shm" };
    if (chdir(root) != 0)
        return;
    for (size_t i = 0; i < COUNT_OF(files); i++)
        unlink(files[i]);
    rmdir(root);
}

static void start(void)
{
    const struct mail_store_config config = { .env = &env, .limits = limits, .wake = wake };
    bool locked = false;
    int dirfd = -1;
    must_ok(secret_start_large(&locked));
    must_ok(crypto_start());
    make_segment();
    here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    must(here >= 0);
    must(mkdtemp(root) != NULL && chdir(root) == 0 && atexit(leave_nothing) == 0);
    must_ok(file_open_dir(".", false, &dirfd));
    must_ok(mail_desk_init(&desk, &config));
    must_ok(mail_reader_init(&reader, &desk, dirfd));
    must_ok(mail_writer_init(&writer, &config, &desk, &reader, dirfd));
    must_ok(mail_schema_open(&db, dirfd, false));
    must_ok(mail_schema_open(&reader.db, dirfd, false));
}

/* ---- rows ---- */

static void run(struct query *q)
{
    (void)!query_run(q); /* a second one of a key is none */
}

static void put_box(struct wire_in *in, int number)
{
    CLEANUP(query_end)
    struct query q = query_start(&db, "INSERT INTO boxes VALUES(?, ?, ?)");
    struct span recipient = wire_get_vec8(in, 0, 40);
    char text[41] = "";
    memcpy(text, recipient.p != NULL ? recipient.p : (const uint8_t *)"", recipient.n);
    query_put_int(&q, number);
    query_put_text(&q, text);
    query_put_int(&q, wire_get_u8(in) & 1);
    run(&q);
}

static void put_segment(struct wire_in *in, int number)
{
    CLEANUP(query_end)
    struct query q = query_start(&db, "INSERT INTO segments VALUES(?, ?, ?, ?, ?)");
    query_put_int(&q, number);
    query_put_int(&q, wire_get_u8(in));
    uint8_t flags = wire_get_u8(in);
    struct span id = wire_get_vec8(in, 0, 32);
    struct span proof = wire_get_vec8(in, 0, 32);
    query_put_span(&q, (flags & 1) != 0 ? SPAN_OF(segment.id) : id);
    query_put_span(&q, span_str("wrapped"));
    query_put_span(&q, (flags & 2) != 0 ? SPAN_OF(wrapped.proof) : proof);
    run(&q);
}

/* A true message of that index, for joao; as short as the index is high. */
static void seal(uint64_t index, struct span sender, struct span id, struct buf *sealed)
{
    struct envelope e = { .sender = { ADDRESS_USER, { "" } },
                          .recipient = { ADDRESS_USER, joao },
                          .number = 1,
                          .body_kind = BODY_PLAIN };
    if (name_parse(sender, &e.sender.name) != MLT_OK || id.n != ENVELOPE_ID || index > 3)
        return;
    CLEANUP(mail_segment_clear) struct mail_segment from = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    memcpy(e.id, id.p, sizeof(e.id));
    must_ok(envelope_encode_deliver(&e, &plain));
    must_ok(mail_segment_open(segment.id, wrapped.proof, &first, &from));
    for (uint32_t i = 0; i <= index; i++) {
        const struct mail_binding binding = { &joao, &e.sender.name, segment.id, i, e.id };
        buf_reset(sealed);
        must_ok(mail_seal(&from, &binding, buf_span(&plain), sealed));
    }
}

static void put_message(struct wire_in *in, int number)
{
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    CLEANUP(query_end)
    struct query q = query_start(&db, "INSERT INTO messages VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    query_put_int(&q, number);
    query_put_int(&q, wire_get_u8(in));
    query_put_int(&q, wire_get_u8(in));
    uint64_t index = wire_get_u64(in);
    struct span sender = wire_get_vec8(in, 0, 40);
    struct span id = wire_get_vec8(in, 0, 32);
    uint64_t kept = wire_get_u64(in);
    bool truly = (wire_get_u8(in) & 1) != 0;
    struct span given = wire_get_vec16(in, 0, 4096);
    char text[41] = "";
    memcpy(text, sender.p != NULL ? sender.p : (const uint8_t *)"", sender.n);
    if (truly)
        seal(index, sender, id, &sealed);
    else
        must_ok(buf_put(&sealed, given));
    for (size_t i = 0; truly && i < given.n && i < sealed.len; i++)
        sealed.p[i] ^= given.p[i];
    query_put_int(&q, (int64_t)index);
    query_put_text(&q, text);
    query_put_span(&q, id);
    query_put_int(&q, (int64_t)kept);
    query_put_span(&q, buf_span(&sealed));
    run(&q);
}

static void put_notice(struct wire_in *in, int number)
{
    CLEANUP(query_end)
    struct query q = query_start(&db, "INSERT INTO notices VALUES(?, ?, ?, ?, ?, ?, 1)");
    query_put_int(&q, number);
    for (int i = 0; i < 2; i++) {
        struct span name = wire_get_vec8(in, 0, 40);
        query_put_text(&q, name.n == 3 ? "ana" : name.n == 4 ? "joao" : "J/");
    }
    query_put_span(&q, wire_get_vec8(in, 0, 32));
    query_put_int(&q, (int8_t)wire_get_u8(in));
    query_put_int(&q, (int8_t)wire_get_u8(in));
    run(&q);
}

static void put_share(struct wire_in *in)
{
    CLEANUP(query_end)
    struct query q = query_start(&db, "INSERT INTO shares VALUES(?, ?, ?, ?)");
    query_put_int(&q, wire_get_u8(in));
    struct span sender = wire_get_vec8(in, 0, 40);
    query_put_text(&q, sender.n == 3 ? "ana" : "bia");
    query_put_int(&q, (int64_t)wire_get_u64(in));
    query_put_int(&q, (int64_t)wire_get_u64(in));
    run(&q);
}

static void put_rows(struct span input)
{
    struct wire_in in = wire_in(input);
    for (int number = 1; number <= most_records && in.rest.n > 0 && in.err == MLT_OK; number++) {
        switch (wire_get_u8(&in) % 5) {
        case 0:
            put_box(&in, number);
            break;
        case 1:
            put_segment(&in, number);
            break;
        case 2:
            put_message(&in, number);
            break;
        case 3:
            put_notice(&in, number);
            break;
        default:
            put_share(&in);
        }
    }
}

/* ---- what is made of them ---- */

static void judge_message(const struct mail_message *m)
{
    struct envelope e;
    if (!m->readable)
        return;
    must_ok(envelope_decode_deliver(buf_span(&m->deliver), &e));
    must(name_eq(&e.recipient.name, &joao));
}

static void read_box(bool lost)
{
    struct mail_job *job = NULL;
    must_ok(mail_job_new(MAIL_JOB_READ, &job));
    job->recipient = joao;
    job->most = 5;
    job->most_bytes = 600;
    job->lost = lost;
    memcpy(job->segment, segment.id, sizeof(job->segment));
    must_ok(secret_copy(&job->secret, secret_span(&first)));
    mail_reader_answer(&reader, job);
    const struct mail_done *done = &job->answer->done;
    must(done->count <= 5 && (done->err == MLT_OK || done->count == 0));
    for (size_t i = 0; i < done->count; i++)
        judge_message(&done->messages[i]);
    mail_job_free(&job);
}

static void read_notices(void)
{
    struct mail_job *job = NULL;
    must_ok(mail_job_new(MAIL_JOB_READ_NOTICES, &job));
    must_ok(name_parse(span_str("ana"), &job->sender));
    job->most = 4;
    mail_reader_answer(&reader, job);
    const struct mail_done *done = &job->answer->done;
    must(done->err == MLT_OK && done->count <= 4);
    for (size_t i = 0; i < done->count; i++) {
        enum outcome_state state = done->notices[i].notice.state;
        must(state >= OUTCOME_STORED && state <= OUTCOME_READ);
    }
    mail_job_free(&job);
}

static struct mail_job *new_job(enum mail_job_kind kind, int64_t row)
{
    struct mail_job *job = NULL;
    must_ok(mail_job_new(kind, &job));
    job->recipient = joao;
    must_ok(name_parse(span_str("ana"), &job->sender));
    job->row = row;
    job->state = OUTCOME_DELIVERED;
    if (kind == MAIL_JOB_PUT) {
        must_ok(buf_put_str(&job->plain, "plain"));
        job->key = mail_keys_use(&keys, mail_keys_find(&keys, &joao));
        job->failures = writer.failures;
    }
    return job;
}

static enum mlt_err apply(struct mail_job *job)
{
    TRY(mail_apply(&writer, job));
    return mail_apply_rest(&writer);
}

/* In a transaction of its own, as one that failed leaves nothing. */
static void end(enum mlt_err err)
{
    must(err == MLT_OK || err == MLT_ERR_DAMAGED || err == MLT_ERR_DATABASE);
    if (database_end(&writer.table.db, err) != MLT_OK) {
        mail_counts_forget(&writer.counts);
        mail_chains_end_all(&writer.chains);
        writer.touched_count = 0;
    }
    must(!writer.table.db.broken);
    mail_dones_clear(&writer.out);
}

static void write_over(void)
{
    static const enum mail_job_kind kinds[] = { MAIL_JOB_REMOVE, MAIL_JOB_PUT, MAIL_JOB_TELL,
                                                MAIL_JOB_NOTED, MAIL_JOB_ERASE };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct mail_job *job = new_job(kinds[i], (int64_t)i + 2);
        must_ok(database_begin(&writer.table.db));
        end(apply(job));
        mail_job_free(&job);
    }
    for (int i = 0; i < 4; i++) {
        bool more = false;
        must_ok(database_begin(&writer.table.db));
        enum mlt_err err = mail_sweep(&writer, 16, &more);
        end(err == MLT_OK ? mail_apply_rest(&writer) : err);
    }
}

static void empty(void)
{
    static const char *const tables[] = { "boxes", "shares", "segments", "messages", "notices" };
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        char sql[40];
        snprintf(sql, sizeof(sql), "DELETE FROM %s", tables[i]);
        CLEANUP(query_end) struct query q = query_start(&db, sql);
        must_ok(query_run(&q));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (db.handle == NULL)
        start();
    must(chdir(root) == 0);
    must_ok(database_begin(&db));
    empty();
    put_rows(span_of(data, n));
    must_ok(database_end(&db, MLT_OK));
    mail_counts_forget(&writer.counts);
    mail_chains_end_all(&writer.chains);
    writer.next_message = most_records + 1;
    writer.next_notice = most_records + 1;
    writer.notices = true;
    read_box(false);
    read_box(true);
    read_notices();
    write_over();
    must_ok(database_checkpoint(&db));
    must(fchdir(here) == 0);
    return 0;
}
