/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/limits.h"
#include "ca/adopt.h"
#include "ca/crl_keep.h"
#include "ca/invite.h"
#include "ca/members.h"
#include "ca/pending.h"
#include "ca/restore_missing.h"
#include "ca/revoke.h"

static uint64_t highest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

struct acceptance {
    struct restore *r;
    const struct restore_sink *sink;
    struct restore_sum sum;
    int64_t now_s;
};

static enum mlt_err carry(void *ctx, const struct crl_entry *entry)
{
    struct acceptance *a = ctx;
    a->sum.revocations++;
    return revoke_carry(&a->r->ca->db, entry, a->now_s);
}

static enum mlt_err carry_keys(struct restore *r)
{
    CLEANUP(query_end)
    struct query q = query_start(&r->old, "SELECT spki, revoked_s FROM revoked_key");
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            return MLT_OK;
        CLEANUP(query_end)
        struct query put = query_start(&r->ca->db, "INSERT INTO revoked_key(spki, revoked_s) "
                                                   "VALUES(?, ?) ON CONFLICT DO NOTHING");
        query_put_span(&put, query_span(&q, 0));
        query_put_int(&put, query_int(&q, 1));
        TRY(query_run(&put));
    }
}

/* Who has it is shut out, and nobody else gets the name unless the administrator reissues it. */
static enum mlt_err lose(struct acceptance *a, const struct certificate *c)
{
    struct database *db = &a->r->ca->db;
    struct crl_entry entry = { .reason = CRL_SUPERSEDED, .revoked_s = a->now_s };
    memcpy(entry.serial, c->serial, CERT_SERIAL);
    if (c->not_after_s + LIMIT_GRACE_S > a->now_s)
        TRY(revoke_carry(db, &entry, a->now_s));
    CLEANUP(query_end)
    struct query q =
        query_start(db, "INSERT INTO member(name, since_s, closed_s) VALUES(?1, ?2, ?2) "
                        "ON CONFLICT DO NOTHING");
    query_put_name(&q, &c->name);
    query_put_int(&q, a->now_s);
    return query_run(&q);
}

/* The old ledger.db proves nothing; the CA's own signature does. */
static bool is_ours(struct acceptance *a, const struct certificate *c, struct cert *cert)
{
    enum mlt_err err = cert_read_leaf(c->der, &a->r->ca->cert, CERT_CLIENT, a->now_s, cert);
    return (err == MLT_OK || err == MLT_ERR_CERT_EXPIRED) &&
           span_eq(SPAN_OF(cert->fields.serial), SPAN_OF(c->serial)) &&
           span_eq(SPAN_OF(cert->spki_hash), SPAN_OF(c->spki_hash)) &&
           span_eq(name_span(&cert->fields.name), name_span(&c->name)) &&
           cert->fields.not_before_s + LIMIT_BACKDATE_S == c->issued_s &&
           cert->fields.not_after_s == c->not_after_s;
}

static enum mlt_err judge(void *ctx, const struct certificate *c)
{
    struct acceptance *a = ctx;
    struct member member;
    bool found = false;
    CLEANUP(cert_clear) struct cert cert = { 0 };
    /* A list may name this one alone, and then its key is known from here only. */
    TRY(revoke_close_key(&a->r->ca->db, c->serial, SPAN_OF(c->spki_hash)));
    TRY(members_find(&a->r->ca->db, &c->name, &member, &found));
    bool same_key =
        found && member.has_key && span_eq(SPAN_OF(member.spki_hash), SPAN_OF(c->spki_hash));
    bool keep = same_key && is_ours(a, c, &cert);
    uint64_t position = 0;
    /* Renewed since: of a serial that is not here its owner could not ask for the next. */
    TRY(keep ? adopt_enter(&a->r->ca->db, c, &cert, &position) : lose(a, c));
    return a->sink->on_certificate(a->sink->ctx, c, keep ? RESTORE_KEPT : RESTORE_LOST);
}

/* What the replaced ledger has been through since, without seeing all of it. */
static enum mlt_err hear_doubts(struct restore *r, struct ledger_opening *o)
{
    bool row = false;
    CLEANUP(query_end)
    struct query q = query_start(&r->old, "SELECT count(*), count(crl) FROM epoch "
                                          "WHERE NOT whole AND epoch > ?");
    query_put_int(&q, (int64_t)r->facts.epoch);
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_DATABASE);
    o->whole = o->whole && query_int(&q, 0) == 0;
    if (query_int(&q, 1) < query_int(&q, 0))
        o->crl = 0;
    return MLT_OK;
}

static struct restore_extent extent_of(const struct ledger_facts *facts)
{
    return (struct restore_extent) { facts->epoch, facts->size };
}

/* Nobody has seen more of the CA than the replaced ledger has. */
static bool is_furthest(const struct restore *r, const struct ledger_facts *old)
{
    return !r->forked && !restore_is_beyond(extent_of(&r->facts), extent_of(old)) &&
           !restore_is_beyond(r->seen, extent_of(old)) &&
           old->crl_number >= highest(r->seen_crl, r->facts.crl_number);
}

/*
 * Nobody has seen a list after net's.  net confirms one only when the head after it is kept too: of
 * what is beyond that head, or of another ledger that a client came with, net has no list.
 */
static bool is_newest_list(const struct restore *r, const struct ledger_facts *old)
{
    return r->crl.number >= highest(r->seen_crl, r->facts.crl_number) &&
           !(r->forked && r->stopped) &&
           (!restore_is_beyond(r->seen, r->net) || !restore_is_beyond(r->seen, extent_of(old)));
}

/* Whether what was lost is known: from the replaced ledger, or of the revocations alone from a list
 * that nobody has seen a newer one of. */
static enum mlt_err weigh_witnesses(struct restore *r, struct ledger_opening *o)
{
    struct ledger_facts old = { 0 };
    if (r->old.handle != NULL)
        TRY(ledger_facts_read(&r->old, &old));
    if (is_newest_list(r, &old))
        o->crl = r->crl.number;
    /* What an epoch could not see, of which only a head is left, nobody can tell. */
    if (r->seen.epoch > highest(r->facts.epoch, old.epoch) || r->unseen)
        o->crl = 0;
    if (r->unseen)
        return MLT_OK;
    if (r->old.handle == NULL)
        return MLT_OK;
    o->whole = is_furthest(r, &old);
    if (o->whole)
        o->crl = old.crl_number; /* and all that it knows as revoked was carried over */
    return hear_doubts(r, o);
}

static enum mlt_err open_epoch(struct acceptance *a)
{
    struct ledger_opening opening = { .epoch = a->sum.epoch, .base = a->r->common };
    TRY(weigh_witnesses(a->r, &opening));
    a->sum.listed = opening.whole || opening.crl > 0;
    TRY(restore_forget_unseen(&a->r->ca->db));
    return ledger_open_epoch(&a->r->ca->db, &opening);
}

/* Inside the one transaction.  Revocations first: they decide which keys a name still has. */
static enum mlt_err accept(struct acceptance *a)
{
    struct restore *r = a->r;
    struct database *db = &r->ca->db;
    const struct revocation_visit revoked = { carry, a };
    const struct certificate_visit certified = { judge, a };
    uint64_t above = highest(r->seen.epoch, r->facts.epoch) + 1;
    /* By a clock that is behind the CA's own word certificates of before would seem to be later. */
    uint64_t listed_s = r->crl.this_update_s > 0 ? (uint64_t)r->crl.this_update_s : 0;
    uint64_t signed_s = highest(listed_s, r->seen_s);
    a->sum.epoch = highest(highest((uint64_t)a->now_s, signed_s), above);
    a->sum.crl_number = highest(highest(r->seen_crl, r->facts.crl_number) + 1, a->sum.epoch);
    TRY(restore_missing_revocations(r, &revoked));
    if (r->old.handle != NULL) {
        TRY(carry_keys(r));
        TRY(restore_carry_closed(r));
    }
    TRY(restore_missing_certificates(r, &certified));
    /* Open then: which of them were used, withdrawn or refused since, nobody can tell. */
    TRY(invite_forget_unused(db));
    TRY(pending_forget_all(db));
    TRY(open_epoch(a));
    return crl_keep_skip_to(db, a->sum.crl_number);
}

enum mlt_err restore_accept_loss(struct restore *r, const struct restore_sink *sink,
                                 struct restore_sum *sum)
{
    struct acceptance a = { .r = r, .sink = sink, .now_s = ca_now_s(r->ca) };
    TRY(database_begin(&r->ca->db));
    TRY(database_end(&r->ca->db, accept(&a)));
    *sum = a.sum;
    return MLT_OK;
}
