/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ledger.h"

#include "wire/cursor.h"

static const uint8_t leaf_version = 0;
static const uint8_t leaf_prefix = 0x00; /* RFC 9162 2.1.1: leaves and nodes never collide */

enum mlt_err ledger_leaf_encode(const struct ledger_leaf *leaf, struct buf *out)
{
    ENSURE(leaf->time_s >= 0, MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, leaf_version);
    wire_put_bytes(&w, SPAN_OF(leaf->tbs_hash));
    wire_put_vec8(&w, name_span(&leaf->name), 0, LIMIT_NAME);
    wire_put_bytes(&w, SPAN_OF(leaf->spki_hash));
    wire_put_u8(&w, (uint8_t)leaf->role);
    wire_put_bytes(&w, SPAN_OF(leaf->serial));
    wire_put_u64(&w, (uint64_t)leaf->time_s);
    return wire_out_end(&w);
}

enum mlt_err ledger_leaf_decode(struct span src, struct ledger_leaf *leaf)
{
    struct wire_in in = wire_in(src);
    struct ledger_leaf got = { 0 };
    wire_require(&in, wire_get_u8(&in) == leaf_version, MLT_ERR_VERSION);
    wire_get_bytes(&in, got.tbs_hash, HASH_LEN);
    struct span name = wire_get_vec8(&in, 0, LIMIT_NAME);
    wire_get_bytes(&in, got.spki_hash, HASH_LEN);
    unsigned role = wire_get_u8(&in);
    wire_require(&in, role >= CERT_CA && role <= CERT_CLIENT, MLT_ERR_RANGE);
    wire_get_bytes(&in, got.serial, CERT_SERIAL);
    uint64_t time_s = wire_get_u64(&in);
    wire_require(&in, time_s <= INT64_MAX, MLT_ERR_RANGE);
    wire_require(&in, (role == CERT_CA) == (name.n == 0), MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    if (name.n > 0)
        TRY(name_parse(name, &got.name));
    got.role = (enum cert_role)role;
    got.time_s = (int64_t)time_s;
    *leaf = got;
    return MLT_OK;
}

enum mlt_err ledger_leaf_hash(struct span leaf, uint8_t out[static HASH_LEN])
{
    CLEANUP(hash_run_clear) struct hash_run run = { 0 };
    TRY(hash_run_init(&run));
    TRY(hash_run_add(&run, span_of(&leaf_prefix, 1)));
    TRY(hash_run_add(&run, leaf));
    return hash_run_peek(&run, out);
}

enum mlt_err ledger_size(struct database *db, uint64_t *size)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT ifnull(max(position) + 1, 0) FROM leaf");
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_DATABASE);
    *size = (uint64_t)query_int(&q, 0);
    return MLT_OK;
}

enum mlt_err ledger_append(struct database *db, const struct ledger_leaf *leaf, uint64_t *position)
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    TRY(ledger_leaf_encode(leaf, &bytes));
    uint8_t hash[HASH_LEN];
    TRY(ledger_leaf_hash(buf_span(&bytes), hash));
    uint64_t size = 0;
    TRY(ledger_size(db, &size));
    CLEANUP(query_end)
    struct query q = query_start(db, "INSERT INTO leaf(position, bytes, hash) VALUES(?, ?, ?)");
    query_put_int(&q, (int64_t)size);
    query_put_span(&q, buf_span(&bytes));
    query_put_span(&q, SPAN_OF(hash));
    TRY(query_run(&q));
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
    TRY(ledger_leaf_hash(bytes, hash));
    ENSURE(span_eq(query_span(&q, 1), SPAN_OF(hash)), MLT_ERR_DAMAGED);
    return ledger_leaf_decode(bytes, leaf) == MLT_OK ? MLT_OK : MLT_ERR_DAMAGED;
}
