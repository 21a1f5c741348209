/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/hex.h"
#include "client/public.h"
#include "client/renewal.h"
#include "client/store_authority.h"
#include "crypto/crypto.h"

#define SAME(public_name, own_name)                                                                \
    _Static_assert((int)(public_name) == (int)(own_name), "a public number has moved")

SAME(MLT_ALARM_NONE, STORE_ALARM_NONE);
SAME(MLT_ALARM_FORKED, STORE_ALARM_FORKED);
SAME(MLT_ALARM_WENT_BACK, STORE_ALARM_WENT_BACK);
SAME(MLT_ALARM_UNPROVEN, STORE_ALARM_UNPROVEN);
SAME(MLT_AUDIT_ROOT, CLIENT_AUDIT_ROOT);
SAME(MLT_AUDIT_OTHER_KEY, CLIENT_AUDIT_OTHER_KEY);
SAME(MLT_AUDIT_EARLIER_KEY, CLIENT_AUDIT_EARLIER_KEY);
SAME(MLT_AUDIT_OWN_ABSENT, CLIENT_AUDIT_OWN_ABSENT);
SAME(MLT_AUDIT_SERVER_ABSENT, CLIENT_AUDIT_SERVER_ABSENT);
SAME(MLT_AUDIT_UNPROVEN, CLIENT_AUDIT_UNPROVEN);

static enum mlt_err add_head(const struct store_authority *known, struct mlt_authority *out)
{
    if (known->head_size == 0)
        return MLT_OK;
    struct ledger_head head;
    ENSURE(ledger_head_decode(store_authority_head(known), &head) == MLT_OK, MLT_ERR_DAMAGED);
    out->ledger_size = head.size;
    out->ledger_epoch_s = (int64_t)head.epoch;
    out->ledger_time_s = head.time_s;
    return MLT_OK;
}

static enum mlt_err authority(struct mlt_client *c, struct mlt_authority *theirs)
{
    const size_t first = PUBLIC_UP_TO(struct mlt_authority, alarm_s);
    struct store_authority known;
    ENSURE(theirs->size >= first, MLT_ERR_USAGE);
    TRY(public_open_store(c));
    TRY(store_authority_read(c->store, &known));
    struct mlt_authority ours = { .size = sizeof(ours),
                                  .crl_number = known.crl_number,
                                  .crl_this_update_s = known.crl_this_s,
                                  .crl_next_update_s = known.crl_next_s,
                                  .proven_s = known.proven_s,
                                  .unproven_s = known.unproven_s,
                                  .newest_s = known.newest_s,
                                  .alarm = (enum mlt_alarm)known.alarm,
                                  .alarm_s = known.alarm_s };
    TRY(store_authority_count(c->store, &ours.revoked));
    TRY(add_head(&known, &ours));
    return public_give(&ours, sizeof(ours), first, theirs);
}

enum mlt_error mlt_get_authority(struct mlt_client *client, struct mlt_authority *out)
{
    return public_error(authority(client, out));
}

static enum mlt_err accept_clock(struct mlt_client *c, int64_t *was_s)
{
    TRY(public_open_store(c));
    return store_authority_accept_clock(c->store, env_wall_ms(env_system()) / 1000, was_s);
}

enum mlt_error mlt_accept_clock(struct mlt_client *client, int64_t *was_s)
{
    return public_error(accept_clock(client, was_s));
}

int64_t mlt_renewal_s(const struct mlt_client *client)
{
    bool has_one = mlt_state(client) == MLT_STATE_JOINED && client->is_loaded;
    return has_one ? renewal_due_s(&client->identity.own.fields) : 0;
}

static enum mlt_err audit(struct mlt_client *c)
{
    ENSURE(c->client != NULL, MLT_ERR_STATE);
    return client_audit(c->client);
}

enum mlt_error mlt_audit(struct mlt_client *client)
{
    CRYPTO_KEEP_ERRORS();
    return public_error(audit(client));
}

/* ---- events ---- */

enum mlt_alarm mlt_event_alarm(const struct mlt_event *event)
{
    return event->is.err == MLT_ERR_LEDGER ? (enum mlt_alarm)event->is.alarm : MLT_ALARM_NONE;
}

int64_t mlt_event_signed_s(const struct mlt_event *event)
{
    return event->is.signed_s;
}

int64_t mlt_event_own_s(const struct mlt_event *event)
{
    return event->is.own_s;
}

static enum mlt_err restored(const struct client_event *event, struct mlt_restored *theirs)
{
    ENSURE(event->kind == CLIENT_EVENT_RESTORED, MLT_ERR_STATE);
    const struct store_restored *r = &event->restored;
    const struct mlt_restored ours = { .size = sizeof(ours),
                                       .epoch_s = r->epoch_s,
                                       .held = r->held,
                                       .kept = r->base,
                                       .lost = r->held > r->base ? r->held - r->base : 0 };
    return public_give(&ours, sizeof(ours), PUBLIC_UP_TO(struct mlt_restored, lost), theirs);
}

enum mlt_error mlt_event_restored(const struct mlt_event *event, struct mlt_restored *out)
{
    return public_error(restored(&event->is, out));
}

static enum mlt_err leaf(const struct client_event *event, struct mlt_leaf *theirs)
{
    ENSURE(event->kind == CLIENT_EVENT_LEAF, MLT_ERR_STATE);
    const struct client_leaf *l = &event->leaf;
    struct mlt_leaf ours = { .size = sizeof(ours),
                             .position = l->position,
                             .time_s = l->leaf.time_s,
                             .is_own_key = l->is_own_key,
                             .is_present = l->is_present,
                             .is_before_us = l->is_before_us };
    hex_encode(SPAN_OF(l->leaf.serial), ours.serial);
    hex_encode(SPAN_OF(l->leaf.spki_hash), ours.key);
    return public_give(&ours, sizeof(ours), PUBLIC_UP_TO(struct mlt_leaf, is_before_us), theirs);
}

enum mlt_error mlt_event_leaf(const struct mlt_event *event, struct mlt_leaf *out)
{
    return public_error(leaf(&event->is, out));
}

static enum mlt_err audited(const struct client_event *event, struct mlt_audit *theirs)
{
    ENSURE(event->kind == CLIENT_EVENT_AUDITED, MLT_ERR_STATE);
    const struct client_audit *a = &event->audit;
    struct mlt_audit ours = { .size = sizeof(ours),
                              .faults = a->faults,
                              .leaves = a->leaves,
                              .ours = a->ours,
                              .of_others = a->of_others,
                              .epoch_s = a->epoch_s,
                              .time_s = a->time_s };
    hex_encode(SPAN_OF(a->root), ours.root);
    return public_give(&ours, sizeof(ours), PUBLIC_UP_TO(struct mlt_audit, root), theirs);
}

enum mlt_error mlt_event_audit(const struct mlt_event *event, struct mlt_audit *out)
{
    return public_error(audited(&event->is, out));
}
