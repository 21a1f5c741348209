/* SPDX-License-Identifier: Apache-2.0 */
#include "client/store.h"

#include "base/alloc.h"
#include "client/store_rows.h"

/* What changed before is no news to whoever opens it now. */
static enum mlt_err begin_watch(struct store *s)
{
    CLEANUP(query_end)
    struct query q = query_start(&s->db, "SELECT coalesce(max(changed), 0) FROM messages"
                                         " WHERE changed > 0");
    TRY(store_rows_number(&q, &s->seen_change));
    s->seen_row = INT64_MAX;
    return MLT_OK;
}

enum mlt_err store_open(const struct home *home, const struct env *env, struct store **store)
{
    CLEANUP(store_close) struct store *s = NULL;
    TRY(ALLOC_NEW(&s));
    s->home = home;
    s->env = env;
    TRY(store_rows_ready(s));
    TRY(begin_watch(s));
    *store = s;
    s = NULL;
    return MLT_OK;
}

void store_close(struct store **store)
{
    if (*store == NULL)
        return;
    store_rows_close(*store);
    alloc_free(*store);
    *store = NULL;
}

enum mlt_err store_begin(struct store *store)
{
    ENSURE(!store->in_batch, MLT_ERR_STATE);
    TRY(store_rows_enter(store));
    store->in_batch = true;
    return MLT_OK;
}

enum mlt_err store_end(struct store *store, enum mlt_err err)
{
    ENSURE(store->in_batch, MLT_ERR_STATE);
    store->in_batch = false;
    return database_end(&store->db, err);
}

/* How many of its stream ought to have come before this one and did not. */
static enum mlt_err find_gap(struct store *s, const struct envelope *e, int64_t *gap)
{
    CLEANUP(store_rows_rest)
    struct query *q = store_rows_query(s, STORE_FIND_GAP,
                                       "SELECT last FROM heard WHERE sender = ?1 AND epoch = ?2");
    query_put_name(q, &e->sender.name);
    query_put_int(q, (int64_t)e->epoch);
    bool row = false;
    TRY(query_next(q, &row));
    uint64_t last = row ? (uint64_t)query_int(q, 0) : 0;
    uint64_t missing = e->number > last ? e->number - last - 1 : 0;
    *gap = missing < INT64_MAX ? (int64_t)missing : INT64_MAX; /* a sender may write any number */
    return MLT_OK;
}

static enum mlt_err insert_message(struct store *s, const struct envelope *e, bool *fresh)
{
    int64_t gap = 0;
    TRY(find_gap(s, e, &gap));
    CLEANUP(store_rows_rest)
    struct query *q = store_rows_query(s, STORE_INSERT,
                                       "INSERT INTO messages"
                                       " (peer, ours, id, time, epoch, number, flags, body, gap)"
                                       " VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                                       " ON CONFLICT DO NOTHING");
    query_put_name(q, &e->sender.name);
    query_put_span(q, SPAN_OF(e->id));
    query_put_int(q, e->time_ms);
    query_put_int(q, (int64_t)e->epoch);
    query_put_int(q, (int64_t)e->number);
    query_put_int(q, e->flags);
    query_put_span(q, e->body);
    query_put_int(q, gap);
    TRY(query_run(q));
    *fresh = query_changes(q) == 1;
    return MLT_OK;
}

/* Compared as the numbers they are: the column's are signed. */
static enum mlt_err note_heard(struct store *s, const struct envelope *e)
{
    CLEANUP(store_rows_rest)
    struct query *q = store_rows_query(s, STORE_NOTE_HEARD,
                                       "INSERT INTO heard (sender, epoch, last)"
                                       " VALUES (?1, ?2, ?3) ON CONFLICT (sender, epoch)"
                                       " DO UPDATE SET last = ?3 WHERE (last < ?3) <>"
                                       " ((last < 0) <> (?3 < 0))");
    query_put_name(q, &e->sender.name);
    query_put_int(q, (int64_t)e->epoch);
    query_put_int(q, (int64_t)e->number);
    return query_run(q);
}

static enum mlt_err note_contact(struct store *s, const struct envelope *e)
{
    CLEANUP(store_rows_rest)
    struct query *q = store_rows_query(s, STORE_NOTE_CONTACT,
                                       "INSERT INTO contacts (name, received) VALUES (?1, ?2)"
                                       " ON CONFLICT (name)"
                                       " DO UPDATE SET received = max(received, ?2)");
    query_put_name(q, &e->sender.name);
    query_put_int(q, e->time_ms);
    return query_run(q);
}

static enum mlt_err put(struct store *s, const struct envelope *e, bool *fresh)
{
    TRY(insert_message(s, e, fresh));
    if (!*fresh)
        return MLT_OK;
    TRY(note_heard(s, e));
    return note_contact(s, e);
}

enum mlt_err store_put(struct store *store, const struct envelope *e, bool *fresh)
{
    bool is_new = false;
    TRY(store_rows_enter(store));
    TRY(store_rows_leave(store, put(store, e, &is_new)));
    *fresh = is_new;
    return MLT_OK;
}

enum mlt_err store_unshown(struct store *store, int64_t after, const struct name *only,
                           struct store_message *m, bool *found)
{
    TRY(store_rows_ready(store));
    CLEANUP(query_end)
    struct query q = query_start(&store->db, "SELECT " STORE_ROW_AND_BODY " FROM messages"
                                             " WHERE ours = 0 AND shown = 0 AND row > ?1"
                                             " AND (?2 IS NULL OR peer = ?2)"
                                             " ORDER BY row LIMIT 1");
    query_put_int(&q, after);
    if (only != NULL)
        query_put_name(&q, only);
    return store_rows_next(&q, true, m, found);
}

static enum mlt_err show(struct store *s, int64_t row, bool tell)
{
    CLEANUP(query_end)
    struct query q = query_start(&s->db, "UPDATE messages SET shown = 1, tell = (?2 AND flags & ?3)"
                                         " WHERE row = ?1 AND ours = 0 AND shown = 0");
    query_put_int(&q, row);
    query_put_int(&q, tell);
    query_put_int(&q, ENVELOPE_WANTS_READ);
    return query_run(&q);
}

enum mlt_err store_shown(struct store *store, int64_t row, bool tell)
{
    TRY(store_rows_enter(store));
    return store_rows_leave(store, show(store, row, tell));
}

enum mlt_err store_untold(struct store *store, int64_t after, struct store_message *m, bool *found)
{
    TRY(store_rows_ready(store));
    CLEANUP(query_end)
    struct query q =
        query_start(&store->db, "SELECT " STORE_ROW " FROM messages WHERE tell = 1 AND row > ?1"
                                " ORDER BY row LIMIT 1");
    query_put_int(&q, after);
    return store_rows_next(&q, false, m, found);
}

static enum mlt_err forget_to_tell(struct store *s, int64_t row)
{
    CLEANUP(query_end)
    struct query q = query_start(&s->db, "UPDATE messages SET tell = 0 WHERE row = ?1");
    query_put_int(&q, row);
    return query_run(&q);
}

enum mlt_err store_told(struct store *store, int64_t row)
{
    TRY(store_rows_enter(store));
    return store_rows_leave(store, forget_to_tell(store, row));
}

enum mlt_err store_count_unshown(struct store *store, const struct name *except, uint64_t *count)
{
    TRY(store_rows_ready(store));
    CLEANUP(query_end)
    struct query q =
        query_start(&store->db, "SELECT count(*) FROM messages"
                                " WHERE ours = 0 AND shown = 0 AND (?1 IS NULL OR peer <> ?1)");
    if (except != NULL)
        query_put_name(&q, except);
    int64_t number = 0;
    TRY(store_rows_number(&q, &number));
    *count = (uint64_t)number;
    return MLT_OK;
}

enum mlt_err store_next_contact(struct store *store, const struct name *after,
                                struct store_contact *contact, bool *found)
{
    TRY(store_rows_ready(store));
    CLEANUP(query_end)
    struct query q = query_start(&store->db, "SELECT name, received, sent FROM contacts"
                                             " WHERE ?1 IS NULL OR name > ?1"
                                             " ORDER BY name LIMIT 1");
    if (after != NULL)
        query_put_name(&q, after);
    bool row = false;
    TRY(query_next(&q, &row));
    if (row) {
        struct store_contact got = { .received_ms = query_int(&q, 1), .sent_ms = query_int(&q, 2) };
        TRY(query_name(&q, 0, &got.name));
        *contact = got;
    }
    *found = row;
    return MLT_OK;
}
