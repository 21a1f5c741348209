/* SPDX-License-Identifier: Apache-2.0 */
#include "client/store_rows.h"

#include "client/store_schema.h"

void store_message_clear(struct store_message *m)
{
    buf_clear(&m->body);
    *m = (struct store_message) { 0 };
}

static enum mlt_err open_file(struct store *s)
{
    CLEANUP(buf_clear) struct buf path = { 0 };
    TRY(buf_put_format(&path, "%s/%s", s->home->path, store_schema.file));
    const char *text = NULL;
    TRY(buf_text(&path, &text));
    const struct database_place place = { .dirfd = s->home->dirfd, .path = text };
    bool fresh = false;
    CLEANUP(database_close) struct database db = { 0 };
    TRY(database_open(&db, &store_schema, &place, !s->opened, &fresh));
    ENSURE(!s->opened || !fresh, MLT_ERR_MISSING);
    if (fresh) {
        TRY(database_begin(&db));
        TRY(database_end(&db, database_create(&db)));
    }
    s->db = db;
    s->opened = true;
    db = (struct database) { 0 };
    return MLT_OK;
}

enum mlt_err store_rows_ready(struct store *store)
{
    if (store->db.handle != NULL && !store->db.broken)
        return MLT_OK;
    ENSURE(!store->in_batch, MLT_ERR_DATABASE); /* what came before it in the batch is gone */
    store_rows_close(store);
    return open_file(store);
}

void store_rows_close(struct store *store)
{
    for (size_t i = 0; i < COUNT_OF(store->made); i++)
        query_end(&store->made[i]);
    database_close(&store->db);
}

struct query *store_rows_query(struct store *store, enum store_statement which, const char *sql)
{
    struct query *q = &store->made[which];
    if (q->statement == NULL)
        *q = query_start(&store->db, sql);
    return q;
}

void store_rows_rest(struct query **q)
{
    query_again(*q); /* a statement in the midst of its rows would hold on to what it reads */
}

enum mlt_err store_rows_enter(struct store *store)
{
    TRY(store_rows_ready(store));
    return store->in_batch ? MLT_OK : database_begin(&store->db);
}

enum mlt_err store_rows_leave(struct store *store, enum mlt_err err)
{
    return store->in_batch ? err : database_end(&store->db, err);
}

static enum mlt_err read_body(struct query *q, struct buf *body)
{
    TRY(buf_put(body, query_span(q, STORE_ROW_COLUMNS)));
    const char *text = NULL;
    return buf_text(body, &text); /* a NUL behind it, for who takes it for text */
}

enum mlt_err store_rows_read(struct query *q, bool has_body, struct store_message *m)
{
    CLEANUP(store_message_clear) struct store_message got = { .row = query_int(q, 0) };
    TRY(query_name(q, 1, &got.peer));
    got.is_ours = query_int(q, 2) != 0;
    TRY(query_bytes(q, 3, got.id, ENVELOPE_ID));
    got.time_ms = query_int(q, 4);
    got.epoch = (uint64_t)query_int(q, 5);
    got.number = (uint64_t)query_int(q, 6);
    got.flags = (uint16_t)query_int(q, 7);
    got.is_shown = query_int(q, 8) != 0;
    got.gap = (uint64_t)query_int(q, 9);
    got.state = (enum store_state)query_int(q, 10);
    got.why = (unsigned)query_int(q, 11);
    got.changed_ms = query_int(q, 12);
    if (has_body)
        TRY(read_body(q, &got.body));
    store_message_clear(m);
    *m = got;
    got = (struct store_message) { 0 };
    return MLT_OK;
}

enum mlt_err store_rows_next(struct query *q, bool has_body, struct store_message *m, bool *found)
{
    bool row = false;
    TRY(query_next(q, &row));
    if (row)
        TRY(store_rows_read(q, has_body, m));
    *found = row;
    return MLT_OK;
}

enum mlt_err store_rows_number(struct query *q, int64_t *number)
{
    bool row = false;
    TRY(query_next(q, &row));
    ENSURE(row, MLT_ERR_DAMAGED);
    *number = query_int(q, 0);
    return MLT_OK;
}
