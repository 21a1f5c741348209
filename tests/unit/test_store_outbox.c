/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/store_outbox.h"
#include "store_scene.h"

static void keep(const char *to, const char *text, uint8_t id[static ENVELOPE_ID])
{
    struct store_outgoing message = { .body = span_str(text) };
    assert_ok(name_parse(span_str(to), &message.recipient));
    assert_ok(store_outbox_keep(store, &message, id));
}

static void find(const uint8_t id[static ENVELOPE_ID], struct store_message *m)
{
    bool found = false;
    assert_ok(store_outbox_find(store, id, m, &found));
    assert_true(found);
}

static void reopen(void)
{
    store_close(&store);
    assert_ok(store_open(&home, &clock_now.env, &store));
}

/* What the server says of it, and whether that was news. */
static bool hear(const uint8_t id[static ENVELOPE_ID], struct outcome outcome)
{
    struct store_news news;
    memcpy(outcome.id, id, ENVELOPE_ID);
    assert_ok(store_outbox_note(store, &outcome, &news));
    assert_true(news.found);
    return news.changed;
}

static bool hear_state(const uint8_t id[static ENVELOPE_ID], enum outcome_state state)
{
    return hear(id, (struct outcome) { .state = state });
}

/* A session sends it. */
static void try_it(const uint8_t id[static ENVELOPE_ID])
{
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    find(id, &m);
    assert_ok(store_outbox_tried(store, &m.row, 1));
}

static bool is_listed(const uint8_t id[static ENVELOPE_ID])
{
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = true;
    for (int64_t after = 0; found; after = m.row) {
        assert_ok(store_outbox_list(store, after, &m, &found));
        if (found && span_eq(SPAN_OF(m.id), span_of(id, ENVELOPE_ID)))
            return true;
    }
    return false;
}

static void what_was_kept_is_there_after_a_new_start(void **state)
{
    (void)state;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    uint8_t id[ENVELOPE_ID];
    uint64_t waiting = 0;
    keep("joao", "oi", id);
    reopen();
    find(id, &m);
    assert_string_equal(m.peer.text, "joao");
    assert_span_equal(buf_span(&m.body), span_str("oi"));
    assert_true(m.is_ours);
    assert_int_equal(m.state, STORE_WAITING);
    assert_int_equal(m.time_ms, clock_now.wall_ms);
    assert_ok(store_outbox_count(store, &waiting));
    assert_int_equal(waiting, 1);
    assert_true(is_listed(id));
}

static void numbers_rise_by_one_under_one_epoch_per_recipient(void **state)
{
    (void)state;
    CLEANUP(store_message_clear) struct store_message first = { 0 };
    CLEANUP(store_message_clear) struct store_message second = { 0 };
    CLEANUP(store_message_clear) struct store_message other = { 0 };
    uint8_t id[3][ENVELOPE_ID];
    keep("maria", "a", id[0]);
    keep("joao", "b", id[1]);
    reopen();
    keep("maria", "c", id[2]);
    find(id[0], &first);
    find(id[1], &other);
    find(id[2], &second);
    assert_int_equal(first.number, 1);
    assert_int_equal(second.number, 2);
    assert_int_equal(other.number, 1);
    assert_true(first.epoch == second.epoch);
    assert_true(first.epoch != other.epoch);
    assert_false(span_eq(SPAN_OF(id[0]), SPAN_OF(id[2])));
}

static void the_next_to_send_is_the_oldest_of_its_stream(void **state)
{
    (void)state;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    struct store_stream stream;
    uint8_t id[4][ENVELOPE_ID];
    bool found = false;
    keep("zoe", "z1", id[0]);
    keep("ana", "a1", id[1]);
    keep("zoe", "z2", id[2]);
    keep("bia", "b1", id[3]);
    assert_true(hear_state(id[3], OUTCOME_STORED));
    assert_ok(store_outbox_next_stream(store, NULL, &stream, &found));
    assert_true(found);
    assert_string_equal(stream.recipient.text, "ana");
    int64_t row = stream.row;
    struct name after = stream.recipient;
    assert_ok(store_outbox_next_stream(store, &after, &stream, &found));
    assert_true(found);
    assert_string_equal(stream.recipient.text, "zoe"); /* for bia nothing waits */
    assert_true(stream.row > 0 && stream.row != row);
    after = stream.recipient;
    assert_ok(store_outbox_next(store, &after, 0, &m, &found));
    assert_span_equal(buf_span(&m.body), span_str("z1"));
    assert_ok(store_outbox_next(store, &after, m.row, &m, &found));
    assert_span_equal(buf_span(&m.body), span_str("z2"));
    assert_ok(store_outbox_next(store, &after, m.row, &m, &found));
    assert_false(found);
    assert_ok(store_outbox_next_stream(store, &after, &stream, &found));
    assert_false(found);
}

/* Whatever is said, in whatever order and however often: what is known is never taken back. */
static void news_are_judged_by_what_is_known(void **state)
{
    (void)state;
    static const struct {
        enum outcome_state first, then;
        bool changes;
        enum store_state stays;
    } cases[] = {
        { OUTCOME_STORED, OUTCOME_STORED, false, STORE_STORED },
        { OUTCOME_STORED, OUTCOME_DELIVERED, true, STORE_DELIVERED },
        { OUTCOME_STORED, OUTCOME_UNKNOWN, true, STORE_WAITING },
        { OUTCOME_STORED, OUTCOME_EXPIRED, true, STORE_EXPIRED },
        { OUTCOME_STORED, OUTCOME_READ, true, STORE_READ },
        { OUTCOME_DELIVERED, OUTCOME_STORED, false, STORE_DELIVERED },
        { OUTCOME_DELIVERED, OUTCOME_UNKNOWN, false, STORE_DELIVERED },
        { OUTCOME_DELIVERED, OUTCOME_EXPIRED, false, STORE_DELIVERED },
        { OUTCOME_DELIVERED, OUTCOME_READ, true, STORE_READ },
        { OUTCOME_READ, OUTCOME_DELIVERED, false, STORE_READ },
        { OUTCOME_EXPIRED, OUTCOME_DELIVERED, true, STORE_DELIVERED },
        { OUTCOME_EXPIRED, OUTCOME_UNKNOWN, false, STORE_EXPIRED },
        { OUTCOME_EXPIRED, OUTCOME_STORED, false, STORE_EXPIRED },
        { OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, true, STORE_WAITING },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CLEANUP(store_message_clear) struct store_message m = { 0 };
        uint8_t id[ENVELOPE_ID];
        keep("joao", "oi", id);
        assert_true(hear_state(id, cases[i].first));
        assert_int_equal(hear_state(id, cases[i].then), cases[i].changes);
        find(id, &m);
        assert_int_equal(m.state, cases[i].stays);
        assert_span_equal(buf_span(&m.body), span_str("oi")); /* history keeps the text */
    }
}

static void every_refusal_but_those_that_pass_is_final(void **state)
{
    (void)state;
    for (int reason = OUTCOME_REASON_NO_SUCH_NAME; reason <= OUTCOME_REASON_ERASED; reason++) {
        CLEANUP(store_message_clear) struct store_message m = { 0 };
        bool passes = reason == OUTCOME_REASON_BUSY || reason == OUTCOME_REASON_NO_ROOM;
        const struct outcome refused = { .state = OUTCOME_REFUSED,
                                         .reason = (enum outcome_reason)reason };
        uint8_t id[ENVELOPE_ID];
        keep("joao", "oi", id);
        assert_true(hear(id, refused));
        find(id, &m);
        assert_int_equal(m.state, passes ? STORE_WAITING : STORE_REFUSED);
        assert_int_equal(m.why, reason);
        assert_true(is_listed(id));
        assert_int_equal(hear(id, refused), passes); /* said again it is news if it may change */
    }
}

/* A notice that comes once more while the message waits already: it was not sent since. */
static void a_notice_of_loss_that_is_repeated_is_no_news(void **state)
{
    (void)state;
    const struct outcome lost = { .state = OUTCOME_UNKNOWN, .kept = true };
    uint8_t id[ENVELOPE_ID];
    keep("joao", "oi", id);
    assert_true(hear_state(id, OUTCOME_STORED));
    assert_true(hear(id, lost));
    assert_false(hear(id, lost));
}

static void a_message_of_nobody_is_not_found(void **state)
{
    (void)state;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    struct outcome outcome = { .id = { 7 }, .state = OUTCOME_DELIVERED };
    struct store_news news;
    bool found = true;
    struct envelope theirs = { .number = 1, .id = { 7 }, .body = span_str("not ours") };
    bool fresh = false;
    assert_ok(name_parse(span_str("joao"), &theirs.sender.name));
    assert_ok(store_put(store, &theirs, &fresh)); /* the same id, of somebody else */
    assert_ok(store_outbox_note(store, &outcome, &news));
    assert_false(news.found);
    assert_false(news.changed);
    assert_ok(store_outbox_find(store, outcome.id, &m, &found));
    assert_false(found);
    assert_err(store_outbox_drop(store, outcome.id), MLT_ERR_MISSING);
}

static void what_was_delivered_leaves_the_outbox_and_what_failed_stays(void **state)
{
    (void)state;
    uint8_t arrived[ENVELOPE_ID], expired[ENVELOPE_ID], waits[ENVELOPE_ID];
    uint64_t waiting = 0;
    keep("joao", "1", arrived);
    keep("joao", "2", expired);
    keep("joao", "3", waits);
    assert_true(hear_state(arrived, OUTCOME_DELIVERED));
    assert_true(hear_state(expired, OUTCOME_EXPIRED));
    assert_false(is_listed(arrived));
    assert_true(is_listed(expired));
    assert_true(is_listed(waits));
    assert_ok(store_outbox_count(store, &waiting));
    assert_int_equal(waiting, 1);
    assert_ok(store_outbox_drop(store, expired));
    assert_false(is_listed(expired));
    assert_err(store_outbox_drop(store, expired), MLT_ERR_MISSING);
    assert_err(store_outbox_drop(store, arrived), MLT_ERR_MISSING);
}

static void a_dropped_message_is_not_sent_and_may_have_arrived(void **state)
{
    (void)state;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    uint8_t id[ENVELOPE_ID], stored[ENVELOPE_ID];
    struct store_stream stream;
    bool found = true;
    keep("joao", "waits", id);
    keep("joao", "is stored", stored);
    assert_true(hear_state(stored, OUTCOME_STORED));
    assert_ok(store_outbox_drop(store, id));
    assert_ok(store_outbox_drop(store, stored));
    assert_ok(store_outbox_next_stream(store, NULL, &stream, &found));
    assert_false(found);
    find(id, &m);
    assert_int_equal(m.state, STORE_DROPPED);
    assert_false(hear_state(id, OUTCOME_UNKNOWN));
    assert_false(hear_state(id, OUTCOME_STORED));
    assert_true(hear_state(id, OUTCOME_DELIVERED));
    find(stored, &m);
    assert_int_equal(m.state, STORE_STORED);
    assert_true(hear_state(stored, OUTCOME_UNKNOWN)); /* lost there: not sent again all the same */
    find(stored, &m);
    assert_int_equal(m.state, STORE_UNKNOWN);
    assert_ok(store_outbox_next_stream(store, NULL, &stream, &found));
    assert_false(found);
}

static void what_nothing_is_heard_of_is_given_up(void **state)
{
    (void)state;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    uint8_t waits[ENVELOPE_ID], stored[ENVELOPE_ID], late[ENVELOPE_ID];
    uint64_t count = 0;
    const int64_t whole_ms = LIMIT_OUTBOX_S * INT64_C(1000);
    keep("joao", "waits", waits);
    keep("joao", "is stored", stored);
    keep("joao", "is stored at the end", late);
    try_it(waits);
    assert_true(hear_state(stored, OUTCOME_STORED));
    clock_now.wall_ms += whole_ms;
    assert_true(hear_state(late, OUTCOME_STORED));
    assert_ok(store_outbox_expire(store, &count));
    assert_int_equal(count, 0);
    clock_now.wall_ms += 1;
    assert_ok(store_outbox_expire(store, &count));
    assert_int_equal(count, 2);
    find(waits, &m);
    assert_int_equal(m.state, STORE_EXPIRED);
    find(stored, &m);
    assert_int_equal(m.state, STORE_UNKNOWN);
    find(late, &m);
    assert_int_equal(m.state, STORE_STORED);
    assert_ok(store_outbox_expire(store, &count));
    assert_int_equal(count, 0);
    assert_true(hear_state(stored, OUTCOME_DELIVERED)); /* better news are believed */
}

/* Kept by a machine whose clock stood in 1970. */
static void what_no_session_tried_is_not_given_up(void **state)
{
    (void)state;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    uint8_t id[ENVELOPE_ID], refused[ENVELOPE_ID];
    uint64_t count = 0;
    const int64_t whole_ms = LIMIT_OUTBOX_S * INT64_C(1000);
    const struct outcome busy = { .state = OUTCOME_REFUSED, .reason = OUTCOME_REASON_BUSY };
    const int64_t right_ms = clock_now.wall_ms;
    clock_now.wall_ms = 1000;
    keep("joao", "oi", id);
    keep("joao", "is refused", refused);
    clock_now.wall_ms = right_ms;
    assert_ok(store_outbox_expire(store, &count));
    assert_int_equal(count, 0);
    try_it(id);
    assert_true(hear(refused, busy)); /* an answer says that it was tried */
    clock_now.wall_ms += whole_ms;
    try_it(id); /* the first time counts */
    assert_true(hear(refused, busy));
    assert_ok(store_outbox_expire(store, &count));
    assert_int_equal(count, 0);
    clock_now.wall_ms += 1;
    assert_ok(store_outbox_expire(store, &count));
    assert_int_equal(count, 2);
    find(id, &m);
    assert_int_equal(m.state, STORE_EXPIRED);
}

static void a_first_time_that_lies_ahead_is_taken_anew(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    uint64_t count = 1;
    const int64_t whole_ms = LIMIT_OUTBOX_S * INT64_C(1000);
    clock_now.wall_ms += 9 * whole_ms;
    keep("joao", "oi", id);
    try_it(id);
    clock_now.wall_ms -= 9 * whole_ms;
    assert_ok(store_outbox_expire(store, &count));
    assert_int_equal(count, 0);
    try_it(id);
    clock_now.wall_ms += whole_ms + 1;
    assert_ok(store_outbox_expire(store, &count));
    assert_int_equal(count, 1);
}

static void expect_change(struct store *s, const uint8_t id[static ENVELOPE_ID],
                          enum store_state is)
{
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = false;
    assert_ok(store_outbox_change(s, &m, &found));
    assert_true(found);
    assert_memory_equal(m.id, id, ENVELOPE_ID);
    assert_int_equal(m.state, is);
}

static void expect_no_change(struct store *s)
{
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = true;
    assert_ok(store_outbox_change(s, &m, &found));
    assert_false(found);
}

/* Every handle, in every process, sees every change since it was opened once, in order. */
static void changes_are_seen_by_every_handle(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *other = NULL;
    uint8_t before[ENVELOPE_ID], a[ENVELOPE_ID], b[ENVELOPE_ID], c[ENVELOPE_ID];
    uint64_t count = 0;
    keep("joao", "before", before);
    assert_true(hear_state(before, OUTCOME_STORED));
    assert_ok(store_open(&home, &clock_now.env, &other));
    expect_no_change(other);
    keep("joao", "a", a);
    keep("joao", "b", b);
    keep("joao", "c", c);
    expect_no_change(other);
    assert_true(hear_state(b, OUTCOME_STORED));
    assert_true(hear_state(a, OUTCOME_DELIVERED));
    expect_change(other, b, STORE_STORED);
    expect_change(other, a, STORE_DELIVERED);
    expect_no_change(other);
    assert_true(hear_state(b, OUTCOME_DELIVERED));
    try_it(c);
    clock_now.wall_ms += (LIMIT_OUTBOX_S + 1) * INT64_C(1000);
    assert_ok(store_outbox_expire(store, &count));
    assert_int_equal(count, 2);
    expect_change(other, b, STORE_DELIVERED);
    expect_change(other, before, STORE_UNKNOWN); /* both with one number */
    expect_change(other, c, STORE_EXPIRED);
    expect_no_change(other);
}

static void to_let_go_of_what_has_its_fate_is_no_change(void **state)
{
    (void)state;
    uint8_t expired[ENVELOPE_ID], waits[ENVELOPE_ID];
    keep("joao", "1", expired);
    keep("joao", "2", waits);
    assert_true(hear_state(expired, OUTCOME_EXPIRED));
    expect_change(store, expired, STORE_EXPIRED);
    assert_ok(store_outbox_drop(store, expired));
    assert_false(is_listed(expired));
    expect_no_change(store);
    assert_ok(store_outbox_drop(store, waits));
    expect_change(store, waits, STORE_DROPPED);
    expect_no_change(store);
}

static void a_handle_knows_what_it_waits_for(void **state)
{
    (void)state;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    uint8_t id[ENVELOPE_ID];
    enum store_awaits awaits = STORE_AWAITS_WAITING;
    bool found = true;
    keep("joao", "of an earlier run", id);
    reopen();
    assert_ok(store_outbox_awaits(store, &awaits));
    assert_int_equal(awaits, STORE_AWAITS_NOTHING);
    assert_ok(store_outbox_awaited(store, 0, &m, &found));
    assert_false(found);
    keep("joao", "of this one", id);
    assert_ok(store_outbox_awaits(store, &awaits));
    assert_int_equal(awaits, STORE_AWAITS_WAITING);
    assert_ok(store_outbox_awaited(store, 0, &m, &found));
    assert_true(found);
    assert_memory_equal(m.id, id, ENVELOPE_ID);
    assert_ok(store_outbox_awaited(store, m.row, &m, &found));
    assert_false(found);
    assert_true(hear_state(id, OUTCOME_STORED));
    assert_ok(store_outbox_awaits(store, &awaits));
    assert_int_equal(awaits, STORE_AWAITS_STORED);
    assert_true(hear_state(id, OUTCOME_DELIVERED));
    assert_ok(store_outbox_awaits(store, &awaits));
    assert_int_equal(awaits, STORE_AWAITS_NOTHING);
}

static void a_full_outbox_takes_no_more_until_there_is_room(void **state)
{
    (void)state;
    struct store_outgoing message = { .body = span_str("x") };
    uint8_t first[ENVELOPE_ID], id[ENVELOPE_ID];
    assert_ok(name_parse(span_str("joao"), &message.recipient));
    assert_ok(store_outbox_keep(store, &message, first));
    assert_ok(store_begin(store));
    for (int i = 1; i < LIMIT_OUTBOX; i++)
        assert_ok(store_outbox_keep(store, &message, id));
    assert_ok(store_end(store, MLT_OK));
    assert_err(store_outbox_keep(store, &message, id), MLT_ERR_TOO_MANY);
    assert_true(hear_state(first, OUTCOME_STORED));
    assert_ok(store_outbox_keep(store, &message, id));
    assert_err(store_outbox_keep(store, &message, id), MLT_ERR_TOO_MANY);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, store_scene_begin, store_scene_end)
    const struct CMUnitTest tests[] = {
        T(what_was_kept_is_there_after_a_new_start),
        T(numbers_rise_by_one_under_one_epoch_per_recipient),
        T(the_next_to_send_is_the_oldest_of_its_stream),
        T(news_are_judged_by_what_is_known),
        T(every_refusal_but_those_that_pass_is_final),
        T(a_notice_of_loss_that_is_repeated_is_no_news),
        T(a_message_of_nobody_is_not_found),
        T(what_was_delivered_leaves_the_outbox_and_what_failed_stays),
        T(a_dropped_message_is_not_sent_and_may_have_arrived),
        T(what_nothing_is_heard_of_is_given_up),
        T(what_no_session_tried_is_not_given_up),
        T(a_first_time_that_lies_ahead_is_taken_anew),
        T(changes_are_seen_by_every_handle),
        T(to_let_go_of_what_has_its_fate_is_no_change),
        T(a_handle_knows_what_it_waits_for),
        T(a_full_outbox_takes_no_more_until_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
