/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "wire/name.h"

static void names_of_the_canonical_form_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a", "maria", "maria.silva", "node-7_b", "0", "abcdefghijklmnopqrstuvwxyz012345",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct name name;
        assert_ok(name_parse_user(span_str(good[i]), &name));
        assert_string_equal(name.text, good[i]);
    }
}

/* Row 20 of the attack list: what looks alike, reorders, hides or ends early. */
static void everything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "Maria",       "maria ",      " maria",  "maria.",
        ".maria",     "ma..ria",     "ma._ria",     "maria-",  "ma/ria",
        "../etc",     "ma*",         "ma>ria",      "ma\nria", "ma\x1bria",
        "mаria",      "ma\u200bria", "\u202emaria", "josé",    "jose\u0301",
        "ｍａｒｉａ", "maria@x",     "ma%ria",      "ma'ria",  "abcdefghijklmnopqrstuvwxyz0123456",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct name name = { "untouched" };
        assert_err(name_parse(span_str(bad[i]), &name), MLT_ERR_NAME);
        assert_string_equal(name.text, "untouched");
    }
    struct name name;
    assert_err(name_parse(span_of("ma\0ria", 6), &name), MLT_ERR_NAME);
}

static void reserved_names_are_not_for_people(void **state)
{
    (void)state;
    static const char *const reserved[] = { "relay", "server", "admin",     "root",
                                            "ca",    "malote", "postmaster" };
    for (size_t i = 0; i < COUNT_OF(reserved); i++) {
        struct name name;
        assert_ok(name_parse(span_str(reserved[i]), &name));
        assert_err(name_parse_user(span_str(reserved[i]), &name), MLT_ERR_NAME);
    }
}

static void realms_are_rfc1123_labels(void **state)
{
    (void)state;
    static const char *const good[] = { "malote.internal", "x", "a-b.c", "0.example" };
    static const char *const bad[] = { "",  ".",   "a.",  ".a",  "a..b", "-a",  "a-",
                                       "A", "a_b", "a b", "é.x", "a.-b", "a-.b" };
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_ok(realm_check(span_str(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_err(realm_check(span_str(bad[i])), MLT_ERR_NAME);
    char label[65];
    for (size_t i = 0; i < 64; i++)
        label[i] = 'a';
    assert_ok(realm_check(span_of(label, 63)));
    assert_err(realm_check(span_of(label, 64)), MLT_ERR_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_canonical_form_are_taken),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(reserved_names_are_not_for_people),
        cmocka_unit_test(realms_are_rfc1123_labels),
    };
    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
