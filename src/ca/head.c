/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/head.h"

#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "ca/ca.h"
#include "ca/explain.h"
#include "ca/ledger_tree.h"
#include "ca/setting.h"
#include "pki/statement.h"

static const char meta_head[] = "head";
static const int64_t retry_ms = 60000;

void head_clear(struct head *h)
{
    buf_clear(&h->bytes);
    *h = (struct head) { 0 };
}

struct span head_newest(const struct ca *ca)
{
    return buf_span(&ca->head.bytes);
}

/* ---- signing ---- */

static enum mlt_err draw_up(struct ca *ca, struct ledger_head *head)
{
    struct ledger_head made = { .time_s = ca_now_s(ca) };
    TRY(ledger_size(&ca->db, &made.size));
    TRY(ledger_epoch(&ca->db, &made.epoch, &made.base));
    TRY(ledger_tree_root(&ca->db, made.size, made.root));
    *head = made;
    return MLT_OK;
}

/* Within the caller's transaction. */
static enum mlt_err store_next(struct ca *ca, struct ledger_head *head, struct buf *bytes)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ledger_head made;
    TRY(draw_up(ca, &made));
    TRY(statement_sign_head(ca->key, &ca->cert, &made, &signature));
    made.signature = buf_span(&signature);
    TRY(ledger_head_encode(&made, bytes));
    TRY(setting_set(&ca->db, meta_head, buf_span(bytes)));
    TRY(clock_raise_floor(&ca->db, made.time_s));
    made.signature = span_of(NULL, 0);
    *head = made;
    return MLT_OK;
}

static void adopt(struct ca *ca, const struct ledger_head *head, struct buf *bytes)
{
    buf_clear(&ca->head.bytes);
    ca->head = (struct head) {
        .bytes = *bytes, .epoch = head->epoch, .size = head->size, .signed_ms = env_mono_ms(ca->env)
    };
    *bytes = (struct buf) { 0 };
}

static enum mlt_err open_first(struct ca *ca, bool whole)
{
    const struct ledger_opening first = { .epoch = (uint64_t)ca_now_s(ca), .whole = whole };
    return ledger_open_epoch(&ca->db, &first);
}

enum mlt_err head_first(struct ca *ca, bool whole)
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_head head;
    TRY(open_first(ca, whole));
    TRY(store_next(ca, &head, &bytes));
    adopt(ca, &head, &bytes);
    return MLT_OK;
}

static enum mlt_err sign_next(struct ca *ca)
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_head head;
    TRY(ca_may_issue(ca));
    TRY(database_begin(&ca->db));
    TRY(database_end(&ca->db, store_next(ca, &head, &bytes)));
    adopt(ca, &head, &bytes);
    if (ca->events.on_head != NULL)
        ca->events.on_head(ca->events.ctx);
    return MLT_OK;
}

static enum mlt_err is_due(struct ca *ca, bool *due)
{
    uint64_t size = 0;
    TRY(ledger_size(&ca->db, &size));
    *due = size != ca->head.size;
    return MLT_OK;
}

enum mlt_err head_sign(struct ca *ca)
{
    bool due = false;
    TRY(is_due(ca, &due));
    return due ? sign_next(ca) : MLT_OK;
}

/* stopped.c and clock.c have their own words in the log. */
static void log_unsigned(enum mlt_err err)
{
    if (err != MLT_ERR_STOPPED && err != MLT_ERR_CLOCK)
        log_error("the ledger's head could not be signed: %s", err_cause(err));
}

void head_catch_up(struct ca *ca)
{
    enum mlt_err err = head_sign(ca);
    if (err != MLT_OK)
        log_unsigned(err);
}

/* ---- the loop ---- */

int head_timeout(struct ca *ca)
{
    bool due = false;
    if (stopped_is(ca) || ca->db.broken || is_due(ca, &due) != MLT_OK || !due)
        return -1;
    int64_t at_ms = ca->head.signed_ms + LIMIT_HEAD_MS;
    if (at_ms < ca->head.retry_ms)
        at_ms = ca->head.retry_ms;
    int64_t now_ms = env_mono_ms(ca->env);
    return at_ms > now_ms ? (int)(at_ms - now_ms) : 0;
}

void head_tick(struct ca *ca)
{
    if (head_timeout(ca) != 0)
        return;
    enum mlt_err err = head_sign(ca);
    if (err == MLT_OK)
        return;
    ca->head.retry_ms = env_mono_ms(ca->env) + retry_ms;
    log_unsigned(err);
}

/* ---- at the start ---- */

/* Every leaf and node, and the root that was signed. */
static enum mlt_err check_ledger(struct ca *ca, const struct ledger_head *head, struct buf *why)
{
    struct ledger_tree_report report;
    uint64_t size = 0;
    TRY(ledger_size(&ca->db, &size));
    if (head->size > size)
        return explain(why, MLT_ERR_LEDGER, TEXT_LEDGER_CUT, (unsigned long long)head->size,
                       (unsigned long long)size);
    TRY(ledger_tree_check(&ca->db, head->size, &report));
    if (report.bad_leaves + report.bad_nodes > 0)
        return explain(why, MLT_ERR_LEDGER, TEXT_LEDGER_DAMAGED,
                       (unsigned long long)report.bad_leaves, (unsigned long long)report.bad_nodes,
                       (unsigned long long)report.first_bad);
    if (!span_eq(SPAN_OF(report.root), SPAN_OF(head->root)))
        return explain(why, MLT_ERR_LEDGER, TEXT_LEDGER_REWRITTEN, (unsigned long long)head->size);
    return MLT_OK;
}

/* A ledger of schema 2. */
static enum mlt_err begin_epoch(struct ca *ca)
{
    uint64_t epoch = 0, base = 0;
    enum mlt_err err = ledger_epoch(&ca->db, &epoch, &base);
    if (err != MLT_ERR_MISSING)
        return err;
    return open_first(ca, true);
}

static enum mlt_err check_newest(struct ca *ca, struct ledger_head *head, struct buf *why)
{
    enum mlt_err err = ledger_head_decode(buf_span(&ca->head.bytes), head);
    if (err == MLT_OK)
        err = statement_check_head(&ca->cert, head);
    if (err != MLT_OK && err_fault(err) == FAULT_PEER)
        return explain(why, MLT_ERR_LEDGER, TEXT_HEAD_FOREIGN);
    TRY(err);
    return check_ledger(ca, head, why);
}

enum mlt_err head_follows(struct database *db, const struct ledger_head *head, bool *follows)
{
    uint64_t epoch = 0, base = 0;
    *follows = false;
    enum mlt_err err = ledger_epoch(db, &epoch, &base);
    if (err == MLT_ERR_MISSING)
        return MLT_OK;
    TRY(err);
    *follows = head->epoch < epoch || (head->epoch == epoch && head->base == base);
    return MLT_OK;
}

enum mlt_err head_load(struct ca *ca, struct buf *why)
{
    struct ledger_head head = { 0 };
    uint64_t epoch = 0, base = 0;
    bool follows = false;
    head_clear(&ca->head);
    enum mlt_err err = setting_get(&ca->db, meta_head, &ca->head.bytes);
    ENSURE(err == MLT_OK || err == MLT_ERR_MISSING, err);
    if (err == MLT_OK)
        TRY(check_newest(ca, &head, why));
    else
        TRY(begin_epoch(ca));
    ca->head.epoch = head.epoch;
    ca->head.size = head.size;
    TRY(head_follows(&ca->db, &head, &follows));
    if (!follows && head.size > 0)
        return explain(why, MLT_ERR_LEDGER, TEXT_EPOCH_CHANGED);
    TRY(ledger_epoch(&ca->db, &epoch, &base));
    if (head.size > 0 && head.epoch == epoch)
        return MLT_OK;
    return stopped_is(ca) ? MLT_OK : sign_next(ca);
}
