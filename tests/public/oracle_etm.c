/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

/* For a cipher and a MAC under keys of the caller's choice; etm_init derives its own. */
#include "crypto/etm.c"

static void free_cipher(EVP_CIPHER_CTX **ctx)
{
    EVP_CIPHER_CTX_free(*ctx);
}

/* The cipher of every record, at any counter block. */
static enum mlt_err answer_ctr(const struct buf *args, struct buf *out)
{
    CLEANUP(free_cipher) EVP_CIPHER_CTX *ctx = NULL;
    CLEANUP(secret_clear) struct secret key = { 0 };
    CLEANUP(buf_clear) struct buf made = { 0 };
    uint8_t *at = NULL;
    int n = 0;
    ENSURE(args[0].len == KDF_LEN && args[1].len == 16, MLT_ERR_RANGE);
    TRY(secret_copy(&key, buf_span(&args[0])));
    TRY(new_cipher(&key, &ctx));
    TRY(buf_extend(&made, args[2].len, &at));
    ENSURE(EVP_EncryptInit_ex2(ctx, NULL, NULL, args[1].p, NULL) == 1, MLT_ERR_CRYPTO);
    ENSURE(EVP_EncryptUpdate(ctx, at, &n, args[2].p, (int)args[2].len) == 1, MLT_ERR_CRYPTO);
    return buf_put_hex(out, buf_span(&made));
}

static uint64_t get_be64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

/* As records have it: the sequence number, then a block counter that starts at 0. */
static enum mlt_err answer_crypt(const struct buf *args, struct buf *out)
{
    CLEANUP(etm_clear) struct etm etm = { 0 };
    EVP_CIPHER_CTX *cipher = NULL;
    CLEANUP(secret_clear) struct secret key = { 0 };
    CLEANUP(buf_clear) struct buf made = { 0 };
    uint8_t *at = NULL;
    ENSURE(args[0].len == KDF_LEN && args[1].len == 8, MLT_ERR_RANGE);
    TRY(secret_copy(&key, buf_span(&args[0])));
    TRY(new_cipher(&key, &cipher));
    etm.cipher = cipher;
    TRY(buf_extend(&made, args[2].len, &at));
    TRY(crypt(&etm, get_be64(args[1].p), buf_span(&args[2]), at));
    return buf_put_hex(out, buf_span(&made));
}

/* As records have it: a sequence number, a header, a ciphertext; here cut out of one message. */
static enum mlt_err answer_tag(const struct buf *args, struct buf *out)
{
    CLEANUP(etm_clear) struct etm etm = { 0 };
    EVP_MAC_CTX *mac = NULL;
    CLEANUP(secret_clear) struct secret key = { 0 };
    uint8_t tag[2][ETM_TAG];
    ENSURE(args[0].len > 0 && args[1].len >= 8, MLT_ERR_RANGE);
    TRY(secret_copy(&key, buf_span(&args[0])));
    TRY(new_mac(&key, &mac));
    etm.mac = mac;
    struct span rest = span_from(buf_span(&args[1]), 8);
    size_t header = rest.n < 4 ? rest.n : 4;
    /* Twice: the key stays, nothing else may. */
    for (size_t i = 0; i < COUNT_OF(tag); i++)
        TRY(compute_tag(&etm, get_be64(args[1].p), span_of(rest.p, header), span_from(rest, header),
                        tag[i]));
    ENSURE(span_eq(SPAN_OF(tag[0]), SPAN_OF(tag[1])), MLT_ERR_STATE);
    return buf_put_hex(out, SPAN_OF(tag[0]));
}

/* The whole, under a traffic secret: opened again, and refused with its last bit flipped. */
static enum mlt_err answer_seal(const struct buf *args, struct buf *out)
{
    CLEANUP(etm_clear) struct etm etm = { 0 };
    CLEANUP(secret_clear) struct secret secret = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    CLEANUP(buf_clear) struct buf opened = { 0 };
    ENSURE(args[1].len == 8, MLT_ERR_RANGE);
    uint64_t sequence = get_be64(args[1].p);
    struct span header = buf_span(&args[2]);
    TRY(secret_copy(&secret, buf_span(&args[0])));
    TRY(etm_init(&etm, &secret));
    TRY(etm_seal(&etm, sequence, header, buf_span(&args[3]), &sealed));
    TRY(etm_open(&etm, sequence, header, buf_span(&sealed), &opened));
    ENSURE(span_eq(buf_span(&opened), buf_span(&args[3])), MLT_ERR_STATE);
    TRY(buf_put_hex(out, buf_span(&sealed)));
    sealed.p[sealed.len - 1] ^= 1;
    enum mlt_err err = etm_open(&etm, sequence, header, buf_span(&sealed), &opened);
    ENSURE(err == MLT_ERR_AUTH, MLT_ERR_STATE);
    return MLT_OK;
}

const struct verb *oracle_etm_verbs(size_t *count)
{
    static const struct verb verbs[] = {
        { "ctr", 3, answer_ctr },
        { "crypt", 3, answer_crypt },
        { "tag", 2, answer_tag },
        { "seal", 4, answer_seal },
    };
    *count = COUNT_OF(verbs);
    return verbs;
}
