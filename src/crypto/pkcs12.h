/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_PKCS12_H
#define MALOTE_CRYPTO_PKCS12_H

#include <openssl/types.h>

#include "base/buf.h"

/*
 * A key and its certificate under a passphrase in one file that other programs read: PKCS#12
 * (RFC 7292) with PBES2 of AES-256-CBC and PBKDF2-HMAC-SHA-256, a MAC of HMAC-SHA-256, and
 * LIMIT_PKCS12_ITERATIONS each.
 */

/* { 0 } is empty. */
struct pkcs12 {
    EVP_PKEY *key;
    struct buf certificate; /* DER */
};

void pkcs12_clear(struct pkcs12 *p);

/*
 * Appends the file; a second of work.  `label` is what other programs show (friendlyName).
 * MLT_ERR_USAGE for a passphrase that is empty, too long, or holds a zero byte; MLT_ERR_DAMAGED
 * where the key is not the certificate's.
 */
MUST_CHECK enum mlt_err pkcs12_make(const struct pkcs12 *p, const char *label,
                                    struct span passphrase, struct buf *file);

/*
 * A file of exactly one RSA key of ours and one certificate of this key, nothing said about the
 * latter.  The algorithms must be those above, whatever the number of iterations up to
 * LIMIT_PKCS12_ITERATIONS_MAX.  MLT_ERR_PASSPHRASE where the MAC does not fit, before anything
 * is decrypted; MLT_ERR_REFUSED for other algorithms, or no MAC; MLT_ERR_DAMAGED for all else.
 */
MUST_CHECK enum mlt_err pkcs12_read(struct span file, struct span passphrase, struct pkcs12 *p);

#endif
