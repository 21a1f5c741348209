/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record costs besides its ciphers, counted: memory, and work on keys and contexts.  The
 * linker lays our own calls of malloc and of libcrypto over the functions here (meson.build), and
 * libcrypto allocates through CRYPTO_set_mem_functions.
 */
#include "test_base.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/limits.h"
#include "crypto/crypto.h"
#include "protocol/session.h"

static struct {
    size_t ours;       /* allocations: base/alloc.c and secrets */
    size_t libcryptos; /* allocations */
    size_t macs;
    size_t keys;     /* loaded into a cipher or a MAC */
    size_t contexts; /* made or fetched for */
} counted;

#define WRAP(type, name, ...)                                                                      \
    type __real_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

WRAP(void *, calloc, size_t count, size_t size)
{
    counted.ours++;
    return __real_calloc(count, size);
}

WRAP(void *, malloc, size_t size)
{
    counted.ours++;
    return __real_malloc(size);
}

WRAP(void *, realloc, void *p, size_t size)
{
    counted.ours++;
    return __real_realloc(p, size);
}

WRAP(void *, CRYPTO_secure_zalloc, size_t n, const char *file, int line)
{
    counted.ours++;
    return __real_CRYPTO_secure_zalloc(n, file, line);
}

WRAP(int, EVP_EncryptInit_ex2, EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const uint8_t *key,
     const uint8_t *iv, const OSSL_PARAM *params)
{
    counted.keys += cipher != NULL || key != NULL || params != NULL;
    return __real_EVP_EncryptInit_ex2(ctx, cipher, key, iv, params);
}

WRAP(int, EVP_MAC_init, EVP_MAC_CTX *ctx, const uint8_t *key, size_t n, const OSSL_PARAM *params)
{
    counted.macs++;
    counted.keys += key != NULL || params != NULL;
    return __real_EVP_MAC_init(ctx, key, n, params);
}

WRAP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_new, void)
{
    counted.contexts++;
    return __real_EVP_CIPHER_CTX_new();
}

WRAP(EVP_MAC_CTX *, EVP_MAC_CTX_new, EVP_MAC *mac)
{
    counted.contexts++;
    return __real_EVP_MAC_CTX_new(mac);
}

WRAP(EVP_MAC_CTX *, EVP_MAC_CTX_dup, const EVP_MAC_CTX *from)
{
    counted.contexts++;
    return __real_EVP_MAC_CTX_dup(from);
}

WRAP(EVP_KDF_CTX *, EVP_KDF_CTX_new, EVP_KDF *kdf)
{
    counted.contexts++;
    return __real_EVP_KDF_CTX_new(kdf);
}

WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, void)
{
    counted.contexts++;
    return __real_EVP_MD_CTX_new();
}

WRAP(EVP_CIPHER *, EVP_CIPHER_fetch, OSSL_LIB_CTX *ctx, const char *name, const char *properties)
{
    counted.contexts++;
    return __real_EVP_CIPHER_fetch(ctx, name, properties);
}

WRAP(EVP_MAC *, EVP_MAC_fetch, OSSL_LIB_CTX *ctx, const char *name, const char *properties)
{
    counted.contexts++;
    return __real_EVP_MAC_fetch(ctx, name, properties);
}

static void *libcrypto_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    counted.libcryptos++;
    return __real_malloc(n);
}

static void *libcrypto_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    counted.libcryptos++;
    return __real_realloc(p, n);
}

static void libcrypto_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* Two ends, and what a caller keeps between two records. */
struct ends {
    struct session a, b;
    struct buf wire, plain, alert;
};

static int start(void **state)
{
    (void)state;
    bool locked = false;
    if (secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK)
        return -1;
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void open_end(struct session *s, const struct session_limits *limits, const char *send,
                     const char *receive)
{
    struct secret out = { 0 };
    struct secret in = { 0 };
    assert_ok(secret_copy(&out, span_str(send)));
    assert_ok(secret_copy(&in, span_str(receive)));
    assert_ok(session_init(s, env_system(), limits, &out, &in));
}

static void open_ends(struct ends *e, const struct session_limits *limits)
{
    static const char there[] = "the traffic secret of one direct";
    static const char back[] = "the traffic secret of the other ";
    *e = (struct ends) { 0 };
    open_end(&e->a, limits, there, back);
    open_end(&e->b, limits, back, there);
}

static void clear_ends(struct ends *e)
{
    session_clear(&e->a);
    session_clear(&e->b);
    buf_clear(&e->wire);
    buf_clear(&e->plain);
    buf_clear(&e->alert);
}

static uint8_t body[LIMIT_BODY];

/* Sealed by a, opened by b, with a rekey before it if one is due. */
static void pass_record(struct ends *e, size_t n)
{
    enum record_kind kind = 0;
    e->wire.len = 0;
    assert_ok(session_seal(&e->a, RECORD_SEND, span_of(body, n), &e->wire));
    struct span left = buf_span(&e->wire);
    while (left.n > 0) {
        size_t used = 0;
        assert_ok(session_open(&e->b, left, &used, &kind, &e->plain, &e->alert));
        left = span_from(left, used);
    }
    assert_int_equal(kind, RECORD_SEND);
    assert_span_equal(buf_span(&e->plain), span_of(body, n));
}

static const size_t sizes[] = { 64, 1024, 16384, LIMIT_BODY };
static const size_t rounds = 50;

/* The largest first: buffers have grown to their size before anything is counted. */
static void count_records(struct ends *e)
{
    pass_record(e, LIMIT_BODY);
    memset(&counted, 0, sizeof(counted));
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < COUNT_OF(sizes); i++)
            pass_record(e, sizes[i]);
}

static void a_record_costs_no_memory_of_ours_and_no_key(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    open_ends(&e, &session_default_limits);
    count_records(&e);
    assert_int_equal(counted.macs, 2 * rounds * COUNT_OF(sizes));
    assert_int_equal(counted.ours, 0);
    assert_int_equal(counted.keys, 0);
    assert_int_equal(counted.contexts, 0);
}

/* OpenSSL 3.0 copies the hashed pads into memory of its own: twice an HMAC. */
static void libcrypto_allocates_no_more_than_twice_an_hmac(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    open_ends(&e, &session_default_limits);
    count_records(&e);
    assert_in_range(counted.libcryptos, 0, 2 * counted.macs);
}

/* That a rekey is seen shows that the counters count. */
static void a_rekey_loads_keys_and_costs_memory(void **state)
{
    (void)state;
    struct session_limits limits = session_default_limits;
    limits.rekey_records = 4;
    CLEANUP(clear_ends) struct ends e;
    open_ends(&e, &limits);
    count_records(&e);
    size_t rekeys = e.a.send.rekeys;
    assert_true(rekeys > 10);
    assert_int_equal(e.b.receive.rekeys, rekeys);
    /* Either side loads a cipher key and a MAC key each time. */
    assert_in_range(counted.keys, 4 * (rekeys - 1), 4 * (rekeys + 1));
    assert_true(counted.contexts > 0);
    assert_true(counted.ours > 0);
    assert_true(counted.libcryptos > 2 * counted.macs);
}

int main(void)
{
    /* Refused by libcrypto once it has allocated anything. */
    if (CRYPTO_set_mem_functions(libcrypto_malloc, libcrypto_realloc, libcrypto_free) != 1)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_costs_no_memory_of_ours_and_no_key),
        cmocka_unit_test(libcrypto_allocates_no_more_than_twice_an_hmac),
        cmocka_unit_test(a_rekey_loads_keys_and_costs_memory),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
