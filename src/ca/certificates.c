/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/certificates.h"

#include "base/limits.h"

enum column {
    ROLE,
    NAME,
    SPKI,
    SERIAL,
    ISSUED,
    NOT_AFTER,
    POSITION,
    REVOKED,
    REASON,
    DER = CERTIFICATES_COUNT
};

enum mlt_err certificates_record(struct database *db, const struct issued *issued)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "INSERT INTO certificate(role, name, spki, serial, issued_s, "
                                     "not_after_s, position, der) VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    query_put_int(&q, issued->role);
    query_put_text(&q, issued->name.text);
    query_put_span(&q, SPAN_OF(issued->spki_hash));
    query_put_span(&q, SPAN_OF(issued->serial));
    query_put_int(&q, issued->issued_s);
    query_put_int(&q, issued->not_after_s);
    query_put_int(&q, (int64_t)issued->position);
    query_put_span(&q, buf_span(&issued->der));
    return query_run(&q);
}

enum mlt_err certificates_read_row(struct query *q, struct certificate *c)
{
    struct certificate got = { .role = (enum cert_role)query_int(q, ROLE),
                               .issued_s = query_int(q, ISSUED),
                               .not_after_s = query_int(q, NOT_AFTER),
                               .position = (uint64_t)query_int(q, POSITION),
                               .revoked_s = query_int(q, REVOKED),
                               .reason = (enum crl_reason)query_int(q, REASON) };
    if (got.role != CERT_CA)
        TRY(query_name(q, NAME, &got.name));
    TRY(query_bytes(q, SPKI, got.spki_hash, HASH_LEN));
    TRY(query_bytes(q, SERIAL, got.serial, CERT_SERIAL));
    *c = got;
    return MLT_OK;
}

/* The one row of a query that ends in the DER. */
static enum mlt_err read_one(struct query *q, struct certificate *c, struct buf *der)
{
    bool row = false;
    TRY(query_next(q, &row));
    ENSURE(row, MLT_ERR_MISSING);
    struct certificate got;
    TRY(certificates_read_row(q, &got));
    TRY(buf_put(der, query_span(q, DER)));
    *c = got;
    return MLT_OK;
}

enum mlt_err certificates_newest(struct database *db, enum cert_role role, const struct name *name,
                                 struct certificate *c, struct buf *der)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "SELECT " CERTIFICATES_COLUMNS ", c.der FROM "
                        "certificate AS c" CERTIFICATES_REVOKED
                        " WHERE c.role = ? AND c.name = ? ORDER BY c.position DESC LIMIT 1");
    query_put_int(&q, role);
    query_put_text(&q, name->text);
    return read_one(&q, c, der);
}

enum mlt_err certificates_by_serial(struct database *db, const uint8_t serial[static CERT_SERIAL],
                                    struct certificate *c, struct buf *der)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "SELECT " CERTIFICATES_COLUMNS
                        ", c.der FROM certificate AS c" CERTIFICATES_REVOKED " WHERE c.serial = ?");
    query_put_span(&q, span_of(serial, CERT_SERIAL));
    return read_one(&q, c, der);
}

static enum mlt_err walk(struct query *q, const struct certificate_visit *visit)
{
    for (;;) {
        bool row = false;
        TRY(query_next(q, &row));
        if (!row)
            return MLT_OK;
        struct certificate c;
        TRY(certificates_read_row(q, &c));
        TRY(visit->on_certificate(visit->ctx, &c));
    }
}

enum mlt_err certificates_revoked(struct database *db, int64_t now_s,
                                  const struct certificate_visit *visit)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT " CERTIFICATES_COLUMNS " FROM revocation AS r "
                                     "JOIN certificate AS c ON c.serial = r.serial "
                                     "WHERE r.until_s > ? ORDER BY c.position");
    query_put_int(&q, now_s);
    return walk(&q, visit);
}

enum mlt_err certificates_unlisted(struct database *db, int64_t now_s, enum cert_role role,
                                   const struct name *name, const struct certificate_visit *visit)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT " CERTIFICATES_COLUMNS " FROM revocation AS r "
                                     "JOIN certificate AS c ON c.serial = r.serial "
                                     "WHERE r.number IS NULL AND (r.until_s > ? OR "
                                     "(c.role = ? AND c.name = ?)) ORDER BY c.position");
    query_put_int(&q, now_s);
    query_put_int(&q, role);
    query_put_text(&q, name->text);
    return walk(&q, visit);
}

enum mlt_err certificates_is_known(struct database *db, const uint8_t serial[static CERT_SERIAL],
                                   bool *known)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT 1 FROM certificate WHERE serial = ?");
    query_put_span(&q, span_of(serial, CERT_SERIAL));
    return query_next(&q, known);
}

enum mlt_err certificates_is_revoked(struct database *db, const uint8_t serial[static CERT_SERIAL],
                                     bool *revoked)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT 1 FROM revocation WHERE serial = ?");
    query_put_span(&q, span_of(serial, CERT_SERIAL));
    return query_next(&q, revoked);
}

enum mlt_err certificates_key_is_revoked(struct database *db,
                                         const uint8_t spki_hash[static HASH_LEN], bool *revoked)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT 1 FROM revoked_key WHERE spki = ?");
    query_put_span(&q, span_of(spki_hash, HASH_LEN));
    return query_next(&q, revoked);
}

enum mlt_err certificates_key_is_used(struct database *db, const uint8_t spki_hash[static HASH_LEN],
                                      enum cert_role role, const struct name *name, bool *used)
{
    CLEANUP(query_end)
    struct query q = query_start(
        db, "SELECT 1 FROM certificate WHERE spki = ? AND (role <> ? OR name <> ?) LIMIT 1");
    query_put_span(&q, span_of(spki_hash, HASH_LEN));
    query_put_int(&q, role);
    query_put_text(&q, name->text);
    return query_next(&q, used);
}

enum mlt_err certificates_count_hour(struct database *db, enum cert_role role, int64_t now_s,
                                     uint64_t *count)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT count(*) FROM certificate "
                                     "WHERE role = ? AND issued_s > ? AND issued_s <= ?");
    query_put_int(&q, role);
    query_put_int(&q, now_s - 3600);
    query_put_int(&q, now_s + LIMIT_CLOCK_SLACK_S);
    int64_t number = 0;
    TRY(query_number(&q, &number));
    *count = (uint64_t)number;
    return MLT_OK;
}
