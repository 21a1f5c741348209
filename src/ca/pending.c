/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/pending.h"

#include "base/limits.h"

enum mlt_err pending_state(struct database *db, const struct name *name,
                           const uint8_t spki_hash[static HASH_LEN], enum pending_state *state)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT refused FROM pending WHERE name = ? AND spki = ?");
    query_put_text(&q, name->text);
    query_put_span(&q, span_of(spki_hash, HASH_LEN));
    bool row = false;
    TRY(query_next(&q, &row));
    if (!row)
        *state = PENDING_NONE;
    else
        *state = query_int(&q, 0) != 0 ? PENDING_REFUSED : PENDING_WAITING;
    return MLT_OK;
}

enum mlt_err pending_key_is_elsewhere(struct database *db, const struct name *name,
                                      const uint8_t spki_hash[static HASH_LEN], bool *elsewhere)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "SELECT 1 FROM pending WHERE spki = ? AND name <> ? AND refused = 0");
    query_put_span(&q, span_of(spki_hash, HASH_LEN));
    query_put_text(&q, name->text);
    return query_next(&q, elsewhere);
}

static enum mlt_err forget_old(struct database *db, int64_t now_s)
{
    CLEANUP(query_end) struct query q = query_start(db, "DELETE FROM pending WHERE asked_s < ?");
    query_put_int(&q, now_s - LIMIT_PENDING_S);
    return query_run(&q);
}

static enum mlt_err count_all(struct database *db, int64_t *count)
{
    CLEANUP(query_end) struct query q = query_start(db, "SELECT count(*) FROM pending");
    return query_number(&q, count);
}

static enum mlt_err forget_oldest_refused(struct database *db)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "DELETE FROM pending WHERE (name, spki) IN (SELECT name, spki FROM pending "
                        "WHERE refused <> 0 ORDER BY asked_s LIMIT 1)");
    return query_run(&q);
}

enum mlt_err pending_has_room(struct database *db, int64_t now_s, bool *room)
{
    TRY(forget_old(db, now_s));
    int64_t count = 0;
    TRY(count_all(db, &count));
    if (count >= LIMIT_PENDING) {
        TRY(forget_oldest_refused(db));
        TRY(count_all(db, &count));
    }
    *room = count < LIMIT_PENDING;
    return MLT_OK;
}

enum mlt_err pending_put(struct database *db, const struct name *name,
                         const uint8_t spki_hash[static HASH_LEN], struct span request,
                         int64_t now_s)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "INSERT INTO pending(name, spki, request, asked_s) VALUES(?, ?, ?, ?)");
    query_put_text(&q, name->text);
    query_put_span(&q, span_of(spki_hash, HASH_LEN));
    query_put_span(&q, request);
    query_put_int(&q, now_s);
    return query_run(&q);
}

enum mlt_err pending_get(struct database *db, const struct name *name,
                         const uint8_t spki_hash[static HASH_LEN], int64_t now_s,
                         struct buf *request)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "SELECT request FROM pending "
                        "WHERE name = ? AND spki = ? AND refused = 0 AND asked_s >= ?");
    query_put_text(&q, name->text);
    query_put_span(&q, span_of(spki_hash, HASH_LEN));
    query_put_int(&q, now_s - LIMIT_PENDING_S);
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_MISSING);
    return buf_put(request, query_span(&q, 0));
}

enum mlt_err pending_refuse(struct database *db, const struct name *name)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "UPDATE pending SET refused = 1 WHERE name = ? AND refused = 0");
    query_put_text(&q, name->text);
    TRY(query_run(&q));
    return query_changes(&q) > 0 ? MLT_OK : MLT_ERR_MISSING;
}

enum mlt_err pending_forget(struct database *db, const struct name *name)
{
    CLEANUP(query_end) struct query q = query_start(db, "DELETE FROM pending WHERE name = ?");
    query_put_text(&q, name->text);
    return query_run(&q);
}

enum mlt_err pending_forget_all(struct database *db)
{
    CLEANUP(query_end) struct query q = query_start(db, "DELETE FROM pending");
    return query_run(&q);
}

enum mlt_err pending_each(struct database *db, int64_t now_s, const struct pending_visit *visit)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT name, spki, asked_s FROM pending "
                                     "WHERE refused = 0 AND asked_s >= ? ORDER BY asked_s, name");
    query_put_int(&q, now_s - LIMIT_PENDING_S);
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            return MLT_OK;
        struct name name;
        uint8_t spki_hash[HASH_LEN];
        ENSURE(name_parse(span_str(query_text(&q, 0)), &name) == MLT_OK, MLT_ERR_DAMAGED);
        TRY(query_bytes(&q, 1, spki_hash, HASH_LEN));
        TRY(visit->on_pending(visit->ctx, &name, spki_hash, query_int(&q, 2)));
    }
}
