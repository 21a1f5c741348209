/* SPDX-License-Identifier: Apache-2.0 */
#include "client/store_outbox.h"

#include <errno.h>
#include <string.h>

#include "client/store_rows.h"

#define NEXT_CHANGE "(SELECT coalesce(max(changed), 0) + 1 FROM messages WHERE changed > 0)"

/* ---- keeping ---- */

static enum mlt_err count_waiting(struct store *s, int64_t *count)
{
    CLEANUP(query_end)
    struct query q =
        query_start(&s->db, "SELECT count(*) FROM messages WHERE ours = 1 AND state = 0");
    return store_rows_number(&q, count);
}

struct place {
    uint64_t epoch;
    uint64_t number;
};

/* A stream begins at a random epoch, so that a home made anew does not repeat a place. */
static enum mlt_err begin_stream(struct store *s, const struct name *recipient, struct place *place)
{
    struct place first = { .number = 1 };
    TRY(env_random(s->env, (uint8_t *)&first.epoch, sizeof(first.epoch)));
    CLEANUP(query_end)
    struct query q =
        query_start(&s->db, "INSERT INTO streams (recipient, epoch, next) VALUES (?1, ?2, 1)");
    query_put_name(&q, recipient);
    query_put_int(&q, (int64_t)first.epoch);
    TRY(query_run(&q));
    *place = first;
    return MLT_OK;
}

static enum mlt_err find_place(struct store *s, const struct name *recipient, struct place *place)
{
    CLEANUP(query_end)
    struct query q = query_start(&s->db, "SELECT epoch, next FROM streams WHERE recipient = ?1");
    query_put_name(&q, recipient);
    bool row = false;
    TRY(query_next(&q, &row));
    if (!row)
        return begin_stream(s, recipient, place);
    place->epoch = (uint64_t)query_int(&q, 0);
    place->number = (uint64_t)query_int(&q, 1);
    return MLT_OK;
}

static enum mlt_err take_place(struct store *s, const struct name *recipient, struct place *place)
{
    TRY(find_place(s, recipient, place));
    CLEANUP(query_end)
    struct query q = query_start(&s->db, "UPDATE streams SET next = next + 1 WHERE recipient = ?1");
    query_put_name(&q, recipient);
    return query_run(&q);
}

static enum mlt_err keep(struct store *s, const struct store_outgoing *message,
                         const uint8_t id[static ENVELOPE_ID], int64_t *row)
{
    int64_t waiting = 0;
    TRY(count_waiting(s, &waiting));
    ENSURE(waiting < LIMIT_OUTBOX, MLT_ERR_TOO_MANY);
    struct place place;
    TRY(take_place(s, &message->recipient, &place));
    CLEANUP(query_end)
    struct query q =
        query_start(&s->db, "INSERT INTO messages"
                            " (peer, ours, id, time, epoch, number, flags, body, kept)"
                            " VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, 1) RETURNING row");
    query_put_name(&q, &message->recipient);
    query_put_span(&q, span_of(id, ENVELOPE_ID));
    query_put_int(&q, env_wall_ms(s->env));
    query_put_int(&q, (int64_t)place.epoch);
    query_put_int(&q, (int64_t)place.number);
    query_put_int(&q, message->flags);
    query_put_span(&q, message->body);
    return store_rows_number(&q, row);
}

/* A commit whose last sync failed may stand: what the file holds when it is opened anew, tells. */
static enum mlt_err look_whether_kept(struct store *s, const uint8_t id[static ENVELOPE_ID],
                                      enum mlt_err err, int64_t *row)
{
    int number = errno;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = false;
    if (store_outbox_find(s, id, &m, &found) == MLT_OK && found) {
        *row = m.row;
        return MLT_OK;
    }
    errno = number;
    return err;
}

enum mlt_err store_outbox_keep(struct store *store, const struct store_outgoing *message,
                               uint8_t id[static ENVELOPE_ID])
{
    uint8_t made[ENVELOPE_ID];
    TRY(env_random(store->env, made, sizeof(made)));
    int64_t row = 0;
    TRY(store_rows_enter(store));
    enum mlt_err err = store_rows_leave(store, keep(store, message, made, &row));
    if (err != MLT_OK && store->db.broken && !store->in_batch)
        err = look_whether_kept(store, made, err, &row);
    TRY(err);
    if (store->first_kept == 0)
        store->first_kept = row;
    memcpy(id, made, ENVELOPE_ID);
    return MLT_OK;
}

/* ---- sending ---- */

enum mlt_err store_outbox_next_stream(struct store *store, const struct name *after,
                                      struct store_stream *stream, bool *found)
{
    TRY(store_rows_ready(store));
    CLEANUP(store_rows_rest)
    struct query *q = store_rows_query(store, STORE_NEXT_STREAM,
                                       "SELECT streams.row, peer FROM messages"
                                       " JOIN streams ON recipient = peer"
                                       " WHERE ours = 1 AND state = 0 AND peer > ?1"
                                       " ORDER BY peer LIMIT 1");
    static const struct name before_all = { "" };
    query_put_name(q, after != NULL ? after : &before_all);
    bool row = false;
    TRY(query_next(q, &row));
    if (row) {
        struct store_stream got = { .row = query_int(q, 0) };
        TRY(query_name(q, 1, &got.recipient));
        *stream = got;
    }
    *found = row;
    return MLT_OK;
}

enum mlt_err store_outbox_next(struct store *store, const struct name *recipient, int64_t after,
                               struct store_message *m, bool *found)
{
    TRY(store_rows_ready(store));
    CLEANUP(store_rows_rest)
    struct query *q = store_rows_query(store, STORE_NEXT,
                                       "SELECT " STORE_ROW_AND_BODY " FROM messages"
                                       " WHERE ours = 1 AND state = 0"
                                       " AND peer = ?1 AND row > ?2 ORDER BY row LIMIT 1");
    query_put_name(q, recipient);
    query_put_int(q, after);
    return store_rows_next(q, true, m, found);
}

/* ---- what became of it ---- */

static enum mlt_err find(struct store *s, const uint8_t id[static ENVELOPE_ID],
                         struct store_message *m, bool *in_outbox, bool *found)
{
    CLEANUP(store_rows_rest)
    struct query *q = store_rows_query(s, STORE_FIND,
                                       "SELECT " STORE_ROW ", kept FROM messages"
                                       " WHERE ours = 1 AND id = ?1");
    query_put_span(q, span_of(id, ENVELOPE_ID));
    bool is_there = false;
    TRY(store_rows_next(q, false, m, &is_there));
    *in_outbox = is_there && query_int(q, STORE_ROW_COLUMNS) != 0;
    *found = is_there;
    return MLT_OK;
}

struct fate {
    enum store_state state;
    unsigned why;
    bool in_outbox;
};

static enum mlt_err write_fate(struct store *s, const struct fate *fate, struct store_message *m)
{
    int64_t now_ms = env_wall_ms(s->env);
    CLEANUP(store_rows_rest)
    struct query *q =
        store_rows_query(s, STORE_WRITE_FATE,
                         "UPDATE messages SET state = ?2, why = ?3, kept = ?4, changed_time = ?5,"
                         " tried = iif(tried = 0, ?5, tried),"
                         " changed = " NEXT_CHANGE " WHERE row = ?1 AND ours = 1");
    query_put_int(q, m->row);
    query_put_int(q, fate->state);
    query_put_int(q, fate->why);
    query_put_int(q, fate->in_outbox);
    query_put_int(q, now_ms);
    TRY(query_run(q));
    m->state = fate->state;
    m->why = fate->why;
    m->changed_ms = now_ms;
    return MLT_OK;
}

/* How much a state says: news never takes back what is known. */
static int weight(enum store_state state)
{
    switch (state) {
    case STORE_WAITING:
        return 0;
    case STORE_STORED:
        return 1;
    case STORE_UNKNOWN:
    case STORE_DROPPED:
        return 2;
    case STORE_REFUSED:
    case STORE_EXPIRED:
        return 3;
    case STORE_DELIVERED:
        return 4;
    case STORE_READ:
        return 5;
    }
    return 6;
}

static bool has_arrived(enum store_state state)
{
    return state == STORE_DELIVERED || state == STORE_READ;
}

/* False when the outcome is no news. */
static bool judge(const struct outcome *o, enum store_state now, struct fate *fate)
{
    if (!outcome_is_passing(o)) {
        fate->state = (enum store_state)o->state;
        fate->why = (unsigned)o->reason;
        fate->in_outbox = fate->in_outbox && !has_arrived(fate->state);
        return weight(fate->state) > weight(now);
    }
    /* What was stored and is not any more goes again, unless the host has let go of it. */
    bool lost = now == STORE_STORED && o->state == OUTCOME_UNKNOWN;
    fate->state = lost && !fate->in_outbox ? STORE_UNKNOWN : STORE_WAITING;
    fate->why = (unsigned)o->reason;
    return lost || (now == STORE_WAITING && !o->kept);
}

static enum mlt_err note_reached(struct store *s, const struct store_message *m)
{
    CLEANUP(store_rows_rest)
    struct query *q = store_rows_query(s, STORE_NOTE_REACHED,
                                       "INSERT INTO contacts (name, sent) VALUES (?1, ?2)"
                                       " ON CONFLICT (name) DO UPDATE SET sent = max(sent, ?2)");
    query_put_name(q, &m->peer);
    query_put_int(q, m->changed_ms);
    return query_run(q);
}

static enum mlt_err note(struct store *s, const struct outcome *o, struct store_news *news)
{
    struct fate fate = { 0 };
    TRY(find(s, o->id, &news->m, &fate.in_outbox, &news->found));
    news->before = news->m.state;
    if (!news->found || !judge(o, news->before, &fate))
        return MLT_OK;
    TRY(write_fate(s, &fate, &news->m));
    news->changed = true;
    if (has_arrived(fate.state) && !has_arrived(news->before))
        return note_reached(s, &news->m);
    return MLT_OK;
}

enum mlt_err store_outbox_note(struct store *store, const struct outcome *outcome,
                               struct store_news *news)
{
    struct store_news got = { 0 };
    TRY(store_rows_enter(store));
    TRY(store_rows_leave(store, note(store, outcome, &got)));
    *news = got;
    return MLT_OK;
}

enum mlt_err store_outbox_refuse(struct store *store, int64_t row, unsigned why)
{
    const struct fate fate = { .state = STORE_REFUSED, .why = why, .in_outbox = true };
    struct store_message m = { .row = row };
    TRY(store_rows_enter(store));
    return store_rows_leave(store, write_fate(store, &fate, &m));
}

/* A first time that lies ahead was told by a clock that was wrong, and is taken anew. */
static enum mlt_err note_tried(struct store *s, int64_t row)
{
    CLEANUP(store_rows_rest)
    struct query *q = store_rows_query(s, STORE_NOTE_TRIED,
                                       "UPDATE messages SET tried = ?2 WHERE row = ?1 AND ours = 1"
                                       " AND (tried = 0 OR tried > ?2)");
    query_put_int(q, row);
    query_put_int(q, env_wall_ms(s->env));
    return query_run(q);
}

static enum mlt_err note_all_tried(struct store *s, const int64_t *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(note_tried(s, rows[i]));
    return MLT_OK;
}

enum mlt_err store_outbox_tried(struct store *store, const int64_t *rows, size_t count)
{
    TRY(store_rows_enter(store));
    return store_rows_leave(store, note_all_tried(store, rows, count));
}

/*
 * All under one number: whoever watches goes on by row.  Not by the time it was kept: a machine
 * without a battery may have kept it in 1970.
 */
static enum mlt_err expire(struct store *s, uint64_t *count)
{
    int64_t now_ms = env_wall_ms(s->env);
    CLEANUP(query_end)
    struct query q = query_start(
        &s->db,
        "UPDATE messages SET state = iif(state = 0, ?3, ?4), why = 0,"
        " changed = " NEXT_CHANGE ", changed_time = ?1"
        " WHERE ours = 1 AND kept = 1"
        " AND ((state = 0 AND tried <> 0 AND tried < ?2) OR (state = 1 AND changed_time < ?2))");
    query_put_int(&q, now_ms);
    query_put_int(&q, now_ms - LIMIT_OUTBOX_S * INT64_C(1000));
    query_put_int(&q, STORE_EXPIRED);
    query_put_int(&q, STORE_UNKNOWN);
    TRY(query_run(&q));
    *count = (uint64_t)query_changes(&q);
    return MLT_OK;
}

enum mlt_err store_outbox_expire(struct store *store, uint64_t *count)
{
    uint64_t got = 0;
    TRY(store_rows_enter(store));
    TRY(store_rows_leave(store, expire(store, &got)));
    *count = got;
    return MLT_OK;
}

/* Its fate stays, and is no news to those who watch. */
static enum mlt_err let_go(struct store *s, int64_t row)
{
    CLEANUP(query_end)
    struct query q = query_start(&s->db, "UPDATE messages SET kept = 0 WHERE row = ?1");
    query_put_int(&q, row);
    return query_run(&q);
}

static enum mlt_err drop(struct store *s, const uint8_t id[static ENVELOPE_ID])
{
    struct store_message m = { 0 };
    bool found = false;
    bool in_outbox = false;
    TRY(find(s, id, &m, &in_outbox, &found));
    ENSURE(found && in_outbox, MLT_ERR_MISSING);
    const struct fate fate = { .state = STORE_DROPPED };
    return m.state == STORE_WAITING ? write_fate(s, &fate, &m) : let_go(s, m.row);
}

enum mlt_err store_outbox_drop(struct store *store, const uint8_t id[static ENVELOPE_ID])
{
    TRY(store_rows_enter(store));
    return store_rows_leave(store, drop(store, id));
}

/* ---- looking ---- */

enum mlt_err store_outbox_list(struct store *store, int64_t after, struct store_message *m,
                               bool *found)
{
    TRY(store_rows_ready(store));
    CLEANUP(query_end)
    struct query q = query_start(&store->db, "SELECT " STORE_ROW_AND_BODY " FROM messages"
                                             " WHERE ours = 1 AND kept = 1 AND row > ?1"
                                             " ORDER BY row LIMIT 1");
    query_put_int(&q, after);
    return store_rows_next(&q, true, m, found);
}

enum mlt_err store_outbox_count(struct store *store, uint64_t *waiting)
{
    TRY(store_rows_ready(store));
    int64_t count = 0;
    TRY(count_waiting(store, &count));
    *waiting = (uint64_t)count;
    return MLT_OK;
}

enum mlt_err store_outbox_find(struct store *store, const uint8_t id[static ENVELOPE_ID],
                               struct store_message *m, bool *found)
{
    TRY(store_rows_ready(store));
    CLEANUP(query_end)
    struct query q = query_start(&store->db, "SELECT " STORE_ROW_AND_BODY " FROM messages"
                                             " WHERE ours = 1 AND id = ?1");
    query_put_span(&q, span_of(id, ENVELOPE_ID));
    return store_rows_next(&q, true, m, found);
}

/* changed is not among the columns of a message: it is nobody else's business. */
static enum mlt_err find_change(struct store *s, int64_t *change, int64_t *row)
{
    CLEANUP(query_end)
    struct query q = query_start(&s->db, "SELECT changed, row FROM messages"
                                         " WHERE changed > 0 AND (changed, row) > (?1, ?2)"
                                         " ORDER BY changed, row LIMIT 1");
    query_put_int(&q, s->seen_change);
    query_put_int(&q, s->seen_row);
    bool found = false;
    TRY(query_next(&q, &found));
    *change = found ? query_int(&q, 0) : 0;
    *row = found ? query_int(&q, 1) : 0;
    return MLT_OK;
}

enum mlt_err store_outbox_change(struct store *store, struct store_message *m, bool *found)
{
    TRY(store_rows_ready(store));
    int64_t change = 0;
    int64_t row = 0;
    bool is_there = false;
    TRY(find_change(store, &change, &row));
    if (change > 0) {
        CLEANUP(query_end)
        struct query q =
            query_start(&store->db, "SELECT " STORE_ROW " FROM messages WHERE row = ?1");
        query_put_int(&q, row);
        TRY(store_rows_next(&q, false, m, &is_there));
        store->seen_change = change;
        store->seen_row = row;
    }
    *found = is_there;
    return MLT_OK;
}

enum mlt_err store_outbox_awaits(struct store *store, enum store_awaits *awaits)
{
    *awaits = STORE_AWAITS_NOTHING;
    if (store->first_kept == 0)
        return MLT_OK;
    TRY(store_rows_ready(store));
    CLEANUP(query_end)
    struct query q =
        query_start(&store->db, "SELECT state FROM messages WHERE ours = 1 AND kept = 1"
                                " AND state IN (0, 1) AND row >= ?1 ORDER BY state LIMIT 1");
    query_put_int(&q, store->first_kept);
    bool found = false;
    TRY(query_next(&q, &found));
    if (!found)
        store->first_kept = 0;
    else
        *awaits = query_int(&q, 0) == STORE_WAITING ? STORE_AWAITS_WAITING : STORE_AWAITS_STORED;
    return MLT_OK;
}

enum mlt_err store_outbox_awaited(struct store *store, int64_t after, struct store_message *m,
                                  bool *found)
{
    *found = false;
    if (store->first_kept == 0)
        return MLT_OK;
    TRY(store_rows_ready(store));
    CLEANUP(query_end)
    struct query q = query_start(&store->db, "SELECT " STORE_ROW " FROM messages"
                                             " WHERE ours = 1 AND kept = 1 AND state = 0"
                                             " AND row > ?1 AND row >= ?2 ORDER BY row LIMIT 1");
    query_put_int(&q, after);
    query_put_int(&q, store->first_kept);
    return store_rows_next(&q, false, m, found);
}
