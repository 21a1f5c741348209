/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_PROOF_H
#define MALOTE_CA_PROOF_H

#include "ca/ca.h"

/* What anybody may ask the ledger, by way of net. */

/*
 * PROOF_WANTED: hashes of the consistency proof, appended.  MLT_ERR_MISSING where the head asked
 * about is not within this ledger: an epoch we know nothing of, a size beyond ours, or one whose
 * leaves were lost when a later epoch began.
 */
MUST_CHECK enum mlt_err proof_answer(struct ca *ca, const struct ipc_proof_wanted *wanted,
                                     struct buf *hashes);

/* LEAVES_WANTED: leaves from `first` on, each as vec8, appended.  MLT_ERR_MISSING beyond the end.
 */
MUST_CHECK enum mlt_err proof_leaves(struct ca *ca, uint64_t first, struct buf *leaves);

#endif
