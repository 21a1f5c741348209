/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "client/ca_watch.h"
#include "client/comeback.h"
#include "client/offer.h"
#include "client/post.h"
#include "client/reach.h"
#include "client/watch.h"

enum client_state {
    STATE_OVER = 0,
    STATE_WAITING, /* to come back, until due_ms */
    STATE_REACHING,
    STATE_LINKED,
    STATE_LEAVING, /* waits for what the CA has to say, until due_ms */
    STATE_CLOSING  /* our close is said; until due_ms */
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
    bool renews; /* let in for that alone, until due_ms */
    struct comeback comeback;
    struct post post;        /* without a courier while enrolling */
    struct ca_watch watches; /* not while enrolling */
    struct event_queue events;
    struct offer offer;
    bool again; /* offer_anew at the next client_process */
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

static enum mlt_err open_post(struct client *c)
{
    const struct post_config config = { .env = c->config.env,
                                        .home = c->config.home,
                                        .store = c->config.store,
                                        .link = &c->link,
                                        .events = &c->events,
                                        .receives = c->config.kind == CLIENT_AUTH_RECEIVE };
    return post_open(&c->post, &config);
}

static void open_watches(struct client *c)
{
    const struct ca_watch_config config = { .env = c->config.env,
                                            .home = c->config.home,
                                            .store = c->config.store,
                                            .identity = c->config.identity,
                                            .link = &c->link,
                                            .events = &c->events };
    ca_watch_open(&c->watches, &config);
    c->handshake.is_revoked = ca_watch_is_revoked;
    c->handshake.revoked_ctx = &c->watches;
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
    c->comeback = (struct comeback) { .env = config->env, .pause_ms = LIMIT_RETRY_FIRST_MS };
    if (!enrolling)
        TRY(open_post(c));
    c->offer = (struct offer) { .env = config->env,
                                .store = config->store,
                                .only = config->only,
                                .has_messages = config->kind == CLIENT_AUTH_RECEIVE };
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
    if (!enrolling)
        open_watches(c);
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
    c->logged_in = c->renews = false;
    if (!is_enrolling(c))
        ca_watch_end(&c->watches);
}

void client_free(struct client **client)
{
    if (*client == NULL)
        return;
    hang_up(*client);
    post_close(&(*client)->post);
    if (!is_enrolling(*client))
        ca_watch_close(&(*client)->watches);
    reach_clear(&(*client)->reach);
    file_close(&(*client)->watch);
    alloc_free(*client);
    *client = NULL;
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
    if (!c->config.comes_back || !c->was_logged_in || !comeback_is_possible(why))
        return;
    why->retry_ms = comeback_pause_ms(&c->comeback, why);
    c->due_ms = now(c) + why->retry_ms;
    c->state = STATE_WAITING;
    if (comeback_needs_look_up(why) && c->reach.resolver == NULL) { /* it may have moved */
        enum mlt_err err = look_up(c);
        (void)err; /* the old addresses serve on */
    }
}

static void end_session(struct client *c, struct client_event *why, enum mlt_err err)
{
    if (!is_enrolling(c))
        courier_down(c->post.courier, err); /* before the event that says why */
    hang_up(c);
    /* That was the goodbye: nothing is lost any more.  But an alarm is one whenever it comes. */
    bool was_leaving = c->state == STATE_CLOSING || c->state == STATE_LEAVING;
    if (was_leaving && err != MLT_ERR_LEDGER) {
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
    if (!is_enrolling(c))
        ca_watch_explain(&c->watches, &why);
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
    if (!is_enrolling(c))
        TRY(ca_watch_check(&c->watches));
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
    c->logged_in = c->renews = false;
    c->state = STATE_CLOSING;
    c->post.is_leaving = c->watches.is_leaving = true;
    c->due_ms = now(c) + LIMIT_GOODBYE_MS;
}

static void on_logged_in(struct client *c, const struct welcome *w)
{
    c->logged_in = true;
    c->post.is_leaving = false;
    c->was_logged_in = true;
    comeback_logged_in(&c->comeback);
    c->reach.detail[0] = '\0';
    if (c->config.kind == CLIENT_AUTH_RECEIVE)
        offer_anew(&c->offer);
    courier_up(c->post.courier, w->max_body < LIMIT_BODY ? w->max_body : LIMIT_BODY);
    tell(c, &(struct client_event) { .kind = CLIENT_EVENT_LOGGED_IN });
}

/* A fleet that comes back expired while the CA is away should not ask faster than it is told. */
static void wait_as_asked(struct client *c, struct client_event *why, uint32_t retry_after_s)
{
    int64_t asked_ms = retry_after_s * INT64_C(1000);
    if (asked_ms > LIMIT_RENEWAL_WAIT_MS)
        asked_ms = LIMIT_RENEWAL_WAIT_MS;
    if (asked_ms <= why->retry_ms)
        return;
    c->due_ms += asked_ms - why->retry_ms;
    why->retry_ms = asked_ms;
}

static enum mlt_err on_refused(struct client *c, const struct welcome *w)
{
    struct client_event event = { .kind = CLIENT_EVENT_REFUSED, .refusal = w->reason };
    begin_goodbye(c);
    if (c->config.comes_back && c->was_logged_in && comeback_is_possible(&event)) {
        hang_up(c);
        plan_return(c, &event);
        wait_as_asked(c, &event, w->retry_after_s);
        event.kind = CLIENT_EVENT_LOST;
        event.err = MLT_ERR_TOO_MANY;
    }
    tell(c, &event);
    return MLT_OK;
}

static enum mlt_err on_let_in(struct client *c, const struct welcome *w)
{
    TRY(ca_watch_begin(&c->watches, w));
    c->renews = w->result == WELCOME_RENEW;
    if (c->renews)
        c->due_ms = now(c) + INT64_C(2) * LIMIT_HANDSHAKE_MS; /* the CA has as long as to enrol */
    else if (!ca_watch_is_doomed(&c->watches))
        on_logged_in(c, w);
    return MLT_OK;
}

static enum mlt_err on_welcome(struct client *c, struct span body)
{
    struct welcome w;
    TRY(welcome_decode(body, &w));
    link_settle(c->link, w.silence_ms);
    if (w.result == WELCOME_REFUSED)
        return on_refused(c, &w);
    bool is_let_in = w.result == WELCOME_LOGGED_IN || w.result == WELCOME_RENEW;
    ENSURE(is_let_in != is_enrolling(c), MLT_ERR_UNEXPECTED);
    if (is_let_in)
        return on_let_in(c, &w);
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

/* What crossed our close: fates are taken down all the same, the rest comes another time. */
static enum mlt_err on_late_record(struct client *c, enum record_kind kind, struct span body)
{
    if (is_enrolling(c))
        return MLT_OK;
    if (ca_watch_takes(kind))
        return ca_watch_record(&c->watches, kind, body);
    return kind == RECORD_OUTCOME ? post_outcome(&c->post, body) : MLT_OK;
}

/* Nothing counts but the answer to what we asked. */
static enum mlt_err on_lone_record(struct client *c, enum record_kind kind, struct span body)
{
    enum record_kind awaited = c->renews ? RECORD_RENEWED : RECORD_PROOF;
    ENSURE(kind != RECORD_WELCOME, MLT_ERR_UNEXPECTED);
    if (kind == RECORD_PING)
        return link_send(c->link, RECORD_PONG, span_of(NULL, 0));
    return kind == awaited ? ca_watch_record(&c->watches, kind, body) : MLT_OK;
}

static bool is_alone(const struct client *c)
{
    return !is_enrolling(c) && (c->renews || ca_watch_is_doomed(&c->watches));
}

static enum mlt_err on_record(struct client *c, enum record_kind kind, struct span body)
{
    if (c->state == STATE_CLOSING || c->state == STATE_LEAVING)
        return on_late_record(c, kind, body);
    if (is_alone(c))
        return on_lone_record(c, kind, body);
    if (!c->logged_in)
        return kind == RECORD_WELCOME ? on_welcome(c, body) : MLT_ERR_UNEXPECTED;
    switch (kind) {
    case RECORD_DELIVER:
        ENSURE(c->config.kind == CLIENT_AUTH_RECEIVE, MLT_ERR_UNEXPECTED);
        return post_deliver(&c->post, body, &c->config.identity->server.name);
    case RECORD_OUTCOME:
        return post_outcome(&c->post, body);
    case RECORD_PING:
        return link_send(c->link, RECORD_PONG, span_of(NULL, 0));
    case RECORD_PONG:
        return MLT_OK;
    default:
        ENSURE(ca_watch_takes(kind), MLT_ERR_UNEXPECTED);
        return ca_watch_record(&c->watches, kind, body);
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

static enum mlt_err run_post(struct client *c, bool at_end)
{
    if (is_enrolling(c))
        return MLT_OK;
    enum mlt_err err = post_run(&c->post, at_end);
    c->offer.has_fates = c->offer.has_fates || c->post.news.fates;
    c->offer.has_messages = c->offer.has_messages || c->post.news.messages;
    c->post.news = (struct courier_news) { 0 };
    return err;
}

static void end_as_announced(struct client *c, enum close_reason reason)
{
    struct client_event why = { .kind = CLIENT_EVENT_CLOSED, .close = reason };
    end_session(c, &why, MLT_ERR_CUT);
}

/* A new login is the one way on: as if the server had asked for it. */
static enum mlt_err begin_anew(struct client *c)
{
    TRY(link_close(c->link, CLOSE_DONE));
    end_as_announced(c, CLOSE_AGAIN);
    return MLT_OK;
}

/* What came before something that was wrong has come. */
static enum mlt_err take_and_settle(struct client *c)
{
    enum mlt_err err = take_records(c);
    int number = errno;
    bool is_leaving = c->state == STATE_CLOSING || c->state == STATE_LEAVING;
    enum mlt_err settled = run_post(c, err != MLT_OK || is_leaving);
    if (err == MLT_OK)
        return settled;
    errno = number;
    return err;
}

/* With the certificate that we were let in for. */
static enum mlt_err come_back_renewed(struct client *c)
{
    TRY(link_close(c->link, CLOSE_DONE));
    hang_up(c);
    return reach_out(c);
}

static enum mlt_err run_renewing(struct client *c)
{
    const struct ca_watch *a = &c->watches;
    if (a->is_renewed)
        return come_back_renewed(c);
    if (a->refused != REFUSAL_NONE)
        return on_refused(
            c, &(struct welcome) { .reason = a->refused, .retry_after_s = a->retry_after_s });
    return now(c) < c->due_ms ? MLT_OK : MLT_ERR_TIMEOUT;
}

/* After the records: what is due of our own accord.  It may end the session. */
static enum mlt_err run_watches(struct client *c)
{
    bool lasts = c->logged_in || is_alone(c) || c->state == STATE_LEAVING;
    if (is_enrolling(c) || !lasts)
        return MLT_OK;
    TRY(ca_watch_run(&c->watches));
    if (c->renews)
        return run_renewing(c);
    if (!c->logged_in || !ca_watch_server_is_revoked(&c->watches))
        return MLT_OK;
    ENSURE(c->config.comes_back, MLT_ERR_CERT_REVOKED);
    return begin_anew(c); /* to the certificate that it has now */
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
    TRY(take_and_settle(c));
    /* RENEWED, and the goodbye of a server that has no more to say, may come as one. */
    if (c->link != NULL && (c->renews || !link_is_ended(c->link)))
        TRY(run_watches(c));
    if (c->link == NULL)
        return MLT_OK;
    link_flush(c->link); /* receipts do not wait for the host */
    if (link_is_ended(c->link))
        end_as_announced(c, link_close_reason(c->link));
    else if (!is_enrolling(c) && courier_is_stuck(c->post.courier))
        return begin_anew(c);
    return MLT_OK;
}

static enum mlt_err run_reach(struct client *c)
{
    int fd = -1;
    TRY(reach_process(&c->reach, &fd));
    if (fd < 0)
        return MLT_OK;
    c->handshake.certificate = buf_span(&c->config.identity->own_der); /* renewed, perhaps */
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

static enum mlt_err run_leave(struct client *c)
{
    TRY(run_link(c));
    bool is_over = now(c) >= c->due_ms || !ca_watch_is_waiting(&c->watches);
    if (c->state != STATE_LEAVING || !is_over)
        return MLT_OK;
    begin_goodbye(c);
    c->due_ms -= LIMIT_GOODBYE_MS / 2; /* has passed, or so much less is left */
    return MLT_OK;
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
    case STATE_LEAVING:
        return run_leave(c);
    case STATE_CLOSING:
        return run_goodbye(c);
    default:
        return MLT_OK;
    }
}

/* Without a link: what other processes of this home heard.  A store that fails is asked again. */
static void look_at_others(struct client *c)
{
    if (c->link != NULL || is_enrolling(c) || now(c) < courier_due_ms(c->post.courier))
        return;
    enum mlt_err err = run_post(c, false);
    (void)err;
}

void client_process(struct client *client)
{
    if (client->again)
        offer_anew(&client->offer);
    client->again = false;
    if (client->events.count > 0)
        return;
    enum mlt_err err = advance(client);
    if (err != MLT_OK)
        lose(client, err);
    look_at_others(client);
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

static int64_t linked_due_ms(const struct client *c)
{
    int64_t due = link_due_ms(c->link);
    if (is_enrolling(c))
        return due;
    int64_t watches = ca_watch_due_ms(&c->watches);
    due = watches < due ? watches : due;
    return c->renews && c->due_ms < due ? c->due_ms : due;
}

static int64_t left_ms(const struct client *c)
{
    int64_t reach = reach_left_ms(&c->reach);
    if (c->state == STATE_REACHING)
        return reach;
    int64_t due = c->due_ms;
    if (c->state == STATE_LINKED)
        due = linked_due_ms(c);
    int64_t left = due - now(c);
    return c->state == STATE_WAITING && reach < left ? reach : left;
}

static int64_t courier_left_ms(const struct client *c)
{
    bool is_leaving = c->state == STATE_CLOSING || c->state == STATE_LEAVING;
    if (is_enrolling(c) || c->state == STATE_OVER || is_leaving)
        return INT64_MAX;
    int64_t due = courier_due_ms(c->post.courier);
    return due != INT64_MAX ? due - now(c) : INT64_MAX;
}

int client_timeout_ms(const struct client *client)
{
    const struct client *c = client;
    if (c->events.count > 0 || c->again)
        return 0;
    int64_t left = c->state != STATE_OVER ? left_ms(c) : INT64_MAX;
    int64_t offer = offer_left_ms(&c->offer);
    if (c->state == STATE_OVER && offer == INT64_MAX)
        return -1;
    left = offer < left ? offer : left;
    int64_t courier = courier_left_ms(c);
    left = courier < left ? courier : left;
    if (left < 0)
        return 0;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

/* Fates before an end: a host that hears of that may take no more. */
enum mlt_err client_next_event(struct client *client, struct client_event *event)
{
    struct client *c = client;
    enum client_event_kind first = event_queue_first(&c->events);
    bool queue_first =
        first != CLIENT_EVENT_NONE && first != CLIENT_EVENT_CLOSED && first != CLIENT_EVENT_LOST;
    client_event_clear(event);
    if (!queue_first)
        TRY(offer_fate(&c->offer, event));
    if (event->kind != CLIENT_EVENT_NONE || event_queue_take(&c->events, event))
        return MLT_OK;
    return offer_message(&c->offer, event);
}

/* Not at once: a host that asks whenever it cannot deal with a message would never see the last
 * of its events. */
void client_again(struct client *client)
{
    bool is_leaving = client->state == STATE_CLOSING || client->state == STATE_LEAVING;
    bool lasts = client->state != STATE_OVER && !is_leaving;
    if (lasts && client->config.kind == CLIENT_AUTH_RECEIVE)
        client->again = true;
}

void client_wake(struct client *client)
{
    struct client *c = client;
    if (is_enrolling(c))
        return;
    courier_wake(c->post.courier);
    if (!c->logged_in || c->events.count > 0)
        return; /* client_process does it */
    enum mlt_err err = run_post(c, false);
    if (err != MLT_OK)
        lose(c, err);
    watch_connection(c);
}

/* Who is never in for long would otherwise never hear what the CA says. */
static void take_leave(struct client *c)
{
    if (!c->logged_in || !ca_watch_is_waiting(&c->watches)) {
        begin_goodbye(c);
        return;
    }
    c->logged_in = false;
    c->state = STATE_LEAVING;
    c->due_ms = now(c) + LIMIT_GOODBYE_MS / 2;
}

void client_close(struct client *client)
{
    struct client *c = client;
    c->offer.has_messages = c->again = false;
    if (c->state == STATE_LINKED && link_is_up(c->link)) {
        take_leave(c);
        watch_connection(c);
        return;
    }
    if (c->state == STATE_CLOSING || c->state == STATE_LEAVING)
        return;
    hang_up(c);
    reach_clear(&c->reach);
    c->state = STATE_OVER;
}

enum mlt_err client_audit(struct client *client)
{
    ENSURE(client->logged_in && !is_enrolling(client), MLT_ERR_STATE);
    return ca_watch_audit(&client->watches);
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
