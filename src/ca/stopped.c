/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/stopped.h"

#include "base/log.h"
#include "base/timefmt.h"
#include "ca/ca.h"
#include "ca/explain.h"
#include "ca/ledger_tree.h"
#include "ca/setting.h"
#include "pki/statement.h"

static const char meta_ahead[] = "head ahead";
static const int64_t said_again_ms = 3600 * 1000;

void stopped_clear(struct stopped *s)
{
    buf_clear(&s->head);
    *s = (struct stopped) { 0 };
}

bool stopped_is(const struct ca *ca)
{
    return ca->stopped.head.len > 0;
}

/* ---- at rest ---- */

enum mlt_err stopped_kept(struct database *db, struct buf *bytes)
{
    enum mlt_err err = setting_get(db, meta_ahead, bytes);
    return err == MLT_ERR_MISSING ? MLT_OK : err;
}

/* Whatever stands there stops: nobody but stopped_lift may say that all is well. */
enum mlt_err stopped_load(struct ca *ca)
{
    stopped_clear(&ca->stopped);
    return stopped_kept(&ca->db, &ca->stopped.head);
}

enum mlt_err stopped_epoch(struct database *db, uint64_t *epoch)
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_head head = { 0 };
    TRY(stopped_kept(db, &bytes));
    if (bytes.len > 0)
        ENSURE(ledger_head_decode(buf_span(&bytes), &head) == MLT_OK, MLT_ERR_DAMAGED);
    *epoch = head.epoch;
    return MLT_OK;
}

enum mlt_err stopped_lift(struct database *db)
{
    return setting_forget(db, meta_ahead);
}

/* ---- what people are told ---- */

enum mlt_err stopped_explain(struct ca *ca, struct buf *why)
{
    struct ledger_head head;
    uint64_t size = 0, epoch = 0, base = 0;
    char theirs[TIMEFMT_RFC3339], ours[TIMEFMT_RFC3339];
    ENSURE(stopped_is(ca), MLT_ERR_STATE);
    ENSURE(ledger_head_decode(buf_span(&ca->stopped.head), &head) == MLT_OK, MLT_ERR_DAMAGED);
    TRY(ledger_size(&ca->db, &size));
    TRY(ledger_epoch(&ca->db, &epoch, &base));
    timefmt_rfc3339((int64_t)head.epoch * 1000, theirs);
    timefmt_rfc3339((int64_t)epoch * 1000, ours);
    bool forked = head.epoch < epoch || (head.epoch == epoch && head.size <= size);
    enum mlt_err err =
        forked ? explain(why, MLT_ERR_STOPPED, TEXT_STOPPED_FORKED, (unsigned long long)head.size,
                         theirs, ours)
               : explain(why, MLT_ERR_STOPPED, TEXT_STOPPED, (unsigned long long)head.size, theirs,
                         (unsigned long long)size, ours);
    return err == MLT_ERR_STOPPED ? MLT_OK : err;
}

static void say(struct ca *ca)
{
    CLEANUP(buf_clear) struct buf why = { 0 };
    const char *text = NULL;
    ca->stopped.said_ms = env_mono_ms(ca->env);
    if (stopped_explain(ca, &why) == MLT_OK && buf_text(&why, &text) == MLT_OK)
        log_error("%s", text);
    else
        log_error("%s", err_text(MLT_ERR_STOPPED));
}

int stopped_timeout(const struct ca *ca)
{
    if (!stopped_is(ca))
        return -1;
    if (ca->stopped.said_ms == 0)
        return 0;
    int64_t left_ms = ca->stopped.said_ms + said_again_ms - env_mono_ms(ca->env);
    return left_ms > 0 ? (int)left_ms : 0;
}

void stopped_tick(struct ca *ca)
{
    if (stopped_timeout(ca) == 0)
        say(ca);
}

/* ---- a head was shown ---- */

static enum mlt_err is_ahead(struct ca *ca, const struct ledger_head *head, bool *ahead)
{
    uint64_t size = 0, epoch = 0, base = 0;
    uint8_t root[HASH_LEN];
    TRY(ledger_size(&ca->db, &size));
    TRY(ledger_epoch(&ca->db, &epoch, &base));
    bool same_epoch = head->epoch == epoch;
    *ahead = head->epoch > epoch || (same_epoch && head->size > size);
    /* Of an earlier epoch what is beyond the base was given up, and the rest is still ours. */
    if (*ahead || (!same_epoch && head->size > base))
        return MLT_OK;
    TRY(ledger_tree_root(&ca->db, head->size, root));
    *ahead = (same_epoch && head->base != base) || !span_eq(SPAN_OF(root), SPAN_OF(head->root));
    return MLT_OK;
}

/* Of several the furthest is kept: the next epoch has to be later than all of them. */
static enum mlt_err is_further(const struct ca *ca, const struct ledger_head *head, bool *further)
{
    struct ledger_head kept;
    *further = true;
    if (!stopped_is(ca))
        return MLT_OK;
    ENSURE(ledger_head_decode(buf_span(&ca->stopped.head), &kept) == MLT_OK, MLT_ERR_DAMAGED);
    *further = head->epoch > kept.epoch || (head->epoch == kept.epoch && head->size > kept.size);
    return MLT_OK;
}

enum mlt_err stopped_on_head(struct ca *ca, struct span bytes)
{
    struct ledger_head head;
    bool ahead = false, further = false;
    TRY(ledger_head_decode(bytes, &head));
    enum mlt_err err = statement_check_head(&ca->cert, &head);
    ENSURE(err != MLT_ERR_AUTH, MLT_ERR_LEDGER);
    TRY(err);
    TRY(is_ahead(ca, &head, &ahead));
    TRY(is_further(ca, &head, &further));
    if (!ahead || !further)
        return MLT_OK;
    /* In memory first: a disk that fails now must not let us go on. */
    buf_reset(&ca->stopped.head);
    TRY(buf_put(&ca->stopped.head, bytes));
    say(ca);
    return setting_set(&ca->db, meta_ahead, bytes);
}
