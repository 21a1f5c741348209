/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ledger.h"

#include "ca/clock.h"
#include "ca/ledger_tree.h"
#include "ca/stopped.h"

enum mlt_err ledger_size(struct database *db, uint64_t *size)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT ifnull(max(position) + 1, 0) FROM leaf");
    int64_t number = 0;
    TRY(query_number(&q, &number));
    *size = (uint64_t)number;
    return MLT_OK;
}

enum mlt_err ledger_append(struct database *db, const struct ledger_leaf *leaf, uint64_t *position)
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    TRY(ledger_leaf_encode(leaf, &bytes));
    uint8_t hash[HASH_LEN];
    TRY(merkle_leaf_hash(buf_span(&bytes), hash));
    uint64_t size = 0;
    TRY(ledger_size(db, &size));
    CLEANUP(query_end)
    struct query q = query_start(db, "INSERT INTO leaf(position, bytes, hash) VALUES(?, ?, ?)");
    query_put_int(&q, (int64_t)size);
    query_put_span(&q, buf_span(&bytes));
    query_put_span(&q, SPAN_OF(hash));
    TRY(query_run(&q));
    TRY(ledger_tree_add(db, size, hash));
    TRY(clock_raise_floor(db, leaf->time_s));
    *position = size;
    return MLT_OK;
}

enum mlt_err ledger_read(struct database *db, uint64_t position, struct ledger_leaf *leaf)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT bytes, hash FROM leaf WHERE position = ?");
    query_put_int(&q, (int64_t)position);
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_MISSING);
    struct span bytes = query_span(&q, 0);
    uint8_t hash[HASH_LEN];
    TRY(merkle_leaf_hash(bytes, hash));
    ENSURE(span_eq(query_span(&q, 1), SPAN_OF(hash)), MLT_ERR_DAMAGED);
    return ledger_leaf_decode(bytes, leaf) == MLT_OK ? MLT_OK : MLT_ERR_DAMAGED;
}

enum mlt_err ledger_read_bytes(struct database *db, uint64_t first, size_t most, struct buf *leaves)
{
    uint64_t size = 0;
    TRY(ledger_size(db, &size));
    ENSURE(first <= size, MLT_ERR_MISSING);
    CLEANUP(query_end)
    struct query q =
        query_start(db, "SELECT bytes FROM leaf WHERE position >= ? ORDER BY position");
    query_put_int(&q, (int64_t)first);
    for (size_t room = most;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        struct span bytes = query_span(&q, 0);
        if (!row || 1 + bytes.n > room)
            return MLT_OK;
        ENSURE(bytes.n > 0 && bytes.n <= LIMIT_LEAF, MLT_ERR_DAMAGED);
        room -= 1 + bytes.n;
        TRY(buf_put_u8(leaves, (uint8_t)bytes.n));
        TRY(buf_put(leaves, bytes));
    }
}

/* ---- epochs ---- */

/* How many leaves every epoch that was opened anew has in common with those before it: the first
 * as well, around an imported key. */
static enum mlt_err common_leaves(struct database *db, int64_t *common)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT ifnull(min(base), 9223372036854775807) FROM epoch "
                                     "WHERE NOT whole OR epoch > (SELECT min(epoch) FROM epoch)");
    return query_number(&q, common);
}

enum mlt_err ledger_open_epoch(struct database *db, const struct ledger_opening *o)
{
    uint64_t size = 0, ahead = 0;
    int64_t latest = 0, common = 0;
    CLEANUP(query_end)
    struct query last = query_start(db, "SELECT ifnull(max(epoch), 0) FROM epoch");
    TRY(query_number(&last, &latest));
    TRY(ledger_size(db, &size));
    TRY(stopped_epoch(db, &ahead));
    ENSURE(o->epoch > (uint64_t)latest && o->epoch > ahead, MLT_ERR_RANGE);
    ENSURE(o->epoch <= INT64_MAX && o->crl <= INT64_MAX && o->base <= size, MLT_ERR_RANGE);
    TRY(common_leaves(db, &common));
    CLEANUP(query_end)
    struct query q = query_start(
        db, "INSERT INTO epoch(epoch, base, size, whole, crl) VALUES(?, ?, ?, ?, nullif(?, 0))");
    query_put_int(&q, (int64_t)o->epoch);
    query_put_int(&q, (int64_t)o->base < common ? (int64_t)o->base : common);
    query_put_int(&q, (int64_t)size);
    query_put_int(&q, o->whole);
    query_put_int(&q, (int64_t)o->crl);
    TRY(query_run(&q));
    return stopped_lift(db);
}

enum mlt_err ledger_epoch(struct database *db, uint64_t *epoch, uint64_t *base)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT epoch, base FROM epoch ORDER BY epoch DESC LIMIT 1");
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_MISSING);
    *epoch = (uint64_t)query_int(&q, 0);
    *base = (uint64_t)query_int(&q, 1);
    return MLT_OK;
}

/* ---- what a file says of itself ---- */

/* The CA signs a list every day, so it is not far back. */
static enum mlt_err newest_crl(struct database *db, uint64_t *number)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT bytes FROM leaf ORDER BY position DESC");
    for (;;) {
        bool row = false;
        struct ledger_leaf leaf;
        TRY(query_next(&q, &row));
        if (!row)
            return MLT_OK;
        ENSURE(ledger_leaf_decode(query_span(&q, 0), &leaf) == MLT_OK, MLT_ERR_DAMAGED);
        if (leaf.kind == LEDGER_CRL)
            return ledger_leaf_get_number(leaf.serial, number) == MLT_OK ? MLT_OK : MLT_ERR_DAMAGED;
    }
}

enum mlt_err ledger_facts_read(struct database *db, struct ledger_facts *facts)
{
    struct ledger_facts got = { 0 };
    TRY(ledger_size(db, &got.size));
    if (got.size > 0)
        TRY(ledger_tree_root(db, got.size, got.root));
    enum mlt_err err = ledger_epoch(db, &got.epoch, &got.base);
    ENSURE(err == MLT_OK || err == MLT_ERR_MISSING, err);
    TRY(newest_crl(db, &got.crl_number));
    *facts = got;
    return MLT_OK;
}
