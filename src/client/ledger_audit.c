/* SPDX-License-Identifier: Apache-2.0 */
#include "client/ledger_audit.h"

#include <string.h>

#include "wire/ledger_proof.h"

enum {
    SETTLE_MS = 1500, /* beyond LIMIT_HEAD_MS */
    SETTLE_TRIES = 2,
    BUSY_MS = 1000,
    BUSY_TRIES = 60,
    LEAVES_AT_ONCE = 512,
    TOLD_AT_ONCE = 8 /* fits the client's events */
};

static int64_t now_ms(const struct ledger_audit *a)
{
    return env_mono_ms(a->line->env);
}

void ledger_audit_init(struct ledger_audit *a, const struct ledger_audit_config *config)
{
    *a = (struct ledger_audit) { .line = config->line,
                                 .ledger = config->ledger,
                                 .name = config->name,
                                 .key_hash = config->key_hash };
}

void ledger_audit_end(struct ledger_audit *a)
{
    const struct ledger_audit_config config = { a->line, a->ledger, a->name, a->key_hash };
    buf_clear(&a->chunk);
    ledger_audit_init(a, &config);
}

static enum mlt_err describe(X509 *x509, enum cert_role role, struct audit_certificate *c)
{
    struct cert_fields fields;
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    TRY(profile_check(x509, role, &fields));
    TRY(profile_tbs(x509, &tbs));
    TRY(hash_sha256(buf_span(&tbs), c->tbs_hash));
    memcpy(c->serial, fields.serial, CERT_SERIAL);
    c->issued_s = fields.not_before_s + LIMIT_BACKDATE_S;
    c->is_found = false;
    return MLT_OK;
}

enum mlt_err ledger_audit_begin(struct ledger_audit *a, X509 *own, X509 *server)
{
    ENSURE(a->stage == AUDIT_IDLE, MLT_ERR_STATE);
    ledger_audit_end(a);
    TRY(describe(own, CERT_CLIENT, &a->own));
    TRY(describe(server, CERT_SERVER, &a->server));
    a->stage = AUDIT_PROVES;
    ledger_watch_ask(a->ledger);
    return MLT_OK;
}

/* ---- the head ---- */

static void finish(struct ledger_audit *a)
{
    const struct client_event event = { .kind = CLIENT_EVENT_AUDITED, .audit = a->result };
    a->line->tell(a->line->ctx, &event);
    ledger_audit_end(a);
}

static void give_up(struct ledger_audit *a)
{
    a->result.faults |= CLIENT_AUDIT_UNPROVEN;
    finish(a);
}

/* What was issued in the second of the head, or after it, may not be in it yet. */
static bool may_be_younger(const struct ledger_audit *a)
{
    int64_t time_s = a->ledger->held.is.time_s;
    return a->own.issued_s >= time_s || a->server.issued_s >= time_s;
}

static void begin_reading(struct ledger_audit *a)
{
    const struct ledger_head *head = &a->ledger->held.is;
    a->head = a->ledger->held;
    a->result.epoch_s = (int64_t)head->epoch;
    a->result.time_s = head->time_s;
    memcpy(a->result.root, head->root, sizeof(a->result.root));
    a->stage = AUDIT_READS;
    a->tries = 0;
    a->due_ms = now_ms(a);
}

static void run_settling(struct ledger_audit *a)
{
    if (now_ms(a) < a->due_ms)
        return;
    a->stage = AUDIT_PROVES;
    ledger_watch_ask(a->ledger);
}

/* The ledger's own tries go on as long as the session; ours end. */
static void run_proving(struct ledger_audit *a)
{
    if (a->ledger->held.n == 0) {
        give_up(a);
        return;
    }
    if (a->ledger->wants) {
        if (!a->ledger->is_asked && a->ledger->due_ms > now_ms(a))
            give_up(a); /* it was busy */
        return;
    }
    if (!may_be_younger(a) || a->tries == SETTLE_TRIES) {
        begin_reading(a);
        return;
    }
    a->tries++;
    a->stage = AUDIT_SETTLES;
    a->due_ms = now_ms(a) + SETTLE_MS;
}

/* ---- the leaves ---- */

static void look_for(struct audit_certificate *c, const struct ledger_leaf *leaf)
{
    if (span_eq(SPAN_OF(c->serial), SPAN_OF(leaf->serial)) &&
        span_eq(SPAN_OF(c->tbs_hash), SPAN_OF(leaf->tbs_hash)))
        c->is_found = true;
}

static void tell_leaf(struct ledger_audit *a, const struct ledger_leaf *leaf)
{
    struct client_leaf found = { .position = a->tree.size, .leaf = *leaf };
    found.is_own_key = span_eq(SPAN_OF(leaf->spki_hash), span_of(a->key_hash, HASH_LEN));
    found.is_present = span_eq(SPAN_OF(leaf->serial), SPAN_OF(a->own.serial));
    found.is_before_us = !found.is_own_key && !a->has_seen_own_key;
    a->has_seen_own_key = a->has_seen_own_key || found.is_own_key;
    a->result.ours++;
    if (!found.is_own_key) {
        a->result.of_others++;
        a->result.faults |= found.is_before_us ? CLIENT_AUDIT_EARLIER_KEY : CLIENT_AUDIT_OTHER_KEY;
    }
    const struct client_event event = { .kind = CLIENT_EVENT_LEAF, .leaf = found };
    a->line->tell(a->line->ctx, &event);
}

/* *told: it was one of ours. */
static enum mlt_err take_leaf(struct ledger_audit *a, struct span bytes, bool *told)
{
    struct ledger_leaf leaf;
    uint8_t hash[HASH_LEN];
    TRY(ledger_leaf_decode(bytes, &leaf));
    TRY(merkle_leaf_hash(bytes, hash));
    look_for(leaf.kind == LEDGER_SERVER ? &a->server : &a->own, &leaf);
    *told = leaf.kind == LEDGER_CLIENT && name_eq(&leaf.name, a->name);
    if (*told)
        tell_leaf(a, &leaf);
    TRY(merkle_add(&a->tree, hash));
    a->result.leaves++;
    return MLT_OK;
}

static enum mlt_err take_leaves(struct ledger_audit *a)
{
    unsigned told = 0;
    struct span rest = span_from(buf_span(&a->chunk), a->used);
    for (int i = 0; i < LEAVES_AT_ONCE && rest.n > 0 && told < TOLD_AT_ONCE; i++) {
        struct span leaf;
        bool is_ours = false;
        if (a->tree.size == a->head.is.size)
            break; /* newer than the head */
        TRY(leaves_next(&rest, &leaf));
        TRY(take_leaf(a, leaf, &is_ours));
        told += is_ours ? 1 : 0;
    }
    a->used = a->chunk.len - rest.n;
    if (rest.n == 0 || a->tree.size == a->head.is.size)
        buf_clear(&a->chunk);
    return MLT_OK;
}

static enum mlt_err judge(struct ledger_audit *a)
{
    uint8_t root[HASH_LEN];
    TRY(merkle_root(&a->tree, root));
    if (!span_eq(SPAN_OF(root), SPAN_OF(a->head.is.root)))
        a->result.faults |= CLIENT_AUDIT_ROOT;
    if (!a->own.is_found)
        a->result.faults |= CLIENT_AUDIT_OWN_ABSENT;
    if (!a->server.is_found)
        a->result.faults |= CLIENT_AUDIT_SERVER_ABSENT;
    finish(a);
    return MLT_OK;
}

static enum mlt_err ask(struct ledger_audit *a)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct leaves_wanted wanted = { .first = a->tree.size };
    TRY(leaves_wanted_encode(&wanted, &body));
    TRY(a->line->send(a->line->ctx, RECORD_LEAVES_WANTED, buf_span(&body)));
    a->is_asked = true;
    return MLT_OK;
}

static bool has_chunk(const struct ledger_audit *a)
{
    return a->chunk.len > 0;
}

static enum mlt_err run_reading(struct ledger_audit *a)
{
    if (has_chunk(a))
        TRY(take_leaves(a));
    if (has_chunk(a))
        return MLT_OK; /* the host takes what was told first */
    if (a->tree.size == a->head.is.size)
        return judge(a);
    return a->is_asked || now_ms(a) < a->due_ms ? MLT_OK : ask(a);
}

enum mlt_err ledger_audit_leaves(struct ledger_audit *a, struct span body)
{
    struct leaves leaves;
    ENSURE(a->stage == AUDIT_READS && a->is_asked, MLT_ERR_UNEXPECTED);
    TRY(leaves_decode(body, &leaves));
    ENSURE(leaves.first == a->tree.size, MLT_ERR_UNEXPECTED);
    a->is_asked = false;
    if (leaves.result == LEAVES_BUSY) {
        a->due_ms = now_ms(a) + BUSY_MS;
        if (++a->tries == BUSY_TRIES)
            give_up(a);
        return MLT_OK;
    }
    a->tries = 0;
    if (leaves.leaves.n == 0) { /* fewer than the CA has signed for */
        a->result.faults |= CLIENT_AUDIT_ROOT;
        finish(a);
        return MLT_OK;
    }
    a->used = 0;
    return buf_put(&a->chunk, leaves.leaves);
}

enum mlt_err ledger_audit_run(struct ledger_audit *a)
{
    switch (a->stage) {
    case AUDIT_SETTLES:
        run_settling(a);
        return MLT_OK;
    case AUDIT_PROVES:
        run_proving(a);
        return MLT_OK;
    case AUDIT_READS:
        return run_reading(a);
    default:
        return MLT_OK;
    }
}

int64_t ledger_audit_due_ms(const struct ledger_audit *a)
{
    switch (a->stage) {
    case AUDIT_SETTLES:
        return a->due_ms;
    case AUDIT_PROVES:
        return a->ledger->wants ? INT64_MAX : now_ms(a);
    case AUDIT_READS:
        if (has_chunk(a))
            return now_ms(a);
        return a->is_asked ? INT64_MAX : a->due_ms;
    default:
        return INT64_MAX;
    }
}
