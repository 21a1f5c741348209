/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "pki/ledger_leaf.h"

/* A leaf of the ledger: one encoding per value, and nothing in it that its kind does not have. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct span in = span_of(data, n);
    struct ledger_leaf leaf = { 0 };
    if (ledger_leaf_decode(in, &leaf) != MLT_OK)
        return 0;
    CLEANUP(buf_clear) struct buf again = { 0 };
    if (ledger_leaf_encode(&leaf, &again) != MLT_OK || !span_eq(buf_span(&again), in))
        abort();
    bool is_named = leaf.kind == LEDGER_SERVER || leaf.kind == LEDGER_CLIENT;
    uint64_t number = 0;
    if (leaf.time_s < 0 || leaf.kind < LEDGER_CA || leaf.kind > LEDGER_CRL || n > LEDGER_LEAF_MAX ||
        is_named != (leaf.name.text[0] != '\0') ||
        (leaf.kind == LEDGER_CRL &&
         (ledger_leaf_get_number(leaf.serial, &number) != MLT_OK || number == 0)))
        abort();
    return 0;
}
