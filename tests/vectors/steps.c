/* SPDX-License-Identifier: Apache-2.0 */
#include "steps.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "crypto/kdf.h"
#include "must.h"
#include "sheet.h"

enum { TAG = 32 };

void step_put_be64(uint64_t value, uint8_t out[static 8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

struct span step_hash(struct span of, uint8_t hash[static HASH_LEN])
{
    must_ok(hash_sha256(of, hash));
    return span_of(hash, HASH_LEN);
}

void step_expand(const struct secret *from, const char *label, struct span context,
                 struct secret *to)
{
    must_ok(kdf_expand_label(from, label, context, KDF_LEN, to));
}

void step_keys(const char *name, const struct secret *traffic)
{
    const struct span none = { 0 };
    char text[64];
    CLEANUP(secret_clear) struct secret key = { 0 };
    CLEANUP(secret_clear) struct secret mac_key = { 0 };
    step_expand(traffic, "key", none, &key);
    step_expand(traffic, "mac", none, &mac_key);
    sheet_hex(name, secret_span(traffic));
    snprintf(text, sizeof text, "%s key", name);
    sheet_hex(text, secret_span(&key));
    snprintf(text, sizeof text, "%s mac key", name);
    sheet_hex(text, secret_span(&mac_key));
}

/* AES-256-CTR and HMAC once more, from the keys as the sheet has them. */
static void seal_again(const struct sealing *s, const uint8_t counter[static 16],
                       struct buf *sealed)
{
    const struct span none = { 0 };
    CLEANUP(secret_clear) struct secret key = { 0 };
    CLEANUP(secret_clear) struct secret mac_key = { 0 };
    step_expand(s->traffic, "key", none, &key);
    step_expand(s->traffic, "mac", none, &mac_key);

    uint8_t *at = NULL;
    int n = 0;
    must_ok(buf_extend(sealed, s->plain.n + TAG, &at));
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    must(ctx != NULL);
    must(EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, key.p, counter) == 1);
    must(EVP_EncryptUpdate(ctx, at, &n, s->plain.p, (int)s->plain.n) == 1);
    must((size_t)n == s->plain.n);
    EVP_CIPHER_CTX_free(ctx);

    const struct span covered[] = { span_of(counter, 8), s->header, span_of(at, s->plain.n) };
    uint8_t number[8];
    step_put_be64(s->sequence, number);
    must(span_eq(covered[0], SPAN_OF(number)));
    must_ok(hash_hmac(secret_span(&mac_key), covered, 3, at + s->plain.n));
}

static void put_plaintext(const struct sealing *s)
{
    enum { BEGINNING = 48 };
    uint8_t hash[HASH_LEN];
    if (s->print == SEAL_LONG) {
        sheet_hex("plaintext, first 48 bytes", span_of(s->plain.p, BEGINNING));
        sheet_hex("plaintext SHA-256", step_hash(s->plain, hash));
    } else if (s->print == SEAL_IN_PARTS) {
        sheet_hex_json("plaintext", s->plain);
    } else {
        sheet_hex("plaintext", s->plain);
    }
}

void step_seal(const struct sealing *s)
{
    CLEANUP(buf_clear) struct buf again = { 0 };
    uint8_t counter[16] = { 0 };
    uint8_t hash[HASH_LEN];
    step_put_be64(s->sequence, counter);
    seal_again(s, counter, &again);
    must(span_eq(buf_span(&again), s->sealed));

    struct span ciphertext = span_of(s->sealed.p, s->plain.n);
    sheet_int("sequence", s->sequence);
    if (s->in_a_file)
        sheet_text_long("header", s->header);
    else
        sheet_hex("header", s->header);
    put_plaintext(s);
    sheet_hex("counter block", SPAN_OF(counter));
    if (s->print == SEAL_LONG)
        sheet_hex("ciphertext SHA-256", step_hash(ciphertext, hash));
    else
        sheet_hex("ciphertext", ciphertext);
    sheet_hex("tag", span_from(s->sealed, s->plain.n));
}

/* MGF1-SHA-256 (RFC 8017 B.2.1), laid over `data`. */
static void unmask(struct span seed, uint8_t *data, size_t n)
{
    for (uint32_t block = 0; block * HASH_LEN < n; block++) {
        CLEANUP(buf_clear) struct buf input = { 0 };
        uint8_t hash[HASH_LEN];
        const uint8_t number[] = { 0, 0, (uint8_t)(block >> 8), (uint8_t)block };
        must_ok(buf_put(&input, seed));
        must_ok(buf_put(&input, SPAN_OF(number)));
        (void)step_hash(buf_span(&input), hash);
        for (size_t i = 0; i < HASH_LEN && block * HASH_LEN + i < n; i++)
            data[block * HASH_LEN + i] ^= hash[i];
    }
}

/* RFC 8017 7.1.1, backwards: EM = 00, maskedSeed, maskedDB; DB = lHash, zeros, 01, M. */
void step_oaep(EVP_PKEY *key, struct span label, struct span wrapped, uint8_t seed[static HASH_LEN],
               struct buf *plain)
{
    uint8_t em[512];
    uint8_t hash[HASH_LEN];
    size_t n = sizeof em;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    must(ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1);
    must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1);
    must(EVP_PKEY_decrypt(ctx, em, &n, wrapped.p, wrapped.n) == 1);
    EVP_PKEY_CTX_free(ctx);
    must(n == wrapped.n && em[0] == 0);
    uint8_t *db = em + 1 + HASH_LEN;
    struct span db_span = span_of(db, n - 1 - HASH_LEN);
    unmask(db_span, em + 1, HASH_LEN);
    memcpy(seed, em + 1, HASH_LEN);
    unmask(span_of(seed, HASH_LEN), db, db_span.n);
    must(span_eq(span_of(db, HASH_LEN), step_hash(label, hash)));
    size_t at = HASH_LEN;
    while (at < db_span.n && db[at] == 0)
        at++;
    must(at < db_span.n && db[at] == 1);
    must_ok(buf_put(plain, span_from(db_span, at + 1)));
}

/* RFC 8017 9.1.1, backwards: EM = maskedDB, H, bc; DB ends with the salt. */
void step_pss_salt(EVP_PKEY *key, struct span signature, uint8_t salt[static HASH_LEN])
{
    uint8_t em[512];
    size_t n = sizeof em;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    must(ctx != NULL && EVP_PKEY_verify_recover_init(ctx) == 1);
    must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1);
    must(EVP_PKEY_verify_recover(ctx, em, &n, signature.p, signature.n) == 1);
    EVP_PKEY_CTX_free(ctx);
    must(n == signature.n && em[n - 1] == 0xbc);
    size_t db = n - HASH_LEN - 1;
    unmask(span_of(em + db, HASH_LEN), em, db);
    must(em[db - HASH_LEN - 1] == 0x01);
    memcpy(salt, em + db - HASH_LEN, HASH_LEN);
}
