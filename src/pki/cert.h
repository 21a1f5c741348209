/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PKI_CERT_H
#define MALOTE_PKI_CERT_H

#include "crypto/hash.h"
#include "pki/profile.h"

/* Certificates as others send them: parsed, checked against the profile, verified to the CA. */

struct cert {
    X509 *x509;
    EVP_PKEY *key; /* public */
    struct cert_fields fields;
    uint8_t spki_hash[HASH_LEN]; /* SHA-256 of the SubjectPublicKeyInfo: the key's fingerprint */
};

/* { 0 } is empty; clear is safe on it. */
void cert_clear(struct cert *c);

/*
 * The trust anchor: canonical DER within the CA profile, self-signature verified.  With a pin
 * (32 bytes, or NULL) its key must be the pinned one (MLT_ERR_PIN), checked first.
 */
MUST_CHECK enum mlt_err cert_read_ca(struct span der, const uint8_t *pin, struct cert *ca);

/*
 * A leaf for `role`, issued by exactly this CA and valid at `now_s`.  Checked in this order:
 * canonical DER (MLT_ERR_ENCODING), issuer and authority key id (CERT_FOREIGN), signature
 * (CERT_SIGNATURE; a twin CA fails here), role by EKU (CERT_ROLE), profile (CERT_PROFILE), time
 * (CERT_EXPIRED, CERT_NOT_YET).  On the two time errors *c is filled all the same, so that the
 * holder can be told once it has proven the key.  An expired CA expires its leaves.  A signature
 * of another algorithm is not looked at (CERT_PROFILE).  libcrypto's strict path validation
 * runs last, as a second opinion, over a store of this one root (CERT_PROFILE).
 */
MUST_CHECK enum mlt_err cert_read_leaf(struct span der, const struct cert *ca, enum cert_role role,
                                       int64_t now_s, struct cert *c);

/*
 * After CERT_NOT_YET: our clock may be behind what the CA signs by up to LIMIT_CLOCK_SLACK_S, which
 * is warned of and no more (PROTOCOL.md 11.6).  MLT_OK if this is no more than that; else as above.
 */
MUST_CHECK enum mlt_err cert_check_late_clock(const struct cert *c, const struct cert *ca,
                                              int64_t now_s);

/* cert_read_leaf by a clock that may be late: as cert_check_late_clock has it. */
MUST_CHECK enum mlt_err cert_read_leaf_late(struct span der, const struct cert *ca,
                                            enum cert_role role, int64_t now_s, struct cert *c);

/* DER and PEM of what was read; appended. */
MUST_CHECK enum mlt_err cert_der(X509 *x509, struct buf *out);
MUST_CHECK enum mlt_err cert_pem(X509 *x509, struct buf *out);
MUST_CHECK enum mlt_err cert_der_from_pem(struct span pem, struct buf *der);
/* For showing one: nothing but its canonical encoding is checked. */
MUST_CHECK enum mlt_err cert_pem_from_der(struct span der, struct buf *pem);

#endif
