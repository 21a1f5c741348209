/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/crypto.h"
#include "ipc/messages.h"
#include "mailbox_key.h"
#include "relay/net.h"

/* What net does between its router, its store and ca, at moments that from outside
 * (test_net_mail.c) can only be hoped for.  The test turns the loop, and is ca. */

struct scene {
    struct net net;
    struct route *maria;
    struct channel ca;
    struct buf received;
    struct ipc_message asked;
    char dir[64];
    char heard[256]; /* by maria */
    unsigned reads;  /* of joao's mailbox */
    uint64_t read;   /* the last one's ticket */
};

static atomic_llong now_ms;

static int64_t show(void *ctx)
{
    (void)ctx;
    return atomic_load(&now_ms);
}

static enum mlt_err draw(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return env_random(env_system(), out, n);
}

static const struct env env = { NULL, show, show, draw };
static const struct name joao = { "joao" };
static const struct name maria = { "maria" };

/* ---- the people ---- */

static void hear(void *ctx, void *link, const struct outcome *o)
{
    static const char *const states[] = {
        [OUTCOME_STORED] = "stored", [OUTCOME_REFUSED] = "refused"
    };
    static const char *const reasons[] = { [OUTCOME_REASON_NONE] = "",
                                           [OUTCOME_REASON_BUSY] = ":busy",
                                           [OUTCOME_REASON_AWAY] = ":away",
                                           [OUTCOME_REASON_NO_ROOM] = ":no-room",
                                           [OUTCOME_REASON_ERASED] = ":erased" };
    struct scene *s = link;
    size_t n = strlen(s->heard);
    (void)ctx;
    assert_in_range(o->state, 0, COUNT_OF(states) - 1);
    assert_in_range(o->reason, 0, COUNT_OF(reasons) - 1);
    snprintf(s->heard + n, sizeof(s->heard) - n, "%d=%s%s ", o->id[0], states[o->state],
             reasons[o->reason]);
}

static void note_read(void *ctx, void *link, const struct router_read *read)
{
    struct scene *s = link;
    (void)ctx;
    s->reads++;
    s->read = read->ticket;
}

static void end_nobody(void *ctx, void *link, enum close_reason reason)
{
    (void)ctx;
    (void)link;
    (void)reason;
    fail();
}

static struct route *join(struct scene *s, const struct name *name, enum client_auth_kind kind)
{
    struct route *route = NULL;
    const struct cert cert = { .fields = {
                                   .role = CERT_CLIENT, .name = *name, .not_after_s = INT64_MAX } };
    const struct route_facts facts = {
        .kind = kind, .cert = &cert, .link = s, .ends_ms = INT64_MAX
    };
    assert_ok(router_join(s->net.router, &facts, &route));
    return route;
}

static void send_by(struct scene *s, struct route *sender, const struct name *recipient,
                    uint8_t number)
{
    const struct envelope e = { .id = { number },
                                .recipient = { ADDRESS_USER, *recipient },
                                .epoch = 1,
                                .number = number,
                                .body_kind = BODY_PLAIN,
                                .body = span_str("oi") };
    router_send(s->net.router, sender, &e, atomic_load(&now_ms));
}

static void send_to(struct scene *s, const struct name *recipient, uint8_t number)
{
    send_by(s, s->maria, recipient, number);
}

/* ---- net ---- */

static void open_store(struct scene *s)
{
    const struct ipc_net_start start = { .mailbox_messages = 100,
                                         .mailbox_bytes = 1 << 20,
                                         .mailbox_share = 100,
                                         .mailbox_ttl_s = 86400 };
    net_mail_configure(&s->net, &start);
    assert_true(s->net.mail.ready);
}

static void reach_ca(struct scene *s)
{
    int pair[2];
    assert_ok(channel_pair(pair));
    channel_init(&s->net.ca.channel, pair[0], IPC_NET, IPC_CA);
    channel_init(&s->ca, pair[1], IPC_CA, IPC_NET);
    s->net.ca.synced = true;
    net_mail_ca_is_here(&s->net);
}

/* As net_ca.c. */
static void lose_ca(struct scene *s)
{
    channel_close(&s->net.ca.channel);
    channel_close(&s->ca);
    s->net.ca.synced = false;
    net_mail_ca_is_lost(&s->net);
    net_asks_lose(&s->net.ca.asks);
}

static void start(struct scene *s)
{
    *s = (struct scene) { .net = { .env = &env } };
    const struct router_out out = { .ctx = &s->net,
                                    .outcome = hear,
                                    .end = end_nobody,
                                    .put = net_mail_on_put,
                                    .read = note_read,
                                    .remove = net_mail_on_remove,
                                    .tell = net_mail_on_tell,
                                    .noted = net_mail_on_noted,
                                    .read_notices = net_mail_on_read_notices };
    snprintf(s->dir, sizeof(s->dir), "%s/malote-net-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(s->dir));
    assert_int_equal(chdir(s->dir), 0);
    s->net.dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(s->net.dir >= 0);
    assert_int_equal(uv_loop_init(&s->net.loop), 0);
    net_asks_init(&s->net.ca.asks);
    assert_ok(router_new(&env, &out, &s->net.router));
    assert_ok(net_mail_init(&s->net));
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void stop(struct scene *s)
{
    if (s->net.mail.ready) {
        atomic_fetch_add(&now_ms, LIMIT_MAILBOX_KEY_MS);
        net_mail_key_tick(&s->net); /* nobody waits for a key any more */
    }
    net_mail_close(&s->net);
    router_free(&s->net.router);
    uv_close((uv_handle_t *)&s->net.mail.wake, NULL);
    uv_run(&s->net.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->net.loop), 0);
    channel_close(&s->net.ca.channel);
    channel_close(&s->ca);
    buf_clear(&s->net.body);
    buf_clear(&s->received);
    file_close(&s->net.dir);
    assert_int_equal(chdir("/"), 0);
    nftw(s->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void turn(struct scene *s)
{
    uv_run(&s->net.loop, UV_RUN_NOWAIT);
    net_mail_turn(&s->net);
    net_mail_tick(&s->net);
    if (s->net.ca.synced)
        assert_ok(net_asks_send(&s->net.ca.asks, &s->net.ca.channel, &s->net.body));
}

static void must_hear(struct scene *s, const char *what)
{
    for (int i = 0; i < 10000 && strcmp(s->heard, what) != 0; i++) {
        turn(s);
        poll(NULL, 0, 1);
    }
    assert_string_equal(s->heard, what);
}

/* ---- ca ---- */

/* What net has asked without its loop having turned since. */
static bool is_asked(struct scene *s)
{
    bool got = false;
    assert_ok(net_asks_send(&s->net.ca.asks, &s->net.ca.channel, &s->net.body));
    assert_ok(channel_receive(&s->ca, 0, &s->received, &s->asked, &got));
    return got;
}

/* The next question is this one, about joao. */
static void must_ask(struct scene *s, enum ipc_type type)
{
    struct ipc_mailbox_name about;
    bool got = is_asked(s);
    for (int i = 0; i < 10000 && (!got || s->asked.type == IPC_NONCES_WANTED); i++) {
        turn(s);
        poll(NULL, 0, 1);
        got = is_asked(s);
    }
    assert_true(got);
    assert_int_equal(s->asked.type, type);
    assert_ok(ipc_mailbox_name_decode(s->asked.body, &about));
    assert_true(name_eq(&about.name, &joao));
}

static void must_ask_nothing(struct scene *s)
{
    while (is_asked(s))
        assert_int_equal(s->asked.type, IPC_NONCES_WANTED);
}

/* To the question heard last. */
static void answer(struct scene *s, enum mlt_err err)
{
    CLEANUP(buf_clear) struct buf spki = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct ipc_mailbox mailbox = { .err = err };
    if (err == MLT_OK) {
        assert_ok(mailbox_key_public(&spki));
        mailbox.spki = buf_span(&spki);
    }
    assert_ok(ipc_mailbox_encode(&mailbox, &body));
    const struct ipc_message message = { .type = IPC_MAILBOX,
                                         .tag = s->asked.tag,
                                         .body = buf_span(&body) };
    assert_ok(net_asks_answer(&s->net.ca.asks, &message));
}

static void say_erased(struct scene *s)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct ipc_mailbox_name erased = { joao };
    assert_ok(ipc_mailbox_name_encode(&erased, &body));
    assert_ok(net_mail_erased(&s->net, buf_span(&body)));
}

/* ---- erasures ---- */

static void begin(struct scene *s)
{
    start(s);
    open_store(s);
    reach_ca(s);
    assert_ok(router_member(s->net.router, &maria));
    assert_ok(router_member(s->net.router, &joao));
    s->maria = join(s, &maria, CLIENT_AUTH_SEND);
}

static void store_one(struct scene *s)
{
    send_to(s, &joao, 1);
    must_ask(s, IPC_MAILBOX_WANTED);
    answer(s, MLT_OK);
    must_hear(s, "1=stored ");
}

static void ca_hears_that_it_is_gone_once_it_is_committed_and_is_asked_for_a_key_then(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    begin(&s);
    store_one(&s);
    say_erased(&s);
    must_ask_nothing(&s); /* the store's answer cannot have been taken yet */
    send_to(&s, &joao, 2);
    must_ask_nothing(&s);
    net_mail_key_tick(&s.net);
    must_ask_nothing(&s);
    must_ask(&s, IPC_MAILBOX_GONE);
    must_hear(&s, "1=stored 1=refused:erased ");
    turn(&s);
    must_ask_nothing(&s);
    assert_true(net_mail_erase_awaits(&s.net, &joao));
    answer(&s, MLT_ERR_MISSING);
    assert_false(net_mail_erase_awaits(&s.net, &joao));
    assert_true(is_asked(&s)); /* at once, not at the next tick */
    assert_int_equal(s.asked.type, IPC_MAILBOX_WANTED);
    answer(&s, MLT_OK);
    must_hear(&s, "1=stored 1=refused:erased 2=stored ");
}

/* ca named it before it erased it, or the word overtook the answer. */
static void a_key_that_comes_while_a_mailbox_is_being_erased_is_not_used(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    begin(&s);
    send_to(&s, &joao, 1);
    must_ask(&s, IPC_MAILBOX_WANTED);
    say_erased(&s);
    answer(&s, MLT_OK);
    assert_false(mail_store_has_key(s.net.mail.store, &joao));
    must_ask(&s, IPC_MAILBOX_GONE);
    assert_string_equal(s.heard, "");
    answer(&s, MLT_ERR_MISSING);
    must_ask(&s, IPC_MAILBOX_WANTED);
    answer(&s, MLT_OK);
    must_hear(&s, "1=stored ");
}

static void a_ca_that_did_not_say_it_hears_no_confirmation(void **state)
{
    (void)state;
    static const bool committed[] = { false, true };
    for (size_t i = 0; i < COUNT_OF(committed); i++) {
        CLEANUP(stop) struct scene s;
        begin(&s);
        store_one(&s);
        say_erased(&s);
        if (committed[i])
            must_ask(&s, IPC_MAILBOX_GONE);
        lose_ca(&s);
        must_hear(&s, "1=stored 1=refused:erased ");
        for (int n = 0; n < 10000 && net_mail_erase_awaits(&s.net, &joao); n++) {
            turn(&s);
            poll(NULL, 0, 1);
        }
        reach_ca(&s);
        turn(&s);
        must_ask_nothing(&s);
        send_to(&s, &joao, 2);
        must_ask(&s, IPC_MAILBOX_WANTED);
        say_erased(&s); /* and one that says it again does */
        must_ask(&s, IPC_MAILBOX_GONE);
    }
}

static void an_erasure_that_failed_is_not_confirmed_and_is_tried_again(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    const struct mail_done failed = { .kind = MAIL_ERASED,
                                      .err = MLT_ERR_DAMAGED,
                                      .notice = { .recipient = joao } };
    begin(&s);
    store_one(&s);
    say_erased(&s);
    net_mail_erase_done(&s.net, &failed); /* as if the store had said so */
    must_ask_nothing(&s);
    must_hear(&s, "1=stored 1=refused:erased ");
    must_ask_nothing(&s);
    atomic_fetch_add(&now_ms, 60000 - 1);
    turn(&s);
    assert_int_equal(mail_store_waiting(s.net.mail.store), 0);
    must_ask_nothing(&s);
    assert_true(net_mail_erase_awaits(&s.net, &joao));
    atomic_fetch_add(&now_ms, 1);
    must_ask(&s, IPC_MAILBOX_GONE);
}

static void a_confirmation_that_ca_could_not_write_down_is_said_again(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    begin(&s);
    say_erased(&s);
    must_ask(&s, IPC_MAILBOX_GONE);
    answer(&s, MLT_ERR_DATABASE);
    assert_true(net_mail_erase_awaits(&s.net, &joao));
    must_ask(&s, IPC_MAILBOX_GONE);
    answer(&s, MLT_OK);
    assert_false(net_mail_erase_awaits(&s.net, &joao));
    turn(&s);
    must_ask_nothing(&s);
}

/* While mail.db cannot be opened, say. */
static void a_word_that_comes_before_the_store_is_open_is_done_when_it_is(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    start(&s);
    reach_ca(&s);
    say_erased(&s);
    must_ask_nothing(&s);
    open_store(&s);
    for (int i = 0; i < 10000 && !is_asked(&s); i++) { /* no tick: nobody is served before */
        uv_run(&s.net.loop, UV_RUN_NOWAIT);
        poll(NULL, 0, 1);
    }
    assert_int_equal(s.asked.type, IPC_MAILBOX_GONE);
}

static void the_router_hears_that_a_mailbox_is_another_one(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    begin(&s);
    store_one(&s);
    struct route *route = join(&s, &joao, CLIENT_AUTH_RECEIVE);
    assert_int_equal(s.reads, 1);
    say_erased(&s);
    must_ask(&s, IPC_MAILBOX_GONE);
    /* From before: it says nothing of the new one, so that the next login looks again. */
    const struct router_read_result empty = { .ticket = s.read, .end = true };
    router_read_done(s.net.router, &empty, atomic_load(&now_ms));
    s.reads = 0;
    router_leave(s.net.router, route);
    (void)join(&s, &joao, CLIENT_AUTH_RECEIVE);
    assert_int_equal(s.reads, 1);
}

/* ---- refusals ---- */

/* The router hears of one at the next turn only. */
static void what_follows_a_refusal_in_one_turn_is_busy_but_for_others_and_not_later(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    begin(&s);
    const struct mail_limits limits = s.net.mail.limits;
    s.net.mail.limits = (struct mail_limits) { 0 }; /* as good a reason as any */
    send_to(&s, &joao, 1);
    s.net.mail.limits = limits;
    send_to(&s, &joao, 2);
    send_to(&s, &maria, 3);
    assert_true(net_mail_key_awaits(&s.net, &maria));
    assert_false(net_mail_key_awaits(&s.net, &joao));
    assert_string_equal(s.heard, "");
    net_mail_turn(&s.net);
    assert_string_equal(s.heard, "1=refused:away 2=refused:busy ");
    send_to(&s, &joao, 2);
    assert_true(net_mail_key_awaits(&s.net, &joao));
    net_mail_turn(&s.net);
    assert_string_equal(s.heard, "1=refused:away 2=refused:busy ");
}

/* ---- our own certificate ---- */

/* Says also that ca refused it. */
static bool asks_for_certificate(struct scene *s)
{
    net_ca_tick(&s->net);
    if (!s->net.ca.making_key)
        return false;
    while (s->net.ca.making_key)
        uv_run(&s->net.loop, UV_RUN_ONCE);
    do
        assert_true(is_asked(s));
    while (s->asked.type == IPC_NONCES_WANTED);
    assert_int_equal(s->asked.type, IPC_SERVER_REQUEST);
    s->net.ca.key_tag = 0;
    return true;
}

static void set_validity(struct server_identity *identity, int64_t from_s, int64_t until_s)
{
    int64_t now_s = atomic_load(&now_ms) / 1000;
    identity->cert.fields.not_before_s = now_s + from_s;
    identity->cert.fields.not_after_s = now_s + until_s;
}

/* The clock was ahead when it was issued: until it begins, no client takes it. */
static void a_certificate_that_has_not_begun_is_renewed_once_a_retry_time(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    struct server_identity identity = { .references = 1 };
    start(&s);
    reach_ca(&s);
    net_work_init(&s.net.work, &s.net.loop);
    s.net.identity = &identity;
    set_validity(&identity, 0, 86400);
    assert_false(asks_for_certificate(&s));
    set_validity(&identity, 3600, 90000);
    assert_true(asks_for_certificate(&s));
    assert_false(asks_for_certificate(&s));
    atomic_fetch_add(&now_ms, 60000 - 1);
    set_validity(&identity, 3600, 90000);
    assert_false(asks_for_certificate(&s));
    atomic_fetch_add(&now_ms, 1);
    assert_true(asks_for_certificate(&s));
    atomic_fetch_add(&now_ms, 60000);
    set_validity(&identity, -43201, 43199);
    assert_true(asks_for_certificate(&s)); /* half its life is over */
    rsa_key_free(&s.net.ca.new_key);
    s.net.identity = NULL;
}

/* Or whoever sends too much would hold up what all others send to the same recipient. */
static void a_refusal_of_one_sender_is_none_of_another(void **state)
{
    (void)state;
    static const struct name ana = { "ana" };
    CLEANUP(stop) struct scene s;
    begin(&s);
    const struct mail_limits limits = s.net.mail.limits;
    struct route *route = join(&s, &ana, CLIENT_AUTH_SEND);
    s.net.mail.limits = (struct mail_limits) { 0 };
    send_to(&s, &joao, 1);
    s.net.mail.limits = limits;
    send_by(&s, route, &joao, 2);
    assert_true(net_mail_key_awaits(&s.net, &joao));
    net_mail_turn(&s.net);
    assert_string_equal(s.heard, "1=refused:away ");
    must_ask(&s, IPC_MAILBOX_WANTED);
    answer(&s, MLT_OK);
    must_hear(&s, "1=refused:away 2=stored ");
}

static int begin_group(void **state)
{
    (void)state;
    bool locked = false;
    atomic_store(&now_ms, INT64_C(1800000000000));
    /* Before the secure heap, where the leak sanitizer would not find what hangs on them. */
    uint8_t byte;
    assert_int_equal(RAND_bytes(&byte, 1), 1);
    assert_int_equal(RAND_priv_bytes(&byte, 1), 1);
    assert_ok(secret_start_large(&locked));
    assert_ok(crypto_start());
    return 0;
}

/* The workers have random generators of their own, which end with them. */
static int end_group(void **state)
{
    (void)state;
    uv_library_shutdown();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ca_hears_that_it_is_gone_once_it_is_committed_and_is_asked_for_a_key_then),
        cmocka_unit_test(a_key_that_comes_while_a_mailbox_is_being_erased_is_not_used),
        cmocka_unit_test(a_ca_that_did_not_say_it_hears_no_confirmation),
        cmocka_unit_test(an_erasure_that_failed_is_not_confirmed_and_is_tried_again),
        cmocka_unit_test(a_confirmation_that_ca_could_not_write_down_is_said_again),
        cmocka_unit_test(a_word_that_comes_before_the_store_is_open_is_done_when_it_is),
        cmocka_unit_test(the_router_hears_that_a_mailbox_is_another_one),
        cmocka_unit_test(what_follows_a_refusal_in_one_turn_is_busy_but_for_others_and_not_later),
        cmocka_unit_test(a_refusal_of_one_sender_is_none_of_another),
        cmocka_unit_test(a_certificate_that_has_not_begun_is_renewed_once_a_retry_time),
    };
    return cmocka_run_group_tests(tests, begin_group, end_group);
}
