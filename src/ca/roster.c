/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/roster.h"

#include "base/limits.h"

enum cert_state roster_state(const struct roster_row *row, int64_t now_s)
{
    const struct certificate *c = &row->newest;
    if (c->revoked_s != 0)
        return row->closed || row->replaced || c->role != CERT_CLIENT ? CERT_STATE_REVOKED
                                                                      : CERT_STATE_WAITS;
    if (c->issued_s - LIMIT_BACKDATE_S > now_s)
        return CERT_STATE_FUTURE;
    if (row->replaced)
        return c->not_after_s <= now_s ? CERT_STATE_EXPIRED : CERT_STATE_VALID;
    if (c->not_after_s + LIMIT_GRACE_S < now_s)
        return CERT_STATE_EXPIRED;
    if (c->not_after_s <= now_s)
        return CERT_STATE_GRACE;
    /* A client that comes at all renews soon after a third; the server's own does at half. */
    bool late = now_s - c->issued_s > (c->not_after_s - c->issued_s) / 2;
    return late && c->role == CERT_CLIENT ? CERT_STATE_LATE : CERT_STATE_VALID;
}

#define COLUMNS CERTIFICATES_COLUMNS ", m.closed_s IS NOT NULL, ifnull(s.seen_s, 0)"
enum column { CLOSED = CERTIFICATES_COUNT, SEEN, DER };

#define BESIDE CERTIFICATES_REVOKED "LEFT JOIN seen AS s ON s.name = c.name "

static enum mlt_err read_row(struct query *q, struct roster_row *row)
{
    struct certificate c;
    TRY(certificates_read_row(q, &c));
    *row = (struct roster_row) { .newest = c,
                                 .closed = query_int(q, CLOSED) != 0,
                                 .seen_s = query_int(q, SEEN) };
    return MLT_OK;
}

static enum mlt_err walk(struct query *q, const struct roster_visit *visit)
{
    for (;;) {
        bool any = false;
        struct roster_row row;
        TRY(query_next(q, &any));
        if (!any)
            return MLT_OK;
        TRY(read_row(q, &row));
        TRY(visit->on_row(visit->ctx, &row));
    }
}

enum mlt_err roster_each(struct database *db, const struct roster_visit *visit)
{
    CLEANUP(query_end)
    struct query q = query_start(
        db, "SELECT " COLUMNS " FROM member AS m JOIN certificate AS c ON c.position = "
            "(SELECT max(position) FROM certificate WHERE role = ? AND name = m.name) " BESIDE
            "ORDER BY m.name");
    query_put_int(&q, CERT_CLIENT);
    return walk(&q, visit);
}

enum mlt_err roster_newest(struct database *db, const struct name *name, struct roster_row *row,
                           struct buf *der)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT " COLUMNS ", c.der FROM certificate AS c "
                                     "LEFT JOIN member AS m ON m.name = c.name " BESIDE
                                     "WHERE c.role = ? AND c.name = ? "
                                     "ORDER BY c.position DESC LIMIT 1");
    query_put_int(&q, issue_role_of(name));
    query_put_text(&q, name->text);
    bool any = false;
    TRY(query_next(&q, &any));
    ENSURE(any, MLT_ERR_MISSING);
    struct roster_row got;
    TRY(read_row(&q, &got));
    TRY(buf_put(der, query_span(&q, DER)));
    *row = got;
    return MLT_OK;
}

enum mlt_err roster_older(struct database *db, const struct roster_row *newest,
                          const struct roster_visit *visit)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT " COLUMNS " FROM certificate AS c "
                                     "LEFT JOIN member AS m ON m.name = c.name " BESIDE
                                     "WHERE c.role = ? AND c.name = ? AND c.position < ? "
                                     "ORDER BY c.position DESC");
    query_put_int(&q, newest->newest.role);
    query_put_text(&q, newest->newest.name.text);
    query_put_int(&q, (int64_t)newest->newest.position);
    return walk(&q, visit);
}

static enum mlt_err read_name(struct query *q, struct roster_name *out)
{
    struct roster_name got = { .closed_s = query_int(q, 1), .seen_s = query_int(q, 2) };
    TRY(query_name(q, 0, &got.name));
    *out = got;
    return MLT_OK;
}

enum mlt_err roster_names(struct database *db, const struct name *only,
                          const struct roster_name_visit *visit)
{
    CLEANUP(query_end)
    struct query q = query_start(
        db, "SELECT m.name, ifnull(m.closed_s, 0), ifnull(s.seen_s, 0) "
            "FROM member AS m LEFT JOIN seen AS s ON s.name = m.name "
            "WHERE (?1 = '' OR m.name = ?1) AND NOT EXISTS "
            "(SELECT 1 FROM certificate WHERE role = ?2 AND name = m.name) ORDER BY m.name");
    query_put_text(&q, only != NULL ? only->text : "");
    query_put_int(&q, CERT_CLIENT);
    for (;;) {
        bool any = false;
        struct roster_name name;
        TRY(query_next(&q, &any));
        if (!any)
            return MLT_OK;
        TRY(read_name(&q, &name));
        TRY(visit->on_name(visit->ctx, &name));
    }
}
