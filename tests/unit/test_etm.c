/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "crypto/crypto.h"
#include "crypto/etm.h"

static struct secret key;

static int start(void **state)
{
    (void)state;
    bool locked = false;
    bool ready = secret_start(&locked) == MLT_OK && crypto_start() == MLT_OK &&
                 secret_copy(&key, span_str("0123456789abcdef0123456789abcdef")) == MLT_OK;
    return ready ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    secret_clear(&key);
    return 0;
}

static void what_was_sealed_opens(void **state)
{
    (void)state;
    CLEANUP(etm_clear) struct etm e = { 0 };
    assert_ok(etm_init(&e, &key));
    static uint8_t plain[70000];
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t)(i * 7);
    static const size_t sizes[] = { 0, 1, 15, 16, 17, 1000, 70000 };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        CLEANUP(buf_clear) struct buf sealed = { 0 };
        CLEANUP(buf_clear) struct buf opened = { 0 };
        assert_ok(etm_seal(&e, i, span_str("head"), span_of(plain, sizes[i]), &sealed));
        assert_int_equal(sealed.len, sizes[i] + ETM_TAG);
        assert_ok(etm_open(&e, i, span_str("head"), buf_span(&sealed), &opened));
        assert_span_equal(buf_span(&opened), span_of(plain, sizes[i]));
    }
}

static void a_tail_sealed_in_place_is_what_sealing_it_apart_makes(void **state)
{
    (void)state;
    static const char front[] = "what stands before";
    CLEANUP(etm_clear) struct etm e = { 0 };
    CLEANUP(buf_clear) struct buf apart = { 0 };
    CLEANUP(buf_clear) struct buf tail = { 0 };
    assert_ok(etm_init(&e, &key));
    assert_ok(etm_seal(&e, 5, span_str("head"), span_str("some text"), &apart));
    assert_ok(buf_put_str(&tail, front));
    assert_ok(buf_put_str(&tail, "some text"));
    assert_ok(etm_seal_tail(&e, 5, span_str("head"), strlen(front), &tail));
    assert_span_equal(span_of(tail.p, strlen(front)), span_str(front));
    assert_span_equal(span_from(buf_span(&tail), strlen(front)), buf_span(&apart));
}

static void every_flipped_bit_and_every_cut_is_refused(void **state)
{
    (void)state;
    CLEANUP(etm_clear) struct etm e = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    CLEANUP(buf_clear) struct buf opened = { 0 };
    assert_ok(etm_init(&e, &key));
    assert_ok(etm_seal(&e, 5, span_str("head"), span_str("some text"), &sealed));
    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        sealed.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_err(etm_open(&e, 5, span_str("head"), buf_span(&sealed), &opened), MLT_ERR_AUTH);
        sealed.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < sealed.len; n++) {
        struct span cut = { sealed.p, n };
        assert_err(etm_open(&e, 5, span_str("head"), cut, &opened), MLT_ERR_AUTH);
    }
    assert_int_equal(opened.len, 0);
}

static void sequence_header_and_key_are_bound(void **state)
{
    (void)state;
    CLEANUP(etm_clear) struct etm e = { 0 };
    CLEANUP(etm_clear) struct etm other = { 0 };
    CLEANUP(secret_clear) struct secret other_key = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    CLEANUP(buf_clear) struct buf opened = { 0 };
    assert_ok(etm_init(&e, &key));
    assert_ok(secret_copy(&other_key, span_str("0123456789abcdef0123456789abcdeF")));
    assert_ok(etm_init(&other, &other_key));
    assert_ok(etm_seal(&e, 5, span_str("head"), span_str("text"), &sealed));
    struct span s = buf_span(&sealed);
    assert_err(etm_open(&e, 6, span_str("head"), s, &opened), MLT_ERR_AUTH);
    assert_err(etm_open(&e, 5, span_str("heaD"), s, &opened), MLT_ERR_AUTH);
    assert_err(etm_open(&other, 5, span_str("head"), s, &opened), MLT_ERR_AUTH);
    assert_ok(etm_open(&e, 5, span_str("head"), s, &opened));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens),
        cmocka_unit_test(a_tail_sealed_in_place_is_what_sealing_it_apart_makes),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_refused),
        cmocka_unit_test(sequence_header_and_key_are_bound),
    };
    return cmocka_run_group_tests_name("etm", tests, start, stop);
}
