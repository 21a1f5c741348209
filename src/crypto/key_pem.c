/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key_pem.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "crypto/rsa.h"

static void free_bio(BIO **bio)
{
    BIO_free(*bio);
}

enum mlt_err key_pem_encode(EVP_PKEY *key, struct secret *pem)
{
    CLEANUP(secret_clear) struct secret der = { 0 };
    TRY(rsa_private_encode(key, &der));
    CLEANUP(free_bio) BIO *bio = BIO_new(BIO_s_secmem());
    ENSURE(bio != NULL, MLT_ERR_NOMEM);
    int n = PEM_write_bio(bio, PEM_STRING_PKCS8INF, "", der.p, (long)der.n);
    ENSURE(n > 0, MLT_ERR_CRYPTO);
    char *text = NULL;
    long size = BIO_get_mem_data(bio, &text);
    ENSURE(size > 0, MLT_ERR_CRYPTO);
    return secret_copy(pem, span_of(text, (size_t)size));
}

/* The block's content, in the secure heap. */
static enum mlt_err take_block(BIO *bio, struct secret *der)
{
    char *label = NULL;
    char *header = NULL;
    uint8_t *data = NULL;
    long n = 0;
    const unsigned secure = PEM_FLAG_SECURE;
    if (PEM_read_bio_ex(bio, &label, &header, &data, &n, secure) != 1)
        return MLT_ERR_DAMAGED;
    enum mlt_err err = MLT_ERR_DAMAGED;
    /* A header would be the old, unauthenticated passphrase form. */
    if (span_eq(span_str(label), span_str(PEM_STRING_PKCS8INF)) && header[0] == '\0' && n > 0)
        err = secret_copy(der, span_of(data, (size_t)n));
    OPENSSL_secure_free(label);
    OPENSSL_secure_free(header);
    OPENSSL_secure_clear_free(data, n > 0 ? (size_t)n : 0);
    return err;
}

enum mlt_err key_pem_decode(struct span pem, EVP_PKEY **key)
{
    ENSURE(pem.n > 0 && pem.n <= INT32_MAX, MLT_ERR_DAMAGED);
    CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    ENSURE(bio != NULL, MLT_ERR_NOMEM);
    CLEANUP(secret_clear) struct secret der = { 0 };
    TRY(take_block(bio, &der));
    CLEANUP(rsa_key_free) EVP_PKEY *made = NULL;
    TRY(rsa_private_decode(secret_span(&der), &made));
    /* PEM readers skip what stands around a block: only our own form is taken. */
    CLEANUP(secret_clear) struct secret again = { 0 };
    TRY(key_pem_encode(made, &again));
    ENSURE(secret_eq(secret_span(&again), pem), MLT_ERR_DAMAGED);
    *key = made;
    made = NULL;
    return MLT_OK;
}
