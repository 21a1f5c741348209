/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PKI_STATEMENT_H
#define MALOTE_PKI_STATEMENT_H

#include "pki/cert.h"
#include "wire/ledger_head.h"
#include "wire/revocation.h"

/*
 * What is signed outside a certificate, a CRL and a handshake: a purpose of its own each
 * (PROTOCOL.md 5.3) over the CA's fingerprint and the statement, so that none is taken for
 * another, or for another CA's.  The signature is appended; `signature` of what is signed is not
 * looked at.  Checks: MLT_ERR_AUTH.
 */

/* By the CA's key. */
MUST_CHECK enum mlt_err statement_sign_head(EVP_PKEY *key, const struct cert *ca,
                                            const struct ledger_head *head, struct buf *signature);
MUST_CHECK enum mlt_err statement_check_head(const struct cert *ca, const struct ledger_head *head);

MUST_CHECK enum mlt_err statement_sign_revocation(EVP_PKEY *key, const struct cert *ca,
                                                  const struct revocation *revocation,
                                                  struct buf *signature);
MUST_CHECK enum mlt_err statement_check_revocation(const struct cert *ca,
                                                   const struct revocation *revocation);

/* By the key of the certificate that is to be renewed. */
MUST_CHECK enum mlt_err statement_sign_renewal(EVP_PKEY *key, const struct cert *ca,
                                               const uint8_t serial[static CERT_SERIAL],
                                               struct buf *signature);
MUST_CHECK enum mlt_err statement_check_renewal(EVP_PKEY *key, const struct cert *ca,
                                                const uint8_t serial[static CERT_SERIAL],
                                                struct span signature);

#endif
