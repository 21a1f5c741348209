/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client_state.h"

#include <errno.h>
#include <stdio.h>

#include "client/watch.h"

static void drop_link(struct client *c)
{
    if (c->link == NULL)
        return;
    enum mlt_err err = watch_set(c->watch, link_fd(c->link), false, false);
    (void)err; /* nothing can fail that takes out */
    link_free(&c->link);
}

void client_way_hang_up(struct client *c)
{
    reach_stop(&c->reach);
    drop_link(c);
    c->logged_in = c->renews = false;
    if (!client_is_enrolling(c))
        ca_watch_end(&c->watches);
}

enum mlt_err client_way_look_up(struct client *c)
{
    const struct server_file *server = &c->config.identity->server;
    return reach_look_up(&c->reach, server->host, server->port);
}

enum mlt_err client_way_begin(struct client *c)
{
    if (!client_is_enrolling(c))
        TRY(ca_watch_check(&c->watches));
    TRY(reach_start(&c->reach));
    c->state = STATE_REACHING;
    return MLT_OK;
}

enum mlt_err client_way_next(struct client *c, enum mlt_err err)
{
    ENSURE(reach_has_next(&c->reach), err);
    drop_link(c);
    TRY(reach_next(&c->reach));
    c->state = STATE_REACHING;
    return MLT_OK;
}

void client_way_return(struct client *c, struct client_event *why)
{
    why->retry_ms = -1;
    c->state = STATE_OVER;
    if (!c->config.comes_back || !c->was_logged_in || !comeback_is_possible(why))
        return;
    why->retry_ms = comeback_pause_ms(&c->comeback, why);
    c->due_ms = client_now_ms(c) + why->retry_ms;
    c->state = STATE_WAITING;
    if (comeback_needs_look_up(why) && c->reach.resolver == NULL) { /* it may have moved */
        enum mlt_err err = client_way_look_up(c);
        (void)err; /* the old addresses serve on */
    }
}

static void end_session(struct client *c, struct client_event *why, enum mlt_err err)
{
    if (!client_is_enrolling(c))
        courier_down(c->post.courier, err); /* before the event that says why */
    client_way_hang_up(c);
    /* That was the goodbye: nothing is lost any more.  But an alarm is one whenever it comes. */
    bool was_leaving = client_is_leaving(c);
    if (was_leaving && err != MLT_ERR_LEDGER) {
        *why = (struct client_event) { .kind = CLIENT_EVENT_CLOSED, .close = CLOSE_DONE };
        c->was_logged_in = false;
    }
    client_way_return(c, why);
    if (c->state == STATE_OVER)
        reach_clear(&c->reach);
    client_tell(c, why);
}

void client_way_lose(struct client *c, enum mlt_err err)
{
    struct client_event why = { .kind = CLIENT_EVENT_LOST, .system_errno = errno };
    if (!client_is_enrolling(c))
        err = ca_watch_verdict(&c->watches, err);
    why.err = err;
    if (c->link != NULL) {
        why.alert = link_peer_alert(c->link);
        snprintf(c->id, sizeof(c->id), "%s", link_id(c->link));
        link_fail(c->link, err);
    }
    if (!client_is_enrolling(c))
        ca_watch_explain(&c->watches, &why);
    end_session(c, &why, err);
}

void client_way_end(struct client *c, enum close_reason reason)
{
    struct client_event why = { .kind = CLIENT_EVENT_CLOSED, .close = reason };
    if (!client_is_enrolling(c) && ca_watch_is_doomed(&c->watches)) {
        client_way_lose(c, MLT_ERR_CUT);
        return;
    }
    end_session(c, &why, MLT_ERR_CUT);
}

enum mlt_err client_way_begin_anew(struct client *c)
{
    TRY(link_close(c->link, CLOSE_DONE));
    client_way_end(c, CLOSE_AGAIN);
    return MLT_OK;
}

void client_way_goodbye(struct client *c)
{
    enum mlt_err err = link_close(c->link, CLOSE_DONE);
    (void)err; /* the server then sees a cut: as good as we can do */
    c->logged_in = c->renews = false;
    c->state = STATE_CLOSING;
    c->due_ms = client_now_ms(c) + LIMIT_GOODBYE_MS;
}
