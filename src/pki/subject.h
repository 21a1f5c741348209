/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PKI_SUBJECT_H
#define MALOTE_PKI_SUBJECT_H

#include <openssl/types.h>

#include "base/attr.h"
#include "crypto/hash.h"
#include "wire/name.h"

/*
 * Distinguished names of ours: CN=<name> for a leaf, O=<realm>, CN=malote CA for the root, each
 * attribute a UTF8String in an RDN of its own.  subject_get_* read leniently: whoever calls
 * them compares the encoding with what subject_put_* makes of the result.
 */

MUST_CHECK enum mlt_err subject_put_name(X509_NAME *subject, const struct name *name);
MUST_CHECK enum mlt_err subject_put_ca(X509_NAME *subject, const char *realm);

/* The CN as a name; MLT_ERR_NAME. */
MUST_CHECK enum mlt_err subject_get_name(const X509_NAME *subject, struct name *name);

/* The O as a realm; MLT_ERR_NAME. */
MUST_CHECK enum mlt_err subject_get_realm(const X509_NAME *subject,
                                          char realm[static LIMIT_REALM + 1]);

/*
 * Public keys as SubjectPublicKeyInfo, without libcrypto's encoders: they take 0.2 ms a key, six
 * times the signature check.
 */

/* rsaEncryption (not RSASSA-PSS), a size and exponent of ours, DER to the last byte. */
bool subject_key_is_ours(X509_PUBKEY *spki);

/*
 * For a certificate decoded in the context crypto_nothing, where libcrypto finds no decoder for
 * the key: reads it, if its form is one of ours.  Any other is left without a key, which
 * subject_key_is_ours refuses.  May change the encoding of what is not canonical.
 */
MUST_CHECK enum mlt_err subject_load_key(X509 *x);

/* Algorithm and key of one that subject_key_is_ours. */
MUST_CHECK enum mlt_err subject_copy_key(X509_PUBKEY *to, X509_PUBKEY *from);

/* SHA-256 of the DER: the key's fingerprint, as rsa_public_hash. */
MUST_CHECK enum mlt_err subject_key_hash(X509_PUBKEY *spki, uint8_t hash[static HASH_LEN]);

#endif
