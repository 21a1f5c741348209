/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PKI_PROFILE_TABLE_H
#define MALOTE_PKI_PROFILE_TABLE_H

#include <openssl/x509.h>

#include "crypto/hash.h"
#include "pki/profile.h"

/*
 * The table itself (PROTOCOL.md 11): which extensions, which life, which algorithm everything
 * has that malote signs.  profile.c builds and checks certificates by it, crl.c revocation lists,
 * request.c requests.  For pki/ alone.
 */

enum profile_kind {
    PROFILE_CA = CERT_CA,
    PROFILE_SERVER = CERT_SERVER,
    PROFILE_CLIENT = CERT_CLIENT,
    PROFILE_CRL,
    PROFILE_CRL_ENTRY,
};

/* RFC 7093 2 (1): the leftmost 160 bits of SHA-256 of the key's bits. */
#define PROFILE_KEY_ID 20

/* What the extensions of a kind are filled with; the rest is not looked at. */
struct profile_values {
    const char *realm;
    const struct name *name;
    const uint8_t *subject_key_id, *issuer_key_id; /* PROFILE_KEY_ID bytes each */
    uint64_t number;                               /* CRLNumber */
    uint8_t reason;                                /* CRLReason */
};

MUST_CHECK enum mlt_err profile_key_id(X509_PUBKEY *key, uint8_t id[static PROFILE_KEY_ID]);

/* All extensions of a kind, in their order.  Owned by the caller. */
MUST_CHECK enum mlt_err profile_extensions(enum profile_kind kind, const struct profile_values *v,
                                           STACK_OF(X509_EXTENSION) * *out);
void profile_extensions_free(STACK_OF(X509_EXTENSION) * *all);

/* From one second to another: within X.509's time, in this order, not longer than the kind may. */
bool profile_is_life(enum profile_kind kind, int64_t from_s, int64_t to_s);

/* Whether a second can be written down: 1970 to the end of X.509 time. */
bool profile_is_time(int64_t s);

/* The AlgorithmIdentifier's DER. */
struct span profile_algorithm(void);

#endif
