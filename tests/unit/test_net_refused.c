/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "relay/net_refused.h"

/* Streams that have a refusal on its way to the router. */

static struct envelope of(const char *sender, const char *recipient)
{
    struct envelope e = { .sender = { .kind = ADDRESS_USER },
                          .recipient = { .kind = ADDRESS_USER } };
    assert_ok(name_parse(span_str(sender), &e.sender.name));
    assert_ok(name_parse(span_str(recipient), &e.recipient.name));
    return e;
}

static void a_refusal_is_of_one_sender_and_one_recipient(void **state)
{
    (void)state;
    struct net_refusals refusals;
    struct net_refused *stream = NULL;
    const struct envelope flood = of("mallory", "joao");
    const struct envelope others[] = { of("maria", "joao"), of("mallory", "maria"),
                                       of("joao", "mallory") };
    assert_ok(net_refusals_init(&refusals, env_system()));
    assert_false(net_refused_has(&refusals, &flood));
    assert_ok(net_refused_add(&refusals, &flood, &stream));
    assert_true(net_refused_has(&refusals, &flood));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(net_refused_has(&refusals, &others[i]));
    net_refused_end(&refusals, stream);
    assert_false(net_refused_has(&refusals, &flood));
    net_refusals_clear(&refusals);
}

static void a_stream_has_one_until_the_last_of_them_is_told(void **state)
{
    (void)state;
    struct net_refusals refusals;
    struct net_refused *streams[3];
    const struct envelope one = of("maria", "joao");
    const struct envelope other = of("maria", "ana");
    assert_ok(net_refusals_init(&refusals, env_system()));
    assert_ok(net_refused_add(&refusals, &one, &streams[0]));
    assert_ok(net_refused_add(&refusals, &other, &streams[1]));
    assert_ok(net_refused_add(&refusals, &one, &streams[2]));
    net_refused_end(&refusals, streams[0]);
    assert_true(net_refused_has(&refusals, &one));
    net_refused_end(&refusals, streams[2]);
    assert_false(net_refused_has(&refusals, &one));
    assert_true(net_refused_has(&refusals, &other));
    net_refused_end(&refusals, streams[1]);
    assert_int_equal(refusals.of_senders.count + refusals.of_streams.count, 0);
    net_refusals_clear(&refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_is_of_one_sender_and_one_recipient),
        cmocka_unit_test(a_stream_has_one_until_the_last_of_them_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
