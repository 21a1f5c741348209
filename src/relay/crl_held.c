/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/crl_held.h"

/* ---- the list ---- */

void crl_checked_clear(struct crl_checked *c)
{
    crl_held_clear(&c->list);
    key_set_clear(&c->serials);
}

static enum mlt_err add_serials(const struct crl *crl, struct key_set *serials)
{
    for (size_t i = 0; i < crl->count; i++)
        TRY(key_set_add(serials, SPAN_OF(crl->entries[i].serial)));
    return MLT_OK;
}

enum mlt_err crl_check(const struct cert *ca, uint64_t number, struct buf *der,
                       struct crl_checked *c)
{
    CLEANUP(crl_clear) struct crl crl = { 0 };
    CLEANUP(crl_checked_clear) struct crl_checked got = { 0 };
    TRY(crl_read(buf_span(der), ca, &crl));
    ENSURE(number == 0 || number == crl.number, MLT_ERR_CRL);
    TRY(add_serials(&crl, &got.serials));
    got.list = (struct crl_held) { .number = crl.number,
                                   .this_update_s = crl.this_update_s,
                                   .next_update_s = crl.next_update_s,
                                   .der = *der };
    *der = (struct buf) { 0 };
    *c = got;
    got = (struct crl_checked) { 0 };
    return MLT_OK;
}

enum crl_verdict crl_held_judge(const struct crl_held *held, const struct crl_held *offered)
{
    if (offered->number > held->number)
        return CRL_NEWS;
    bool same =
        offered->number == held->number && span_eq(buf_span(&offered->der), buf_span(&held->der));
    return same ? CRL_SAME : CRL_BEHIND;
}

void crl_held_replace(struct crl_held *held, struct crl_held *by)
{
    crl_held_clear(held);
    *held = *by;
    *by = (struct crl_held) { 0 };
}

void crl_held_clear(struct crl_held *held)
{
    buf_clear(&held->der);
    *held = (struct crl_held) { 0 };
}

enum crl_age crl_held_age(const struct crl_held *held, int64_t now_s)
{
    if (held->number == 0)
        return CRL_AGE_NONE;
    if (now_s > held->next_update_s)
        return CRL_AGE_STALE;
    int64_t half = (held->next_update_s - held->this_update_s) / 2;
    return now_s - held->this_update_s >= half ? CRL_AGE_OLD : CRL_AGE_FRESH;
}

bool crl_held_admits(const struct crl_held *held, const struct cert_fields *cert, int64_t now_s)
{
    return crl_held_age(held, now_s) != CRL_AGE_STALE ||
           cert->not_before_s + LIMIT_BACKDATE_S >= held->this_update_s;
}

/* ---- the pieces that ca sends ---- */

static bool continues(const struct crl_parts *parts, const struct ipc_crl_part *part)
{
    return parts->bytes.len > 0 && part->number == parts->number && part->total == parts->total &&
           part->offset == parts->bytes.len;
}

enum mlt_err crl_parts_take(struct crl_parts *parts, const struct ipc_crl_part *part, bool *whole)
{
    if (part->offset == 0) {
        crl_parts_clear(parts);
        parts->number = part->number;
        parts->total = part->total;
    } else {
        ENSURE(continues(parts, part), MLT_ERR_RANGE);
    }
    ENSURE(part->total <= LIMIT_CRL && part->bytes.n <= part->total - part->offset, MLT_ERR_RANGE);
    TRY(buf_put(&parts->bytes, part->bytes));
    *whole = parts->bytes.len == parts->total;
    return MLT_OK;
}

void crl_parts_clear(struct crl_parts *parts)
{
    buf_clear(&parts->bytes);
    *parts = (struct crl_parts) { 0 };
}

/* ---- the notices ---- */

static size_t slot(const struct crl_notices *notices, size_t i)
{
    return (notices->first + i) % LIMIT_REVOCATIONS_KEPT;
}

void crl_notices_clear(struct crl_notices *notices)
{
    for (size_t i = 0; i < LIMIT_REVOCATIONS_KEPT; i++)
        buf_clear(&notices->kept[i].record);
    *notices = (struct crl_notices) { 0 };
}

uint64_t crl_notices_newest(const struct crl_notices *notices)
{
    if (notices->count == 0)
        return 0;
    return notices->kept[slot(notices, notices->count - 1)].number;
}

enum mlt_err crl_notices_add(struct crl_notices *notices, uint64_t number, struct span record)
{
    uint64_t newest = crl_notices_newest(notices);
    if (number <= newest)
        return MLT_OK;
    if (number != newest + 1)
        crl_notices_clear(notices);
    CLEANUP(buf_clear) struct buf copy = { 0 };
    TRY(buf_put(&copy, record));
    if (notices->count == LIMIT_REVOCATIONS_KEPT) {
        notices->first = slot(notices, 1);
        notices->count--;
    }
    struct crl_notice *to = &notices->kept[slot(notices, notices->count++)];
    buf_clear(&to->record);
    *to = (struct crl_notice) { number, copy };
    copy = (struct buf) { 0 };
    return MLT_OK;
}

const struct crl_notice *crl_notices_find(const struct crl_notices *notices, uint64_t number)
{
    uint64_t newest = crl_notices_newest(notices);
    if (number == 0 || number > newest || newest - number >= notices->count)
        return NULL;
    return &notices->kept[slot(notices, notices->count - 1 - (size_t)(newest - number))];
}

uint64_t crl_newest(const struct crl_held *held, const struct crl_notices *notices)
{
    uint64_t newest = crl_notices_newest(notices);
    return newest > held->number ? newest : held->number;
}

bool crl_notices_serve(const struct crl_notices *notices, uint64_t have, uint64_t newest,
                       uint64_t *from)
{
    uint64_t first = have < newest ? have + 1 : newest;
    if (crl_notices_newest(notices) != newest || crl_notices_find(notices, first) == NULL)
        return false;
    *from = first;
    return true;
}

/* ---- the pieces that a client gets ---- */

bool crl_cursor_next(struct crl_cursor *cursor, const struct crl_held *held,
                     struct crl_piece *piece)
{
    if (cursor->number != held->number)
        *cursor = (struct crl_cursor) { .number = held->number };
    if (cursor->offset >= held->der.len)
        return false;
    size_t left = held->der.len - cursor->offset;
    size_t n = left < LIMIT_CRL_PIECE ? left : LIMIT_CRL_PIECE;
    *piece = (struct crl_piece) { .number = held->number,
                                  .offset = cursor->offset,
                                  .total = (uint32_t)held->der.len,
                                  .bytes = span_of(held->der.p + cursor->offset, n) };
    cursor->offset += (uint32_t)n;
    return true;
}
