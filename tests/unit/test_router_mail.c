/* SPDX-License-Identifier: Apache-2.0 */
#include "router_scene.h"

/* What becomes of a message whose recipient is away, slow, or comes and goes: flight.h, row by row.
 */

/* Number 7 of maria's, "oi", in the mailbox. */
static void one_is_stored(void)
{
    maria_is_here();
    send_to(&maria, "joao", 7, "oi");
    store_does_put();
}

/* ---- away ---- */

static void a_message_for_somebody_away_is_stored_and_then_acknowledged(void **state)
{
    (void)state;
    maria_is_here();
    send_to(&maria, "joao", 7, "oi");
    assert_asked("put:7>joao");
    assert_said(&maria, "");
    store_does_put();
    assert_said(&maria, "7=stored");
    assert_int_equal(router_in_flight(router), 0);
}

static void a_login_that_only_sends_gets_no_mail(void **state)
{
    (void)state;
    struct link sending;
    maria_is_here();
    join(&sending, "joao", CLIENT_AUTH_SEND, 2);
    send_to(&maria, "joao", 7, "oi");
    assert_asked("put:7>joao");
    assert_said(&sending, "");
}

static void what_the_store_refuses_the_sender_hears(void **state)
{
    (void)state;
    maria_is_here();
    send_to(&maria, "joao", 7, "oi");
    store_refuses_put(OUTCOME_REASON_FULL);
    send_to(&maria, "joao", 8, "oi");
    store_refuses_put(OUTCOME_REASON_SHARE);
    send_to(&maria, "joao", 9, "oi");
    store_refuses_put(OUTCOME_REASON_AWAY);
    send_to(&maria, "joao", 10, "oi");
    store_refuses_put(OUTCOME_REASON_NO_ROOM);
    assert_said(&maria, "7=refused:full 8=refused:share 9=refused:away 10=refused:no-room");
    assert_int_equal(router_in_flight(router), 0);
}

static void what_was_delivered_before_is_said_to_be(void **state)
{
    (void)state;
    maria_is_here();
    send_to(&maria, "joao", 7, "oi");
    store_knows_put();
    assert_said(&maria, "7=delivered");
    assert_int_equal(router_in_flight(router), 0);
}

static void the_mailbox_drains_in_order_and_then_he_is_live(void **state)
{
    (void)state;
    maria_is_here();
    send_to(&maria, "joao", 7, "one");
    send_to(&maria, "joao", 8, "two");
    store_does_all();
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    assert_asked("put:7>joao put:8>joao read:joao>0");
    /* Not past what lies there. */
    send_to(&maria, "joao", 9, "three");
    assert_said(&joao, "");
    store_does_read();
    assert_said(&joao, "one-from-maria two-from-maria");
    store_does_all();
    assert_said(&joao, "three-from-maria");
    store_asked[0] = '\0';
    send_to(&maria, "joao", 10, "four");
    assert_said(&joao, "four-from-maria");
    assert_asked("");
    assert_said(&maria, "7=stored 8=stored 9=stored");
}

static void only_a_receipt_removes_and_only_then_is_it_delivered(void **state)
{
    (void)state;
    one_is_stored();
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_does_read();
    store_asked[0] = maria.said[0] = '\0';
    receipt(&joao, "maria", 8);
    assert_asked("");
    receipt(&joao, "maria", 7);
    assert_asked("remove:joao/1=delivered");
    assert_said(&maria, "");
    store_does_removals();
    assert_said(&maria, "7=delivered!");
    receipt(&joao, "maria", 7);
    assert_asked("");
    assert_int_equal(router_in_flight(router), 0);
}

static void what_was_not_confirmed_comes_again_at_the_next_login(void **state)
{
    (void)state;
    one_is_stored();
    for (int i = 0; i < 3; i++) {
        join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
        store_does_read();
        assert_said(&joao, "oi-from-maria");
        leave(&joao);
        assert_int_equal(router_in_flight(router), 0);
    }
    assert_int_equal(store_rows("joao"), 1);
}

static void an_empty_mailbox_needs_no_read(void **state)
{
    (void)state;
    both_are_here();
    assert_asked("");
    send_to(&maria, "joao", 7, "oi");
    assert_said(&joao, "oi-from-maria");
}

static void what_was_there_at_start_is_read(void **state)
{
    (void)state;
    const struct name name = name_of("joao");
    store_has("maria", "joao", 7, "oi");
    assert_ok(router_box(router, &name, 1));
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_does_read();
    assert_said(&joao, "oi-from-maria");
    receipt(&joao, "maria", 7);
    store_does_removals();
    leave(&joao);
    store_asked[0] = '\0';
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    assert_asked("");
}

static void an_erased_mailbox_is_read_before_it_is_believed_empty(void **state)
{
    (void)state;
    const struct name name = name_of("joao");
    assert_ok(router_box(router, &name, 5));
    router_erased(router, &name, 0);
    store_has("maria", "joao", 7, "oi"); /* of the mailbox that he has now */
    store_asked[0] = '\0';
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    assert_asked("read:joao>0");
    store_does_all();
    assert_said(&joao, "oi-from-maria");
    leave(&joao);
}

static void mail_of_somebody_the_ca_no_longer_names_waits_for_him(void **state)
{
    (void)state;
    const struct name name = name_of("joao");
    assert_ok(router_box(router, &name, 1));
    assert_ok(router_sync_begin(router));
    router_sync_end(router);
    store_asked[0] = '\0';
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    assert_asked("read:joao>0");
}

static void a_drain_has_a_window(void **state)
{
    (void)state;
    maria_is_here();
    for (unsigned i = 1; i <= 100; i++) {
        send_to(&maria, "joao", (uint8_t)i, "x");
        store_does_put();
    }
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_does_read();
    assert_int_equal(joao.delivers, LIMIT_DRAIN_WINDOW);
    store_asked[0] = '\0';
    for (unsigned i = 1; i < LIMIT_DRAIN_WINDOW / 2; i++)
        receipt(&joao, "maria", (uint8_t)i);
    assert_null(strstr(store_asked, "read"));
    receipt(&joao, "maria", LIMIT_DRAIN_WINDOW / 2);
    assert_non_null(strstr(store_asked, "read:joao>64"));
    store_does_read();
    assert_int_equal(joao.delivers, LIMIT_DRAIN_WINDOW + LIMIT_DRAIN_WINDOW / 2);
}

static void a_damaged_message_is_asked_for_again(void **state)
{
    (void)state;
    maria_is_here();
    send_to(&maria, "joao", 7, "one");
    send_to(&maria, "joao", 8, "two");
    store_does_all();
    store_damages(1);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    maria.said[0] = store_asked[0] = '\0';
    store_does_read();
    assert_said(&joao, "two-from-maria");
    assert_asked("remove:joao/1=unknown");
    store_does_removals();
    assert_said(&maria, "7=unknown!");
}

static void a_read_that_fails_is_tried_again(void **state)
{
    (void)state;
    one_is_stored();
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_asked[0] = '\0';
    store_fails_read(MLT_ERR_DATABASE);
    router_tick(router, now_ms + LIMIT_STORE_RETRY_MS - 1);
    assert_asked("");
    router_tick(router, now_ms + LIMIT_STORE_RETRY_MS);
    assert_asked("read:joao>0");
    store_does_read();
    assert_said(&joao, "oi-from-maria");
}

static void a_login_that_cannot_open_its_mail_is_asked_to_come_again(void **state)
{
    (void)state;
    one_is_stored();
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_fails_read(MLT_ERR_STATE);
    assert_said(&joao, "again");
    assert_int_equal(store_rows("joao"), 1);
}

static void an_answer_to_a_session_that_is_gone_is_ignored(void **state)
{
    (void)state;
    struct link newer;
    one_is_stored();
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    join(&newer, "joao", CLIENT_AUTH_RECEIVE, 2);
    assert_said(&joao, "replaced");
    store_does_read(); /* the older one's */
    assert_said(&joao, "");
    assert_said(&newer, "");
    store_does_read();
    assert_said(&newer, "oi-from-maria");
    leave(&newer);
    assert_int_equal(router_in_flight(router), 0);
}

/* ---- live ---- */

static void a_session_that_ends_leaves_its_mail_to_the_mailbox(void **state)
{
    (void)state;
    both_are_here();
    send_to(&maria, "joao", 7, "one");
    send_to(&maria, "joao", 8, "two");
    assert_asked("");
    leave(&joao);
    assert_asked("put:7>joao put:8>joao");
    assert_said(&maria, "");
    store_does_put();
    store_refuses_put(OUTCOME_REASON_FULL);
    /* He may have it. */
    assert_said(&maria, "7=stored 8=unknown");
    assert_int_equal(router_in_flight(router), 0);
}

static void a_message_to_oneself_is_kept_when_the_session_ends(void **state)
{
    (void)state;
    join(&maria, "maria", CLIENT_AUTH_RECEIVE, 1);
    send_to(&maria, "maria", 7, "note");
    assert_said(&maria, "note-from-maria");
    leave(&maria);
    assert_asked("put:7>maria");
    store_does_put();
    assert_said(&maria, "");
    assert_int_equal(router_in_flight(router), 0);
}

static void who_says_nothing_for_a_while_gets_it_from_the_mailbox(void **state)
{
    (void)state;
    both_are_here();
    send_to(&maria, "joao", 7, "one");
    router_tick(router, now_ms + LIMIT_SPOOL_MS - 1);
    assert_asked("");
    router_tick(router, now_ms + LIMIT_SPOOL_MS);
    assert_asked("put:7>joao");
    store_does_put();
    assert_said(&maria, "7=stored");
    receipt(&joao, "maria", 7);
    /* This session has it already. */
    assert_asked("remove:joao/1=delivered read:joao>1");
    store_does_all();
    assert_said(&joao, "one-from-maria");
    assert_said(&maria, "7=delivered!");
    send_to(&maria, "joao", 8, "two");
    assert_said(&joao, "two-from-maria");
}

static void a_clock_set_back_is_waited_out(void **state)
{
    (void)state;
    both_are_here();
    send_to(&maria, "joao", 7, "one");
    router_tick(router, now_ms - 3600000);
    assert_asked("");
    router_tick(router, now_ms - 3600000 + LIMIT_SPOOL_MS);
    assert_asked("put:7>joao");
}

static void a_receipt_while_it_is_being_put_counts(void **state)
{
    (void)state;
    both_are_here();
    send_to(&maria, "joao", 7, "one");
    send_to(&maria, "joao", 8, "two");
    router_tick(router, now_ms + LIMIT_SPOOL_MS);
    receipt(&joao, "maria", 7);
    receipt(&joao, "maria", 8);
    store_asked[0] = '\0';
    store_does_put();
    assert_asked("remove:joao/1=delivered read:joao>1");
    store_refuses_put(OUTCOME_REASON_NO_ROOM);
    assert_said(&maria, "7=delivered 8=delivered");
    store_does_all();
    assert_said(&maria, "7=delivered!");
    assert_int_equal(store_rows("joao"), 0);
    assert_int_equal(router_in_flight(router), 0);
}

static void a_receipt_counts_also_when_its_session_has_gone(void **state)
{
    (void)state;
    both_are_here();
    send_to(&maria, "joao", 7, "one");
    router_tick(router, now_ms + LIMIT_SPOOL_MS);
    receipt(&joao, "maria", 7);
    leave(&joao);
    store_does_put();
    assert_said(&maria, "7=delivered");
    store_does_removals();
    assert_int_equal(store_rows("joao"), 0);
}

static void a_newer_session_confirms_nothing_of_the_older(void **state)
{
    (void)state;
    struct link newer;
    both_are_here();
    send_to(&maria, "joao", 7, "one");
    join(&newer, "joao", CLIENT_AUTH_RECEIVE, 2);
    receipt(&newer, "maria", 7);
    store_does_put();
    assert_said(&maria, "7=stored");
    store_does_read();
    assert_said(&newer, "one-from-maria");
    receipt(&newer, "maria", 7);
    store_does_removals();
    assert_said(&maria, "7=delivered!");
}

/* 7 and 8 of maria's are being put, he has confirmed 8, and what comes is held until that is done.
 */
static void he_catches_up(void)
{
    send_to(&maria, "joao", 7, "one");
    send_to(&maria, "joao", 8, "two");
    router_tick(router, now_ms + LIMIT_SPOOL_MS);
    assert_asked("put:7>joao put:8>joao");
    assert_said(&joao, "one-from-maria two-from-maria");
    receipt(&joao, "maria", 8);
}

static void what_comes_while_he_catches_up_is_held_for_him(void **state)
{
    (void)state;
    both_are_here();
    he_catches_up();
    send_to(&maria, "joao", 9, "three");
    store_does_put();
    store_does_put();
    assert_asked("read:joao>1 remove:joao/2=delivered");
    store_does_read();
    assert_said(&joao, "");
    store_does_read();
    assert_said(&joao, "three-from-maria");
    assert_said(&maria, "7=stored 8=delivered");
    receipt(&joao, "maria", 9);
    assert_said(&maria, "9=delivered");
}

static void who_confirms_nothing_drains_and_is_not_live(void **state)
{
    (void)state;
    both_are_here();
    send_to(&maria, "joao", 7, "one");
    router_tick(router, now_ms + LIMIT_SPOOL_MS);
    send_to(&maria, "joao", 8, "two");
    store_does_all();
    assert_asked("put:7>joao put:8>joao");
    assert_said(&maria, "7=stored 8=stored");
    assert_said(&joao, "one-from-maria");
    receipt(&joao, "maria", 7);
    store_does_all();
    assert_said(&joao, "two-from-maria");
}

static void what_is_held_too_long_is_put(void **state)
{
    (void)state;
    both_are_here();
    he_catches_up();
    now_ms += LIMIT_SPOOL_MS;
    send_to(&maria, "joao", 9, "three");
    router_tick(router, now_ms + LIMIT_SPOOL_MS - 1);
    assert_asked("");
    router_tick(router, now_ms + LIMIT_SPOOL_MS);
    assert_asked("put:9>joao");
    store_does_all();
    assert_said(&maria, "7=stored 8=delivered 9=stored 8=delivered!");
    receipt(&joao, "maria", 7);
    store_does_all();
    assert_said(&joao, "three-from-maria");
}

static void a_stop_puts_all_and_takes_no_more(void **state)
{
    (void)state;
    both_are_here();
    send_to(&maria, "joao", 7, "one");
    router_stop(router);
    assert_int_equal(router_putting(router), 1);
    send_to(&maria, "joao", 8, "two");
    assert_asked("put:7>joao put:8>joao");
    assert_said(&joao, "one-from-maria");
    store_does_put();
    store_does_put();
    assert_said(&maria, "7=stored 8=stored");
    assert_int_equal(router_putting(router), 0);
    assert_asked("");
}

/* ---- a row and a flight of the same message ---- */

/* A failed write that came true, and its sender's second try. */
static void it_is_read_while_being_put(void)
{
    const struct name name = name_of("joao");
    maria_is_here();
    store_has("maria", "joao", 7, "oi");
    send_to(&maria, "joao", 7, "oi");
    assert_ok(router_box(router, &name, 1));
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_does_read();
}

static void what_is_read_before_its_put_is_answered_is_given_once(void **state)
{
    (void)state;
    it_is_read_while_being_put();
    assert_said(&joao, "oi-from-maria");
    store_does_put();
    assert_said(&maria, "7=stored");
    store_does_all();
    assert_said(&joao, "");
    receipt(&joao, "maria", 7);
    store_does_all();
    assert_said(&maria, "7=delivered!");
    assert_int_equal(store_rows("joao"), 0);
    assert_int_equal(router_in_flight(router), 0);
}

static void a_refused_put_of_what_lies_there_is_stored(void **state)
{
    (void)state;
    it_is_read_while_being_put();
    assert_said(&joao, "oi-from-maria");
    store_refuses_put(OUTCOME_REASON_NO_ROOM);
    assert_said(&maria, "7=stored");
    store_asked[0] = '\0';
    receipt(&joao, "maria", 7);
    assert_non_null(strstr(store_asked, "remove:joao/1=delivered"));
}

/* It expires between its being read and its being put once more: what lies between the old row and
 * the new one has yet to come. */
static void a_row_that_comes_anew_hides_none_before_it(void **state)
{
    (void)state;
    struct link again;
    maria_is_here();
    send_to(&maria, "joao", 7, "one");
    send_to(&maria, "joao", 8, "two");
    store_does_put();
    store_does_put();
    join(&again, "maria", CLIENT_AUTH_SEND, 1);
    send_to(&again, "joao", 7, "one");
    store_reads_at_most(1);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_does_read();
    assert_said(&joao, "one-from-maria");
    store_expires(1);
    store_does_put();
    store_does_all();
    assert_said(&joao, "two-from-maria");
}

/* What the store failed to write may be there after all: no count says so. */
static void after_a_failed_put_the_mailbox_is_looked_into(void **state)
{
    (void)state;
    maria_is_here();
    send_to(&maria, "joao", 7, "oi");
    store_refuses_put(OUTCOME_REASON_NO_ROOM);
    store_has("maria", "joao", 7, "oi");
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_does_read();
    assert_said(&joao, "oi-from-maria");
}

static void a_store_that_cannot_be_read_keeps_nobody_from_being_live(void **state)
{
    (void)state;
    maria_is_here();
    send_to(&maria, "joao", 7, "oi");
    store_refuses_put(OUTCOME_REASON_NO_ROOM);
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_fails_read(MLT_ERR_DATABASE);
    send_to(&maria, "joao", 7, "oi");
    assert_said(&joao, "oi-from-maria");
}

static void a_message_of_another_that_lies_there_uncounted_is_found(void **state)
{
    (void)state;
    maria_is_here();
    send_to(&maria, "joao", 7, "one");
    send_to(&maria, "joao", 8, "two");
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_has("maria", "joao", 8, "two"); /* before this put, by a failed one */
    store_refuses_put(OUTCOME_REASON_FULL);
    store_does_put(); /* not fresh: the count stays 0 */
    store_does_all();
    assert_said(&joao, "two-from-maria");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTER_TEST(a_message_for_somebody_away_is_stored_and_then_acknowledged),
        ROUTER_TEST(a_login_that_only_sends_gets_no_mail),
        ROUTER_TEST(what_the_store_refuses_the_sender_hears),
        ROUTER_TEST(what_was_delivered_before_is_said_to_be),
        ROUTER_TEST(the_mailbox_drains_in_order_and_then_he_is_live),
        ROUTER_TEST(only_a_receipt_removes_and_only_then_is_it_delivered),
        ROUTER_TEST(what_was_not_confirmed_comes_again_at_the_next_login),
        ROUTER_TEST(an_empty_mailbox_needs_no_read),
        ROUTER_TEST(what_was_there_at_start_is_read),
        ROUTER_TEST(an_erased_mailbox_is_read_before_it_is_believed_empty),
        ROUTER_TEST(mail_of_somebody_the_ca_no_longer_names_waits_for_him),
        ROUTER_TEST(a_drain_has_a_window),
        ROUTER_TEST(a_damaged_message_is_asked_for_again),
        ROUTER_TEST(a_read_that_fails_is_tried_again),
        ROUTER_TEST(a_login_that_cannot_open_its_mail_is_asked_to_come_again),
        ROUTER_TEST(an_answer_to_a_session_that_is_gone_is_ignored),
        ROUTER_TEST(a_session_that_ends_leaves_its_mail_to_the_mailbox),
        ROUTER_TEST(a_message_to_oneself_is_kept_when_the_session_ends),
        ROUTER_TEST(who_says_nothing_for_a_while_gets_it_from_the_mailbox),
        ROUTER_TEST(a_clock_set_back_is_waited_out),
        ROUTER_TEST(a_receipt_while_it_is_being_put_counts),
        ROUTER_TEST(a_receipt_counts_also_when_its_session_has_gone),
        ROUTER_TEST(a_newer_session_confirms_nothing_of_the_older),
        ROUTER_TEST(what_comes_while_he_catches_up_is_held_for_him),
        ROUTER_TEST(who_confirms_nothing_drains_and_is_not_live),
        ROUTER_TEST(what_is_held_too_long_is_put),
        ROUTER_TEST(a_stop_puts_all_and_takes_no_more),
        ROUTER_TEST(what_is_read_before_its_put_is_answered_is_given_once),
        ROUTER_TEST(a_refused_put_of_what_lies_there_is_stored),
        ROUTER_TEST(a_row_that_comes_anew_hides_none_before_it),
        ROUTER_TEST(after_a_failed_put_the_mailbox_is_looked_into),
        ROUTER_TEST(a_store_that_cannot_be_read_keeps_nobody_from_being_live),
        ROUTER_TEST(a_message_of_another_that_lies_there_uncounted_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
