/* SPDX-License-Identifier: Apache-2.0 */
#include "client/ledger_watch.h"

#include <string.h>

#include "pki/merkle.h"
#include "pki/statement.h"
#include "wire/ledger_proof.h"

enum { PAUSE_FIRST_MS = 10000, PAUSE_MOST_MS = 600000, TRIES_MOST = 4, PROVEN_ANEW_S = 3600 };

/* What a head says beside the one that is held. */
enum verdict {
    FIRST, /* none is held */
    SAME,
    LONGER,   /* of the same epoch */
    RESTORED, /* of a later one, in which all that we knew is left, it says */
    CUT,      /* of a later one, in which some of it is not */
    SHORTER,
    FORKED
};

static int64_t now_ms(const struct ledger_watch *w)
{
    return env_mono_ms(w->line->env);
}

void ledger_watch_init(struct ledger_watch *w, struct ca_line *line)
{
    *w = (struct ledger_watch) { .line = line };
}

static enum mlt_err copy(struct span bytes, struct ledger_copy *c)
{
    struct ledger_head head;
    TRY(ledger_head_decode(bytes, &head));
    ENSURE(bytes.n <= sizeof(c->bytes), MLT_ERR_RANGE);
    memcpy(c->bytes, bytes.p, bytes.n);
    c->n = bytes.n;
    c->is = head;
    c->is.signature = span_of(NULL, 0);
    return MLT_OK;
}

/* As others send it. */
static enum mlt_err believe(struct ledger_watch *w, struct span bytes, struct ledger_copy *c)
{
    struct ledger_head head;
    TRY(ledger_head_decode(bytes, &head));
    TRY(statement_check_head(w->line->ca, &head));
    TRY(ca_line_signed(w->line, head.time_s));
    return copy(bytes, c);
}

static enum mlt_err read_held(struct ledger_watch *w, struct store_authority *known)
{
    TRY(store_authority_read(w->line->store, known));
    w->held = (struct ledger_copy) { 0 };
    if (known->head_size == 0)
        return MLT_OK;
    return copy(store_authority_head(known), &w->held) == MLT_OK ? MLT_OK : MLT_ERR_DAMAGED;
}

static bool has_same_root(const struct ledger_head *a, const struct ledger_head *b)
{
    return span_eq(SPAN_OF(a->root), SPAN_OF(b->root));
}

static enum verdict judge(const struct ledger_copy *held, const struct ledger_head *got)
{
    const struct ledger_head *h = &held->is;
    if (held->n == 0)
        return FIRST;
    if (got->epoch < h->epoch)
        return SHORTER;
    if (got->epoch > h->epoch)
        return h->size <= got->base ? RESTORED : CUT;
    if (got->base != h->base)
        return FORKED;
    if (got->size < h->size)
        return SHORTER;
    if (got->size > h->size)
        return LONGER;
    return has_same_root(got, h) ? SAME : FORKED;
}

static struct span held_bytes(const struct ledger_watch *w)
{
    return span_of(w->held.bytes, w->held.n);
}

static struct store_restored restored_by(const struct ledger_watch *w, const struct ledger_head *h)
{
    return (struct store_restored) { .epoch_s = (int64_t)h->epoch,
                                     .held = w->held.is.size,
                                     .base = h->base };
}

/* `v` says how `next` stands to the one held, for which `is_proven` holds. */
static enum mlt_err take(struct ledger_watch *w, const struct ledger_copy *next, enum verdict v,
                         bool *done)
{
    const struct store_restored restored = restored_by(w, &next->is);
    bool is_proven = v == LONGER || v == RESTORED;
    const struct store_hold hold = {
        .held = held_bytes(w),
        .next = span_of(next->bytes, next->n),
        .proven_s = is_proven ? ca_line_now_s(w->line) : 0,
        .restored = v == RESTORED || v == CUT ? &restored : NULL,
    };
    TRY(store_authority_hold(w->line->store, &hold, done));
    if (*done)
        w->held = *next;
    return MLT_OK;
}

static void want(struct ledger_watch *w)
{
    w->wants = true;
    w->pause_ms = PAUSE_FIRST_MS;
    w->due_ms = now_ms(w);
}

void ledger_watch_ask(struct ledger_watch *w)
{
    if (w->held.n > 0 && !w->is_asked)
        want(w);
}

static enum mlt_err stay(struct ledger_watch *w, const struct store_authority *known)
{
    int64_t now_s = ca_line_now_s(w->line);
    if (known->unproven_s == 0 && now_s - known->proven_s < PROVEN_ANEW_S)
        return MLT_OK;
    return store_authority_proven(w->line->store, now_s);
}

static void doom(struct ledger_watch *w, enum store_alarm finding)
{
    w->finding = finding;
    want(w);
}

/* *done is false when another process of the home was faster: judged anew. */
static enum mlt_err begin_once(struct ledger_watch *w, bool *done)
{
    struct store_authority known;
    *done = true;
    TRY(read_held(w, &known));
    enum verdict v = judge(&w->held, &w->shown.is);
    switch (v) {
    case FIRST:
    case CUT:
        return take(w, &w->shown, v, done);
    case SAME:
        return stay(w, &known);
    case LONGER:
    case RESTORED:
        want(w);
        return MLT_OK;
    case SHORTER:
        doom(w, STORE_ALARM_WENT_BACK);
        return MLT_OK;
    default:
        doom(w, STORE_ALARM_FORKED);
        return MLT_OK;
    }
}

static enum mlt_err judge_shown(struct ledger_watch *w)
{
    bool done = false;
    for (int i = 0; i < TRIES_MOST && !done; i++)
        TRY(begin_once(w, &done));
    return done ? MLT_OK : MLT_ERR_LOCKED;
}

static enum mlt_err begin(struct ledger_watch *w, struct span head)
{
    struct store_authority known;
    if (head.n == 0) { /* the server is young, or pretends to be */
        TRY(read_held(w, &known));
        ledger_watch_ask(w);
        return MLT_OK;
    }
    TRY(believe(w, head, &w->shown));
    return judge_shown(w);
}

enum mlt_err ledger_watch_begin(struct ledger_watch *w, struct span head)
{
    ledger_watch_init(w, w->line);
    TRY(begin(w, head));
    return ledger_watch_run(w);
}

enum mlt_err ledger_watch_look(struct ledger_watch *w, struct span head, struct ledger_head *newest)
{
    struct store_authority known;
    struct ledger_copy shown = { 0 };
    TRY(read_held(w, &known));
    if (head.n > 0)
        TRY(believe(w, head, &shown));
    bool is_later = w->held.n == 0 || shown.is.epoch > w->held.is.epoch;
    *newest = is_later ? shown.is : w->held.is;
    return MLT_OK;
}

/* ---- proofs ---- */

static enum mlt_err prove(struct ledger_watch *w)
{
    TRY(w->line->send(w->line->ctx, RECORD_PROVE, held_bytes(w)));
    w->is_asked = true;
    w->due_ms = now_ms(w) + LIMIT_FLUSH_MS; /* of the alarm, if there is one */
    return MLT_OK;
}

enum mlt_err ledger_watch_run(struct ledger_watch *w)
{
    if (!w->wants || now_ms(w) < w->due_ms)
        return MLT_OK;
    if (!w->is_asked)
        return prove(w);
    return w->finding != STORE_ALARM_NONE ? ca_line_alarm(w->line, w->finding) : MLT_OK;
}

int64_t ledger_watch_due_ms(const struct ledger_watch *w)
{
    bool waits = w->is_asked && w->finding == STORE_ALARM_NONE;
    return w->wants && !waits ? w->due_ms : INT64_MAX;
}

bool ledger_watch_is_waiting(const struct ledger_watch *w)
{
    return w->is_asked;
}

bool ledger_watch_is_doomed(const struct ledger_watch *w)
{
    return w->finding != STORE_ALARM_NONE;
}

static enum mlt_err wait_busy(struct ledger_watch *w)
{
    w->due_ms = now_ms(w) + w->pause_ms;
    w->pause_ms = 2 * w->pause_ms < PAUSE_MOST_MS ? 2 * w->pause_ms : PAUSE_MOST_MS;
    return store_authority_unproven(w->line->store, ca_line_now_s(w->line));
}

/* The server cannot show less now than it did at the login. */
static enum mlt_err check_not_back(struct ledger_watch *w, const struct ledger_head *got)
{
    switch (judge(&w->shown, got)) {
    case SHORTER:
        return ca_line_alarm(w->line, STORE_ALARM_WENT_BACK);
    case FORKED:
        return ca_line_alarm(w->line, STORE_ALARM_FORKED);
    default:
        return MLT_OK;
    }
}

static enum mlt_err check_proof(struct ledger_watch *w, const struct ledger_head *got,
                                struct span hashes)
{
    struct merkle_tree earlier = { .size = w->held.is.size };
    struct merkle_tree later = { .size = got->size };
    memcpy(earlier.root, w->held.is.root, sizeof(earlier.root));
    memcpy(later.root, got->root, sizeof(later.root));
    enum mlt_err err = merkle_check_consistency(&earlier, &later, hashes);
    bool is_wrong = err == MLT_ERR_LEDGER || err == MLT_ERR_RANGE;
    return is_wrong ? ca_line_alarm(w->line, STORE_ALARM_UNPROVEN) : err;
}

static enum mlt_err check_verdict(struct ledger_watch *w, enum verdict v,
                                  const struct ledger_head *got, struct span hashes)
{
    switch (v) {
    case SHORTER:
        return ca_line_alarm(w->line, STORE_ALARM_WENT_BACK);
    case FORKED:
        return ca_line_alarm(w->line, STORE_ALARM_FORKED);
    case CUT: /* restored since the login: there can be no proof, and none is needed */
        return MLT_OK;
    default:
        return check_proof(w, got, hashes);
    }
}

static enum mlt_err take_proven(struct ledger_watch *w, const struct ledger_proof *proof)
{
    struct ledger_copy got = { 0 };
    TRY(believe(w, proof->head, &got));
    enum verdict v = judge(&w->held, &got.is);
    TRY(check_verdict(w, v, &got.is, proof->hashes));
    TRY(check_not_back(w, &got.is));
    w->shown = got;
    w->wants = false;
    if (v == SAME)
        return store_authority_proven(w->line->store, ca_line_now_s(w->line));
    bool done = false;
    TRY(take(w, &got, v, &done));
    return done ? MLT_OK : judge_shown(w); /* against what another process has proven meanwhile */
}

enum mlt_err ledger_watch_proof(struct ledger_watch *w, struct span body)
{
    struct ledger_proof proof;
    ENSURE(w->is_asked, MLT_ERR_UNEXPECTED);
    TRY(ledger_proof_decode(body, &proof));
    w->is_asked = false;
    if (w->finding != STORE_ALARM_NONE)
        return ca_line_alarm(w->line, w->finding);
    switch (proof.result) {
    case PROOF_PROVEN:
        return take_proven(w, &proof);
    case PROOF_BUSY:
        return wait_busy(w);
    default:
        return ca_line_alarm(w->line, STORE_ALARM_UNPROVEN);
    }
}

/* A store that fails here is asked again at the next login. */
void ledger_watch_end(struct ledger_watch *w)
{
    if (w->wants && w->finding == STORE_ALARM_NONE) {
        enum mlt_err err = store_authority_unproven(w->line->store, ca_line_now_s(w->line));
        (void)err;
    }
    ledger_watch_init(w, w->line);
}
