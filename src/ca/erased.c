/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/erased.h"

enum mlt_err erased_put(struct database *db, const struct name *name, int64_t now_s)
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "INSERT INTO erased(name, erased_s) VALUES(?, ?) "
                        "ON CONFLICT(name) DO UPDATE SET erased_s = excluded.erased_s");
    query_put_name(&q, name);
    query_put_int(&q, now_s);
    return query_run(&q);
}

enum mlt_err erased_forget(struct database *db, const struct name *name, bool *was)
{
    CLEANUP(query_end) struct query q = query_start(db, "DELETE FROM erased WHERE name = ?");
    query_put_name(&q, name);
    TRY(query_run(&q));
    *was = query_changes(&q) == 1;
    return MLT_OK;
}

enum mlt_err erased_each(struct database *db, const struct member_visit *visit)
{
    CLEANUP(query_end) struct query q = query_start(db, "SELECT name FROM erased ORDER BY name");
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
