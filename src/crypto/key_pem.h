/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_KEY_PEM_H
#define MALOTE_CRYPTO_KEY_PEM_H

#include <openssl/types.h>

#include "base/secret.h"

/* A private key as unencrypted PKCS#8 PEM ("BEGIN PRIVATE KEY"): what ssh-keygen and the openssl
 * tool read.  Only for a file closed to others. */

MUST_CHECK enum mlt_err key_pem_encode(EVP_PKEY *key, struct secret *pem);

/* Exactly one such block and nothing else; the key is checked like rsa_private_decode does.
 * MLT_ERR_DAMAGED. */
MUST_CHECK enum mlt_err key_pem_decode(struct span pem, EVP_PKEY **key);

#endif
