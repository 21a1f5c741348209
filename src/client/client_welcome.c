/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client_state.h"

static enum mlt_err on_issued(struct client *c, const struct welcome *w)
{
    const struct hs_result *proved = link_result(c->link);
    int64_t now_s = env_wall_ms(c->config.env) / 1000;
    return identity_keep_issued(c->config.home, c->config.identity, buf_span(&proved->ca_der),
                                w->certificate, now_s);
}

static void on_logged_in(struct client *c, const struct welcome *w)
{
    c->logged_in = true;
    c->was_logged_in = true;
    comeback_logged_in(&c->comeback);
    c->reach.detail[0] = '\0';
    if (c->config.kind == CLIENT_AUTH_RECEIVE)
        offer_anew(&c->offer);
    courier_up(c->post.courier, w->max_body < LIMIT_BODY ? w->max_body : LIMIT_BODY);
    client_tell(c, &(struct client_event) { .kind = CLIENT_EVENT_LOGGED_IN });
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
    client_way_goodbye(c);
    if (c->config.comes_back && c->was_logged_in && comeback_is_possible(&event)) {
        client_way_hang_up(c);
        client_way_return(c, &event);
        wait_as_asked(c, &event, w->retry_after_s);
        event.kind = CLIENT_EVENT_LOST;
        event.err = MLT_ERR_TOO_MANY;
    }
    client_tell(c, &event);
    return MLT_OK;
}

static enum mlt_err on_let_in(struct client *c, const struct welcome *w)
{
    TRY(ca_watch_begin(&c->watches, w));
    c->renews = w->result == WELCOME_RENEW;
    if (c->renews) /* the CA has as long as to enrol */
        c->due_ms = client_now_ms(c) + INT64_C(2) * LIMIT_HANDSHAKE_MS;
    else if (!ca_watch_is_doomed(&c->watches))
        on_logged_in(c, w);
    return MLT_OK;
}

enum mlt_err client_welcome_take(struct client *c, struct span body)
{
    struct welcome w;
    TRY(welcome_decode(body, &w));
    link_settle(c->link, w.silence_ms);
    if (w.result == WELCOME_REFUSED)
        return on_refused(c, &w);
    bool is_let_in = w.result == WELCOME_LOGGED_IN || w.result == WELCOME_RENEW;
    ENSURE(is_let_in != client_is_enrolling(c), MLT_ERR_UNEXPECTED);
    if (is_let_in)
        return on_let_in(c, &w);
    struct client_event event = { .kind = CLIENT_EVENT_PENDING, .retry_after_s = w.retry_after_s };
    if (w.result == WELCOME_ISSUED) {
        TRY(on_issued(c, &w));
        event.kind = CLIENT_EVENT_ISSUED;
    } else {
        TRY(identity_keep_pending(c->config.home, c->config.identity));
    }
    client_way_goodbye(c);
    client_tell(c, &event);
    return MLT_OK;
}

/* With the certificate that we were let in for. */
static enum mlt_err come_back_renewed(struct client *c)
{
    TRY(link_close(c->link, CLOSE_DONE));
    client_way_hang_up(c);
    return client_way_begin(c);
}

enum mlt_err client_welcome_run_renewing(struct client *c)
{
    const struct ca_watch *a = &c->watches;
    if (a->is_renewed)
        return come_back_renewed(c);
    if (a->refused != REFUSAL_NONE)
        return on_refused(
            c, &(struct welcome) { .reason = a->refused, .retry_after_s = a->retry_after_s });
    return client_now_ms(c) < c->due_ms ? MLT_OK : MLT_ERR_TIMEOUT;
}
