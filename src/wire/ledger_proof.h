/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_LEDGER_PROOF_H
#define MALOTE_WIRE_LEDGER_PROOF_H

#include "base/buf.h"

/*
 * What a client may ask about the ledger (PROTOCOL.md 10.3, 10.4).
 *
 * PROOF, the answer to PROVE: result u8, vec16 newest head (wire/ledger_head.h), vec16 hashes
 * LEAVES_WANTED:              first u64
 * LEAVES:                     result u8, first u64, vec24 leaves, each a vec8
 */

enum proof_result {
    PROOF_PROVEN = 1, /* `hashes` prove that the newest head continues the one shown */
    PROOF_BUSY,       /* ask again later */
    PROOF_AHEAD       /* the head shown is not one of this ledger's, or beyond it */
};

struct ledger_proof {
    enum proof_result result;
    struct span head;   /* what the proof leads to; empty unless PROVEN; borrowed */
    struct span hashes; /* 32 bytes each, RFC 9162 2.1.4; none for a head of the same size */
};

MUST_CHECK enum mlt_err ledger_proof_encode(const struct ledger_proof *p, struct buf *out);
MUST_CHECK enum mlt_err ledger_proof_decode(struct span src, struct ledger_proof *p);

struct leaves_wanted {
    uint64_t first; /* position */
};

MUST_CHECK enum mlt_err leaves_wanted_encode(const struct leaves_wanted *w, struct buf *out);
MUST_CHECK enum mlt_err leaves_wanted_decode(struct span src, struct leaves_wanted *w);

enum leaves_result { LEAVES_HERE = 1, LEAVES_BUSY };

struct leaves {
    enum leaves_result result;
    uint64_t first;
    struct span leaves; /* empty: the ledger ends before `first`; or busy.  Borrowed */
};

MUST_CHECK enum mlt_err leaves_encode(const struct leaves *l, struct buf *out);
/* The leaves are taken apart only as far as their lengths. */
MUST_CHECK enum mlt_err leaves_decode(struct span src, struct leaves *l);

/* One leaf onto `leaves`; and the next one off it, which must not be empty. */
MUST_CHECK enum mlt_err leaves_put(struct buf *leaves, struct span leaf);
MUST_CHECK enum mlt_err leaves_next(struct span *leaves, struct span *leaf);

#endif
