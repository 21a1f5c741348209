/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "client/public.h"
#include "client/store_history.h"
#include "client/store_outbox.h"
#include "crypto/crypto.h"

_Static_assert(MLT_ID_SIZE == ENVELOPE_ID, "public id");
_Static_assert(MLT_BODY_MAX == LIMIT_BODY, "public limit");
_Static_assert(MLT_OUTBOX_MAX == LIMIT_OUTBOX, "public limit");

static enum mlt_err put(struct mlt_client *c, const struct mlt_outgoing *message,
                        uint8_t id[static ENVELOPE_ID])
{
    struct store_outgoing ours = { .body = span_of(message->body, message->n),
                                   .flags = message->wants_read ? ENVELOPE_WANTS_READ : 0 };
    TRY(name_parse_user(span_str(message->recipient), &ours.recipient));
    ENSURE(message->n <= LIMIT_BODY, MLT_ERR_RANGE);
    TRY(public_open_store(c));
    TRY(store_outbox_keep(c->store, &ours, id));
    if (c->client != NULL)
        client_wake(c->client);
    return MLT_OK;
}

enum mlt_error mlt_put(struct mlt_client *client, const struct mlt_outgoing *message,
                       uint8_t id[MLT_ID_SIZE])
{
    CRYPTO_KEEP_ERRORS();
    struct mlt_outgoing ours;
    enum mlt_err err =
        public_take(message, PUBLIC_UP_TO(struct mlt_outgoing, wants_read), &ours, sizeof(ours));
    if (err == MLT_OK)
        err = put(client, &ours, id);
    return public_error(err);
}

enum mlt_error mlt_send(struct mlt_client *client, const char *recipient, const void *body,
                        size_t n, uint8_t id[MLT_ID_SIZE])
{
    struct mlt_outgoing message = MLT_OUTGOING_INIT;
    message.recipient = recipient;
    message.body = body;
    message.n = n;
    return mlt_put(client, &message, id);
}

static enum mlt_err shown(struct mlt_client *c, int64_t row)
{
    TRY(public_open_store(c));
    TRY(store_shown(c->store, row, c->tells_read));
    if (c->client != NULL && c->tells_read)
        client_wake(c->client);
    return MLT_OK;
}

enum mlt_error mlt_shown(struct mlt_client *client, int64_t row)
{
    CRYPTO_KEEP_ERRORS();
    return public_error(shown(client, row));
}

/* ---- looking at them ---- */

static enum mlt_err give(struct mlt_client *c, bool is_there, struct mlt_message *message,
                         bool *found)
{
    const struct store_message *m = &c->message;
    struct mlt_message ours = { .size = sizeof(ours),
                                .row = m->row,
                                .is_ours = m->is_ours,
                                .is_shown = m->is_shown,
                                .wants_read = (m->flags & ENVELOPE_WANTS_READ) != 0,
                                .time_ms = m->time_ms,
                                .changed_ms = m->changed_ms,
                                .outcome = (enum mlt_outcome)m->state,
                                .why = (enum mlt_why)m->why,
                                .epoch = m->epoch,
                                .number = m->number,
                                .gap = m->gap,
                                .body = m->body.p,
                                .n = m->body.len };
    memcpy(ours.peer, m->peer.text, sizeof(ours.peer));
    memcpy(ours.id, m->id, sizeof(ours.id));
    *found = is_there;
    if (!is_there)
        return MLT_OK;
    return public_give(&ours, sizeof(ours), PUBLIC_UP_TO(struct mlt_message, n), message);
}

static enum mlt_err check_room(const struct mlt_message *message)
{
    return message->size < PUBLIC_UP_TO(struct mlt_message, n) ? MLT_ERR_USAGE : MLT_OK;
}

static enum mlt_err next_message(struct mlt_client *c, const char *peer, int64_t after,
                                 struct mlt_message *message, bool *found)
{
    TRY(check_room(message));
    struct name name;
    if (peer != NULL)
        TRY(name_parse(span_str(peer), &name));
    TRY(public_open_store(c));
    bool is_there = false;
    TRY(store_history_next(c->store, peer != NULL ? &name : NULL, after, &c->message, &is_there));
    return give(c, is_there, message, found);
}

enum mlt_error mlt_next_message(struct mlt_client *client, const char *peer, int64_t after,
                                struct mlt_message *message, bool *found)
{
    return public_error(next_message(client, peer, after, message, found));
}

static enum mlt_err next_waiting(struct mlt_client *c, int64_t after, struct mlt_message *message,
                                 bool *found)
{
    TRY(check_room(message));
    TRY(public_open_store(c));
    bool is_there = false;
    TRY(store_outbox_list(c->store, after, &c->message, &is_there));
    return give(c, is_there, message, found);
}

enum mlt_error mlt_next_waiting(struct mlt_client *client, int64_t after,
                                struct mlt_message *message, bool *found)
{
    return public_error(next_waiting(client, after, message, found));
}

static enum mlt_err fate(struct mlt_client *c, const uint8_t id[static ENVELOPE_ID],
                         struct mlt_message *message, bool *found)
{
    TRY(check_room(message));
    TRY(public_open_store(c));
    bool is_there = false;
    TRY(store_outbox_find(c->store, id, &c->message, &is_there));
    return give(c, is_there, message, found);
}

enum mlt_error mlt_fate(struct mlt_client *client, const uint8_t id[MLT_ID_SIZE],
                        struct mlt_message *message, bool *found)
{
    return public_error(fate(client, id, message, found));
}

static enum mlt_err count_waiting(struct mlt_client *c, uint64_t *count)
{
    TRY(public_open_store(c));
    return store_outbox_count(c->store, count);
}

enum mlt_error mlt_count_waiting(struct mlt_client *client, uint64_t *count)
{
    return public_error(count_waiting(client, count));
}

static enum mlt_err drop(struct mlt_client *c, const uint8_t id[static ENVELOPE_ID])
{
    TRY(public_open_store(c));
    return store_outbox_drop(c->store, id);
}

enum mlt_error mlt_drop(struct mlt_client *client, const uint8_t id[MLT_ID_SIZE])
{
    return public_error(drop(client, id));
}
