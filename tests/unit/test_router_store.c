/* SPDX-License-Identifier: Apache-2.0 */
#include "mailroom.h"

#include "base/limits.h"
#include "relay/router.h"

/* The router over a real store: what it believes to lie in a mailbox is what lies there, also after
 * a sweep.  A login to a mailbox that it believes to be empty is live and reads nothing. */

struct scene {
    struct mailroom room;
    struct router *router;
    struct route *maria, *joao;
    struct router_read read;
    unsigned reads;  /* asked for, so far */
    unsigned gone;   /* notices that maria heard */
    uint64_t got[8]; /* numbers that joao was sent */
    unsigned got_count;
};

static const int64_t ttl_ms = 3600000;
static const int64_t now_ms = INT64_C(1800000000000);

/* ---- what the router asks for ---- */

static void on_deliver(void *ctx, void *link, const struct envelope *e)
{
    struct scene *s = ctx;
    (void)link;
    assert_true(s->got_count < COUNT_OF(s->got));
    s->got[s->got_count++] = e->number;
}

static void on_outcome(void *ctx, void *link, const struct outcome *o)
{
    struct scene *s = ctx;
    (void)link;
    s->gone += o->kept;
}

static void on_end(void *ctx, void *link, enum close_reason reason)
{
    (void)ctx;
    (void)link;
    (void)reason;
    fail();
}

static void on_put(void *ctx, const struct envelope *e, void *ticket)
{
    struct scene *s = ctx;
    const struct mail_put put = { e, ticket };
    assert_ok(mail_store_put(s->room.store, &put));
}

static void on_read(void *ctx, void *link, const struct router_read *read)
{
    struct scene *s = ctx;
    (void)link;
    s->read = *read;
    s->reads++;
}

static void on_remove(void *ctx, const struct name *recipient, int64_t row,
                      enum outcome_state state)
{
    struct scene *s = ctx;
    assert_ok(mail_store_remove(s->room.store, recipient, row, state));
}

static void on_tell(void *ctx, const struct router_notice *notice)
{
    struct scene *s = ctx;
    struct mail_notice kept = { .sender = notice->sender,
                                .recipient = notice->recipient,
                                .state = notice->outcome.state };
    memcpy(kept.id, notice->outcome.id, ENVELOPE_ID);
    assert_ok(mail_store_tell(s->room.store, &kept));
}

static void on_noted(void *ctx, const struct name *sender, const struct noted *noted)
{
    (void)ctx;
    (void)sender;
    (void)noted;
}

static void on_read_notices(void *ctx, const struct router_read_notices *read)
{
    (void)ctx;
    (void)read;
}

/* ---- what the store answers ---- */

static void hear(struct scene *s, const struct mail_done *done)
{
    struct router_notice notice = {
        .sender = done->notice.sender,
        .recipient = done->notice.recipient,
        .outcome = { .state = done->notice.state, .reason = done->notice.reason, .kept = true }
    };
    const struct router_put_result result = { done->outcome, done->row, done->fresh };
    memcpy(notice.outcome.id, done->notice.id, ENVELOPE_ID);
    if (done->kind == MAIL_PUT)
        router_put_done(s->router, done->ticket, &result, now_ms);
    else if (done->kind == MAIL_ERASED)
        router_erased(s->router, &done->notice.recipient, now_ms);
    else if (done->kind == MAIL_REMOVED || done->removed)
        router_removed(s->router, &notice, now_ms);
    else
        router_told(s->router, &notice);
}

static void hear_next(struct scene *s, enum mail_done_kind kind)
{
    struct mail_done done = mailroom_next(&s->room);
    assert_int_equal(done.kind, kind);
    hear(s, &done);
    mail_done_clear(&done);
}

/* All that the router asked for; he has to get just this. */
static void read_all(struct scene *s)
{
    CLEANUP(secret_clear) struct secret key = { 0 };
    struct router_stored found[8] = { 0 };
    struct mail_read read = { .recipient = s->read.recipient,
                              .after = s->read.after,
                              .most = COUNT_OF(found),
                              .most_bytes = s->read.most_bytes,
                              .ticket = s->read.ticket };
    struct mail_done done = mailroom_read_once(&s->room, &read, &key);
    struct router_read_result result = { .ticket = s->read.ticket, .err = done.err };
    for (size_t i = 0; i < done.count; i++) {
        found[i].row = done.messages[i].row;
        assert_ok(envelope_decode_deliver(buf_span(&done.messages[i].deliver), &found[i].envelope));
        found[i].readable = true;
    }
    result.messages = found;
    result.count = done.count;
    result.end = done.end;
    router_read_done(s->router, &result, now_ms);
    mail_done_clear(&done);
}

/* ---- people ---- */

static struct route *join(struct scene *s, const char *name, enum client_auth_kind kind)
{
    struct cert cert = { .fields = { .role = CERT_CLIENT, .not_after_s = now_ms / 1000 + 3600 } };
    struct route *route = NULL;
    cert.fields.name = mailroom_name(name);
    const struct route_facts facts = {
        .kind = kind, .cert = &cert, .link = s, .ends_ms = INT64_MAX
    };
    assert_ok(router_join(s->router, &facts, &route));
    return route;
}

static void open_scene(struct scene *s)
{
    const struct router_out out = { s,       on_deliver, on_outcome, on_end,   on_put,
                                    on_read, on_remove,  on_tell,    on_noted, on_read_notices };
    struct mail_limits limits = mailroom_roomy;
    const struct name joao = mailroom_name("joao");
    limits.ttl_ms = ttl_ms;
    *s = (struct scene) { 0 };
    mailroom_open(&s->room, &limits, false);
    assert_ok(router_new(env_system(), &out, &s->router));
    assert_ok(router_member(s->router, &joao));
    s->maria = join(s, "maria", CLIENT_AUTH_SEND);
}

static void close_scene(struct scene *s)
{
    router_free(&s->router);
    mailroom_close(&s->room);
}

static void send_one(struct scene *s, uint8_t number)
{
    const struct envelope e = { .id = { number },
                                .recipient = { ADDRESS_USER, mailroom_name("joao") },
                                .epoch = 1,
                                .number = number,
                                .body_kind = BODY_PLAIN,
                                .body = span_str("x") };
    router_send(s->router, s->maria, &e, now_ms);
}

static void store_one(struct scene *s, uint8_t number)
{
    send_one(s, number);
    hear_next(s, MAIL_PUT);
}

static void must_be_live(struct scene *s, uint8_t number)
{
    unsigned before = s->got_count;
    send_one(s, number);
    assert_int_equal(s->got_count, before + 1);
    assert_int_equal(s->got[before], number);
    assert_int_equal(router_putting(s->router), 0);
}

/* ---- the tests ---- */

static void a_mailbox_whose_mail_has_expired_needs_no_read(void **state)
{
    (void)state;
    CLEANUP(close_scene) struct scene s;
    open_scene(&s);
    for (uint8_t i = 1; i <= 3; i++)
        store_one(&s, i);
    mailroom_pass(ttl_ms);
    mail_store_tick(s.room.store);
    for (unsigned i = 1; i <= 3; i++)
        hear_next(&s, MAIL_TOLD);
    assert_int_equal(s.gone, 3);
    s.joao = join(&s, "joao", CLIENT_AUTH_RECEIVE);
    assert_int_equal(s.reads, 0);
    must_be_live(&s, 4);
    mailroom_check();
}

static void what_a_sweep_leaves_is_counted(void **state)
{
    (void)state;
    CLEANUP(close_scene) struct scene s;
    open_scene(&s);
    store_one(&s, 1);
    store_one(&s, 2);
    mailroom_pass(ttl_ms / 2);
    store_one(&s, 3);
    mailroom_pass(ttl_ms / 2);
    mail_store_tick(s.room.store);
    hear_next(&s, MAIL_TOLD);
    hear_next(&s, MAIL_TOLD);
    s.joao = join(&s, "joao", CLIENT_AUTH_RECEIVE);
    assert_int_equal(s.reads, 1);
    read_all(&s);
    assert_int_equal(s.got_count, 1);
    assert_int_equal(s.got[0], 3);
    must_be_live(&s, 4);
}

/* The rows of an erased mailbox are swept after it has a successor, and are none of its own. */
static void what_is_swept_of_an_erased_mailbox_is_not_counted_twice(void **state)
{
    (void)state;
    CLEANUP(close_scene) struct scene s;
    const struct name joao = mailroom_name("joao");
    open_scene(&s);
    store_one(&s, 1);
    store_one(&s, 2);
    assert_ok(mail_store_erase(s.room.store, &joao));
    mailroom_set_key(&s.room, "joao");
    hear_next(&s, MAIL_ERASED);
    send_one(&s, 3);
    for (unsigned i = 1; i <= 3; i++) {
        struct mail_done done = mailroom_next(&s.room); /* a put, and two that are told */
        hear(&s, &done);
        mail_done_clear(&done);
    }
    assert_int_equal(s.gone, 2);
    s.joao = join(&s, "joao", CLIENT_AUTH_RECEIVE);
    assert_int_equal(s.reads, 1);
    read_all(&s);
    assert_int_equal(s.got_count, 1);
    assert_int_equal(s.got[0], 3);
    must_be_live(&s, 4);
}

/* He got it before it expired, and confirms it after: the notice that waits says what is so. */
static void what_arrived_is_not_left_expired(void **state)
{
    (void)state;
    CLEANUP(close_scene) struct scene s;
    const struct receipt receipt = { .sender = { ADDRESS_USER, mailroom_name("maria") },
                                     .id = { 1 },
                                     .state = OUTCOME_DELIVERED };
    open_scene(&s);
    store_one(&s, 1);
    s.joao = join(&s, "joao", CLIENT_AUTH_RECEIVE);
    read_all(&s);
    assert_int_equal(s.got_count, 1);
    mailroom_pass(ttl_ms);
    mail_store_tick(s.room.store);
    hear_next(&s, MAIL_TOLD);
    assert_string_equal(mailroom_notices(&s.room, "maria"), "joao:1:expired ");
    assert_ok(router_receipt(s.router, s.joao, &receipt, now_ms));
    hear_next(&s, MAIL_TOLD);
    assert_string_equal(mailroom_notices(&s.room, "maria"), "joao:1:delivered ");
    assert_int_equal(s.gone, 2);
    must_be_live(&s, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mailbox_whose_mail_has_expired_needs_no_read),
        cmocka_unit_test(what_a_sweep_leaves_is_counted),
        cmocka_unit_test(what_is_swept_of_an_erased_mailbox_is_not_counted_twice),
        cmocka_unit_test(what_arrived_is_not_left_expired),
    };
    return cmocka_run_group_tests(tests, mailroom_start, mailroom_stop);
}
