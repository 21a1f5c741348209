/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_KEY_FILE_H
#define MALOTE_CLIENT_KEY_FILE_H

#include <openssl/types.h>

#include "base/secret.h"
#include "client/home.h"

/*
 * The file `key`: the identity's private key, made here and never sent.  Plain PKCS#8 PEM in a
 * file closed to others, like an SSH host key; or one lockbox line under a passphrase.
 */

/* The file as it is, before anyone is asked for a passphrase. */
struct key_file {
    struct buf content;
    bool is_protected;
};

void key_file_clear(struct key_file *file);

/* MLT_ERR_MISSING, MLT_ERR_PERMISSION, MLT_ERR_DAMAGED. */
MUST_CHECK enum mlt_err key_file_read(const struct home *home, struct key_file *file);

/* `passphrase` is NULL for a plain one.  *key is owned by the caller.  MLT_ERR_PASSPHRASE. */
MUST_CHECK enum mlt_err key_file_open(const struct key_file *file, const struct secret *passphrase,
                                      EVP_PKEY **key);

/* Written under the default cost if there is a passphrase (else NULL); replaces the file. */
MUST_CHECK enum mlt_err key_file_write(const struct home *home, EVP_PKEY *key,
                                       const struct secret *passphrase);

#endif
