/* SPDX-License-Identifier: Apache-2.0 */
/* RAND_set_rand_method is the one way to give libcrypto a stream of ours. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "given.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ca/schema.h"
#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "must.h"

static const int64_t wall = INT64_C(1795359274123); /* 2026-11-22 */

const char *const given_key_names[KEY_COUNT] = {
    [KEY_CA] = "ca",           [KEY_SERVER] = "server",
    [KEY_CLIENT] = "client",   [KEY_ENROLLING] = "enrolling",
    [KEY_MAILBOX] = "mailbox",
};

/* ---- randomness and clocks ---- */

enum source { FROM_ENV, FROM_LIBCRYPTO_32, FROM_LIBCRYPTO, SOURCES };

static struct {
    const char *label;
    unsigned drawn[SOURCES];
} randomness;

void given_random(const char *label)
{
    memset(&randomness, 0, sizeof randomness);
    randomness.label = label;
}

/* SHA-256(label, source, draw, block), block after block. */
static void draw(enum source source, uint8_t *out, size_t n)
{
    must(randomness.label != NULL);
    unsigned which = randomness.drawn[source]++;
    for (unsigned block = 0; n > 0; block++) {
        char text[160];
        uint8_t hash[HASH_LEN];
        int len = snprintf(text, sizeof text, "malote vectors: %s, %u, %u, %u", randomness.label,
                           (unsigned)source, which, block);
        must(len > 0 && (size_t)len < sizeof text);
        must_ok(hash_sha256(span_of(text, (size_t)len), hash));
        size_t part = n < sizeof hash ? n : sizeof hash;
        memcpy(out, hash, part);
        out += part;
        n -= part;
    }
}

/* Salts are 32 bytes, the blinding of a key never is: how often it draws is libcrypto's affair. */
static int libcrypto_bytes(unsigned char *out, int n)
{
    draw(n == 32 ? FROM_LIBCRYPTO_32 : FROM_LIBCRYPTO, out, (size_t)n);
    return 1;
}

static int libcrypto_status(void)
{
    return 1;
}

static enum mlt_err env_bytes(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    draw(FROM_ENV, out, n);
    return MLT_OK;
}

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return wall;
}

static int64_t mono_ms(void *ctx)
{
    (void)ctx;
    return 1000;
}

/* ---- keys, certificates, a directory ---- */

static EVP_PKEY *read_key(const char *directory, const char *name)
{
    char path[512];
    int n = snprintf(path, sizeof path, "%s/%s.pem", directory, name);
    must(n > 0 && (size_t)n < sizeof path);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        perror(path);
    must(f != NULL);
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    must(fclose(f) == 0 && key != NULL);
    return key;
}

static void start_libraries(void)
{
    static const RAND_METHOD method = {
        .bytes = libcrypto_bytes,
        .pseudorand = libcrypto_bytes,
        .status = libcrypto_status,
    };
    bool locked = false;
    must_ok(secret_start(&locked));
    /* The leak sanitizer has to be able to look in. */
    must(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
    must_ok(crypto_start());
    must(RAND_set_rand_method(&method) == 1);
    log_start("make_vectors", LOG_LEVEL_ERROR);
}

static void issue_all(struct given *g)
{
    struct name name;
    bool fresh = false;
    const struct database_place place = { g->dirfd, SCHEMA_FILE };
    must_ok(database_open(&g->db, &schema_ledger, &place, true, &fresh));
    given_random("root");
    must_ok(database_begin(&g->db));
    must_ok(database_create(&g->db));
    must_ok(database_end(
        &g->db, issue_root(&g->env, &g->db, span_str(GIVEN_REALM), g->keys[KEY_CA], &g->root)));
    must_ok(cert_read_ca(buf_span(&g->root.der), NULL, &g->ca));

    const struct issuer issuer = {
        .env = &g->env, .db = &g->db, .key = g->keys[KEY_CA], .ca = &g->ca
    };
    given_random("server certificate");
    must_ok(issue_leaf(&issuer, CERT_SERVER, NULL, g->keys[KEY_SERVER], &g->server));
    given_random("client certificate");
    must_ok(name_parse(span_str(GIVEN_USER), &name));
    must_ok(issue_leaf(&issuer, CERT_CLIENT, &name, g->keys[KEY_CLIENT], &g->client));
    given_random("enrolled certificate");
    must_ok(name_parse(span_str(GIVEN_NEW), &name));
    must_ok(issue_leaf(&issuer, CERT_CLIENT, &name, g->keys[KEY_ENROLLING], &g->enrolled));
}

void given_start(struct given *g, const char *keys)
{
    *g = (struct given) { .dirfd = -1 };
    start_libraries();
    given_random("start");
    g->env = (struct env) { g, wall_ms, mono_ms, env_bytes };
    for (int i = 0; i < KEY_COUNT; i++)
        g->keys[i] = read_key(keys, given_key_names[i]);
    snprintf(g->dir, sizeof g->dir, "/tmp/malote-vectors-XXXXXX");
    must(mkdtemp(g->dir) != NULL && chdir(g->dir) == 0);
    must_ok(file_open_dir(g->dir, false, &g->dirfd));
    issue_all(g);
}

void given_stop(struct given *g)
{
    static const char *const files[] = { SCHEMA_FILE, SCHEMA_FILE "-wal", SCHEMA_FILE "-shm",
                                         KEYSTORE_NEW };
    database_close(&g->db);
    for (int i = 0; i < KEY_COUNT; i++)
        rsa_key_free(&g->keys[i]);
    issued_clear(&g->root);
    issued_clear(&g->server);
    issued_clear(&g->client);
    issued_clear(&g->enrolled);
    cert_clear(&g->ca);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        (void)unlinkat(g->dirfd, files[i], 0);
    file_close(&g->dirfd);
    must(rmdir(g->dir) == 0);
}
