/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "ca/ledger.h"

/* A leaf of the ledger: one encoding per value, and its hash is that of the bytes. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct span in = span_of(data, n);
    struct ledger_leaf leaf = { 0 };
    if (ledger_leaf_decode(in, &leaf) != MLT_OK)
        return 0;
    CLEANUP(buf_clear) struct buf again = { 0 };
    bool is_root = leaf.name.text[0] == '\0';
    if (ledger_leaf_encode(&leaf, &again) != MLT_OK || !span_eq(buf_span(&again), in))
        abort();
    if (leaf.time_s < 0 || leaf.role < CERT_CA || leaf.role > CERT_CLIENT ||
        is_root != (leaf.role == CERT_CA))
        abort();
    return 0;
}
