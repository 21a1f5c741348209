/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_KEYSTORE_REWRITE_H
#define MALOTE_CA_KEYSTORE_REWRITE_H

#include "ca/keystore.h"

/*
 * Writes chaves.txt anew: without one line, under another passphrase, or under another master key
 * too.  All lines are chained anew.  ledger.db decides:
 *
 *   keystore_rewrite_start    (or _renew) writes and syncs KEYSTORE_NEXT
 *   (caller)                  commits its mark, in the transaction that needs it
 *   keystore_rewrite_finish   KEYSTORE_NEXT becomes KEYSTORE_FILE
 *
 * A KEYSTORE_NEXT that is met at a start is the rightful file if it ends with the mac that
 * ledger.db holds, else the residue of a rewriting that never was.
 */

#define KEYSTORE_NEXT "chaves.txt.next"

struct keystore_rewrite {
    int fd; /* of KEYSTORE_NEXT; -1: none */
    struct keystore_mark mark;
    int64_t offset, size; /* of the line that is left out; 0: of none */
};

/* Every line is checked once more on its way: MLT_ERR_DAMAGED, and where `offset` holds no line of
 * this kind and name. */
MUST_CHECK enum mlt_err keystore_rewrite_start(const struct keystore *ks, int dirfd, int64_t offset,
                                               enum keystore_kind kind, struct span name,
                                               struct keystore_rewrite *rewrite);

/* The first line of the file to be, and what follows from it. */
struct keystore_renewal {
    struct kdf_cost cost;
    uint8_t salt[LOCKBOX_SALT];
    const struct secret *stretched; /* scrypt of the new passphrase over that salt */
    bool rotate;                    /* another master key: every line is sealed anew */
};

/*
 * The same lines under another first line, every one of them checked and, with `rotate`, opened.
 * All stand *shift bytes behind where they stood.  *made is the new file, unlocked, to be adopted
 * after the commit: keystore_rewrite_renewed.
 */
MUST_CHECK enum mlt_err keystore_rewrite_renew(const struct keystore *ks, int dirfd,
                                               const struct keystore_renewal *renewal,
                                               struct keystore *made, int64_t *shift);

/* After the commit: KEYSTORE_NEXT becomes KEYSTORE_FILE, *made becomes *ks.  What was in the old
 * file is overwritten, as far as a file system lets one.  On failure as below. */
MUST_CHECK enum mlt_err keystore_rewrite_renewed(struct keystore *ks, int dirfd,
                                                 struct keystore *made);

/* After the commit.  The line's place in the old file is overwritten, as far as a file system lets
 * one.  On failure ks->broken: the next start finishes it. */
MUST_CHECK enum mlt_err keystore_rewrite_finish(struct keystore *ks, int dirfd,
                                                struct keystore_rewrite *rewrite);

/* Nothing was committed: KEYSTORE_NEXT goes. */
void keystore_rewrite_drop(int dirfd, struct keystore_rewrite *rewrite);

/* At every start, before keystore_open. */
MUST_CHECK enum mlt_err keystore_rewrite_recover(int dirfd, const struct keystore_mark *committed);

#endif
