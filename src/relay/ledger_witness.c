/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ledger_witness.h"

#include "pki/statement.h"

void ledger_witness_clear(struct ledger_witness *w)
{
    buf_clear(&w->bytes);
    *w = (struct ledger_witness) { 0 };
}

enum mlt_err ledger_witness_read(const struct cert *ca, struct span bytes, struct ledger_head *head)
{
    struct ledger_head got = { 0 };
    TRY(ledger_head_decode(bytes, &got));
    TRY(statement_check_head(ca, &got));
    *head = got;
    return MLT_OK;
}

static bool same_root(const struct ledger_head *a, const struct ledger_head *b)
{
    return span_eq(SPAN_OF(a->root), SPAN_OF(b->root));
}

enum witness_verdict ledger_witness_judge(const struct ledger_witness *w,
                                          const struct ledger_head *head)
{
    const struct ledger_head *own = &w->head;
    if (w->bytes.len == 0 || head->epoch > own->epoch)
        return WITNESS_NEWER;
    if (head->epoch < own->epoch)
        return WITNESS_OLDER;
    if (head->base != own->base) /* an epoch is opened once */
        return WITNESS_FORKED;
    if (head->size != own->size)
        return head->size > own->size ? WITNESS_NEWER : WITNESS_OLDER;
    return same_root(head, own) ? WITNESS_SAME : WITNESS_FORKED;
}

enum mlt_err ledger_witness_take(struct ledger_witness *w, const struct ledger_head *head,
                                 struct span bytes)
{
    CLEANUP(buf_clear) struct buf copy = { 0 };
    TRY(buf_put(&copy, bytes));
    ledger_witness_clear(w);
    w->head = *head;
    w->head.signature = (struct span) { 0 };
    w->bytes = copy;
    copy = (struct buf) { 0 };
    return MLT_OK;
}

enum witness_answer ledger_witness_answer(const struct ledger_witness *w,
                                          const struct ledger_head *shown)
{
    switch (ledger_witness_judge(w, shown)) {
    case WITNESS_SAME:
        return WITNESS_EQUAL;
    case WITNESS_OLDER:
        /* Of an earlier epoch only what it left behind is in this ledger. */
        if (shown->epoch < w->head.epoch && shown->size > w->head.base)
            return WITNESS_LOST;
        return WITNESS_PROVABLE;
    default:
        return WITNESS_ALARM;
    }
}
