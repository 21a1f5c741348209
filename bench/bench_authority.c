/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the CA costs everybody else.
 *
 *   - 200 people enrol at once with the real maloted: how long a login and a message of others take
 *     meanwhile, 99 of 100 of them, beside the same when nobody enrols; and how soon the last of
 *     the 200 has his certificate.
 *   - 100,000 revoked serials: what it costs net to take such a list, what it keeps of it in
 *     memory, and what the certificate of a login costs beside an empty list.
 *
 * One JSON line a figure.  bench_authority MALOTED, from the directory in which it may write.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/crypto.h"
#include "figure.h"
#include "identities.h"
#include "people.h"
#include "relay/crl_held.h"
#include "relay/router.h"
#include "stopwatch.h"
#include "wire/receipt.h"

enum { NEWCOMERS = 200, SAMPLES = 4000, CALM_ROUNDS = 100, REVOKED = 100000, LOOKS = 2000 };

/* ---- enrolling ---- */

struct bench {
    struct real_server server;
    struct person newcomers[NEWCOMERS], sender, receiver, visitor;
    atomic_bool enrolling;
    enum mlt_err err; /* of the newcomers */
    double last_us;   /* when the last of them was certified */
};

struct samples {
    double us[SAMPLES];
    size_t n;
};

static double of_hundred(struct samples *s, size_t percent)
{
    qsort(s->us, s->n, sizeof(s->us[0]), by_value);
    return s->n == 0 ? 0 : s->us[(s->n - 1) * percent / 100];
}

static void *enrol_all(void *ctx)
{
    struct bench *b = ctx;
    double start = wall_s();
    b->err = people_enrol_at_once(b->newcomers, NEWCOMERS, &b->server);
    b->last_us = (wall_s() - start) * 1e6;
    atomic_store(&b->enrolling, false);
    return NULL;
}

static enum mlt_err confirm(struct person *p, struct span body)
{
    struct envelope e;
    struct receipt receipt = { .state = OUTCOME_DELIVERED };
    TRY(envelope_decode_deliver(body, &e));
    receipt.sender = e.sender;
    memcpy(receipt.id, e.id, ENVELOPE_ID);
    buf_reset(&p->out);
    TRY(receipt_encode(&receipt, &p->out));
    return link_send(p->link, RECORD_RECEIPT, buf_span(&p->out));
}

static enum mlt_err hear(void *ctx, struct person *p, enum record_kind kind, struct span body)
{
    bool *safe = ctx;
    struct outcome o;
    if (kind == RECORD_DELIVER)
        return confirm(p, body);
    if (kind != RECORD_OUTCOME)
        return MLT_OK;
    TRY(outcome_decode(body, &o));
    *safe |= o.state == OUTCOME_DELIVERED || o.state == OUTCOME_STORED;
    return MLT_OK;
}

/* From SEND to the word that it is safe. */
static enum mlt_err time_message(struct bench *b, struct samples *s)
{
    bool safe = false;
    const struct hearer hearer = { hear, &safe };
    double start = wall_s();
    TRY(person_send(&b->sender, &b->receiver.name, span_str("oi")));
    while (!safe) {
        TRY(people_turn(&b->sender, 1, 0, &hearer));
        TRY(people_turn(&b->receiver, 1, 1, &hearer));
    }
    if (s->n < SAMPLES)
        s->us[s->n++] = (wall_s() - start) * 1e6;
    return MLT_OK;
}

/* From connecting to Welcome. */
static enum mlt_err time_login(struct bench *b, struct samples *s)
{
    double start = wall_s();
    TRY(person_login(&b->visitor, &b->server, CLIENT_AUTH_SEND));
    if (s->n < SAMPLES)
        s->us[s->n++] = (wall_s() - start) * 1e6;
    return MLT_OK;
}

static enum mlt_err meet(struct bench *b)
{
    TRY(people_prepare(b->newcomers, NEWCOMERS, "newcomer")); /* a minute */
    TRY(people_enrol(&b->sender, 1, "sender", &b->server));
    TRY(people_enrol(&b->receiver, 1, "receiver", &b->server));
    TRY(people_enrol(&b->visitor, 1, "visitor", &b->server));
    TRY(person_login(&b->sender, &b->server, CLIENT_AUTH_SEND));
    return person_login(&b->receiver, &b->server, CLIENT_AUTH_RECEIVE);
}

static void print_beside(const char *name, struct samples *busy, struct samples *calm)
{
    const struct beside beside = { "the same when nobody enrols", of_hundred(calm, 99) };
    figure_print_in("us", name, of_hundred(busy, 99), beside, busy->n);
}

static enum mlt_err measure_enrolling(struct bench *b)
{
    static struct samples calm_messages, calm_logins, messages, logins;
    pthread_t thread;
    for (size_t i = 0; i < CALM_ROUNDS; i++) {
        TRY(time_message(b, &calm_messages));
        TRY(time_login(b, &calm_logins));
    }
    atomic_store(&b->enrolling, true);
    ENSURE(pthread_create(&thread, NULL, enrol_all, b) == 0, MLT_ERR_SYSTEM);
    enum mlt_err err = MLT_OK;
    while (atomic_load(&b->enrolling) && err == MLT_OK) {
        err = time_message(b, &messages);
        if (err == MLT_OK)
            err = time_login(b, &logins);
    }
    pthread_join(thread, NULL);
    TRY(err);
    TRY(b->err);
    print_beside("a message while 200 enrol at once, 99 of 100", &messages, &calm_messages);
    print_beside("a login while 200 enrol at once, 99 of 100", &logins, &calm_logins);
    const struct beside nothing = { 0 };
    figure_print_in("ms", "200 enrol at once: until all are certified", b->last_us / 1000, nothing,
                    NEWCOMERS);
    return MLT_OK;
}

static void clear_bench(struct bench *b)
{
    for (size_t i = 0; i < NEWCOMERS; i++)
        person_clear(&b->newcomers[i]);
    person_clear(&b->sender);
    person_clear(&b->receiver);
    person_clear(&b->visitor);
    real_server_remove(&b->server);
}

static enum mlt_err bench_enrolling(const char *maloted)
{
    static struct bench b;
    TRY(real_server_start(&b.server, maloted));
    enum mlt_err err = meet(&b);
    if (err == MLT_OK)
        err = measure_enrolling(&b);
    if (err != MLT_OK)
        real_server_complain(&b.server);
    enum mlt_err stopped = real_server_stop(&b.server);
    clear_bench(&b);
    return err != MLT_OK ? err : stopped;
}

/* ---- revoked ---- */

static enum mlt_err make_list(const struct identities *ids, struct buf *der)
{
    CLEANUP(crl_clear) struct crl crl = { 0 };
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    int64_t now_s = env_wall_ms(env_system()) / 1000;
    TRY(crl_reserve(&crl, REVOKED));
    crl.number = 1;
    crl.this_update_s = now_s;
    crl.next_update_s = now_s + LIMIT_CRL_S;
    for (size_t i = 0; i < REVOKED; i++) {
        TRY(env_random(env_system(), crl.entries[i].serial, CERT_SERIAL));
        crl.entries[i].serial[0] &= 0x7f;
        crl.entries[i].revoked_s = now_s;
    }
    TRY(crl_tbs(&crl, &ids->ca, &tbs));
    return crl_sign(buf_span(&tbs), ids->ca_key, &ids->ca, der);
}

/* What a login's certificate costs the server: is it good, and not revoked? */
static enum mlt_err time_looks(const struct identities *ids, const struct router *router,
                               double *us)
{
    static double each[LOOKS];
    int64_t now_s = env_wall_ms(env_system()) / 1000;
    for (size_t i = 0; i < LOOKS; i++) {
        CLEANUP(cert_clear) struct cert cert = { 0 };
        double start = cpu_us();
        TRY(cert_read_leaf(buf_span(&ids->client_der), &ids->ca, CERT_CLIENT, now_s, &cert));
        ENSURE(!router_is_revoked(router, &cert), MLT_ERR_CERT_REVOKED);
        each[i] = cpu_us() - start;
    }
    *us = median(each, LOOKS);
    return MLT_OK;
}

static enum mlt_err measure_revoked(const struct identities *ids, struct router *router)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(crl_checked_clear) struct crl_checked checked = { 0 };
    double before_us = 0;
    double after_us = 0;
    TRY(time_looks(ids, router, &before_us));
    TRY(make_list(ids, &der));
    double length = (double)der.len;
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    double start = cpu_us();
    TRY(crl_check(&ids->ca, 1, &der, &checked));
    double taken = cpu_us() - start;
    size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    router_listed(router, &checked.serials);
    TRY(time_looks(ids, router, &after_us));
    const struct beside empty = { "the same with an empty list", before_us };
    const struct beside list = { "the list itself", length };
    const struct beside nothing = { 0 };
    figure_print_in("us", "100,000 revoked: the certificate of a login", after_us, empty, LOOKS);
    figure_print_in("bytes", "100,000 revoked: memory for their serials, beside the list",
                    (double)(after - before), list, 1);
    figure_print_in("us", "100,000 revoked: net takes such a list, on a worker", taken, nothing, 1);
    return MLT_OK;
}

static enum mlt_err bench_revoked(void)
{
    CLEANUP(identities_clear) struct identities ids = { 0 };
    CLEANUP(router_free) struct router *router = NULL;
    const struct router_out out = { 0 };
    TRY(identities_make(&ids));
    TRY(router_new(env_system(), &out, &router));
    return measure_revoked(&ids, router);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "bench_authority MALOTED\n");
        return 2;
    }
    struct load load;
    load_start(&load);
    bool locked = false;
    enum mlt_err err = secret_start(&locked);
    if (err == MLT_OK)
        err = crypto_start();
    if (err == MLT_OK)
        err = bench_revoked();
    if (err == MLT_OK)
        err = bench_enrolling(argv[1]);
    if (err != MLT_OK) {
        fprintf(stderr, "bench_authority: %s\n", err_cause(err));
        return 1;
    }
    load_print(&load, "processors that others kept busy meanwhile");
    return 0;
}
