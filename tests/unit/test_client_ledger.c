/* SPDX-License-Identifier: Apache-2.0 */
#include "ca_scene.h"

/* What a client makes of the CA's signed heads: it never takes back what it has seen.  PROTOCOL.md
 * 10.3.  Attack row 22: a forked, a shortened, a rewritten ledger. */

static const char *const alarm_names[] = { "none", "forked", "went back", "unproven" };

static void expect_alarm(enum store_alarm alarm)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    client_free(&scene->client);
    small_server_drop(&scene->server);
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    scene_await(&event);
    if (event.kind == CLIENT_EVENT_LOGGED_IN) { /* a proof comes after it */
        client_event_clear(&event);
        scene_await(&event);
    }
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_err(event.err, MLT_ERR_LEDGER);
    assert_string_equal(alarm_names[event.alarm], alarm_names[alarm]);
    assert_int_equal(event.retry_ms, -1);
    assert_true(client_is_over(scene->client));
    assert_int_equal(ca_scene_known()->alarm, alarm);
    assert_int_equal(ca_scene_known()->alarm_s, scene_clock_now()->wall_ms / 1000);
}

static void hold(size_t size)
{
    ca_scene_grow(size);
    ca_scene_show(size);
    ca_scene_log_in(CLIENT_AUTH_RECEIVE);
    assert_int_equal(ca_scene_held().size, size);
}

static void the_first_head_is_taken(void **state)
{
    (void)state;
    hold(5);
    assert_int_equal(scene->server.proves, 0);
    assert_int_equal(ca_scene_known()->proven_s, 0);
    assert_int_equal(ca_scene_known()->newest_s, scene_clock_now()->wall_ms / 1000);
}

static void a_longer_ledger_is_taken_for_its_proof(void **state)
{
    (void)state;
    hold(5);
    for (size_t more = 1; more < 40; more += 7) {
        ca_scene_grow(more);
        ca_scene_show(ca_scene->count);
        ca_scene_log_in_anew(CLIENT_AUTH_SEND);
        scene_settle_down();
        assert_int_equal(ca_scene_held().size, ca_scene->count);
        assert_int_equal(ca_scene_known()->proven_s, scene_clock_now()->wall_ms / 1000);
        assert_int_equal(ca_scene_known()->unproven_s, 0);
    }
    assert_int_equal(scene->server.proves, 6);
}

static void the_same_head_needs_no_proof(void **state)
{
    (void)state;
    hold(5);
    scene_clock_now()->wall_ms += 7200000;
    ca_scene_log_in_anew(CLIENT_AUTH_SEND);
    assert_int_equal(scene->server.proves, 0);
    assert_int_equal(ca_scene_known()->proven_s, scene_clock_now()->wall_ms / 1000);
}

static void a_head_that_another_key_signed_is_refused(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(1);
    ca_scene_show_lie(6, CA_SCENE_FORGED);
    client_free(&scene->client);
    scene_connect_as(CLIENT_AUTH_SEND);
    scene_expect_lost(MLT_ERR_AUTH);
    assert_int_equal(ca_scene_held().size, 5);
}

static void another_root_for_the_same_size_is_a_fork_and_the_ca_is_told(void **state)
{
    (void)state;
    hold(5);
    ca_scene_show_lie(5, CA_SCENE_OTHER_ROOT);
    expect_alarm(STORE_ALARM_FORKED);
    assert_int_equal(scene->server.proves, 1);
    assert_int_equal(scene->server.receipts, 0);
}

static void another_base_in_the_same_epoch_is_a_fork(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(1);
    ca_scene->base = 3;
    ca_scene_show(6);
    expect_alarm(STORE_ALARM_FORKED);
}

static void a_shorter_ledger_is_told_of_to_the_ca_before_the_end(void **state)
{
    (void)state;
    hold(5);
    ca_scene_show(4);
    expect_alarm(STORE_ALARM_WENT_BACK);
    assert_int_equal(scene->server.proves, 1);
    assert_int_equal(ca_scene_held().size, 5);
}

/* A server that hides it from its CA does not keep us in the dark. */
static void an_alarm_does_not_wait_for_the_answer_for_ever(void **state)
{
    (void)state;
    hold(5);
    ca_scene_show(4);
    scene->server.is_ca_mute = true;
    client_free(&scene->client);
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    scene_expect_quiet();
    assert_false(client_is_logged_in(scene->client));
    assert_in_range(client_timeout_ms(scene->client), 1, LIMIT_FLUSH_MS);
    scene_clock_now()->mono_ms += LIMIT_FLUSH_MS;
    scene_expect_lost(MLT_ERR_LEDGER);
}

/* Shown a ledger that went back, with the alarm not yet said. */
static void connect_to_what_went_back(void)
{
    hold(5);
    ca_scene_show(4);
    scene->server.is_ca_mute = true;
    client_free(&scene->client);
    scene_make_client(CLIENT_AUTH_RECEIVE, true);
    assert_ok(client_connect(scene->client));
    scene_expect_quiet();
}

static void expect_alarm_that_lasts(void)
{
    scene_expect_lost(MLT_ERR_LEDGER);
    assert_true(client_is_over(scene->client));
    assert_int_equal(ca_scene_known()->alarm, STORE_ALARM_WENT_BACK);
}

/* Nor does one that hangs up before we have said it. */
static void a_goodbye_does_not_take_the_alarm_away(void **state)
{
    (void)state;
    connect_to_what_went_back();
    small_server_close(&scene->server, CLOSE_SHUTDOWN);
    expect_alarm_that_lasts();
}

static void a_cut_does_not_take_the_alarm_away(void **state)
{
    (void)state;
    connect_to_what_went_back();
    small_server_drop(&scene->server);
    expect_alarm_that_lasts();
}

static void nor_does_it_take_it_away_that_we_leave(void **state)
{
    (void)state;
    connect_to_what_went_back();
    client_close(scene->client);
    expect_alarm_that_lasts();
}

static void nothing_is_sent_or_taken_once_the_ledger_went_back(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    uint64_t count = 1;
    hold(5);
    client_free(&scene->client);
    scene_send("to nobody", id);
    ca_scene_show(4);
    scene->server.is_ca_mute = true;
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    scene_expect_quiet();
    small_server_deliver(&scene->server, "joao", 1, "oi");
    scene_expect_quiet();
    assert_int_equal(scene->server.sends, 0);
    assert_int_equal(scene->server.receipts, 0);
    assert_ok(store_count_unshown(scene->store, NULL, &count));
    assert_int_equal(count, 0);
}

static void an_earlier_epoch_is_refused(void **state)
{
    (void)state;
    hold(5);
    ca_scene->epoch--;
    ca_scene_grow(1);
    ca_scene_show(6);
    expect_alarm(STORE_ALARM_WENT_BACK);
}

static void a_wrong_proof_is_an_alarm(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(3);
    ca_scene_show(8);
    ca_scene->proof_is_wrong = true;
    expect_alarm(STORE_ALARM_UNPROVEN);
    assert_int_equal(ca_scene_held().size, 5);
}

/* The leaves that were seen, changed: no proof leads from one root to the other. */
static void a_rewritten_ledger_has_no_proof(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(4);
    ca_scene->hashes[2][0] ^= 1;
    ca_scene_show(9);
    expect_alarm(STORE_ALARM_UNPROVEN);
}

static void a_server_that_denies_our_head_is_an_alarm(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(3);
    ca_scene_show(8);
    ca_scene->proof = PROOF_AHEAD;
    expect_alarm(STORE_ALARM_UNPROVEN);
}

static void a_proof_to_less_than_was_shown_is_an_alarm(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(4);
    ca_scene_show(9);
    ca_scene->proof_size = 7;
    expect_alarm(STORE_ALARM_WENT_BACK);
    assert_int_equal(ca_scene_held().size, 5);
}

static void a_proof_to_another_root_than_was_shown_is_an_alarm(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(4);
    ca_scene_show_lie(9, CA_SCENE_OTHER_ROOT); /* proves the true one */
    expect_alarm(STORE_ALARM_FORKED);
}

static void a_proof_nobody_asked_for_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct ledger_proof proof = { .result = PROOF_BUSY };
    hold(5);
    assert_ok(ledger_proof_encode(&proof, &body));
    small_server_put(&scene->server, RECORD_PROOF, buf_span(&body));
    scene_expect_lost(MLT_ERR_UNEXPECTED);
}

static void a_busy_server_is_asked_again_and_not_believed(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(3);
    ca_scene_show(8);
    ca_scene->proof = PROOF_BUSY;
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    scene_settle_down();
    int64_t since_s = scene_clock_now()->wall_ms / 1000;
    assert_int_equal(ca_scene_held().size, 5);
    assert_int_equal(ca_scene_known()->unproven_s, since_s);
    assert_int_equal(scene->server.proves, 1);
    scene_clock_now()->wall_ms += 60000;
    scene_clock_now()->mono_ms += 10000;
    scene_settle_down();
    assert_int_equal(scene->server.proves, 2);
    assert_int_equal(ca_scene_known()->unproven_s, since_s);
    ca_scene->proof = PROOF_PROVEN;
    scene_clock_now()->mono_ms += 20000;
    scene_settle_down();
    assert_int_equal(ca_scene_held().size, 8);
    assert_int_equal(ca_scene_known()->unproven_s, 0);
}

/* A server that shows none is asked to prove one. */
static void a_server_without_a_head_is_not_taken_for_an_empty_ledger(void **state)
{
    (void)state;
    hold(5);
    scene->server.welcome.ledger_head = span_of(NULL, 0);
    ca_scene->proof = PROOF_BUSY;
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    scene_settle_down();
    assert_int_equal(scene->server.proves, 1);
    assert_int_equal(ca_scene_held().size, 5);
    assert_true(ca_scene_known()->unproven_s > 0);
}

/* ---- restored from a backup ---- */

static void restore(size_t base)
{
    ca_scene->epoch += 3600;
    ca_scene->base = base;
}

static void expect_restored(uint64_t held, uint64_t base)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    client_free(&scene->client);
    small_server_drop(&scene->server);
    scene_connect_as(CLIENT_AUTH_RECEIVE);
    scene_await(&event);
    if (event.kind == CLIENT_EVENT_LOGGED_IN) {
        client_event_clear(&event);
        scene_await(&event);
    }
    assert_int_equal(event.kind, CLIENT_EVENT_RESTORED);
    assert_int_equal(event.restored.epoch_s, ca_scene->epoch);
    assert_int_equal(event.restored.held, held);
    assert_int_equal(event.restored.base, base);
}

static void a_restored_ca_that_lost_nothing_we_knew_proves_it(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(2);
    restore(5);
    ca_scene_show(7);
    expect_restored(5, 5);
    assert_int_equal(scene->server.proves, 1);
    assert_int_equal(ca_scene_held().epoch, ca_scene->epoch);
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    scene_expect(CLIENT_EVENT_NONE); /* told once */
}

static void a_later_epoch_without_what_we_knew_needs_its_proof(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(2);
    ca_scene->hashes[1][0] ^= 1;
    restore(5);
    ca_scene_show(7);
    expect_alarm(STORE_ALARM_UNPROVEN);
    assert_int_equal(ca_scene_held().size, 5);
}

static void a_restored_ca_that_lost_what_we_knew_says_so(void **state)
{
    (void)state;
    hold(9);
    ca_scene->hashes[7][0] ^= 1; /* since then something else was issued */
    restore(6);
    ca_scene_show(8);
    expect_restored(9, 6);
    assert_int_equal(scene->server.proves, 0);
    assert_int_equal(ca_scene_held().size, 8);
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    scene_expect(CLIENT_EVENT_NONE);
}

/* The old CA is run once more beside the new one. */
static void after_a_restore_the_old_epoch_is_no_more(void **state)
{
    (void)state;
    hold(9);
    restore(6);
    ca_scene_show(8);
    expect_restored(9, 6);
    ca_scene->epoch -= 3600;
    ca_scene->base = 0;
    ca_scene_show(9);
    expect_alarm(STORE_ALARM_WENT_BACK);
}

/* ---- several processes of one home ---- */

/* While this one waits for its proof. */
static void another_process_holds(const struct buf *head)
{
    bool done = false;
    ca_scene->proof = PROOF_BUSY;
    ca_scene_log_in_anew(CLIENT_AUTH_RECEIVE);
    scene_settle_down();
    const struct store_hold other = { .held = store_authority_head(ca_scene_known()),
                                      .next = buf_span(head),
                                      .proven_s = 1 };
    assert_ok(store_authority_hold(scene->store, &other, &done));
    assert_true(done);
    ca_scene->proof = PROOF_PROVEN;
    scene_clock_now()->mono_ms += 10000;
}

/* Two that each were shown another continuation of what both knew: the later one finds out. */
static void two_processes_cannot_be_shown_two_ledgers(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf first = { 0 };
    hold(5);
    ca_scene_grow(3);
    ca_scene_sign_head(8, &first);
    ca_scene->hashes[6][0] ^= 1;
    ca_scene_show(8);
    another_process_holds(&first);
    scene_expect_lost(MLT_ERR_LEDGER);
    assert_int_equal(ca_scene_known()->alarm, STORE_ALARM_FORKED);
}

static void two_processes_agree_on_one_that_grew(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf first = { 0 };
    hold(5);
    ca_scene_grow(5);
    ca_scene_sign_head(8, &first);
    ca_scene_show(10);
    another_process_holds(&first);
    scene_settle_down();
    assert_true(client_is_logged_in(scene->client));
    assert_int_equal(ca_scene_held().size, 10);
}

/* ---- short sessions ---- */

static void who_leaves_at_once_waits_a_moment_for_the_proof(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(3);
    ca_scene_show(8);
    ca_scene_log_in_anew(CLIENT_AUTH_SEND);
    client_close(scene->client);
    scene_expect(CLIENT_EVENT_CLOSED);
    assert_int_equal(ca_scene_held().size, 8);
}

static void and_no_longer_than_a_moment(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(3);
    ca_scene_show(8);
    scene->server.is_ca_mute = true;
    ca_scene_log_in_anew(CLIENT_AUTH_SEND);
    client_close(scene->client);
    scene_expect_quiet();
    assert_in_range(client_timeout_ms(scene->client), 1, LIMIT_GOODBYE_MS / 2);
    scene_clock_now()->mono_ms += LIMIT_GOODBYE_MS / 2;
    scene_expect(CLIENT_EVENT_CLOSED);
    assert_true(ca_scene_known()->unproven_s > 0);
}

static void a_wrong_proof_is_an_alarm_also_while_we_leave(void **state)
{
    (void)state;
    hold(5);
    ca_scene_grow(3);
    ca_scene_show(8);
    ca_scene->proof_is_wrong = true;
    client_free(&scene->client);
    scene_connect_as(CLIENT_AUTH_SEND);
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    while (event.kind != CLIENT_EVENT_LOGGED_IN)
        scene_await(&event);
    client_close(scene->client);
    scene_expect_lost(MLT_ERR_LEDGER);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, ca_scene_begin, ca_scene_end)
    const struct CMUnitTest tests[] = {
        T(the_first_head_is_taken),
        T(a_longer_ledger_is_taken_for_its_proof),
        T(the_same_head_needs_no_proof),
        T(a_head_that_another_key_signed_is_refused),
        T(another_root_for_the_same_size_is_a_fork_and_the_ca_is_told),
        T(another_base_in_the_same_epoch_is_a_fork),
        T(a_shorter_ledger_is_told_of_to_the_ca_before_the_end),
        T(an_alarm_does_not_wait_for_the_answer_for_ever),
        T(a_goodbye_does_not_take_the_alarm_away),
        T(a_cut_does_not_take_the_alarm_away),
        T(nor_does_it_take_it_away_that_we_leave),
        T(nothing_is_sent_or_taken_once_the_ledger_went_back),
        T(an_earlier_epoch_is_refused),
        T(a_wrong_proof_is_an_alarm),
        T(a_rewritten_ledger_has_no_proof),
        T(a_server_that_denies_our_head_is_an_alarm),
        T(a_proof_to_less_than_was_shown_is_an_alarm),
        T(a_proof_to_another_root_than_was_shown_is_an_alarm),
        T(a_proof_nobody_asked_for_is_refused),
        T(a_busy_server_is_asked_again_and_not_believed),
        T(a_server_without_a_head_is_not_taken_for_an_empty_ledger),
        T(a_restored_ca_that_lost_nothing_we_knew_proves_it),
        T(a_later_epoch_without_what_we_knew_needs_its_proof),
        T(a_restored_ca_that_lost_what_we_knew_says_so),
        T(after_a_restore_the_old_epoch_is_no_more),
        T(two_processes_cannot_be_shown_two_ledgers),
        T(two_processes_agree_on_one_that_grew),
        T(who_leaves_at_once_waits_a_moment_for_the_proof),
        T(and_no_longer_than_a_moment),
        T(a_wrong_proof_is_an_alarm_also_while_we_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
