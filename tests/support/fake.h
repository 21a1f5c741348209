/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_FAKE_H
#define MALOTE_TESTS_SUPPORT_FAKE_H

#include <openssl/x509.h>

#include "pki/cert.h"

/*
 * Certificates as they must be, and every way they must not be: for the unit tests, the end-to-
 * end scripts and the fuzzers' seeds.  Anything that fails here ends the program.
 */

#define FAKE_REALM "malote.internal"

struct fake {
    int64_t now_s;
    EVP_PKEY *ca_key;
    EVP_PKEY *leaf_key;
    EVP_PKEY *other_key; /* of a twin CA, an intermediate, a stranger */
    struct cert ca;
};

void fake_start(struct fake *f, int64_t now_s);
void fake_stop(struct fake *f);

/* Any RSA pair, also the ones malote refuses; exponent 1 too.  Owned by the caller. */
EVP_PKEY *fake_key(unsigned bits, unsigned exponent);

void fake_fields(enum cert_role role, const char *name, int64_t now_s, struct cert_fields *out);

/* Built by the profile from those fields, not signed.  Owned by the caller. */
X509 *fake_draft(struct fake *f, const struct cert_fields *fields, EVP_PKEY *key);

/* A root of `realm` for any key. */
X509 *fake_root(EVP_PKEY *key, const char *realm, int64_t now_s);

/* A good certificate: CERT_SERVER is "relay", CERT_CLIENT is "maria.silva". */
X509 *fake_good(struct fake *f, enum cert_role role);

enum fake_signature {
    FAKE_PSS,
    FAKE_PSS_SALT_0,
    FAKE_PSS_SALT_20,
    FAKE_PSS_MGF_SHA1,
    FAKE_PSS_SHA384,
    FAKE_PSS_SHA1,
    FAKE_PKCS1_SHA256,
    FAKE_PKCS1_SHA1,
    FAKE_PKCS1_MD5,
};

void fake_sign(X509 *x, EVP_PKEY *key, enum fake_signature how);
void fake_sign_crl(X509_CRL *crl, EVP_PKEY *key, enum fake_signature how);
void fake_sign_request(X509_REQ *r, EVP_PKEY *key, enum fake_signature how);

/* Extension in the notation of x509v3_config(5); `at` -1 is the end. */
void fake_add(X509 *x, const char *name, const char *value, int at);
void fake_drop(X509 *x, int nid);
void fake_replace(X509 *x, int nid, const char *value);

/* A CN in a string type of the caller's choice. */
X509_NAME *fake_common_name(int type, const char *text);

/* Appends the DER. */
void fake_der(X509 *x, struct buf *out);

/* Something that is not a client certificate of maria.silva, and what cert_read_leaf says. */
struct fake_defect {
    const char *name;
    enum mlt_err wanted;
    X509 *(*make)(struct fake *f);
};
const struct fake_defect *fake_defects(size_t *count);

#endif
