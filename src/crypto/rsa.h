/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_RSA_H
#define MALOTE_CRYPTO_RSA_H

#include <openssl/types.h>

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/hash.h"

/*
 * RSA: PSS (SHA-256, MGF1-SHA-256, salt 32) to sign, OAEP-SHA-256 to wrap.  No key does both.
 * Keys are 2048, 3072 or 4096 bits with e = 65537; anything else is refused on load.
 */

/* The prefix that keeps one use of a key from being taken for another.  PROTOCOL.md 5.3 */
enum rsa_purpose {
    RSA_TRIAL,
    RSA_SERVER_HANDSHAKE,
    RSA_CLIENT_HANDSHAKE,
    RSA_LEDGER_HEAD,
    RSA_REVOCATION,
    RSA_RENEWAL,
};

/* Owned by the caller (rsa_key_free).  0.2 s for 2048 bits. */
MUST_CHECK enum mlt_err rsa_key_new(unsigned bits, EVP_PKEY **key);
void rsa_key_free(EVP_PKEY **key);

/* Takes part in ownership: another reference to the same key. */
MUST_CHECK enum mlt_err rsa_key_share(EVP_PKEY *key, EVP_PKEY **other);

/* Size, exponent, and with `private_too` EVP_PKEY_check and a trial signature.  MLT_ERR_DAMAGED. */
MUST_CHECK enum mlt_err rsa_key_check(EVP_PKEY *key, bool private_too);

/* PKCS#8 DER (unencrypted: only into a secret). */
MUST_CHECK enum mlt_err rsa_private_encode(EVP_PKEY *key, struct secret *der);
MUST_CHECK enum mlt_err rsa_private_decode(struct span der, EVP_PKEY **key);

/* SubjectPublicKeyInfo DER, appended. */
MUST_CHECK enum mlt_err rsa_public_encode(EVP_PKEY *key, struct buf *der);
MUST_CHECK enum mlt_err rsa_public_decode(struct span der, EVP_PKEY **key);

/* SHA-256 of the SubjectPublicKeyInfo: what malote calls a key's fingerprint. */
MUST_CHECK enum mlt_err rsa_public_hash(EVP_PKEY *key, uint8_t out[static HASH_LEN]);

/* Length of every signature of this key, in bytes. */
size_t rsa_signature_size(EVP_PKEY *key);

/* Over "malote v1 <purpose>" 00 digest; appends the signature. */
MUST_CHECK enum mlt_err rsa_sign(EVP_PKEY *key, enum rsa_purpose purpose,
                                 const uint8_t digest[static HASH_LEN], struct buf *signature);
MUST_CHECK enum mlt_err rsa_verify(EVP_PKEY *key, enum rsa_purpose purpose,
                                   const uint8_t digest[static HASH_LEN], struct span signature);

/* OAEP-SHA-256 with a label (at most 255 bytes); for mailbox pairs. */
MUST_CHECK enum mlt_err rsa_wrap(EVP_PKEY *key, struct span label, struct span secret,
                                 struct buf *wrapped);
MUST_CHECK enum mlt_err rsa_unwrap(EVP_PKEY *key, struct span label, struct span wrapped,
                                   struct secret *secret);

#endif
