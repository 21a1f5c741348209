/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/crl_keep.h"

#include <string.h>

#include "base/hex.h"
#include "base/limits.h"
#include "base/log.h"
#include "ca/certificates.h"
#include "ca/explain.h"
#include "ca/head.h"
#include "ca/setting.h"
#include "pki/statement.h"

/* The least that the next number may be, where others have seen higher ones than we. */
static const char meta_least[] = "crl number at least";

static const int64_t look_every_ms = 60 * 1000;
static const int64_t say_every_ms = 3600 * 1000;

/* ---- what is there ---- */

enum mlt_err crl_keep_facts(struct database *db, struct crl_facts *facts)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT number, this_update_s, next_update_s, entries "
                                     "FROM crl ORDER BY number DESC LIMIT 1");
    bool row = false;
    TRY(query_next(&q, &row));
    struct crl_facts got = { 0 };
    if (row)
        got = (struct crl_facts) { (uint64_t)query_int(&q, 0), query_int(&q, 1), query_int(&q, 2),
                                   (uint64_t)query_int(&q, 3) };
    *facts = got;
    return MLT_OK;
}

enum mlt_err crl_keep_der(struct database *db, uint64_t *number, struct buf *der)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT number, der FROM crl ORDER BY number DESC LIMIT 1");
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_MISSING);
    TRY(buf_put(der, query_span(&q, 1)));
    *number = (uint64_t)query_int(&q, 0);
    return MLT_OK;
}

enum mlt_err crl_keep_notices(struct database *db, uint64_t after, const struct notice_visit *visit)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "SELECT number, record FROM notice WHERE number > ? ORDER BY number");
    query_put_int(&q, (int64_t)after);
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            return MLT_OK;
        TRY(visit->on_notice(visit->ctx, (uint64_t)query_int(&q, 0), query_span(&q, 1)));
    }
}

enum mlt_err crl_keep_skip_to(struct database *db, uint64_t number)
{
    ENSURE(number <= INT64_MAX, MLT_ERR_RANGE);
    TRY(setting_set_number(db, meta_least, (int64_t)number));
    return crl_keep_drop_notices(db);
}

enum mlt_err crl_keep_drop_notices(struct database *db)
{
    CLEANUP(query_end) struct query q = query_start(db, "DELETE FROM notice");
    return query_run(&q);
}

/* ---- the next one ---- */

/* A list on its way: its number, and the serials that are new in it. */
struct draft {
    int64_t now_s;
    uint64_t before, first; /* numbers: of the list that is there, of the first new notice */
    struct buf fresh;       /* serials */
    struct crl crl;
    uint64_t position;
    struct buf der;
};

static void draft_clear(struct draft *d)
{
    buf_clear(&d->fresh);
    buf_clear(&d->der);
    crl_clear(&d->crl);
}

/* How long after its revocation a certificate can still be renewed. */
static const int64_t longest_s =
    (int64_t)LIMIT_CERT_DAYS * 86400 + LIMIT_GRACE_S + LIMIT_CLOCK_SLACK_S;

void crl_keep_put_moment(struct query *q, int64_t now_s)
{
    query_put_int(q, now_s);
    query_put_int(q, longest_s);
    query_put_int(q, LIMIT_GRACE_S);
}

static enum mlt_err count_listed(struct database *db, int64_t now_s, size_t *count)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT count(*) FROM revocation AS r WHERE " CRL_KEEP_LISTED);
    crl_keep_put_moment(&q, now_s);
    int64_t number = 0;
    TRY(query_number(&q, &number));
    *count = (size_t)number;
    return MLT_OK;
}

static enum mlt_err read_entries(struct database *db, struct draft *d)
{
    size_t count = 0, n = 0;
    TRY(count_listed(db, d->now_s, &count));
    TRY(crl_reserve(&d->crl, count));
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT serial, reason, revoked_s, number IS NULL FROM "
                                     "revocation AS r WHERE " CRL_KEEP_LISTED " ORDER BY serial");
    crl_keep_put_moment(&q, d->now_s);
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            break;
        ENSURE(n < count, MLT_ERR_STATE);
        struct crl_entry *entry = &d->crl.entries[n++];
        TRY(query_bytes(&q, 0, entry->serial, CERT_SERIAL));
        entry->reason = (enum crl_reason)query_int(&q, 1);
        entry->revoked_s = query_int(&q, 2);
        if (query_int(&q, 3) != 0)
            TRY(buf_put(&d->fresh, SPAN_OF(entry->serial)));
    }
    ENSURE(n == count, MLT_ERR_STATE);
    return MLT_OK;
}

static enum mlt_err read_least(struct database *db, int64_t *least)
{
    *least = 0;
    enum mlt_err err = setting_get_number(db, meta_least, least);
    return err == MLT_ERR_MISSING ? MLT_OK : err;
}

static enum mlt_err next_number(struct database *db, uint64_t before, uint64_t *number)
{
    int64_t least = 0;
    TRY(read_least(db, &least));
    *number = before + 1 > (uint64_t)least ? before + 1 : (uint64_t)least;
    return MLT_OK;
}

/* ---- against the one that is there ---- */

/* What only a signature of the CA's says: of a serial that has none here, the list's own. */
static enum mlt_err end_of(struct ca *ca, const struct crl_entry *entry, int64_t *end_s)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(cert_clear) struct cert cert = { 0 };
    struct certificate row;
    *end_s = entry->revoked_s + longest_s;
    enum mlt_err err = certificates_by_serial(&ca->db, entry->serial, &row, &der);
    if (err == MLT_ERR_MISSING || err == MLT_ERR_DAMAGED)
        return MLT_OK;
    TRY(err);
    err = cert_read_leaf(buf_span(&der), &ca->cert, row.role, ca_now_s(ca), &cert);
    bool is_ours = err == MLT_OK || err == MLT_ERR_CERT_EXPIRED || err == MLT_ERR_CERT_NOT_YET;
    if (!is_ours)
        return err_fault(err) == FAULT_LOCAL ? err : MLT_OK;
    if (span_eq(SPAN_OF(cert.fields.serial), SPAN_OF(entry->serial)))
        *end_s = cert.fields.not_after_s + LIMIT_GRACE_S;
    return MLT_OK;
}

static enum mlt_err check_dropped(struct ca *ca, const struct crl_entry *entry, int64_t now_s)
{
    char serial[2 * CERT_SERIAL + 1];
    int64_t end_s = 0;
    TRY(end_of(ca, entry, &end_s));
    if (end_s <= now_s)
        return MLT_OK;
    hex_encode(SPAN_OF(entry->serial), serial);
    if (!ca->crl_care.drops) /* else it was said, and is said again hourly by crl_keep_tick */
        log_error("ALARM: certificate %s is in the newest revocation list and could still be used, "
                  "and ledger.db no longer says that it was revoked: ledger.db was changed",
                  serial);
    return MLT_ERR_DAMAGED;
}

static enum mlt_err read_kept(struct ca *ca, struct crl *kept)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    uint64_t number = 0;
    enum mlt_err err = crl_keep_der(&ca->db, &number, &der);
    if (err == MLT_ERR_MISSING)
        return MLT_OK;
    TRY(err);
    err = crl_read(buf_span(&der), &ca->cert, kept);
    if (err == MLT_OK ? kept->number == number : err_fault(err) == FAULT_LOCAL)
        return err;
    if (!ca->crl_care.drops)
        log_error("ALARM: the newest revocation list in ledger.db is not this CA's: ledger.db was "
                  "changed");
    return MLT_ERR_DAMAGED;
}

/* Nobody is let in again because a row is gone: the list that is there was signed. */
static enum mlt_err check_kept(struct ca *ca, const struct draft *d)
{
    CLEANUP(crl_clear) struct crl kept = { 0 };
    TRY(read_kept(ca, &kept));
    for (size_t i = 0; i < kept.count; i++) {
        if (crl_find(&d->crl, kept.entries[i].serial) == NULL)
            TRY(check_dropped(ca, &kept.entries[i], d->now_s));
    }
    return MLT_OK;
}

/* ---- numbers ---- */

/* Serials told of by notice number first + i: LIMIT_REVOKED_AT_ONCE each; one at least. */
static size_t batches(const struct draft *d)
{
    size_t serials = d->fresh.len / CERT_SERIAL;
    size_t full = (serials + LIMIT_REVOKED_AT_ONCE - 1) / LIMIT_REVOKED_AT_ONCE;
    return full > 0 ? full : 1;
}

static struct span batch(const struct draft *d, size_t i)
{
    const size_t most = (size_t)LIMIT_REVOKED_AT_ONCE * CERT_SERIAL;
    struct span rest = span_from(buf_span(&d->fresh), i * most);
    return span_of(rest.p, rest.n < most ? rest.n : most);
}

/* ---- recording it ---- */

static enum mlt_err put_list(struct database *db, const struct draft *d)
{
    CLEANUP(query_end) struct query drop = query_start(db, "DELETE FROM crl");
    TRY(query_run(&drop));
    CLEANUP(query_end)
    struct query q = query_start(db, "INSERT INTO crl(number, position, this_update_s, "
                                     "next_update_s, entries, der) VALUES(?, ?, ?, ?, ?, ?)");
    query_put_int(&q, (int64_t)d->crl.number);
    query_put_int(&q, (int64_t)d->position);
    query_put_int(&q, d->crl.this_update_s);
    query_put_int(&q, d->crl.next_update_s);
    query_put_int(&q, (int64_t)d->crl.count);
    query_put_span(&q, buf_span(&d->der));
    return query_run(&q);
}

static enum mlt_err put_notice(struct ca *ca, const struct draft *d, size_t i)
{
    struct revocation notice = { .number = d->first + i,
                                 .this_update_s = d->crl.this_update_s,
                                 .next_update_s = d->crl.next_update_s,
                                 .serials = batch(d, i) };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf record = { 0 };
    TRY(statement_sign_revocation(ca->key, &ca->cert, &notice, &signature));
    notice.signature = buf_span(&signature);
    TRY(revocation_encode(&notice, &record));
    CLEANUP(query_end)
    struct query q = query_start(&ca->db, "INSERT INTO notice(number, record) VALUES(?, ?)");
    query_put_int(&q, (int64_t)notice.number);
    query_put_span(&q, buf_span(&record));
    return query_run(&q);
}

static enum mlt_err mark_told(struct database *db, struct span serials, uint64_t number)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "UPDATE revocation SET number = ? WHERE serial = ?");
    for (; serials.n > 0; serials = span_from(serials, CERT_SERIAL)) {
        query_put_int(&q, (int64_t)number);
        query_put_span(&q, span_of(serials.p, CERT_SERIAL));
        TRY(query_run(&q));
        query_again(&q);
    }
    return MLT_OK;
}

static enum mlt_err drop_old_notices(struct database *db, uint64_t newest)
{
    CLEANUP(query_end) struct query q = query_start(db, "DELETE FROM notice WHERE number <= ?");
    query_put_int(&q, (int64_t)newest - LIMIT_REVOCATIONS_KEPT);
    return query_run(&q);
}

static enum mlt_err record(struct ca *ca, const struct draft *d)
{
    size_t count = batches(d);
    TRY(put_list(&ca->db, d));
    for (size_t i = 0; i < count; i++) {
        if (count - i <= LIMIT_REVOCATIONS_KEPT)
            TRY(put_notice(ca, d, i));
        TRY(mark_told(&ca->db, batch(d, i), d->first + i));
    }
    return drop_old_notices(&ca->db, d->crl.number);
}

static enum mlt_err sign(struct ca *ca, struct draft *d)
{
    struct issuer issuer;
    TRY(ca_issuer(ca, &issuer));
    TRY(next_number(&ca->db, d->before, &d->first));
    d->crl.number = d->first + batches(d) - 1;
    return issue_crl(&issuer, &d->crl, &d->position, &d->der);
}

static enum mlt_err has_untold(struct database *db, int64_t now_s, bool *any)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "SELECT 1 FROM revocation WHERE number IS NULL AND until_s > ? LIMIT 1");
    query_put_int(&q, now_s);
    return query_next(&q, any);
}

static enum mlt_err is_due(struct ca *ca, const struct crl_facts *facts, bool *due)
{
    bool untold = false;
    int64_t least = 0, now_s = ca_now_s(ca), age_s = now_s - facts->this_update_s;
    TRY(has_untold(&ca->db, now_s, &untold));
    TRY(read_least(&ca->db, &least));
    /* After a restore others may hold a later one, and take none but a later one still. */
    bool behind = facts->number == 0 || facts->number < (uint64_t)least;
    /* One from the future was signed by a clock that was wrong; clock.h. */
    *due = behind || untold || age_s >= LIMIT_CRL_RENEW_S || age_s < -LIMIT_CLOCK_SLACK_S;
    return MLT_OK;
}

enum mlt_err crl_keep_tend(struct ca *ca)
{
    struct crl_facts facts;
    bool due = false;
    TRY(crl_keep_facts(&ca->db, &facts));
    TRY(is_due(ca, &facts, &due));
    if (!due)
        return MLT_OK;
    CLEANUP(draft_clear) struct draft d = { .now_s = ca_now_s(ca), .before = facts.number };
    TRY(read_entries(&ca->db, &d));
    enum mlt_err err = check_kept(ca, &d);
    ca->crl_care.drops = err == MLT_ERR_DAMAGED;
    TRY(err);
    TRY(sign(ca, &d));
    TRY(database_begin(&ca->db));
    TRY(database_end(&ca->db, record(ca, &d)));
    log_info("revocation list %llu was signed: %zu certificate%s", (unsigned long long)d.crl.number,
             d.crl.count, d.crl.count == 1 ? "" : "s");
    /* Before the list: who has it then also has the head that its leaf is in. */
    TRY(head_sign(ca));
    if (ca->events.on_crl != NULL)
        ca->events.on_crl(ca->events.ctx, d.before);
    return MLT_OK;
}

/* ---- the loop ---- */

int crl_keep_timeout(const struct ca *ca)
{
    int64_t now_ms = env_mono_ms(ca->env);
    return ca->crl_care.next_ms > now_ms ? (int)(ca->crl_care.next_ms - now_ms) : 0;
}

void crl_keep_tick(struct ca *ca)
{
    if (crl_keep_timeout(ca) > 0)
        return;
    struct crl_care *care = &ca->crl_care;
    int64_t now_ms = env_mono_ms(ca->env);
    care->next_ms = now_ms + look_every_ms;
    enum mlt_err err = crl_keep_tend(ca);
    bool is_news = !care->failed || now_ms - care->said_ms >= say_every_ms;
    care->failed = err != MLT_OK;
    if (err == MLT_OK || !is_news)
        return;
    care->said_ms = now_ms;
    log_error("no new revocation list could be signed: %s",
              care->drops ? TEXT_CRL_DROPS : err_cause(err));
}
