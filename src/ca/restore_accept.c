/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/limits.h"
#include "ca/crl_keep.h"
#include "ca/invite.h"
#include "ca/members.h"
#include "ca/pending.h"
#include "ca/restore_missing.h"
#include "ca/revoke.h"

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

/* Reissued to a key that the old ledger never heard of: of this name it is the older one. */
static enum mlt_err is_reopened(struct restore *r, const struct name *name, bool *reopened)
{
    struct member member;
    bool found = false, known = false;
    *reopened = false;
    TRY(members_find(&r->ca->db, name, &member, &found));
    if (!found || !member.has_key)
        return MLT_OK;
    CLEANUP(query_end)
    struct query q = query_start(&r->old, "SELECT 1 FROM certificate WHERE spki = ? LIMIT 1");
    query_put_span(&q, SPAN_OF(member.spki_hash));
    TRY(query_next(&q, &known));
    *reopened = !known;
    return MLT_OK;
}

static enum mlt_err close_name(struct restore *r, const struct name *name, int64_t closed_s)
{
    bool reopened = false;
    TRY(is_reopened(r, name, &reopened));
    if (reopened)
        return MLT_OK;
    CLEANUP(query_end)
    struct query q = query_start(
        &r->ca->db, "INSERT INTO member(name, since_s, closed_s) VALUES(?1, ?2, ?2) "
                    "ON CONFLICT(name) DO UPDATE SET spki = NULL, renew_until_s = NULL, "
                    "closed_s = ifnull(closed_s, ?2)");
    query_put_name(&q, name);
    query_put_int(&q, closed_s);
    return query_run(&q);
}

/* A name can be closed without a serial that says so: it waited for a key when it was revoked. */
static enum mlt_err carry_closed(struct restore *r)
{
    CLEANUP(query_end)
    struct query q =
        query_start(&r->old, "SELECT name, closed_s FROM member WHERE closed_s IS NOT NULL");
    for (;;) {
        bool row = false;
        struct name name;
        TRY(query_next(&q, &row));
        if (!row)
            return MLT_OK;
        TRY(query_name(&q, 0, &name));
        TRY(close_name(r, &name, query_int(&q, 1)));
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

static enum mlt_err fill_issued(const struct certificate *c, uint64_t position, struct issued *out)
{
    out->role = c->role;
    out->name = c->name;
    out->issued_s = c->issued_s;
    out->not_after_s = c->not_after_s;
    out->position = position;
    memcpy(out->spki_hash, c->spki_hash, HASH_LEN);
    memcpy(out->serial, c->serial, CERT_SERIAL);
    return buf_put(&out->der, c->der);
}

static enum mlt_err draw_leaf(const struct cert *cert, const struct certificate *c,
                              struct ledger_leaf *leaf)
{
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    struct ledger_leaf made = { .name = c->name, .kind = LEDGER_CLIENT, .time_s = c->issued_s };
    memcpy(made.serial, cert->fields.serial, CERT_SERIAL);
    memcpy(made.spki_hash, cert->spki_hash, HASH_LEN);
    TRY(profile_tbs(cert->x509, &tbs));
    TRY(hash_sha256(buf_span(&tbs), made.tbs_hash));
    *leaf = made;
    return MLT_OK;
}

/* The old ledger.db proves nothing; the CA's own signature does. */
static bool is_ours(struct acceptance *a, const struct certificate *c, struct cert *cert)
{
    enum mlt_err err = cert_read_leaf(c->der, &a->r->ca->cert, CERT_CLIENT, a->now_s, cert);
    return (err == MLT_OK || err == MLT_ERR_CERT_EXPIRED) &&
           span_eq(SPAN_OF(cert->fields.serial), SPAN_OF(c->serial)) &&
           span_eq(SPAN_OF(cert->spki_hash), SPAN_OF(c->spki_hash)) &&
           span_eq(name_span(&cert->fields.name), name_span(&c->name));
}

/* Renewed since: of a serial that is not here its owner could not ask for the next. */
static enum mlt_err enter_anew(struct acceptance *a, const struct certificate *c,
                               const struct cert *cert)
{
    CLEANUP(issued_clear) struct issued issued = { 0 };
    struct ledger_leaf leaf;
    uint64_t position = 0;
    TRY(draw_leaf(cert, c, &leaf));
    TRY(ledger_append(&a->r->ca->db, &leaf, &position));
    TRY(fill_issued(c, position, &issued));
    return certificates_record(&a->r->ca->db, &issued);
}

static enum mlt_err judge(void *ctx, const struct certificate *c)
{
    struct acceptance *a = ctx;
    struct member member;
    bool found = false;
    CLEANUP(cert_clear) struct cert cert = { 0 };
    TRY(members_find(&a->r->ca->db, &c->name, &member, &found));
    bool same_key =
        found && member.has_key && span_eq(SPAN_OF(member.spki_hash), SPAN_OF(c->spki_hash));
    bool keep = same_key && is_ours(a, c, &cert);
    TRY(keep ? enter_anew(a, c, &cert) : lose(a, c));
    return a->sink->on_certificate(a->sink->ctx, c, keep ? RESTORE_KEPT : RESTORE_LOST);
}

static uint64_t highest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Inside the one transaction.  Revocations first: they decide which keys a name still has. */
static enum mlt_err accept(struct acceptance *a)
{
    struct restore *r = a->r;
    struct database *db = &r->ca->db;
    const struct revocation_visit revoked = { carry, a };
    const struct certificate_visit certified = { judge, a };
    uint64_t above = highest(r->seen_epoch, r->facts.epoch) + 1;
    a->sum.epoch = highest((uint64_t)a->now_s, above);
    a->sum.base = r->common;
    a->sum.crl_number = highest(highest(r->seen_crl, r->facts.crl_number) + 1, a->sum.epoch);
    TRY(ledger_open_epoch(db, a->sum.epoch, a->sum.base));
    TRY(restore_missing_revocations(r, &revoked));
    if (r->old.handle != NULL) {
        TRY(carry_keys(r));
        TRY(carry_closed(r));
    }
    TRY(restore_missing_certificates(r, &certified));
    /* Open then: which of them were used, withdrawn or refused since, nobody can tell. */
    TRY(invite_forget_unused(db));
    TRY(pending_forget_all(db));
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
