/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/restore_missing.h"

#include "ca/invite.h"
#include "ca/members.h"

static enum mlt_err visit_unknown(struct restore *r, const struct crl_entry *entry,
                                  const struct revocation_visit *visit)
{
    bool has = false;
    TRY(certificates_is_revoked(&r->ca->db, entry->serial, &has));
    return has ? MLT_OK : visit->on_entry(visit->ctx, entry);
}

static enum mlt_err each_old(struct restore *r, const struct revocation_visit *visit)
{
    CLEANUP(query_end)
    struct query q = query_start(&r->old, "SELECT serial, reason, revoked_s FROM revocation");
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            return MLT_OK;
        struct crl_entry entry = { .reason = (enum crl_reason)query_int(&q, 1),
                                   .revoked_s = query_int(&q, 2) };
        TRY(query_bytes(&q, 0, entry.serial, CERT_SERIAL));
        TRY(visit_unknown(r, &entry, visit));
    }
}

enum mlt_err restore_missing_revocations(struct restore *r, const struct revocation_visit *visit)
{
    if (r->old.handle != NULL)
        TRY(each_old(r, visit));
    for (size_t i = 0; i < r->crl.count; i++) {
        bool met = false;
        if (r->old.handle != NULL)
            TRY(certificates_is_revoked(&r->old, r->crl.entries[i].serial, &met));
        if (!met)
            TRY(visit_unknown(r, &r->crl.entries[i], visit));
    }
    return MLT_OK;
}

/* Clients' alone: a server's is good for a day, and net asks for its own. */
static struct query start_certificates(struct restore *r)
{
    struct query q = query_start(&r->old, "SELECT serial, name, spki, issued_s, not_after_s, der "
                                          "FROM certificate WHERE role = ? ORDER BY position");
    query_put_int(&q, CERT_CLIENT);
    return q;
}

static enum mlt_err read_certificate(struct query *q, struct certificate *c)
{
    *c = (struct certificate) { .role = CERT_CLIENT,
                                .issued_s = query_int(q, 3),
                                .not_after_s = query_int(q, 4) };
    TRY(query_bytes(q, 0, c->serial, CERT_SERIAL));
    TRY(query_name(q, 1, &c->name));
    TRY(query_bytes(q, 2, c->spki_hash, HASH_LEN));
    c->der = query_span(q, 5);
    return MLT_OK;
}

enum mlt_err restore_missing_certificates(struct restore *r, const struct certificate_visit *visit)
{
    if (r->old.handle == NULL)
        return MLT_OK;
    CLEANUP(query_end) struct query q = start_certificates(r);
    for (;;) {
        struct certificate c;
        bool row = false, has = false;
        TRY(query_next(&q, &row));
        if (!row)
            return MLT_OK;
        TRY(read_certificate(&q, &c));
        TRY(certificates_is_known(&r->ca->db, c.serial, &has));
        if (!has)
            TRY(visit->on_certificate(visit->ctx, &c));
    }
}

/* ---- what is in no leaf ---- */

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
enum mlt_err restore_carry_closed(struct restore *r)
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

/* ---- judged ---- */

static enum mlt_err count_revocation(void *ctx, const struct crl_entry *entry)
{
    struct restore *r = ctx;
    (void)entry;
    r->unknown_revoked++;
    return MLT_OK;
}

static enum mlt_err count_certificate(void *ctx, const struct certificate *c)
{
    struct restore *r = ctx;
    (void)c;
    r->unknown_certs++;
    return MLT_OK;
}

enum mlt_err restore_is_behind(struct restore *r, bool *behind)
{
    const struct revocation_visit revoked = { count_revocation, r };
    const struct certificate_visit certified = { count_certificate, r };
    r->unknown_revoked = 0;
    r->unknown_certs = 0;
    TRY(restore_missing_revocations(r, &revoked));
    TRY(restore_missing_certificates(r, &certified));
    const struct restore_extent own = { r->facts.epoch, r->facts.size };
    *behind = restore_is_beyond(r->seen, own) || r->forked || r->seen_crl > r->facts.crl_number ||
              r->seen_entries > r->ca->keystore.mark.count || r->unknown_revoked > 0;
    return MLT_OK;
}

static enum mlt_err carry_unwritten(struct restore *r, size_t *count)
{
    TRY(restore_carry_closed(r));
    return invite_forget_withdrawn(&r->ca->db, &r->old, ca_now_s(r->ca), count);
}

enum mlt_err restore_carry_unwritten(struct restore *r, size_t *count)
{
    struct ledger_facts old;
    *count = 0;
    if (r->old.handle == NULL)
        return MLT_OK;
    TRY(ledger_facts_read(&r->old, &old));
    const struct restore_extent own = { r->facts.epoch, r->facts.size };
    if (restore_is_beyond(own, (struct restore_extent) { old.epoch, old.size }))
        return MLT_OK; /* the older of the two: it knows nothing of later */
    TRY(database_begin(&r->ca->db));
    return database_end(&r->ca->db, carry_unwritten(r, count));
}
