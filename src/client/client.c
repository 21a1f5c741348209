/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client_state.h"

#include <string.h>

#include "base/alloc.h"
#include "client/watch.h"

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

void client_free(struct client **client)
{
    if (*client == NULL)
        return;
    client_way_hang_up(*client);
    post_close(&(*client)->post);
    if (!client_is_enrolling(*client))
        ca_watch_close(&(*client)->watches);
    reach_clear(&(*client)->reach);
    file_close(&(*client)->watch);
    alloc_free(*client);
    *client = NULL;
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
        client_way_lose(c, err); /* nobody would wake us */
}

enum mlt_err client_connect(struct client *client)
{
    struct client *c = client;
    ENSURE(c->state == STATE_OVER, MLT_ERR_STATE);
    c->reach.addresses = (struct dial_list) { .count = 0 };
    enum mlt_err err = client_way_look_up(c);
    if (err == MLT_OK)
        err = client_way_begin(c);
    if (err != MLT_OK)
        client_way_lose(c, err);
    watch_connection(c);
    return MLT_OK;
}

void client_give_addresses(struct client *client, const struct dial_list *list)
{
    client->reach.given = *list;
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
    return client_session_run(c);
}

/* A look-up beside the pause goes on. */
static enum mlt_err run_pause(struct client *c)
{
    if (client_now_ms(c) >= c->due_ms)
        return client_way_begin(c);
    int none = -1;
    return reach_process(&c->reach, &none);
}

static enum mlt_err run_goodbye(struct client *c)
{
    ENSURE(client_now_ms(c) < c->due_ms, MLT_ERR_TIMEOUT);
    return client_session_run(c);
}

static enum mlt_err run_leave(struct client *c)
{
    TRY(client_session_run(c));
    bool is_over = client_now_ms(c) >= c->due_ms || !ca_watch_is_waiting(&c->watches);
    if (c->state != STATE_LEAVING || !is_over)
        return MLT_OK;
    client_way_goodbye(c);
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
        return client_session_run(c);
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
    if (c->link != NULL || client_is_enrolling(c) ||
        client_now_ms(c) < courier_due_ms(c->post.courier))
        return;
    enum mlt_err err = client_session_run_post(c, false);
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
        client_way_lose(client, err);
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
    if (client_is_enrolling(c))
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
    int64_t left = due - client_now_ms(c);
    return c->state == STATE_WAITING && reach < left ? reach : left;
}

static int64_t courier_left_ms(const struct client *c)
{
    if (client_is_enrolling(c) || c->state == STATE_OVER || client_is_leaving(c))
        return INT64_MAX;
    int64_t due = courier_due_ms(c->post.courier);
    return due != INT64_MAX ? due - client_now_ms(c) : INT64_MAX;
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
    bool lasts = client->state != STATE_OVER && !client_is_leaving(client);
    if (lasts && client->config.kind == CLIENT_AUTH_RECEIVE)
        client->again = true;
}

void client_wake(struct client *client)
{
    struct client *c = client;
    if (client_is_enrolling(c))
        return;
    courier_wake(c->post.courier);
    if (!c->logged_in || c->events.count > 0)
        return; /* client_process does it */
    enum mlt_err err = client_session_run_post(c, false);
    if (err != MLT_OK)
        client_way_lose(c, err);
    watch_connection(c);
}

/* Who is never in for long would otherwise never hear what the CA says. */
static void take_leave(struct client *c)
{
    if (!c->logged_in || !ca_watch_is_waiting(&c->watches)) {
        client_way_goodbye(c);
        return;
    }
    c->logged_in = false;
    c->state = STATE_LEAVING;
    c->due_ms = client_now_ms(c) + LIMIT_GOODBYE_MS / 2;
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
    if (client_is_leaving(c))
        return;
    client_way_hang_up(c);
    reach_clear(&c->reach);
    c->state = STATE_OVER;
}

enum mlt_err client_audit(struct client *client)
{
    ENSURE(client->logged_in && !client_is_enrolling(client), MLT_ERR_STATE);
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
