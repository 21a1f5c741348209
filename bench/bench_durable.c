/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to keep a promise: messages that the real maloted stores for people who are away,
 * beside bare SQLite group commit of the same bytes in the same batches on the same disk, without
 * an index over who sent what, and with the one that maloted cannot do without (bare_store.h); how
 * fast a mailbox drains; what stored mail takes on disk, and a receiver who never reads in memory.
 * Senders and server share the processors, bare SQLite has one to itself: the faster the disk
 * syncs, the more these ratios say of the CPU of a message and the less of the disk.
 *
 * One JSON line a figure, medians; nothing is printed unless every message arrived.
 *
 * bench_durable MALOTED, from the directory in which it may write.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare_store.h"
#include "base/limits.h"
#include "crypto/crypto.h"
#include "crypto/etm.h"
#include "figure.h"
#include "people.h"
#include "stopwatch.h"
#include "wire/receipt.h"

enum { SENDERS = 100, BOXES = 10, ROUNDS = 3 };

struct bench {
    struct real_server server;
    size_t boxes; /* of the owners: sender i sends to box i mod boxes */
    struct person senders[SENDERS], owners[BOXES];
    size_t waiting[BOXES]; /* messages in each mailbox */
    /* of one run */
    size_t window, size, left, stored;
};

static uint8_t text[LIMIT_BODY];

static void clear_bench(struct bench *b)
{
    for (size_t i = 0; i < SENDERS; i++)
        person_clear(&b->senders[i]);
    for (size_t i = 0; i < BOXES; i++)
        person_clear(&b->owners[i]);
    real_server_remove(&b->server);
}

/* ---- storing ---- */

static size_t box_of(const struct bench *b, const struct person *sender)
{
    return (size_t)(sender - b->senders) % b->boxes;
}

static enum mlt_err fill_window(struct bench *b, struct person *p)
{
    while (b->left > 0 && p->unanswered < b->window) {
        size_t box = box_of(b, p);
        b->left--;
        b->waiting[box]++;
        TRY(person_send(p, &b->owners[box].name, span_of(text, b->size)));
    }
    return MLT_OK;
}

/* Notices of earlier runs come too, and are no answers. */
static enum mlt_err take_stored(void *ctx, struct person *p, enum record_kind kind,
                                struct span body)
{
    struct bench *b = ctx;
    struct outcome o;
    if (kind != RECORD_OUTCOME)
        return MLT_OK;
    TRY(outcome_decode(body, &o));
    if (o.kept)
        return MLT_OK;
    ENSURE(o.state == OUTCOME_STORED, MLT_ERR_STATE);
    b->stored++;
    p->unanswered--;
    return fill_window(b, p);
}

static enum mlt_err store_all(struct bench *b, size_t users, size_t total)
{
    const struct hearer hearer = { take_stored, b };
    b->left = total;
    b->stored = 0;
    for (size_t i = 0; i < users; i++)
        TRY(fill_window(b, &b->senders[i]));
    while (b->stored < total)
        TRY(people_turn(b->senders, users, 1000, &hearer));
    return MLT_OK;
}

struct storing {
    size_t users, window, total;
};

struct rates {
    double ours[ROUNDS], bare[ROUNDS], batch[ROUNDS];
    double our_us[ROUNDS], bare_us[ROUNDS], knowing[ROUNDS];
};

/* What a message of the bench is when sealed: PROTOCOL.md 8, 9.3. */
static enum mlt_err sealed_size(const struct bench *b, size_t *size)
{
    CLEANUP(buf_clear) struct buf deliver = { 0 };
    const struct envelope e = {
        .sender = { ADDRESS_USER, b->senders[0].name },
        .recipient = { ADDRESS_USER, b->owners[0].name },
        .number = 1,
        .body_kind = BODY_PLAIN,
        .body = span_of(text, b->size),
    };
    TRY(envelope_encode_deliver(&e, &deliver));
    *size = deliver.len + ETM_TAG;
    return MLT_OK;
}

static enum mlt_err put_bare(size_t rows, size_t size, size_t batch, bool knows_ids,
                             struct bare_rate *rate)
{
    CLEANUP(bare_store_close) struct bare_store bare = { 0 };
    TRY(bare_store_open(&bare, knows_ids));
    return bare_store_put(&bare, rows, size, batch, rate);
}

static enum mlt_err store_round(struct bench *b, const struct storing *what, struct rates *rates,
                                size_t round)
{
    uint32_t before = 0, after = 0;
    double cpu_before = 0, cpu_after = 0;
    size_t size = 0;
    TRY(real_server_commits(&b->server, &before));
    TRY(real_server_cpu(&b->server, &cpu_before));
    double start = wall_s();
    TRY(store_all(b, what->users, what->total));
    rates->ours[round] = (double)what->total / (wall_s() - start);
    TRY(real_server_cpu(&b->server, &cpu_after));
    TRY(real_server_commits(&b->server, &after));
    ENSURE(after > before, MLT_ERR_STATE);
    rates->our_us[round] = (cpu_after - cpu_before) * 1e6 / (double)what->total;
    rates->batch[round] = (double)what->total / (after - before);

    struct bare_rate rate;
    size_t batch = (size_t)(rates->batch[round] + 0.5);
    TRY(sealed_size(b, &size));
    TRY(put_bare(what->total, size, batch, false, &rate));
    rates->bare[round] = rate.per_second;
    rates->bare_us[round] = rate.us;
    TRY(put_bare(what->total, size, batch, true, &rate));
    rates->knowing[round] = rate.per_second;
    return MLT_OK;
}

static void print_storing(const struct storing *what, struct rates *rates)
{
    char name[96], beside[96];
    snprintf(name, sizeof(name), "stored, %zu sender%s, %zu unanswered each", what->users,
             what->users == 1 ? "" : "s", what->window);
    snprintf(beside, sizeof(beside), "bare SQLite, %.0f in a commit", median(rates->batch, ROUNDS));
    const struct beside bare = { beside, median(rates->bare, ROUNDS) };
    figure_print_in("messages/s", name, median(rates->ours, ROUNDS), bare, ROUNDS);
    const struct beside knowing = { "bare SQLite that knows ids", median(rates->knowing, ROUNDS) };
    figure_print_in("messages/s", "  the same", median(rates->ours, ROUNDS), knowing, ROUNDS);
    const struct beside bare_cpu = { "bare SQLite", median(rates->bare_us, ROUNDS) };
    snprintf(name, sizeof(name), "  the server's CPU for one");
    figure_print(name, median(rates->our_us, ROUNDS), bare_cpu, ROUNDS);
}

static enum mlt_err measure_storing(struct bench *b, const struct storing *what)
{
    struct rates rates;
    b->window = what->window;
    for (size_t i = 0; i < what->users; i++)
        TRY(person_login(&b->senders[i], &b->server, CLIENT_AUTH_SEND));
    for (size_t round = 0; round < ROUNDS; round++)
        TRY(store_round(b, what, &rates, round));
    for (size_t i = 0; i < what->users; i++)
        person_logout(&b->senders[i]);
    print_storing(what, &rates);
    return MLT_OK;
}

/* ---- draining ---- */

struct draining {
    size_t left;
    uint64_t last[SENDERS]; /* number of each sender's stream */
};

/* Order is part of the promise. */
static enum mlt_err check_order(struct draining *d, const struct envelope *e)
{
    size_t sender = (size_t)strtoul(e->sender.name.text + 1, NULL, 10);
    ENSURE(sender < SENDERS && e->number > d->last[sender], MLT_ERR_STATE);
    d->last[sender] = e->number;
    return MLT_OK;
}

static enum mlt_err take_delivered(void *ctx, struct person *p, enum record_kind kind,
                                   struct span body)
{
    struct draining *d = ctx;
    struct envelope e;
    if (kind != RECORD_DELIVER)
        return MLT_OK;
    TRY(envelope_decode_deliver(body, &e));
    TRY(check_order(d, &e));
    struct receipt receipt = { .sender = e.sender, .state = OUTCOME_DELIVERED };
    memcpy(receipt.id, e.id, sizeof(receipt.id));
    buf_reset(&p->out);
    TRY(receipt_encode(&receipt, &p->out));
    d->left--;
    return link_send(p->link, RECORD_RECEIPT, buf_span(&p->out));
}

static enum mlt_err drain_one(struct bench *b, size_t box, double *per_second)
{
    struct draining d = { .left = b->waiting[box] };
    const struct hearer hearer = { take_delivered, &d };
    double start = wall_s();
    TRY(person_login(&b->owners[box], &b->server, CLIENT_AUTH_RECEIVE));
    while (d.left > 0)
        TRY(people_turn(&b->owners[box], 1, 1000, &hearer));
    *per_second = (double)b->waiting[box] / (wall_s() - start);
    b->waiting[box] = 0;
    return MLT_OK;
}

static enum mlt_err measure_draining(struct bench *b)
{
    double ours[BOXES], bare[BOXES], batch[BOXES];
    size_t size = 0;
    char beside[96];
    TRY(sealed_size(b, &size));
    for (size_t i = 0; i < BOXES; i++) {
        uint32_t before = 0, after = 0;
        struct bare_rate rate;
        size_t rows = b->waiting[i];
        TRY(real_server_commits(&b->server, &before));
        TRY(drain_one(b, i, &ours[i]));
        person_logout(&b->owners[i]);
        TRY(real_server_commits(&b->server, &after));
        batch[i] = after > before ? (double)rows / (after - before) : (double)rows;

        CLEANUP(bare_store_close) struct bare_store other = { 0 };
        TRY(bare_store_open(&other, false));
        TRY(bare_store_put(&other, rows, size, 1000, &rate));
        TRY(bare_store_take(&other, rows, (size_t)(batch[i] + 0.5), &rate));
        bare[i] = rate.per_second;
    }
    snprintf(beside, sizeof(beside), "bare SQLite read and delete, %.0f in a commit",
             median(batch, BOXES));
    const struct beside set = { beside, median(bare, BOXES) };
    figure_print_in("messages/s", "drained by one receiver", median(ours, BOXES), set, BOXES);
    return MLT_OK;
}

/* ---- a receiver who never reads ---- */

struct memory {
    double before, most, waiting; /* waiting: all are stored, and nobody sends any more */
};

static enum mlt_err store_and_watch(struct bench *b, size_t users, size_t total,
                                    struct memory *memory)
{
    const struct hearer hearer = { take_stored, b };
    double now = 0;
    b->left = total;
    b->stored = 0;
    TRY(real_server_memory(&b->server, &memory->before));
    memory->most = memory->before;
    while (b->stored < total) {
        for (size_t i = 0; i < users; i++) {
            TRY(fill_window(b, &b->senders[i]));
            TRY(people_turn(&b->senders[i], 1, i + 1 == users ? 2 : 0, &hearer));
        }
        TRY(real_server_memory(&b->server, &now));
        memory->most = now > memory->most ? now : memory->most;
    }
    return real_server_memory(&b->server, &memory->waiting);
}

static void print_growth(const char *when, double bytes, double before, size_t messages,
                         size_t size)
{
    char name[96];
    snprintf(name, sizeof(name), "net's memory, %zu for one who never reads, of %zu bytes, %s",
             messages, size, when);
    const struct beside sum = { "their bytes", (double)messages * (double)size };
    figure_print_in("bytes", name, bytes > before ? bytes - before : 0, sum, 1);
}

/* ---- the beginning ---- */

struct first_message {
    bool answered, stored;
};

static enum mlt_err take_first(void *ctx, struct person *p, enum record_kind kind, struct span body)
{
    struct first_message *first = ctx;
    struct outcome o;
    (void)p;
    if (kind != RECORD_OUTCOME)
        return MLT_OK;
    TRY(outcome_decode(body, &o));
    first->answered = true;
    first->stored = o.state == OUTCOME_STORED;
    return first->stored || outcome_is_passing(&o) ? MLT_OK : MLT_ERR_STATE;
}

/* ca makes mailbox pairs in the background: a box is there when it has taken a message. */
static enum mlt_err fill_box(struct bench *b, struct person *sender, size_t box)
{
    struct first_message first = { 0 };
    const struct hearer hearer = { take_first, &first };
    for (int tries = 0; tries < 600 && !first.stored; tries++) {
        first.answered = false;
        sender->sent = 0; /* the same number until it is taken */
        TRY(person_send(sender, &b->owners[box].name, span_of(text, b->size)));
        while (!first.answered)
            TRY(people_turn(sender, 1, 1000, &hearer));
        if (!first.stored)
            usleep(100000);
    }
    b->waiting[box]++;
    return first.stored ? MLT_OK : MLT_ERR_TIMEOUT;
}

static enum mlt_err await_quiet(const struct bench *b)
{
    double before = 0, now = 0;
    TRY(real_server_cpu(&b->server, &now));
    do {
        before = now;
        usleep(500000);
        TRY(real_server_cpu(&b->server, &now));
    } while (now - before > 0.05);
    return MLT_OK;
}

static enum mlt_err begin(struct bench *b, const char *maloted, size_t senders, size_t boxes)
{
    b->boxes = boxes;
    TRY(real_server_start(&b->server, maloted));
    TRY(people_enrol(b->owners, boxes, "r", &b->server));
    TRY(people_enrol(b->senders, senders, "s", &b->server));
    TRY(person_login(&b->senders[0], &b->server, CLIENT_AUTH_SEND));
    for (size_t i = 0; i < boxes; i++)
        TRY(fill_box(b, &b->senders[0], i));
    person_logout(&b->senders[0]);
    return await_quiet(b);
}

/* ---- on disk ---- */

static enum mlt_err measure_disk(const char *maloted, size_t size)
{
    enum { MESSAGES = 5000 };
    CLEANUP(clear_bench) struct bench b = { .size = size, .window = LIMIT_SEND_WINDOW };
    double bytes = 0;
    char name[96];
    TRY(begin(&b, maloted, 1, 1));
    TRY(person_login(&b.senders[0], &b.server, CLIENT_AUTH_SEND));
    TRY(store_all(&b, 1, MESSAGES));
    person_logout(&b.senders[0]);
    TRY(real_server_stop(&b.server));
    TRY(real_server_disk(&b.server, &bytes));
    snprintf(name, sizeof(name), "on disk, a stored message of %zu bytes", size);
    figure_print_in("bytes", name, bytes / MESSAGES, (struct beside) { "its text", (double)size },
                    MESSAGES);
    return MLT_OK;
}

static enum mlt_err measure(struct bench *b, const char *maloted)
{
    static const struct storing all[] = {
        { 1, 1, 1000 }, { 10, 1, 5000 }, { 100, 1, 20000 }, { 100, 16, 40000 }
    };
    TRY(begin(b, maloted, SENDERS, BOXES));
    for (size_t i = 0; i < COUNT_OF(all); i++)
        TRY(measure_storing(b, &all[i]));
    return measure_draining(b);
}

/* The same messages before, for an owner who is away: what they leave behind in caches is no
 * matter of his being stuck. */
static enum mlt_err warm_up(struct bench *b, size_t users, size_t messages)
{
    double unused = 0;
    for (size_t i = 0; i < users; i++)
        TRY(person_login(&b->senders[i], &b->server, CLIENT_AUTH_SEND));
    TRY(store_all(b, users, messages));
    for (size_t i = 0; i < users; i++)
        person_logout(&b->senders[i]);
    TRY(drain_one(b, 0, &unused));
    person_logout(&b->owners[0]);
    return MLT_OK;
}

static enum mlt_err watch_stuck(struct bench *b, size_t users, size_t messages,
                                struct memory *memory)
{
    double unused = 0;
    TRY(person_login(&b->owners[0], &b->server, CLIENT_AUTH_RECEIVE));
    for (size_t i = 0; i < users; i++)
        TRY(person_login(&b->senders[i], &b->server, CLIENT_AUTH_SEND));
    TRY(store_and_watch(b, users, messages, memory));
    for (size_t i = 0; i < users; i++)
        person_logout(&b->senders[i]);
    person_logout(&b->owners[0]);
    return drain_one(b, 0, &unused); /* all of them are there */
}

static enum mlt_err measure_stuck(const char *maloted, size_t size)
{
    enum { MESSAGES = 1000, USERS = 10 };
    CLEANUP(clear_bench) struct bench b = { .size = size, .window = 4 };
    struct memory memory;
    TRY(begin(&b, maloted, USERS, 1));
    TRY(warm_up(&b, USERS, MESSAGES));
    TRY(watch_stuck(&b, USERS, MESSAGES, &memory));
    print_growth("come: at most", memory.most, memory.before, MESSAGES, size);
    print_growth("wait", memory.waiting, memory.before, MESSAGES, size);
    return real_server_stop(&b.server);
}

static enum mlt_err run(const char *maloted)
{
    struct load load;
    bool locked = false;
    TRY(secret_start(&locked));
    TRY(crypto_start());
    load_start(&load);
    TRY(measure_disk(maloted, 64));
    TRY(measure_disk(maloted, 1024));
    TRY(measure_stuck(maloted, 1024));
    TRY(measure_stuck(maloted, LIMIT_BODY));
    CLEANUP(clear_bench) struct bench b = { .size = 256 };
    enum mlt_err err = measure(&b, maloted);
    if (err != MLT_OK)
        real_server_complain(&b.server);
    TRY(err);
    load_print(&load, "processors kept busy, the server's among them");
    return real_server_stop(&b.server);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "bench_durable MALOTED\n");
        return 2;
    }
    enum mlt_err err = run(argv[1]);
    if (err != MLT_OK)
        fprintf(stderr, "bench_durable: %s\n", err_text(err));
    return err == MLT_OK ? 0 : 1;
}
