/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_ISSUE_H
#define MALOTE_CA_ISSUE_H

#include "base/env.h"
#include "db/database.h"
#include "ca/ledger.h"
#include "pki/cert.h"
#include "pki/crl.h"

/*
 * The only place that signs certificates and CRLs, always in this order: ledger leaf, committed
 * with an fsync; profile check of exactly those bytes; signature.  Recording the result is the
 * caller's, in the transaction that also says whose it is.
 */

struct issuer {
    const struct env *env;
    struct database *db;
    EVP_PKEY *key; /* the CA's */
    const struct cert *ca;
    int64_t client_life_s; /* 0: LIMIT_CERT_DAYS, and never more */
};

struct issued {
    enum cert_role role;
    struct name name;
    uint8_t spki_hash[HASH_LEN];
    uint8_t serial[CERT_SERIAL];
    int64_t issued_s, not_after_s;
    uint64_t position; /* in the ledger */
    struct buf der;
};

/* { 0 } is empty. */
void issued_clear(struct issued *i);

/* The role that a name has: the server's, or a client's. */
enum cert_role issue_role_of(const struct name *name);

/*
 * A certificate for a client, or for the server (whose name is "relay", whoever asks).  Commits
 * a transaction of its own.  MLT_ERR_CERT_EXPIRED when the root no longer covers the present.
 */
MUST_CHECK enum mlt_err issue_leaf(const struct issuer *issuer, enum cert_role role,
                                   const struct name *name, EVP_PKEY *subject, struct issued *out);

/*
 * A revocation list of these entries and this number, good from now on for LIMIT_CRL_S: its times
 * and order of entries are written to *crl, its DER is appended.  Commits the leaf in a transaction
 * of its own.
 */
MUST_CHECK enum mlt_err issue_crl(const struct issuer *issuer, struct crl *crl, uint64_t *position,
                                  struct buf *der);

/* What the ledger keeps of a certificate of these fields, whose part that is signed is `tbs`. */
MUST_CHECK enum mlt_err issue_draw_leaf(const struct cert_fields *fields,
                                        const uint8_t spki_hash[static HASH_LEN], struct span tbs,
                                        struct ledger_leaf *leaf);

/* The root over its own key; the leaf goes into the caller's transaction. */
MUST_CHECK enum mlt_err issue_root(const struct env *env, struct database *db, struct span realm,
                                   EVP_PKEY *key, struct issued *out);

#endif
