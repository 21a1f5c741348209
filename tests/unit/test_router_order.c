/* SPDX-License-Identifier: Apache-2.0 */
#include "router_scene.h"

#include <stdio.h>

/* Order, messages sent again, bounds, notices: and people who mean harm. */

/* ---- order ---- */

static void nothing_passes_a_message_that_has_to_come_again(void **state)
{
    (void)state;
    maria_is_here();
    send_to(&maria, "joao", 7, "one");
    store_refuses_put(OUTCOME_REASON_NO_ROOM);
    assert_said(&maria, "7=refused:no-room");
    send_to(&maria, "joao", 8, "two");
    send_to(&maria, "joao", 9, "three");
    assert_said(&maria, "8=refused:busy 9=refused:busy");
    send_to(&maria, "joao", 7, "one");
    send_to(&maria, "joao", 8, "two");
    assert_asked("put:7>joao put:7>joao put:8>joao");
}

static void another_stream_goes_on(void **state)
{
    (void)state;
    maria_is_here();
    member("ana");
    send_to(&maria, "joao", 7, "one");
    store_refuses_put(OUTCOME_REASON_NO_ROOM);
    send_to(&maria, "ana", 8, "two");
    send_as(&maria, &(struct sending) { "joao", { 9 }, 2, 9, span_str("new epoch") });
    assert_asked("put:7>joao put:8>ana put:9>joao");
}

static void a_final_refusal_blocks_nothing(void **state)
{
    (void)state;
    maria_is_here();
    send_to(&maria, "joao", 7, "one");
    store_refuses_put(OUTCOME_REASON_FULL);
    send_to(&maria, "joao", 8, "two");
    assert_asked("put:7>joao put:8>joao");
}

/* 7 of maria's is being put, and what comes is held until that is done. */
static void he_catches_up(void)
{
    send_to(&maria, "joao", 7, "one");
    send_to(&maria, "joao", 6, "other");
    router_tick(router, now_ms + LIMIT_SPOOL_MS);
    receipt(&joao, "maria", 6);
    joao.said[0] = '\0';
}

static void what_is_held_does_not_pass_what_failed(void **state)
{
    (void)state;
    both_are_here();
    he_catches_up();
    send_to(&maria, "joao", 8, "two"); /* held */
    leave(&maria);                     /* and nobody to be told so */
    store_refuses_put(OUTCOME_REASON_NO_ROOM);
    store_does_all();
    assert_said(&joao, "");
    assert_int_equal(router_in_flight(router), 0);
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    send_to(&maria, "joao", 7, "one");
    send_to(&maria, "joao", 8, "two");
    store_does_all();
    assert_said(&joao, "one-from-maria two-from-maria");
}

static void what_is_held_is_refused_with_what_failed(void **state)
{
    (void)state;
    struct link ana;
    both_are_here();
    join(&ana, "ana", CLIENT_AUTH_SEND, 3);
    he_catches_up();
    send_to(&maria, "joao", 8, "two");
    send_to(&ana, "joao", 9, "of another");
    store_refuses_put(OUTCOME_REASON_NO_ROOM);
    store_does_all();
    assert_said(&maria, "7=unknown 8=refused:busy 6=delivered 6=delivered!");
    assert_said(&joao, "of another-from-ana");
}

static void a_session_with_too_many_blocked_streams_ends(void **state)
{
    (void)state;
    maria_is_here();
    for (unsigned i = 0; i <= LIMIT_BLOCKED_STREAMS; i++) {
        assert_non_null(maria.route);
        send_as(&maria, &(struct sending) { "joao", { (uint8_t)i, 1 }, i, 1, { 0 } });
        store_refuses_put(OUTCOME_REASON_NO_ROOM);
    }
    assert_null(maria.route);
    assert_non_null(strstr(maria.said, " slow"));
    assert_int_equal(router_in_flight(router), 0);
}

/* An earlier one may be one that a mailbox lost, sent by who has not heard of the refusal. */
static void only_the_refused_number_opens_its_stream(void **state)
{
    (void)state;
    maria_is_here();
    send_to(&maria, "joao", 7, "seven");
    store_refuses_put(OUTCOME_REASON_NO_ROOM);
    maria.said[0] = '\0';
    send_to(&maria, "joao", 5, "five");
    send_to(&maria, "joao", 8, "eight");
    assert_said(&maria, "8=refused:busy");
    assert_int_equal(store_puts(), 1);
    send_to(&maria, "joao", 7, "seven");
    send_to(&maria, "joao", 8, "eight");
    assert_said(&maria, "");
    assert_int_equal(store_puts(), 3);
}

/* ---- sent again ---- */

static void an_id_under_way_is_a_duplicate_to_its_own_session(void **state)
{
    (void)state;
    maria_is_here();
    member("ana");
    send_to(&maria, "joao", 7, "one");
    send_to(&maria, "joao", 7, "one");
    send_to(&maria, "ana", 7, "one");
    assert_said(&maria, "7=refused:duplicate 7=refused:duplicate");
    assert_asked("put:7>joao");
    store_does_put();
    assert_said(&maria, "7=stored");
}

/* Number 7 of maria's, while it is being put. */
static void another_session_sends_it_too(struct link *again)
{
    maria_is_here();
    send_to(&maria, "joao", 7, "one");
    join(again, "maria", CLIENT_AUTH_SEND, 1);
    send_to(again, "joao", 7, "one");
}

static void another_session_of_the_sender_takes_it_over(void **state)
{
    (void)state;
    struct link again;
    another_session_sends_it_too(&again);
    assert_asked("put:7>joao");
    assert_said(&maria, "7=refused:busy"); /* each SEND has one answer */
    store_does_put();
    assert_said(&maria, "");
    assert_said(&again, "7=stored");
    /* An id is a duplicate for whoever it is not for. */
    member("ana");
    send_as(&maria, &(struct sending) { "joao", { 8 }, 2, 8, { 0 } });
    send_to(&again, "ana", 8, "two");
    assert_said(&again, "8=refused:duplicate");
}

static void a_message_whose_session_has_gone_is_taken_over(void **state)
{
    (void)state;
    both_are_here();
    send_to(&maria, "joao", 7, "one");
    leave(&maria);
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    send_to(&maria, "joao", 7, "one");
    assert_said(&joao, "one-from-maria");
    receipt(&joao, "maria", 7);
    assert_said(&maria, "7=delivered");
}

static void what_was_drained_is_stored_to_who_sends_it_again(void **state)
{
    (void)state;
    maria_is_here();
    send_to(&maria, "joao", 7, "one");
    store_does_put();
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_does_read();
    maria.said[0] = store_asked[0] = '\0';
    send_to(&maria, "joao", 7, "one");
    assert_said(&maria, "7=stored");
    assert_asked("");
    assert_said(&joao, "one-from-maria");
}

/* What an older link still holds back comes from before: it must not pass. */
static void a_stream_taken_over_stays_behind_in_the_older_session(void **state)
{
    (void)state;
    struct link again;
    another_session_sends_it_too(&again);
    store_refuses_put(OUTCOME_REASON_NO_ROOM);
    assert_said(&again, "7=refused:no-room");
    send_to(&maria, "joao", 8, "late");
    assert_said(&maria, "7=refused:busy 8=refused:busy");
    assert_int_equal(store_puts(), 0);
}

/* A home was copied, with 7 in its outbox: both copies send it, and each hears what became of it.
 */
static void both_copies_of_a_home_hear_of_a_message_that_was_live(void **state)
{
    (void)state;
    struct link copy;
    both_are_here();
    join(&copy, "maria", CLIENT_AUTH_SEND, 1);
    send_to(&maria, "joao", 7, "one");
    send_to(&copy, "joao", 7, "one");
    assert_said(&maria, "7=refused:busy");
    send_to(&maria, "joao", 7, "one"); /* while it is under way: the same again */
    assert_said(&copy, "7=refused:busy");
    assert_said(&joao, "one-from-maria");
    receipt(&joao, "maria", 7);
    assert_said(&maria, "7=delivered");
    send_to(&copy, "joao", 7, "one"); /* forgotten here; he recognises it */
    assert_said(&joao, "one-from-maria");
    receipt(&joao, "maria", 7);
    assert_said(&copy, "7=delivered");
    assert_int_equal(maria.outcomes + copy.outcomes, 4);
    assert_int_equal(router_in_flight(router), 0);
}

static void both_copies_of_a_home_hear_of_a_message_that_was_held(void **state)
{
    (void)state;
    struct link copy;
    both_are_here();
    join(&copy, "maria", CLIENT_AUTH_SEND, 1);
    he_catches_up();
    send_to(&maria, "joao", 8, "two");
    maria.said[0] = copy.said[0] = '\0';
    send_to(&copy, "joao", 8, "two");
    assert_said(&maria, "8=refused:busy");
    store_does_put();
    maria.said[0] = '\0';
    store_does_all();
    assert_said(&joao, "two-from-maria");
    receipt(&joao, "maria", 8);
    assert_non_null(strstr(copy.said, "8=delivered"));
    assert_null(strstr(maria.said, "8=delivered"));
}

static void both_copies_of_a_home_hear_of_a_message_that_is_stored(void **state)
{
    (void)state;
    struct link copy;
    another_session_sends_it_too(&copy);
    assert_said(&maria, "7=refused:busy");
    store_does_put();
    assert_said(&copy, "7=stored");
    send_to(&maria, "joao", 7, "one"); /* it lies there */
    store_does_put();
    assert_said(&maria, "7=stored");
    assert_int_equal(store_rows("joao"), 1);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_does_read();
    send_to(&maria, "joao", 7, "one"); /* he has it, and has not confirmed it */
    assert_said(&maria, "7=stored");
    receipt(&joao, "maria", 7);
    leave(&joao);
    store_does_removals();
    assert_said(&maria, "7=delivered!");
    assert_said(&copy, "7=delivered!");
    send_to(&maria, "joao", 7, "one"); /* a notice is left of it */
    store_knows_put();
    assert_said(&maria, "7=delivered");
    const struct noted n = { .id = { 7 }, .state = OUTCOME_DELIVERED };
    router_noted(router, copy.route, &n);
    send_to(&maria, "joao", 7, "one"); /* and not even that: he recognises it */
    store_does_put();
    assert_said(&maria, "7=stored");
    assert_int_equal(router_in_flight(router), 0);
}

/* He has it and has not confirmed it: nothing is owed to the one who heard stored. */
static void a_session_is_not_refused_for_a_message_it_has_an_answer_to(void **state)
{
    (void)state;
    struct link copy;
    maria_is_here();
    send_to(&maria, "joao", 7, "one");
    store_does_put();
    assert_said(&maria, "7=stored");
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_does_read();
    join(&copy, "maria", CLIENT_AUTH_SEND, 1);
    send_to(&copy, "joao", 7, "one");
    assert_said(&copy, "7=stored");
    assert_said(&maria, "");
    send_to(&maria, "joao", 8, "two"); /* nothing is blocked */
    assert_said(&maria, "");
    assert_said(&joao, "one-from-maria two-from-maria");
}

static void other_peoples_ids_are_theirs(void **state)
{
    (void)state;
    struct link ana;
    both_are_here();
    join(&ana, "ana", CLIENT_AUTH_RECEIVE, 3);
    send_to(&maria, "joao", 7, "hers");
    send_to(&ana, "joao", 7, "mine");
    assert_said(&joao, "hers-from-maria mine-from-ana");
    receipt(&ana, "maria", 7); /* it did not go to her */
    assert_said(&maria, "");
    receipt(&joao, "ana", 7);
    assert_said(&ana, "7=delivered");
    assert_said(&maria, "");
}

/* ---- bounds ---- */

static void fill(struct link *senders, size_t count, size_t bytes)
{
    static const uint8_t body[LIMIT_BODY];
    for (size_t s = 0; s < count; s++) {
        char name[32];
        snprintf(name, sizeof(name), "user%zu", s);
        join(&senders[s], name, CLIENT_AUTH_SEND, (uint8_t)(s + 10));
        for (unsigned i = 1; i <= LIMIT_SEND_WINDOW; i++)
            send_as(&senders[s],
                    &(struct sending) { "joao", { (uint8_t)i }, 1, i, span_of(body, bytes) });
    }
}

/* "7=stored" for each of them. */
static void assert_all_stored(const struct link *senders, size_t count)
{
    for (size_t s = 0; s < count; s++) {
        assert_int_equal(senders[s].outcomes, LIMIT_SEND_WINDOW);
        assert_null(strstr(senders[s].said, "refused"));
    }
}

static void who_is_full_gets_the_rest_from_his_mailbox(void **state)
{
    (void)state;
    static struct link senders[LIMIT_IN_FLIGHT / LIMIT_SEND_WINDOW];
    both_are_here();
    fill(senders, COUNT_OF(senders), 1);
    assert_int_equal(joao.delivers, LIMIT_IN_FLIGHT);
    assert_int_equal(store_puts(), 0);
    send_to(&maria, "joao", 7, "one more");
    assert_int_equal(store_puts(), LIMIT_IN_FLIGHT + 1);
    while (store_puts() > 0)
        store_does_put();
    assert_all_stored(senders, COUNT_OF(senders));
    assert_said(&maria, "7=stored");
    /* Until he confirms, nothing more is read for him. */
    assert_null(strstr(store_asked, "read"));
    assert_int_equal(router_in_flight(router), LIMIT_IN_FLIGHT);
}

static void one_stuck_receiver_costs_so_much_and_no_more(void **state)
{
    (void)state;
    static struct link senders[2 * LIMIT_IN_FLIGHT / LIMIT_SEND_WINDOW];
    both_are_here();
    size_t most = 0;
    fill(senders, 1, 30000);
    assert_true(router_memory(router) <= ROUTER_RECIPIENT_MOST);
    most = router_memory(router);
    fill(senders, COUNT_OF(senders), LIMIT_BODY);
    /* The store has the bodies. */
    while (store_puts() > 0)
        store_does_put();
    assert_true(router_memory(router) <= (size_t)LIMIT_IN_FLIGHT * ROUTER_FLIGHT_MOST);
    assert_true(most > 64 * (size_t)30000);
    assert_true((size_t)joao.delivers * LIMIT_BODY < 4 * (size_t)LIMIT_IN_FLIGHT_BYTES);
    leave(&joao);
    assert_int_equal(router_memory(router), 0);
}

static void bodies_in_memory_have_a_bound(void **state)
{
    (void)state;
    static const uint8_t body[LIMIT_BODY];
    const unsigned most = LIMIT_IN_FLIGHT_BYTES / LIMIT_BODY;
    both_are_here();
    for (unsigned i = 1; i <= most; i++)
        send_as(&maria, &(struct sending) { "joao", { (uint8_t)i }, 1, i, SPAN_OF(body) });
    assert_int_equal(joao.delivers, most);
    assert_int_equal(store_puts(), 0);
    assert_in_range(router_memory(router), LIMIT_IN_FLIGHT_BYTES, ROUTER_RECIPIENT_MOST);
    send_to(&maria, "joao", 200, "x");
    assert_int_equal(store_puts(), most + 1);
}

static void who_confirms_nothing_does_not_silence_his_senders(void **state)
{
    (void)state;
    struct link ana;
    both_are_here();
    join(&ana, "ana", CLIENT_AUTH_RECEIVE, 3);
    for (unsigned round = 0; round < 2 * LIMIT_IN_FLIGHT / LIMIT_SEND_WINDOW; round++) {
        join(&maria, "maria", CLIENT_AUTH_SEND, 1);
        for (unsigned i = 0; i < LIMIT_SEND_WINDOW; i++)
            send_as(&maria, &(struct sending) { "joao",
                                                { (uint8_t)i, (uint8_t)round },
                                                1,
                                                round * LIMIT_SEND_WINDOW + i + 1,
                                                { 0 } });
        leave(&maria);
    }
    assert_int_equal(joao.delivers, LIMIT_IN_FLIGHT);
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    send_to(&maria, "ana", 200, "x");
    assert_said(&ana, "x-from-maria");
}

static void a_name_has_so_many_unanswered_in_all_its_sessions(void **state)
{
    (void)state;
    static struct link links[LIMIT_IN_FLIGHT / LIMIT_SEND_WINDOW + 1];
    member("joao");
    for (size_t s = 0; s < COUNT_OF(links); s++) {
        join(&links[s], "maria", CLIENT_AUTH_SEND, 1);
        for (unsigned i = 1; i <= LIMIT_SEND_WINDOW && s + 1 < COUNT_OF(links); i++)
            send_as(&links[s],
                    &(struct sending) { "joao", { (uint8_t)i, (uint8_t)s }, s, i, { 0 } });
    }
    struct link *last = &links[COUNT_OF(links) - 1];
    send_to(last, "joao", 7, "x");
    assert_said(last, "7=refused:busy");
    store_does_put();
    send_to(last, "joao", 7, "x");
    assert_said(last, "");
}

/* ---- receipts and notices ---- */

static void a_receipt_from_a_send_login_is_an_error(void **state)
{
    (void)state;
    const struct receipt r = { .sender = { ADDRESS_USER, name_of("joao") },
                               .state = OUTCOME_DELIVERED };
    maria_is_here();
    assert_err(router_receipt(router, maria.route, &r, now_ms), MLT_ERR_UNEXPECTED);
}

static void a_reader_is_told_of_to_the_store(void **state)
{
    (void)state;
    struct receipt r = { .sender = { ADDRESS_USER, name_of("maria") },
                         .id = { 7 },
                         .state = OUTCOME_READ };
    both_are_here();
    send_to(&maria, "joao", 7, "oi");
    assert_ok(router_receipt(router, joao.route, &r, now_ms));
    assert_asked(""); /* not before he has it */
    receipt(&joao, "maria", 7);
    assert_ok(router_receipt(router, joao.route, &r, now_ms));
    assert_asked("tell:maria/7-by-joao=read");
    r.sender.name = name_of("nobody");
    assert_ok(router_receipt(router, joao.route, &r, now_ms));
    assert_asked("");
    struct router_notice notice = { .sender = name_of("maria"),
                                    .outcome = { { 7 }, OUTCOME_READ, 0, true } };
    router_told(router, &notice);
    assert_said(&maria, "7=delivered 7=read!");
}

static void who_reads_before_the_store_has_answered_is_told_of_too(void **state)
{
    (void)state;
    const struct receipt r = { .sender = { ADDRESS_USER, name_of("maria") },
                               .id = { 7 },
                               .state = OUTCOME_READ };
    one_is_being_put();
    receipt(&joao, "maria", 7);
    assert_ok(router_receipt(router, joao.route, &r, now_ms));
    assert_asked("");
    store_does_put();
    assert_asked("remove:joao/1=delivered tell:maria/7-by-joao=read read:joao>1");
    assert_said(&maria, "7=delivered");
}

static void a_notice_goes_to_every_session_of_its_sender(void **state)
{
    (void)state;
    struct link second;
    both_are_here();
    join(&second, "maria", CLIENT_AUTH_RECEIVE, 1);
    const struct router_notice notice = { .sender = name_of("maria"),
                                          .recipient = name_of("joao"),
                                          .outcome = { { 7 }, OUTCOME_EXPIRED, 0, true } };
    router_removed(router, &notice, now_ms);
    assert_said(&maria, "7=expired!");
    assert_said(&second, "7=expired!");
    assert_said(&joao, "");
}

static void notices_are_told_at_login_a_batch_at_a_time(void **state)
{
    (void)state;
    maria_is_here();
    store_does_notices(2, false);
    assert_said(&maria, "1=delivered! 2=delivered!");
    struct noted n = { .id = { 1 }, .state = OUTCOME_DELIVERED };
    router_noted(router, maria.route, &n);
    assert_int_equal(store_notice_reads(), 0);
    n.id[0] = 2;
    router_noted(router, maria.route, &n);
    assert_int_equal(store_notice_reads(), 1);
    assert_asked("noted:maria/1=delivered noted:maria/2=delivered");
    store_does_notices(1, true);
    assert_said(&maria, "3=delivered!");
    n.id[0] = 3;
    router_noted(router, maria.route, &n);
    assert_int_equal(store_notice_reads(), 0); /* that was the end of them */
}

static void notices_for_a_session_that_is_gone_are_ignored(void **state)
{
    (void)state;
    maria_is_here();
    leave(&maria);
    join(&joao, "joao", CLIENT_AUTH_SEND, 2); /* in the same place */
    store_does_notices(2, true);
    assert_said(&joao, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTER_TEST(nothing_passes_a_message_that_has_to_come_again),
        ROUTER_TEST(another_stream_goes_on),
        ROUTER_TEST(a_final_refusal_blocks_nothing),
        ROUTER_TEST(what_is_held_does_not_pass_what_failed),
        ROUTER_TEST(what_is_held_is_refused_with_what_failed),
        ROUTER_TEST(a_session_with_too_many_blocked_streams_ends),
        ROUTER_TEST(only_the_refused_number_opens_its_stream),
        ROUTER_TEST(an_id_under_way_is_a_duplicate_to_its_own_session),
        ROUTER_TEST(another_session_of_the_sender_takes_it_over),
        ROUTER_TEST(a_message_whose_session_has_gone_is_taken_over),
        ROUTER_TEST(what_was_drained_is_stored_to_who_sends_it_again),
        ROUTER_TEST(a_stream_taken_over_stays_behind_in_the_older_session),
        ROUTER_TEST(both_copies_of_a_home_hear_of_a_message_that_was_live),
        ROUTER_TEST(both_copies_of_a_home_hear_of_a_message_that_was_held),
        ROUTER_TEST(both_copies_of_a_home_hear_of_a_message_that_is_stored),
        ROUTER_TEST(a_session_is_not_refused_for_a_message_it_has_an_answer_to),
        ROUTER_TEST(other_peoples_ids_are_theirs),
        ROUTER_TEST(who_is_full_gets_the_rest_from_his_mailbox),
        ROUTER_TEST(one_stuck_receiver_costs_so_much_and_no_more),
        ROUTER_TEST(bodies_in_memory_have_a_bound),
        ROUTER_TEST(who_confirms_nothing_does_not_silence_his_senders),
        ROUTER_TEST(a_name_has_so_many_unanswered_in_all_its_sessions),
        ROUTER_TEST(a_receipt_from_a_send_login_is_an_error),
        ROUTER_TEST(a_reader_is_told_of_to_the_store),
        ROUTER_TEST(who_reads_before_the_store_has_answered_is_told_of_too),
        ROUTER_TEST(a_notice_goes_to_every_session_of_its_sender),
        ROUTER_TEST(notices_are_told_at_login_a_batch_at_a_time),
        ROUTER_TEST(notices_for_a_session_that_is_gone_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
