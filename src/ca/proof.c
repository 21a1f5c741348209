/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/proof.h"

#include "ca/ledger_tree.h"

/* Whether a ledger of that epoch and size is the beginning of ours. */
static enum mlt_err is_within(struct ca *ca, uint64_t epoch, uint64_t size, bool *within)
{
    uint64_t ours = 0, base = 0, all = 0;
    TRY(ledger_epoch(&ca->db, &ours, &base));
    TRY(ledger_size(&ca->db, &all));
    *within = size <= (epoch < ours ? base : all) && epoch <= ours;
    return MLT_OK;
}

enum mlt_err proof_answer(struct ca *ca, const struct ipc_proof_wanted *wanted, struct buf *hashes)
{
    bool within = false;
    TRY(is_within(ca, wanted->epoch, wanted->from, &within));
    ENSURE(within, MLT_ERR_MISSING);
    return ledger_tree_consistency(&ca->db, wanted->from, wanted->to, hashes);
}

enum mlt_err proof_leaves(struct ca *ca, uint64_t first, struct buf *leaves)
{
    return ledger_read_bytes(&ca->db, first, LIMIT_IPC_PART, leaves);
}
