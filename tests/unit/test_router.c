/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <stdio.h>

#include "base/limits.h"
#include "relay/router.h"

/* The router with a link that writes down what it was told, one word after another. */

static const int64_t now_ms = 1795361897000;
static const int64_t not_after_s = 1795361997;

struct link {
    struct route *route;
    char said[600];
    int outcomes;
    int delivers;
};

static struct router *router;

static void write_down(struct link *link, const char *what)
{
    size_t n = strlen(link->said);
    snprintf(link->said + n, sizeof(link->said) - n, "%s%s", n > 0 ? " " : "", what);
}

static void on_deliver(void *ctx, void *link, const struct envelope *e)
{
    struct link *to = link;
    char what[80];
    (void)ctx;
    snprintf(what, sizeof(what), "%.*s-from-%s", (int)e->body.n, (const char *)e->body.p,
             e->sender.name.text);
    assert_int_equal(e->time_ms, now_ms);
    to->delivers++;
    write_down(to, what);
}

static void on_outcome(void *ctx, void *link, const struct outcome *o)
{
    struct link *to = link;
    static const char *const states[] = { "?", "stored", "delivered", "refused", "unknown" };
    static const char *const reasons[] = { "", ":no-such-name", ":away", ":busy", ":duplicate" };
    char what[80];
    (void)ctx;
    snprintf(what, sizeof(what), "%u=%s%s", o->id[0], states[o->state], reasons[o->reason]);
    to->outcomes++;
    write_down(to, what);
}

static void on_end(void *ctx, void *link, enum close_reason reason)
{
    struct link *to = link;
    (void)ctx;
    to->route = NULL;
    write_down(to, reason == CLOSE_REPLACED  ? "replaced"
                   : reason == CLOSE_REVOKED ? "revoked"
                   : reason == CLOSE_EXPIRED ? "expired"
                                             : "?");
}

static int start(void **state)
{
    (void)state;
    const struct router_out out = { NULL, on_deliver, on_outcome, on_end };
    return router_new(env_system(), &out, &router) == MLT_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    router_free(&router);
    return 0;
}

static struct name name_of(const char *text)
{
    struct name name = { 0 };
    assert_ok(name_parse(span_str(text), &name));
    return name;
}

static struct cert cert_of(const char *name, uint8_t serial)
{
    struct cert cert = { .fields = { .role = CERT_CLIENT, .not_after_s = not_after_s } };
    cert.fields.name = name_of(name);
    cert.fields.serial[0] = serial;
    memset(cert.spki_hash, name[0], HASH_LEN);
    return cert;
}

static void join(struct link *link, const char *name, enum client_auth_kind kind, uint8_t serial)
{
    struct cert cert = cert_of(name, serial);
    const struct route_facts facts = { .kind = kind, .cert = &cert, .link = link };
    *link = (struct link) { 0 };
    assert_ok(router_join(router, &facts, &link->route));
}

static void send_to(struct link *link, const char *to, uint8_t id, const char *body)
{
    struct envelope e = { .recipient = { ADDRESS_USER, name_of(to) },
                          .id = { id },
                          .body_kind = BODY_PLAIN,
                          .body = span_str(body) };
    /* A claim about the sender must not survive. */
    e.sender = (struct address) { ADDRESS_USER, name_of("mallory") };
    e.time_ms = 1;
    router_send(router, link->route, &e, now_ms);
}

static enum mlt_err receipt_of(struct link *link, const char *sender, uint8_t id)
{
    const struct receipt receipt = { .sender = { ADDRESS_USER, name_of(sender) }, .id = { id } };
    return router_receipt(router, link->route, &receipt);
}

static void revoke(const char *name, uint8_t serial, uint8_t key)
{
    uint8_t serial_bytes[CERT_SERIAL] = { serial }, hash[HASH_LEN];
    memset(hash, key, sizeof(hash));
    const struct router_revocation what = { name_of(name), SPAN_OF(serial_bytes), SPAN_OF(hash) };
    assert_ok(router_revoked(router, &what));
}

static void a_message_is_delivered_and_confirmed(void **state)
{
    (void)state;
    struct link maria, joao;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    send_to(&maria, "joao", 7, "oi");
    assert_string_equal(joao.said, "oi-from-maria");
    assert_string_equal(maria.said, "");
    assert_int_equal(router_in_flight(router), 1);
    assert_ok(receipt_of(&joao, "maria", 7));
    assert_string_equal(maria.said, "7=delivered");
    assert_int_equal(router_in_flight(router), 0);
}

static void a_name_nobody_has_is_refused(void **state)
{
    (void)state;
    struct link maria;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    send_to(&maria, "joao", 7, "oi");
    assert_string_equal(maria.said, "7=refused:no-such-name");
}

static void a_member_who_is_away_is_told_to_be_away(void **state)
{
    (void)state;
    struct link maria, sending;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    const struct name joao = name_of("joao");
    assert_ok(router_member(router, &joao));
    send_to(&maria, "joao", 7, "oi");
    assert_string_equal(maria.said, "7=refused:away");
    /* A login that only sends gets no mail. */
    join(&sending, "joao", CLIENT_AUTH_SEND, 2);
    send_to(&maria, "joao", 8, "oi");
    assert_string_equal(maria.said, "7=refused:away 8=refused:away");
    assert_string_equal(sending.said, "");
}

static void a_session_that_ends_leaves_its_mail_unknown(void **state)
{
    (void)state;
    struct link maria, joao;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    send_to(&maria, "joao", 7, "oi");
    router_leave(router, joao.route);
    assert_string_equal(maria.said, "7=unknown");
    assert_int_equal(router_in_flight(router), 0);
}

static void a_sender_who_left_is_told_nothing(void **state)
{
    (void)state;
    struct link maria, joao;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    send_to(&maria, "joao", 7, "oi");
    router_leave(router, maria.route);
    assert_ok(receipt_of(&joao, "maria", 7));
    assert_string_equal(maria.said, "");
    assert_int_equal(router_in_flight(router), 0);
}

static void a_message_to_oneself_ends_with_the_session(void **state)
{
    (void)state;
    struct link maria;
    join(&maria, "maria", CLIENT_AUTH_RECEIVE, 1);
    send_to(&maria, "maria", 7, "note");
    assert_string_equal(maria.said, "note-from-maria");
    router_leave(router, maria.route);
    assert_string_equal(maria.said, "note-from-maria");
    assert_int_equal(router_in_flight(router), 0);
}

static void the_newest_receive_login_wins(void **state)
{
    (void)state;
    struct link maria, older, newer, sending;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    join(&sending, "joao", CLIENT_AUTH_SEND, 2);
    join(&older, "joao", CLIENT_AUTH_RECEIVE, 2);
    send_to(&maria, "joao", 7, "one");
    join(&newer, "joao", CLIENT_AUTH_RECEIVE, 2);
    assert_string_equal(older.said, "one-from-maria replaced");
    assert_string_equal(maria.said, "7=unknown");
    assert_string_equal(sending.said, "");
    send_to(&maria, "joao", 8, "two");
    assert_string_equal(newer.said, "two-from-maria");
    assert_int_equal(router_sessions(router), 3);
}

static void an_id_is_judged_with_its_sender(void **state)
{
    (void)state;
    struct link maria, ana, joao;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    join(&ana, "ana", CLIENT_AUTH_SEND, 2);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 3);
    send_to(&maria, "joao", 7, "a");
    send_to(&maria, "joao", 7, "again");
    assert_string_equal(maria.said, "7=refused:duplicate");
    send_to(&ana, "joao", 7, "b");
    assert_string_equal(joao.said, "a-from-maria b-from-ana");
    assert_ok(receipt_of(&joao, "ana", 7));
    assert_string_equal(ana.said, "7=delivered");
    assert_string_equal(maria.said, "7=refused:duplicate");
}

static void a_receipt_for_nothing_is_ignored(void **state)
{
    (void)state;
    struct link maria, joao;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    send_to(&maria, "joao", 7, "oi");
    assert_ok(receipt_of(&joao, "maria", 8));
    assert_ok(receipt_of(&joao, "ana", 7));
    assert_string_equal(maria.said, "");
    assert_ok(receipt_of(&joao, "maria", 7));
    assert_ok(receipt_of(&joao, "maria", 7));
    assert_string_equal(maria.said, "7=delivered");
}

static void a_receipt_from_a_send_login_is_an_error(void **state)
{
    (void)state;
    struct link maria;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    assert_err(receipt_of(&maria, "joao", 7), MLT_ERR_UNEXPECTED);
}

static void nobody_confirms_what_went_to_another(void **state)
{
    (void)state;
    struct link maria, ana, joao;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    join(&ana, "ana", CLIENT_AUTH_RECEIVE, 2);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 3);
    send_to(&maria, "joao", 7, "oi");
    assert_ok(receipt_of(&ana, "maria", 7));
    assert_string_equal(maria.said, "");
}

static void a_session_may_have_so_many_unanswered(void **state)
{
    (void)state;
    struct link maria, joao;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    for (unsigned i = 0; i < LIMIT_SEND_WINDOW; i++)
        send_to(&maria, "joao", (uint8_t)i, "x");
    assert_int_equal(joao.delivers, LIMIT_SEND_WINDOW);
    assert_int_equal(maria.outcomes, 0);
    send_to(&maria, "joao", 200, "x");
    assert_string_equal(maria.said, "200=refused:busy");
    assert_ok(receipt_of(&joao, "maria", 0));
    send_to(&maria, "joao", 201, "x");
    assert_int_equal(joao.delivers, LIMIT_SEND_WINDOW + 1);
}

static void a_recipient_may_have_so_many_unconfirmed(void **state)
{
    (void)state;
    static struct link senders[LIMIT_IN_FLIGHT / LIMIT_SEND_WINDOW + 1];
    struct link joao;
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 99);
    for (unsigned s = 0; s < COUNT_OF(senders); s++) {
        char name[16];
        snprintf(name, sizeof(name), "user%u", s);
        join(&senders[s], name, CLIENT_AUTH_SEND, (uint8_t)(s + 1));
        for (unsigned i = 0; i < LIMIT_SEND_WINDOW && s + 1 < COUNT_OF(senders); i++)
            send_to(&senders[s], "joao", (uint8_t)i, "x");
    }
    assert_int_equal(joao.delivers, LIMIT_IN_FLIGHT);
    struct link *last = &senders[COUNT_OF(senders) - 1];
    send_to(last, "joao", 1, "x");
    assert_string_equal(last->said, "1=refused:busy");
}

/* A flood makes the recipient busy; it must not cost him his session. */
static void a_recipient_may_have_so_many_bytes_unconfirmed(void **state)
{
    (void)state;
    static const unsigned most = LIMIT_IN_FLIGHT_BYTES / LIMIT_BODY;
    static const uint8_t body[LIMIT_BODY];
    struct link maria, joao;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    struct envelope e = { .recipient = { ADDRESS_USER, name_of("joao") },
                          .body_kind = BODY_PLAIN,
                          .body = SPAN_OF(body) };
    for (unsigned i = 0; i <= most; i++) {
        e.id[0] = (uint8_t)(i + 1);
        router_send(router, maria.route, &e, now_ms);
    }
    assert_int_equal(joao.delivers, most);
    assert_int_equal(maria.outcomes, 1);
    assert_non_null(strstr(maria.said, "refused:busy"));
    assert_non_null(joao.route);
    assert_ok(receipt_of(&joao, "maria", 1));
    router_send(router, maria.route, &e, now_ms);
    assert_int_equal(joao.delivers, most + 1);
}

static void who_confirms_nothing_does_not_silence_his_senders(void **state)
{
    (void)state;
    struct link maria, joao, ana;
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    join(&ana, "ana", CLIENT_AUTH_RECEIVE, 3);
    for (unsigned round = 0; round < LIMIT_IN_FLIGHT / LIMIT_SEND_WINDOW; round++) {
        join(&maria, "maria", CLIENT_AUTH_SEND, 1);
        for (unsigned i = 0; i < LIMIT_SEND_WINDOW; i++) {
            struct envelope e = { .recipient = { ADDRESS_USER, name_of("joao") },
                                  .id = { (uint8_t)i, (uint8_t)round },
                                  .body_kind = BODY_PLAIN };
            router_send(router, maria.route, &e, now_ms);
        }
        router_leave(router, maria.route);
    }
    assert_int_equal(joao.delivers, LIMIT_IN_FLIGHT);
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    send_to(&maria, "ana", 200, "x");
    assert_string_equal(ana.said, "x-from-maria");
}

static void a_name_has_room_for_so_many_sessions(void **state)
{
    (void)state;
    static struct link links[LIMIT_SESSIONS_OF_ONE];
    struct name maria = name_of("maria"), joao = name_of("joao");
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        assert_true(router_has_room(router, &maria));
        join(&links[i], "maria", CLIENT_AUTH_SEND, 1);
    }
    assert_false(router_has_room(router, &maria));
    assert_true(router_has_room(router, &joao));
    router_leave(router, links[0].route);
    assert_true(router_has_room(router, &maria));
}

static void a_revoked_serial_ends_its_session_at_once(void **state)
{
    (void)state;
    struct link maria, ana;
    join(&maria, "maria", CLIENT_AUTH_RECEIVE, 5);
    join(&ana, "ana", CLIENT_AUTH_RECEIVE, 6);
    revoke("maria", 5, 'x');
    assert_string_equal(maria.said, "revoked");
    assert_string_equal(ana.said, "");
    struct cert gone = cert_of("maria", 5), other = cert_of("ana", 6);
    assert_true(router_is_revoked(router, &gone));
    assert_false(router_is_revoked(router, &other));
}

static void a_revoked_key_is_revoked_under_every_serial(void **state)
{
    (void)state;
    struct link maria;
    join(&maria, "maria", CLIENT_AUTH_SEND, 5);
    revoke("maria", 77, 'm');
    assert_string_equal(maria.said, "revoked");
    struct cert renewed = cert_of("maria", 6);
    assert_true(router_is_revoked(router, &renewed));
}

static void a_session_ends_when_its_certificate_expires(void **state)
{
    (void)state;
    struct link maria;
    join(&maria, "maria", CLIENT_AUTH_RECEIVE, 5);
    router_tick(router, not_after_s * 1000 - 1);
    assert_string_equal(maria.said, "");
    router_tick(router, not_after_s * 1000);
    assert_string_equal(maria.said, "expired");
    assert_int_equal(router_sessions(router), 0);
}

static void a_synchronisation_replaces_members_and_revocations(void **state)
{
    (void)state;
    struct link maria;
    const struct name ana = name_of("ana"), joao = name_of("joao");
    struct cert old = cert_of("old", 9), young = cert_of("young", 10);
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    assert_ok(router_member(router, &ana));
    revoke("old", 9, 'o');
    assert_ok(router_sync_begin(router));
    assert_ok(router_member(router, &joao));
    revoke("young", 10, 'y');
    /* Until its end nothing is forgotten, and what is new counts already. */
    assert_true(router_is_revoked(router, &old));
    assert_true(router_is_revoked(router, &young));
    router_sync_end(router);
    assert_false(router_is_revoked(router, &old));
    assert_true(router_is_revoked(router, &young));
    send_to(&maria, "ana", 1, "x");
    send_to(&maria, "joao", 2, "x");
    assert_string_equal(maria.said, "1=refused:no-such-name 2=refused:away");
}

static void a_broken_off_synchronisation_forgets_nothing(void **state)
{
    (void)state;
    struct cert old = cert_of("old", 9);
    revoke("old", 9, 'o');
    assert_ok(router_sync_begin(router));
    assert_ok(router_sync_begin(router));
    assert_true(router_is_revoked(router, &old));
    revoke("old", 9, 'o');
    router_sync_end(router);
    assert_true(router_is_revoked(router, &old));
}

static void a_hundred_thousand_revocations_are_all_found(void **state)
{
    (void)state;
    const unsigned count = 100000;
    for (unsigned i = 1; i <= count; i++) {
        uint8_t serial[CERT_SERIAL] = { 1 }, hash[HASH_LEN] = { 2 };
        memcpy(serial + 1, &i, sizeof(i));
        memcpy(hash + 1, &i, sizeof(i));
        const struct router_revocation what = { name_of("x"), SPAN_OF(serial), SPAN_OF(hash) };
        assert_ok(router_revoked(router, &what));
    }
    for (unsigned i = 1; i <= count + 1; i++) {
        struct cert cert = cert_of("x", 1);
        memcpy(cert.fields.serial + 1, &i, sizeof(i));
        assert_int_equal(router_is_revoked(router, &cert), i <= count);
    }
}

static void many_members_are_all_found(void **state)
{
    (void)state;
    struct link maria;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    for (unsigned i = 0; i < 5000; i++) {
        char text[16];
        snprintf(text, sizeof(text), "m%u", i);
        const struct name name = name_of(text);
        assert_ok(router_member(router, &name));
    }
    send_to(&maria, "m0", 1, "x");
    send_to(&maria, "m4999", 2, "x");
    send_to(&maria, "m5000", 3, "x");
    assert_string_equal(maria.said, "1=refused:away 2=refused:away 3=refused:no-such-name");
}

#define ROUTER_TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTER_TEST(a_message_is_delivered_and_confirmed),
        ROUTER_TEST(a_name_nobody_has_is_refused),
        ROUTER_TEST(a_member_who_is_away_is_told_to_be_away),
        ROUTER_TEST(a_session_that_ends_leaves_its_mail_unknown),
        ROUTER_TEST(a_sender_who_left_is_told_nothing),
        ROUTER_TEST(a_message_to_oneself_ends_with_the_session),
        ROUTER_TEST(the_newest_receive_login_wins),
        ROUTER_TEST(an_id_is_judged_with_its_sender),
        ROUTER_TEST(a_receipt_for_nothing_is_ignored),
        ROUTER_TEST(a_receipt_from_a_send_login_is_an_error),
        ROUTER_TEST(nobody_confirms_what_went_to_another),
        ROUTER_TEST(a_session_may_have_so_many_unanswered),
        ROUTER_TEST(a_recipient_may_have_so_many_unconfirmed),
        ROUTER_TEST(a_recipient_may_have_so_many_bytes_unconfirmed),
        ROUTER_TEST(who_confirms_nothing_does_not_silence_his_senders),
        ROUTER_TEST(a_name_has_room_for_so_many_sessions),
        ROUTER_TEST(a_revoked_serial_ends_its_session_at_once),
        ROUTER_TEST(a_revoked_key_is_revoked_under_every_serial),
        ROUTER_TEST(a_session_ends_when_its_certificate_expires),
        ROUTER_TEST(a_synchronisation_replaces_members_and_revocations),
        ROUTER_TEST(a_broken_off_synchronisation_forgets_nothing),
        ROUTER_TEST(a_hundred_thousand_revocations_are_all_found),
        ROUTER_TEST(many_members_are_all_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
