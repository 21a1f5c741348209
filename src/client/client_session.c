/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client_state.h"

#include <errno.h>
#include <stdio.h>

/* What crossed our close: fates are taken down all the same, the rest comes another time. */
static enum mlt_err on_late_record(struct client *c, enum record_kind kind, struct span body)
{
    if (client_is_enrolling(c))
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
    return !client_is_enrolling(c) && (c->renews || ca_watch_is_doomed(&c->watches));
}

static enum mlt_err on_record(struct client *c, enum record_kind kind, struct span body)
{
    if (client_is_leaving(c))
        return on_late_record(c, kind, body);
    if (is_alone(c))
        return on_lone_record(c, kind, body);
    if (!c->logged_in)
        return kind == RECORD_WELCOME ? client_welcome_take(c, body) : MLT_ERR_UNEXPECTED;
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

enum mlt_err client_session_run_post(struct client *c, bool at_end)
{
    if (client_is_enrolling(c))
        return MLT_OK;
    enum mlt_err err = post_run(&c->post, at_end);
    c->offer.has_fates = c->offer.has_fates || c->post.news.fates;
    c->offer.has_messages = c->offer.has_messages || c->post.news.messages;
    c->post.news = (struct courier_news) { 0 };
    return err;
}

/* What came before something that was wrong has come. */
static enum mlt_err take_and_settle(struct client *c)
{
    enum mlt_err err = take_records(c);
    int number = errno;
    enum mlt_err settled = client_session_run_post(c, err != MLT_OK || client_is_leaving(c));
    if (err == MLT_OK)
        return settled;
    errno = number;
    return err;
}

/* After the records: what is due of our own accord.  It may end the session. */
static enum mlt_err run_watches(struct client *c)
{
    bool lasts = c->logged_in || is_alone(c) || c->state == STATE_LEAVING;
    if (client_is_enrolling(c) || !lasts)
        return MLT_OK;
    TRY(ca_watch_run(&c->watches));
    if (c->renews)
        return client_welcome_run_renewing(c);
    if (!c->logged_in || !ca_watch_server_is_revoked(&c->watches))
        return MLT_OK;
    ENSURE(c->config.comes_back, MLT_ERR_CERT_REVOKED);
    return client_way_begin_anew(c); /* to the certificate that it has now */
}

enum mlt_err client_session_run(struct client *c)
{
    bool was_up = link_is_up(c->link);
    enum mlt_err err = link_process(c->link);
    snprintf(c->id, sizeof(c->id), "%s", link_id(c->link));
    if (!link_is_up(c->link) && (err == MLT_ERR_CUT || err == MLT_ERR_TIMEOUT)) {
        reach_describe(&c->reach, err_text(err));
        return client_way_next(c, err);
    }
    TRY(err);
    if (!was_up && link_is_up(c->link) && !client_is_enrolling(c))
        TRY(trust_realm(&link_result(c->link)->ca, &c->config.identity->own));
    TRY(take_and_settle(c));
    /* RENEWED, and the goodbye of a server that has no more to say, may come as one. */
    if (c->link != NULL && (c->renews || !link_is_ended(c->link)))
        TRY(run_watches(c));
    if (c->link == NULL)
        return MLT_OK;
    link_flush(c->link); /* receipts do not wait for the host */
    if (link_is_ended(c->link))
        client_way_end(c, link_close_reason(c->link));
    else if (!client_is_enrolling(c) && courier_is_stuck(c->post.courier))
        return client_way_begin_anew(c);
    return MLT_OK;
}
