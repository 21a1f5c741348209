/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/etm.h"

#include <limits.h>
#include <openssl/evp.h>

#include "base/alloc.h"
#include "crypto/algorithms.h"
#include "crypto/kdf.h"

static void put_be64(uint8_t out[static 8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

static enum mlt_err new_cipher(const struct secret *key, EVP_CIPHER_CTX **out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    ENSURE(ctx != NULL, MLT_ERR_NOMEM);
    if (EVP_EncryptInit_ex2(ctx, algorithms()->aes_256_ctr, key->p, NULL, NULL) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return MLT_ERR_CRYPTO;
    }
    *out = ctx;
    return MLT_OK;
}

static enum mlt_err new_mac(const struct secret *key, EVP_MAC_CTX **out)
{
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(algorithms()->hmac);
    ENSURE(ctx != NULL, MLT_ERR_NOMEM);
    if (EVP_MAC_init(ctx, key->p, key->n, NULL) != 1) {
        EVP_MAC_CTX_free(ctx);
        return MLT_ERR_CRYPTO;
    }
    *out = ctx;
    return MLT_OK;
}

enum mlt_err etm_init(struct etm *e, const struct secret *secret)
{
    const struct span none = { 0 };
    CLEANUP(secret_clear) struct secret key = { 0 };
    CLEANUP(secret_clear) struct secret mac_key = { 0 };
    TRY(kdf_expand_label(secret, "key", none, KDF_LEN, &key));
    TRY(kdf_expand_label(secret, "mac", none, KDF_LEN, &mac_key));
    CLEANUP(etm_clear) struct etm made = { 0 };
    EVP_CIPHER_CTX *cipher = NULL;
    TRY(new_cipher(&key, &cipher));
    made.cipher = cipher;
    EVP_MAC_CTX *mac = NULL;
    TRY(new_mac(&mac_key, &mac));
    made.mac = mac;
    etm_clear(e);
    *e = made;
    made = (struct etm) { 0 };
    return MLT_OK;
}

void etm_clear(struct etm *e)
{
    EVP_CIPHER_CTX_free(e->cipher);
    EVP_MAC_CTX_free(e->mac);
    *e = (struct etm) { 0 };
}

/* CTR is its own inverse: the same for both directions. */
static enum mlt_err crypt(struct etm *e, uint64_t sequence, struct span in, uint8_t *out)
{
    ENSURE(in.n <= INT_MAX, MLT_ERR_RANGE);
    uint8_t counter[16] = { 0 };
    put_be64(counter, sequence);
    ENSURE(EVP_EncryptInit_ex2(e->cipher, NULL, NULL, counter, NULL) == 1, MLT_ERR_CRYPTO);
    int n = 0;
    if (in.n > 0)
        ENSURE(EVP_EncryptUpdate(e->cipher, out, &n, in.p, (int)in.n) == 1, MLT_ERR_CRYPTO);
    return MLT_OK;
}

static enum mlt_err compute_tag(struct etm *e, uint64_t sequence, struct span header,
                                struct span ciphertext, uint8_t tag[static ETM_TAG])
{
    uint8_t number[8];
    put_be64(number, sequence);
    /* A NULL key keeps the key, and with it the hashed pads. */
    ENSURE(EVP_MAC_init(e->mac, NULL, 0, NULL) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_MAC_update(e->mac, number, sizeof(number)) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_MAC_update(e->mac, header.p, header.n) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_MAC_update(e->mac, ciphertext.p, ciphertext.n) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_MAC_final(e->mac, tag, NULL, ETM_TAG) == 1, MLT_ERR_CRYPTO);
    return MLT_OK;
}

/* In place: where a plaintext already stands in `out`, sealing it needs no memory and no copy. */
static enum mlt_err seal_tail(struct etm *e, uint64_t sequence, struct span header, size_t from,
                              struct buf *out)
{
    TRY(buf_reserve(out, ETM_TAG));
    struct span text = { out->p + from, out->len - from };
    TRY(crypt(e, sequence, text, out->p + from));
    TRY(compute_tag(e, sequence, header, text, out->p + out->len));
    out->len += ETM_TAG;
    return MLT_OK;
}

enum mlt_err etm_seal_tail(struct etm *e, uint64_t sequence, struct span header, size_t from,
                           struct buf *out)
{
    enum mlt_err err = seal_tail(e, sequence, header, from, out);
    if (err != MLT_OK && out->len > from) {
        alloc_wipe(out->p + from, out->len - from);
        out->len = from;
    }
    return err;
}

enum mlt_err etm_seal(struct etm *e, uint64_t sequence, struct span header, struct span plain,
                      struct buf *out)
{
    size_t from = out->len;
    TRY(buf_reserve(out, plain.n + ETM_TAG));
    TRY(buf_put(out, plain));
    return etm_seal_tail(e, sequence, header, from, out);
}

enum mlt_err etm_open(struct etm *e, uint64_t sequence, struct span header, struct span sealed,
                      struct buf *out)
{
    ENSURE(sealed.n >= ETM_TAG, MLT_ERR_AUTH);
    struct span ciphertext = { sealed.p, sealed.n - ETM_TAG };
    uint8_t tag[ETM_TAG];
    TRY(compute_tag(e, sequence, header, ciphertext, tag));
    ENSURE(secret_eq(SPAN_OF(tag), span_from(sealed, ciphertext.n)), MLT_ERR_AUTH);
    if (ciphertext.n == 0)
        return MLT_OK;
    TRY(buf_reserve(out, ciphertext.n));
    TRY(crypt(e, sequence, ciphertext, out->p + out->len));
    out->len += ciphertext.n;
    return MLT_OK;
}
