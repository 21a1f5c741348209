/* SPDX-License-Identifier: Apache-2.0 */
#include "ca_scene.h"

/* A client reads the CA's whole ledger.  PROTOCOL.md 10.4 */

struct seen {
    size_t leaves;
    struct client_leaf last;
    struct client_audit audit;
};

/* An entry for a name under a key; `i` makes the serial. */
static void add_entry(const char *name, const uint8_t key[static HASH_LEN], unsigned i)
{
    struct ledger_leaf leaf = { .kind = LEDGER_CLIENT,
                                .time_s = scene_clock_now()->wall_ms / 1000 };
    assert_ok(name_parse(span_str(name), &leaf.name));
    memcpy(leaf.spki_hash, key, HASH_LEN);
    ca_scene_serial(i, leaf.serial);
    ca_scene_add(&leaf);
}

static void add_own(void)
{
    ca_scene_add_certificate(buf_span(&pair_house()->client_der), CERT_CLIENT);
}

static void add_server(void)
{
    ca_scene_add_certificate(buf_span(&pair_house()->server_der), CERT_SERVER);
}

/* The clock is past the second in which the certificates were issued. */
static void log_in(void)
{
    scene_clock_now()->wall_ms += 10000;
    ca_scene_show(ca_scene->count);
    ca_scene_log_in(CLIENT_AUTH_SEND);
}

static void read_on(struct seen *seen)
{
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    for (;;) {
        client_event_clear(&event);
        scene_await(&event);
        if (event.kind != CLIENT_EVENT_LEAF)
            break;
        seen->leaves++;
        seen->last = event.leaf;
    }
    assert_int_equal(event.kind, CLIENT_EVENT_AUDITED);
    seen->audit = event.audit;
}

static struct seen audit(void)
{
    struct seen seen = { 0 };
    assert_ok(client_audit(scene->client));
    read_on(&seen);
    return seen;
}

static void an_honest_ledger_is_found_to_be_so(void **state)
{
    (void)state;
    uint8_t root[HASH_LEN];
    ca_scene_grow(150);
    add_server();
    ca_scene_grow(90);
    add_own();
    ca_scene_grow(60);
    log_in();
    struct seen seen = audit();
    assert_int_equal(seen.audit.faults, 0);
    assert_int_equal(seen.audit.leaves, 302);
    assert_int_equal(seen.audit.ours, 1);
    assert_int_equal(seen.audit.of_others, 0);
    assert_int_equal(seen.audit.epoch_s, ca_scene->epoch);
    ca_scene_root(302, root);
    assert_memory_equal(seen.audit.root, root, HASH_LEN);
    assert_int_equal(seen.leaves, 1);
    assert_int_equal(seen.last.position, 241);
    assert_true(seen.last.is_own_key && seen.last.is_present && !seen.last.is_before_us);
    assert_int_equal(scene->server.leaves_wanteds, 4);
    seen = audit(); /* and once more */
    assert_int_equal(seen.audit.faults, 0);
}

static void an_entry_for_another_key_is_found_and_which_was_first(void **state)
{
    (void)state;
    static const uint8_t other[HASH_LEN] = { 7 };
    add_server();
    add_entry("joao", other, 1);
    add_entry(PAIR_USER, other, 2);
    add_own();
    log_in();
    struct seen seen = audit();
    assert_int_equal(seen.audit.faults, CLIENT_AUDIT_EARLIER_KEY);
    assert_int_equal(seen.leaves, 2);
    ca_scene_grow(3);
    add_entry(PAIR_USER, other, 3);
    seen = audit(); /* it grew meanwhile: the newest head is proven first */
    assert_int_equal(seen.audit.faults, CLIENT_AUDIT_EARLIER_KEY | CLIENT_AUDIT_OTHER_KEY);
    assert_int_equal(seen.audit.ours, 3);
    assert_int_equal(seen.audit.of_others, 2);
    assert_false(seen.last.is_own_key || seen.last.is_present || seen.last.is_before_us);
    assert_int_equal(seen.last.position, 7);
    assert_int_equal(ca_scene_held().size, 8);
}

/* A CA that was bypassed: what it signed is in no ledger, or not as it was signed. */
static void a_certificate_without_its_leaf_is_found(void **state)
{
    (void)state;
    ca_scene_grow(5);
    log_in();
    assert_int_equal(audit().audit.faults, CLIENT_AUDIT_OWN_ABSENT | CLIENT_AUDIT_SERVER_ABSENT);
    add_own();
    assert_int_equal(audit().audit.faults, CLIENT_AUDIT_SERVER_ABSENT);
    add_server();
    assert_int_equal(audit().audit.faults, 0);
}

static void a_leaf_of_another_certificate_with_our_serial_is_not_ours(void **state)
{
    (void)state;
    scene_make_joined();
    struct ledger_leaf leaf = {
        .kind = LEDGER_CLIENT, .name = scene->me.server.name, .tbs_hash = { 1 }, .time_s = 1
    };
    memcpy(leaf.serial, scene->me.own.fields.serial, CERT_SERIAL);
    memcpy(leaf.spki_hash, scene->me.key_hash, HASH_LEN);
    ca_scene_add(&leaf);
    add_server();
    log_in();
    assert_int_equal(audit().audit.faults, CLIENT_AUDIT_OWN_ABSENT);
}

static void leaves_that_do_not_make_the_root_are_found(void **state)
{
    (void)state;
    ca_scene_grow(20);
    add_own();
    add_server();
    log_in();
    ca_scene->leaves[7].p[40] ^= 1; /* what is handed out is not what was signed */
    assert_int_equal(audit().audit.faults, CLIENT_AUDIT_ROOT);
}

static void leaves_that_are_held_back_are_found(void **state)
{
    (void)state;
    add_own();
    add_server();
    ca_scene_grow(20);
    log_in();
    ca_scene->leaves_most = 21;
    assert_int_equal(audit().audit.faults, CLIENT_AUDIT_ROOT);
}

static void leaves_beyond_the_head_are_not_looked_at(void **state)
{
    (void)state;
    static const uint8_t other[HASH_LEN] = { 7 };
    add_own();
    add_server();
    ca_scene_grow(20);
    log_in();
    size_t size = ca_scene->count;
    add_entry(PAIR_USER, other, 3);
    ca_scene->proof_size = size;
    struct seen seen = audit();
    assert_int_equal(seen.audit.faults, 0);
    assert_int_equal(seen.audit.leaves, size);
}

/* As many as there are, and never more at once than the host has room for. */
static void a_ledger_full_of_us_is_told_whole(void **state)
{
    (void)state;
    static const uint8_t other[HASH_LEN] = { 7 };
    add_own();
    add_server();
    for (unsigned i = 0; i < 1000; i++)
        add_entry(PAIR_USER, other, i);
    ca_scene->leaves_at_once = 400;
    log_in();
    struct seen seen = audit();
    assert_int_equal(seen.leaves, 1001);
    assert_int_equal(seen.audit.ours, 1001);
    assert_int_equal(seen.audit.faults, CLIENT_AUDIT_OTHER_KEY);
}

static void a_server_too_busy_to_prove_is_said_to_be(void **state)
{
    (void)state;
    add_own();
    add_server();
    log_in();
    ca_scene->proof = PROOF_BUSY;
    assert_int_equal(audit().audit.faults, CLIENT_AUDIT_UNPROVEN);
}

static void a_server_too_busy_for_leaves_is_asked_for_a_minute(void **state)
{
    (void)state;
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    add_own();
    add_server();
    log_in();
    ca_scene->leaves_are_busy = true;
    assert_ok(client_audit(scene->client));
    for (int i = 0; i < 100 && event.kind == CLIENT_EVENT_NONE; i++) {
        for (int turns = 0; turns < 5 && event.kind == CLIENT_EVENT_NONE; turns++) {
            small_server_turn(&scene->server);
            client_process(scene->client);
            assert_ok(client_next_event(scene->client, &event));
        }
        scene_clock_now()->mono_ms += 1000;
    }
    assert_int_equal(event.kind, CLIENT_EVENT_AUDITED);
    assert_int_equal(event.audit.faults, CLIENT_AUDIT_UNPROVEN);
    assert_int_equal(scene->server.leaves_wanteds, 60);
    ca_scene->leaves_are_busy = false;
    assert_int_equal(audit().audit.faults, 0);
}

/* A head may be signed a moment before what was issued last is in it. */
static void what_was_just_issued_is_waited_for(void **state)
{
    (void)state;
    struct seen seen = { 0 };
    ca_scene_grow(5);
    add_server();
    ca_scene_show(ca_scene->count);
    ca_scene_log_in(CLIENT_AUTH_SEND);
    assert_ok(client_audit(scene->client));
    scene_expect_quiet();
    assert_in_range(client_timeout_ms(scene->client), 1, 1500);
    add_own();
    scene_clock_now()->wall_ms += 1500;
    scene_clock_now()->mono_ms += 1500;
    read_on(&seen);
    assert_int_equal(seen.audit.faults, 0);
    assert_int_equal(seen.leaves, 1);
}

static void one_audit_at_a_time(void **state)
{
    (void)state;
    scene_make_joined();
    scene_make_client(CLIENT_AUTH_SEND, false);
    assert_err(client_audit(scene->client), MLT_ERR_STATE);
    add_own();
    add_server();
    log_in();
    assert_ok(client_audit(scene->client));
    assert_err(client_audit(scene->client), MLT_ERR_STATE);
}

static void a_leaf_that_is_none_ends_the_session(void **state)
{
    (void)state;
    ca_scene_grow(20);
    log_in();
    ca_scene->leaves[3].p[0] = 9; /* a version nobody knows */
    assert_ok(client_audit(scene->client));
    scene_expect_lost(MLT_ERR_VERSION);
}

static void leaves_from_elsewhere_in_the_ledger_are_refused(void **state)
{
    (void)state;
    ca_scene_grow(20);
    log_in();
    ca_scene->leaves_skipped = 5;
    assert_ok(client_audit(scene->client));
    scene_expect_lost(MLT_ERR_UNEXPECTED);
}

static void leaves_nobody_asked_for_are_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf leaves = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    ca_scene_grow(20);
    log_in();
    assert_ok(leaves_put(&leaves, buf_span(&ca_scene->leaves[0])));
    const struct leaves l = { .result = LEAVES_HERE, .leaves = buf_span(&leaves) };
    assert_ok(leaves_encode(&l, &body));
    small_server_put(&scene->server, RECORD_LEAVES, buf_span(&body));
    scene_expect_lost(MLT_ERR_UNEXPECTED);
}

static void an_alarm_ends_an_audit(void **state)
{
    (void)state;
    add_own();
    add_server();
    log_in();
    ca_scene_grow(3);
    ca_scene->proof_is_wrong = true;
    assert_ok(client_audit(scene->client));
    scene_expect_lost(MLT_ERR_LEDGER);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, ca_scene_begin, ca_scene_end)
    const struct CMUnitTest tests[] = {
        T(an_honest_ledger_is_found_to_be_so),
        T(an_entry_for_another_key_is_found_and_which_was_first),
        T(a_certificate_without_its_leaf_is_found),
        T(a_leaf_of_another_certificate_with_our_serial_is_not_ours),
        T(leaves_that_do_not_make_the_root_are_found),
        T(leaves_that_are_held_back_are_found),
        T(leaves_beyond_the_head_are_not_looked_at),
        T(a_ledger_full_of_us_is_told_whole),
        T(a_server_too_busy_to_prove_is_said_to_be),
        T(a_server_too_busy_for_leaves_is_asked_for_a_minute),
        T(what_was_just_issued_is_waited_for),
        T(one_audit_at_a_time),
        T(a_leaf_that_is_none_ends_the_session),
        T(leaves_from_elsewhere_in_the_ledger_are_refused),
        T(leaves_nobody_asked_for_are_refused),
        T(an_alarm_ends_an_audit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
