/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_LEDGER_H
#define MALOTE_CA_LEDGER_H

#include "db/database.h"
#include "crypto/hash.h"
#include "pki/profile.h"

/*
 * The append-only list of everything the CA ever set out to sign.  A leaf is (PROTOCOL.md 10):
 *
 *   version u8 (0), to-be-signed hash[32], vec8 name (empty for the root), SPKI hash[32],
 *   kind u8 (1 CA, 2 server, 3 client), serial[16], time u64 (seconds since 1970)
 *
 * Its hash is SHA-256(00 || leaf), as RFC 9162 2.1.1 wants it.  Positions count from 0.
 */

struct ledger_leaf {
    uint8_t tbs_hash[HASH_LEN];
    struct name name;
    uint8_t spki_hash[HASH_LEN];
    enum cert_role role;
    uint8_t serial[CERT_SERIAL];
    int64_t time_s;
};

MUST_CHECK enum mlt_err ledger_leaf_encode(const struct ledger_leaf *leaf, struct buf *out);
MUST_CHECK enum mlt_err ledger_leaf_decode(struct span src, struct ledger_leaf *leaf);
MUST_CHECK enum mlt_err ledger_leaf_hash(struct span leaf, uint8_t out[static HASH_LEN]);

/* Within the caller's transaction; it stands once that is committed. */
MUST_CHECK enum mlt_err ledger_append(struct database *db, const struct ledger_leaf *leaf,
                                      uint64_t *position);

MUST_CHECK enum mlt_err ledger_size(struct database *db, uint64_t *size);

/* MLT_ERR_MISSING beyond the end; MLT_ERR_DAMAGED if leaf and stored hash do not fit. */
MUST_CHECK enum mlt_err ledger_read(struct database *db, uint64_t position,
                                    struct ledger_leaf *leaf);

#endif
