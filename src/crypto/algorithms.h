/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_ALGORITHMS_H
#define MALOTE_CRYPTO_ALGORITHMS_H

#include <openssl/evp.h>

/* What crypto_start fetched; for the files of this folder only.  Read-only after the start. */
struct algorithms {
    EVP_MD *sha256;
    EVP_CIPHER *aes_256_ctr;
    EVP_MAC_CTX *hmac; /* with SHA-256 and a key of zeros: to be copied, which costs no look-up */
    EVP_KDF *hkdf;
    EVP_KDF *scrypt;
};

const struct algorithms *algorithms(void);

#endif
