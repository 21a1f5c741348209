/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/setting.h"

#include "wire/cursor.h"

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

enum mlt_err setting_set_number(struct database *db, const char *key, int64_t value)
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct wire_out w = wire_out(&bytes);
    ENSURE(value >= 0, MLT_ERR_RANGE);
    wire_put_u64(&w, (uint64_t)value);
    TRY(wire_out_end(&w));
    return setting_set(db, key, buf_span(&bytes));
}

enum mlt_err setting_get_number(struct database *db, const char *key, int64_t *value)
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    TRY(setting_get(db, key, &bytes));
    struct wire_in in = wire_in(buf_span(&bytes));
    uint64_t got = wire_get_u64(&in);
    ENSURE(wire_in_end(&in) == MLT_OK && got <= INT64_MAX, MLT_ERR_DAMAGED);
    *value = (int64_t)got;
    return MLT_OK;
}

enum mlt_err setting_forget(struct database *db, const char *key)
{
    CLEANUP(query_end) struct query q = query_start(db, "DELETE FROM meta WHERE key = ?");
    query_put_text(&q, key);
    return query_run(&q);
}
