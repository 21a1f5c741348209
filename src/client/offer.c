/* SPDX-License-Identifier: Apache-2.0 */
#include "client/offer.h"

#include "client/store_outbox.h"

void offer_anew(struct offer *offer)
{
    offer->last_row = 0;
    offer->has_messages = true;
}

static bool may_look(const struct offer *o)
{
    return env_mono_ms(o->env) >= o->due_ms;
}

/* A failing store would fail again at once: the host would do nothing else. */
static enum mlt_err look(struct offer *o, enum mlt_err err)
{
    if (err != MLT_OK)
        o->due_ms = env_mono_ms(o->env) + LIMIT_STORE_RETRY_MS;
    return err;
}

enum mlt_err offer_fate(struct offer *offer, struct client_event *event)
{
    struct store_message m = { 0 };
    if (!offer->has_fates || !may_look(offer))
        return MLT_OK;
    bool found = false;
    TRY(look(offer, store_outbox_change(offer->store, &m, &found)));
    offer->has_fates = found;
    if (found)
        *event = (struct client_event) { .kind = CLIENT_EVENT_OUTCOME, .message = m };
    return MLT_OK;
}

enum mlt_err offer_message(struct offer *offer, struct client_event *event)
{
    struct store_message m = { 0 };
    if (!offer->has_messages || !may_look(offer))
        return MLT_OK;
    bool found = false;
    TRY(look(offer, store_unshown(offer->store, offer->last_row, offer->only, &m, &found)));
    offer->has_messages = found;
    if (!found)
        return MLT_OK;
    offer->last_row = m.row;
    *event = (struct client_event) { .kind = CLIENT_EVENT_MESSAGE, .message = m };
    return MLT_OK;
}

int64_t offer_left_ms(const struct offer *offer)
{
    bool has_any = offer->has_fates || offer->has_messages;
    return has_any ? offer->due_ms - env_mono_ms(offer->env) : INT64_MAX;
}
