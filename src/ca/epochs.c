/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/epochs.h"

#include "base/limits.h"
#include "ca/ledger.h"

/* A clock that was set back, by no more than the CA puts up with, dated what came after a leaf
 * before it. */
static enum mlt_err start_of_doubt(struct span leaf_bytes, int64_t *from_s)
{
    struct ledger_leaf leaf = { 0 };
    if (leaf_bytes.n > 0)
        ENSURE(ledger_leaf_decode(leaf_bytes, &leaf) == MLT_OK, MLT_ERR_DAMAGED);
    *from_s = leaf.time_s > LIMIT_CLOCK_SLACK_S ? leaf.time_s - LIMIT_CLOCK_SLACK_S : 0;
    return MLT_OK;
}

/* What was lost may be of the very second; and of later, where the clock of now is behind. */
static int64_t end_of_doubt(int64_t epoch_s, bool whole)
{
    return whole ? epoch_s : epoch_s + 1 + LIMIT_CLOCK_SLACK_S;
}

enum mlt_err epochs_each(struct database *db, const struct epoch_visit *visit)
{
    CLEANUP(query_end)
    struct query q = query_start(
        db, "SELECT e.epoch, e.size, e.whole, e.crl IS NOT NULL, l.bytes FROM epoch AS e "
            "LEFT JOIN leaf AS l ON l.position = e.base - 1 ORDER BY e.epoch");
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            return MLT_OK;
        struct epoch e = { .at_s = query_int(&q, 0),
                           .size = (uint64_t)query_int(&q, 1),
                           .whole = query_int(&q, 2) != 0,
                           .has_crl = query_int(&q, 3) != 0 };
        e.until_s = end_of_doubt(e.at_s, e.whole);
        TRY(start_of_doubt(query_span(&q, 4), &e.from_s));
        if (e.from_s >= e.until_s) /* a leaf of a clock that was ahead says nothing of when */
            e.from_s = 0;
        TRY(visit->on_epoch(visit->ctx, &e));
    }
}

/* ---- a moment ---- */

struct judging {
    int64_t issued_s, listed_s; /* until when a CRL names it */
    struct epochs_loss loss;
};

static enum mlt_err judge_one(void *ctx, const struct epoch *e)
{
    struct judging *j = ctx;
    bool within = e->from_s < j->issued_s && j->issued_s < e->until_s;
    j->loss.in_doubt |= within;
    j->loss.lost |= within && !e->whole;
    bool named = e->has_crl && j->listed_s > e->at_s;
    j->loss.witnessed &= e->whole || named || j->issued_s >= e->until_s;
    return MLT_OK;
}

enum mlt_err epochs_judge(struct database *db, const struct certificate *lost,
                          struct epochs_loss *loss)
{
    struct judging j = { .issued_s = lost->issued_s,
                         .listed_s = lost->not_after_s + LIMIT_GRACE_S,
                         .loss.witnessed = true };
    const struct epoch_visit visit = { judge_one, &j };
    TRY(epochs_each(db, &visit));
    j.loss.witnessed &= j.loss.lost;
    *loss = j.loss;
    return MLT_OK;
}

/* ---- a name ---- */

struct hiding {
    const struct certificate *newest;
    bool hidden;
};

static enum mlt_err hide_one(void *ctx, const struct epoch *e)
{
    struct hiding *h = ctx;
    h->hidden |= !e->whole && h->newest->position < e->size &&
                 h->newest->not_after_s + LIMIT_GRACE_S <= e->at_s;
    return MLT_OK;
}

enum mlt_err epochs_hide(struct database *db, const struct certificate *newest, bool *hidden)
{
    struct hiding h = { .newest = newest };
    const struct epoch_visit visit = { hide_one, &h };
    TRY(epochs_each(db, &visit));
    *hidden = h.hidden;
    return MLT_OK;
}
