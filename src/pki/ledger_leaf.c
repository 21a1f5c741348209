/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/ledger_leaf.h"

#include <string.h>

#include "wire/cursor.h"

static const uint8_t leaf_version = 0;

/* Where in a serial a number of 64 bits begins. */
static const size_t number_at = CERT_SERIAL - sizeof(uint64_t);

static bool is_kind(unsigned kind)
{
    return kind >= LEDGER_CA && kind <= LEDGER_CRL;
}

static bool has_a_name(enum ledger_kind kind)
{
    return kind == LEDGER_SERVER || kind == LEDGER_CLIENT;
}

/* Nothing more than the layout leaves open. */
static enum mlt_err check(const struct ledger_leaf *leaf)
{
    uint64_t number = 0;
    ENSURE(leaf->time_s >= 0 && is_kind(leaf->kind), MLT_ERR_RANGE);
    ENSURE(has_a_name(leaf->kind) == (leaf->name.text[0] != '\0'), MLT_ERR_RANGE);
    if (leaf->kind == LEDGER_CRL)
        TRY(ledger_leaf_get_number(leaf->serial, &number));
    return MLT_OK;
}

enum mlt_err ledger_leaf_encode(const struct ledger_leaf *leaf, struct buf *out)
{
    TRY(check(leaf));
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, leaf_version);
    wire_put_bytes(&w, SPAN_OF(leaf->tbs_hash));
    wire_put_vec8(&w, name_span(&leaf->name), 0, LIMIT_NAME);
    wire_put_bytes(&w, SPAN_OF(leaf->spki_hash));
    wire_put_u8(&w, (uint8_t)leaf->kind);
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
    unsigned kind = wire_get_u8(&in);
    wire_require(&in, is_kind(kind), MLT_ERR_RANGE);
    wire_get_bytes(&in, got.serial, CERT_SERIAL);
    uint64_t time_s = wire_get_u64(&in);
    wire_require(&in, time_s <= INT64_MAX, MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    if (name.n > 0)
        TRY(name_parse(name, &got.name));
    got.kind = (enum ledger_kind)kind;
    got.time_s = (int64_t)time_s;
    TRY(check(&got));
    *leaf = got;
    return MLT_OK;
}

void ledger_leaf_put_number(uint64_t number, uint8_t serial[static CERT_SERIAL])
{
    memset(serial, 0, CERT_SERIAL);
    for (size_t i = CERT_SERIAL; i > number_at; number >>= 8)
        serial[--i] = (uint8_t)number;
}

enum mlt_err ledger_leaf_get_number(const uint8_t serial[static CERT_SERIAL], uint64_t *number)
{
    static const uint8_t zero[CERT_SERIAL];
    uint64_t n = 0;
    for (size_t i = number_at; i < CERT_SERIAL; i++)
        n = n << 8 | serial[i];
    ENSURE(n > 0 && n <= INT64_MAX && span_eq(span_of(serial, number_at), span_of(zero, number_at)),
           MLT_ERR_RANGE);
    *number = n;
    return MLT_OK;
}
