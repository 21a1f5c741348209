/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "relay/net.h"

/*
 * One session's way through its mailbox: ask the store; if the messages are of a segment whose key
 * we do not hold, have ca open it, by the grant of this login, and ask the store again.  Keys are
 * held while there is more to read and no longer.
 */

enum reading_state {
    READING_NOTHING, /* between two reads of the router */
    READING_AT_STORE,
    READING_WAITS, /* for a grant, for ca, for the key of `segment` */
};

struct net_reading {
    struct net *net;
    struct net_conn *conn; /* NULL: gone, while the store still has to answer */
    TAILQ_ENTRY(net_reading) next;
    enum reading_state state;
    struct router_read wanted;
    uint8_t segment[MAIL_SEGMENT];
    struct buf wrapped; /* of `segment`, while it waits */
    struct secret key;  /* of `segment`, else empty */
    bool lost;          /* nothing will ever open `segment` */
    struct net_ask unwrap;
};

static void end_reading(struct net_reading *reading)
{
    struct net *net = reading->net;
    net_ask_forget(&net->ca.asks, &reading->unwrap);
    secret_clear(&reading->key);
    buf_clear(&reading->wrapped);
    if (reading->conn != NULL)
        reading->conn->mail = NULL;
    reading->conn = NULL;
    if (reading->state == READING_AT_STORE)
        return; /* freed by the answer */
    TAILQ_REMOVE(&net->mail.readings, reading, next);
    alloc_free(reading);
}

/* The router may end the session, or ask for more, before this returns: nothing may follow it. */
static void answer(struct net_reading *reading, const struct router_read_result *result)
{
    struct net *net = reading->net;
    reading->state = READING_NOTHING;
    if (result->end || result->err != MLT_OK)
        end_reading(reading);
    router_read_done(net->router, result, env_wall_ms(net->env));
}

static void fail(struct net_reading *reading, enum mlt_err err)
{
    const struct router_read_result result = { .ticket = reading->wanted.ticket, .err = err };
    answer(reading, &result);
}

/* ---- the store ---- */

static enum mlt_err ask_store(struct net_reading *reading)
{
    struct net *net = reading->net;
    ENSURE(net->mail.store != NULL, MLT_ERR_MISSING);
    struct mail_read read = { .recipient = reading->wanted.recipient,
                              .after = reading->wanted.after,
                              .most = reading->wanted.most,
                              .most_bytes = reading->wanted.most_bytes,
                              .key = reading->key.n > 0 ? &reading->key : NULL,
                              .lost = reading->lost,
                              .ticket = (uint64_t)(uintptr_t)reading };
    memcpy(read.segment, reading->segment, MAIL_SEGMENT);
    TRY(mail_store_read(net->mail.store, &read));
    reading->state = READING_AT_STORE;
    return MLT_OK;
}

enum mlt_err net_mail_read_start(struct net_conn *conn, const struct router_read *read)
{
    struct net_reading *reading = conn->mail;
    if (reading == NULL) {
        TRY(ALLOC_NEW(&reading));
        reading->net = conn->net;
        reading->conn = conn;
        conn->mail = reading;
        TAILQ_INSERT_TAIL(&conn->net->mail.readings, reading, next);
    }
    ENSURE(reading->state == READING_NOTHING, MLT_ERR_STATE);
    reading->wanted = *read;
    return ask_store(reading);
}

static void go_on(struct net_reading *reading);

static void take_messages(struct net_reading *reading, struct mail_done *done)
{
    struct router_stored *messages = NULL;
    if (done->count > 0 && ALLOC_ARRAY(done->count, &messages) != MLT_OK) {
        fail(reading, MLT_ERR_NOMEM);
        return;
    }
    for (size_t i = 0; i < done->count; i++) {
        const struct mail_message *from = &done->messages[i];
        messages[i].row = from->row;
        messages[i].readable =
            from->readable &&
            envelope_decode_deliver(buf_span(&from->deliver), &messages[i].envelope) == MLT_OK;
    }
    const struct router_read_result result = { .ticket = reading->wanted.ticket,
                                               .messages = messages,
                                               .count = done->count,
                                               .end = done->end };
    answer(reading, &result);
    alloc_free(messages);
}

static void log_failure(const struct net_reading *reading, enum mlt_err err)
{
    struct net *net = reading->net;
    if (!log_rate_take(&net->log_rate, err, env_mono_ms(net->env)))
        return;
    if (err == MLT_ERR_AUTH)
        log_error("stored mail for %s: ca opened a segment with the wrong key",
                  reading->wanted.recipient.text);
    else
        log_warning("stored mail for %s could not be read: %s", reading->wanted.recipient.text,
                    err_text(err));
}

void net_mail_read_done(struct net *net, struct mail_done *done)
{
    (void)net;
    struct net_reading *reading = (struct net_reading *)(uintptr_t)done->read_ticket;
    reading->state = READING_WAITS;
    if (reading->conn == NULL) {
        end_reading(reading);
    } else if (done->err != MLT_OK) {
        log_failure(reading, done->err);
        fail(reading, done->err);
    } else if (done->wrapped.len == 0) {
        take_messages(reading, done);
    } else {
        secret_clear(&reading->key);
        buf_clear(&reading->wrapped);
        reading->lost = false;
        memcpy(reading->segment, done->segment, MAIL_SEGMENT);
        reading->wrapped = done->wrapped;
        done->wrapped = (struct buf) { 0 };
        go_on(reading);
    }
}

/* ---- ca ---- */

static enum mlt_err encode_unwrap(void *owner, struct buf *body)
{
    const struct net_reading *reading = owner;
    struct ipc_unwrap unwrap = { .recipient = reading->wanted.recipient,
                                 .wrapped = buf_span(&reading->wrapped) };
    memcpy(unwrap.grant, reading->conn->grant, MAILBOX_GRANT);
    memcpy(unwrap.segment, reading->segment, MAIL_SEGMENT);
    return ipc_unwrap_encode(&unwrap, body);
}

static void read_again(struct net_reading *reading)
{
    buf_clear(&reading->wrapped);
    enum mlt_err err = ask_store(reading);
    if (err != MLT_OK)
        fail(reading, err);
}

/* The store then calls all of it damaged, the router removes it, and its senders are told. */
static void give_up_segment(struct net_reading *reading, enum mlt_err err)
{
    log_error("stored mail for %s cannot be opened any more (%s): its senders are asked to send it "
              "again",
              reading->wanted.recipient.text, err_text(err));
    reading->lost = true;
    read_again(reading);
}

static void take_answer(struct net_reading *reading, const struct ipc_unwrapped *got)
{
    switch (got->err) {
    case MLT_OK:
        if (secret_copy(&reading->key, SPAN_OF(got->secret)) == MLT_OK)
            read_again(reading);
        else
            fail(reading, MLT_ERR_NOMEM);
        return;
    case MLT_ERR_STATE:
        reading->conn->grant_state = NET_GRANT_NONE;
        go_on(reading);
        return;
    case MLT_ERR_AUTH:
    case MLT_ERR_MISSING:
        give_up_segment(reading, got->err);
        return;
    default:
        fail(reading, got->err);
        return;
    }
}

static enum mlt_err take_secret(void *owner, struct span body)
{
    struct ipc_unwrapped got = { 0 };
    TRY(ipc_unwrapped_decode(body, &got));
    take_answer(owner, &got);
    alloc_wipe(&got, sizeof(got));
    return MLT_OK;
}

static void lose_unwrap(void *owner)
{
    (void)owner; /* asked again when ca is back */
}

/* A login without a grant is asked to come again, once that will earn it one; not before `age_ms`,
 * lest a client and a ca that do not agree keep all of us busy. */
static void ask_to_come_again(struct net_reading *reading, int64_t age_ms)
{
    struct net *net = reading->net;
    if (net->mail.nonces.count > 0 && env_mono_ms(net->env) >= reading->conn->started_ms + age_ms)
        fail(reading, MLT_ERR_STATE);
}

static void go_on(struct net_reading *reading)
{
    static const struct net_ask_kind kind = { IPC_UNWRAP, IPC_UNWRAPPED, encode_unwrap, take_secret,
                                              lose_unwrap };
    struct net_conn *conn = reading->conn;
    if (reading->state != READING_WAITS)
        return;
    switch (conn->grant_state) {
    case NET_GRANT_ASKED:
        return;
    case NET_GRANT_HELD:
        reading->unwrap.kind = &kind;
        reading->unwrap.owner = reading;
        if (reading->net->ca.synced)
            net_ask_add(&reading->net->ca.asks, &reading->unwrap);
        return;
    case NET_GRANT_NONE:
        ask_to_come_again(reading, LIMIT_AGAIN_MS);
        return;
    case NET_GRANT_REFUSED:
        ask_to_come_again(reading, LIMIT_REFUSED_GRANT_MS);
        return;
    }
}

/* ---- the others ---- */

void net_mail_read_go_on(struct net_conn *conn)
{
    if (conn->mail != NULL)
        go_on(conn->mail);
}

/* The list may change under it: whoever joins does so at its end, and only the one that is looked
 * at can leave. */
void net_mail_read_tick(struct net *net)
{
    struct net_reading *next = NULL;
    struct net_reading_list *all = &net->mail.readings;
    for (struct net_reading *reading = TAILQ_FIRST(all); reading != NULL; reading = next) {
        next = TAILQ_NEXT(reading, next);
        if (reading->conn != NULL)
            go_on(reading);
    }
}

void net_mail_read_leave(struct net_conn *conn)
{
    if (conn->mail != NULL)
        end_reading(conn->mail);
}
