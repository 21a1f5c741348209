/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU of sealing and opening one record, by size, beside AES-256-CTR and HMAC-SHA-256 alone over
 * the same bytes, in the same run and interleaved.  One JSON line a size; microseconds, medians.
 */
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/limits.h"
#include "crypto/crypto.h"
#include "figure.h"
#include "protocol/session.h"
#include "stopwatch.h"

#define ROUNDS 200
#define BATCH  20

static enum mlt_err secret_of(char fill, struct secret *s)
{
    uint8_t bytes[32];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)fill;
    return secret_copy(s, SPAN_OF(bytes));
}

static enum mlt_err open_pair(struct session *a, struct session *b)
{
    CLEANUP(secret_clear) struct secret ab = { 0 };
    CLEANUP(secret_clear) struct secret ba = { 0 };
    TRY(secret_of('1', &ab));
    TRY(secret_of('2', &ba));
    TRY(session_init(a, env_system(), &session_default_limits, &ab, &ba));
    TRY(secret_of('1', &ab));
    TRY(secret_of('2', &ba));
    return session_init(b, env_system(), &session_default_limits, &ba, &ab);
}

static enum mlt_err through(struct session *a, struct session *b, struct span body, double *us)
{
    CLEANUP(buf_clear) struct buf wire = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf alert = { 0 };
    /* Room first: memory is not what is measured. */
    TRY(buf_reserve(&wire, body.n + 256));
    TRY(buf_reserve(&plain, body.n + 256));
    double start = cpu_us();
    for (int i = 0; i < BATCH; i++) {
        size_t used = 0;
        enum record_kind kind = RECORD_PING;
        wire.len = 0;
        TRY(session_seal(a, RECORD_SEND, body, &wire));
        TRY(session_open(b, buf_span(&wire), &used, &kind, &plain, &alert));
        ENSURE(used == wire.len && kind == RECORD_SEND, MLT_ERR_STATE);
    }
    *us = (cpu_us() - start) / BATCH;
    return MLT_OK;
}

struct bare {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    uint8_t *out;
};

static bool bare_once(const struct bare *x, struct span body)
{
    static const uint8_t counter[16];
    uint8_t tag[32];
    size_t tag_n = 0;
    int n = 0;
    return EVP_EncryptInit_ex2(x->cipher, NULL, NULL, counter, NULL) == 1 &&
           EVP_EncryptUpdate(x->cipher, x->out, &n, body.p, (int)body.n) == 1 &&
           EVP_MAC_init(x->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(x->mac, x->out, body.n) == 1 &&
           EVP_MAC_final(x->mac, tag, &tag_n, sizeof(tag)) == 1;
}

static enum mlt_err bare_through(const struct bare *x, struct span body, double *us)
{
    double start = cpu_us();
    for (int i = 0; i < 2 * BATCH; i++) /* sealing is one pass, opening another */
        ENSURE(bare_once(x, body), MLT_ERR_CRYPTO);
    *us = (cpu_us() - start) / BATCH;
    return MLT_OK;
}

static enum mlt_err open_bare(struct bare *x)
{
    static const uint8_t key[32] = { 1 };
    static uint8_t out[LIMIT_BODY];
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    char digest[] = "SHA2-256";
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                            OSSL_PARAM_construct_end() };
    *x = (struct bare) { EVP_CIPHER_CTX_new(), EVP_MAC_CTX_new(mac), out };
    bool ready = EVP_EncryptInit_ex2(x->cipher, cipher, key, NULL, NULL) == 1 &&
                 EVP_MAC_init(x->mac, key, sizeof(key), params) == 1;
    EVP_CIPHER_free(cipher);
    EVP_MAC_free(mac);
    return ready ? MLT_OK : MLT_ERR_CRYPTO;
}

static enum mlt_err measure(struct session *a, struct session *b, const struct bare *bare, size_t n)
{
    static uint8_t bytes[LIMIT_BODY];
    static double ours[ROUNDS], floor_us[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        TRY(through(a, b, span_of(bytes, n), &ours[i]));
        TRY(bare_through(bare, span_of(bytes, n), &floor_us[i]));
    }
    char name[64];
    snprintf(name, sizeof(name), "record %zu seal and open", n);
    struct beside beside = { "AES-256-CTR and HMAC-SHA-256 alone", median(floor_us, ROUNDS) };
    figure_print(name, median(ours, ROUNDS), beside, ROUNDS);
    return MLT_OK;
}

static enum mlt_err run(void)
{
    static const size_t sizes[] = { 64, 1024, 16384, 65536 };
    struct load load;
    bool locked = false;
    TRY(secret_start(&locked));
    TRY(crypto_start());
    CLEANUP(session_clear) struct session a = { 0 };
    CLEANUP(session_clear) struct session b = { 0 };
    struct bare bare;
    TRY(open_pair(&a, &b));
    TRY(open_bare(&bare));
    load_start(&load);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        TRY(measure(&a, &b, &bare, sizes[i]));
    load_print(&load, "processors others kept busy");
    EVP_CIPHER_CTX_free(bare.cipher);
    EVP_MAC_CTX_free(bare.mac);
    return MLT_OK;
}

int main(void)
{
    enum mlt_err err = run();
    if (err != MLT_OK)
        fprintf(stderr, "bench_record: %s\n", err_text(err));
    return err == MLT_OK ? 0 : 1;
}
