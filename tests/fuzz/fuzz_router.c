/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "relay/router.h"

/*
 * The router under sixteen sessions of four people who join, leave, send, confirm, are revoked and
 * expire in any order.  Held here: a message reaches its recipient alone and names its true sender;
 * each one sent is answered exactly once while its sender is here; nobody is spoken to after his
 * end; of one name one session gets mail; and when all have left, nothing is left.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define LINKS 16

static const char *const names[] = { "ana", "bia", "caio", "davi" };

struct link {
    struct route *route;
    bool here;
    bool receives;
    unsigned name;
    unsigned awaited;
};

struct world {
    struct router *router;
    struct link links[LINKS];
    int64_t now_ms;
    const struct link *sending; /* whose SEND is being routed */
    unsigned to;                /* and for whom */
    bool confirming;
};

static void must(bool cond)
{
    if (!cond)
        abort();
}

static struct name name_of(unsigned i)
{
    struct name name = { 0 };
    memcpy(name.text, names[i], strlen(names[i]));
    return name;
}

static void on_deliver(void *ctx, void *link, const struct envelope *e)
{
    const struct world *w = ctx;
    const struct link *to = link;
    must(w->sending != NULL && to->here && to->receives && to->name == w->to);
    must(strcmp(e->sender.name.text, names[w->sending->name]) == 0 && e->time_ms == w->now_ms);
    must(strcmp(e->recipient.name.text, names[w->to]) == 0);
}

static void on_outcome(void *ctx, void *link, const struct outcome *o)
{
    const struct world *w = ctx;
    struct link *to = link;
    must(to->here && to->awaited > 0);
    must((o->state == OUTCOME_REFUSED) == (o->reason != 0));
    must((o->state == OUTCOME_REFUSED) == (w->sending == to));
    must((o->state == OUTCOME_DELIVERED) == w->confirming);
    must(w->sending == to || w->confirming || o->state == OUTCOME_UNKNOWN);
    to->awaited--;
}

static void on_end(void *ctx, void *link, enum close_reason reason)
{
    struct link *ended = link;
    (void)ctx;
    must(ended->here);
    must(reason == CLOSE_REPLACED || reason == CLOSE_REVOKED || reason == CLOSE_EXPIRED);
    ended->here = false;
    ended->route = NULL;
    ended->awaited = 0;
}

static struct cert cert_of(unsigned name, uint8_t serial)
{
    struct cert cert = { .fields = { .role = CERT_CLIENT, .name = name_of(name) } };
    cert.fields.serial[0] = (uint8_t)(1 + name);
    cert.fields.serial[1] = serial & 3;
    cert.fields.not_after_s = 1000 + 16 * (serial & 3);
    memset(cert.spki_hash, 1 + (int)name, HASH_LEN);
    cert.spki_hash[0] = 1 + (serial & 1);
    return cert;
}

static void join(struct world *w, struct link *link, uint8_t who, uint8_t serial)
{
    unsigned name = who % COUNT_OF(names);
    bool receives = (who & 0x80) != 0;
    struct cert cert = cert_of(name, serial);
    const struct name own = name_of(name);
    if (link->here || router_is_revoked(w->router, &cert) || !router_has_room(w->router, &own))
        return;
    const struct route_facts facts = { .kind = receives ? CLIENT_AUTH_RECEIVE : CLIENT_AUTH_SEND,
                                       .cert = &cert,
                                       .link = link };
    must(router_join(w->router, &facts, &link->route) == MLT_OK);
    *link =
        (struct link) { .route = link->route, .here = true, .receives = receives, .name = name };
    for (size_t i = 0; i < LINKS; i++) {
        const struct link *other = &w->links[i];
        must(other == link || !other->here || other->name != name || !other->receives || !receives);
    }
}

static void leave(struct world *w, struct link *link)
{
    if (!link->here)
        return;
    struct route *route = link->route;
    *link = (struct link) { 0 };
    router_leave(w->router, route);
}

static void send(struct world *w, struct link *link, uint8_t to, uint8_t id)
{
    static const uint8_t body[1000];
    if (!link->here)
        return;
    w->to = to % COUNT_OF(names);
    w->sending = link;
    const struct envelope e = { .sender = { ADDRESS_USER, name_of(id % COUNT_OF(names)) },
                                .time_ms = id,
                                .id = { id },
                                .recipient = { ADDRESS_USER, name_of(w->to) },
                                .body_kind = BODY_PLAIN,
                                .body = span_of(body, (size_t)to * 3) };
    link->awaited++;
    router_send(w->router, link->route, &e, w->now_ms);
    w->sending = NULL;
}

static void confirm(struct world *w, const struct link *link, uint8_t sender, uint8_t id)
{
    if (!link->here)
        return;
    const struct receipt receipt = { .sender = { ADDRESS_USER, name_of(sender % COUNT_OF(names)) },
                                     .id = { id } };
    w->confirming = true;
    enum mlt_err err = router_receipt(w->router, link->route, &receipt);
    w->confirming = false;
    must(err == (link->receives ? MLT_OK : MLT_ERR_UNEXPECTED));
}

static void revoke(struct world *w, uint8_t who, uint8_t serial)
{
    struct cert cert = cert_of(who % COUNT_OF(names), serial);
    const struct router_revocation what = { .name = cert.fields.name,
                                            .serial = SPAN_OF(cert.fields.serial),
                                            .spki_hash = SPAN_OF(cert.spki_hash) };
    must(router_revoked(w->router, &what) == MLT_OK);
    must(router_is_revoked(w->router, &cert));
}

static void sync(struct world *w, uint8_t members)
{
    must(router_sync_begin(w->router) == MLT_OK);
    for (unsigned i = 0; i < COUNT_OF(names); i++) {
        const struct name name = name_of(i);
        if ((members & (1u << i)) != 0)
            must(router_member(w->router, &name) == MLT_OK);
    }
    router_sync_end(w->router);
}

static void step(struct world *w, const uint8_t op[static 4])
{
    struct link *link = &w->links[op[1] % LINKS];
    switch (op[0] % 8) {
    case 0:
    case 1:
        join(w, link, op[2], op[3]);
        break;
    case 2:
        leave(w, link);
        break;
    case 3:
    case 4:
        send(w, link, op[2], op[3]);
        break;
    case 5:
        confirm(w, link, op[2], op[3]);
        break;
    case 6:
        if (op[1] % 2 == 0)
            revoke(w, op[2], op[3]);
        else
            sync(w, op[2]);
        break;
    case 7:
        w->now_ms += op[2] * 16;
        router_tick(w->router, w->now_ms);
        break;
    }
}

static void check(const struct world *w)
{
    size_t here = 0, awaited = 0;
    for (size_t i = 0; i < LINKS; i++) {
        here += w->links[i].here;
        awaited += w->links[i].awaited;
    }
    must(router_sessions(w->router) == here);
    must(router_in_flight(w->router) >= awaited);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct world w;
    const struct router_out out = { &w, on_deliver, on_outcome, on_end };
    w = (struct world) { .now_ms = 1000000 };
    must(router_new(env_system(), &out, &w.router) == MLT_OK);
    for (size_t i = 0; i + 4 <= n && i < 4 * 2000; i += 4) {
        step(&w, data + i);
        check(&w);
    }
    for (size_t i = 0; i < LINKS; i++)
        if (w.links[i].receives)
            leave(&w, &w.links[i]);
    /* With nobody left to confirm anything, whoever sent knows the fate of all. */
    for (size_t i = 0; i < LINKS; i++) {
        must(w.links[i].awaited == 0);
        leave(&w, &w.links[i]);
    }
    must(router_sessions(w.router) == 0 && router_in_flight(w.router) == 0);
    router_free(&w.router);
    return 0;
}
