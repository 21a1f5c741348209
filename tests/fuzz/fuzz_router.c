/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "relay/router.h"

/*
 * The router under sixteen sessions of four people who join, leave, send, confirm what is theirs
 * and what is not, are revoked and expire in any order; and a store that answers later, in order,
 * and sometimes refuses.
 *
 * Held here: a message reaches its recipient alone and names its true sender; nobody is spoken to
 * after his end; whoever is told `stored` or `delivered` is told the truth (it is kept, or its
 * recipient confirmed it); rows are removed only when confirmed; of one name one session gets mail;
 * memory keeps its bound; and when all have left and the store has answered, nothing is left, and
 * what was not acknowledged is all that may be missing.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define LINKS 16
#define NAMES 4
#define IDS   64 /* of each name */
#define JOBS  4096

static const char *const names[NAMES] = { "ana", "bia", "caio", "davi" };

struct link {
    struct route *route;
    bool here, receives;
    unsigned name;
    uint8_t key; /* which of his: cert_of */
};

/* What is known of an id of somebody's, over all its sendings. */
struct message {
    bool got[NAMES];   /* recipient confirmed it, after he was given it */
    bool given[NAMES]; /* to a session of his that is there */
    int64_t row[NAMES];
};

struct put {
    void *ticket;
    unsigned from, to;
    uint8_t id;
};

struct world {
    struct router *router;
    struct link links[LINKS];
    struct message messages[NAMES][IDS];
    int64_t now_ms, mono_ms, last_row;
    struct put puts[JOBS];
    size_t put_count;
    struct router_read reads[JOBS];
    size_t read_count;
    struct router_read_notices notices[JOBS];
    size_t notices_count;
    struct router_notice removed[JOBS];
    size_t removed_count;
    size_t failing_count; /* puts that fail because one before them did */
};

static struct world w;

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

static unsigned index_of(const struct name *name)
{
    for (unsigned i = 0; i < NAMES; i++)
        if (strcmp(name->text, names[i]) == 0)
            return i;
    abort();
}

/* ---- what the router decides ---- */

static void on_deliver(void *ctx, void *link, const struct envelope *e)
{
    const struct link *to = link;
    (void)ctx;
    must(to->here && to->receives && to->name == index_of(&e->recipient.name));
    must(e->time_ms <= w.now_ms && e->flags == e->id[0] % 2);
    w.messages[index_of(&e->sender.name)][e->id[0]].given[to->name] = true;
}

static bool is_safe(unsigned sender, uint8_t id)
{
    const struct message *m = &w.messages[sender][id];
    for (unsigned i = 0; i < NAMES; i++)
        if (m->got[i] || m->row[i] != 0)
            return true;
    return false;
}

static void on_outcome(void *ctx, void *link, const struct outcome *o)
{
    const struct link *to = link;
    (void)ctx;
    must(to->here);
    must((o->state == OUTCOME_REFUSED) == (o->reason != 0));
    if (o->state == OUTCOME_STORED || o->state == OUTCOME_DELIVERED)
        must(is_safe(to->name, o->id[0]));
}

static void on_end(void *ctx, void *link, enum close_reason reason)
{
    struct link *ended = link;
    (void)ctx;
    must(ended->here);
    must(reason == CLOSE_REPLACED || reason == CLOSE_REVOKED || reason == CLOSE_EXPIRED ||
         reason == CLOSE_SLOW || reason == CLOSE_AGAIN);
    ended->here = false;
    ended->route = NULL;
}

static void on_put(void *ctx, const struct envelope *e, void *ticket)
{
    (void)ctx;
    must(w.put_count < JOBS && ticket != NULL);
    must(e->flags == e->id[0] % 2 && e->body.n == (size_t)e->number * 64);
    w.puts[w.put_count++] =
        (struct put) { ticket, index_of(&e->sender.name), index_of(&e->recipient.name), e->id[0] };
}

static void on_read(void *ctx, void *link, const struct router_read *read)
{
    const struct link *to = link;
    (void)ctx;
    must(to->here && to->receives && w.read_count < JOBS);
    must(index_of(&read->recipient) == to->name && read->most > 0);
    must(read->most <= LIMIT_DRAIN_WINDOW && read->most_bytes <= LIMIT_DRAIN_BYTES);
    w.reads[w.read_count++] = *read;
}

static void on_remove(void *ctx, const struct name *recipient, int64_t row,
                      enum outcome_state state)
{
    const unsigned to = index_of(recipient);
    (void)ctx;
    must(row != 0);
    for (unsigned from = 0; from < NAMES; from++) {
        for (unsigned id = 0; id < IDS; id++) {
            struct message *m = &w.messages[from][id];
            must(m->row[to] != row || state == OUTCOME_UNKNOWN || m->got[to]);
            if (m->row[to] != row || w.removed_count == JOBS)
                continue;
            m->row[to] = 0;
            w.removed[w.removed_count++] = (struct router_notice) {
                name_of(from), *recipient, { { (uint8_t)id }, state, 0, true }
            };
        }
    }
}

static void on_tell(void *ctx, const struct router_notice *notice)
{
    (void)ctx;
    enum outcome_state state = notice->outcome.state;
    must((state == OUTCOME_READ || state == OUTCOME_DELIVERED) && notice->outcome.kept);
}

static void on_noted(void *ctx, const struct name *sender, const struct noted *noted)
{
    (void)ctx;
    must(index_of(sender) < NAMES && noted->state == OUTCOME_DELIVERED);
}

static void on_read_notices(void *ctx, const struct router_read_notices *read)
{
    (void)ctx;
    must(w.notices_count < JOBS);
    w.notices[w.notices_count++] = *read;
}

/* ---- the store ---- */

static void answer_put(uint8_t how)
{
    if (w.put_count == 0)
        return;
    struct put p = w.puts[0];
    struct message *m = &w.messages[p.from][p.id];
    memmove(w.puts, w.puts + 1, --w.put_count * sizeof(p));
    struct router_put_result result = { .outcome = { .state = OUTCOME_STORED } };
    if (w.failing_count > 0 || how % 8 == 0) {
        if (w.failing_count == 0)
            w.failing_count = w.put_count + 1;
        w.failing_count--;
        result.outcome =
            (struct outcome) { .state = OUTCOME_REFUSED, .reason = OUTCOME_REASON_NO_ROOM };
    } else if (how % 8 == 1) {
        result.outcome =
            (struct outcome) { .state = OUTCOME_REFUSED, .reason = OUTCOME_REASON_FULL };
    } else if (how % 8 == 2 && m->got[p.to]) {
        result.outcome.state = OUTCOME_DELIVERED;
    } else {
        result.fresh = m->row[p.to] == 0;
        if (result.fresh)
            m->row[p.to] = ++w.last_row;
        result.row = m->row[p.to];
    }
    router_put_done(w.router, p.ticket, &result, w.now_ms);
}

static struct router_stored stored_of(unsigned from, uint8_t id, unsigned to)
{
    static const uint8_t body[64 * 16];
    struct router_stored s = { .row = w.messages[from][id].row[to], .readable = true };
    s.envelope = (struct envelope) { .sender = { ADDRESS_USER, name_of(from) },
                                     .time_ms = w.now_ms,
                                     .id = { id },
                                     .recipient = { ADDRESS_USER, name_of(to) },
                                     .number = 1 + id % 16,
                                     .flags = id % 2,
                                     .body_kind = BODY_PLAIN,
                                     .body = span_of(body, 64 * (1 + (size_t)id % 16)) };
    return s;
}

/* The lowest row beyond `after`. */
static bool next_stored(unsigned to, int64_t after, struct router_stored *found)
{
    int64_t best = INT64_MAX;
    for (unsigned from = 0; from < NAMES; from++) {
        for (unsigned id = 0; id < IDS; id++) {
            int64_t row = w.messages[from][id].row[to];
            if (row > after && row < best) {
                best = row;
                *found = stored_of(from, (uint8_t)id, to);
            }
        }
    }
    return best != INT64_MAX;
}

static void answer_read(uint8_t how)
{
    struct router_stored found[LIMIT_DRAIN_WINDOW];
    if (w.read_count == 0)
        return;
    struct router_read read = w.reads[0];
    memmove(w.reads, w.reads + 1, --w.read_count * sizeof(read));
    struct router_read_result result = { .ticket = read.ticket, .messages = found };
    unsigned to = index_of(&read.recipient);
    int64_t after = read.after;
    size_t most = 1 + how / 8u % read.most;
    while (result.count < most && next_stored(to, after, &found[result.count]))
        after = found[result.count++].row;
    struct router_stored beyond;
    result.end = !next_stored(to, after, &beyond);
    if (how % 16 == 0)
        result = (struct router_read_result) { .ticket = read.ticket, .err = MLT_ERR_DATABASE };
    if (how % 64 == 1)
        result = (struct router_read_result) { .ticket = read.ticket, .err = MLT_ERR_STATE };
    if (how % 16 == 2 && result.count > 0)
        found[0].readable = false;
    router_read_done(w.router, &result, w.now_ms);
}

static void answer_notices(uint8_t how)
{
    if (w.notices_count == 0)
        return;
    struct router_read_notices read = w.notices[0];
    memmove(w.notices, w.notices + 1, --w.notices_count * sizeof(read));
    struct router_notice notice = { .sender = read.sender,
                                    .outcome = { { how }, OUTCOME_EXPIRED, 0, true } };
    const int64_t row = read.after + 1;
    const struct router_notices_result result = {
        read.ticket, how % 4 == 0 ? MLT_ERR_DATABASE : MLT_OK, &notice, &row, how % 2, how % 3 == 0
    };
    router_notices_done(w.router, &result, w.now_ms);
}

static void answer_removals(void)
{
    for (size_t i = 0; i < w.removed_count; i++)
        router_removed(w.router, &w.removed[i], w.now_ms);
    w.removed_count = 0;
}

static void expire(uint8_t who, uint8_t id)
{
    unsigned from = who % NAMES, to = who / NAMES % NAMES;
    struct message *m = &w.messages[from][id % IDS];
    const struct router_notice notice = { name_of(from),
                                          name_of(to),
                                          { { id % IDS }, OUTCOME_EXPIRED, 0, true } };
    if (m->row[to] == 0)
        return;
    m->row[to] = 0;
    router_removed(w.router, &notice, w.now_ms);
}

/* ---- people ---- */

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

static void join(struct link *link, uint8_t who, uint8_t serial)
{
    unsigned name = who % NAMES;
    bool receives = (who & 0x80) != 0;
    struct cert cert = cert_of(name, serial);
    const struct name own = name_of(name);
    if (link->here || router_is_revoked(w.router, &cert) || !router_has_room(w.router, &own))
        return;
    const struct route_facts facts = { .kind = receives ? CLIENT_AUTH_RECEIVE : CLIENT_AUTH_SEND,
                                       .cert = &cert,
                                       .link = link,
                                       .ends_ms = w.mono_ms + INT64_C(160) * serial };
    *link = (struct link) { .here = true, .receives = receives, .name = name, .key = serial & 1 };
    must(router_join(w.router, &facts, &link->route) == MLT_OK);
    for (size_t i = 0; i < LINKS; i++) {
        const struct link *other = &w.links[i];
        must(other == link || !other->here || other->name != name || !other->receives || !receives);
    }
}

static void leave(struct link *link)
{
    if (!link->here)
        return;
    struct route *route = link->route;
    *link = (struct link) { 0 };
    router_leave(w.router, route);
}

static void send(struct link *link, uint8_t to, uint8_t id)
{
    static const uint8_t body[64 * 16];
    if (!link->here)
        return;
    id %= IDS;
    const struct envelope e = { .sender = { ADDRESS_USER, name_of(id % NAMES) },
                                .time_ms = INT64_MAX, /* a claim */
                                .id = { id },
                                .recipient = { ADDRESS_USER, name_of(to % NAMES) },
                                .epoch = to / NAMES,
                                .number = 1 + id % 16,
                                .flags = id % 2,
                                .body_kind = BODY_PLAIN,
                                .body = span_of(body, 64 * (1 + (size_t)id % 16)) };
    router_send(w.router, link->route, &e, w.now_ms);
}

static void confirm(const struct link *link, uint8_t sender, uint8_t id)
{
    if (!link->here)
        return;
    const struct receipt receipt = { .sender = { ADDRESS_USER, name_of(sender % NAMES) },
                                     .id = { id % IDS },
                                     .state = sender >= 0xc0 ? OUTCOME_READ : OUTCOME_DELIVERED };
    struct message *m = &w.messages[sender % NAMES][id % IDS];
    if (link->receives && receipt.state == OUTCOME_DELIVERED && m->given[link->name])
        m->got[link->name] = true;
    enum mlt_err err = router_receipt(w.router, link->route, &receipt, w.now_ms);
    must(err == (link->receives ? MLT_OK : MLT_ERR_UNEXPECTED));
}

static void note(struct link *link, uint8_t id)
{
    const struct noted noted = { { id }, OUTCOME_DELIVERED };
    if (link->here)
        router_noted(w.router, link->route, &noted);
}

static void revoke(uint8_t who, uint8_t serial)
{
    struct cert cert = cert_of(who % NAMES, serial);
    const struct router_revocation what = { .name = cert.fields.name,
                                            .serial = SPAN_OF(cert.fields.serial),
                                            .spki_hash = SPAN_OF(cert.spki_hash) };
    must(router_revoked(w.router, &what) == MLT_OK);
    must(router_is_revoked(w.router, &cert));
}

/* By its own name and key, or by those of another. */
static void renew(struct link *link, uint8_t who, uint8_t serial)
{
    if (!link->here)
        return;
    unsigned name = who < 200 ? link->name : who % NAMES;
    const struct cert cert = cert_of(name, serial);
    bool own = name == link->name && (serial & 1) == link->key;
    bool good = own && !router_is_revoked(w.router, &cert);
    enum mlt_err err = router_renewed(w.router, link->route, &cert, w.mono_ms + INT64_C(16000));
    must((err == MLT_OK) == good);
    must(!good || router_is_of(link->route, cert.fields.serial));
}

static void list(uint8_t who, uint8_t serial)
{
    const struct cert cert = cert_of(who % NAMES, serial);
    struct key_set serials = { 0 };
    must(key_set_add(&serials, SPAN_OF(cert.fields.serial)) == MLT_OK);
    router_listed(w.router, &serials);
    must(router_is_revoked(w.router, &cert) && serials.count == 0);
    for (size_t i = 0; i < LINKS; i++)
        must(!w.links[i].here || !router_is_of(w.links[i].route, cert.fields.serial));
}

static void sync(uint8_t members)
{
    must(router_sync_begin(w.router) == MLT_OK);
    for (unsigned i = 0; i < NAMES; i++) {
        const struct name name = name_of(i);
        if ((members & (1u << i)) != 0)
            must(router_member(w.router, &name) == MLT_OK);
    }
    router_sync_end(w.router);
}

static void step(const uint8_t op[static 4])
{
    struct link *link = &w.links[op[1] % LINKS];
    switch (op[0] % 16) {
    case 0:
    case 1:
        join(link, op[2], op[3]);
        break;
    case 2:
        leave(link);
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        send(link, op[2], op[3]);
        break;
    case 7:
    case 8:
        confirm(link, op[2], op[3]);
        break;
    case 9:
        if (op[1] % 4 == 0)
            revoke(op[2], op[3]);
        else if (op[1] % 4 == 1)
            sync(op[2]);
        else if (op[1] % 4 == 2)
            renew(link, op[2], op[3]);
        else if (op[2] % 2 == 0)
            list(op[2], op[3]);
        else
            note(link, op[2]);
        break;
    case 10:
        w.now_ms += op[2] * 16;
        w.mono_ms += op[2] * 16;
        router_tick(w.router, w.now_ms);
        router_expire(w.router, w.mono_ms);
        break;
    case 11:
        if (op[1] % 4 == 0)
            expire(op[2], op[3]);
        answer_notices(op[2]);
        answer_removals();
        break;
    case 12:
    case 13:
        answer_put(op[2]);
        break;
    case 14:
        answer_read(op[2]);
        break;
    case 15:
        for (uint8_t i = 0; i < op[1]; i++) {
            answer_put(7);
            answer_removals();
            answer_read(op[2] | 7);
        }
        break;
    }
}

static void check(void)
{
    size_t here = 0;
    for (size_t i = 0; i < LINKS; i++)
        here += w.links[i].here;
    must(router_sessions(w.router) == here);
    must(router_putting(w.router) == w.put_count);
    must(router_memory(w.router) <=
         NAMES * ROUTER_RECIPIENT_MOST + w.put_count * (size_t)ROUTER_FLIGHT_MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct router_out out = { .deliver = on_deliver,
                                    .outcome = on_outcome,
                                    .end = on_end,
                                    .put = on_put,
                                    .read = on_read,
                                    .remove = on_remove,
                                    .tell = on_tell,
                                    .noted = on_noted,
                                    .read_notices = on_read_notices };
    w = (struct world) { .now_ms = 1000000 };
    must(router_new(env_system(), &out, &w.router) == MLT_OK);
    for (size_t i = 0; i + 4 <= n && i < 4 * 2000; i += 4) {
        step(data + i);
        check();
    }
    router_stop(w.router);
    for (size_t i = 0; i < LINKS; i++)
        leave(&w.links[i]);
    while (w.put_count > 0)
        answer_put(7);
    must(router_sessions(w.router) == 0 && router_in_flight(w.router) == 0);
    must(router_memory(w.router) == 0);
    router_free(&w.router);
    return 0;
}
