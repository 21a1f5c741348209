/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <malote/client.h>

/* What the library says without a handle: numbers, texts, and whether something is a name. */

/* Every error has a number of its own, in the hundred of whose fault it is, and its text. */
static void every_error_has_a_public_number(void **state)
{
    (void)state;
    static const struct {
        enum mlt_err own;
        enum mlt_fault fault;
    } all[] = {
#define X(name, fault, text) { name, FAULT_##fault },
#include "base/err.def"
#undef X
    };
    static const enum mlt_blame blames[] = { [FAULT_NOBODY] = MLT_BLAME_NOBODY,
                                             [FAULT_PEER] = MLT_BLAME_SERVER,
                                             [FAULT_LOCAL] = MLT_BLAME_LOCAL,
                                             [FAULT_CALLER] = MLT_BLAME_CALLER };
    size_t seen = 0;
    for (int number = 0; number < 1000; number++) {
        enum mlt_error error = (enum mlt_error)number;
        if (strcmp(mlt_error_text(error), "unknown error") == 0)
            continue;
        seen++;
        size_t i = 0;
        while (i < COUNT_OF(all) && strcmp(err_text(all[i].own), mlt_error_text(error)) != 0)
            i++;
        assert_true(i < COUNT_OF(all));
        assert_int_equal(mlt_error_blame(error), blames[all[i].fault]);
        assert_int_equal(number / 100, (int)blames[all[i].fault]);
    }
    assert_int_equal(seen, COUNT_OF(all));
    assert_int_equal(mlt_error_blame((enum mlt_error)9999), MLT_BLAME_CALLER);
}

/* Those the compiler's record of types does not show to the ABI check. */
static void flags_keep_their_numbers(void **state)
{
    (void)state;
    assert_int_equal(MLT_OPEN_CREATE, 1);
    assert_int_equal(MLT_TEXT_LINES, 1);
    assert_int_equal(MLT_WANT_READ, 1);
    assert_int_equal(MLT_WANT_WRITE, 2);
    assert_int_equal(MLT_ID_SIZE, 16);
    assert_int_equal(MLT_NAME_SIZE, 33);
}

static void foreign_text_is_made_safe_within_its_room(void **state)
{
    (void)state;
    static const char text[] = "a\n\x1b[2J\xff";
    char out[32];
    size_t room = 0;
    assert_int_equal(mlt_safe_text(text, 7, MLT_TEXT_LINES, NULL, &room), MLT_ERROR_NOSPACE);
    size_t needed = room;
    room = needed - 1;
    memset(out, '#', sizeof(out));
    assert_int_equal(mlt_safe_text(text, 7, MLT_TEXT_LINES, out, &room), MLT_ERROR_NOSPACE);
    assert_int_equal(out[0], '#');
    assert_int_equal(mlt_safe_text(text, 7, MLT_TEXT_LINES, out, &room), MLT_ERROR_NONE);
    assert_int_equal(room, needed);
    assert_string_equal(out, "a\n  \\u{1b}[2J\\xff");
    room = sizeof(out);
    assert_int_equal(mlt_safe_text("a\nb", 3, 0, out, &room), MLT_ERROR_NONE);
    assert_string_equal(out, "a\\u{a}b");
    assert_int_equal(mlt_safe_text("a", 1, 8, out, &room), MLT_ERROR_USAGE);
    assert_true(mlt_is_text("ol\xc3\xa1", 4));
    assert_false(mlt_is_text("ol\xc3", 3));
    assert_false(mlt_is_text("a\0b", 3));
}

static void names_and_urls_are_checked(void **state)
{
    (void)state;
    static const char good[] = " malote://maria@127.0.0.1:6256/"
                               "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f/"
                               "000102030405060708090a0b0c0d0e0f1011121314151617\r\n";
    char name[MLT_NAME_SIZE] = "#";
    assert_int_equal(mlt_check_url(good, name), MLT_ERROR_NONE);
    assert_string_equal(name, "maria");
    assert_int_equal(mlt_check_url("malote://127.0.0.1", name), MLT_ERROR_ENCODING);
    assert_int_equal(mlt_check_url("", name), MLT_ERROR_ENCODING);
    assert_string_equal(name, "maria");
    assert_int_equal(mlt_check_name("maria.silva"), MLT_ERROR_NONE);
    assert_int_equal(mlt_check_name("root"), MLT_ERROR_NAME);
    assert_int_equal(mlt_check_name("Maria"), MLT_ERROR_NAME);
    assert_int_equal(mlt_check_name(""), MLT_ERROR_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_public_number),
        cmocka_unit_test(flags_keep_their_numbers),
        cmocka_unit_test(foreign_text_is_made_safe_within_its_room),
        cmocka_unit_test(names_and_urls_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
