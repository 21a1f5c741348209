/* SPDX-License-Identifier: Apache-2.0 */
#include "papers.h"

#include <stdlib.h>
#include <string.h>

#include "pki/merkle.h"
#include "pki/statement.h"

static void must(bool cond)
{
    if (!cond)
        abort();
}

/* ---- revocation ---- */

void papers_crl(const struct papers_list *list, struct buf *der)
{
    const struct pair_house *house = pair_house();
    CLEANUP(crl_clear) struct crl crl = { 0 };
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    must(crl_reserve(&crl, list->count) == MLT_OK);
    crl.number = list->number;
    crl.this_update_s = list->this_update_s;
    crl.next_update_s = list->next_update_s;
    for (size_t i = 0; i < list->count; i++) {
        memcpy(crl.entries[i].serial, list->serials[i], CERT_SERIAL);
        crl.entries[i].revoked_s = list->this_update_s;
    }
    must(crl_tbs(&crl, &house->ca, &tbs) == MLT_OK);
    must(crl_sign(buf_span(&tbs), house->ca_key, &house->ca, der) == MLT_OK);
}

void papers_forged_crl(const struct papers_list *list, struct buf *der)
{
    papers_crl(list, der);
    der->p[der->len - 1] ^= 1;
}

void papers_notice(const struct papers_list *list, struct buf *record)
{
    const struct pair_house *house = pair_house();
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct revocation notice = { .number = list->number,
                                 .this_update_s = list->this_update_s,
                                 .next_update_s = list->next_update_s,
                                 .serials = span_of(list->serials, list->count * CERT_SERIAL) };
    must(statement_sign_revocation(house->ca_key, &house->ca, &notice, &signature) == MLT_OK);
    notice.signature = buf_span(&signature);
    must(revocation_encode(&notice, record) == MLT_OK);
}

/* ---- the ledger ---- */

static enum mlt_err read_node(void *arg, unsigned level, uint64_t index,
                              uint8_t hash[static HASH_LEN])
{
    const struct papers_ledger *ledger = arg;
    uint8_t left[HASH_LEN], right[HASH_LEN];
    if (level == 0) {
        uint8_t leaf[9] = { ledger->salt };
        memcpy(leaf + 1, &index, sizeof(index));
        return merkle_leaf_hash(SPAN_OF(leaf), hash);
    }
    TRY(read_node(arg, level - 1, 2 * index, left));
    TRY(read_node(arg, level - 1, 2 * index + 1, right));
    return merkle_node_hash(left, right, hash);
}

void papers_head(const struct papers_ledger *ledger, int64_t time_s, struct buf *head)
{
    const struct pair_house *house = pair_house();
    struct papers_ledger copy = *ledger;
    const struct merkle_nodes nodes = { &copy, read_node };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ledger_head made = {
        .epoch = ledger->epoch, .base = ledger->base, .size = ledger->size, .time_s = time_s
    };
    must(merkle_root_of(&nodes, ledger->size, made.root) == MLT_OK);
    must(statement_sign_head(house->ca_key, &house->ca, &made, &signature) == MLT_OK);
    made.signature = buf_span(&signature);
    must(ledger_head_encode(&made, head) == MLT_OK);
}

void papers_proof(const struct papers_ledger *ledger, uint64_t from, struct buf *hashes)
{
    struct papers_ledger copy = *ledger;
    const struct merkle_nodes nodes = { &copy, read_node };
    must(merkle_prove_consistency(&nodes, from, ledger->size, hashes) == MLT_OK);
}
