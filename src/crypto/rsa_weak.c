/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/rsa_weak.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdbool.h>

static void free_bn(BIGNUM **bn)
{
    BN_free(*bn);
}

/* An odd divisor has an odd prime factor: no table of primes is needed. */
static bool has_small_factor(const BIGNUM *n)
{
    static const BN_ULONG most = 751;
    for (BN_ULONG d = 3; d <= most; d += 2)
        if (BN_mod_word(n, d) == 0)
            return true;
    return !BN_is_odd(n);
}

static bool is_power_of_65537(BN_ULONG value, BN_ULONG prime)
{
    BN_ULONG power = 1;
    do {
        if (power == value)
            return true;
        power = power * RSA_F4 % prime;
    } while (power != 1);
    return false;
}

/*
 * The primes of a ROCA key are k M + (65537^a mod M), M a product of the first primes; so modulo
 * each of those the modulus is a power of 65537.  These are the primes for which few numbers are:
 * another key passes for one about once in 2^27 (Nemec and others 2017, 2.4).
 */
static bool is_roca(const BIGNUM *n)
{
    static const BN_ULONG primes[] = { 11, 13, 17,  19,  37,  53,  61,  71, 73,
                                       79, 97, 103, 107, 109, 127, 151, 157 };
    for (size_t i = 0; i < COUNT_OF(primes); i++)
        if (!is_power_of_65537(BN_mod_word(n, primes[i]), primes[i]))
            return false;
    return true;
}

enum mlt_err rsa_weak_check(EVP_PKEY *key)
{
    CLEANUP(free_bn) BIGNUM *n = NULL;
    ENSURE(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1, MLT_ERR_DAMAGED);
    ENSURE(!has_small_factor(n) && !is_roca(n), MLT_ERR_DAMAGED);
    return MLT_OK;
}
