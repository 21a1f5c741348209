/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/secret.h"

static int start(void **state)
{
    (void)state;
    bool locked = false;
    return secret_start(&locked) == MLT_OK ? 0 : -1;
}

static void secrets_live_in_the_secure_heap(void **state)
{
    (void)state;
    CLEANUP(secret_clear) struct secret s = { 0 };
    assert_ok(secret_copy(&s, span_str("a key of some length")));
    assert_int_equal(CRYPTO_secure_allocated(s.p), 1);
    assert_span_equal(secret_span(&s), span_str("a key of some length"));
}

/* Row 40 of the attack list, as far as one process can see it. */
static void the_process_leaves_no_core(void **state)
{
    (void)state;
    struct rlimit core;
    assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
    assert_int_equal(core.rlim_max, 0);
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
}

static void moving_empties_the_source(void **state)
{
    (void)state;
    CLEANUP(secret_clear) struct secret a = { 0 };
    CLEANUP(secret_clear) struct secret b = { 0 };
    assert_ok(secret_copy(&a, span_str("one")));
    assert_ok(secret_copy(&b, span_str("two")));
    secret_move(&a, &b);
    assert_span_equal(secret_span(&a), span_str("two"));
    assert_null(b.p);
}

static void comparison_sees_content_and_length(void **state)
{
    (void)state;
    assert_true(secret_eq(span_str("same"), span_str("same")));
    assert_false(secret_eq(span_str("same"), span_str("sane")));
    assert_false(secret_eq(span_str("same"), span_str("sam")));
}

static void a_full_heap_is_an_error_and_not_a_fallback(void **state)
{
    (void)state;
    CLEANUP(secret_clear) struct secret s = { 0 };
    assert_err(secret_new(&s, (size_t)1 << 30), MLT_ERR_NOMEM);
    assert_null(s.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_live_in_the_secure_heap),
        cmocka_unit_test(the_process_leaves_no_core),
        cmocka_unit_test(moving_empties_the_source),
        cmocka_unit_test(comparison_sees_content_and_length),
        cmocka_unit_test(a_full_heap_is_an_error_and_not_a_fallback),
    };
    return cmocka_run_group_tests_name("secret", tests, start, NULL);
}
