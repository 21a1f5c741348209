/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PKI_REQUEST_H
#define MALOTE_PKI_REQUEST_H

#include "crypto/hash.h"
#include "pki/profile.h"

/*
 * PKCS#10 requests (RFC 2986), the proof that whoever asks holds the key.  Profile: version 0,
 * subject exactly CN=<name>, an RSA key of ours that is not weak (crypto/rsa_weak.h), no
 * attributes, signature RSA-PSS with SHA-256.
 */

struct request {
    EVP_PKEY *key;
    struct name name;
    uint8_t spki_hash[HASH_LEN];
};

void request_clear(struct request *r);

/* Appends the DER. */
MUST_CHECK enum mlt_err request_make(EVP_PKEY *key, const struct name *name, struct buf *der);

/* Parses, checks the profile and the signature.  MLT_ERR_REQUEST, MLT_ERR_ENCODING, AUTH. */
MUST_CHECK enum mlt_err request_read(struct span der, struct request *r);

#endif
