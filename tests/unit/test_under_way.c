/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "client/under_way.h"

/* Pauses after the server lost what it had stored. */

static const struct name joao = { "joao" };
static const struct name ana = { "ana" };

static const int64_t now = 1000;

static void several_that_are_lost_at_once_make_one_pause(void **state)
{
    (void)state;
    struct under_way u = { 0 };
    for (int64_t row = 1; row <= 5; row++)
        under_way_lost(&u, &joao, row, now);
    assert_int_equal(under_way_rest_due_ms(&u, now), now + LIMIT_RESEND_FIRST_MS);
    assert_true(under_way_rests(&u, &joao, now + LIMIT_RESEND_FIRST_MS - 1));
    assert_false(under_way_rests(&u, &joao, now + LIMIT_RESEND_FIRST_MS));
    /* One that is lost after it makes a longer one. */
    under_way_lost(&u, &joao, 6, now + LIMIT_RESEND_FIRST_MS);
    assert_true(under_way_rests(&u, &joao, now + 3 * LIMIT_RESEND_FIRST_MS - 1));
    assert_false(under_way_rests(&u, &joao, now + 3 * LIMIT_RESEND_FIRST_MS));
}

/* While later ones of it are under way, so that it is not given up and begun anew. */
static void a_stream_goes_again_from_the_first_that_was_lost(void **state)
{
    (void)state;
    struct under_way u = { 0 };
    const struct store_stream is = { .recipient = joao, .row = 1 };
    struct under_way_message m = { .row = 9, .stream = under_way_add_stream(&u, &is) };
    assert_non_null(m.stream);
    under_way_add(&u, &m);
    under_way_lost(&u, &joao, 12, now); /* sent by another process */
    assert_int_equal(m.stream->sent_row, 9);
    under_way_lost(&u, &joao, 7, now);
    assert_int_equal(m.stream->sent_row, 6);
    under_way_lost(&u, &joao, 8, now);
    assert_int_equal(m.stream->sent_row, 6);
}

static void each_recipient_has_a_pause_of_their_own(void **state)
{
    (void)state;
    struct under_way u = { 0 };
    under_way_lost(&u, &joao, 1, now);
    assert_false(under_way_rests(&u, &ana, now));
    under_way_lost(&u, &ana, 2, now + 1);
    assert_true(under_way_rests(&u, &joao, now + 1));
    assert_int_equal(under_way_rest_due_ms(&u, now + 1), now + LIMIT_RESEND_FIRST_MS);
    under_way_delivered(&u, &joao);
    assert_false(under_way_rests(&u, &joao, now + 1));
    assert_true(under_way_rests(&u, &ana, now + 1));
    assert_int_equal(under_way_rest_due_ms(&u, now + 1), now + 1 + LIMIT_RESEND_FIRST_MS);
    assert_int_equal(under_way_rest_due_ms(&u, now + 1 + LIMIT_RESEND_FIRST_MS), INT64_MAX);
}

static void where_no_place_is_left_the_pause_that_ends_first_gives_way(void **state)
{
    (void)state;
    struct under_way u = { 0 };
    struct name name = { "n" };
    for (size_t i = 0; i < COUNT_OF(u.losses); i++) {
        name.text[1] = (char)('a' + i / 26);
        name.text[2] = (char)('a' + i % 26);
        under_way_lost(&u, &name, 1, now + (int64_t)i);
    }
    under_way_lost(&u, &joao, 1, now);
    assert_true(under_way_rests(&u, &joao, now));
    assert_false(under_way_rests(&u, &(struct name) { "naa" }, now));
    assert_true(under_way_rests(&u, &(struct name) { "nab" }, now));
    assert_true(under_way_rests(&u, &name, now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_that_are_lost_at_once_make_one_pause),
        cmocka_unit_test(a_stream_goes_again_from_the_first_that_was_lost),
        cmocka_unit_test(each_recipient_has_a_pause_of_their_own),
        cmocka_unit_test(where_no_place_is_left_the_pause_that_ends_first_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
