/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_KEYSTORE_REWRITE_H
#define MALOTE_CA_KEYSTORE_REWRITE_H

#include "ca/keystore.h"

/*
 * Takes one line out of chaves.txt, whose other lines are chained anew.  ledger.db decides:
 *
 *   keystore_rewrite_start    writes and syncs KEYSTORE_NEXT
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
    int64_t offset, size; /* of the line that is left out */
};

/* Every line is checked once more on its way: MLT_ERR_DAMAGED, and where `offset` holds no line of
 * this kind and name. */
MUST_CHECK enum mlt_err keystore_rewrite_start(const struct keystore *ks, int dirfd, int64_t offset,
                                               enum keystore_kind kind, struct span name,
                                               struct keystore_rewrite *rewrite);

/* After the commit.  The line's place in the old file is overwritten, as far as a file system lets
 * one.  On failure ks->broken: the next start finishes it. */
MUST_CHECK enum mlt_err keystore_rewrite_finish(struct keystore *ks, int dirfd,
                                                struct keystore_rewrite *rewrite);

/* Nothing was committed: KEYSTORE_NEXT goes. */
void keystore_rewrite_drop(int dirfd, struct keystore_rewrite *rewrite);

/* At every start, before keystore_open. */
MUST_CHECK enum mlt_err keystore_rewrite_recover(int dirfd, const struct keystore_mark *committed);

#endif
