/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "client/public.h"

enum mlt_err public_open_store(struct mlt_client *c)
{
    ENSURE(mlt_state(c) == MLT_STATE_JOINED, MLT_ERR_STATE);
    return c->store != NULL ? MLT_OK : store_open(&c->home, env_system(), &c->store);
}

enum mlt_error mlt_open_store(struct mlt_client *client)
{
    return public_error(public_open_store(client));
}

static enum mlt_err count_unshown(struct mlt_client *c, const char *except, uint64_t *count)
{
    struct name name;
    if (except != NULL)
        TRY(name_parse(span_str(except), &name));
    TRY(public_open_store(c));
    return store_count_unshown(c->store, except != NULL ? &name : NULL, count);
}

enum mlt_error mlt_count_unshown(struct mlt_client *client, const char *except, uint64_t *count)
{
    return public_error(count_unshown(client, except, count));
}

static enum mlt_err next_contact(struct mlt_client *c, const char *after,
                                 struct mlt_contact *contact, bool *found)
{
    struct mlt_contact ours = MLT_CONTACT_INIT;
    const size_t first = PUBLIC_UP_TO(struct mlt_contact, reached_ms);
    ENSURE(contact->size >= first, MLT_ERR_USAGE);
    struct name name;
    if (after != NULL)
        TRY(name_parse(span_str(after), &name));
    TRY(public_open_store(c));
    struct store_contact got = { 0 };
    bool is_there = false;
    TRY(store_next_contact(c->store, after != NULL ? &name : NULL, &got, &is_there));
    if (is_there) {
        memcpy(ours.name, got.name.text, sizeof(ours.name));
        ours.received_ms = got.received_ms;
        ours.reached_ms = got.sent_ms;
        TRY(public_give(&ours, sizeof(ours), first, contact));
    }
    *found = is_there;
    return MLT_OK;
}

enum mlt_error mlt_next_contact(struct mlt_client *client, const char *after,
                                struct mlt_contact *contact, bool *found)
{
    return public_error(next_contact(client, after, contact, found));
}
