/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/audit.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/limits.h"
#include "ca/crl_keep.h"
#include "ca/explain.h"
#include "ca/ledger_tree.h"
#include "pki/crl.h"
#include "pki/der.h"
#include "pki/statement.h"

struct audit {
    struct ca *ca;
    const struct audit_sink *sink;
    uint64_t of_kind; /* findings of the check that is under way */
};

/* ---- what is told ---- */

static enum mlt_err put_count(const struct audit *a, uint64_t count, const char *what)
{
    return a->sink->on_count(a->sink->ctx, count, span_str(what));
}

static enum mlt_err put_finding(struct audit *a, const char *format, ...) PRINTF_LIKE(2, 3);

static enum mlt_err put_finding(struct audit *a, const char *format, ...)
{
    char text[400];
    va_list args;
    if (++a->of_kind > AUDIT_SHOWN)
        return MLT_OK;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ENSURE(n > 0 && (size_t)n < sizeof(text), MLT_ERR_NOSPACE);
    return a->sink->on_finding(a->sink->ctx, span_of(text, (size_t)n));
}

/* The end of a check: the next one is of another kind. */
static enum mlt_err end_check(struct audit *a)
{
    uint64_t hidden = a->of_kind > AUDIT_SHOWN ? a->of_kind - AUDIT_SHOWN : 0;
    a->of_kind = 0;
    if (hidden == 0)
        return MLT_OK;
    TRY(put_finding(a, TEXT_AUDIT_MORE, (unsigned long long)hidden));
    a->of_kind = 0;
    return MLT_OK;
}

static enum mlt_err put_why(struct audit *a, const struct buf *why)
{
    return a->sink->on_finding(a->sink->ctx, buf_span(why));
}

/* ---- the tree ---- */

static enum mlt_err check_head(struct audit *a, const struct ledger_head *head,
                               const struct ledger_tree_report *report)
{
    enum mlt_err err = statement_check_head(&a->ca->cert, head);
    if (err == MLT_ERR_AUTH)
        return put_finding(a, TEXT_HEAD_FOREIGN);
    TRY(err);
    if (!span_eq(SPAN_OF(report->root), SPAN_OF(head->root)))
        return put_finding(a, TEXT_LEDGER_REWRITTEN, (unsigned long long)head->size);
    return put_count(a, head->size, TEXT_AUDIT_SIGNED);
}

static enum mlt_err check_tree(struct audit *a)
{
    struct ledger_head head = { 0 };
    struct ledger_tree_report report;
    uint64_t size = 0;
    bool follows = false;
    TRY(ledger_size(&a->ca->db, &size));
    if (ledger_head_decode(head_newest(a->ca), &head) != MLT_OK)
        return put_finding(a, TEXT_HEAD_FOREIGN);
    TRY(head_follows(&a->ca->db, &head, &follows));
    if (!follows)
        TRY(put_finding(a, TEXT_EPOCH_CHANGED));
    if (head.size > size)
        return put_finding(a, TEXT_LEDGER_CUT, (unsigned long long)head.size,
                           (unsigned long long)size);
    TRY(ledger_tree_check(&a->ca->db, head.size, &report));
    TRY(put_count(a, report.leaves, TEXT_AUDIT_LEAVES));
    TRY(put_count(a, report.nodes, TEXT_AUDIT_NODES));
    if (report.bad_leaves + report.bad_nodes > 0)
        TRY(put_finding(a, TEXT_LEDGER_DAMAGED, (unsigned long long)report.bad_leaves,
                        (unsigned long long)report.bad_nodes,
                        (unsigned long long)report.first_bad));
    return check_head(a, &head, &report);
}

/* ---- certificates and their leaves ---- */

struct leaf_counts {
    uint64_t certificates, lists, unissued;
    uint64_t kept;          /* the number of the newest list that is there; 0: none */
    uint64_t lowest, above; /* numbers of lists beyond it */
};

/* The leaf of one whose making failed, or was cut short, has its number used again. */
static void note_list(struct leaf_counts *counts, const struct ledger_leaf *leaf)
{
    uint64_t number = 0;
    counts->lists++;
    if (ledger_leaf_get_number(leaf->serial, &number) != MLT_OK || number <= counts->kept)
        return;
    if (counts->lowest == 0 || number < counts->lowest)
        counts->lowest = number;
    if (number > counts->above)
        counts->above = number;
}

enum { POSITION, BYTES, ROLE, NAME, SPKI, SERIAL, DER, ISSUED, NOT_AFTER };

static bool take_tbs(struct query *q, struct span *tbs)
{
    struct span rest = query_span(q, DER), whole;
    return der_take(&rest, DER_SEQUENCE, &whole) && der_take_whole(&whole, DER_SEQUENCE, tbs);
}

/* Whether the certificate of the row is the one that its leaf speaks of. */
static enum mlt_err is_of_leaf(struct query *q, const struct ledger_leaf *leaf, bool *is)
{
    uint8_t hash[HASH_LEN];
    struct span tbs;
    *is = false;
    if (!take_tbs(q, &tbs))
        return MLT_OK;
    TRY(hash_sha256(tbs, hash));
    *is = span_eq(SPAN_OF(hash), SPAN_OF(leaf->tbs_hash)) &&
          span_eq(query_span(q, SPKI), SPAN_OF(leaf->spki_hash)) &&
          span_eq(query_span(q, SERIAL), SPAN_OF(leaf->serial)) &&
          span_eq(span_str(query_text(q, NAME)), name_span(&leaf->name)) &&
          query_int(q, ROLE) == (int64_t)leaf->kind;
    return MLT_OK;
}

static enum mlt_err put_bypassed(struct audit *a, struct query *q)
{
    char serial[2 * CERT_SERIAL + 1] = "";
    struct span bytes = query_span(q, SERIAL);
    if (bytes.n == CERT_SERIAL)
        hex_encode(bytes, serial);
    return put_finding(a, TEXT_AUDIT_BYPASSED, serial, query_text(q, NAME),
                       (unsigned long long)query_int(q, POSITION));
}

/* Version, serial, algorithm and issuer stand before the validity (RFC 5280 4.1). */
static bool take_validity(struct span whole, int64_t *from_s, int64_t *until_s)
{
    static const uint8_t before[] = { DER_CONTEXT_0, DER_INTEGER, DER_SEQUENCE, DER_SEQUENCE };
    struct span tbs, skipped, validity;
    if (!der_take(&whole, DER_SEQUENCE, &tbs))
        return false;
    for (size_t i = 0; i < COUNT_OF(before); i++) {
        if (!der_take(&tbs, before[i], &skipped))
            return false;
    }
    return der_take(&tbs, DER_SEQUENCE, &validity) && der_take_time(&validity, from_s) &&
           der_take_time(&validity, until_s);
}

/* What was issued once is certified: these bytes are the leaf's.  The columns are nobody's word.
 * An imported root counts from its import. */
static bool has_its_times(struct query *q)
{
    struct span tbs;
    int64_t from_s = 0, until_s = 0;
    if (!take_tbs(q, &tbs) || !take_validity(tbs, &from_s, &until_s))
        return false;
    return query_int(q, NOT_AFTER) == until_s &&
           (query_int(q, ROLE) == CERT_CA || query_int(q, ISSUED) == from_s + LIMIT_BACKDATE_S);
}

static enum mlt_err put_times(struct audit *a, struct query *q)
{
    char serial[2 * CERT_SERIAL + 1] = "";
    struct span bytes = query_span(q, SERIAL);
    if (bytes.n == CERT_SERIAL)
        hex_encode(bytes, serial);
    return put_finding(a, TEXT_AUDIT_TIMES, serial, query_text(q, NAME));
}

static enum mlt_err check_leaf(struct audit *a, struct query *q, struct leaf_counts *counts)
{
    struct ledger_leaf leaf;
    bool good = ledger_leaf_decode(query_span(q, BYTES), &leaf) == MLT_OK;
    if (query_is_null(q, SERIAL)) {
        if (good && leaf.kind == LEDGER_CRL)
            note_list(counts, &leaf);
        else if (good)
            counts->unissued++;
        return MLT_OK; /* a bad one was counted with the tree */
    }
    counts->certificates++;
    if (good)
        TRY(is_of_leaf(q, &leaf, &good));
    if (!good)
        return put_bypassed(a, q);
    return has_its_times(q) ? MLT_OK : put_times(a, q);
}

static enum mlt_err walk_leaves(struct audit *a, struct leaf_counts *counts)
{
    CLEANUP(query_end)
    struct query q = query_start(
        &a->ca->db, "SELECT l.position, l.bytes, c.role, c.name, c.spki, c.serial, c.der, "
                    "c.issued_s, c.not_after_s FROM "
                    "leaf AS l LEFT JOIN certificate AS c USING(position) ORDER BY l.position");
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            return MLT_OK;
        TRY(check_leaf(a, &q, counts));
    }
}

static enum mlt_err walk_leafless(struct audit *a, struct leaf_counts *counts)
{
    CLEANUP(query_end)
    struct query q = query_start(
        &a->ca->db, "SELECT position, NULL, role, name, spki, serial, der FROM certificate "
                    "WHERE position NOT IN (SELECT position FROM leaf) ORDER BY position");
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            return MLT_OK;
        counts->certificates++;
        TRY(put_bypassed(a, &q));
    }
}

static enum mlt_err check_certificates(struct audit *a)
{
    struct crl_facts crl;
    TRY(crl_keep_facts(&a->ca->db, &crl));
    struct leaf_counts counts = { .kept = crl.number };
    TRY(walk_leaves(a, &counts));
    TRY(walk_leafless(a, &counts));
    if (counts.above > counts.lowest)
        TRY(put_finding(a, TEXT_AUDIT_LIST_GONE, (unsigned long long)counts.above,
                        (unsigned long long)counts.kept));
    TRY(put_count(a, counts.certificates, TEXT_AUDIT_CERTIFICATES));
    TRY(put_count(a, counts.lists, TEXT_AUDIT_LISTS));
    return put_count(a, counts.unissued, TEXT_AUDIT_UNISSUED);
}

/* ---- members, keys, revocations ---- */

static enum mlt_err count_rows(struct audit *a, const char *sql, const char *what)
{
    CLEANUP(query_end) struct query q = query_start(&a->ca->db, sql);
    int64_t count = 0;
    TRY(query_number(&q, &count));
    return put_count(a, (uint64_t)count, what);
}

/* A rule that the tables have to follow: each row of the statement is a name that does not. */
struct rule {
    const char *sql, *text;
};

static const struct rule rules[] = {
    { "SELECT name FROM member AS m WHERE spki IS NOT NULL AND NOT EXISTS(SELECT 1 FROM "
      "certificate AS c WHERE c.role = 3 AND c.name = m.name AND c.spki = m.spki)",
      TEXT_AUDIT_UNCERTIFIED },
    { "SELECT name FROM member JOIN revoked_key USING(spki)", TEXT_AUDIT_CLOSED_KEY },
    { "SELECT DISTINCT c.name FROM certificate AS c JOIN revocation AS r USING(serial) "
      "WHERE NOT EXISTS(SELECT 1 FROM revoked_key AS k WHERE k.spki = c.spki)",
      TEXT_AUDIT_OPEN_KEY },
    { "SELECT DISTINCT c.name FROM certificate AS c WHERE c.role = 3 AND NOT EXISTS(SELECT 1 FROM "
      "member AS m WHERE m.name = c.name)",
      TEXT_AUDIT_NO_MEMBER },
    { "SELECT DISTINCT c.name FROM certificate AS c JOIN member AS m ON m.name = c.name "
      "WHERE c.role = 3 AND c.spki IS NOT m.spki AND NOT EXISTS(SELECT 1 FROM revocation AS r "
      "WHERE r.serial = c.serial)",
      TEXT_AUDIT_OTHER_KEY },
    { "SELECT name FROM member WHERE closed_s IS NOT NULL AND spki IS NOT NULL",
      TEXT_AUDIT_CLOSED_NAME },
    { "SELECT 'epoch ' || epoch FROM epoch WHERE base > size OR size > (SELECT count(*) FROM leaf) "
      "OR crl >= (SELECT number FROM crl WHERE this_update_s >= epoch)",
      TEXT_AUDIT_EPOCH },
};

static enum mlt_err check_rule(struct audit *a, const struct rule *rule)
{
    CLEANUP(query_end) struct query q = query_start(&a->ca->db, rule->sql);
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            return end_check(a);
        TRY(put_finding(a, "%s: %s", query_text(&q, 0), rule->text));
    }
}

/* The administrator's leave: renew.h. */
static enum mlt_err check_windows(struct audit *a)
{
    CLEANUP(query_end)
    struct query q =
        query_start(&a->ca->db, "SELECT name FROM member WHERE renew_until_s > ? ORDER BY name");
    query_put_int(&q, ca_now_s(a->ca) + LIMIT_RENEW_WINDOW_S + LIMIT_CLOCK_SLACK_S);
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            return end_check(a);
        const char *name = query_text(&q, 0);
        TRY(put_finding(a, TEXT_AUDIT_WINDOW, name, name));
    }
}

static enum mlt_err check_members(struct audit *a)
{
    TRY(count_rows(a, "SELECT count(*) FROM member", TEXT_AUDIT_MEMBERS));
    TRY(count_rows(a, "SELECT count(*) FROM revocation", TEXT_AUDIT_REVOKED));
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        TRY(check_rule(a, &rules[i]));
    return check_windows(a);
}

/* ---- the revocation list ---- */

static enum mlt_err put_serial(struct audit *a, const char *text, struct span bytes)
{
    char serial[2 * CERT_SERIAL + 1] = "";
    if (bytes.n == CERT_SERIAL)
        hex_encode(bytes, serial);
    return put_finding(a, "certificate %s: %s", serial, text);
}

/* A serial that is known from a list alone was given the longest life there is: revoke_carry. */
static enum mlt_err check_ends(struct audit *a)
{
    CLEANUP(query_end)
    struct query q =
        query_start(&a->ca->db, "SELECT r.serial FROM revocation AS r LEFT JOIN certificate AS c "
                                "USING(serial) WHERE r.until_s < c.not_after_s + ? "
                                "OR (c.serial IS NULL AND r.until_s <= r.revoked_s)");
    query_put_int(&q, LIMIT_GRACE_S - LIMIT_CLOCK_SLACK_S);
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            return end_check(a);
        TRY(put_serial(a, TEXT_AUDIT_ENDS_EARLY, query_span(&q, 0)));
    }
}

static bool is_listed(const struct crl *crl, struct query *q)
{
    struct span serial = query_span(q, 0);
    const struct crl_entry *entry = serial.n == CERT_SERIAL ? crl_find(crl, serial.p) : NULL;
    return entry != NULL && entry->revoked_s == query_int(q, 1) &&
           entry->reason == (enum crl_reason)query_int(q, 2);
}

/* Whatever could still be used when the list was made is in it. */
static enum mlt_err compare_rows(struct audit *a, const struct crl *crl)
{
    CLEANUP(query_end)
    struct query q = query_start(&a->ca->db, "SELECT serial, revoked_s, reason FROM revocation AS "
                                             "r WHERE " CRL_KEEP_LISTED " ORDER BY serial");
    crl_keep_put_moment(&q, crl->this_update_s);
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            return end_check(a);
        if (!is_listed(crl, &q))
            TRY(put_serial(a, TEXT_AUDIT_UNLISTED, query_span(&q, 0)));
    }
}

/* And nothing is in it that was not revoked. */
static enum mlt_err compare_entries(struct audit *a, const struct crl *crl)
{
    CLEANUP(query_end)
    struct query q = query_start(&a->ca->db, "SELECT 1 FROM revocation WHERE serial = ?");
    for (size_t i = 0; i < crl->count; i++) {
        struct span serial = SPAN_OF(crl->entries[i].serial);
        bool row = false;
        query_put_span(&q, serial);
        TRY(query_next(&q, &row));
        query_again(&q);
        if (!row)
            TRY(put_serial(a, TEXT_AUDIT_LISTED, serial));
    }
    return end_check(a);
}

static enum mlt_err check_list_leaf(struct audit *a, const struct crl *crl, struct span der)
{
    CLEANUP(query_end)
    struct query q = query_start(&a->ca->db, "SELECT position FROM crl WHERE number = ?");
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    struct ledger_leaf leaf;
    uint8_t hash[HASH_LEN];
    uint64_t number = 0;
    bool row = false;
    query_put_int(&q, (int64_t)crl->number);
    TRY(query_next(&q, &row));
    TRY(crl_tbs_of(der, &tbs));
    TRY(hash_sha256(buf_span(&tbs), hash));
    if (row && ledger_read(&a->ca->db, (uint64_t)query_int(&q, 0), &leaf) == MLT_OK &&
        leaf.kind == LEDGER_CRL && span_eq(SPAN_OF(hash), SPAN_OF(leaf.tbs_hash)) &&
        ledger_leaf_get_number(leaf.serial, &number) == MLT_OK && number == crl->number)
        return MLT_OK;
    return put_finding(a, TEXT_AUDIT_LIST_BYPASSED, (unsigned long long)crl->number);
}

static enum mlt_err check_list(struct audit *a)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(crl_clear) struct crl crl = { 0 };
    uint64_t number = 0;
    TRY(check_ends(a));
    enum mlt_err err = crl_keep_der(&a->ca->db, &number, &der);
    if (err == MLT_ERR_MISSING)
        return MLT_OK;
    TRY(err);
    err = crl_read(buf_span(&der), &a->ca->cert, &crl);
    if (err != MLT_OK && err_fault(err) != FAULT_LOCAL)
        return put_finding(a, TEXT_AUDIT_LIST_BAD, (unsigned long long)number, err_text(err));
    TRY(err);
    TRY(put_count(a, crl.count, TEXT_AUDIT_ENTRIES));
    TRY(check_list_leaf(a, &crl, buf_span(&der)));
    TRY(compare_rows(a, &crl));
    return compare_entries(a, &crl);
}

/* ---- what else can be wrong ---- */

static enum mlt_err check_keystore(struct audit *a)
{
    const struct keystore_mark *here = &a->ca->keystore.mark;
    struct keystore_mark committed;
    TRY(keystore_mark_load(&a->ca->db, &committed));
    TRY(put_count(a, here->count, TEXT_AUDIT_KEYSTORE));
    if (committed.count == here->count && span_eq(SPAN_OF(committed.head), SPAN_OF(here->head)))
        return MLT_OK;
    return put_finding(a, TEXT_AUDIT_KEYSTORE_OTHER);
}

static enum mlt_err check_state(struct audit *a)
{
    CLEANUP(buf_clear) struct buf why = { 0 };
    if (stopped_is(a->ca)) {
        TRY(stopped_explain(a->ca, &why));
        TRY(put_why(a, &why));
    }
    enum mlt_err err = clock_check(a->ca);
    return err == MLT_ERR_CLOCK ? put_finding(a, TEXT_AUDIT_CLOCK) : err;
}

enum mlt_err audit_run(struct ca *ca, const struct audit_sink *sink)
{
    static enum mlt_err (*const checks[])(struct audit *) = {
        check_tree, check_certificates, check_members, check_list, check_keystore, check_state,
    };
    struct audit a = { .ca = ca, .sink = sink };
    for (size_t i = 0; i < COUNT_OF(checks); i++) {
        TRY(checks[i](&a));
        TRY(end_check(&a));
    }
    return MLT_OK;
}
