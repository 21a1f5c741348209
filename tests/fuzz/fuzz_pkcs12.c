/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/crypto.h"
#include "crypto/pkcs12.h"
#include "crypto/rsa.h"

/* PKCS#12 of other programs, under a passphrase that is known; the seeds' is this one. */

static const char passphrase[] = "what make_pki says";

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    bool locked = false;
    uint8_t byte = 0;
    /* Before the secure heap, where the leak sanitizer would not find what hangs on them. */
    if (RAND_bytes(&byte, 1) != 1 || RAND_priv_bytes(&byte, 1) != 1 ||
        secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK)
        abort();
    return 0;
}

/* What a mutation makes dear to check is left to the unit tests: the rounds have their bound. */
static bool is_dear(const uint8_t *at, size_t size)
{
    const ASN1_INTEGER *rounds = NULL;
    int64_t n = 0;
    PKCS12 *p = d2i_PKCS12(NULL, &at, (long)size);
    if (p == NULL)
        return false;
    PKCS12_get0_mac(NULL, NULL, NULL, &rounds, p);
    bool dear = rounds != NULL && (ASN1_INTEGER_get_int64(&n, rounds) != 1 || n > 1000);
    PKCS12_free(p);
    return dear;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (is_dear(data, size))
        return 0;
    CLEANUP(pkcs12_clear) struct pkcs12 p = { 0 };
    enum mlt_err err = pkcs12_read(span_of(data, size), span_str(passphrase), &p);
    if ((err == MLT_OK) != (p.key != NULL))
        abort();
    if (err == MLT_OK && (rsa_key_check(p.key, true) != MLT_OK || p.certificate.len == 0))
        abort();
    return 0;
}
