/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PKI_LEDGER_LEAF_H
#define MALOTE_PKI_LEDGER_LEAF_H

#include "crypto/hash.h"
#include "pki/profile.h"

/*
 * One entry of the ledger: something the CA set out to sign.  PROTOCOL.md 10:
 *
 *   version u8 (0), to-be-signed hash[32], vec8 name (empty for the root and a CRL),
 *   SPKI hash[32] (of a CRL: the CA's), kind u8, serial[16] (of a CRL: its number, left-padded),
 *   time u64 (seconds since 1970)
 */

/* The kinds of certificates are numbered as enum cert_role. */
enum ledger_kind {
    LEDGER_NOTHING = 0,
    LEDGER_CA = CERT_CA,
    LEDGER_SERVER = CERT_SERVER,
    LEDGER_CLIENT = CERT_CLIENT,
    LEDGER_CRL = 4,
};

struct ledger_leaf {
    uint8_t tbs_hash[HASH_LEN];
    struct name name;
    uint8_t spki_hash[HASH_LEN];
    enum ledger_kind kind;
    uint8_t serial[CERT_SERIAL];
    int64_t time_s;
};

/* The longest encoding: it fits a vec8 (LEAVES). */
#define LEDGER_LEAF_MAX (1 + HASH_LEN + 1 + LIMIT_NAME + HASH_LEN + 1 + CERT_SERIAL + 8)

/* Appends.  MLT_ERR_RANGE for what ledger_leaf_decode would refuse. */
MUST_CHECK enum mlt_err ledger_leaf_encode(const struct ledger_leaf *leaf, struct buf *out);

/* MLT_ERR_RANGE, _NAME, _VERSION, _TRUNCATED, _TRAILING. */
MUST_CHECK enum mlt_err ledger_leaf_decode(struct span src, struct ledger_leaf *leaf);

/* A CRL's number as a leaf's serial, and back (MLT_ERR_RANGE for 0 and beyond 63 bits). */
void ledger_leaf_put_number(uint64_t number, uint8_t serial[static CERT_SERIAL]);
MUST_CHECK enum mlt_err ledger_leaf_get_number(const uint8_t serial[static CERT_SERIAL],
                                               uint64_t *number);

#endif
