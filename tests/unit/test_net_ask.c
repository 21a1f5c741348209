/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "relay/net_ask.h"

/* Questions to ca: their window, their order, and what becomes of them when ca is gone. */

struct asker {
    struct net_ask ask;
    struct net_asks *asks;
    size_t size; /* of its question */
    unsigned answers, losses;
    bool again; /* asks anew when it is told that ca is gone */
    struct asker *forgets;
};

static enum mlt_err encode(void *owner, struct buf *body)
{
    const struct asker *asker = owner;
    uint8_t *where = NULL;
    return buf_extend(body, asker->size, &where);
}

static enum mlt_err answered(void *owner, struct span body)
{
    struct asker *asker = owner;
    asker->answers++;
    return body.n > 0 ? MLT_OK : MLT_ERR_TRUNCATED;
}

static void lost(void *owner)
{
    struct asker *asker = owner;
    asker->losses++;
    if (asker->forgets != NULL)
        net_ask_forget(asker->asks, &asker->forgets->ask);
    if (asker->again)
        net_ask_add(asker->asks, &asker->ask);
}

static const struct net_ask_kind proof = { IPC_LOGIN_PROOF, IPC_LOGIN_GRANT, encode, answered,
                                           lost };

struct scene {
    struct net_asks asks;
    struct channel net, ca;
    struct asker askers[LIMIT_ENROL_WINDOW + 4];
    struct buf received, body;
    struct ipc_message message;
};

static void start(struct scene *s)
{
    int pair[2];
    *s = (struct scene) { 0 };
    assert_ok(channel_pair(pair));
    channel_init(&s->net, pair[0], IPC_NET, IPC_CA);
    channel_init(&s->ca, pair[1], IPC_CA, IPC_NET);
    net_asks_init(&s->asks);
    for (size_t i = 0; i < COUNT_OF(s->askers); i++)
        s->askers[i] = (struct asker) { .ask = { .kind = &proof, .owner = &s->askers[i] },
                                        .asks = &s->asks,
                                        .size = 1000 + i };
}

static void stop(struct scene *s)
{
    channel_close(&s->net);
    channel_close(&s->ca);
    buf_clear(&s->received);
    buf_clear(&s->body);
}

static void ask(struct scene *s, size_t count)
{
    for (size_t i = 0; i < count; i++)
        net_ask_add(&s->asks, &s->askers[i].ask);
    assert_ok(net_asks_send(&s->asks, &s->net, &s->body));
}

static size_t heard(struct scene *s)
{
    bool got = false;
    assert_ok(channel_receive(&s->ca, 0, &s->received, &s->message, &got));
    return got ? s->message.body.n : 0;
}

static enum mlt_err answer(struct scene *s, enum ipc_type type, uint32_t tag)
{
    const struct ipc_message message = { .type = type, .tag = tag, .body = span_str("yes") };
    return net_asks_answer(&s->asks, &message);
}

static void they_go_in_order_and_so_many_at_once(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    uint32_t first = 0;
    start(&s);
    assert_true(net_asks_is_idle(&s.asks));
    ask(&s, COUNT_OF(s.askers));
    for (size_t i = 0; i < LIMIT_ENROL_WINDOW; i++) {
        assert_int_equal(heard(&s), 1000 + i);
        first = i == 0 ? s.message.tag : first;
    }
    assert_int_equal(heard(&s), 0);
    assert_ok(answer(&s, IPC_LOGIN_GRANT, first));
    assert_int_equal(s.askers[0].answers, 1);
    assert_false(net_ask_is_open(&s.askers[0].ask));
    assert_ok(net_asks_send(&s.asks, &s.net, &s.body));
    assert_int_equal(heard(&s), 1000 + LIMIT_ENROL_WINDOW);
    assert_int_equal(heard(&s), 0);
}

static void large_ones_are_fewer_at_once_but_always_one(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    start(&s);
    for (size_t i = 0; i < 5; i++)
        s.askers[i].size = 32000;
    ask(&s, 5);
    assert_in_range(LIMIT_ASK_BYTES / 32000, 1, 4);
    for (size_t i = 0; i < LIMIT_ASK_BYTES / 32000; i++)
        assert_int_equal(heard(&s), 32000);
    assert_int_equal(heard(&s), 0);
}

static void asked_twice_is_asked_once(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    start(&s);
    ask(&s, 1);
    ask(&s, 1);
    assert_int_equal(heard(&s), 1000);
    assert_int_equal(heard(&s), 0);
}

static void an_answer_nobody_asked_for_is_refused(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    start(&s);
    assert_err(answer(&s, IPC_LOGIN_GRANT, 1), MLT_ERR_UNEXPECTED);
    assert_err(answer(&s, IPC_LOGIN_GRANT, 0), MLT_ERR_UNEXPECTED);
    ask(&s, 1);
    assert_int_equal(heard(&s), 1000);
    uint32_t tag = s.message.tag;
    assert_err(answer(&s, IPC_UNWRAPPED, tag), MLT_ERR_UNEXPECTED);
    assert_err(answer(&s, IPC_LOGIN_GRANT, tag + 1), MLT_ERR_UNEXPECTED);
    assert_int_equal(s.askers[0].answers, 0);
    assert_ok(answer(&s, IPC_LOGIN_GRANT, tag));
    /* Not twice. */
    assert_err(answer(&s, IPC_LOGIN_GRANT, tag), MLT_ERR_UNEXPECTED);
}

static void the_answer_to_a_forgotten_one_is_thrown_away(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    start(&s);
    ask(&s, 1);
    assert_int_equal(heard(&s), 1000);
    net_ask_forget(&s.asks, &s.askers[0].ask);
    assert_false(net_asks_is_idle(&s.asks));
    assert_ok(answer(&s, IPC_LOGIN_GRANT, s.message.tag));
    assert_int_equal(s.askers[0].answers, 0);
    assert_true(net_asks_is_idle(&s.asks));
}

static void everybody_hears_that_ca_is_gone_once(void **state)
{
    (void)state;
    CLEANUP(stop) struct scene s;
    start(&s);
    const size_t last = COUNT_OF(s.askers) - 1;
    ask(&s, COUNT_OF(s.askers));
    s.askers[0].again = s.askers[last].again = true;
    s.askers[1].forgets = &s.askers[last - 1]; /* one that still waits */
    net_asks_lose(&s.asks);
    for (size_t i = 0; i <= last; i++)
        assert_int_equal(s.askers[i].losses, i != last - 1);
    assert_true(net_asks_is_idle(&s.asks));
    /* Who asked anew meanwhile is sent to the next one. */
    assert_ok(net_asks_send(&s.asks, &s.net, &s.body));
    for (size_t i = 0; i < LIMIT_ENROL_WINDOW; i++)
        assert_in_range(heard(&s), 1000, 1000 + last);
    assert_int_equal(heard(&s), 1000);
    assert_int_equal(heard(&s), 1000 + last);
    assert_int_equal(heard(&s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_go_in_order_and_so_many_at_once),
        cmocka_unit_test(large_ones_are_fewer_at_once_but_always_one),
        cmocka_unit_test(asked_twice_is_asked_once),
        cmocka_unit_test(an_answer_nobody_asked_for_is_refused),
        cmocka_unit_test(the_answer_to_a_forgotten_one_is_thrown_away),
        cmocka_unit_test(everybody_hears_that_ca_is_gone_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
