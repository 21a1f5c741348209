/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/hex.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"

static int start(void **state)
{
    (void)state;
    bool locked = false;
    return secret_start(&locked) == MLT_OK && crypto_start() == MLT_OK ? 0 : -1;
}

static void assert_hex(struct span got, const char *wanted)
{
    char text[129];
    assert_true(got.n <= 64);
    hex_encode(got, text);
    assert_string_equal(text, wanted);
}

static void sha256_and_hmac_match_their_vectors(void **state)
{
    (void)state;
    uint8_t out[HASH_LEN];
    assert_ok(hash_sha256(span_str("abc"), out)); /* FIPS 180-4 */
    assert_hex(SPAN_OF(out), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const struct span parts[] = { span_str("what do ya want "), span_str("for nothing?") };
    assert_ok(hash_hmac(span_str("Jefe"), parts, 2, out)); /* RFC 4231, case 2 */
    assert_hex(SPAN_OF(out), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void a_running_hash_can_be_read_and_goes_on(void **state)
{
    (void)state;
    CLEANUP(hash_run_clear) struct hash_run run = { 0 };
    uint8_t a[HASH_LEN], b[HASH_LEN];
    assert_ok(hash_run_init(&run));
    assert_ok(hash_run_add(&run, span_str("a")));
    assert_ok(hash_run_peek(&run, a));
    assert_ok(hash_run_peek(&run, b));
    assert_memory_equal(a, b, HASH_LEN);
    assert_ok(hash_run_add(&run, span_str("bc")));
    assert_ok(hash_run_peek(&run, a));
    assert_hex(SPAN_OF(a), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void extract_matches_rfc5869(void **state)
{
    (void)state;
    uint8_t ikm[22];
    memset(ikm, 0x0b, sizeof(ikm));
    const uint8_t salt[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
    CLEANUP(secret_clear) struct secret prk = { 0 };
    assert_ok(kdf_extract(SPAN_OF(salt), SPAN_OF(ikm), &prk));
    assert_hex(secret_span(&prk),
               "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
}

static void no_salt_is_the_salt_of_zeros(void **state)
{
    (void)state;
    uint8_t ikm[22];
    memset(ikm, 0x0b, sizeof(ikm));
    const struct span none = { 0 };
    CLEANUP(secret_clear) struct secret prk = { 0 };
    assert_ok(kdf_extract(none, SPAN_OF(ikm), &prk)); /* RFC 5869, case 3 */
    assert_hex(secret_span(&prk),
               "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
}

/* One block of Expand is HMAC(prk, info || 01): computed here from the layout in kdf.h. */
static void expand_label_hashes_length_label_and_context(void **state)
{
    (void)state;
    CLEANUP(secret_clear) struct secret prk = { 0 };
    CLEANUP(secret_clear) struct secret out = { 0 };
    assert_ok(secret_copy(&prk, span_str("0123456789abcdef0123456789abcdef")));
    assert_ok(kdf_expand_label(&prk, "s ap", span_str("ctx"), 32, &out));
    static const uint8_t lengths[] = { 0, 32, 14 };
    static const uint8_t context_length = 3;
    static const uint8_t block = 1;
    const struct span parts[] = { SPAN_OF(lengths), span_str("malote v1 s ap"),
                                  span_of(&context_length, 1), span_str("ctx"),
                                  span_of(&block, 1) };
    uint8_t wanted[HASH_LEN];
    assert_ok(hash_hmac(secret_span(&prk), parts, COUNT_OF(parts), wanted));
    assert_span_equal(secret_span(&out), SPAN_OF(wanted));
}

static void scrypt_matches_rfc7914(void **state)
{
    (void)state;
    const struct kdf_cost cost = { 16384, 8, 1 };
    CLEANUP(secret_clear) struct secret out = { 0 };
    assert_ok(kdf_scrypt(span_str("pleaseletmein"), span_str("SodiumChloride"), &cost, &out));
    assert_hex(secret_span(&out),
               "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
}

static void costs_out_of_bounds_are_refused_before_any_work(void **state)
{
    (void)state;
    static const struct kdf_cost bad[] = { { 0, 8, 1 },        { 512, 8, 1 },  { 1025, 8, 1 },
                                           { 1u << 21, 8, 1 }, { 1024, 9, 1 }, { 1024, 8, 2 },
                                           { 1024, 8, 0 } };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        CLEANUP(secret_clear) struct secret out = { 0 };
        assert_err(kdf_scrypt(span_str("p"), span_str("s"), &bad[i], &out), MLT_ERR_RANGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_and_hmac_match_their_vectors),
        cmocka_unit_test(a_running_hash_can_be_read_and_goes_on),
        cmocka_unit_test(extract_matches_rfc5869),
        cmocka_unit_test(no_salt_is_the_salt_of_zeros),
        cmocka_unit_test(expand_label_hashes_length_label_and_context),
        cmocka_unit_test(scrypt_matches_rfc7914),
        cmocka_unit_test(costs_out_of_bounds_are_refused_before_any_work),
    };
    return cmocka_run_group_tests_name("kdf", tests, start, NULL);
}
