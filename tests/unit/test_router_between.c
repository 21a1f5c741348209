/* SPDX-License-Identifier: Apache-2.0 */
#include "router_scene.h"

/* What comes while the store is still at work on something of the same recipient. */

static void joao_is_erased(void)
{
    const struct name name = name_of("joao");
    router_erased(router, &name, now_ms);
}

static void what_is_read_while_a_mailbox_is_erased_is_not_taken_for_all_there_is(void **state)
{
    (void)state;
    const struct name name = name_of("joao");
    assert_ok(router_box(router, &name, 5));
    store_reads_at_most(1);
    store_has("maria", "joao", 7, "oi"); /* both of the mailbox that he has now */
    store_has("maria", "joao", 8, "tudo bem");
    store_asked[0] = '\0';
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    assert_asked("read:joao>0");
    joao_is_erased();
    store_does_read();
    assert_said(&joao, "oi-from-maria");
    assert_asked("read:joao>1");
    store_does_read();
    assert_said(&joao, "tudo bem-from-maria");
}

static void a_read_from_before_an_erasure_is_not_believed_at_the_next_login(void **state)
{
    (void)state;
    const struct name name = name_of("joao");
    assert_ok(router_box(router, &name, 5));
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    assert_asked("read:joao>0");
    joao_is_erased();
    store_does_read(); /* it found nothing */
    store_does_all();
    leave(&joao);
    store_has("maria", "joao", 7, "oi");
    store_asked[0] = '\0';
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
    assert_asked("read:joao>0");
    store_does_all();
    assert_said(&joao, "oi-from-maria");
}

/* PROTOCOL.md 8.1: a receipt *read* comes after the one that says delivered, or is nothing. */
static void what_is_said_to_be_read_before_it_is_confirmed_is_not_told(void **state)
{
    (void)state;
    const struct receipt r = { .sender = { ADDRESS_USER, name_of("maria") },
                               .id = { 7 },
                               .state = OUTCOME_READ };
    one_is_being_put();
    assert_ok(router_receipt(router, joao.route, &r, now_ms));
    receipt(&joao, "maria", 7);
    store_does_put();
    assert_asked("remove:joao/1=delivered read:joao>1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTER_TEST(what_is_read_while_a_mailbox_is_erased_is_not_taken_for_all_there_is),
        ROUTER_TEST(a_read_from_before_an_erasure_is_not_believed_at_the_next_login),
        ROUTER_TEST(what_is_said_to_be_read_before_it_is_confirmed_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
