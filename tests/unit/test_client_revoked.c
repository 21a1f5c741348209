/* SPDX-License-Identifier: Apache-2.0 */
#include "ca_scene.h"

#include "crypto/rsa.h"
#include "pki/statement.h"

/* What a client makes of notices and lists of what was revoked: it never takes one back.
 * PROTOCOL.md 11.4.  Attack rows 23 and 24. */

static void send_notice(uint64_t number, unsigned first, unsigned count)
{
    CLEANUP(buf_clear) struct buf record = { 0 };
    ca_scene_notice(number, first, count, &record);
    small_server_put(&scene->server, RECORD_REVOKED, buf_span(&record));
}

static void expect_number(uint64_t number, unsigned revoked)
{
    assert_int_equal(ca_scene_known()->crl_number, number);
    uint64_t held = 0;
    assert_ok(store_authority_count(scene->store, &held));
    assert_int_equal(held, revoked);
}

/* Logged in with list `number`, of which each number below it had one serial. */
static void know(uint64_t number)
{
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    for (uint64_t i = 1; i <= number; i++)
        send_notice(i, (unsigned)i, 1);
    scene_expect_quiet();
    expect_number(number, (unsigned)number);
}

/* ---- notices ---- */

static void notices_are_taken_in_their_order(void **state)
{
    (void)state;
    know(3);
    assert_true(ca_scene_is_revoked(1) && ca_scene_is_revoked(2) && ca_scene_is_revoked(3));
    assert_false(ca_scene_is_revoked(4));
    send_notice(4, 100, 256);
    scene_expect_quiet();
    expect_number(4, 3 + 256);
    send_notice(5, 0, 0); /* the daily one */
    scene_expect_quiet();
    expect_number(5, 3 + 256);
    int64_t now_s = scene_clock_now()->wall_ms / 1000;
    assert_int_equal(ca_scene_known()->crl_this_s, now_s);
    assert_int_equal(ca_scene_known()->crl_next_s, now_s + LIMIT_CRL_S);
    assert_int_equal(scene->server.crl_wanteds, 0);
}

static void an_older_notice_is_ignored(void **state)
{
    (void)state;
    know(3);
    send_notice(3, 50, 1);
    send_notice(1, 51, 1);
    scene_expect_quiet();
    expect_number(3, 3);
    assert_false(ca_scene_is_revoked(50));
    assert_int_equal(scene->server.crl_wanteds, 0);
}

static void a_notice_that_skips_one_is_not_taken_but_asked_about(void **state)
{
    (void)state;
    know(2);
    send_notice(5, 50, 1);
    send_notice(6, 51, 1);
    scene_expect_quiet();
    expect_number(2, 2);
    assert_int_equal(scene->server.crl_wanteds, 1);
    for (unsigned i = 3; i <= 6; i++)
        send_notice(i, i, 1);
    scene_expect_quiet();
    expect_number(6, 6);
    send_notice(8, 60, 1);
    scene_expect_quiet();
    assert_int_equal(scene->server.crl_wanteds, 2);
}

static void a_forged_notice_ends_the_session(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf record = { 0 };
    know(1);
    ca_scene_notice(2, 7, 1, &record);
    record.p[record.len - 1] ^= 1;
    small_server_put(&scene->server, RECORD_REVOKED, buf_span(&record));
    scene_expect_lost(MLT_ERR_AUTH);
    expect_number(1, 1);
}

/* Signed by the CA's key, for another purpose or for another CA. */
static void what_was_signed_as_something_else_is_no_notice(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf covered = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf record = { 0 };
    uint8_t digest[HASH_LEN];
    int64_t now_s = scene_clock_now()->wall_ms / 1000;
    struct revocation r = { .number = 2, .this_update_s = now_s, .next_update_s = now_s + 60 };
    know(1);
    assert_ok(buf_put(&covered, SPAN_OF(pair_house()->ca.spki_hash)));
    assert_ok(revocation_put_signed(&r, &covered));
    assert_ok(hash_sha256(buf_span(&covered), digest));
    assert_ok(rsa_sign(pair_house()->ca_key, RSA_LEDGER_HEAD, digest, &signature));
    r.signature = buf_span(&signature);
    assert_ok(revocation_encode(&r, &record));
    small_server_put(&scene->server, RECORD_REVOKED, buf_span(&record));
    scene_expect_lost(MLT_ERR_AUTH);
    expect_number(1, 1);
}

static void a_notice_while_we_leave_is_taken_too(void **state)
{
    (void)state;
    know(1);
    scene->server.welcome.crl_number = 3;
    ca_scene_log_in_anew(CLIENT_AUTH_SEND);
    client_close(scene->client); /* it waits for what it has asked for */
    scene_expect_quiet();
    send_notice(2, 2, 1);
    send_notice(3, 3, 1);
    scene_expect(CLIENT_EVENT_CLOSED);
    expect_number(3, 3);
}

/* Of the first one more would have to be asked for, which is too late. */
static void notices_that_cross_our_goodbye_are_taken_as_far_as_they_go(void **state)
{
    (void)state;
    know(1);
    send_notice(4, 4, 1);
    send_notice(2, 2, 1);
    client_close(scene->client);
    scene_expect(CLIENT_EVENT_CLOSED);
    expect_number(2, 2);
    assert_int_equal(scene->server.crl_wanteds, 0);
}

/* ---- lists ---- */

static void who_is_behind_fetches_the_list(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf list = { 0 };
    scene->server.welcome.crl_number = 40;
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    scene_expect_quiet();
    assert_int_equal(scene->server.crl_wanteds, 1);
    ca_scene_list(40, 2000, &list);
    ca_scene_send_list(40, buf_span(&list), 1000);
    scene_settle_down();
    expect_number(40, 2000);
    assert_true(ca_scene_is_revoked(0) && ca_scene_is_revoked(1999));
    assert_false(ca_scene_is_revoked(2000));
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    scene_expect_quiet();
    assert_int_equal(scene->server.crl_wanteds, 1);
}

/* Row 23: a restored backup, an old list, a replayed notice: none un-revokes. */
static void row_23_nothing_takes_a_revocation_back(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf older = { 0 };
    CLEANUP(buf_clear) struct buf newer = { 0 };
    know(6);
    scene->server.welcome.crl_number = 7;
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    ca_scene_list(4, 0, &older);
    ca_scene_send_list(4, buf_span(&older), 65536); /* an answer that is older */
    scene_settle_down();
    expect_number(6, 6);
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    ca_scene_list(9, 3, &newer); /* 0, 1 and 2; it should hold 3 to 6 too */
    ca_scene_send_list(9, buf_span(&newer), 65536);
    scene_settle_down();
    assert_int_equal(ca_scene_known()->crl_number, 9);
    for (unsigned i = 1; i <= 6; i++)
        assert_true(ca_scene_is_revoked(i));
}

/* ... until every certificate of that time has ended, and cannot be renewed. */
static void what_a_list_leaves_out_is_forgotten_when_it_must_have_ended(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf soon = { 0 };
    CLEANUP(buf_clear) struct buf late = { 0 };
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    struct pair_house *house = pair_house();
    static const int64_t day_s = 86400;
    ca_scene->renewed = (struct renewed) { .result = WELCOME_REFUSED, .reason = REFUSAL_NOT_DUE };
    know(2);
    scene_clock_now()->wall_ms += 100 * day_s * 1000;
    int64_t now_s = scene_clock_now()->wall_ms / 1000;
    pair_issue(CERT_SERVER, "relay", house->server_key, now_s - 300, now_s + 80000, &leaf);
    scene->server.config.server_der = buf_span(&leaf);
    scene->server.welcome.crl_number = 5;
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    ca_scene_list(5, 2, &soon); /* 0 and 1 */
    ca_scene_send_list(5, buf_span(&soon), 65536);
    scene_settle_down();
    expect_number(5, 3);
    scene_clock_now()->wall_ms += 5 * day_s * 1000;
    now_s = scene_clock_now()->wall_ms / 1000;
    buf_clear(&leaf);
    pair_issue(CERT_SERVER, "relay", house->server_key, now_s - 300, now_s + 80000, &leaf);
    scene->server.config.server_der = buf_span(&leaf);
    scene->server.welcome.crl_number = 6;
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    ca_scene_list(6, 1, &late); /* 0 */
    ca_scene_send_list(6, buf_span(&late), 65536);
    scene_settle_down();
    expect_number(6, 2);
    assert_true(ca_scene_is_revoked(0) && ca_scene_is_revoked(1));
    assert_false(ca_scene_is_revoked(2)); /* of the first day; 1 was listed five days ago */
}

static void a_list_nobody_asked_for_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf list = { 0 };
    know(1);
    ca_scene_list(9, 0, &list);
    ca_scene_send_list(9, buf_span(&list), 65536);
    scene_expect_lost(MLT_ERR_UNEXPECTED);
    expect_number(1, 1);
}

static void a_second_list_for_one_request_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf list = { 0 };
    scene->server.welcome.crl_number = 9;
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    ca_scene_list(9, 2, &list);
    ca_scene_send_list(9, buf_span(&list), 65536);
    ca_scene_send_list(9, buf_span(&list), 65536);
    scene_expect_lost(MLT_ERR_UNEXPECTED);
    expect_number(9, 2);
}

static void expect_list_refused(uint64_t number, struct span der, enum mlt_err err)
{
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    ca_scene_send_list(number, der, 500);
    scene_expect_lost(err);
    expect_number(0, 0);
}

static void a_bad_list_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf list = { 0 };
    scene->server.welcome.crl_number = 9;
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    ca_scene_list(9, 30, &list);
    expect_list_refused(8, buf_span(&list), MLT_ERR_CRL); /* it says 9 itself */
    list.p[list.len - 1] ^= 1;
    expect_list_refused(9, buf_span(&list), MLT_ERR_CRL_SIGNATURE);
    expect_list_refused(9, span_str("not a list"), MLT_ERR_ENCODING);
}

static void send_piece(uint64_t number, uint32_t offset, uint32_t total, struct span bytes)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct crl_piece p = {
        .number = number, .offset = offset, .total = total, .bytes = bytes
    };
    assert_ok(crl_piece_encode(&p, &body));
    small_server_put(&scene->server, RECORD_CRL, buf_span(&body));
}

static void pieces_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const uint8_t bytes[64];
    scene->server.welcome.crl_number = 9;
    static const struct {
        uint64_t number;
        uint32_t offset, total, n;
    } second[] = {
        { 9, 11, 100, 10 }, /* a gap */
        { 9, 9, 100, 10 },  /* once more */
        { 8, 10, 100, 10 }, /* of another list */
        { 9, 10, 101, 10 }, /* of another length */
    };
    for (size_t i = 0; i < COUNT_OF(second); i++) {
        ca_scene_log_in(CLIENT_AUTH_RECEIVE);
        send_piece(9, 0, 100, span_of(bytes, 10));
        send_piece(second[i].number, second[i].offset, second[i].total,
                   span_of(bytes, second[i].n));
        scene_expect_lost(MLT_ERR_UNEXPECTED);
    }
}

/* A list beyond the bound is refused at its first piece: nothing gathers. */
static void a_list_that_is_too_large_is_refused_at_once(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf body = { 0 };
    static const uint8_t bytes[10];
    const struct crl_piece p = { .number = 9,
                                 .total = LIMIT_CRL,
                                 .bytes = span_of(bytes, sizeof(bytes)) };
    scene->server.welcome.crl_number = 9;
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    assert_ok(crl_piece_encode(&p, &body));
    body.p[15] ^= 1; /* the last byte of `total` */
    small_server_put(&scene->server, RECORD_CRL, buf_span(&body));
    scene_expect_lost(MLT_ERR_RANGE);
}

static void a_list_that_breaks_off_changes_nothing_and_is_asked_for_again(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf list = { 0 };
    know(2);
    ca_scene_list(9, 100, &list);
    scene->server.welcome.crl_number = 9;
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    send_piece(9, 0, (uint32_t)list.len, span_of(list.p, list.len - 1));
    scene_expect_quiet();
    small_server_drop(&scene->server);
    scene_expect(CLIENT_EVENT_LOST);
    expect_number(2, 2);
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    ca_scene_send_list(9, buf_span(&list), 65536);
    scene_settle_down();
    assert_int_equal(scene->server.crl_wanteds, 2);
    assert_int_equal(ca_scene_known()->crl_number, 9);
}

/* A list may be replaced by a newer one while it is sent; a notice may come between. */
static void a_newer_list_may_take_the_place_of_one_that_was_begun(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf first = { 0 };
    CLEANUP(buf_clear) struct buf second = { 0 };
    scene->server.welcome.crl_number = 9;
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    ca_scene_list(9, 5, &first);
    ca_scene_list(10, 6, &second);
    send_piece(9, 0, (uint32_t)first.len, span_of(first.p, 100));
    send_notice(10, 5, 1);
    ca_scene_send_list(10, buf_span(&second), 100);
    scene_expect_quiet();
    expect_number(10, 6);
    send_notice(11, 20, 1);
    scene_expect_quiet();
    expect_number(11, 7);
}

/* A server that has nothing newer after all is not asked in a circle. */
static void a_list_that_leads_nowhere_is_not_asked_for_again(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf list = { 0 };
    know(3);
    scene->server.welcome.crl_number = 9;
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    ca_scene_list(3, 4, &list);
    ca_scene_send_list(3, buf_span(&list), 65536);
    scene_expect_quiet();
    assert_int_equal(scene->server.crl_wanteds, 1);
    send_notice(5, 30, 1); /* news */
    scene_expect_quiet();
    assert_int_equal(scene->server.crl_wanteds, 2);
}

/* Another process of the home has fetched it meanwhile; that we asked for it is so all the same. */
static void a_list_is_asked_for_once_while_it_is_on_its_way(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf list = { 0 };
    const struct store_crl fetched = { .number = 70, .this_s = 1, .next_s = 2 };
    bool done = false;
    scene->server.welcome.crl_number = 70;
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    scene_expect_quiet();
    assert_ok(store_authority_replace(scene->store, &fetched, &done));
    assert_true(done);
    send_notice(71, 0, 1);
    send_notice(73, 1, 1);
    scene_expect_quiet();
    expect_number(71, 1);
    assert_int_equal(scene->server.crl_wanteds, 1);
    ca_scene_list(70, 0, &list);
    ca_scene_send_list(70, buf_span(&list), 100);
    scene_expect_quiet();
    assert_int_equal(scene->server.crl_wanteds, 2); /* of 72 and 73 */
    send_notice(72, 2, 1);
    send_notice(73, 1, 1);
    send_notice(75, 3, 1);
    scene_expect_quiet();
    expect_number(73, 3);
    assert_int_equal(scene->server.crl_wanteds, 3);
}

/* The server had list 2 in force, and had not read its notice yet when it was asked. */
static void a_list_may_come_after_the_notice_that_makes_it_superfluous(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf list = { 0 };
    know(1);
    scene->server.welcome.crl_number = 2;
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    ca_scene_list(2, 3, &list);
    send_notice(2, 2, 1);
    ca_scene_send_list(2, buf_span(&list), 100);
    scene_expect_quiet();
    expect_number(2, 2);
    assert_int_equal(scene->server.crl_wanteds, 1);
}

static void who_needs_no_answer_any_more_does_not_wait_for_it(void **state)
{
    (void)state;
    const struct store_crl fetched = { .number = 70, .this_s = 1, .next_s = 2 };
    bool done = false;
    scene->server.welcome.crl_number = 70;
    ca_scene_log_in(CLIENT_AUTH_SEND);
    scene_expect_quiet();
    assert_ok(store_authority_replace(scene->store, &fetched, &done));
    send_notice(71, 0, 1);
    scene_expect_quiet();
    client_close(scene->client);
    scene_expect(CLIENT_EVENT_CLOSED);
    assert_int_equal(scene->server.crl_wanteds, 1);
}

/* ---- the server's own certificate ---- */

static void server_serial(uint8_t serial[static CERT_SERIAL])
{
    struct pair_house *house = pair_house();
    CLEANUP(cert_clear) struct cert c = { 0 };
    assert_ok(cert_read_leaf(buf_span(&house->server_der), &house->ca, CERT_SERVER,
                             house->clock.wall_ms / 1000, &c));
    memcpy(serial, c.fields.serial, CERT_SERIAL);
}

static void revoke_server(uint64_t number)
{
    uint8_t serial[CERT_SERIAL];
    CLEANUP(buf_clear) struct buf record = { 0 };
    server_serial(serial);
    ca_scene_notice_of(number, serial, &record);
    small_server_put(&scene->server, RECORD_REVOKED, buf_span(&record));
}

static void a_revoked_server_does_not_learn_who_we_are(void **state)
{
    (void)state;
    know(1);
    revoke_server(2);
    scene_settle_down();
    expect_number(2, 2);
    client_free(&scene->client);
    small_server_drop(&scene->server);
    scene_connect_as(CLIENT_AUTH_SEND);
    scene_expect_lost(MLT_ERR_CERT_REVOKED);
    assert_false(scene->server.client_auth_seen);
}

static void a_session_ends_when_its_server_is_revoked(void **state)
{
    (void)state;
    know(1);
    revoke_server(2);
    scene_expect_lost(MLT_ERR_CERT_REVOKED);
}

static void a_session_that_comes_back_does_so_to_the_servers_new_certificate(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    int64_t now_s = house->clock.wall_ms / 1000;
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_RECEIVE, true);
    assert_ok(client_connect(scene->client));
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    pair_issue(CERT_SERVER, "relay", house->server_key, now_s - 300, now_s + 3600, &leaf);
    scene->server.config.server_der = buf_span(&leaf);
    revoke_server(1);
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_CLOSED);
    assert_int_equal(event.close, CLOSE_AGAIN);
    assert_true(event.retry_ms >= 0);
    scene_clock_now()->mono_ms += event.retry_ms;
    scene_expect(CLIENT_EVENT_LOGGED_IN);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, ca_scene_begin, ca_scene_end)
    const struct CMUnitTest tests[] = {
        T(notices_are_taken_in_their_order),
        T(an_older_notice_is_ignored),
        T(a_notice_that_skips_one_is_not_taken_but_asked_about),
        T(a_forged_notice_ends_the_session),
        T(what_was_signed_as_something_else_is_no_notice),
        T(a_notice_while_we_leave_is_taken_too),
        T(notices_that_cross_our_goodbye_are_taken_as_far_as_they_go),
        T(who_is_behind_fetches_the_list),
        T(row_23_nothing_takes_a_revocation_back),
        T(what_a_list_leaves_out_is_forgotten_when_it_must_have_ended),
        T(a_list_nobody_asked_for_is_refused),
        T(a_second_list_for_one_request_is_refused),
        T(a_bad_list_changes_nothing),
        T(pieces_that_do_not_fit_are_refused),
        T(a_list_that_is_too_large_is_refused_at_once),
        T(a_list_that_breaks_off_changes_nothing_and_is_asked_for_again),
        T(a_newer_list_may_take_the_place_of_one_that_was_begun),
        T(a_list_that_leads_nowhere_is_not_asked_for_again),
        T(a_list_is_asked_for_once_while_it_is_on_its_way),
        T(a_list_may_come_after_the_notice_that_makes_it_superfluous),
        T(who_needs_no_answer_any_more_does_not_wait_for_it),
        T(a_revoked_server_does_not_learn_who_we_are),
        T(a_session_ends_when_its_server_is_revoked),
        T(a_session_that_comes_back_does_so_to_the_servers_new_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
