/* SPDX-License-Identifier: Apache-2.0 */
#include "client/public.h"
#include "client/store_outbox.h"

#define SAME(public_name, own_name)                                                                \
    _Static_assert((int)(public_name) == (int)(own_name), "a public number has moved")

SAME(MLT_EVENT_NONE, CLIENT_EVENT_NONE);
SAME(MLT_EVENT_LOGGED_IN, CLIENT_EVENT_LOGGED_IN);
SAME(MLT_EVENT_ISSUED, CLIENT_EVENT_ISSUED);
SAME(MLT_EVENT_PENDING, CLIENT_EVENT_PENDING);
SAME(MLT_EVENT_REFUSED, CLIENT_EVENT_REFUSED);
SAME(MLT_EVENT_MESSAGE, CLIENT_EVENT_MESSAGE);
SAME(MLT_EVENT_OUTCOME, CLIENT_EVENT_OUTCOME);
SAME(MLT_EVENT_CLOSED, CLIENT_EVENT_CLOSED);
SAME(MLT_EVENT_LOST, CLIENT_EVENT_LOST);
SAME(MLT_EVENT_RENEWED, CLIENT_EVENT_RENEWED);
SAME(MLT_EVENT_NOT_RENEWED, CLIENT_EVENT_NOT_RENEWED);
SAME(MLT_EVENT_RESTORED, CLIENT_EVENT_RESTORED);
SAME(MLT_EVENT_CLOCK, CLIENT_EVENT_CLOCK);
SAME(MLT_EVENT_LEAF, CLIENT_EVENT_LEAF);
SAME(MLT_EVENT_AUDITED, CLIENT_EVENT_AUDITED);

SAME(MLT_OUTCOME_WAITING, STORE_WAITING);
SAME(MLT_OUTCOME_STORED, STORE_STORED);
SAME(MLT_OUTCOME_DELIVERED, STORE_DELIVERED);
SAME(MLT_OUTCOME_REFUSED, STORE_REFUSED);
SAME(MLT_OUTCOME_UNKNOWN, STORE_UNKNOWN);
SAME(MLT_OUTCOME_EXPIRED, STORE_EXPIRED);
SAME(MLT_OUTCOME_READ, STORE_READ);
SAME(MLT_OUTCOME_DROPPED, STORE_DROPPED);
SAME(MLT_WHY_NO_SUCH_NAME, OUTCOME_REASON_NO_SUCH_NAME);
SAME(MLT_WHY_AWAY, OUTCOME_REASON_AWAY);
SAME(MLT_WHY_BUSY, OUTCOME_REASON_BUSY);
SAME(MLT_WHY_DUPLICATE, OUTCOME_REASON_DUPLICATE);
SAME(MLT_WHY_NO_ROOM, OUTCOME_REASON_NO_ROOM);
SAME(MLT_WHY_FULL, OUTCOME_REASON_FULL);
SAME(MLT_WHY_SHARE, OUTCOME_REASON_SHARE);
SAME(MLT_WHY_ERASED, OUTCOME_REASON_ERASED);
SAME(MLT_WHY_TOO_LONG, STORE_WHY_TOO_LONG);

SAME(MLT_REFUSAL_NAME_TAKEN, REFUSAL_NAME_TAKEN);
SAME(MLT_REFUSAL_NAME_RESERVED, REFUSAL_NAME_RESERVED);
SAME(MLT_REFUSAL_INVITE, REFUSAL_INVITE);
SAME(MLT_REFUSAL_INVITE_NEEDED, REFUSAL_INVITE_NEEDED);
SAME(MLT_REFUSAL_BY_ADMIN, REFUSAL_BY_ADMIN);
SAME(MLT_REFUSAL_REQUEST, REFUSAL_REQUEST);
SAME(MLT_REFUSAL_EXPIRED, REFUSAL_EXPIRED);
SAME(MLT_REFUSAL_NOT_YET, REFUSAL_NOT_YET);
SAME(MLT_REFUSAL_REVOKED, REFUSAL_REVOKED);
SAME(MLT_REFUSAL_BUSY, REFUSAL_BUSY);
SAME(MLT_REFUSAL_STALE, REFUSAL_STALE);
SAME(MLT_REFUSAL_NOT_DUE, REFUSAL_NOT_DUE);
SAME(MLT_REFUSAL_STOPPED, REFUSAL_STOPPED);

SAME(MLT_CLOSED_DONE, CLOSE_DONE);
SAME(MLT_CLOSED_REPLACED, CLOSE_REPLACED);
SAME(MLT_CLOSED_REVOKED, CLOSE_REVOKED);
SAME(MLT_CLOSED_EXPIRED, CLOSE_EXPIRED);
SAME(MLT_CLOSED_SHUTDOWN, CLOSE_SHUTDOWN);
SAME(MLT_CLOSED_SILENT, CLOSE_SILENT);
SAME(MLT_CLOSED_SLOW, CLOSE_SLOW);
SAME(MLT_CLOSED_AGAIN, CLOSE_AGAIN);

static enum mlt_err next_event(struct mlt_client *c, const struct mlt_event **event)
{
    *event = NULL;
    if (c->client == NULL)
        return MLT_OK;
    TRY(client_next_event(c->client, &c->event.is));
    if (c->event.is.kind != CLIENT_EVENT_NONE)
        *event = &c->event;
    return MLT_OK;
}

enum mlt_error mlt_next_event(struct mlt_client *client, const struct mlt_event **event)
{
    return public_error(next_event(client, event));
}

static bool is_of(const struct mlt_event *event, enum client_event_kind kind)
{
    return event->is.kind == kind;
}

enum mlt_event_kind mlt_event_kind(const struct mlt_event *event)
{
    return (enum mlt_event_kind)event->is.kind;
}

enum mlt_error mlt_event_error(const struct mlt_event *event)
{
    return public_error(event->is.err);
}

int mlt_event_errno(const struct mlt_event *event)
{
    return event->is.err == MLT_ERR_SYSTEM ? event->is.system_errno : 0;
}

int64_t mlt_event_retry_ms(const struct mlt_event *event)
{
    switch (event->is.kind) {
    case CLIENT_EVENT_PENDING:
        return event->is.retry_after_s * INT64_C(1000);
    case CLIENT_EVENT_CLOSED:
    case CLIENT_EVENT_LOST:
        return event->is.retry_ms;
    default:
        return -1;
    }
}

const char *mlt_event_peer(const struct mlt_event *event)
{
    return event->is.message.peer.text;
}

const uint8_t *mlt_event_id(const struct mlt_event *event)
{
    bool has_one = is_of(event, CLIENT_EVENT_MESSAGE) || is_of(event, CLIENT_EVENT_OUTCOME);
    return has_one ? event->is.message.id : NULL;
}

int64_t mlt_event_time_ms(const struct mlt_event *event)
{
    return event->is.message.time_ms;
}

const void *mlt_event_body(const struct mlt_event *event, size_t *n)
{
    *n = event->is.message.body.len;
    return event->is.message.body.p;
}

int64_t mlt_event_row(const struct mlt_event *event)
{
    return is_of(event, CLIENT_EVENT_MESSAGE) ? event->is.message.row : 0;
}

uint64_t mlt_event_epoch(const struct mlt_event *event)
{
    return event->is.message.epoch;
}

uint64_t mlt_event_number(const struct mlt_event *event)
{
    return event->is.message.number;
}

uint64_t mlt_event_gap(const struct mlt_event *event)
{
    return event->is.message.gap;
}

enum mlt_outcome mlt_event_outcome(const struct mlt_event *event)
{
    return (enum mlt_outcome)event->is.message.state;
}

enum mlt_why mlt_event_why(const struct mlt_event *event)
{
    return (enum mlt_why)event->is.message.why;
}

enum mlt_refusal mlt_event_refusal(const struct mlt_event *event)
{
    return (enum mlt_refusal)event->is.refusal;
}

enum mlt_closed mlt_event_closed(const struct mlt_event *event)
{
    return (enum mlt_closed)event->is.close;
}

unsigned mlt_event_alert(const struct mlt_event *event)
{
    return event->is.err == MLT_ERR_ALERT ? (unsigned)event->is.alert : 0;
}

static const char *fate_text(const struct store_message *m)
{
    if (m->why == STORE_WHY_TOO_LONG)
        return "longer than the server takes";
    struct outcome outcome = { .state = (enum outcome_state)m->state,
                               .reason = (enum outcome_reason)m->why };
    switch (m->state) {
    case STORE_WAITING:
        outcome.state = m->why != 0 ? OUTCOME_REFUSED : OUTCOME_UNKNOWN;
        return outcome_text(&outcome);
    case STORE_UNKNOWN:
        return "nothing was heard of it for too long";
    case STORE_EXPIRED:
        return "expired";
    case STORE_DROPPED:
        return "dropped from the outbox";
    default:
        return outcome_text(&outcome);
    }
}

const char *mlt_event_text(const struct mlt_event *event)
{
    switch (event->is.kind) {
    case CLIENT_EVENT_REFUSED:
    case CLIENT_EVENT_NOT_RENEWED:
        return refusal_text(event->is.refusal);
    case CLIENT_EVENT_CLOCK:
        return err_text(MLT_ERR_CLOCK);
    case CLIENT_EVENT_CLOSED:
        return close_reason_text(event->is.close);
    case CLIENT_EVENT_OUTCOME:
        return event->is.err == MLT_OK ? fate_text(&event->is.message) : err_text(event->is.err);
    case CLIENT_EVENT_LOST:
        return event->is.err == MLT_ERR_ALERT ? alert_text(event->is.alert)
                                              : err_text(event->is.err);
    default:
        return "";
    }
}
