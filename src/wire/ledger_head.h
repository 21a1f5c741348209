/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_LEDGER_HEAD_H
#define MALOTE_WIRE_LEDGER_HEAD_H

#include "base/buf.h"

/*
 * What the CA says of its whole ledger (PROTOCOL.md 10.2).  PROVE and Welcome's `ledger head`:
 * version u8 (0), epoch u64 (s), base u64, size u64, root[32], time u64 (s), vec16 signature.
 */

#define LEDGER_HASH 32

struct ledger_head {
    uint64_t epoch; /* when it was opened, in seconds since 1970: a later one is higher */
    uint64_t base;  /* leaves in common with all earlier epochs */
    uint64_t size;  /* leaves; not below base */
    uint8_t root[LEDGER_HASH];
    int64_t time_s;
    struct span signature; /* pki/statement.h; borrowed */
};

/* Appends what the signature covers: the head up to `signature`, which is not looked at. */
MUST_CHECK enum mlt_err ledger_head_put_signed(const struct ledger_head *h, struct buf *out);

MUST_CHECK enum mlt_err ledger_head_encode(const struct ledger_head *h, struct buf *out);
MUST_CHECK enum mlt_err ledger_head_decode(struct span src, struct ledger_head *h);

#endif
