/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "crypto/crypto.h"
#include "crypto/lockbox.h"

static const struct kdf_cost cheap = { 1024, 8, 1 };
static const uint8_t salt[LOCKBOX_SALT] = "a salt of thirty-two bytes here";

static int start(void **state)
{
    (void)state;
    bool locked = false;
    return secret_start(&locked) == MLT_OK && crypto_start() == MLT_OK ? 0 : -1;
}

static enum mlt_err open_with(const char *passphrase, struct span line, struct secret *out)
{
    struct lockbox box;
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    TRY(lockbox_parse("key", line, &box));
    TRY(kdf_scrypt(span_str(passphrase), SPAN_OF(box.salt), &box.cost, &stretched));
    return lockbox_open(&box, &stretched, out);
}

static void seal(struct buf *line)
{
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    assert_ok(kdf_scrypt(span_str("pass"), SPAN_OF(salt), &cheap, &stretched));
    assert_ok(lockbox_seal("key", &cheap, salt, &stretched, span_str("the secret"), line));
}

static void the_right_passphrase_opens(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf line = { 0 };
    CLEANUP(secret_clear) struct secret got = { 0 };
    seal(&line);
    assert_ok(open_with("pass", buf_span(&line), &got));
    assert_span_equal(secret_span(&got), span_str("the secret"));
}

static void a_wrong_passphrase_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf line = { 0 };
    CLEANUP(secret_clear) struct secret got = { 0 };
    seal(&line);
    assert_err(open_with("Pass", buf_span(&line), &got), MLT_ERR_PASSPHRASE);
    assert_err(open_with("", buf_span(&line), &got), MLT_ERR_PASSPHRASE);
    assert_null(got.p);
}

static void every_flipped_bit_and_every_cut_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf line = { 0 };
    CLEANUP(secret_clear) struct secret got = { 0 };
    seal(&line);
    for (size_t bit = 0; bit < 8 * line.len; bit++) {
        line.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(open_with("pass", buf_span(&line), &got), MLT_OK);
        line.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < line.len; n++)
        assert_int_not_equal(open_with("pass", span_of(line.p, n), &got), MLT_OK);
    assert_null(got.p);
}

static void a_cost_that_would_eat_the_machine_is_refused_unread(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf line = { 0 };
    seal(&line);
    static const char *const costs[] = { "1073741824 8 1", "1024 1024 1", "1024 8 1000",
                                         "01024 8 1",      "+1024 8 1",   "1024 8",
                                         "512 8 1",        "1000 8 1" };
    for (size_t i = 0; i < COUNT_OF(costs); i++) {
        CLEANUP(buf_clear) struct buf forged = { 0 };
        struct lockbox box;
        assert_ok(buf_put_format(&forged, "malote-key 1 scrypt %s ", costs[i]));
        size_t after_cost = strlen("malote-key 1 scrypt 1024 8 1 ");
        assert_ok(buf_put(&forged, span_from(buf_span(&line), after_cost)));
        assert_err(lockbox_parse("key", buf_span(&forged), &box), MLT_ERR_DAMAGED);
    }
}

static void one_kind_of_box_is_not_another(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf line = { 0 };
    struct lockbox box;
    seal(&line);
    assert_err(lockbox_parse("keystore", buf_span(&line), &box), MLT_ERR_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_passphrase_opens),
        cmocka_unit_test(a_wrong_passphrase_is_refused),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_refused),
        cmocka_unit_test(a_cost_that_would_eat_the_machine_is_refused_unread),
        cmocka_unit_test(one_kind_of_box_is_not_another),
    };
    return cmocka_run_group_tests_name("lockbox", tests, start, NULL);
}
