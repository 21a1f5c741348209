/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PKI_PROFILE_H
#define MALOTE_PKI_PROFILE_H

#include <openssl/types.h>

#include "base/attr.h"
#include "base/buf.h"
#include "wire/name.h"

/*
 * The one table of what a certificate, a revocation list and a request of ours may contain
 * (profile_table.c).  The signer builds from it, the verifier builds anew from what it reads and
 * compares; nothing outside it is signed or believed.  RFC 5280, RFC 2986.  Here certificates;
 * crl.h and request.h have the other two.
 */

/*
 * An arc anyone may use without registration: 1.2.840.113556.1.8000.2554 and a random UUID in
 * seven parts.  Not 2.25.<UUID>: its 128-bit arc makes GnuTLS refuse the certificate for any
 * purpose ("does not match the intended purpose") and NSS cannot print it.
 */
#define PROFILE_OID_ARC    "1.2.840.113556.1.8000.2554.57411.23035.27320.19085.38797.378319.9098608"
#define PROFILE_OID_CLIENT PROFILE_OID_ARC ".1"
#define PROFILE_OID_SERVER PROFILE_OID_ARC ".2"

enum cert_role { CERT_CA = 1, CERT_SERVER, CERT_CLIENT };

#define CERT_SERIAL 16

struct cert_fields {
    enum cert_role role;
    struct name name;                  /* CLIENT: the user; SERVER: "relay"; CA: empty */
    char realm[LIMIT_REALM + 1];       /* NUL-terminated */
    uint8_t serial[CERT_SERIAL];       /* big-endian, top bit clear, never zero */
    int64_t not_before_s, not_after_s; /* seconds since 1970 */
};

/*
 * Fills an empty X509 with everything but the signature itself: version, serial, algorithm,
 * names, validity, key, extensions, per the table.  `issuer` is NULL for the self-signed root.
 * The key may be public or a pair.  MLT_ERR_CERT_PROFILE where the fields do not fit the table,
 * MLT_ERR_CERT_FOREIGN where the issuer is not the CA of fields->realm.
 */
MUST_CHECK enum mlt_err profile_build(const struct cert_fields *fields, EVP_PKEY *subject_key,
                                      X509 *issuer, X509 *out);

/* Appends the bytes a signature covers (TBSCertificate), also of a certificate not signed yet. */
MUST_CHECK enum mlt_err profile_tbs(X509 *cert, struct buf *tbs);

/*
 * Reads the fields back and checks every part against the table: nothing missing, nothing more,
 * key size and exponent, algorithms and their parameters, canonical encoding.  Says nothing
 * about signature, issuer's key or the present time.  Works before and after the signature.
 * MLT_ERR_CERT_PROFILE.
 */
MUST_CHECK enum mlt_err profile_check(X509 *cert, enum cert_role role, struct cert_fields *fields);

/*
 * Signs what profile_build made, as long as profile_check would still accept it as some role
 * (MLT_ERR_CERT_PROFILE).  Holds no key: the CA's is lent for the call.
 */
MUST_CHECK enum mlt_err profile_sign(X509 *cert, EVP_PKEY *key);

/* Whether an AlgorithmIdentifier is byte for byte RSA-PSS, SHA-256, MGF1-SHA-256, salt 32. */
bool profile_is_algorithm(const X509_ALGOR *algorithm);

#endif
