/* SPDX-License-Identifier: Apache-2.0 */
#include "router_scene.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One message at the store: given to it, or lying there. */
struct kept {
    void *ticket; /* while it is to be put */
    int64_t row;
    bool damaged;
    struct envelope e; /* its body is in text */
    char text[80];
};

struct removal {
    struct name recipient;
    int64_t row;
    enum outcome_state state;
};

#define MOST 2048
struct scene_store {
    struct kept puts[MOST], rows[MOST];
    size_t put_count, row_count;
    struct router_read reads[MOST];
    size_t read_count;
    struct removal removals[MOST];
    size_t removal_count;
    struct router_read_notices notices[MOST];
    size_t notices_count;
    int64_t last_row;
    size_t read_most;
};

static struct scene_store store;
struct router *router;
struct link maria, joao;
int64_t now_ms;
char store_asked[8000];

static const char *const states[] = { "?",       "stored",  "delivered", "refused",
                                      "unknown", "expired", "read" };

static void add_word(char *words, size_t size, const char *what)
{
    size_t n = strlen(words);
    if (n + strlen(what) + 2 < size)
        snprintf(words + n, size - n, "%s%s", n > 0 ? " " : "", what);
}

#define WRITE_DOWN(words, ...)                                                                     \
    do {                                                                                           \
        char word_[160];                                                                           \
        snprintf(word_, sizeof(word_), __VA_ARGS__);                                               \
        add_word(words, sizeof(words), word_);                                                     \
    } while (0)

/* ---- what the router decides ---- */

static void on_deliver(void *ctx, void *link, const struct envelope *e)
{
    struct link *to = link;
    (void)ctx;
    assert_non_null(to->route);
    assert_string_not_equal(e->sender.name.text, "mallory");
    to->delivers++;
    WRITE_DOWN(to->said, "%.*s-from-%s", (int)(e->body.n < 60 ? e->body.n : 60),
               (const char *)e->body.p, e->sender.name.text);
}

static void on_outcome(void *ctx, void *link, const struct outcome *o)
{
    static const char *const reasons[] = { "",      ":no-such-name", ":away",
                                           ":busy", ":duplicate",    ":no-room",
                                           ":full", ":share",        ":erased" };
    struct link *to = link;
    (void)ctx;
    to->outcomes++;
    WRITE_DOWN(to->said, "%u=%s%s%s", o->id[0], states[o->state], reasons[o->reason],
               o->kept ? "!" : "");
}

static void on_end(void *ctx, void *link, enum close_reason reason)
{
    static const char *const reasons[] = { "?",        "done",   "replaced", "revoked", "expired",
                                           "shutdown", "silent", "slow",     "again" };
    struct link *to = link;
    (void)ctx;
    assert_non_null(to->route);
    to->route = NULL;
    WRITE_DOWN(to->said, "%s", reasons[reason]);
}

static void copy_message(struct kept *k, const struct envelope *e)
{
    *k = (struct kept) { .e = *e };
    size_t n = e->body.n < sizeof(k->text) ? e->body.n : sizeof(k->text);
    if (n > 0)
        memcpy(k->text, e->body.p, n);
    k->e.body.n = n;
}

static void on_put(void *ctx, const struct envelope *e, void *ticket)
{
    (void)ctx;
    assert_true(store.put_count < MOST);
    copy_message(&store.puts[store.put_count], e);
    store.puts[store.put_count++].ticket = ticket;
    WRITE_DOWN(store_asked, "put:%u>%s", e->id[0], e->recipient.name.text);
}

static void on_read(void *ctx, void *link, const struct router_read *read)
{
    (void)ctx;
    (void)link;
    assert_true(store.read_count < MOST && read->most > 0 && read->most <= LIMIT_DRAIN_WINDOW);
    assert_true(read->most_bytes > 0 && read->most_bytes <= LIMIT_DRAIN_BYTES);
    store.reads[store.read_count++] = *read;
    WRITE_DOWN(store_asked, "read:%s>%" PRId64, read->recipient.text, read->after);
}

static void on_remove(void *ctx, const struct name *recipient, int64_t row,
                      enum outcome_state state)
{
    (void)ctx;
    assert_true(store.removal_count < MOST);
    store.removals[store.removal_count++] = (struct removal) { *recipient, row, state };
    WRITE_DOWN(store_asked, "remove:%s/%" PRId64 "=%s", recipient->text, row, states[state]);
}

static void on_tell(void *ctx, const struct router_notice *notice)
{
    (void)ctx;
    WRITE_DOWN(store_asked, "tell:%s/%u-by-%s=%s", notice->sender.text, notice->outcome.id[0],
               notice->recipient.text, states[notice->outcome.state]);
    assert_true(notice->outcome.kept);
}

static void on_noted(void *ctx, const struct name *sender, const struct noted *noted)
{
    (void)ctx;
    WRITE_DOWN(store_asked, "noted:%s/%u=%s", sender->text, noted->id[0], states[noted->state]);
}

static void on_read_notices(void *ctx, const struct router_read_notices *read)
{
    (void)ctx;
    assert_true(store.notices_count < MOST && read->most == LIMIT_NOTICES);
    store.notices[store.notices_count++] = *read;
}

/* ---- the store's answers ---- */

size_t store_puts(void)
{
    return store.put_count;
}

static struct kept take_put(void)
{
    assert_true(store.put_count > 0);
    struct kept k = store.puts[0];
    store.put_count--;
    memmove(store.puts, store.puts + 1, store.put_count * sizeof(k));
    return k;
}

static struct kept *find_row(const struct envelope *e)
{
    for (size_t i = 0; i < store.row_count; i++) {
        struct kept *k = &store.rows[i];
        if (span_eq(SPAN_OF(k->e.id), SPAN_OF(e->id)) &&
            name_eq(&k->e.sender.name, &e->sender.name))
            return k;
    }
    return NULL;
}

static struct kept *add_row(const struct kept *k)
{
    assert_true(store.row_count < MOST);
    struct kept *row = &store.rows[store.row_count++];
    *row = *k;
    row->row = ++store.last_row;
    return row;
}

void store_does_put(void)
{
    struct kept k = take_put();
    struct kept *row = find_row(&k.e);
    struct router_put_result result = { .outcome = { .state = OUTCOME_STORED },
                                        .fresh = row == NULL };
    if (row == NULL)
        row = add_row(&k);
    result.row = row->row;
    router_put_done(router, k.ticket, &result, now_ms);
}

void store_refuses_put(enum outcome_reason reason)
{
    struct kept k = take_put();
    const struct router_put_result result = { .outcome = { .state = OUTCOME_REFUSED,
                                                           .reason = reason } };
    router_put_done(router, k.ticket, &result, now_ms);
}

void store_knows_put(void)
{
    struct kept k = take_put();
    const struct router_put_result result = { .outcome = { .state = OUTCOME_DELIVERED } };
    router_put_done(router, k.ticket, &result, now_ms);
}

static struct router_read take_read(void)
{
    assert_true(store.read_count > 0);
    struct router_read read = store.reads[0];
    store.read_count--;
    memmove(store.reads, store.reads + 1, store.read_count * sizeof(read));
    return read;
}

void store_does_read(void)
{
    struct router_read read = take_read();
    struct router_stored found[LIMIT_DRAIN_WINDOW];
    struct router_read_result result = { .ticket = read.ticket, .messages = found, .end = true };
    for (size_t i = 0; i < store.row_count; i++) {
        struct kept *k = &store.rows[i];
        if (k->row <= read.after || !name_eq(&k->e.recipient.name, &read.recipient))
            continue;
        if (result.count == read.most || result.count == store.read_most) {
            result.end = false;
            break;
        }
        k->e.body.p = (const uint8_t *)k->text;
        found[result.count++] = (struct router_stored) { k->row, !k->damaged, k->e };
    }
    router_read_done(router, &result, now_ms);
}

void store_fails_read(enum mlt_err err)
{
    struct router_read read = take_read();
    const struct router_read_result result = { .ticket = read.ticket, .err = err };
    router_read_done(router, &result, now_ms);
}

static void remove_row(const struct removal *gone)
{
    for (size_t i = 0; i < store.row_count; i++) {
        const struct kept k = store.rows[i];
        if (k.row != gone->row || !name_eq(&k.e.recipient.name, &gone->recipient))
            continue;
        store.row_count--;
        memmove(&store.rows[i], &store.rows[i + 1], (store.row_count - i) * sizeof(k));
        struct router_notice notice = { .sender = k.e.sender.name,
                                        .recipient = k.e.recipient.name,
                                        .outcome = { .state = gone->state, .kept = true } };
        memcpy(notice.outcome.id, k.e.id, ENVELOPE_ID);
        router_removed(router, &notice, now_ms);
        return;
    }
}

void store_does_removals(void)
{
    for (size_t i = 0; i < store.removal_count; i++)
        remove_row(&store.removals[i]);
    store.removal_count = 0;
}

void store_does_all(void)
{
    while (store.put_count > 0 || store.read_count > 0 || store.removal_count > 0) {
        while (store.put_count > 0)
            store_does_put();
        store_does_removals();
        if (store.read_count > 0)
            store_does_read();
    }
}

void store_damages(int64_t row)
{
    for (size_t i = 0; i < store.row_count; i++)
        if (store.rows[i].row == row)
            store.rows[i].damaged = true;
}

void store_expires(int64_t row)
{
    for (size_t i = 0; i < store.row_count; i++) {
        const struct removal gone = { store.rows[i].e.recipient.name, row, OUTCOME_EXPIRED };
        if (store.rows[i].row == row) {
            remove_row(&gone);
            return;
        }
    }
}

void store_reads_at_most(size_t messages)
{
    store.read_most = messages;
}

void store_has(const char *sender, const char *recipient, uint8_t id, const char *body)
{
    const struct envelope e = { .sender = { ADDRESS_USER, name_of(sender) },
                                .time_ms = now_ms,
                                .id = { id },
                                .recipient = { ADDRESS_USER, name_of(recipient) },
                                .epoch = 1,
                                .number = id,
                                .body_kind = BODY_PLAIN,
                                .body = span_str(body) };
    struct kept k;
    copy_message(&k, &e);
    add_row(&k);
}

size_t store_rows(const char *recipient)
{
    const struct name name = name_of(recipient);
    size_t n = 0;
    for (size_t i = 0; i < store.row_count; i++)
        n += name_eq(&store.rows[i].e.recipient.name, &name);
    return n;
}

size_t store_notice_reads(void)
{
    return store.notices_count;
}

void store_does_notices(size_t count, bool end)
{
    assert_true(store.notices_count > 0 && count <= LIMIT_NOTICES);
    struct router_read_notices read = store.notices[0];
    store.notices_count--;
    memmove(store.notices, store.notices + 1, store.notices_count * sizeof(read));
    struct router_notice notices[LIMIT_NOTICES] = { 0 };
    int64_t rows[LIMIT_NOTICES];
    for (size_t i = 0; i < count; i++) {
        notices[i].sender = read.sender;
        notices[i].outcome = (struct outcome) { .state = OUTCOME_DELIVERED, .kept = true };
        notices[i].outcome.id[0] = (uint8_t)(read.after + 1 + (int64_t)i);
        rows[i] = read.after + 1 + (int64_t)i;
    }
    const struct router_notices_result result = {
        .ticket = read.ticket, .notices = notices, .rows = rows, .count = count, .end = end
    };
    router_notices_done(router, &result, now_ms);
}

/* ---- people ---- */

int router_scene_begin(void **state)
{
    (void)state;
    store = (struct scene_store) { .read_most = MOST };
    store_asked[0] = '\0';
    now_ms = 1795361897000;
    const struct router_out out = { .deliver = on_deliver,
                                    .outcome = on_outcome,
                                    .end = on_end,
                                    .put = on_put,
                                    .read = on_read,
                                    .remove = on_remove,
                                    .tell = on_tell,
                                    .noted = on_noted,
                                    .read_notices = on_read_notices };
    return router_new(env_system(), &out, &router) == MLT_OK ? 0 : -1;
}

int router_scene_end(void **state)
{
    (void)state;
    router_free(&router);
    return 0;
}

struct name name_of(const char *text)
{
    struct name name = { 0 };
    assert_ok(name_parse(span_str(text), &name));
    return name;
}

struct cert cert_of(const char *name, uint8_t serial)
{
    struct cert cert = { .fields = { .role = CERT_CLIENT, .not_after_s = SCENE_NOT_AFTER_S } };
    cert.fields.name = name_of(name);
    cert.fields.serial[0] = serial;
    memset(cert.spki_hash, name[0], HASH_LEN);
    return cert;
}

void member(const char *name)
{
    const struct name parsed = name_of(name);
    assert_ok(router_member(router, &parsed));
}

void join(struct link *link, const char *name, enum client_auth_kind kind, uint8_t serial)
{
    struct cert cert = cert_of(name, serial);
    const struct route_facts facts = {
        .kind = kind, .cert = &cert, .link = link, .ends_ms = SCENE_ENDS_MS
    };
    *link = (struct link) { 0 };
    assert_ok(router_join(router, &facts, &link->route));
}

void maria_is_here(void)
{
    join(&maria, "maria", CLIENT_AUTH_SEND, 1);
    member("joao");
    store_asked[0] = '\0';
}

void both_are_here(void)
{
    maria_is_here();
    join(&joao, "joao", CLIENT_AUTH_RECEIVE, 2);
}

void one_is_being_put(void)
{
    both_are_here();
    send_to(&maria, "joao", 7, "oi");
    now_ms += LIMIT_SPOOL_MS;
    router_tick(router, now_ms);
    assert_asked("put:7>joao");
}

void leave(struct link *link)
{
    struct route *route = link->route;
    link->route = NULL;
    router_leave(router, route);
}

void send_as(struct link *link, const struct sending *s)
{
    const struct envelope e = { .id = { s->id[0], s->id[1] },
                                .recipient = { ADDRESS_USER, name_of(s->to) },
                                .epoch = s->epoch,
                                .number = s->number,
                                .body_kind = BODY_PLAIN,
                                .body = s->body,
                                /* A claim about the sender must not survive. */
                                .sender = { ADDRESS_USER, name_of("mallory") },
                                .time_ms = 1 };
    router_send(router, link->route, &e, now_ms);
}

void send_to(struct link *link, const char *to, uint8_t id, const char *body)
{
    send_as(link, &(struct sending) { to, { id }, 1, id, span_str(body) });
}

void receipt(struct link *link, const char *sender, uint8_t id)
{
    const struct receipt r = { .sender = { ADDRESS_USER, name_of(sender) },
                               .id = { id },
                               .state = OUTCOME_DELIVERED };
    assert_ok(router_receipt(router, link->route, &r, now_ms));
}
