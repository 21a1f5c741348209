/* SPDX-License-Identifier: Apache-2.0 */
#include "router_scene.h"

/* Messages whose rows leave the mailbox while their recipient's session has them. */

/* joao's session has message 7 of the mailbox, and has not confirmed it. */
static void drain_one(void)
{
    maria_is_here();
    send_to(&maria, "joao", 7, "one");
    store_does_put();
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    store_does_read();
    assert_said(&maria, "7=stored");
    assert_said(&joao, "one-from-maria");
    store_asked[0] = '\0';
}

static void is_erased(uint8_t id)
{
    const struct name name = name_of("joao");
    const struct router_notice erased = { .sender = name_of("maria"),
                                          .recipient = name,
                                          .outcome = { .state = OUTCOME_REFUSED,
                                                       .reason = OUTCOME_REASON_ERASED,
                                                       .id = { id },
                                                       .kept = true } };
    router_erased(router, &name, now_ms);
    router_told(router, &erased);
}

static void a_receipt_for_what_has_expired_is_told_as_delivered(void **state)
{
    (void)state;
    drain_one();
    store_expires(1);
    assert_said(&maria, "7=expired!");
    receipt(&joao, "maria", 7);
    assert_asked("tell:maria/7-by-joao=delivered");
    assert_int_equal(router_in_flight(router), 0);
    receipt(&joao, "maria", 7); /* once */
    assert_asked("");
}

static void a_receipt_for_what_was_erased_is_told_as_delivered(void **state)
{
    (void)state;
    drain_one();
    is_erased(7);
    assert_said(&maria, "7=refused:erased!");
    store_asked[0] = '\0';
    receipt(&joao, "maria", 7);
    assert_asked("tell:maria/7-by-joao=delivered");
}

static void what_expired_and_is_not_confirmed_stays_expired(void **state)
{
    (void)state;
    drain_one();
    store_expires(1);
    leave(&joao);
    assert_asked("");
    assert_said(&maria, "7=expired!");
    assert_int_equal(router_in_flight(router), 0);
}

static void what_has_expired_is_not_said_to_be_stored(void **state)
{
    (void)state;
    struct link again = { 0 };
    drain_one();
    store_expires(1);
    join(&again, "maria", CLIENT_AUTH_SEND, 3);
    send_to(&again, "joao", 7, "one");
    assert_said(&again, "7=refused:busy");
    receipt(&joao, "maria", 7);
    assert_asked("tell:maria/7-by-joao=delivered");
}

static void it_expires_while_put_again(struct link *again)
{
    drain_one();
    leave(&joao);
    join(again, "maria", CLIENT_AUTH_SEND, 3);
    send_to(again, "joao", 7, "one");
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 4);
    store_does_read(); /* and its put is not answered */
    store_expires(1);
}

/* Sent again, and kept anew, it is one like any other. */
static void what_expired_and_is_kept_again_is_removed(void **state)
{
    (void)state;
    struct link again = { 0 };
    it_expires_while_put_again(&again);
    store_does_put();
    assert_said(&again, "7=expired! 7=stored");
    store_asked[0] = '\0';
    receipt(&joao, "maria", 7);
    assert_asked("remove:joao/2=delivered");
}

static void a_put_refused_after_its_row_expired_is_not_stored(void **state)
{
    (void)state;
    struct link again = { 0 };
    it_expires_while_put_again(&again);
    store_refuses_put(OUTCOME_REASON_NO_ROOM);
    assert_said(&again, "7=expired! 7=unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTER_TEST(a_receipt_for_what_has_expired_is_told_as_delivered),
        ROUTER_TEST(a_receipt_for_what_was_erased_is_told_as_delivered),
        ROUTER_TEST(what_expired_and_is_not_confirmed_stays_expired),
        ROUTER_TEST(what_has_expired_is_not_said_to_be_stored),
        ROUTER_TEST(what_expired_and_is_kept_again_is_removed),
        ROUTER_TEST(a_put_refused_after_its_row_expired_is_not_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
