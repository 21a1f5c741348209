/* SPDX-License-Identifier: Apache-2.0 */
#include "client/key_file.h"

#include "base/env.h"
#include "base/limits.h"
#include "crypto/key_pem.h"
#include "crypto/lockbox.h"
#include "crypto/rsa.h"

static const char file_name[] = "key";
static const char box_name[] = "key";
static const char box_start[] = "malote-key ";

void key_file_clear(struct key_file *file)
{
    buf_clear(&file->content);
}

enum mlt_err key_file_read(const struct home *home, struct key_file *file)
{
    CLEANUP(buf_clear) struct buf content = { 0 };
    enum mlt_err err = file_read(home->dirfd, file_name, LIMIT_KEYSTORE_LINE, &content);
    if (err == MLT_ERR_RANGE)
        return MLT_ERR_DAMAGED;
    TRY(err);
    size_t n = sizeof(box_start) - 1;
    bool is_box = content.len >= n && span_eq(span_of(content.p, n), span_of(box_start, n));
    *file = (struct key_file) { .content = content, .is_protected = is_box };
    content = (struct buf) { 0 };
    return MLT_OK;
}

static enum mlt_err open_box(struct span text, const struct secret *passphrase, EVP_PKEY **key)
{
    ENSURE(passphrase != NULL, MLT_ERR_PASSPHRASE);
    ENSURE(text.n > 0 && text.p[text.n - 1] == '\n', MLT_ERR_DAMAGED);
    struct lockbox box = { 0 };
    TRY(lockbox_parse(box_name, span_of(text.p, text.n - 1), &box));
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    TRY(kdf_scrypt(secret_span(passphrase), SPAN_OF(box.salt), &box.cost, &stretched));
    CLEANUP(secret_clear) struct secret der = { 0 };
    TRY(lockbox_open(&box, &stretched, &der));
    return rsa_private_decode(secret_span(&der), key);
}

enum mlt_err key_file_open(const struct key_file *file, const struct secret *passphrase,
                           EVP_PKEY **key)
{
    struct span text = buf_span(&file->content);
    return file->is_protected ? open_box(text, passphrase, key) : key_pem_decode(text, key);
}

static enum mlt_err put_box(EVP_PKEY *key, const struct secret *passphrase, struct buf *text)
{
    const struct kdf_cost cost = { LIMIT_KDF_COST, 8, 1 };
    uint8_t salt[LOCKBOX_SALT];
    TRY(env_random(env_system(), salt, sizeof(salt)));
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    TRY(kdf_scrypt(secret_span(passphrase), SPAN_OF(salt), &cost, &stretched));
    CLEANUP(secret_clear) struct secret der = { 0 };
    TRY(rsa_private_encode(key, &der));
    TRY(lockbox_seal(box_name, &cost, salt, &stretched, secret_span(&der), text));
    return buf_put_u8(text, '\n');
}

enum mlt_err key_file_write(const struct home *home, EVP_PKEY *key, const struct secret *passphrase)
{
    if (passphrase == NULL) {
        CLEANUP(secret_clear) struct secret pem = { 0 };
        TRY(key_pem_encode(key, &pem));
        return file_write(home->dirfd, file_name, secret_span(&pem));
    }
    CLEANUP(buf_clear) struct buf text = { 0 };
    TRY(put_box(key, passphrase, &text));
    return file_write(home->dirfd, file_name, buf_span(&text));
}
