/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ledger_tree.h"

#include <string.h>

#include "ca/clock.h"
#include "ca/ledger.h"
#include "ca/setting.h"

/* Set by the step from schema 2, which cannot hash. */
static const char meta_nodes_due[] = "nodes due";

/* ---- rows ---- */

/* Statements that are kept for a walk in the tree; { 0 } is not begun. */
struct rows {
    struct query leaf, node, put;
};

static void rows_end(struct rows *r)
{
    query_end(&r->leaf);
    query_end(&r->node);
    query_end(&r->put);
}

static void rows_start(struct rows *r, struct database *db)
{
    r->leaf = query_start(db, "SELECT hash FROM leaf WHERE position = ?");
    r->node = query_start(db, "SELECT hash FROM node WHERE level = ? AND idx = ?");
}

static void rows_start_growing(struct rows *r, struct database *db)
{
    rows_start(r, db);
    r->put = query_start(db, "INSERT INTO node(level, idx, hash) VALUES(?, ?, ?)");
}

/* MLT_ERR_DAMAGED: what is asked for must be there. */
static enum mlt_err read_hash(void *arg, unsigned level, uint64_t index,
                              uint8_t hash[static HASH_LEN])
{
    struct rows *r = arg;
    struct query *q = level == 0 ? &r->leaf : &r->node;
    if (level > 0)
        query_put_int(q, level);
    query_put_int(q, (int64_t)index);
    bool row = false;
    enum mlt_err err = query_next(q, &row);
    if (err == MLT_OK)
        err = row ? query_bytes(q, 0, hash, HASH_LEN) : MLT_ERR_DAMAGED;
    query_again(q);
    return err;
}

static enum mlt_err put_node(struct rows *r, unsigned level, uint64_t index,
                             const uint8_t hash[static HASH_LEN])
{
    query_put_int(&r->put, level);
    query_put_int(&r->put, (int64_t)index);
    query_put_span(&r->put, span_of(hash, HASH_LEN));
    enum mlt_err err = query_run(&r->put);
    query_again(&r->put);
    return err;
}

/* ---- growing ---- */

static enum mlt_err add(struct rows *r, uint64_t position, const uint8_t leaf_hash[static HASH_LEN])
{
    uint8_t hash[HASH_LEN], left[HASH_LEN];
    memcpy(hash, leaf_hash, HASH_LEN);
    uint64_t index = position;
    for (unsigned level = 0; (index & 1) != 0; level++, index >>= 1) {
        TRY(read_hash(r, level, index - 1, left));
        TRY(merkle_node_hash(left, hash, hash));
        TRY(put_node(r, level + 1, index >> 1, hash));
    }
    return MLT_OK;
}

enum mlt_err ledger_tree_add(struct database *db, uint64_t position,
                             const uint8_t leaf_hash[static HASH_LEN])
{
    CLEANUP(rows_end) struct rows r = { 0 };
    if ((position & 1) == 0)
        return MLT_OK;
    rows_start_growing(&r, db);
    return add(&r, position, leaf_hash);
}

static enum mlt_err complete(struct database *db)
{
    CLEANUP(rows_end) struct rows r = { 0 };
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT position, bytes, hash FROM leaf ORDER BY position");
    rows_start_growing(&r, db);
    for (uint64_t position = 0;; position++) {
        bool row = false;
        struct ledger_leaf leaf;
        uint8_t hash[HASH_LEN];
        TRY(query_next(&q, &row));
        if (!row)
            return setting_forget(db, meta_nodes_due);
        ENSURE(query_int(&q, 0) == (int64_t)position, MLT_ERR_DAMAGED);
        struct span bytes = query_span(&q, 1);
        TRY(merkle_leaf_hash(bytes, hash));
        ENSURE(span_eq(query_span(&q, 2), SPAN_OF(hash)), MLT_ERR_DAMAGED);
        ENSURE(ledger_leaf_decode(bytes, &leaf) == MLT_OK, MLT_ERR_DAMAGED);
        TRY(add(&r, position, hash));
        TRY(clock_raise_floor(db, leaf.time_s));
    }
}

enum mlt_err ledger_tree_complete(struct database *db)
{
    CLEANUP(buf_clear) struct buf due = { 0 };
    enum mlt_err err = setting_get(db, meta_nodes_due, &due);
    if (err == MLT_ERR_MISSING)
        return MLT_OK;
    TRY(err);
    TRY(database_begin(db));
    return database_end(db, complete(db));
}

/* ---- asking ---- */

static enum mlt_err check_size(struct database *db, uint64_t asked)
{
    uint64_t size = 0;
    TRY(ledger_size(db, &size));
    ENSURE(asked >= 1 && asked <= size, MLT_ERR_RANGE);
    return MLT_OK;
}

enum mlt_err ledger_tree_root(struct database *db, uint64_t size, uint8_t root[static HASH_LEN])
{
    CLEANUP(rows_end) struct rows r = { 0 };
    TRY(check_size(db, size));
    rows_start(&r, db);
    const struct merkle_nodes nodes = { &r, read_hash };
    return merkle_root_of(&nodes, size, root);
}

enum mlt_err ledger_tree_consistency(struct database *db, uint64_t from, uint64_t to,
                                     struct buf *proof)
{
    CLEANUP(rows_end) struct rows r = { 0 };
    TRY(check_size(db, to));
    rows_start(&r, db);
    const struct merkle_nodes nodes = { &r, read_hash };
    return merkle_prove_consistency(&nodes, from, to, proof);
}

/* ---- reading all of it ---- */

struct check {
    struct rows rows;
    struct ledger_tree_report *report;
    uint8_t peaks[MERKLE_LEVELS][HASH_LEN]; /* from the leaves' bytes alone */
};

static void note_bad(struct ledger_tree_report *r, uint64_t *count, uint64_t position)
{
    if (r->bad_leaves + r->bad_nodes == 0 || position < r->first_bad)
        r->first_bad = position;
    (*count)++;
}

/* The nodes that this leaf completes, each beside the one that is kept. */
static enum mlt_err check_nodes(struct check *c, uint64_t position, uint8_t hash[static HASH_LEN])
{
    uint64_t index = position;
    unsigned level = 0;
    for (; (index & 1) != 0; level++, index >>= 1) {
        uint8_t kept[HASH_LEN];
        TRY(merkle_node_hash(c->peaks[level], hash, hash));
        enum mlt_err err = read_hash(&c->rows, level + 1, index >> 1, kept);
        ENSURE(err == MLT_OK || err == MLT_ERR_DAMAGED, err);
        c->report->nodes++;
        if (err != MLT_OK || !span_eq(span_of(hash, HASH_LEN), SPAN_OF(kept)))
            note_bad(c->report, &c->report->bad_nodes, (index >> 1) << (level + 1));
    }
    memcpy(c->peaks[level], hash, HASH_LEN);
    return MLT_OK;
}

static enum mlt_err check_leaf(struct check *c, struct query *q)
{
    struct ledger_tree_report *r = c->report;
    struct ledger_leaf leaf;
    uint8_t hash[HASH_LEN];
    struct span bytes = query_span(q, 1);
    TRY(merkle_leaf_hash(bytes, hash));
    if (query_int(q, 0) != (int64_t)r->leaves || ledger_leaf_decode(bytes, &leaf) != MLT_OK ||
        !span_eq(query_span(q, 2), SPAN_OF(hash)))
        note_bad(r, &r->bad_leaves, r->leaves);
    TRY(check_nodes(c, r->leaves, hash));
    r->leaves++;
    return MLT_OK;
}

/* The root of what was read so far: of each set bit of the number, the peak of that level. */
static enum mlt_err root_so_far(struct check *c)
{
    struct merkle m = { .size = c->report->leaves };
    memcpy(m.peaks, c->peaks, sizeof(m.peaks));
    return merkle_root(&m, c->report->root);
}

/* Nodes that no leaves stand for. */
static enum mlt_err check_surplus(struct check *c, struct database *db)
{
    CLEANUP(query_end) struct query q = query_start(db, "SELECT count(*) FROM node");
    int64_t kept = 0;
    TRY(query_number(&q, &kept));
    if ((uint64_t)kept > c->report->nodes)
        note_bad(c->report, &c->report->bad_nodes, c->report->leaves);
    return MLT_OK;
}

static enum mlt_err check_all(struct check *c, struct database *db, uint64_t size)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT position, bytes, hash FROM leaf ORDER BY position");
    rows_start(&c->rows, db);
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            break;
        TRY(check_leaf(c, &q));
        if (c->report->leaves == size)
            TRY(root_so_far(c));
    }
    ENSURE(size <= c->report->leaves, MLT_ERR_RANGE);
    return check_surplus(c, db);
}

enum mlt_err ledger_tree_check(struct database *db, uint64_t size,
                               struct ledger_tree_report *report)
{
    struct ledger_tree_report got = { 0 };
    struct check c = { .report = &got };
    enum mlt_err err = check_all(&c, db, size);
    rows_end(&c.rows);
    TRY(err);
    *report = got;
    return MLT_OK;
}
