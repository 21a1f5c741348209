/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/revoke.h"

#include "base/limits.h"
#include "base/log.h"
#include "ca/clock.h"
#include "ca/crl_keep.h"
#include "ca/invite.h"
#include "ca/members.h"

/* Also what is past its grace: it is in no CRL, and no administrator's leave renews it either. */
static enum mlt_err take_back(struct ca *ca, const struct revoke_order *order, int64_t now_s,
                              size_t *count)
{
    CLEANUP(query_end)
    struct query q =
        query_start(&ca->db, "INSERT INTO revocation(serial, revoked_s, reason, until_s) "
                             "SELECT serial, ?, ?, not_after_s + ? FROM certificate WHERE role = ? "
                             "AND name = ? ON CONFLICT DO NOTHING");
    query_put_int(&q, now_s);
    query_put_int(&q, order->reason);
    query_put_int(&q, LIMIT_GRACE_S);
    query_put_int(&q, issue_role_of(&order->name));
    query_put_text(&q, order->name.text);
    TRY(query_run(&q));
    *count = (size_t)query_changes(&q);
    return MLT_OK;
}

static enum mlt_err close_keys(struct ca *ca, const struct revoke_order *order, int64_t now_s)
{
    CLEANUP(query_end)
    struct query q = query_start(&ca->db, "INSERT INTO revoked_key(spki, revoked_s) "
                                          "SELECT DISTINCT spki, ? FROM certificate WHERE role = ? "
                                          "AND name = ? ON CONFLICT DO NOTHING");
    query_put_int(&q, now_s);
    query_put_int(&q, issue_role_of(&order->name));
    query_put_text(&q, order->name.text);
    return query_run(&q);
}

enum mlt_err revoke_rows(struct ca *ca, const struct revoke_order *order, bool closed,
                         size_t *count)
{
    int64_t now_s = ca_now_s(ca);
    size_t taken = 0;
    TRY(take_back(ca, order, now_s, &taken));
    TRY(close_keys(ca, order, now_s));
    if (issue_role_of(&order->name) == CERT_CLIENT) {
        TRY(members_drop_key(&ca->db, &order->name, closed ? now_s : 0));
        TRY(invite_forget_bound(&ca->db, &order->name));
    }
    *count = taken;
    return MLT_OK;
}

static enum mlt_err tell_revoked(void *ctx, const struct certificate *c)
{
    const struct ca *ca = ctx;
    if (ca->events.on_revoked != NULL)
        ca->events.on_revoked(ca->events.ctx, c);
    return MLT_OK;
}

enum mlt_err revoke_publish(struct ca *ca, const struct name *name)
{
    const struct certificate_visit visit = { tell_revoked, ca };
    int64_t earliest_s = 0;
    TRY(clock_earliest(ca, &earliest_s));
    TRY(certificates_unlisted(&ca->db, earliest_s, issue_role_of(name), name, &visit));
    return crl_keep_tend(ca);
}

/* A member need not have a certificate that the ledger knows: roster.h. */
static enum mlt_err check_name(struct ca *ca, const struct name *name)
{
    struct member member;
    struct certificate newest;
    bool found = false;
    CLEANUP(buf_clear) struct buf der = { 0 };
    if (issue_role_of(name) == CERT_SERVER)
        return certificates_newest(&ca->db, CERT_SERVER, name, &newest, &der);
    TRY(members_find(&ca->db, name, &member, &found));
    return found ? MLT_OK : MLT_ERR_MISSING;
}

enum mlt_err revoke_name(struct ca *ca, const struct revoke_order *order, size_t *count, bool *done)
{
    *done = false;
    TRY(check_name(ca, &order->name));
    size_t taken = 0;
    TRY(database_begin(&ca->db));
    TRY(database_end(&ca->db, revoke_rows(ca, order, true, &taken)));
    *count = taken;
    *done = true;
    if (taken == 0)
        log_info("%s was revoked: nothing was left to revoke", order->name.text);
    else
        log_warning("%s was revoked: %zu certificate%s", order->name.text, taken,
                    taken == 1 ? "" : "s");
    return revoke_publish(ca, &order->name);
}

static enum mlt_err carry_row(struct database *db, const struct crl_entry *entry, int64_t now_s)
{
    CLEANUP(query_end)
    struct query q = query_start(
        db, "INSERT INTO revocation(serial, revoked_s, reason, until_s) VALUES(?1, ?2, ?3, "
            "ifnull((SELECT not_after_s FROM certificate WHERE serial = ?1), ?4) + ?5) "
            "ON CONFLICT DO NOTHING");
    query_put_span(&q, SPAN_OF(entry->serial));
    query_put_int(&q, entry->revoked_s);
    query_put_int(&q, entry->reason);
    query_put_int(&q, now_s + (int64_t)LIMIT_CERT_DAYS * 86400);
    query_put_int(&q, LIMIT_GRACE_S);
    return query_run(&q);
}

static enum mlt_err with_key(struct query *q, const uint8_t serial[static CERT_SERIAL],
                             struct span spki)
{
    query_put_span(q, spki);
    query_put_span(q, span_of(serial, CERT_SERIAL));
    return query_run(q);
}

enum mlt_err revoke_close_key(struct database *db, const uint8_t serial[static CERT_SERIAL],
                              struct span spki)
{
    CLEANUP(query_end)
    struct query close =
        query_start(db, "INSERT INTO revoked_key(spki, revoked_s) SELECT ?1, revoked_s "
                        "FROM revocation WHERE serial = ?2 ON CONFLICT DO NOTHING");
    TRY(with_key(&close, serial, spki));
    CLEANUP(query_end)
    struct query drop = query_start(
        db, "UPDATE member SET spki = NULL, renew_until_s = NULL, closed_s = r.revoked_s "
            "FROM revocation AS r WHERE r.serial = ?2 AND member.spki = ?1");
    TRY(with_key(&drop, serial, spki));
    /* As take_back() does: those that no list named any more, for they were over. */
    CLEANUP(query_end)
    struct query all = query_start(
        db, "INSERT INTO revocation(serial, revoked_s, reason, until_s) "
            "SELECT c.serial, r.revoked_s, r.reason, c.not_after_s + ?3 FROM certificate AS c "
            "JOIN revocation AS r ON r.serial = ?2 WHERE c.spki = ?1 ON CONFLICT DO NOTHING");
    query_put_span(&all, spki);
    query_put_span(&all, span_of(serial, CERT_SERIAL));
    query_put_int(&all, LIMIT_GRACE_S);
    return query_run(&all);
}

static enum mlt_err carry_key(struct database *db, const struct crl_entry *entry)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT spki FROM certificate WHERE serial = ?");
    uint8_t spki[HASH_LEN];
    bool row = false;
    query_put_span(&q, SPAN_OF(entry->serial));
    TRY(query_next(&q, &row));
    if (!row)
        return MLT_OK;
    TRY(query_bytes(&q, 0, spki, HASH_LEN));
    return revoke_close_key(db, entry->serial, SPAN_OF(spki));
}

enum mlt_err revoke_carry(struct database *db, const struct crl_entry *entry, int64_t now_s)
{
    TRY(carry_row(db, entry, now_s));
    return carry_key(db, entry);
}
