/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/members.h"

enum mlt_err members_find(struct database *db, const struct name *name, struct member *member,
                          bool *found)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "SELECT name, spki, since_s, closed_s, ifnull(renew_until_s, 0) "
                        "FROM member WHERE name = ?");
    query_put_text(&q, name->text);
    bool row = false;
    TRY(query_next(&q, &row));
    struct member got = { 0 };
    if (row) {
        TRY(query_name(&q, 0, &got.name));
        got.has_key = !query_is_null(&q, 1);
        if (got.has_key)
            TRY(query_bytes(&q, 1, got.spki_hash, HASH_LEN));
        got.since_s = query_int(&q, 2);
        got.closed = !query_is_null(&q, 3);
        got.renew_until_s = query_int(&q, 4);
    }
    *member = got;
    *found = row;
    return MLT_OK;
}

enum mlt_err members_put(struct database *db, const struct name *name,
                         const uint8_t spki_hash[static HASH_LEN], int64_t now_s)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "INSERT INTO member(name, spki, since_s) VALUES(?, ?, ?) "
                                     "ON CONFLICT(name) DO UPDATE SET spki = excluded.spki "
                                     "WHERE closed_s IS NULL");
    query_put_text(&q, name->text);
    query_put_span(&q, span_of(spki_hash, HASH_LEN));
    query_put_int(&q, now_s);
    TRY(query_run(&q));
    return query_changes(&q) == 1 ? MLT_OK : MLT_ERR_REFUSED;
}

static enum mlt_err run_on_one(struct query *q)
{
    TRY(query_run(q));
    return query_changes(q) == 1 ? MLT_OK : MLT_ERR_MISSING;
}

enum mlt_err members_drop_key(struct database *db, const struct name *name, int64_t closed_s)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "UPDATE member SET spki = NULL, renew_until_s = NULL, "
                                     "closed_s = iif(?1 = 0, NULL, ifnull(closed_s, ?1)) "
                                     "WHERE name = ?2");
    query_put_int(&q, closed_s);
    query_put_text(&q, name->text);
    return run_on_one(&q);
}

enum mlt_err members_allow_renewal(struct database *db, const struct name *name, int64_t until_s)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "UPDATE member SET renew_until_s = ? WHERE name = ?");
    query_put_int(&q, until_s);
    query_put_text(&q, name->text);
    return run_on_one(&q);
}

enum mlt_err members_each(struct database *db, const struct member_visit *visit)
{
    CLEANUP(query_end) struct query q = query_start(db, "SELECT name FROM member ORDER BY name");
    for (;;) {
        bool row = false;
        TRY(query_next(&q, &row));
        if (!row)
            return MLT_OK;
        struct name name;
        TRY(query_name(&q, 0, &name));
        TRY(visit->on_member(visit->ctx, &name));
    }
}

enum mlt_err members_without_mailbox(struct database *db, struct name *name, bool *found)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "SELECT name FROM member WHERE mailbox IS NULL "
                        "AND name NOT IN (SELECT name FROM erased) ORDER BY since_s LIMIT 1");
    bool row = false;
    TRY(query_next(&q, &row));
    if (row)
        TRY(query_name(&q, 0, name));
    *found = row;
    return MLT_OK;
}

enum mlt_err members_lacks_mailbox(struct database *db, const struct name *name, bool *lacks)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT 1 FROM member WHERE name = ? AND mailbox IS NULL "
                                     "AND name NOT IN (SELECT name FROM erased)");
    query_put_text(&q, name->text);
    return query_next(&q, lacks);
}

enum mlt_err members_set_mailbox(struct database *db, const struct name *name, int64_t offset)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "UPDATE member SET mailbox = ? WHERE name = ?");
    query_put_int(&q, offset);
    query_put_text(&q, name->text);
    return run_on_one(&q);
}

enum mlt_err members_drop_mailbox(struct database *db, const struct name *name)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "UPDATE member SET mailbox = NULL WHERE name = ?");
    query_put_text(&q, name->text);
    return run_on_one(&q);
}

enum mlt_err members_move_mailboxes(struct database *db, int64_t behind, int64_t by)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "UPDATE member SET mailbox = mailbox + ? WHERE mailbox > ?");
    query_put_int(&q, by);
    query_put_int(&q, behind);
    return query_run(&q);
}

enum mlt_err members_mailbox(struct database *db, const struct name *name, int64_t *offset)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "SELECT mailbox FROM member WHERE name = ? AND mailbox IS NOT NULL");
    query_put_text(&q, name->text);
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_MISSING);
    *offset = query_int(&q, 0);
    return MLT_OK;
}
