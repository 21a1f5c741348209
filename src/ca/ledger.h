/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_LEDGER_H
#define MALOTE_CA_LEDGER_H

#include "db/database.h"
#include "pki/ledger_leaf.h"

/*
 * The append-only list of everything the CA ever set out to sign, in ledger.db: leaves
 * (PROTOCOL.md 10), positions counting from 0, and over them the tree of ledger_tree.h.
 */

/*
 * Leaf and nodes, within the caller's transaction; they stand once that is committed.  Raises the
 * clock's floor (clock.h) to the leaf's time.
 */
MUST_CHECK enum mlt_err ledger_append(struct database *db, const struct ledger_leaf *leaf,
                                      uint64_t *position);

MUST_CHECK enum mlt_err ledger_size(struct database *db, uint64_t *size);

/* MLT_ERR_MISSING beyond the end; MLT_ERR_DAMAGED if leaf and stored hash do not fit. */
MUST_CHECK enum mlt_err ledger_read(struct database *db, uint64_t position,
                                    struct ledger_leaf *leaf);

/* Leaves as they are kept, from `first` on, each as vec8, appended: as many as fit into `most`
 * bytes, none at the end.  MLT_ERR_MISSING beyond it. */
MUST_CHECK enum mlt_err ledger_read_bytes(struct database *db, uint64_t first, size_t most,
                                          struct buf *leaves);

/*
 * An epoch: what the CA says of its ledger from here on holds for this ledger alone; a new one is
 * opened only when an older ledger was put back.  `base`: how many leaves this ledger has in common
 * with those of all earlier epochs: its size, or the base of an epoch that this file does not know
 * (and less by itself where one that it knows has less).  Within the caller's transaction, as its
 * last leaves are in; lifts the stop (stopped.h).  MLT_ERR_RANGE unless it is later than every
 * epoch and every head ahead seen here, and the ledger has `base` leaves.
 */
struct ledger_opening {
    uint64_t epoch, base;
    bool whole;   /* nothing of before is in doubt: a first epoch, or the lost ledger was read */
    uint64_t crl; /* the CRL, no older than this ledger, that tells who was revoked; 0: none */
};

MUST_CHECK enum mlt_err ledger_open_epoch(struct database *db, const struct ledger_opening *o);

/* The present one; MLT_ERR_MISSING in a file that never had one (schema 2). */
MUST_CHECK enum mlt_err ledger_epoch(struct database *db, uint64_t *epoch, uint64_t *base);

/*
 * What a ledger.db says of itself, also one that is not the live one; without the CA's key, so
 * nothing here is proven.  A file of schema 2 wants ledger_tree_complete first.
 */
struct ledger_facts {
    uint64_t size;
    uint8_t root[HASH_LEN]; /* of all leaves; zero for an empty ledger */
    uint64_t epoch, base;   /* 0 while there is none */
    uint64_t crl_number;    /* the highest that has a leaf; 0 for none */
};

MUST_CHECK enum mlt_err ledger_facts_read(struct database *db, struct ledger_facts *facts);

#endif
