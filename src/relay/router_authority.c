/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "relay/router_state.h"

/* ca's word: who exists, who is revoked, how long a session may last. */

static void clear_judgement(struct judgement *j)
{
    key_set_clear(&j->serials);
    key_set_clear(&j->keys);
    key_set_clear(&j->known);
    j->gap_count = 0;
}

static enum mlt_err add_revoked(struct judgement *j, const struct router_revocation *what)
{
    TRY(key_set_add(&j->serials, what->serial));
    return key_set_add(&j->keys, what->spki_hash);
}

void router_authority_clear(struct router *r)
{
    clear_judgement(&r->judged);
    clear_judgement(&r->named);
    key_set_clear(&r->listed);
}

enum mlt_err router_sync_begin(struct router *r)
{
    clear_judgement(&r->named);
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
    TRY(add_revoked(&r->judged, what));
    end_revoked(r, what);
    return MLT_OK;
}

/* ---- what the ledger does not know ---- */

int64_t router_issued_s(const struct cert *cert)
{
    return cert->fields.not_before_s + LIMIT_BACKDATE_S;
}

/* Issued while the ledger that was lost was the CA's, and not in the one that it has now: it may
 * have been revoked, and no revocation would ever reach it.  ca has to see it. */
static bool is_in_doubt(const struct judgement *j, int64_t issued_s,
                        const uint8_t serial[static CERT_SERIAL])
{
    for (size_t i = 0; i < j->gap_count; i++) {
        if (j->gaps[i].from_s < issued_s && issued_s < j->gaps[i].until_s)
            return !key_set_has(&j->known, span_of(serial, CERT_SERIAL));
    }
    return false;
}

/* They come back, and are let in to RENEW. */
static void end_doubted(struct router *r)
{
    struct route *next = NULL;
    for (struct route *route = TAILQ_FIRST(&r->routes); route != NULL; route = next) {
        next = TAILQ_NEXT(route, of_router);
        if (is_in_doubt(&r->judged, route->issued_s, route->serial))
            router_end_route(r, route, CLOSE_AGAIN);
    }
}

enum mlt_err router_gap(struct router *r, int64_t from_s, int64_t until_s)
{
    ENSURE(r->syncing, MLT_ERR_UNEXPECTED);
    ENSURE(r->named.gap_count < COUNT_OF(r->named.gaps), MLT_ERR_TOO_MANY);
    r->named.gaps[r->named.gap_count++] = (struct ledger_gap) { from_s, until_s };
    return MLT_OK;
}

enum mlt_err router_known(struct router *r, struct span serial)
{
    if (r->syncing)
        TRY(key_set_add(&r->named.known, serial));
    return key_set_add(&r->judged.known, serial);
}

/* ---- the end of a synchronisation ---- */

void router_sync_end(struct router *r)
{
    if (!r->syncing)
        return;
    clear_judgement(&r->judged);
    r->judged = r->named;
    r->named = (struct judgement) { 0 };
    r->syncing = false;
    end_doubted(r);
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
    return key_set_has(&r->judged.serials, SPAN_OF(cert->fields.serial)) ||
           key_set_has(&r->listed, SPAN_OF(cert->fields.serial)) ||
           key_set_has(&r->judged.keys, SPAN_OF(cert->spki_hash));
}

bool router_is_in_doubt(const struct router *r, const struct cert *cert)
{
    return is_in_doubt(&r->judged, router_issued_s(cert), cert->fields.serial);
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
    ENSURE(!router_is_in_doubt(r, cert), MLT_ERR_UNEXPECTED);
    memcpy(route->serial, cert->fields.serial, CERT_SERIAL);
    route->issued_s = router_issued_s(cert);
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
