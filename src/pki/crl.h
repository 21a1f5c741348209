/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PKI_CRL_H
#define MALOTE_PKI_CRL_H

#include "pki/cert.h"

/*
 * Revocation lists: X.509 v2 CRLs (RFC 5280 5) within the profile (pki/profile.h): issuer the
 * CA, RSA-PSS, thisUpdate before nextUpdate and at most LIMIT_CRL_LIFE_S apart, extensions
 * exactly authority key id and CRLNumber, neither critical; entries by rising serial, each with
 * its date and at most one extension, the reason.
 */

/* The values of CRLReason (RFC 5280 5.3.1) that malote gives. */
enum crl_reason {
    CRL_UNSPECIFIED = 0, /* no extension says so */
    CRL_KEY_COMPROMISE = 1,
    CRL_AFFILIATION_CHANGED = 3,
    CRL_SUPERSEDED = 4,
    CRL_CESSATION = 5,
};

/* Whether a number is one of them. */
bool crl_is_reason(unsigned reason);

struct crl_entry {
    uint8_t serial[CERT_SERIAL];
    enum crl_reason reason;
    int64_t revoked_s;
};

/* { 0 } is empty. */
struct crl {
    uint64_t number; /* 1 to 2^63 - 1 */
    int64_t this_update_s, next_update_s;
    struct crl_entry *entries; /* owned; by rising serial once built or read */
    size_t count;
};

void crl_clear(struct crl *crl);

/* Room for `count` entries, all zero; what was there is released.  MLT_ERR_NOMEM. */
MUST_CHECK enum mlt_err crl_reserve(struct crl *crl, size_t count);

/*
 * A list that is to be signed: what the table makes of the fields.  Sorts the entries (a serial
 * twice: MLT_ERR_CRL).  Appends the TBSCertList.  MLT_ERR_CRL for fields outside the table,
 * MLT_ERR_NOSPACE beyond LIMIT_CRL.
 */
MUST_CHECK enum mlt_err crl_tbs(struct crl *crl, const struct cert *ca, struct buf *tbs);

/*
 * Signs those bytes, as long as they are such a list of this CA's; appends the DER of the whole.
 * Holds no key: the CA's is lent for the call.
 */
MUST_CHECK enum mlt_err crl_sign(struct span tbs, EVP_PKEY *key, const struct cert *ca,
                                 struct buf *der);

/*
 * A list as others hand it over.  Checked in this order: size and DER (MLT_ERR_ENCODING), the
 * form of a list (CRL), issuer and authority key id (CRL_FOREIGN), algorithm (CRL), signature
 * (CRL_SIGNATURE), profile (CRL).  Says nothing about the present time.  *crl is replaced.
 */
MUST_CHECK enum mlt_err crl_read(struct span der, const struct cert *ca, struct crl *crl);

/* Appends the TBSCertList of a list that crl_read takes: the ledger's leaf has its hash. */
MUST_CHECK enum mlt_err crl_tbs_of(struct span der, struct buf *tbs);

/* The entry of a serial, in the list; NULL.  Of one built or read: the entries are sorted. */
const struct crl_entry *crl_find(const struct crl *crl, const uint8_t serial[static CERT_SERIAL]);

MUST_CHECK enum mlt_err crl_pem(struct span der, struct buf *pem);

#endif
