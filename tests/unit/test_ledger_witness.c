/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "papers.h"
#include "relay/ledger_witness.h"

/* What a signed head is to the one that net holds. */

struct shown {
    struct ledger_head head;
    struct buf bytes;
};

static void shown_clear(struct shown *s)
{
    buf_clear(&s->bytes);
}

static void show(struct shown *s, const struct papers_ledger *ledger)
{
    *s = (struct shown) { 0 };
    papers_head(ledger, 1000, &s->bytes);
    assert_ok(ledger_witness_read(&pair_house()->ca, buf_span(&s->bytes), &s->head));
}

static void hold(struct ledger_witness *w, const struct papers_ledger *ledger)
{
    CLEANUP(shown_clear) struct shown s;
    show(&s, ledger);
    assert_ok(ledger_witness_take(w, &s.head, buf_span(&s.bytes)));
}

static enum witness_verdict judge(const struct ledger_witness *w,
                                  const struct papers_ledger *ledger)
{
    CLEANUP(shown_clear) struct shown s;
    show(&s, ledger);
    return ledger_witness_judge(w, &s.head);
}

static enum witness_answer answer(const struct ledger_witness *w,
                                  const struct papers_ledger *ledger)
{
    CLEANUP(shown_clear) struct shown s;
    show(&s, ledger);
    return ledger_witness_answer(w, &s.head);
}

static const struct papers_ledger ours = { .epoch = 100, .size = 9 };

static void the_first_head_is_new(void **state)
{
    (void)state;
    const struct ledger_witness none = { 0 };
    assert_int_equal(judge(&none, &ours), WITNESS_NEWER);
}

static void more_leaves_or_a_later_epoch_are_newer(void **state)
{
    (void)state;
    CLEANUP(ledger_witness_clear) struct ledger_witness w = { 0 };
    hold(&w, &ours);
    assert_int_equal(judge(&w, &ours), WITNESS_SAME);
    assert_int_equal(judge(&w, &(struct papers_ledger) { .epoch = 100, .size = 10 }),
                     WITNESS_NEWER);
    assert_int_equal(judge(&w, &(struct papers_ledger) { .epoch = 101, .base = 4, .size = 5 }),
                     WITNESS_NEWER);
}

static void fewer_leaves_or_an_earlier_epoch_are_older(void **state)
{
    (void)state;
    CLEANUP(ledger_witness_clear) struct ledger_witness w = { 0 };
    hold(&w, &ours);
    assert_int_equal(judge(&w, &(struct papers_ledger) { .epoch = 100, .size = 8 }), WITNESS_OLDER);
    assert_int_equal(judge(&w, &(struct papers_ledger) { .epoch = 99, .size = 20 }), WITNESS_OLDER);
}

static void another_root_or_base_is_a_fork(void **state)
{
    (void)state;
    CLEANUP(ledger_witness_clear) struct ledger_witness w = { 0 };
    hold(&w, &ours);
    assert_int_equal(judge(&w, &(struct papers_ledger) { .epoch = 100, .size = 9, .salt = 1 }),
                     WITNESS_FORKED);
    for (uint64_t size = 8; size <= 10; size++)
        assert_int_equal(
            judge(&w, &(struct papers_ledger) { .epoch = 100, .base = 1, .size = size }),
            WITNESS_FORKED);
}

static void what_a_client_shows_is_answered_by_what_it_is(void **state)
{
    (void)state;
    CLEANUP(ledger_witness_clear) struct ledger_witness w = { 0 };
    hold(&w, &(struct papers_ledger) { .epoch = 100, .base = 4, .size = 9 });
    const struct {
        struct papers_ledger shown;
        enum witness_answer answer;
    } rows[] = {
        { { .epoch = 100, .base = 4, .size = 9 }, WITNESS_EQUAL },
        { { .epoch = 100, .base = 4, .size = 5 }, WITNESS_PROVABLE },
        { { .epoch = 99, .size = 4 }, WITNESS_PROVABLE },
        { { .epoch = 99, .size = 5 }, WITNESS_LOST },
        { { .epoch = 99, .size = 50 }, WITNESS_LOST },
        { { .epoch = 100, .base = 4, .size = 10 }, WITNESS_ALARM },
        { { .epoch = 100, .base = 4, .size = 9, .salt = 1 }, WITNESS_ALARM },
        { { .epoch = 100, .base = 3, .size = 5 }, WITNESS_ALARM },
        { { .epoch = 101, .base = 4, .size = 4 }, WITNESS_ALARM },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (answer(&w, &rows[i].shown) != rows[i].answer)
            fail_msg("row %zu", i);
}

static void a_head_of_another_hand_is_none(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    CLEANUP(cert_clear) struct cert twin = { 0 };
    CLEANUP(buf_clear) struct buf twin_der = { 0 };
    struct ledger_head head = { 0 };
    papers_head(&ours, 1000, &bytes);
    bytes.p[20] ^= 1;
    assert_err(ledger_witness_read(&pair_house()->ca, buf_span(&bytes), &head), MLT_ERR_AUTH);
    bytes.p[20] ^= 1;
    pair_forge_ca(pair_house()->other_key, &twin_der);
    assert_ok(cert_read_ca(buf_span(&twin_der), NULL, &twin));
    assert_err(ledger_witness_read(&twin, buf_span(&bytes), &head), MLT_ERR_AUTH);
    assert_err(ledger_witness_read(&pair_house()->ca, span_of(bytes.p, 100), &head),
               MLT_ERR_TRUNCATED);
    assert_int_equal(head.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_head_is_new),
        cmocka_unit_test(more_leaves_or_a_later_epoch_are_newer),
        cmocka_unit_test(fewer_leaves_or_an_earlier_epoch_are_older),
        cmocka_unit_test(another_root_or_base_is_a_fork),
        cmocka_unit_test(what_a_client_shows_is_answered_by_what_it_is),
        cmocka_unit_test(a_head_of_another_hand_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
