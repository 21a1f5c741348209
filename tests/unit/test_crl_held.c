/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <stdio.h>

#include "papers.h"
#include "relay/crl_held.h"

/* What net holds of revocations, and who gets what of it. */

static const int64_t day_s = 86400;
static const uint8_t serials[2][CERT_SERIAL] = { { 1, 7 }, { 2, 9 } };

static struct papers_list list_of(uint64_t number)
{
    return (struct papers_list) { number, 10 * day_s, 17 * day_s, serials, 2 };
}

static enum mlt_err check_list(const struct papers_list *list, uint64_t number,
                               struct crl_checked *c)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    papers_crl(list, &der);
    return crl_check(&pair_house()->ca, number, &der, c);
}

/* ---- the list ---- */

static void a_list_of_ours_is_taken_with_its_serials(void **state)
{
    (void)state;
    CLEANUP(crl_checked_clear) struct crl_checked c = { 0 };
    const struct papers_list list = list_of(3);
    assert_ok(check_list(&list, 3, &c));
    assert_int_equal(c.list.number, 3);
    assert_int_equal(c.list.this_update_s, 10 * day_s);
    assert_int_equal(c.list.next_update_s, 17 * day_s);
    assert_true(key_set_has(&c.serials, SPAN_OF(serials[0])));
    assert_true(key_set_has(&c.serials, SPAN_OF(serials[1])));
    assert_int_equal(c.serials.count, 2);
}

static void a_list_of_another_number_or_another_hand_is_not(void **state)
{
    (void)state;
    CLEANUP(crl_checked_clear) struct crl_checked c = { 0 };
    CLEANUP(buf_clear) struct buf forged = { 0 };
    const struct papers_list list = list_of(3);
    assert_err(check_list(&list, 4, &c), MLT_ERR_CRL);
    papers_forged_crl(&list, &forged);
    assert_err(crl_check(&pair_house()->ca, 3, &forged, &c), MLT_ERR_CRL_SIGNATURE);
    assert_int_equal(c.list.number, 0);
}

static void only_a_higher_number_is_news(void **state)
{
    (void)state;
    CLEANUP(crl_checked_clear) struct crl_checked held = { 0 };
    CLEANUP(crl_checked_clear) struct crl_checked other = { 0 };
    struct papers_list list = list_of(3);
    const struct crl_held none = { 0 };
    assert_ok(check_list(&list, 3, &held));
    assert_int_equal(crl_held_judge(&none, &held.list), CRL_NEWS);
    assert_int_equal(crl_held_judge(&held.list, &held.list), CRL_SAME);
    list.count = 1;
    assert_ok(check_list(&list, 3, &other));
    assert_int_equal(crl_held_judge(&held.list, &other.list), CRL_BEHIND);
    crl_checked_clear(&other);
    list.number = 2;
    assert_ok(check_list(&list, 2, &other));
    assert_int_equal(crl_held_judge(&held.list, &other.list), CRL_BEHIND);
    assert_int_equal(crl_held_judge(&other.list, &held.list), CRL_NEWS);
}

static void a_list_grows_old_and_then_stale(void **state)
{
    (void)state;
    const struct crl_held none = { 0 };
    const struct crl_held held = { .number = 1,
                                   .this_update_s = 10 * day_s,
                                   .next_update_s = 17 * day_s };
    assert_int_equal(crl_held_age(&none, 100 * day_s), CRL_AGE_NONE);
    assert_int_equal(crl_held_age(&held, 10 * day_s), CRL_AGE_FRESH);
    assert_int_equal(crl_held_age(&held, 10 * day_s + 7 * day_s / 2 - 1), CRL_AGE_FRESH);
    assert_int_equal(crl_held_age(&held, 10 * day_s + 7 * day_s / 2), CRL_AGE_OLD);
    assert_int_equal(crl_held_age(&held, 17 * day_s), CRL_AGE_OLD);
    assert_int_equal(crl_held_age(&held, 17 * day_s + 1), CRL_AGE_STALE);
}

static void a_stale_list_keeps_out_who_was_certified_before_it(void **state)
{
    (void)state;
    const struct crl_held none = { 0 };
    const struct crl_held held = { .number = 1,
                                   .this_update_s = 10 * day_s,
                                   .next_update_s = 17 * day_s };
    const struct cert_fields older = { .not_before_s = 10 * day_s - LIMIT_BACKDATE_S - 1 };
    const struct cert_fields newer = { .not_before_s = 10 * day_s - LIMIT_BACKDATE_S };
    assert_true(crl_held_admits(&held, &older, 17 * day_s));
    assert_false(crl_held_admits(&held, &older, 17 * day_s + 1));
    assert_true(crl_held_admits(&held, &newer, 17 * day_s + 1));
    assert_true(crl_held_admits(&none, &older, 100 * day_s));
}

/* ---- from ca ---- */

static enum mlt_err take(struct crl_parts *parts, uint64_t number, uint32_t offset, uint32_t total,
                         const char *bytes, bool *whole)
{
    const struct ipc_crl_part part = { number, offset, total, span_str(bytes) };
    *whole = false;
    return crl_parts_take(parts, &part, whole);
}

static void the_pieces_are_put_together(void **state)
{
    (void)state;
    CLEANUP(crl_parts_clear) struct crl_parts parts = { 0 };
    bool whole = false;
    assert_ok(take(&parts, 5, 0, 6, "abc", &whole));
    assert_false(whole);
    assert_ok(take(&parts, 5, 3, 6, "def", &whole));
    assert_true(whole);
    assert_span_equal(buf_span(&parts.bytes), span_str("abcdef"));
    assert_ok(take(&parts, 6, 0, 2, "xy", &whole));
    assert_true(whole);
    assert_int_equal(parts.number, 6);
}

static void pieces_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    CLEANUP(crl_parts_clear) struct crl_parts parts = { 0 };
    bool whole = false;
    assert_err(take(&parts, 5, 3, 6, "def", &whole), MLT_ERR_RANGE);
    assert_ok(take(&parts, 5, 0, 6, "abc", &whole));
    assert_err(take(&parts, 5, 4, 6, "ef", &whole), MLT_ERR_RANGE);  /* a gap */
    assert_err(take(&parts, 5, 2, 6, "cd", &whole), MLT_ERR_RANGE);  /* over it */
    assert_err(take(&parts, 4, 3, 6, "def", &whole), MLT_ERR_RANGE); /* of another */
    assert_err(take(&parts, 5, 3, 7, "def", &whole), MLT_ERR_RANGE);
    assert_err(take(&parts, 5, 3, 6, "defg", &whole), MLT_ERR_RANGE); /* too much */
    assert_err(take(&parts, 5, 0, LIMIT_CRL + 1, "abc", &whole), MLT_ERR_RANGE);
    assert_false(whole);
}

/* ---- the notices ---- */

static void add(struct crl_notices *notices, uint64_t number)
{
    char text[32];
    snprintf(text, sizeof(text), "notice %u", (unsigned)number);
    assert_ok(crl_notices_add(notices, number, span_str(text)));
}

static void the_last_notices_are_kept(void **state)
{
    (void)state;
    static struct crl_notices notices;
    uint64_t last = 2 * LIMIT_REVOCATIONS_KEPT + 10;
    for (uint64_t number = 3; number <= last; number++)
        add(&notices, number);
    assert_int_equal(crl_notices_newest(&notices), last);
    assert_null(crl_notices_find(&notices, last - LIMIT_REVOCATIONS_KEPT));
    assert_null(crl_notices_find(&notices, last + 1));
    assert_null(crl_notices_find(&notices, 0));
    for (uint64_t number = last - LIMIT_REVOCATIONS_KEPT + 1; number <= last; number++) {
        char text[32];
        snprintf(text, sizeof(text), "notice %u", (unsigned)number);
        assert_span_equal(buf_span(&crl_notices_find(&notices, number)->record), span_str(text));
    }
    add(&notices, 5); /* a replayed one */
    assert_int_equal(crl_notices_newest(&notices), last);
    crl_notices_clear(&notices);
    assert_int_equal(crl_notices_newest(&notices), 0);
}

static void a_gap_makes_the_earlier_ones_useless(void **state)
{
    (void)state;
    static struct crl_notices notices;
    add(&notices, 3);
    add(&notices, 4);
    add(&notices, 1000);
    assert_int_equal(crl_notices_newest(&notices), 1000);
    assert_null(crl_notices_find(&notices, 4));
    assert_non_null(crl_notices_find(&notices, 1000));
    crl_notices_clear(&notices);
}

static void who_is_behind_gets_what_came_since_or_the_list(void **state)
{
    (void)state;
    static struct crl_notices notices;
    uint64_t from = 0;
    assert_false(crl_notices_serve(&notices, 0, 7, &from));
    for (uint64_t number = 5; number <= 8; number++)
        add(&notices, number);
    assert_true(crl_notices_serve(&notices, 4, 8, &from));
    assert_int_equal(from, 5);
    assert_true(crl_notices_serve(&notices, 7, 8, &from));
    assert_int_equal(from, 8);
    /* Nothing is new for him, and he is answered all the same. */
    assert_true(crl_notices_serve(&notices, 8, 8, &from));
    assert_int_equal(from, 8);
    assert_true(crl_notices_serve(&notices, 99, 8, &from));
    assert_int_equal(from, 8);
    from = 0;
    assert_false(crl_notices_serve(&notices, 3, 8, &from)); /* 4 is not here */
    assert_false(crl_notices_serve(&notices, 6, 9, &from)); /* nor is the newest */
    assert_false(crl_notices_serve(&notices, UINT64_MAX, 9, &from));
    assert_int_equal(from, 0);
    crl_notices_clear(&notices);
}

static void the_newest_number_is_the_lists_or_the_last_notices(void **state)
{
    (void)state;
    static struct crl_notices notices;
    struct crl_held held = { 0 };
    assert_int_equal(crl_newest(&held, &notices), 0);
    held.number = 4;
    assert_int_equal(crl_newest(&held, &notices), 4);
    add(&notices, 3);
    assert_int_equal(crl_newest(&held, &notices), 4);
    add(&notices, 5);
    assert_int_equal(crl_newest(&held, &notices), 5);
    crl_notices_clear(&notices);
}

/* ---- to a client ---- */

static void the_list_goes_in_pieces_and_begins_anew_when_it_is_replaced(void **state)
{
    (void)state;
    struct crl_held held = { .number = 3 };
    struct crl_cursor cursor = { 0 };
    struct crl_piece piece = { 0 };
    assert_ok(buf_reserve(&held.der, 2 * LIMIT_CRL_PIECE + 1));
    memset(held.der.p, 'l', 2 * LIMIT_CRL_PIECE + 1);
    held.der.len = 2 * LIMIT_CRL_PIECE + 1;
    assert_true(crl_cursor_next(&cursor, &held, &piece));
    assert_int_equal(piece.offset, 0);
    assert_int_equal(piece.bytes.n, LIMIT_CRL_PIECE);
    assert_true(crl_cursor_next(&cursor, &held, &piece));
    assert_int_equal(piece.offset, LIMIT_CRL_PIECE);
    held.number = 4;
    assert_true(crl_cursor_next(&cursor, &held, &piece));
    assert_int_equal(piece.number, 4);
    assert_int_equal(piece.offset, 0);
    assert_true(crl_cursor_next(&cursor, &held, &piece));
    assert_true(crl_cursor_next(&cursor, &held, &piece));
    assert_int_equal(piece.offset, 2 * LIMIT_CRL_PIECE);
    assert_int_equal(piece.total, 2 * LIMIT_CRL_PIECE + 1);
    assert_int_equal(piece.bytes.n, 1);
    assert_false(crl_cursor_next(&cursor, &held, &piece));
    crl_held_clear(&held);
    assert_int_equal(held.number, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_ours_is_taken_with_its_serials),
        cmocka_unit_test(a_list_of_another_number_or_another_hand_is_not),
        cmocka_unit_test(only_a_higher_number_is_news),
        cmocka_unit_test(a_list_grows_old_and_then_stale),
        cmocka_unit_test(a_stale_list_keeps_out_who_was_certified_before_it),
        cmocka_unit_test(the_pieces_are_put_together),
        cmocka_unit_test(pieces_that_do_not_fit_are_refused),
        cmocka_unit_test(the_last_notices_are_kept),
        cmocka_unit_test(a_gap_makes_the_earlier_ones_useless),
        cmocka_unit_test(who_is_behind_gets_what_came_since_or_the_list),
        cmocka_unit_test(the_newest_number_is_the_lists_or_the_last_notices),
        cmocka_unit_test(the_list_goes_in_pieces_and_begins_anew_when_it_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
