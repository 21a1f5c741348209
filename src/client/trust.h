/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_TRUST_H
#define MALOTE_CLIENT_TRUST_H

#include "pki/cert.h"

/*
 * What this client believes: the CA whose key was pinned by the join URL, what that CA signed,
 * and only within one realm.
 */

/* Who a certificate must be for to be ours. */
struct trust_self {
    const struct name *name;
    const uint8_t *key_hash; /* SHA-256 of our SPKI */
};

/*
 * Our certificate: issued by this CA (cert_read_leaf, whose errors it hands on), for our name,
 * key and the CA's realm (MLT_ERR_CERT_FOREIGN otherwise); by a clock that may be late, see
 * cert_check_late_clock.  On MLT_ERR_CERT_EXPIRED and _NOT_YET *own is filled all the same.
 */
MUST_CHECK enum mlt_err trust_own(struct span der, const struct cert *ca,
                                  const struct trust_self *self, int64_t now_s, struct cert *own);

/* The pinned key may come in another CA certificate: the one a server shows must be for our own
 * certificate's realm.  MLT_ERR_CERT_FOREIGN. */
MUST_CHECK enum mlt_err trust_realm(const struct cert *ca, const struct cert *own);

#endif
