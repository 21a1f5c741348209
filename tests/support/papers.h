/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_PAPERS_H
#define MALOTE_TESTS_SUPPORT_PAPERS_H

#include "pair.h"
#include "pki/crl.h"
#include "wire/ledger_head.h"
#include "wire/revocation.h"

/* What pair_house's CA signs beside certificates: lists, notices, heads of a ledger.  What fails
 * here ends the program.  Everything is appended. */

struct papers_list {
    uint64_t number;
    int64_t this_update_s, next_update_s;
    const uint8_t (*serials)[CERT_SERIAL];
    size_t count;
};

void papers_crl(const struct papers_list *list, struct buf *der);
/* Its signature is none of the CA's. */
void papers_forged_crl(const struct papers_list *list, struct buf *der);
/* A REVOKED record's body. */
void papers_notice(const struct papers_list *list, struct buf *record);

/* A ledger of leaves that are the numbers from 0 on, `size` of them, hashed with `salt`. */
struct papers_ledger {
    uint64_t epoch, base, size;
    uint8_t salt;
};
void papers_head(const struct papers_ledger *ledger, int64_t time_s, struct buf *head);
/* That `size` of them continue the first `from`. */
void papers_proof(const struct papers_ledger *ledger, uint64_t from, struct buf *hashes);

#endif
