/* SPDX-License-Identifier: Apache-2.0 */
#include "client/post.h"

#include <string.h>

static enum mlt_err send_envelope(void *ctx, const struct envelope *e)
{
    struct post *post = ctx;
    CLEANUP(buf_clear) struct buf record = { 0 };
    TRY(envelope_encode_send(e, &record));
    return link_send(*post->link, RECORD_SEND, buf_span(&record));
}

static enum mlt_err send_receipt(void *ctx, const struct receipt *r)
{
    struct post *post = ctx;
    if (link_is_closed(*post->link))
        return MLT_OK; /* the server delivers it again another time */
    CLEANUP(buf_clear) struct buf record = { 0 };
    TRY(receipt_encode(r, &record));
    return link_send(*post->link, RECORD_RECEIPT, buf_span(&record));
}

static enum mlt_err send_noted(void *ctx, const struct noted *n)
{
    struct post *post = ctx;
    if (link_is_closed(*post->link))
        return MLT_OK; /* the server says it again another time */
    CLEANUP(buf_clear) struct buf record = { 0 };
    TRY(noted_encode(n, &record));
    return link_send(*post->link, RECORD_NOTED, buf_span(&record));
}

static void tell_wait(void *ctx, const struct courier_wait *wait)
{
    struct post *post = ctx;
    struct client_event event = { .kind = CLIENT_EVENT_OUTCOME,
                                  .err = wait->err,
                                  .message = { .is_ours = true, .peer = wait->recipient } };
    memcpy(event.message.id, wait->id, ENVELOPE_ID);
    event_queue_add(post->events, &event);
}

static enum mlt_err take_turn(void *ctx, int64_t stream, bool *taken)
{
    struct post *post = ctx;
    return turn_take(post->turn, stream, taken);
}

static void leave_turn(void *ctx, int64_t stream)
{
    struct post *post = ctx;
    turn_leave(post->turn, stream);
}

enum mlt_err post_open(struct post *post, const struct post_config *config)
{
    const struct courier_config ours = {
        .env = config->env,
        .store = config->store,
        .turn = { post, take_turn, leave_turn },
        .out = { post, send_envelope, send_receipt, send_noted, tell_wait },
        .receives = config->receives,
    };
    *post = (struct post) { .link = config->link, .events = config->events };
    TRY(turn_open(config->home, &post->turn));
    return courier_new(&ours, &post->courier);
}

void post_close(struct post *post)
{
    courier_free(&post->courier);
    turn_close(&post->turn);
}

enum mlt_err post_deliver(struct post *post, struct span body, const struct name *me)
{
    struct envelope e;
    TRY(envelope_decode_deliver(body, &e));
    ENSURE(name_eq(&e.recipient.name, me), MLT_ERR_UNEXPECTED);
    return courier_deliver(post->courier, &e);
}

enum mlt_err post_outcome(struct post *post, struct span body)
{
    struct outcome outcome;
    TRY(outcome_decode(body, &outcome));
    return courier_outcome(post->courier, &outcome);
}

enum mlt_err post_run(struct post *post, bool at_end)
{
    enum mlt_err err = at_end ? courier_settle(post->courier) : courier_process(post->courier);
    struct courier_news news = courier_take_news(post->courier);
    post->news.fates = post->news.fates || news.fates;
    post->news.messages = post->news.messages || news.messages;
    return err;
}
