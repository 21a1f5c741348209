/* SPDX-License-Identifier: Apache-2.0 */
#include "ca_scene.h"

#include "client/renewal.h"
#include "crypto/rsa.h"

/* A certificate renewed in the session that it opened, and by two processes of one home.
 * PROTOCOL.md 11.5 */

static const int64_t hour_s = 3600;

static int64_t now_s(void)
{
    return scene_clock_now()->wall_ms / 1000;
}

static void pass(int64_t s)
{
    scene_clock_now()->wall_ms += s * 1000;
    scene_clock_now()->mono_ms += s * 1000;
}

static void refresh_server(struct buf *leaf)
{
    buf_clear(leaf);
    pair_issue(CERT_SERVER, "relay", pair_house()->server_key, now_s() - 300, now_s() + 80000,
               leaf);
    scene->server.config.server_der = buf_span(leaf);
}

static void offer_next(int64_t life_s)
{
    buf_clear(&ca_scene->certificate);
    ca_scene_issue(PAIR_USER, pair_house()->client_key, life_s, &ca_scene->certificate);
}

static void read_own(struct cert *c)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_ok(home_read_certificate(&scene->home, HOME_OWN, &der));
    enum mlt_err err = cert_read_leaf(buf_span(&der), &pair_house()->ca, CERT_CLIENT, now_s(), c);
    assert_true(err == MLT_OK || err == MLT_ERR_CERT_EXPIRED);
}

static int64_t end_on_disk(void)
{
    CLEANUP(cert_clear) struct cert c = { 0 };
    read_own(&c);
    return c.fields.not_after_s;
}

/* The pair's certificate lasts a day: due between eight and ten hours after its issue. */
static void log_in_and_let_it_be_due(void)
{
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    scene_expect_quiet();
    assert_int_equal(scene->server.renews, 0);
    scene_clock_now()->wall_ms += 11 * hour_s * 1000;
    scene_clock_now()->mono_ms += 10000;
}

static void nobody_notices_a_renewal(void **state)
{
    (void)state;
    uint8_t first[CERT_SERIAL];
    scene_make_joined();
    memcpy(first, scene->me.own.fields.serial, CERT_SERIAL);
    log_in_and_let_it_be_due();
    offer_next(48 * hour_s);
    scene_expect(CLIENT_EVENT_RENEWED);
    assert_int_equal(scene->server.renews, 1);
    assert_memory_equal(scene->server.renew_serial, first, CERT_SERIAL);
    assert_true(client_is_logged_in(scene->client));
    assert_int_equal(end_on_disk(), now_s() + 48 * hour_s);
    assert_int_equal(scene->me.own.fields.not_after_s, now_s() + 48 * hour_s);
    small_server_deliver(&scene->server, "joao", 1, "oi");
    scene_expect_message("joao", "oi");
    scene_expect_quiet();
    assert_int_equal(scene->server.renews, 1);
}

static void the_next_renewal_is_of_the_new_certificate(void **state)
{
    (void)state;
    log_in_and_let_it_be_due();
    offer_next(24 * hour_s);
    scene_expect(CLIENT_EVENT_RENEWED);
    uint8_t second[CERT_SERIAL];
    memcpy(second, scene->me.own.fields.serial, CERT_SERIAL);
    scene_clock_now()->wall_ms += 11 * hour_s * 1000;
    scene_clock_now()->mono_ms += 10000;
    offer_next(24 * hour_s);
    scene_expect(CLIENT_EVENT_RENEWED);
    assert_memory_equal(scene->server.renew_serial, second, CERT_SERIAL);
    assert_int_equal(scene->server.accepted, 1);
}

/* The timer alone, without a record or a jump of the clock, wakes the host. */
static void the_host_is_woken_for_it(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    scene_make_joined();
    buf_clear(&ca_scene->certificate);
    ca_scene_issue(PAIR_USER, house->client_key, 48 * hour_s, &ca_scene->certificate);
    assert_ok(identity_keep_renewed(&scene->home, scene->store, &scene->me,
                                    buf_span(&ca_scene->certificate), now_s()));
    scene_clock_now()->wall_ms = (renewal_due_s(&scene->me.own.fields) - 5) * 1000;
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    refresh_server(&leaf);
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    scene_expect_quiet();
    assert_in_range(client_timeout_ms(scene->client), 1, 5000);
    pass(5);
    offer_next(48 * hour_s);
    scene_expect(CLIENT_EVENT_RENEWED);
}

static void a_short_session_renews_before_it_leaves(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    scene_make_joined();
    pass(12 * hour_s);
    refresh_server(&leaf);
    offer_next(48 * hour_s);
    scene_connect_as(CLIENT_AUTH_SEND);
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    client_close(scene->client);
    scene_expect(CLIENT_EVENT_RENEWED);
    scene_expect(CLIENT_EVENT_CLOSED);
    assert_int_equal(end_on_disk(), now_s() + 48 * hour_s);
}

/* ---- answers that are no good ---- */

static void expect_no_renewal(enum mlt_err err)
{
    int64_t end_s = end_on_disk();
    scene_expect_lost(err);
    assert_int_equal(end_on_disk(), end_s);
    assert_int_equal(scene->me.own.fields.not_after_s, end_s);
}

static void a_certificate_for_another_key_is_not_kept(void **state)
{
    (void)state;
    log_in_and_let_it_be_due();
    ca_scene_issue(PAIR_USER, pair_house()->other_key, 48 * hour_s, &ca_scene->certificate);
    expect_no_renewal(MLT_ERR_CERT_FOREIGN);
}

static void a_certificate_for_another_name_is_not_kept(void **state)
{
    (void)state;
    log_in_and_let_it_be_due();
    ca_scene_issue("joao", pair_house()->client_key, 48 * hour_s, &ca_scene->certificate);
    expect_no_renewal(MLT_ERR_CERT_FOREIGN);
}

static void a_server_certificate_is_not_kept(void **state)
{
    (void)state;
    log_in_and_let_it_be_due();
    pair_issue(CERT_SERVER, "relay", pair_house()->client_key, now_s() - 300, now_s() + 20 * hour_s,
               &ca_scene->certificate);
    expect_no_renewal(MLT_ERR_CERT_ROLE);
}

static void a_certificate_of_another_ca_is_not_kept(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    CLEANUP(buf_clear) struct buf ca = { 0 };
    log_in_and_let_it_be_due();
    pair_forge_ca(house->other_key, &ca);
    pair_issue_by(house->other_key, buf_span(&ca), CERT_CLIENT, house->client_key,
                  &ca_scene->certificate);
    expect_no_renewal(MLT_ERR_CERT_FOREIGN);
}

/* No harm is meant by it: an administrator made lives shorter. */
static void one_that_ends_no_later_is_not_kept_and_the_session_lasts(void **state)
{
    (void)state;
    log_in_and_let_it_be_due();
    int64_t end_s = end_on_disk();
    offer_next(hour_s);
    scene_expect_quiet();
    assert_int_equal(end_on_disk(), end_s);
    assert_int_equal(scene->me.own.fields.not_after_s, end_s);
    assert_int_equal(scene->server.renews, 1);
    assert_true(client_is_logged_in(scene->client));
}

static void an_answer_nobody_asked_for_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf body = { 0 };
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    offer_next(48 * hour_s);
    const struct renewed r = { .result = WELCOME_ISSUED,
                               .certificate = buf_span(&ca_scene->certificate) };
    assert_ok(renewed_encode(&r, &body));
    small_server_put(&scene->server, RECORD_RENEWED, buf_span(&body));
    expect_no_renewal(MLT_ERR_UNEXPECTED);
}

static void a_second_answer_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf body = { 0 };
    log_in_and_let_it_be_due();
    offer_next(48 * hour_s);
    scene_expect(CLIENT_EVENT_RENEWED);
    const struct renewed r = { .result = WELCOME_ISSUED,
                               .certificate = buf_span(&ca_scene->certificate) };
    assert_ok(renewed_encode(&r, &body));
    small_server_put(&scene->server, RECORD_RENEWED, buf_span(&body));
    scene_expect_lost(MLT_ERR_UNEXPECTED);
}

static void a_stopped_ca_is_told_of_once(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    ca_scene->renewed = (struct renewed) { .result = WELCOME_REFUSED, .reason = REFUSAL_STOPPED };
    log_in_and_let_it_be_due();
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_NOT_RENEWED);
    assert_int_equal(event.refusal, REFUSAL_STOPPED);
    assert_true(client_is_logged_in(scene->client));
    pass(60); /* within the silence of the link */
    small_server_deliver(&scene->server, "joao", 1, "oi");
    scene_expect_message("joao", "oi");
    scene_expect_quiet();
    assert_int_equal(scene->server.renews, 1);
}

static void a_busy_ca_is_asked_again(void **state)
{
    (void)state;
    ca_scene->renewed =
        (struct renewed) { .result = WELCOME_REFUSED, .reason = REFUSAL_BUSY, .retry_after_s = 20 };
    log_in_and_let_it_be_due();
    scene_expect_quiet();
    assert_int_equal(scene->server.renews, 1);
    ca_scene->renewed = (struct renewed) { 0 };
    offer_next(48 * hour_s);
    pass(20);
    scene_expect(CLIENT_EVENT_RENEWED);
}

/* ---- let in to renew ---- */

/* Of the pair's certificate, which lasts a day and is of the scene's first second. */
static const int64_t third_s = 8 * INT64_C(3600);

/* The CA was put back to an older state when so much time had passed, and says so. */
static void put_back(int64_t after_s)
{
    ca_scene_grow(3);
    ca_scene->epoch = (uint64_t)(now_s() + after_s);
    ca_scene_show(3);
}

static void connect_to_renew(void)
{
    scene->server.is_ca_mute = true;
    scene->server.welcome.result = WELCOME_RENEW;
    scene_connect_as(CLIENT_AUTH_SEND);
}

static void expect_nothing_signed(enum mlt_err err)
{
    connect_to_renew();
    scene_expect_lost(err);
    assert_int_equal(scene->server.renews, 0);
}

static void expect_signed(void)
{
    connect_to_renew();
    scene_expect_quiet();
    assert_int_equal(scene->server.renews, 1);
}

static void nothing_is_signed_for_a_young_certificate(void **state)
{
    (void)state;
    scene_make_joined();
    expect_nothing_signed(MLT_ERR_NOT_DUE);
}

static void nor_with_the_ledger_it_was_issued_under(void **state)
{
    (void)state;
    scene_make_joined();
    put_back(-LIMIT_CLOCK_SLACK_S - 1);
    pass(third_s - LIMIT_CLOCK_SLACK_S - 1);
    expect_nothing_signed(MLT_ERR_NOT_DUE);
}

static void nor_with_a_head_that_is_not_the_cas(void **state)
{
    (void)state;
    scene_make_joined();
    put_back(0);
    ca_scene_show_lie(3, CA_SCENE_FORGED);
    expect_nothing_signed(MLT_ERR_AUTH);
}

/* Nobody warns of a clock that nothing of the CA's contradicts. */
static void one_that_is_due_by_a_clock_up_to_an_hour_later_is_signed_for(void **state)
{
    (void)state;
    scene_make_joined();
    pass(third_s - LIMIT_CLOCK_SLACK_S);
    expect_signed();
}

static void one_that_has_ended_is_signed_for(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    scene_make_joined();
    pass(26 * hour_s);
    refresh_server(&leaf);
    expect_signed();
}

static void one_that_is_in_doubt_by_the_head_of_welcome_is_signed_for(void **state)
{
    (void)state;
    scene_make_joined();
    put_back(0);
    expect_signed();
    assert_int_equal(ca_scene_known()->head_size, 0); /* what it leads on to is not proven */
}

static void one_that_is_in_doubt_by_the_head_that_is_held_is_signed_for(void **state)
{
    (void)state;
    scene_make_joined();
    put_back(0);
    ca_scene_log_in(CLIENT_AUTH_SEND);
    client_free(&scene->client);
    small_server_drop(&scene->server);
    scene->server.welcome.ledger_head = span_of(NULL, 0);
    expect_signed();
}

/* Also by a clock that was ahead of the one that opened the epoch. */
static void one_of_up_to_an_hour_after_an_epoch_is_in_doubt(void **state)
{
    (void)state;
    scene_make_joined();
    put_back(-LIMIT_CLOCK_SLACK_S);
    expect_signed();
}

/* Our clock is behind what the CA has signed, by less than an hour. */
static void it_is_due_by_the_newest_time_that_the_ca_signed(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    scene_make_joined();
    pass(third_s - hour_s - hour_s / 2);
    pair_issue(CERT_SERVER, "relay", pair_house()->server_key,
               now_s() + hour_s / 2 - LIMIT_BACKDATE_S, now_s() + 80000, &leaf);
    scene->server.config.server_der = buf_span(&leaf);
    connect_to_renew();
    scene_expect(CLIENT_EVENT_CLOCK);
    scene_expect_quiet();
    assert_int_equal(scene->server.renews, 1);
}

static void also_by_that_of_the_head(void **state)
{
    (void)state;
    scene_make_joined();
    pass(third_s - hour_s - hour_s / 2);
    ca_scene->ahead_s = hour_s / 2;
    ca_scene_grow(3);
    ca_scene_show(3);
    connect_to_renew();
    scene_expect(CLIENT_EVENT_CLOCK);
    scene_expect_quiet();
    assert_int_equal(scene->server.renews, 1);
}

/* ---- after the end ---- */

static void an_expired_certificate_is_renewed_and_then_logs_in(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    scene_make_joined();
    pass(26 * hour_s);
    refresh_server(&leaf);
    offer_next(48 * hour_s);
    scene->server.welcome.result = WELCOME_RENEW;
    scene_connect_as(CLIENT_AUTH_SEND);
    scene_expect(CLIENT_EVENT_RENEWED);
    scene->server.welcome.result = 0;
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    assert_int_equal(scene->server.accepted, 2);
    assert_int_equal(end_on_disk(), now_s() + 48 * hour_s);
}

static void while_it_is_renewed_nothing_else_is_done(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    scene_make_joined();
    pass(third_s);
    scene_send("later", id);
    scene->server.is_ca_mute = true;
    scene->server.welcome.result = WELCOME_RENEW;
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    scene_expect_quiet();
    assert_int_equal(scene->server.renews, 1);
    assert_int_equal(scene->server.sends, 0);
    assert_false(client_is_logged_in(scene->client));
    assert_err(client_audit(scene->client), MLT_ERR_STATE);
    small_server_deliver(&scene->server, "joao", 1, "oi");
    scene_expect_quiet();
    assert_int_equal(scene->server.receipts, 0);
    pass(20);
    scene_expect_lost(MLT_ERR_TIMEOUT);
}

static void a_refusal_then_is_the_end(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    ca_scene->renewed = (struct renewed) { .result = WELCOME_REFUSED, .reason = REFUSAL_EXPIRED };
    scene_make_joined();
    pass(third_s);
    scene->server.welcome.result = WELCOME_RENEW;
    scene_connect_as(CLIENT_AUTH_SEND);
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_REFUSED);
    assert_int_equal(event.refusal, REFUSAL_EXPIRED);
    scene_expect(CLIENT_EVENT_CLOSED);
}

/* The same answer again and again, from a server that plays: it does not turn in a circle. */
static void a_server_that_lets_us_in_to_renew_for_ever_does_not_get_us_to(void **state)
{
    (void)state;
    scene_make_joined();
    pass(third_s);
    offer_next(48 * hour_s);
    scene->server.welcome.result = WELCOME_RENEW;
    scene_connect_as(CLIENT_AUTH_SEND);
    scene_expect(CLIENT_EVENT_RENEWED);
    scene_expect_lost(MLT_ERR_NOT_DUE);
    assert_int_equal(scene->server.accepted, 2);
    assert_int_equal(scene->server.renews, 1);
}

/* A server whose clock is ahead takes it for expired until somebody sets it right. */
static void a_listener_waits_until_a_young_certificate_is_good_again(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_RECEIVE, true);
    assert_ok(client_connect(scene->client));
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    small_server_close(&scene->server, CLOSE_EXPIRED);
    scene_await(&event);
    scene->server.welcome.result = WELCOME_RENEW;
    for (unsigned i = 0; i < 2; i++) {
        assert_true(event.retry_ms > 0);
        scene_clock_now()->mono_ms += event.retry_ms;
        client_event_clear(&event);
        scene_await(&event);
        assert_int_equal(event.kind, CLIENT_EVENT_LOST);
        assert_err(event.err, MLT_ERR_NOT_DUE);
    }
    assert_int_equal(scene->server.renews, 0);
    scene->server.welcome.result = 0;
    scene_clock_now()->mono_ms += event.retry_ms;
    scene_expect(CLIENT_EVENT_LOGGED_IN);
}

static void a_listener_whose_certificate_ran_out_comes_back(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_RECEIVE, true);
    assert_ok(client_connect(scene->client));
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    small_server_close(&scene->server, CLOSE_EXPIRED);
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_CLOSED);
    assert_int_equal(event.close, CLOSE_EXPIRED);
    assert_true(event.retry_ms > 0);

    /* The CA is away: it waits as it is told. */
    ca_scene->renewed =
        (struct renewed) { .result = WELCOME_REFUSED, .reason = REFUSAL_BUSY, .retry_after_s = 30 };
    scene->server.welcome.result = WELCOME_RENEW;
    scene_clock_now()->mono_ms += event.retry_ms;
    scene_clock_now()->wall_ms += third_s * 1000;
    client_event_clear(&event);
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_int_equal(event.retry_ms, 30000);

    ca_scene->renewed = (struct renewed) { 0 };
    pass(25 * hour_s);
    refresh_server(&leaf);
    offer_next(48 * hour_s);
    scene_expect(CLIENT_EVENT_RENEWED);
    scene->server.welcome.result = 0;
    scene_expect(CLIENT_EVENT_LOGGED_IN);
}

/* ---- with one that the CA had lost ---- */

/* The answer to RENEW, given by hand: its own certificate; and who comes then is let in. */
static void know_again(void)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct renewed r = { .result = WELCOME_ISSUED,
                               .certificate = buf_span(&scene->me.own_der) };
    scene->server.welcome.result = 0;
    assert_ok(renewed_encode(&r, &body));
    small_server_put(&scene->server, RECORD_RENEWED, buf_span(&body));
}

static void one_that_the_ca_knows_again_logs_in_as_it_is(void **state)
{
    (void)state;
    uint8_t serial[CERT_SERIAL];
    scene_make_joined();
    memcpy(serial, scene->me.own.fields.serial, CERT_SERIAL);
    int64_t end_s = end_on_disk();
    put_back(0);
    scene->server.is_ca_mute = true;
    scene_make_client(CLIENT_AUTH_RECEIVE, true);
    for (unsigned i = 1; i <= 2; i++) { /* and when it is lost a second time */
        CLEANUP(client_event_clear) struct client_event event = { 0 };
        scene->server.welcome.result = WELCOME_RENEW;
        if (i == 1)
            assert_ok(client_connect(scene->client));
        scene_expect_quiet();
        assert_int_equal(scene->server.renews, i);
        assert_memory_equal(scene->server.renew_serial, serial, CERT_SERIAL);
        know_again();
        scene_expect(CLIENT_EVENT_LOGGED_IN);
        assert_int_equal(scene->server.accepted, 2 * i);
        assert_memory_equal(scene->me.own.fields.serial, serial, CERT_SERIAL);
        assert_int_equal(end_on_disk(), end_s);
        small_server_close(&scene->server, CLOSE_AGAIN);
        scene_await(&event);
        assert_int_equal(event.kind, CLIENT_EVENT_CLOSED);
        scene_clock_now()->mono_ms += event.retry_ms;
    }
}

static void one_that_is_good_and_yet_not_let_in_is_the_end(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_make_joined();
    put_back(0);
    assert_ok(buf_put(&ca_scene->certificate, buf_span(&scene->me.own_der)));
    scene->server.welcome.result = WELCOME_RENEW;
    scene_connect_as(CLIENT_AUTH_SEND);
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_REFUSED);
    assert_int_equal(event.refusal, REFUSAL_NOT_DUE);
    assert_int_equal(scene->server.accepted, 2);
    assert_int_equal(scene->server.renews, 2);
}

static void in_a_session_its_own_certificate_is_no_news(void **state)
{
    (void)state;
    log_in_and_let_it_be_due();
    buf_clear(&ca_scene->certificate);
    assert_ok(buf_put(&ca_scene->certificate, buf_span(&scene->me.own_der)));
    scene_expect_quiet();
    assert_int_equal(scene->server.renews, 1);
    assert_int_equal(scene->server.accepted, 1);
    assert_true(client_is_logged_in(scene->client));
}

static void an_enrolment_is_not_let_in_to_renew(void **state)
{
    (void)state;
    scene_make_joining();
    scene->server.welcome.result = WELCOME_RENEW;
    scene_connect_as(CLIENT_AUTH_ENROL);
    scene_expect_lost(MLT_ERR_UNEXPECTED);
}

/* ---- processes of one home ---- */

static void what_another_process_renewed_is_used_at_the_next_login(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    CLEANUP(identity_clear) struct identity other = { 0 };
    CLEANUP(key_file_clear) struct key_file key = { 0 };
    scene_make_joined();
    assert_ok(key_file_read(&scene->home, &key));
    assert_ok(identity_load(&scene->home, &key, NULL, now_s(), &other));
    pass(12 * hour_s);
    offer_next(48 * hour_s);
    assert_ok(identity_keep_renewed(&scene->home, scene->store, &other,
                                    buf_span(&ca_scene->certificate), now_s()));
    pass(15 * hour_s); /* ours has ended by now */
    refresh_server(&leaf);
    scene_connect_as(CLIENT_AUTH_SEND);
    scene_expect(CLIENT_EVENT_LOGGED_IN);
    assert_int_equal(scene->me.own.fields.not_after_s, other.own.fields.not_after_s);
}

/* Its session goes by the old one, so it asks for that one's successor, and gets the same. */
static void a_second_process_renews_its_own_session(void **state)
{
    (void)state;
    uint8_t first[CERT_SERIAL];
    CLEANUP(identity_clear) struct identity other = { 0 };
    CLEANUP(key_file_clear) struct key_file key = { 0 };
    scene_make_joined();
    memcpy(first, scene->me.own.fields.serial, CERT_SERIAL);
    assert_ok(key_file_read(&scene->home, &key));
    assert_ok(identity_load(&scene->home, &key, NULL, now_s(), &other));
    log_in_and_let_it_be_due();
    offer_next(48 * hour_s);
    assert_ok(identity_keep_renewed(&scene->home, scene->store, &other,
                                    buf_span(&ca_scene->certificate), now_s()));
    scene_expect(CLIENT_EVENT_RENEWED);
    assert_memory_equal(scene->server.renew_serial, first, CERT_SERIAL);
    assert_int_equal(scene->me.own.fields.not_after_s, other.own.fields.not_after_s);
    scene_expect_quiet();
    assert_int_equal(scene->server.renews, 1);
}

/* An answer that was long under way does not replace what came later. */
static void an_older_certificate_never_replaces_a_newer_one(void **state)
{
    (void)state;
    CLEANUP(identity_clear) struct identity other = { 0 };
    CLEANUP(key_file_clear) struct key_file key = { 0 };
    scene_make_joined();
    assert_ok(key_file_read(&scene->home, &key));
    assert_ok(identity_load(&scene->home, &key, NULL, now_s(), &other));
    log_in_and_let_it_be_due();
    CLEANUP(buf_clear) struct buf newest = { 0 };
    ca_scene_issue(PAIR_USER, pair_house()->client_key, 90 * hour_s, &newest);
    assert_ok(
        identity_keep_renewed(&scene->home, scene->store, &other, buf_span(&newest), now_s()));
    offer_next(48 * hour_s);
    scene_expect(CLIENT_EVENT_RENEWED);
    assert_int_equal(end_on_disk(), now_s() + 90 * hour_s);
}

static void a_damaged_file_is_replaced_and_does_not_hinder(void **state)
{
    (void)state;
    log_in_and_let_it_be_due();
    assert_ok(file_write(scene->home.dirfd, "certificate.pem", span_str("damaged")));
    offer_next(48 * hour_s);
    scene_expect(CLIENT_EVENT_RENEWED);
    assert_int_equal(end_on_disk(), now_s() + 48 * hour_s);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, ca_scene_begin, ca_scene_end)
    const struct CMUnitTest tests[] = {
        T(nobody_notices_a_renewal),
        T(the_next_renewal_is_of_the_new_certificate),
        T(the_host_is_woken_for_it),
        T(a_short_session_renews_before_it_leaves),
        T(a_certificate_for_another_key_is_not_kept),
        T(a_certificate_for_another_name_is_not_kept),
        T(a_server_certificate_is_not_kept),
        T(a_certificate_of_another_ca_is_not_kept),
        T(one_that_ends_no_later_is_not_kept_and_the_session_lasts),
        T(an_answer_nobody_asked_for_is_refused),
        T(a_second_answer_is_refused),
        T(a_stopped_ca_is_told_of_once),
        T(a_busy_ca_is_asked_again),
        T(nothing_is_signed_for_a_young_certificate),
        T(nor_with_the_ledger_it_was_issued_under),
        T(nor_with_a_head_that_is_not_the_cas),
        T(one_that_is_due_by_a_clock_up_to_an_hour_later_is_signed_for),
        T(one_that_has_ended_is_signed_for),
        T(one_that_is_in_doubt_by_the_head_of_welcome_is_signed_for),
        T(one_that_is_in_doubt_by_the_head_that_is_held_is_signed_for),
        T(one_of_up_to_an_hour_after_an_epoch_is_in_doubt),
        T(it_is_due_by_the_newest_time_that_the_ca_signed),
        T(also_by_that_of_the_head),
        T(an_expired_certificate_is_renewed_and_then_logs_in),
        T(while_it_is_renewed_nothing_else_is_done),
        T(a_refusal_then_is_the_end),
        T(a_server_that_lets_us_in_to_renew_for_ever_does_not_get_us_to),
        T(a_listener_waits_until_a_young_certificate_is_good_again),
        T(a_listener_whose_certificate_ran_out_comes_back),
        T(one_that_the_ca_knows_again_logs_in_as_it_is),
        T(one_that_is_good_and_yet_not_let_in_is_the_end),
        T(in_a_session_its_own_certificate_is_no_news),
        T(an_enrolment_is_not_let_in_to_renew),
        T(what_another_process_renewed_is_used_at_the_next_login),
        T(a_second_process_renews_its_own_session),
        T(an_older_certificate_never_replaces_a_newer_one),
        T(a_damaged_file_is_replaced_and_does_not_hinder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
