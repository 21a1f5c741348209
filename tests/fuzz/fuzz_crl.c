/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <openssl/rand.h>
#include <openssl/x509.h>

#include "base/secret.h"
#include "crypto/crypto.h"
#include "fuzz_crl_key.h"
#include "pki/crl.h"

/*
 * Revocation lists from others.  A first byte that is even: a whole list, whose signature no
 * mutation gets past.  Odd: what is to be signed; what the profile takes is signed, and must be
 * read again to the same fields, by us and by libcrypto.
 */

static struct cert ca;
static EVP_PKEY *key;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    bool locked = false;
    const uint8_t *at = fuzz_crl_key;
    uint8_t byte = 0;
    /* Before the secure heap, where the leak sanitizer would not find what hangs on them. */
    must(RAND_bytes(&byte, 1) == 1 && RAND_priv_bytes(&byte, 1) == 1);
    must(secret_start(&locked) == MLT_OK && crypto_start() == MLT_OK);
    must(cert_read_ca(SPAN_OF(fuzz_crl_ca), NULL, &ca) == MLT_OK);
    key = d2i_AutoPrivateKey(NULL, &at, (long)sizeof fuzz_crl_key);
    must(key != NULL);
    return 0;
}

static void check_list(const struct crl *crl)
{
    must(crl->number > 0 && crl->number <= INT64_MAX);
    must(crl->this_update_s >= 0 && crl->this_update_s < crl->next_update_s);
    must(crl->next_update_s - crl->this_update_s <= LIMIT_CRL_LIFE_S);
    for (size_t i = 0; i < crl->count; i++) {
        must(crl_is_reason(crl->entries[i].reason) && crl->entries[i].serial[0] < 0x80);
        must(crl_find(crl, crl->entries[i].serial) == &crl->entries[i]);
    }
}

static void check_with_libcrypto(struct span der, const struct crl *crl)
{
    const uint8_t *at = der.p;
    X509_CRL *x = d2i_X509_CRL(NULL, &at, (long)der.n);
    must(x != NULL && at == der.p + der.n && X509_CRL_verify(x, key) == 1);
    must(X509_CRL_get_version(x) == X509_CRL_VERSION_2 && X509_CRL_get_ext_count(x) == 2);
    STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(x);
    must((all == NULL ? 0 : sk_X509_REVOKED_num(all)) == (int)crl->count);
    X509_CRL_free(x);
}

static void check_tbs(struct span tbs)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf again = { 0 };
    CLEANUP(crl_clear) struct crl crl = { 0 };
    if (crl_sign(tbs, key, &ca, &der) != MLT_OK)
        return;
    must(crl_read(buf_span(&der), &ca, &crl) == MLT_OK);
    check_list(&crl);
    check_with_libcrypto(buf_span(&der), &crl);
    must(crl_tbs(&crl, &ca, &again) == MLT_OK && span_eq(buf_span(&again), tbs));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const struct span input = span_of(data + 1, size - 1);
    if (data[0] % 2 == 1) {
        check_tbs(input);
        return 0;
    }
    CLEANUP(crl_clear) struct crl crl = { 0 };
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    if (crl_read(input, &ca, &crl) == MLT_OK) {
        check_list(&crl);
        check_with_libcrypto(input, &crl);
        must(crl_tbs_of(input, &tbs) == MLT_OK);
    }
    return 0;
}
