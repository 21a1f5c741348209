/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "client/in_flight.h"
#include "client/link.h"
#include "client/reach.h"
#include "client/watch.h"
#include "wire/receipt.h"

enum client_state {
    STATE_OVER = 0,
    STATE_WAITING, /* to come back, until due_ms */
    STATE_REACHING,
    STATE_LINKED,
    STATE_CLOSING /* our close is said; until due_ms */
};

struct client {
    struct client_config config;
    struct hs_client_config handshake;
    enum client_state state;
    int64_t due_ms;
    struct reach reach;
    struct link *link;
    int watch;
    bool logged_in; /* now */
    bool was_logged_in;
    int64_t pause_ms; /* before the next try to come back */
    uint32_t max_body;
    struct in_flight in_flight;
    struct event_queue events;
    bool look_into_store;
    int64_t look_due_ms; /* not before: it failed */
    int64_t last_row;    /* handed out up to here */
    bool again;          /* at the next client_process: from the first one that was not shown */
    char id[9];
};

static int64_t now(const struct client *c)
{
    return env_mono_ms(c->config.env);
}

static void tell(struct client *c, const struct client_event *event)
{
    event_queue_add(&c->events, event);
}

static bool is_enrolling(const struct client *c)
{
    return c->config.kind == CLIENT_AUTH_ENROL;
}

enum mlt_err client_new(const struct client_config *config, struct client **client)
{
    const struct identity *me = config->identity;
    bool joined = me->server.state == SERVER_JOINED;
    bool enrolling = config->kind == CLIENT_AUTH_ENROL;
    ENSURE(joined != enrolling && enrolling == (config->store == NULL), MLT_ERR_STATE);
    CLEANUP(client_free) struct client *c = NULL;
    TRY(ALLOC_NEW(&c));
    c->config = *config;
    c->watch = -1;
    c->reach = (struct reach) { .env = config->env, .fd = -1 };
    TRY(watch_open(&c->watch));
    c->reach.watch = c->watch;
    c->pause_ms = LIMIT_RETRY_FIRST_MS;
    c->look_into_store = config->kind == CLIENT_AUTH_RECEIVE;
    memcpy(c->id, "--------", sizeof("--------"));
    c->handshake = (struct hs_client_config) {
        .env = config->env,
        .min_group = me->server.min_group,
        .pin = me->server.pin,
        .key = me->key,
        .kind = config->kind,
        .certificate = buf_span(&me->own_der),
        .name = me->server.name,
        .invite = me->server.has_invite ? &me->server.invite : NULL,
    };
    *client = c;
    c = NULL;
    return MLT_OK;
}

static void drop_link(struct client *c)
{
    if (c->link == NULL)
        return;
    enum mlt_err err = watch_set(c->watch, link_fd(c->link), false, false);
    (void)err; /* nothing can fail that takes out */
    link_free(&c->link);
}

static void hang_up(struct client *c)
{
    reach_stop(&c->reach);
    drop_link(c);
    c->logged_in = false;
}

void client_free(struct client **client)
{
    if (*client == NULL)
        return;
    hang_up(*client);
    reach_clear(&(*client)->reach);
    file_close(&(*client)->watch);
    alloc_free(*client);
    *client = NULL;
}

static bool is_out_of_reach(enum mlt_err err)
{
    return err == MLT_ERR_UNREACHABLE || err == MLT_ERR_UNKNOWN_HOST;
}

/* Whatever may be different in a moment; anything else would only repeat itself. */
static bool is_passing(const struct client_event *why)
{
    if (why->kind == CLIENT_EVENT_CLOSED)
        return why->close == CLOSE_SHUTDOWN || why->close == CLOSE_SILENT ||
               why->close == CLOSE_SLOW;
    if (why->kind == CLIENT_EVENT_REFUSED)
        return why->refusal == REFUSAL_BUSY;
    if (why->err == MLT_ERR_ALERT)
        return why->alert != ALERT_PROTOCOL && why->alert != ALERT_VERSION;
    return is_out_of_reach(why->err) || why->err == MLT_ERR_CUT || why->err == MLT_ERR_TIMEOUT;
}

/* Between three quarters of the pause and all of it, so that many clients do not come at once. */
static int64_t jittered(struct client *c, int64_t pause_ms)
{
    uint16_t chance = 0;
    if (env_random(c->config.env, (uint8_t *)&chance, sizeof(chance)) != MLT_OK)
        chance = 0;
    return pause_ms - pause_ms * chance / UINT16_MAX / 4;
}

static enum mlt_err look_up(struct client *c)
{
    const struct server_file *server = &c->config.identity->server;
    return reach_look_up(&c->reach, server->host, server->port);
}

static void plan_return(struct client *c, struct client_event *why)
{
    why->retry_ms = -1;
    c->state = STATE_OVER;
    if (!c->config.comes_back || !c->was_logged_in || !is_passing(why))
        return;
    why->retry_ms = jittered(c, c->pause_ms);
    c->due_ms = now(c) + why->retry_ms;
    c->state = STATE_WAITING;
    c->pause_ms *= 2;
    if (c->pause_ms > LIMIT_RETRY_MOST_MS)
        c->pause_ms = LIMIT_RETRY_MOST_MS;
    if (is_out_of_reach(why->err) && c->reach.resolver == NULL) { /* it may have moved */
        enum mlt_err err = look_up(c);
        (void)err; /* the old addresses serve on */
    }
}

/* The link is gone: nobody will hear what became of the messages under way. */
static void forget_messages(struct client *c, enum mlt_err err)
{
    struct in_flight_entry entry;
    while (in_flight_take_any(&c->in_flight, &entry)) {
        if (entry.given_up)
            continue;
        struct client_event event = { .kind = CLIENT_EVENT_OUTCOME,
                                      .err = err,
                                      .outcome.state = OUTCOME_UNKNOWN,
                                      .recipient = entry.recipient };
        memcpy(event.outcome.id, entry.id, ENVELOPE_ID);
        tell(c, &event);
    }
    c->in_flight = (struct in_flight) { 0 };
}

static void end_session(struct client *c, struct client_event *why, enum mlt_err err)
{
    forget_messages(c, err);
    hang_up(c);
    if (c->state == STATE_CLOSING) { /* that was the goodbye: nothing is lost any more */
        *why = (struct client_event) { .kind = CLIENT_EVENT_CLOSED, .close = CLOSE_DONE };
        c->was_logged_in = false;
    }
    plan_return(c, why);
    if (c->state == STATE_OVER)
        reach_clear(&c->reach);
    tell(c, why);
}

static void lose(struct client *c, enum mlt_err err)
{
    struct client_event why = { .kind = CLIENT_EVENT_LOST, .err = err, .system_errno = errno };
    if (c->link != NULL) {
        why.alert = link_peer_alert(c->link);
        snprintf(c->id, sizeof(c->id), "%s", link_id(c->link));
        link_fail(c->link, err);
    }
    end_session(c, &why, err);
}

/* This address did not answer as it should: the next one may.  Otherwise `err` stands. */
static enum mlt_err try_next(struct client *c, enum mlt_err err)
{
    ENSURE(reach_has_next(&c->reach), err);
    drop_link(c);
    TRY(reach_next(&c->reach));
    c->state = STATE_REACHING;
    return MLT_OK;
}

static enum mlt_err reach_out(struct client *c)
{
    TRY(reach_start(&c->reach));
    c->state = STATE_REACHING;
    return MLT_OK;
}

/* What of the connection the host's poll has to wake up for. */
static void watch_connection(struct client *c)
{
    int fd = c->link != NULL ? link_fd(c->link) : c->reach.fd;
    bool read = c->link != NULL && link_wants_read(c->link);
    bool write = c->link != NULL ? link_wants_write(c->link) : fd >= 0;
    if (fd < 0)
        return;
    enum mlt_err err = watch_set(c->watch, fd, read, write);
    if (err != MLT_OK)
        lose(c, err); /* nobody would wake us */
}

enum mlt_err client_connect(struct client *client)
{
    struct client *c = client;
    ENSURE(c->state == STATE_OVER, MLT_ERR_STATE);
    c->reach.addresses = (struct dial_list) { .count = 0 };
    enum mlt_err err = look_up(c);
    if (err == MLT_OK)
        err = reach_out(c);
    if (err != MLT_OK)
        lose(c, err);
    watch_connection(c);
    return MLT_OK;
}

void client_give_addresses(struct client *client, const struct dial_list *list)
{
    client->reach.given = *list;
}

static enum mlt_err on_issued(struct client *c, const struct welcome *w)
{
    const struct hs_result *proved = link_result(c->link);
    int64_t now_s = env_wall_ms(c->config.env) / 1000;
    return identity_keep_issued(c->config.home, c->config.identity, buf_span(&proved->ca_der),
                                w->certificate, now_s);
}

static void begin_goodbye(struct client *c)
{
    enum mlt_err err = link_close(c->link, CLOSE_DONE);
    (void)err; /* the server then sees a cut: as good as we can do */
    c->logged_in = false;
    c->state = STATE_CLOSING;
    c->due_ms = now(c) + LIMIT_GOODBYE_MS;
}

/* What the host could not deal with so far comes again. */
static void look_anew(struct client *c)
{
    c->last_row = 0;
    c->look_into_store = true;
    c->again = false;
}

static void on_logged_in(struct client *c, const struct welcome *w)
{
    c->max_body = w->max_body < LIMIT_BODY ? w->max_body : LIMIT_BODY;
    c->logged_in = true;
    c->was_logged_in = true;
    c->pause_ms = LIMIT_RETRY_FIRST_MS;
    c->reach.detail[0] = '\0';
    if (c->config.kind == CLIENT_AUTH_RECEIVE)
        look_anew(c);
    tell(c, &(struct client_event) { .kind = CLIENT_EVENT_LOGGED_IN });
}

static enum mlt_err on_refused(struct client *c, const struct welcome *w)
{
    struct client_event event = { .kind = CLIENT_EVENT_REFUSED, .refusal = w->reason };
    begin_goodbye(c);
    if (c->config.comes_back && c->was_logged_in && is_passing(&event)) {
        hang_up(c);
        plan_return(c, &event);
        event.kind = CLIENT_EVENT_LOST;
        event.err = MLT_ERR_TOO_MANY;
    }
    tell(c, &event);
    return MLT_OK;
}

static enum mlt_err on_welcome(struct client *c, struct span body)
{
    struct welcome w;
    TRY(welcome_decode(body, &w));
    link_settle(c->link, w.silence_ms);
    if (w.result == WELCOME_REFUSED)
        return on_refused(c, &w);
    ENSURE((w.result == WELCOME_LOGGED_IN) != is_enrolling(c), MLT_ERR_UNEXPECTED);
    if (w.result == WELCOME_LOGGED_IN) {
        on_logged_in(c, &w);
        return MLT_OK;
    }
    struct client_event event = { .kind = CLIENT_EVENT_PENDING, .retry_after_s = w.retry_after_s };
    if (w.result == WELCOME_ISSUED) {
        TRY(on_issued(c, &w));
        event.kind = CLIENT_EVENT_ISSUED;
    } else {
        TRY(identity_keep_pending(c->config.home, c->config.identity));
    }
    begin_goodbye(c);
    tell(c, &event);
    return MLT_OK;
}

static enum mlt_err on_deliver(struct client *c, struct span body)
{
    ENSURE(c->config.kind == CLIENT_AUTH_RECEIVE, MLT_ERR_UNEXPECTED);
    struct envelope e;
    TRY(envelope_decode_deliver(body, &e));
    ENSURE(name_eq(&e.recipient.name, &c->config.identity->server.name), MLT_ERR_UNEXPECTED);
    bool fresh = false;
    TRY(store_put(c->config.store, &e, &fresh));
    c->look_into_store = c->look_into_store || fresh;

    struct receipt receipt = { .sender = e.sender };
    memcpy(receipt.id, e.id, ENVELOPE_ID);
    CLEANUP(buf_clear) struct buf answer = { 0 };
    TRY(receipt_encode(&receipt, &answer));
    return link_send(c->link, RECORD_RECEIPT, buf_span(&answer));
}

static enum mlt_err on_outcome(struct client *c, struct span body)
{
    struct outcome outcome;
    TRY(outcome_decode(body, &outcome));
    struct in_flight_entry entry;
    TRY(in_flight_take(&c->in_flight, outcome.id, &entry));
    struct client_event event = { .kind = CLIENT_EVENT_OUTCOME,
                                  .outcome = outcome,
                                  .recipient = entry.recipient };
    if (!entry.given_up)
        tell(c, &event); /* before the disk can fail: nobody will say it again */
    if (outcome.state != OUTCOME_DELIVERED)
        return MLT_OK;
    return store_reached(c->config.store, &entry.recipient, env_wall_ms(c->config.env));
}

static enum mlt_err on_record(struct client *c, enum record_kind kind, struct span body)
{
    if (c->state == STATE_CLOSING)
        return MLT_OK; /* what crossed our close: its sender hears that nobody knows */
    if (!c->logged_in)
        return kind == RECORD_WELCOME ? on_welcome(c, body) : MLT_ERR_UNEXPECTED;
    switch (kind) {
    case RECORD_DELIVER:
        return on_deliver(c, body);
    case RECORD_OUTCOME:
        return on_outcome(c, body);
    case RECORD_PING:
        return link_send(c->link, RECORD_PONG, span_of(NULL, 0));
    case RECORD_PONG:
        return MLT_OK;
    default:
        return MLT_ERR_UNEXPECTED;
    }
}

static enum mlt_err take_records(struct client *c)
{
    CLEANUP(buf_clear) struct buf plain = { 0 };
    while (c->link != NULL) {
        enum record_kind kind = 0;
        TRY(link_next(c->link, &kind, &plain));
        if (kind == 0)
            return MLT_OK;
        TRY(on_record(c, kind, buf_span(&plain)));
    }
    return MLT_OK;
}

static void give_up_overdue(struct client *c)
{
    struct in_flight_entry entry;
    while (in_flight_give_up(&c->in_flight, now(c), &entry)) {
        struct client_event event = { .kind = CLIENT_EVENT_OUTCOME,
                                      .err = MLT_ERR_TIMEOUT,
                                      .outcome.state = OUTCOME_UNKNOWN,
                                      .recipient = entry.recipient };
        memcpy(event.outcome.id, entry.id, ENVELOPE_ID);
        tell(c, &event);
    }
}

static enum mlt_err run_link(struct client *c)
{
    bool was_up = link_is_up(c->link);
    enum mlt_err err = link_process(c->link);
    snprintf(c->id, sizeof(c->id), "%s", link_id(c->link));
    if (!link_is_up(c->link) && (err == MLT_ERR_CUT || err == MLT_ERR_TIMEOUT)) {
        reach_describe(&c->reach, err_text(err));
        return try_next(c, err);
    }
    TRY(err);
    if (!was_up && link_is_up(c->link) && !is_enrolling(c))
        TRY(trust_realm(&link_result(c->link)->ca, &c->config.identity->own));
    TRY(take_records(c));
    if (c->link != NULL)
        link_flush(c->link); /* receipts do not wait for the host */
    give_up_overdue(c);
    if (c->link != NULL && link_is_ended(c->link)) {
        struct client_event why = { .kind = CLIENT_EVENT_CLOSED,
                                    .close = link_close_reason(c->link) };
        end_session(c, &why, MLT_ERR_CUT);
    }
    return MLT_OK;
}

static enum mlt_err run_reach(struct client *c)
{
    int fd = -1;
    TRY(reach_process(&c->reach, &fd));
    if (fd < 0)
        return MLT_OK;
    TRY(link_new(&c->handshake, fd, &c->link));
    c->state = STATE_LINKED;
    return run_link(c);
}

/* A look-up beside the pause goes on. */
static enum mlt_err run_pause(struct client *c)
{
    if (now(c) >= c->due_ms)
        return reach_out(c);
    int none = -1;
    return reach_process(&c->reach, &none);
}

static enum mlt_err run_goodbye(struct client *c)
{
    ENSURE(now(c) < c->due_ms, MLT_ERR_TIMEOUT);
    return run_link(c);
}

static enum mlt_err advance(struct client *c)
{
    switch (c->state) {
    case STATE_WAITING:
        return run_pause(c);
    case STATE_REACHING:
        return run_reach(c);
    case STATE_LINKED:
        return run_link(c);
    case STATE_CLOSING:
        return run_goodbye(c);
    default:
        return MLT_OK;
    }
}

void client_process(struct client *client)
{
    if (client->again)
        look_anew(client);
    if (client->events.count > 0)
        return;
    enum mlt_err err = advance(client);
    if (err != MLT_OK)
        lose(client, err);
    watch_connection(client);
}

int client_fd(const struct client *client)
{
    return client->state != STATE_OVER ? client->watch : -1;
}

unsigned client_want(const struct client *client)
{
    return client->state != STATE_OVER ? CLIENT_WANT_READ : CLIENT_WANT_NOTHING;
}

static int64_t left_ms(const struct client *c)
{
    int64_t reach = reach_left_ms(&c->reach);
    if (c->state == STATE_REACHING)
        return reach;
    int64_t due = c->due_ms;
    if (c->state == STATE_LINKED) {
        int64_t outcome = in_flight_due_ms(&c->in_flight);
        due = link_due_ms(c->link);
        due = outcome < due ? outcome : due;
    }
    int64_t left = due - now(c);
    return c->state == STATE_WAITING && reach < left ? reach : left;
}

int client_timeout_ms(const struct client *client)
{
    const struct client *c = client;
    if (c->events.count > 0 || c->again)
        return 0;
    if (c->state == STATE_OVER && !c->look_into_store)
        return -1;
    int64_t left = c->state != STATE_OVER ? left_ms(c) : INT64_MAX;
    int64_t look = c->look_due_ms - now(c);
    left = c->look_into_store && look < left ? look : left;
    if (left < 0)
        return 0;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

static enum mlt_err next_message(struct client *c, struct client_event *event)
{
    struct store_message m = { 0 };
    bool found = false;
    TRY(store_unshown(c->config.store, c->last_row, c->config.only, &m, &found));
    c->look_into_store = found;
    if (!found)
        return MLT_OK;
    c->last_row = m.row;
    *event = (struct client_event) { .kind = CLIENT_EVENT_MESSAGE, .message = m };
    return MLT_OK;
}

enum mlt_err client_next_event(struct client *client, struct client_event *event)
{
    client_event_clear(event);
    if (event_queue_take(&client->events, event))
        return MLT_OK;
    if (!client->look_into_store || now(client) < client->look_due_ms)
        return MLT_OK;
    enum mlt_err err = next_message(client, event);
    if (err != MLT_OK) /* and would again at once: the host would do nothing else */
        client->look_due_ms = now(client) + LIMIT_STORE_RETRY_MS;
    return err;
}

/* Not at once: a host that asks whenever it cannot deal with a message would never see the last
 * of its events. */
void client_again(struct client *client)
{
    bool lasts = client->state != STATE_OVER && client->state != STATE_CLOSING;
    if (lasts && client->config.kind == CLIENT_AUTH_RECEIVE)
        client->again = true;
}

enum mlt_err client_shown(struct client *client, int64_t row)
{
    return store_shown(client->config.store, row);
}

enum mlt_err client_send(struct client *client, const struct name *recipient, struct span body,
                         uint8_t id[static ENVELOPE_ID])
{
    struct client *c = client;
    ENSURE(c->logged_in, MLT_ERR_STATE);
    ENSURE(body.n <= c->max_body, MLT_ERR_RANGE);
    size_t outcomes = in_flight_waiting(&c->in_flight) + c->events.count;
    ENSURE(outcomes < LIMIT_SEND_WINDOW, MLT_ERR_TOO_MANY);
    struct store_place place;
    TRY(store_take_place(c->config.store, recipient, c->config.env, &place));
    struct envelope e = { .recipient = { ADDRESS_USER, *recipient },
                          .epoch = place.epoch,
                          .number = place.number,
                          .body_kind = BODY_PLAIN,
                          .body = body };
    TRY(env_random(c->config.env, e.id, sizeof(e.id)));
    CLEANUP(buf_clear) struct buf record = { 0 };
    TRY(envelope_encode_send(&e, &record));
    TRY(link_send(c->link, RECORD_SEND, buf_span(&record)));
    struct in_flight_entry entry = { .recipient = *recipient, .due_ms = now(c) + LIMIT_OUTCOME_MS };
    memcpy(entry.id, e.id, ENVELOPE_ID);
    TRY(in_flight_add(&c->in_flight, &entry));
    memcpy(id, e.id, ENVELOPE_ID);
    watch_connection(c);
    return MLT_OK;
}

void client_close(struct client *client)
{
    struct client *c = client;
    c->look_into_store = false;
    c->again = false;
    if (c->state == STATE_LINKED && link_is_up(c->link)) {
        begin_goodbye(c);
        watch_connection(c);
        return;
    }
    if (c->state == STATE_CLOSING)
        return;
    hang_up(c);
    reach_clear(&c->reach);
    c->state = STATE_OVER;
}

bool client_is_logged_in(const struct client *client)
{
    return client->logged_in;
}

bool client_is_over(const struct client *client)
{
    return client->state == STATE_OVER;
}

bool client_has_events(const struct client *client)
{
    return client->events.count > 0;
}

const char *client_id(const struct client *client)
{
    return client->id;
}

const char *client_detail(const struct client *client)
{
    return client->reach.detail;
}
