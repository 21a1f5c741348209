/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/fate.h"

#include "base/limits.h"
#include "cmd/explain.h"
#include "cmd/say.h"
#include "cmd/show.h"

const char *fate_why(enum mlt_outcome outcome, enum mlt_why why)
{
    if (outcome == MLT_OUTCOME_UNKNOWN)
        return TEXT_OUTCOME_UNKNOWN;
    if (outcome == MLT_OUTCOME_EXPIRED)
        return TEXT_OUTCOME_EXPIRED;
    if (outcome != MLT_OUTCOME_REFUSED && outcome != MLT_OUTCOME_WAITING)
        return NULL;
    switch (why) {
    case MLT_WHY_NONE:
        return outcome == MLT_OUTCOME_REFUSED ? TEXT_OUTCOME_REFUSED : NULL;
    case MLT_WHY_NO_SUCH_NAME:
        return TEXT_OUTCOME_NO_SUCH_NAME;
    case MLT_WHY_AWAY:
        return TEXT_OUTCOME_AWAY;
    case MLT_WHY_BUSY:
        return TEXT_OUTCOME_BUSY;
    case MLT_WHY_NO_ROOM:
        return TEXT_OUTCOME_NO_ROOM;
    case MLT_WHY_FULL:
        return TEXT_OUTCOME_FULL;
    case MLT_WHY_SHARE:
        return TEXT_OUTCOME_SHARE;
    case MLT_WHY_ERASED:
        return TEXT_OUTCOME_ERASED;
    case MLT_WHY_TOO_LONG:
        return TEXT_OUTCOME_TOO_LONG;
    default:
        return TEXT_OUTCOME_REFUSED;
    }
}

const char *fate_waiting(const struct mlt_event *event)
{
    if (mlt_event_error(event) == MLT_ERROR_TIMEOUT)
        return TEXT_OUTCOME_NO_ANSWER;
    if (mlt_event_error(event) != MLT_ERROR_NONE)
        return TEXT_OUTCOME_LOST;
    const char *why = fate_why(MLT_OUTCOME_WAITING, mlt_event_why(event));
    return why != NULL ? why : TEXT_OUTCOME_UNCONFIRMED;
}

bool fate_is_failure(enum mlt_outcome outcome)
{
    return outcome == MLT_OUTCOME_REFUSED || outcome == MLT_OUTCOME_EXPIRED ||
           outcome == MLT_OUTCOME_UNKNOWN;
}

const char *fate_say(const struct host *host, const char *to, enum mlt_outcome outcome,
                     enum mlt_why why)
{
    const char *reason = fate_why(outcome, why);
    const char *id = mlt_connection_id(host->client);
    if (outcome == MLT_OUTCOME_DROPPED)
        say_error(TEXT_DROPPED_MEANWHILE, to);
    else if (outcome == MLT_OUTCOME_UNKNOWN)
        say_error(TEXT_NOT_KNOWN, to, reason, id);
    else
        say_error(TEXT_NOT_DELIVERED, to, reason, id);
    return reason;
}

/* A message of ours that was dropped, or did not arrive. */
static void say_ended(const struct host *host, const struct mlt_message *m)
{
    CLEANUP(buf_clear) struct buf line = { 0 };
    const char *words = "";
    char when[SHOW_CLOCK];
    show_clock(m->time_ms, when);
    if (show_first_words(span_of(m->body, m->n), &line) == MLT_OK &&
        buf_text(&line, &words) != MLT_OK)
        words = "";
    const char *why = fate_why(m->outcome, m->why);
    const char *id = mlt_connection_id(host->client);
    if (m->outcome == MLT_OUTCOME_DROPPED)
        say_error(TEXT_DROPPED_MEANWHILE, m->peer);
    else if (m->outcome == MLT_OUTCOME_UNKNOWN)
        say_error(TEXT_EARLIER_NOT_KNOWN, when, m->peer, words, why, id);
    else
        say_error(TEXT_EARLIER_FAILED, when, m->peer, words, why, id);
}

void fate_ended(const struct host *host, const uint8_t *message)
{
    struct mlt_message m = MLT_MESSAGE_INIT;
    bool found = false;
    enum mlt_error error = mlt_fate(host->client, message, &m, &found);
    if (error != MLT_ERROR_NONE)
        (void)explain_store(host, error);
    else if (found && (m.outcome == MLT_OUTCOME_DROPPED || fate_is_failure(m.outcome)))
        say_ended(host, &m);
}

void fate_earlier(const struct host *host, const struct mlt_event *event)
{
    if (!fate_is_failure(mlt_event_outcome(event)))
        return;
    struct mlt_message m = MLT_MESSAGE_INIT;
    bool found = false;
    enum mlt_error error = mlt_fate(host->client, mlt_event_id(event), &m, &found);
    int64_t row = m.row;
    if (error == MLT_ERROR_NONE && found) /* one that the user let go of is no news to him */
        error = mlt_next_waiting(host->client, row - 1, &m, &found);
    if (error != MLT_ERROR_NONE || !found || m.row != row || !fate_is_failure(m.outcome))
        return;
    /* One that was put since this command began has a command of its own to tell it; unless that
     * was long ago. */
    if (m.time_ms >= host->opened_ms && m.changed_ms - m.time_ms < LIMIT_OUTCOME_MS)
        return;
    say_ended(host, &m);
}
