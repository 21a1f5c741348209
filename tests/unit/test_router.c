/* SPDX-License-Identifier: Apache-2.0 */
#include "router_scene.h"

#include <stdio.h>

/* Who is here and who may be; a message between people who are. */

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
    both_are_here();
    send_to(&maria, "joao", 7, "oi");
    assert_string_equal(joao.said, "oi-from-maria");
    assert_string_equal(maria.said, "");
    assert_int_equal(router_in_flight(router), 1);
    receipt(&joao, "maria", 7);
    assert_string_equal(maria.said, "7=delivered");
    assert_int_equal(router_in_flight(router), 0);
}

static void a_name_nobody_has_is_refused(void **state)
{
    (void)state;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    send_to(&maria, "joao", 7, "oi");
    assert_string_equal(maria.said, "7=refused:no-such-name");
}

static void a_sender_who_left_is_told_nothing(void **state)
{
    (void)state;
    both_are_here();
    send_to(&maria, "joao", 7, "oi");
    leave(&maria);
    receipt(&joao, "maria", 7);
    assert_string_equal(maria.said, "");
    assert_int_equal(router_in_flight(router), 0);
}

static void the_newest_receive_login_wins(void **state)
{
    (void)state;
    struct link older, newer, sending;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    join(&sending, "joao", CLIENT_AUTH_SEND, 2);
    join(&older, "joao", CLIENT_AUTH_RECEIVE, 2);
    send_to(&maria, "joao", 7, "one");
    join(&newer, "joao", CLIENT_AUTH_RECEIVE, 2);
    assert_string_equal(older.said, "one-from-maria replaced");
    assert_string_equal(sending.said, "");
    store_does_all();
    assert_string_equal(newer.said, "one-from-maria");
    send_to(&maria, "joao", 8, "two");
    assert_string_equal(newer.said, "one-from-maria two-from-maria");
    assert_string_equal(maria.said, "7=stored");
    assert_int_equal(router_sessions(router), 3);
}

static void an_id_is_judged_with_its_sender(void **state)
{
    (void)state;
    struct link ana;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    join(&ana, "ana", CLIENT_AUTH_SEND, 2);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 3);
    send_to(&maria, "joao", 7, "a");
    send_to(&maria, "joao", 7, "again");
    assert_string_equal(maria.said, "7=refused:duplicate");
    send_to(&ana, "joao", 7, "b");
    assert_string_equal(joao.said, "a-from-maria b-from-ana");
    receipt(&joao, "ana", 7);
    assert_string_equal(ana.said, "7=delivered");
    assert_string_equal(maria.said, "7=refused:duplicate");
}

static void a_receipt_for_nothing_is_ignored(void **state)
{
    (void)state;
    both_are_here();
    send_to(&maria, "joao", 7, "oi");
    receipt(&joao, "maria", 8);
    receipt(&joao, "ana", 7);
    assert_string_equal(maria.said, "");
    receipt(&joao, "maria", 7);
    receipt(&joao, "maria", 7);
    assert_string_equal(maria.said, "7=delivered");
}

static void nobody_confirms_what_went_to_another(void **state)
{
    (void)state;
    struct link ana;
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    join(&ana, "ana", CLIENT_AUTH_RECEIVE, 2);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 3);
    send_to(&maria, "joao", 7, "oi");
    receipt(&ana, "maria", 7);
    assert_string_equal(maria.said, "");
}

static void a_session_may_have_so_many_unanswered(void **state)
{
    (void)state;
    both_are_here();
    for (unsigned i = 0; i < LIMIT_SEND_WINDOW; i++)
        send_to(&maria, "joao", (uint8_t)i, "x");
    assert_int_equal(joao.delivers, LIMIT_SEND_WINDOW);
    assert_int_equal(maria.outcomes, 0);
    send_to(&maria, "joao", 200, "x");
    assert_string_equal(maria.said, "200=refused:busy");
    receipt(&joao, "maria", 0);
    send_to(&maria, "joao", 200, "x");
    assert_int_equal(joao.delivers, LIMIT_SEND_WINDOW + 1);
}

static void a_name_has_room_for_so_many_sessions(void **state)
{
    (void)state;
    static struct link links[LIMIT_SESSIONS_OF_ONE];
    const struct name hers = name_of("maria"), his = name_of("joao");
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        assert_true(router_has_room(router, &hers));
        join(&links[i], "maria", CLIENT_AUTH_SEND, 1);
    }
    assert_false(router_has_room(router, &hers));
    assert_true(router_has_room(router, &his));
    leave(&links[0]);
    assert_true(router_has_room(router, &hers));
}

static void a_revoked_serial_ends_its_session_at_once(void **state)
{
    (void)state;
    struct link ana;
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
    join(&maria, "maria", CLIENT_AUTH_SEND, 5);
    revoke("maria", 77, 'm');
    assert_string_equal(maria.said, "revoked");
    struct cert renewed = cert_of("maria", 6);
    assert_true(router_is_revoked(router, &renewed));
}

static void a_session_ends_when_its_certificate_expires(void **state)
{
    (void)state;
    join(&maria, "maria", CLIENT_AUTH_RECEIVE, 5);
    router_expire(router, SCENE_ENDS_MS - 1);
    assert_string_equal(maria.said, "");
    router_expire(router, SCENE_ENDS_MS);
    assert_string_equal(maria.said, "expired");
    assert_int_equal(router_sessions(router), 0);
}

static void a_synchronisation_replaces_members_and_revocations(void **state)
{
    (void)state;
    const struct name gone = name_of("ana"), newcomer = name_of("joao");
    struct cert old = cert_of("old", 9), young = cert_of("young", 10);
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    assert_ok(router_member(router, &gone));
    revoke("old", 9, 'o');
    assert_ok(router_sync_begin(router));
    assert_ok(router_member(router, &newcomer));
    revoke("young", 10, 'y');
    /* Until its end nothing is forgotten, and what is new counts already. */
    assert_true(router_is_revoked(router, &old));
    assert_true(router_is_revoked(router, &young));
    router_sync_end(router);
    assert_false(router_is_revoked(router, &old));
    assert_true(router_is_revoked(router, &young));
    send_to(&maria, "ana", 1, "x");
    send_to(&maria, "joao", 2, "x");
    assert_string_equal(maria.said, "1=refused:no-such-name");
    assert_asked("put:2>joao");
}

/* Dated by ca at this second. */
static struct cert issued_at(const char *name, uint8_t serial, int64_t issued_s)
{
    struct cert cert = cert_of(name, serial);
    cert.fields.not_before_s = issued_s - LIMIT_BACKDATE_S;
    return cert;
}

static bool is_let_in(int64_t issued_s)
{
    const struct cert cert = issued_at("x", 9, issued_s);
    assert_false(router_is_revoked(router, &cert));
    return !router_is_in_doubt(router, &cert);
}

static void know(uint8_t serial)
{
    const uint8_t bytes[CERT_SERIAL] = { serial };
    assert_ok(router_known(router, SPAN_OF(bytes)));
}

static void join_as(struct link *link, const struct cert *cert)
{
    const struct route_facts facts = { CLIENT_AUTH_SEND, cert, link, SCENE_ENDS_MS };
    *link = (struct link) { 0 };
    assert_ok(router_join(router, &facts, &link->route));
}

static void of_a_time_that_was_lost_only_what_is_known_is_good(void **state)
{
    (void)state;
    const struct cert known = issued_at("maria", 10, 1500);
    assert_ok(router_sync_begin(router));
    assert_ok(router_gap(router, 1000, 2000));
    assert_ok(router_gap(router, 3000, 3002));
    know(10);
    assert_true(is_let_in(1500)); /* not in force yet */
    router_sync_end(router);
    assert_true(is_let_in(1000) && is_let_in(2000) && is_let_in(3000) && is_let_in(3002));
    assert_false(is_let_in(1001) || is_let_in(1999) || is_let_in(3001));
    assert_false(router_is_in_doubt(router, &known));
    know(9); /* was given out by a clock that was set back */
    assert_true(is_let_in(1500));
}

static void a_synchronisation_replaces_what_is_known(void **state)
{
    (void)state;
    assert_err(router_gap(router, 1000, 2000), MLT_ERR_UNEXPECTED);
    assert_ok(router_sync_begin(router));
    assert_ok(router_gap(router, 1000, 2000));
    know(9);
    router_sync_end(router);
    assert_true(is_let_in(1500));
    assert_ok(router_sync_begin(router));
    assert_ok(router_gap(router, 1000, 1600));
    assert_true(is_let_in(1500));
    router_sync_end(router);
    assert_false(is_let_in(1500));
    assert_true(is_let_in(1700));
    assert_ok(router_sync_begin(router));
    router_sync_end(router);
    assert_true(is_let_in(1500));
    assert_ok(router_sync_begin(router));
    for (unsigned i = 0; i < LIMIT_EPOCHS; i++)
        assert_ok(router_gap(router, i, i + 2));
    assert_err(router_gap(router, 1000, 2000), MLT_ERR_TOO_MANY);
}

static void sessions_of_what_is_not_known_end_with_the_synchronisation(void **state)
{
    (void)state;
    const struct cert lost = issued_at("maria", 1, 1500), kept = issued_at("joao", 2, 1500);
    const struct cert early = issued_at("ana", 3, 900), renewed = issued_at("ana", 4, 1500);
    struct link ana;
    join_as(&maria, &lost);
    join_as(&joao, &kept);
    join_as(&ana, &early);
    assert_ok(router_renewed(router, ana.route, &renewed, SCENE_ENDS_MS));
    assert_ok(router_sync_begin(router));
    assert_ok(router_gap(router, 1000, 2000));
    know(2);
    assert_string_equal(maria.said, "");
    router_sync_end(router);
    assert_string_equal(maria.said, "again");
    assert_string_equal(ana.said, "again");
    assert_string_equal(joao.said, "");
    assert_int_equal(router_sessions(router), 1);
    /* And nobody's goes on with one of that time. */
    const struct cert next = issued_at("joao", 5, 1600);
    assert_err(router_renewed(router, joao.route, &next, SCENE_ENDS_MS), MLT_ERR_UNEXPECTED);
    know(5);
    assert_ok(router_renewed(router, joao.route, &next, SCENE_ENDS_MS));
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
    assert_string_equal(maria.said, "3=refused:no-such-name");
    assert_asked("put:1>m0 put:2>m4999");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTER_TEST(a_message_is_delivered_and_confirmed),
        ROUTER_TEST(a_name_nobody_has_is_refused),
        ROUTER_TEST(a_sender_who_left_is_told_nothing),
        ROUTER_TEST(the_newest_receive_login_wins),
        ROUTER_TEST(an_id_is_judged_with_its_sender),
        ROUTER_TEST(a_receipt_for_nothing_is_ignored),
        ROUTER_TEST(nobody_confirms_what_went_to_another),
        ROUTER_TEST(a_session_may_have_so_many_unanswered),
        ROUTER_TEST(a_name_has_room_for_so_many_sessions),
        ROUTER_TEST(a_revoked_serial_ends_its_session_at_once),
        ROUTER_TEST(a_revoked_key_is_revoked_under_every_serial),
        ROUTER_TEST(a_session_ends_when_its_certificate_expires),
        ROUTER_TEST(a_synchronisation_replaces_members_and_revocations),
        ROUTER_TEST(of_a_time_that_was_lost_only_what_is_known_is_good),
        ROUTER_TEST(a_synchronisation_replaces_what_is_known),
        ROUTER_TEST(sessions_of_what_is_not_known_end_with_the_synchronisation),
        ROUTER_TEST(a_broken_off_synchronisation_forgets_nothing),
        ROUTER_TEST(a_hundred_thousand_revocations_are_all_found),
        ROUTER_TEST(many_members_are_all_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
