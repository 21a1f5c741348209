/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "relay/net_share.h"

/* What one sender may have waiting for the disk. */

static const size_t most = LIMIT_STORE_SHARE / (LIMIT_BODY + 4096);

static struct envelope of(const char *sender)
{
    static const uint8_t body[LIMIT_BODY];
    struct envelope e = { .sender = { .kind = ADDRESS_USER }, .body = SPAN_OF(body) };
    assert_ok(name_parse(span_str(sender), &e.sender.name));
    return e;
}

static void a_flood_of_one_leaves_room_for_others(void **state)
{
    (void)state;
    struct net_shares shares;
    static struct net_put *puts[2 * LIMIT_STORE_SHARE / LIMIT_BODY];
    const struct envelope flood = of("mallory");
    const struct envelope honest = of("maria");
    struct net_put *put = NULL;
    size_t count = 0;
    int tickets[COUNT_OF(puts)];
    assert_ok(net_shares_init(&shares, env_system()));
    while (net_share_take(&shares, &flood, &tickets[count], &puts[count]) == MLT_OK)
        count++;
    assert_in_range(count, most, LIMIT_STORE_SHARE / LIMIT_BODY);
    assert_err(net_share_take(&shares, &flood, &tickets[0], &put), MLT_ERR_TOO_MANY);
    assert_ok(net_share_take(&shares, &honest, &tickets[0], &put));
    assert_ptr_equal(net_share_give_back(&shares, put), &tickets[0]);

    /* One is on the disk: one more may come. */
    assert_ptr_equal(net_share_give_back(&shares, puts[0]), &tickets[0]);
    assert_ok(net_share_take(&shares, &flood, &tickets[0], &puts[0]));
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(net_share_give_back(&shares, puts[i]), &tickets[i]);
    assert_int_equal(shares.of_senders.count, 0);
    net_shares_clear(&shares);
}

static void messages_of_no_size_are_counted_too(void **state)
{
    (void)state;
    struct net_shares shares;
    static struct net_put *puts[LIMIT_STORE_JOBS];
    struct envelope empty = of("mallory");
    size_t count = 0;
    empty.body.n = 0;
    assert_ok(net_shares_init(&shares, env_system()));
    while (net_share_take(&shares, &empty, NULL, &puts[count]) == MLT_OK)
        count++;
    assert_int_equal(count, LIMIT_STORE_JOBS / 4);
    while (count > 0)
        assert_null(net_share_give_back(&shares, puts[--count]));
    net_shares_clear(&shares);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_one_leaves_room_for_others),
        cmocka_unit_test(messages_of_no_size_are_counted_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
