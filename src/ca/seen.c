/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/seen.h"

#include "base/limits.h"
#include "ca/clock.h"

static enum mlt_err put_one(struct query *q, const struct name *name, int64_t now_s)
{
    query_put_text(q, name->text);
    query_put_int(q, now_s);
    query_put_int(q, LIMIT_CLOCK_SLACK_S);
    TRY(query_run(q));
    query_again(q);
    return MLT_OK;
}

static enum mlt_err put_all(struct database *db, struct span names, int64_t now_s)
{
    CLEANUP(query_end)
    /* A clock that was set back a little takes nothing back; what is of a future was of a clock
     * that was ahead. */
    struct query q = query_start(
        db, "INSERT INTO seen(name, seen_s) SELECT name, ?2 FROM member WHERE name = ?1 "
            "ON CONFLICT DO UPDATE SET seen_s = iif(seen_s > ?2 + ?3, ?2, max(seen_s, ?2))");
    for (;;) {
        struct name name;
        enum mlt_err err = ipc_seen_next(&names, &name);
        if (err == MLT_ERR_MISSING)
            return MLT_OK;
        TRY(err);
        TRY(put_one(&q, &name, now_s));
    }
}

enum mlt_err seen_take(struct ca *ca, const struct ipc_seen *seen)
{
    int64_t now_ms = env_mono_ms(ca->env);
    /* Half of it: net's clock and ours are not read at the same moment. */
    if (ca->net.seen_ms != 0 && now_ms - ca->net.seen_ms < LIMIT_SEEN_MS / 2)
        return MLT_OK;
    enum mlt_err err = clock_check(ca);
    if (err == MLT_ERR_CLOCK)
        return MLT_OK; /* nobody knows when it was */
    TRY(err);
    ca->net.seen_ms = now_ms;
    TRY(database_begin(&ca->db));
    return database_end(&ca->db, put_all(&ca->db, seen->names, ca_now_s(ca)));
}
