/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "relay/router_state.h"

/* ca's word: who exists, who is revoked, how long a session may last. */

static void clear_revoked(struct revoked_keys *keys)
{
    key_set_clear(&keys->serials);
    key_set_clear(&keys->keys);
}

static enum mlt_err add_revoked(struct revoked_keys *keys, const struct router_revocation *what)
{
    TRY(key_set_add(&keys->serials, what->serial));
    return key_set_add(&keys->keys, what->spki_hash);
}

void router_authority_clear(struct router *r)
{
    clear_revoked(&r->revoked);
    clear_revoked(&r->named);
    key_set_clear(&r->listed);
}

enum mlt_err router_sync_begin(struct router *r)
{
    clear_revoked(&r->named);
    r->generation++;
    r->syncing = true;
    return MLT_OK;
}

enum mlt_err router_member(struct router *r, const struct name *name)
{
    struct member *member = NULL;
    TRY(roster_get(&r->roster, name, &member));
    member->known = true;
    member->generation = r->generation;
    return MLT_OK;
}

static void end_revoked(struct router *r, const struct router_revocation *what)
{
    struct member *member = roster_find(&r->roster, &what->name);
    if (member == NULL)
        return;
    struct route *next = NULL;
    for (struct route *route = TAILQ_FIRST(&member->routes); route != NULL; route = next) {
        next = TAILQ_NEXT(route, of_member);
        if (span_eq(SPAN_OF(route->serial), what->serial) ||
            span_eq(SPAN_OF(route->spki_hash), what->spki_hash))
            router_end_route(r, route, CLOSE_REVOKED);
    }
}

enum mlt_err router_revoked(struct router *r, const struct router_revocation *what)
{
    if (r->syncing)
        TRY(add_revoked(&r->named, what));
    TRY(add_revoked(&r->revoked, what));
    end_revoked(r, what);
    return MLT_OK;
}

void router_sync_end(struct router *r)
{
    if (!r->syncing)
        return;
    clear_revoked(&r->revoked);
    r->revoked = r->named;
    r->named = (struct revoked_keys) { 0 };
    r->syncing = false;
    roster_sweep(&r->roster, r->generation);
}

void router_listed(struct router *r, struct key_set *serials)
{
    key_set_clear(&r->listed);
    r->listed = *serials;
    *serials = (struct key_set) { 0 };
    struct route *next = NULL;
    for (struct route *route = TAILQ_FIRST(&r->routes); route != NULL; route = next) {
        next = TAILQ_NEXT(route, of_router);
        if (key_set_has(&r->listed, SPAN_OF(route->serial)))
            router_end_route(r, route, CLOSE_REVOKED);
    }
}

bool router_is_revoked(const struct router *r, const struct cert *cert)
{
    return key_set_has(&r->revoked.serials, SPAN_OF(cert->fields.serial)) ||
           key_set_has(&r->listed, SPAN_OF(cert->fields.serial)) ||
           key_set_has(&r->revoked.keys, SPAN_OF(cert->spki_hash));
}

/* ---- how long a session lasts ---- */

bool router_is_of(const struct route *route, const uint8_t serial[static CERT_SERIAL])
{
    return span_eq(SPAN_OF(route->serial), span_of(serial, CERT_SERIAL));
}

enum mlt_err router_renewed(struct router *r, struct route *route, const struct cert *cert,
                            int64_t ends_ms)
{
    ENSURE(name_eq(&route->member->name, &cert->fields.name) &&
               span_eq(SPAN_OF(route->spki_hash), SPAN_OF(cert->spki_hash)),
           MLT_ERR_AUTH);
    ENSURE(!router_is_revoked(r, cert), MLT_ERR_CERT_REVOKED);
    memcpy(route->serial, cert->fields.serial, CERT_SERIAL);
    route->ends_ms = ends_ms;
    return MLT_OK;
}

void router_expire(struct router *r, int64_t mono_ms)
{
    struct route *next = NULL;
    for (struct route *route = TAILQ_FIRST(&r->routes); route != NULL; route = next) {
        next = TAILQ_NEXT(route, of_router);
        if (mono_ms >= route->ends_ms)
            router_end_route(r, route, CLOSE_EXPIRED);
    }
}
