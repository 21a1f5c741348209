/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "client/key_file.h"
#include "crypto/crypto.h"
#include "crypto/key_pem.h"
#include "crypto/lockbox.h"
#include "crypto/rsa.h"

/*
 * The client's file `key`, plain and protected, as somebody left it.  First byte: the file as it
 * is, or edits (place u16, byte u8) to a good one.  What opens is the good key and the good bytes.
 */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct kdf_cost cheap = { 1024, 8, 1 };
static const uint8_t salt[LOCKBOX_SALT] = "thirty-two bytes of public salt";
static struct secret passphrase;
static struct buf plain, boxed;
static uint8_t fingerprint[HASH_LEN];

static void must(bool cond)
{
    if (!cond)
        abort();
}

static void make_good(void)
{
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    CLEANUP(secret_clear) struct secret pem = { 0 };
    CLEANUP(secret_clear) struct secret der = { 0 };
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    must(rsa_key_new(2048, &key) == MLT_OK && rsa_public_hash(key, fingerprint) == MLT_OK);
    must(key_pem_encode(key, &pem) == MLT_OK && buf_put(&plain, secret_span(&pem)) == MLT_OK);
    must(secret_copy(&passphrase, span_str("passphrase")) == MLT_OK);
    must(kdf_scrypt(secret_span(&passphrase), SPAN_OF(salt), &cheap, &stretched) == MLT_OK);
    must(rsa_private_encode(key, &der) == MLT_OK);
    must(lockbox_seal("key", &cheap, salt, &stretched, secret_span(&der), &boxed) == MLT_OK);
    must(buf_put_u8(&boxed, '\n') == MLT_OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    bool locked = false;
    uint8_t byte;
    (void)argc;
    (void)argv;
    /* Before the secure heap, where the leak sanitizer would not find what hangs on them. */
    must(RAND_bytes(&byte, 1) == 1 && RAND_priv_bytes(&byte, 1) == 1);
    must(secret_start(&locked) == MLT_OK && crypto_start() == MLT_OK);
    make_good();
    return 0;
}

/* A costly line is parsed and left: its gigabyte would be somebody else's choice, not a fault. */
static bool is_cheap(struct span text)
{
    struct lockbox box = { 0 };
    struct span line = span_of(text.p, text.n > 0 ? text.n - 1 : 0);
    if (lockbox_parse("key", line, &box) != MLT_OK)
        return true;
    must(box.cost.n >= LIMIT_KDF_COST_MIN && box.cost.n <= LIMIT_KDF_COST_MAX);
    must(box.cost.r == 8 && box.cost.p == 1 && box.wrapped.n % 2 == 0);
    return box.cost.n == cheap.n;
}

static void open_file(struct span text, bool is_protected)
{
    CLEANUP(key_file_clear) struct key_file file = { .is_protected = is_protected };
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    uint8_t hash[HASH_LEN];
    must(buf_put(&file.content, text) == MLT_OK);
    if (is_protected && !is_cheap(text))
        return;
    bool opened = key_file_open(&file, &passphrase, &key) == MLT_OK;
    must(opened == (key != NULL));
    /* The plain file has no seal: what the key's owner checks first is what finds a wrong bit. */
    if (!opened || rsa_key_check(key, true) != MLT_OK) {
        must(!opened || !is_protected);
        return;
    }
    must(span_eq(text, buf_span(is_protected ? &boxed : &plain)));
    must(rsa_public_hash(key, hash) == MLT_OK && span_eq(SPAN_OF(hash), SPAN_OF(fingerprint)));
}

static void open_edited(const struct buf *good, struct span edits, bool is_protected)
{
    CLEANUP(buf_clear) struct buf copy = { 0 };
    must(buf_put(&copy, buf_span(good)) == MLT_OK);
    for (; edits.n >= 3; edits = span_from(edits, 3))
        copy.p[((size_t)edits.p[0] << 8 | edits.p[1]) % copy.len] ^= edits.p[2];
    copy.len -= edits.n; /* what is left over cuts */
    open_file(buf_span(&copy), is_protected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1 || n > 9000)
        return 0;
    struct span rest = span_of(data + 1, n - 1);
    switch (data[0] % 4) {
    case 0:
        open_file(rest, false);
        break;
    case 1:
        open_file(rest, true);
        break;
    case 2:
        open_edited(&plain, rest, false);
        break;
    case 3:
        open_edited(&boxed, rest, true);
        break;
    }
    return 0;
}
