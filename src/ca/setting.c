/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/setting.h"

enum mlt_err setting_set(struct database *db, const char *key, struct span value)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "INSERT INTO meta(key, value) VALUES(?, ?) "
                                     "ON CONFLICT(key) DO UPDATE SET value = excluded.value");
    query_put_text(&q, key);
    query_put_span(&q, value);
    return query_run(&q);
}

enum mlt_err setting_get(struct database *db, const char *key, struct buf *out)
{
    CLEANUP(query_end) struct query q = query_start(db, "SELECT value FROM meta WHERE key = ?");
    query_put_text(&q, key);
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_MISSING);
    return buf_put(out, query_span(&q, 0));
}
