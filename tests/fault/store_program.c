/* SPDX-License-Identifier: Apache-2.0
 *
 * The mail store without a server (said.h).  Its changes: puts of two senders to two recipients,
 * several of them under way at a time; removals, which leave a notice; notices that are noted; a
 * mailbox that is erased.
 *
 *   mail/RECIPIENT.SENDER/N  a stored message       told/SENDER.RECIPIENT/N  a notice about it
 *
 * The order of acknowledgements is the order of `plan`, so an Nth acknowledgement is its Nth line.
 * Its clock runs 50 times as fast, so that what the store does once a second is done soon.  `show`
 * lets the store finish what was begun (what is left of an erased mailbox), looks at the tables
 * themselves, and then reads everything as a server would, with the key that ca would have.
 */
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "mailbox_key.h"
#include "mail/mail_store.h"
#include "said.h"

enum { fast = 50, limit_ms = 20000, window = 5, most_rows = 64 };

static const char *const people[] = { "ana", "bia", "joao", "maria" };

enum deed { PUT, REMOVE, NOTE, ERASE };

/* One change: who to whom, and which ones. */
struct line {
    enum deed deed;
    int from, to;
    int number; /* ERASE: there are so many */
    size_t size;
};

enum { ANA, BIA, JOAO, MARIA };

static const struct line plan[] = {
    { PUT, ANA, JOAO, 1, 10 },     { PUT, BIA, JOAO, 1, 0 },      { PUT, ANA, JOAO, 2, 9000 },
    { PUT, ANA, MARIA, 1, 300 },   { PUT, ANA, JOAO, 3, 200 },    { PUT, BIA, JOAO, 2, 4100 },
    { PUT, ANA, JOAO, 4, 1 },      { REMOVE, ANA, JOAO, 1, 0 },   { REMOVE, BIA, JOAO, 1, 0 },
    { PUT, ANA, MARIA, 2, 30000 }, { PUT, ANA, MARIA, 3, 17 },    { NOTE, ANA, JOAO, 1, 0 },
    { REMOVE, ANA, JOAO, 2, 0 },   { PUT, BIA, JOAO, 3, 650 },    { PUT, ANA, JOAO, 5, 80 },
    { ERASE, ANA, MARIA, 3, 0 },   { PUT, BIA, MARIA, 1, 100 },   { PUT, BIA, MARIA, 2, 3000 },
    { REMOVE, ANA, JOAO, 3, 0 },   { REMOVE, ANA, JOAO, 4, 0 },   { REMOVE, BIA, JOAO, 2, 0 },
    { NOTE, BIA, JOAO, 1, 0 },     { PUT, ANA, MARIA, 4, 64000 }, { PUT, BIA, MARIA, 3, 5 },
    { REMOVE, BIA, MARIA, 1, 0 },  { REMOVE, ANA, JOAO, 5, 0 },   { REMOVE, BIA, JOAO, 3, 0 },
    { PUT, ANA, JOAO, 6, 1000 },   { PUT, BIA, JOAO, 4, 1000 },   { REMOVE, BIA, MARIA, 2, 0 },
};

static const struct mail_limits limits = { 1000, 10000000, 100, INT64_C(1000000000000) };

/* ---- the world ---- */

static int64_t fast_mono(void *ctx)
{
    (void)ctx;
    return fast * env_mono_ms(env_system());
}

static int64_t system_wall(void *ctx)
{
    (void)ctx;
    return env_wall_ms(env_system());
}

static enum mlt_err system_random(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return env_random(env_system(), out, n);
}

static const struct env env = { NULL, system_wall, fast_mono, system_random };

static int awake = -1;
static struct mail_store *store;
static EVP_PKEY *pair;
static int64_t started_ms;

static void must(bool cond, const char *what)
{
    if (cond)
        return;
    fprintf(stderr, "store_program: %s\n", what);
    exit(1);
}

static void must_ok(enum mlt_err err, const char *what)
{
    if (err != MLT_OK)
        fprintf(stderr, "%s: ", err_name(err));
    must(err == MLT_OK, what);
}

static bool is_late(void)
{
    return env_mono_ms(env_system()) - started_ms > limit_ms;
}

static void wake(void *ctx)
{
    (void)ctx;
    (void)!eventfd_write(awake, 1);
}

static struct name name_of(int who)
{
    struct name name;
    must_ok(name_parse(span_str(people[who]), &name), "name");
    return name;
}

static int number_of(const struct name *name)
{
    int who = 0;
    while (strcmp(people[who], name->text) != 0)
        who++;
    return who;
}

/* A message's id says which it is; notices have nothing else. */
static void make_id(const struct line *l, uint8_t id[static ENVELOPE_ID])
{
    memset(id, 0x5a, ENVELOPE_ID);
    id[0] = (uint8_t)l->to;
    id[1] = (uint8_t)l->number;
}

static void give_keys(void)
{
    CLEANUP(buf_clear) struct buf spki = { 0 };
    must_ok(mailbox_key_public(&spki), "public key");
    for (int who = JOAO; who <= MARIA; who++) {
        const struct name name = name_of(who);
        if (!mail_store_has_key(store, &name))
            must_ok(mail_store_set_key(store, &name, buf_span(&spki)), "key");
    }
}

/* Until the disk lets it. */
static void open_store(void)
{
    const struct mail_store_config config = { .env = &env, .limits = limits, .wake = wake };
    int dirfd = -1;
    must_ok(file_open_dir(".", false, &dirfd), "directory");
    enum mlt_err err = mail_store_open(&config, dirfd, &store);
    while (err != MLT_OK && !is_late()) {
        poll(NULL, 0, 20);
        err = mail_store_open(&config, dirfd, &store);
    }
    must_ok(err, "open");
    must_ok(mail_store_start(store), "start");
    give_keys();
}

/* The next completion, which is the caller's to clear. */
static struct mail_done await(void)
{
    struct mail_done done = { 0 };
    struct pollfd p = { .fd = awake, .events = POLLIN };
    while (!mail_store_take(store, &done)) {
        must(!is_late(), "20 s have passed");
        eventfd_t count = 0;
        if (poll(&p, 1, 10) > 0)
            (void)!eventfd_read(awake, &count);
        mail_store_tick(store);
    }
    return done;
}

/* ---- reading ---- */

static struct mail_message messages[most_rows];
static size_t message_count;

static void forget_messages(void)
{
    for (size_t i = 0; i < message_count; i++)
        buf_clear(&messages[i].deliver);
    message_count = 0;
}

/* What ca does for a login of the recipient's. */
static void unwrap(const struct name *recipient, const struct mail_done *done, struct secret *key)
{
    CLEANUP(buf_clear) struct buf label = { 0 };
    must_ok(mailbox_label(recipient, done->segment, &label), "label");
    must_ok(rsa_unwrap(pair, buf_span(&label), buf_span(&done->wrapped), key), "unwrap");
}

static bool read_some(struct mail_read *read, struct secret *key)
{
    must_ok(mail_store_read(store, read), "read");
    struct mail_done done = await();
    while (done.kind != MAIL_READ) {
        mail_done_clear(&done);
        done = await();
    }
    bool again = done.err == MLT_OK && done.count == 0 && !done.end;
    if (again) {
        unwrap(&read->recipient, &done, key);
        memcpy(read->segment, done.segment, sizeof(read->segment));
        read->key = key;
    }
    for (size_t i = 0; i < done.count; i++) {
        must(message_count < most_rows, "too many messages");
        read->after = done.messages[i].row;
        messages[message_count++] = done.messages[i];
        done.messages[i].deliver = (struct buf) { 0 };
    }
    bool end = done.err == MLT_OK && done.end;
    if (done.err != MLT_OK)
        poll(NULL, 0, 10); /* the disk; later */
    mail_done_clear(&done);
    return end;
}

/* All of a mailbox, into `messages`. */
static void read_box(int who)
{
    CLEANUP(secret_clear) struct secret key = { 0 };
    struct mail_read read = { .recipient = name_of(who), .most = 4, .most_bytes = 20000 };
    forget_messages();
    while (!read_some(&read, &key))
        continue;
}

/* Row of a message that is there, else 0. */
static int64_t find_row(const struct line *l)
{
    uint8_t id[ENVELOPE_ID];
    struct envelope e;
    make_id(l, id);
    read_box(l->to);
    for (size_t i = 0; i < message_count; i++) {
        must(messages[i].readable, "a message is damaged");
        must_ok(envelope_decode_deliver(buf_span(&messages[i].deliver), &e), "decode");
        if (number_of(&e.sender.name) == l->from && span_eq(SPAN_OF(e.id), SPAN_OF(id)))
            return messages[i].row;
    }
    return 0;
}

static struct mail_done read_notices(int who)
{
    const struct mail_read_notices read = { .sender = name_of(who), .most = most_rows };
    for (;;) {
        must_ok(mail_store_read_notices(store, &read), "read notices");
        struct mail_done done = await();
        while (done.kind != MAIL_NOTICES) {
            mail_done_clear(&done);
            done = await();
        }
        if (done.err == MLT_OK)
            return done;
        mail_done_clear(&done);
        poll(NULL, 0, 10);
    }
}

static bool is_told(const struct line *l)
{
    uint8_t id[ENVELOPE_ID];
    bool told = false;
    make_id(l, id);
    struct mail_done done = read_notices(l->from);
    for (size_t i = 0; i < done.count; i++)
        told = told || span_eq(SPAN_OF(done.notices[i].notice.id), SPAN_OF(id));
    mail_done_clear(&done);
    return told;
}

/* ---- work ---- */

static void tell(const char *word, const struct line *l)
{
    char text[400] = "";
    const char *from = people[l->from];
    const char *to = people[l->to];
    if (l->deed == PUT)
        snprintf(text, sizeof(text), "+mail/%s.%s/%d", to, from, l->number);
    if (l->deed == NOTE)
        snprintf(text, sizeof(text), "-told/%s.%s/%d", from, to, l->number);
    int first = l->deed == ERASE ? 1 : l->number;
    for (int i = first; l->deed >= REMOVE && l->deed != NOTE && i <= l->number; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
                 "%s-mail/%s.%s/%d +told/%s.%s/%d", i > first ? " " : "", to, from, i, from, to, i);
    say("%s %s", word, text);
}

static void put(const struct line *l)
{
    static uint8_t body[LIMIT_BODY];
    struct envelope e = { .sender = { ADDRESS_USER, name_of(l->from) },
                          .recipient = { ADDRESS_USER, name_of(l->to) },
                          .time_ms = 1,
                          .epoch = 1,
                          .number = (uint64_t)l->number,
                          .body_kind = BODY_PLAIN };
    memset(body, 'a' + l->number, l->size);
    e.body = span_of(body, l->size);
    make_id(l, e.id);
    const struct mail_put job = { .envelope = &e };
    must_ok(mail_store_put(store, &job), "put");
}

/* So many puts at once, acknowledged in their order; those that failed are given again. */
static void put_all(const struct line *l, size_t count)
{
    size_t begin = 0;
    while (begin < count) {
        for (size_t i = begin; i < count; i++) {
            tell("try", &l[i]);
            put(&l[i]);
        }
        size_t kept = begin;
        for (size_t i = begin; i < count; i++) {
            struct mail_done done = await();
            while (done.kind != MAIL_PUT)
                done = await();
            bool stored = done.outcome.state == OUTCOME_STORED;
            must(!stored || kept == i, "a message was stored before an earlier one");
            tell(stored ? "did" : "not", &l[i]);
            kept += stored ? 1 : 0;
        }
        begin = kept;
        if (begin < count)
            poll(NULL, 0, 20);
    }
}

static void await_kind(enum mail_done_kind kind)
{
    struct mail_done done = await();
    while (done.kind != kind) {
        mail_done_clear(&done);
        done = await();
    }
    mail_done_clear(&done);
}

static void remove_one(const struct line *l)
{
    const struct name recipient = name_of(l->to);
    tell("try", l);
    int64_t row = find_row(l);
    if (row != 0) {
        must_ok(mail_store_remove(store, &recipient, row, OUTCOME_DELIVERED), "remove");
        await_kind(MAIL_REMOVED);
    }
    tell("did", l);
}

/* Nothing answers it: it is done when a reader sees it, and a reader sees what is on disk. */
static void note_one(const struct line *l)
{
    const struct name sender = name_of(l->from);
    struct noted noted = { .state = OUTCOME_DELIVERED };
    make_id(l, noted.id);
    tell("try", l);
    must_ok(mail_store_noted(store, &sender, &noted), "noted");
    while (is_told(l))
        poll(NULL, 0, 1);
    tell("did", l);
}

static void erase_one(const struct line *l)
{
    const struct name recipient = name_of(l->to);
    struct line one = *l;
    tell("try", l);
    must_ok(mail_store_erase(store, &recipient), "erase");
    for (one.number = 1; one.number <= l->number; one.number++) {
        while (!is_told(&one))
            poll(NULL, 0, 1);
    }
    tell("did", l);
    give_keys();
}

static size_t puts_from(size_t at)
{
    size_t n = 0;
    while (at + n < COUNT_OF(plan) && plan[at + n].deed == PUT && n < window)
        n++;
    return n;
}

static int work(size_t done)
{
    open_store();
    for (size_t at = done; at < COUNT_OF(plan);) {
        size_t puts = puts_from(at);
        if (puts > 0)
            put_all(&plan[at], puts);
        else if (plan[at].deed == REMOVE)
            remove_one(&plan[at]);
        else if (plan[at].deed == NOTE)
            note_one(&plan[at]);
        else
            erase_one(&plan[at]);
        at += puts > 0 ? puts : 1;
    }
    mail_store_close(&store);
    return 0;
}

/* ---- show ---- */

/* Each gives 0, or the number of what is wrong. */
static const char *const checks[] = {
    "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    "SELECT count(*) FROM boxes WHERE erased = 1",
    "SELECT count(*) FROM (SELECT box, sender, count(*) AS n, sum(length(sealed)) AS b FROM messages"
    " GROUP BY box, sender) AS m FULL JOIN shares AS s ON s.box = m.box AND s.sender = m.sender"
    " WHERE m.n IS NOT s.messages OR m.b IS NOT s.bytes",
    "SELECT count(*) FROM segments WHERE number NOT IN (SELECT segment FROM messages)",
    "SELECT count(*) FROM messages WHERE segment NOT IN (SELECT number FROM segments)",
    "SELECT count(*) FROM (SELECT 1 FROM messages GROUP BY segment, idx HAVING count(*) > 1)",
};

static int64_t ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    must(sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW,
         sqlite3_errmsg(db));
    int64_t value = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return value;
}

static void check_tables(void)
{
    sqlite3 *db = NULL;
    must(sqlite3_open("mail.db", &db) == SQLITE_OK, "cannot open mail.db");
    sqlite3_busy_timeout(db, 5000);
    while (ask(db, checks[1]) != 0) {
        must(!is_late(), "an erased mailbox is not swept away");
        poll(NULL, 0, 5);
    }
    for (size_t i = 0; i < COUNT_OF(checks); i++)
        must(ask(db, checks[i]) == 0, checks[i]);
    sqlite3_close(db);
}

static void show_box(int who)
{
    struct envelope e;
    read_box(who);
    for (size_t i = 0; i < message_count; i++) {
        must(messages[i].readable, "a message is damaged");
        must_ok(envelope_decode_deliver(buf_span(&messages[i].deliver), &e), "decode");
        say("has mail/%s.%s/%d", people[who], e.sender.name.text, (int)e.number);
    }
}

static void show_notices(int who)
{
    struct mail_done done = read_notices(who);
    for (int i = 0; i < 256; i++) {
        for (size_t k = 0; k < done.count; k++) {
            const struct mail_notice *n = &done.notices[k].notice;
            if (n->id[1] == i)
                say("has told/%s.%s/%d", people[who], n->recipient.text, i);
        }
    }
    mail_done_clear(&done);
}

static int show(void)
{
    open_store();
    check_tables();
    for (int who = ANA; who <= BIA; who++)
        show_notices(who);
    for (int who = JOAO; who <= MARIA; who++)
        show_box(who);
    forget_messages();
    mail_store_close(&store);
    return 0;
}

int main(int argc, char **argv)
{
    bool locked = false;
    bool works = (argc == 3 || argc == 4) && strcmp(argv[1], "work") == 0;
    if (!works && !(argc == 3 && strcmp(argv[1], "show") == 0))
        return 2;
    started_ms = env_mono_ms(env_system());
    awake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(awake >= 0 && chdir(argv[2]) == 0, "no such directory");
    must_ok(secret_start(&locked), "secrets");
    must_ok(crypto_start(), "crypto");
    must_ok(mailbox_key(&pair), "key");
    return works ? work(argc == 4 ? (size_t)strtol(argv[3], NULL, 10) : 0) : show();
}
