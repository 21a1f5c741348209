/* SPDX-License-Identifier: Apache-2.0 */
#include "mailroom.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "faulty_disk.h"
#include "mailbox_key.h"

const struct mail_limits mailroom_roomy = { 1000000, 1 << 30, 100, INT64_C(30) * 86400000 };

static const int64_t first_wall = INT64_C(1800000000000);
static atomic_llong wall_ms, mono_ms;
static char root[64];
static int awake = -1;
static EVP_PKEY *pair;

static int64_t show_wall(void *ctx)
{
    (void)ctx;
    return atomic_load(&wall_ms);
}

static int64_t show_mono(void *ctx)
{
    (void)ctx;
    return atomic_load(&mono_ms);
}

static enum mlt_err draw(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return env_random(env_system(), out, n);
}

static const struct env env = { NULL, show_wall, show_mono, draw };

void mailroom_pass(int64_t ms)
{
    atomic_fetch_add(&wall_ms, ms);
    atomic_fetch_add(&mono_ms, ms);
}

void mailroom_pass_mono(int64_t ms)
{
    atomic_fetch_add(&mono_ms, ms);
}

void mailroom_jump(int64_t ms)
{
    atomic_fetch_add(&wall_ms, ms);
}

static void wake(void *ctx)
{
    (void)ctx;
    (void)!eventfd_write(awake, 1);
}

int mailroom_start(void **state)
{
    (void)state;
    bool locked = false;
    faulty_disk_start();
    assert_ok(secret_start_large(&locked));
    assert_ok(crypto_start());
    assert_ok(mailbox_key(&pair));
    atomic_store(&wall_ms, first_wall);
    awake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return awake >= 0 ? 0 : -1;
}

int mailroom_stop(void **state)
{
    (void)state;
    rsa_key_free(&pair);
    close(awake);
    return 0;
}

/* ---- the store ---- */

static void open_store(struct mailroom *m)
{
    const struct mail_store_config config = { .env = &env, .limits = m->limits, .wake = wake };
    assert_ok(mail_store_open(&config, m->dirfd, &m->store));
    mailroom_set_key(m, "joao");
    mailroom_set_key(m, "maria");
}

void mailroom_run(struct mailroom *m)
{
    assert_ok(mail_store_start(m->store));
}

void mailroom_open(struct mailroom *m, const struct mail_limits *limits, bool idle)
{
    *m = (struct mailroom) { .limits = *limits, .dirfd = -1 };
    /* In memory where that can be had: what is tested is what the store does, not the disk. */
    bool in_memory = access("/dev/shm", W_OK) == 0;
    snprintf(root, sizeof(root), "%s/malote-mail-XXXXXX", in_memory ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(root));
    assert_int_equal(chdir(root), 0);
    assert_ok(file_open_dir(".", false, &m->dirfd));
    open_store(m);
    if (!idle)
        mailroom_run(m);
}

void mailroom_again_idle(struct mailroom *m)
{
    mail_store_close(&m->store);
    open_store(m);
}

void mailroom_again(struct mailroom *m)
{
    mailroom_again_idle(m);
    mailroom_run(m);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void mailroom_close(struct mailroom *m)
{
    faulty_disk_heal();
    mail_store_close(&m->store);
    close(m->dirfd);
    assert_int_equal(chdir("/"), 0);
    nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- what is given and answered ---- */

struct name mailroom_name(const char *text)
{
    struct name name;
    assert_ok(name_parse(span_str(text), &name));
    return name;
}

void mailroom_set_key(struct mailroom *m, const char *recipient)
{
    CLEANUP(buf_clear) struct buf spki = { 0 };
    const struct name name = mailroom_name(recipient);
    assert_ok(mailbox_key_public(&spki));
    assert_ok(mail_store_set_key(m->store, &name, buf_span(&spki)));
}

static struct envelope envelope_of(const char *sender, const char *recipient, int id,
                                   const char *body)
{
    struct envelope e = { .sender = { ADDRESS_USER, mailroom_name(sender) },
                          .time_ms = first_wall,
                          .recipient = { ADDRESS_USER, mailroom_name(recipient) },
                          .epoch = 7,
                          .number = (uint64_t)id,
                          .body_kind = BODY_PLAIN,
                          .body = span_str(body) };
    memcpy(e.id, &id, sizeof(id));
    return e;
}

void mailroom_give(struct mailroom *m, const char *sender, const char *recipient, int id,
                   const char *body)
{
    const struct envelope e = envelope_of(sender, recipient, id, body);
    const struct mail_put put = { .envelope = &e, .ticket = (void *)(intptr_t)id };
    assert_ok(mail_store_put(m->store, &put));
}

struct mail_done mailroom_next(struct mailroom *m)
{
    struct mail_done done = { 0 };
    struct pollfd p = { .fd = awake, .events = POLLIN };
    for (int waited = 0; !mail_store_take(m->store, &done);) {
        eventfd_t count = 0;
        waited += poll(&p, 1, 100) == 0;
        (void)!eventfd_read(awake, &count);
        assert_true(waited < 100);
    }
    return done;
}

struct mail_done mailroom_await(struct mailroom *m, enum mail_done_kind kind)
{
    struct mail_done done = mailroom_next(m);
    while (done.kind != kind) {
        mail_done_clear(&done);
        done = mailroom_next(m);
    }
    return done;
}

struct mail_done mailroom_put(struct mailroom *m, const char *sender, const char *recipient, int id,
                              const char *body)
{
    mailroom_give(m, sender, recipient, id, body);
    struct mail_done done = mailroom_await(m, MAIL_PUT);
    assert_ptr_equal(done.ticket, (void *)(intptr_t)id);
    assert_memory_equal(done.outcome.id, &id, sizeof(id));
    return done;
}

int64_t mailroom_keep(struct mailroom *m, const char *sender, const char *recipient, int id,
                      const char *body)
{
    struct mail_done done = mailroom_put(m, sender, recipient, id, body);
    assert_int_equal(done.outcome.state, OUTCOME_STORED);
    assert_true(done.row > 0);
    return done.row;
}

void mailroom_await_stored(struct mailroom *m, int count)
{
    for (int i = 1; i <= count; i++) {
        struct mail_done done = mailroom_await(m, MAIL_PUT);
        assert_int_equal(done.outcome.state, OUTCOME_STORED);
        assert_ptr_equal(done.ticket, (void *)(intptr_t)i);
    }
}

void mailroom_assert_refused(const struct mail_done *done, enum outcome_reason reason)
{
    assert_int_equal(done->outcome.state, OUTCOME_REFUSED);
    assert_int_equal(done->outcome.reason, reason);
    assert_int_equal(done->row, 0);
    assert_false(done->fresh);
}

void mailroom_remove(struct mailroom *m, const char *recipient, int64_t row,
                     enum outcome_state state)
{
    const struct name name = mailroom_name(recipient);
    assert_ok(mail_store_remove(m->store, &name, row, state));
    struct mail_done done = mailroom_await(m, MAIL_REMOVED);
    assert_string_equal(done.notice.recipient.text, recipient);
    assert_int_equal(done.notice.state, state);
}

/* A read-receipt that nobody waits for: it is answered when all before it is done, and a second one
 * when the sweep that a tick asked for is done too. */
static void settle(struct mailroom *m, bool in_silence)
{
    const struct mail_notice notice = { .sender = mailroom_name("nobody"),
                                        .recipient = mailroom_name("nobody"),
                                        .state = OUTCOME_READ };
    for (int i = 0; i < 2; i++) {
        assert_ok(mail_store_tell(m->store, &notice));
        for (bool answered = false; !answered;) {
            struct mail_done done = mailroom_next(m);
            answered = done.kind == MAIL_TOLD && strcmp(done.notice.sender.text, "nobody") == 0;
            assert_true(answered || !in_silence);
            mail_done_clear(&done);
        }
    }
}

void mailroom_settle(struct mailroom *m)
{
    settle(m, false);
}

void mailroom_settle_in_silence(struct mailroom *m)
{
    settle(m, true);
}

void mailroom_tick(struct mailroom *m)
{
    mail_store_tick(m->store);
    mailroom_settle(m);
}

/* ---- reading ---- */

struct mail_done mailroom_read_once(struct mailroom *m, struct mail_read *read, struct secret *key)
{
    for (;;) {
        CLEANUP(buf_clear) struct buf label = { 0 };
        assert_ok(mail_store_read(m->store, read));
        struct mail_done done = mailroom_await(m, MAIL_READ);
        assert_int_equal(done.read_ticket, read->ticket);
        if (done.err != MLT_OK || done.count > 0 || done.end)
            return done;
        assert_ok(mailbox_label(&read->recipient, done.segment, &label));
        memcpy(read->segment, done.segment, sizeof(read->segment));
        read->lost = rsa_unwrap(pair, buf_span(&label), buf_span(&done.wrapped), key) != MLT_OK;
        read->key = read->lost ? NULL : key;
        mail_done_clear(&done);
    }
}

static size_t say_message(const struct mail_message *m, char *to, size_t room)
{
    struct envelope e;
    if (!m->readable)
        return (size_t)snprintf(to, room, "? ");
    assert_ok(envelope_decode_deliver(buf_span(&m->deliver), &e));
    return (size_t)snprintf(to, room, "%s:%d:%.*s ", e.sender.name.text, (int)e.number,
                            (int)e.body.n, (const char *)e.body.p);
}

const char *mailroom_read(struct mailroom *m, const char *recipient)
{
    static char text[65536];
    CLEANUP(secret_clear) struct secret key = { 0 };
    struct mail_read read = {
        .recipient = mailroom_name(recipient), .most = 50, .most_bytes = 100000, .ticket = 11
    };
    size_t n = 0;
    text[0] = '\0';
    for (bool end = false; !end;) {
        struct mail_done done = mailroom_read_once(m, &read, &key);
        assert_ok(done.err);
        for (size_t i = 0; i < done.count; i++) {
            assert_true(done.messages[i].row > read.after);
            read.after = done.messages[i].row;
            n += say_message(&done.messages[i], text + n, sizeof(text) - n);
            assert_true(n < sizeof(text));
        }
        end = done.end;
        mail_done_clear(&done);
    }
    return text;
}

static const char *const state_words[] = {
    [OUTCOME_STORED] = "stored",   [OUTCOME_DELIVERED] = "delivered", [OUTCOME_REFUSED] = "refused",
    [OUTCOME_UNKNOWN] = "unknown", [OUTCOME_EXPIRED] = "expired",     [OUTCOME_READ] = "read",
};

const char *mailroom_notices(struct mailroom *m, const char *sender)
{
    static char text[65536];
    struct mail_read_notices read = { .sender = mailroom_name(sender), .most = 3, .ticket = 5 };
    size_t n = 0;
    text[0] = '\0';
    for (bool end = false; !end;) {
        assert_ok(mail_store_read_notices(m->store, &read));
        struct mail_done done = mailroom_await(m, MAIL_NOTICES);
        assert_ok(done.err);
        assert_int_equal(done.read_ticket, 5);
        for (size_t i = 0; i < done.count; i++) {
            const struct mail_notice *notice = &done.notices[i].notice;
            int id = 0;
            memcpy(&id, notice->id, sizeof(id));
            assert_true(done.notices[i].row > read.after);
            read.after = done.notices[i].row;
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s:%d:%s%s ", notice->recipient.text,
                                  id, state_words[notice->state],
                                  notice->reason == OUTCOME_REASON_ERASED ? ":erased" : "");
            assert_true(n < sizeof(text));
        }
        end = done.end;
        mail_done_clear(&done);
    }
    return text;
}

/* ---- behind its back ---- */

int64_t mailroom_sql(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open_v2("mail.db", &db, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    int rc = sqlite3_step(q);
    assert_true(rc == SQLITE_ROW || rc == SQLITE_DONE);
    int64_t value = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
    sqlite3_finalize(q);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return value;
}

void mailroom_check(void)
{
    static const char *const wrong[] = {
        "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
        "SELECT count(*) FROM (SELECT box, sender, count(*) AS n, sum(length(sealed)) AS b"
        " FROM messages WHERE box IN (SELECT number FROM boxes WHERE erased = 0)"
        " GROUP BY box, sender) AS m"
        " FULL JOIN shares AS s ON s.box = m.box AND s.sender = m.sender"
        " WHERE m.n IS NOT s.messages OR m.b IS NOT s.bytes",
        "SELECT count(*) FROM (SELECT sender, iif(state = 6, recipient, '') AS r, count(*) AS n"
        " FROM notices GROUP BY 1, 2) AS k"
        " FULL JOIN waiting AS w ON w.sender = k.sender AND w.recipient = k.r"
        " WHERE k.n IS NOT w.notices",
        "SELECT count(*) FROM segments WHERE number NOT IN (SELECT segment FROM messages)",
        "SELECT count(*) FROM (SELECT 1 FROM messages GROUP BY segment, idx HAVING count(*) > 1)",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(mailroom_sql(wrong[i]), 0);
}
