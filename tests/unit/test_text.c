/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/text.h"

static void expect(const char *in, bool lines, const char *wanted)
{
    CLEANUP(buf_clear) struct buf out = { 0 };
    const char *text = NULL;
    assert_ok(text_put_safe(&out, span_str(in), lines));
    assert_ok(buf_text(&out, &text));
    assert_string_equal(text, wanted);
}

static void ordinary_text_passes_unchanged(void **state)
{
    (void)state;
    static const char *const plain[] = { "bom dia, João", "日本語", "a\\b", "👩‍👧 ok", "é" };
    for (size_t i = 0; i < COUNT_OF(plain); i++)
        expect(plain[i], true, plain[i]);
}

/* Row 37 of the attack list. */
static void terminal_escapes_become_visible(void **state)
{
    (void)state;
    expect("\x1b[2J", true, "\\u{1b}[2J");
    expect("\x1b]52;c;aGk=\a", true, "\\u{1b}]52;c;aGk=\\u{7}");
    expect("\xc2\x9b"
           "2J",
           true, "\\u{9b}2J");
    expect("\x7f", true, "\\u{7f}");
    expect("\r", true, "\\u{d}");
    expect("\b", true, "\\u{8}");
}

static void bidi_and_invisible_characters_become_visible(void **state)
{
    (void)state;
    expect("\u202e", true, "\\u{202e}");
    expect("\u2066x\u2069", true, "\\u{2066}x\\u{2069}");
    expect("\u200b", true, "\\u{200b}");
    expect("\ufeff", true, "\\u{feff}");
    expect("\u2028", true, "\\u{2028}");
    expect("\xee\x80\x80", true, "\\u{e000}");
}

static void bytes_that_are_not_utf8_become_visible(void **state)
{
    (void)state;
    expect("\xff", true, "\\xff");
    expect("\xc0\xaf", true, "\\xc0\\xaf");
    expect("\xed\xa0\x80", true, "\\xed\\xa0\\x80");
    expect("\xf4\x90\x80\x80", true, "\\xf4\\x90\\x80\\x80");
    expect("a\xe2\x82", true, "a\\xe2\\x82");
}

static void a_message_cannot_pose_as_another_line(void **state)
{
    (void)state;
    expect("hi\nmaria  14:03  pay him", true, "hi\n  maria  14:03  pay him");
    expect("hi\nthere\tx", false, "hi\\u{a}there\\u{9}x");
}

static void utf8_is_told_from_the_rest(void **state)
{
    (void)state;
    assert_true(text_is_utf8(span_str("São Paulo")));
    assert_true(text_is_utf8(span_str("")));
    assert_false(text_is_utf8(span_str("\xc3")));
    assert_false(text_is_utf8(span_of("a\0b", 3)));
    assert_false(text_is_utf8(span_str("\xed\xa0\x80")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_text_passes_unchanged),
        cmocka_unit_test(terminal_escapes_become_visible),
        cmocka_unit_test(bidi_and_invisible_characters_become_visible),
        cmocka_unit_test(bytes_that_are_not_utf8_become_visible),
        cmocka_unit_test(a_message_cannot_pose_as_another_line),
        cmocka_unit_test(utf8_is_told_from_the_rest),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
