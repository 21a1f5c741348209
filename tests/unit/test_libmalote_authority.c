/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"
#include "ca_scene.h"
#include "host.h"

/* What a host hears of the CA, and what it may ask. */

/* On the system's clock, and a minute after everything was issued. */
static int begin(void **state)
{
    int status = ca_scene_begin_now(state);
    ca_scene->ahead_s = 0;
    return status;
}

static int end(void **state)
{
    mlt_close(&client);
    return ca_scene_end(state);
}

static void open_joined(void)
{
    scene_make_joined();
    host_open();
}

static void what_is_known_of_the_ca_can_be_asked(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf record = { 0 };
    struct mlt_authority known = MLT_AUTHORITY_INIT;
    int64_t now_s = scene_clock_now()->wall_ms / 1000;
    open_joined();
    assert_int_equal(mlt_get_authority(client, &known), MLT_ERROR_NONE);
    assert_int_equal(known.crl_number + known.ledger_size + known.revoked, 0);
    assert_int_equal(known.alarm, MLT_ALARM_NONE);
    ca_scene_grow(7);
    ca_scene_show(7);
    host_connect(MLT_KIND_SEND, false);
    host_await(MLT_EVENT_LOGGED_IN);
    ca_scene_notice(1, 1, 3, &record);
    small_server_put(&scene->server, RECORD_REVOKED, buf_span(&record));
    for (int i = 0; i < 200 && known.crl_number == 0; i++) {
        assert_null(host_turn());
        assert_int_equal(mlt_get_authority(client, &known), MLT_ERROR_NONE);
    }
    assert_int_equal(known.crl_number, 1);
    assert_int_equal(known.revoked, 3);
    assert_int_equal(known.crl_this_update_s, now_s);
    assert_int_equal(known.crl_next_update_s, now_s + LIMIT_CRL_S);
    assert_int_equal(known.ledger_size, 7);
    assert_int_equal(known.ledger_epoch_s, ca_scene->epoch);
    assert_int_equal(known.ledger_time_s, now_s);
    assert_int_equal(known.newest_s, now_s);
    int64_t due_s = mlt_renewal_s(client);
    assert_in_range(due_s - now_s, 86400 / 3, 86400 * 5 / 12 + 1);
}

static void an_alarm_is_told_and_kept(void **state)
{
    (void)state;
    struct mlt_authority known = MLT_AUTHORITY_INIT;
    open_joined();
    ca_scene_grow(7);
    ca_scene_show(7);
    host_connect(MLT_KIND_SEND, false);
    host_await(MLT_EVENT_LOGGED_IN);
    mlt_leave(client);
    host_await(MLT_EVENT_CLOSED);
    ca_scene_show(5);
    host_connect(MLT_KIND_SEND, false);
    const struct mlt_event *event = host_await(MLT_EVENT_LOST);
    assert_int_equal(mlt_event_error(event), MLT_ERROR_LEDGER);
    assert_int_equal(mlt_event_alarm(event), MLT_ALARM_WENT_BACK);
    assert_int_equal(mlt_error_blame(mlt_event_error(event)), MLT_BLAME_SERVER);
    assert_int_equal(mlt_get_authority(client, &known), MLT_ERROR_NONE);
    assert_int_equal(known.alarm, MLT_ALARM_WENT_BACK);
    assert_true(known.alarm_s > 0);
}

static void a_ca_that_was_put_back_is_told_of(void **state)
{
    (void)state;
    struct mlt_restored restored = MLT_RESTORED_INIT;
    struct mlt_leaf leaf = MLT_LEAF_INIT;
    struct mlt_audit audit = MLT_AUDIT_INIT;
    open_joined();
    ca_scene_grow(7);
    ca_scene_show(7);
    host_connect(MLT_KIND_SEND, false);
    host_await(MLT_EVENT_LOGGED_IN);
    mlt_leave(client);
    host_await(MLT_EVENT_CLOSED);
    ca_scene->epoch += 3600;
    ca_scene->base = 5;
    ca_scene_show(6);
    host_connect(MLT_KIND_SEND, false);
    const struct mlt_event *event = host_await(MLT_EVENT_RESTORED);
    assert_int_equal(mlt_event_restored(event, &restored), MLT_ERROR_NONE);
    assert_int_equal(restored.epoch_s, ca_scene->epoch);
    assert_int_equal(restored.held, 7);
    assert_int_equal(restored.kept, 5);
    assert_int_equal(restored.lost, 2);
    restored.size = 8;
    assert_int_equal(mlt_event_restored(event, &restored), MLT_ERROR_USAGE);
    assert_int_equal(mlt_event_leaf(event, &leaf), MLT_ERROR_STATE);
    assert_int_equal(mlt_event_audit(event, &audit), MLT_ERROR_STATE);
}

static void a_clock_behind_the_ca_is_told_with_both_times(void **state)
{
    (void)state;
    int64_t was_s = 0;
    int64_t now_s = scene_clock_now()->wall_ms / 1000;
    open_joined();
    assert_ok(store_authority_note_time(scene->store, now_s + 86400));
    host_connect(MLT_KIND_SEND, false);
    const struct mlt_event *event = host_await(MLT_EVENT_LOST);
    assert_int_equal(mlt_event_error(event), MLT_ERROR_CLOCK);
    assert_int_equal(mlt_event_signed_s(event), now_s + 86400);
    assert_in_range(mlt_event_own_s(event), now_s, now_s + 60);
    assert_int_equal(mlt_accept_clock(client, &was_s), MLT_ERROR_NONE);
    assert_int_equal(was_s, now_s + 86400);
    host_connect(MLT_KIND_SEND, false);
    host_await(MLT_EVENT_LOGGED_IN);
    assert_int_equal(mlt_accept_clock(client, &was_s), MLT_ERROR_NONE);
    assert_int_equal(was_s, 0);
}

/* Issued four minutes before the present, as the CA would have, and in the ledger since. */
static void an_audit_is_told_entry_by_entry(void **state)
{
    (void)state;
    static const uint8_t other[HASH_LEN] = { 0xab };
    struct pair_house *house = pair_house();
    struct mlt_leaf leaf = MLT_LEAF_INIT;
    struct mlt_audit audit = MLT_AUDIT_INIT;
    struct ledger_leaf intruder = { .kind = LEDGER_CLIENT, .serial = { 0x12, 0x34 }, .time_s = 99 };
    assert_ok(name_parse(span_str(PAIR_USER), &intruder.name));
    memcpy(intruder.spki_hash, other, HASH_LEN);
    ca_scene_add_certificate(buf_span(&house->server_der), CERT_SERVER);
    ca_scene_add_certificate(buf_span(&house->client_der), CERT_CLIENT);
    ca_scene_add(&intruder);
    open_joined();
    assert_int_equal(mlt_audit(client), MLT_ERROR_STATE);
    ca_scene->ahead_s = 10;
    ca_scene_show(3);
    host_connect(MLT_KIND_SEND, false);
    host_await(MLT_EVENT_LOGGED_IN);
    assert_int_equal(mlt_audit(client), MLT_ERROR_NONE);
    const struct mlt_event *event = host_await(MLT_EVENT_LEAF);
    assert_int_equal(mlt_event_leaf(event, &leaf), MLT_ERROR_NONE);
    assert_int_equal(leaf.position, 1);
    assert_true(leaf.is_own_key && leaf.is_present && !leaf.is_before_us);
    assert_string_equal(leaf.serial, mlt_serial(client));
    assert_string_equal(leaf.key, mlt_key_fingerprint(client));
    event = host_await(MLT_EVENT_LEAF);
    assert_int_equal(mlt_event_leaf(event, &leaf), MLT_ERROR_NONE);
    assert_false(leaf.is_own_key || leaf.is_present || leaf.is_before_us);
    assert_int_equal(leaf.time_s, 99);
    assert_string_equal(leaf.serial, "12340000000000000000000000000000");
    event = host_await(MLT_EVENT_AUDITED);
    assert_int_equal(mlt_event_audit(event, &audit), MLT_ERROR_NONE);
    assert_int_equal(audit.faults, MLT_AUDIT_OTHER_KEY);
    assert_int_equal(audit.leaves, 3);
    assert_int_equal(audit.ours, 2);
    assert_int_equal(audit.of_others, 1);
    uint8_t root[HASH_LEN];
    char text[2 * HASH_LEN + 1];
    ca_scene_root(3, root);
    hex_encode(SPAN_OF(root), text);
    assert_string_equal(audit.root, text);
}

static void a_renewal_changes_the_facts(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    int64_t now_s = house->clock.wall_ms / 1000;
    buf_clear(&house->client_der);
    pair_issue(CERT_CLIENT, PAIR_USER, house->client_key, now_s - 50000, now_s + 3600,
               &house->client_der);
    ca_scene_issue(PAIR_USER, house->client_key, 86400, &ca_scene->certificate);
    open_joined();
    assert_int_equal(mlt_not_after_s(client), now_s + 3600);
    assert_true(mlt_renewal_s(client) < now_s);
    host_connect(MLT_KIND_SEND, false);
    host_await(MLT_EVENT_LOGGED_IN);
    host_await(MLT_EVENT_RENEWED);
    assert_int_equal(mlt_not_after_s(client), now_s + 86400);
    assert_true(mlt_renewal_s(client) > now_s);
}

static void calls_that_need_a_home_say_so(void **state)
{
    (void)state;
    struct mlt_authority known = MLT_AUTHORITY_INIT;
    int64_t was_s = 0;
    assert_int_equal(mlt_open(scene->path, 0, &client), MLT_ERROR_NONE);
    assert_int_equal(mlt_get_authority(client, &known), MLT_ERROR_STATE);
    assert_int_equal(mlt_accept_clock(client, &was_s), MLT_ERROR_STATE);
    assert_int_equal(mlt_audit(client), MLT_ERROR_STATE);
    assert_int_equal(mlt_renewal_s(client), 0);
    known.size = 8;
    assert_int_equal(mlt_get_authority(client, &known), MLT_ERROR_USAGE);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        T(what_is_known_of_the_ca_can_be_asked), T(an_alarm_is_told_and_kept),
        T(a_ca_that_was_put_back_is_told_of),    T(a_clock_behind_the_ca_is_told_with_both_times),
        T(an_audit_is_told_entry_by_entry),      T(a_renewal_changes_the_facts),
        T(calls_that_need_a_home_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
