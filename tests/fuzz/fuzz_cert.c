/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <openssl/x509.h>

#include "base/secret.h"
#include "crypto/crypto.h"
#include "fuzz_cert_ca.h"
#include "pki/cert.h"

/*
 * Certificates and PEM from others.  What is accepted must be what came, byte for byte; and
 * nothing may pass the profile of two roles.  The profile is also asked directly, since behind a
 * signature no mutation would reach it.
 */

static const int64_t now_s = 1795361897; /* the seeds are valid then */

static struct cert ca;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    bool locked = false;
    if (secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK ||
        cert_read_ca(SPAN_OF(fuzz_cert_ca), NULL, &ca) != MLT_OK)
        abort();
    return 0;
}

static void must_be_same(struct cert *c, struct span input)
{
    CLEANUP(buf_clear) struct buf again = { 0 };
    if (cert_der(c->x509, &again) != MLT_OK || !span_eq(buf_span(&again), input))
        abort();
}

static void read_all(struct span input)
{
    static const enum cert_role roles[] = { CERT_SERVER, CERT_CLIENT };
    CLEANUP(cert_clear) struct cert root = { 0 };
    if (cert_read_ca(input, NULL, &root) == MLT_OK)
        must_be_same(&root, input);
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        CLEANUP(cert_clear) struct cert leaf = { 0 };
        if (cert_read_leaf(input, &ca, roles[i], now_s, &leaf) == MLT_OK)
            must_be_same(&leaf, input);
    }
}

static void check_profile(struct span input)
{
    static const enum cert_role roles[] = { CERT_CA, CERT_SERVER, CERT_CLIENT };
    const uint8_t *at = input.p;
    X509 *x = d2i_X509(NULL, &at, (long)input.n);
    if (x == NULL)
        return;
    int passed = 0;
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        struct cert_fields fields;
        if (profile_check(x, roles[i], &fields) == MLT_OK)
            passed++;
    }
    if (passed > 1)
        abort();
    X509_free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    CLEANUP(buf_clear) struct buf der = { 0 };
    if (cert_der_from_pem(input, &der) == MLT_OK)
        input = buf_span(&der);
    read_all(input);
    check_profile(input);
    return 0;
}
