/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's store and courier on a disk that fails (said.h): puts messages into the outbox, takes
 * down what became of them, receives, several with one fsync, and shows.  There is no network: the
 * courier's calls are answered here, as a server would that says everything again until it is
 * confirmed.
 *
 *   client_program work DIR [N]     DIR: an empty directory, 0700, which becomes a home
 *   client_program show DIR
 *
 * Keys: new/PEER/N came and was not shown, seen/PEER/N was; wait/PEER/N is ours and waits,
 * kept/PEER/N is stored by the server, done/PEER/N was delivered.
 *
 * "did" is said where the promise is given: for what came, at the first confirmation that the
 * courier sends, for the outbox when store_outbox_keep has returned.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/courier.h"
#include "client/store_history.h"
#include "said.h"

enum { rounds = 12, batch = 3, patience_ms = 20000 };

static const char *const peers[] = { "ana", "rui" };

static struct home home = HOME_CLOSED;
static struct store *store;
static struct courier *courier;

/* ---- the server ---- */

static char promise[512]; /* what "did" says when the next confirmation is sent */

static void keep_promise(void)
{
    if (promise[0] != '\0')
        say("did %s", promise);
    promise[0] = '\0';
}

static enum mlt_err on_send(void *ctx, const struct envelope *e)
{
    (void)ctx;
    (void)e;
    return MLT_OK;
}

static enum mlt_err on_receipt(void *ctx, const struct receipt *r)
{
    (void)ctx;
    (void)r;
    keep_promise();
    return MLT_OK;
}

static enum mlt_err on_noted(void *ctx, const struct noted *n)
{
    (void)ctx;
    (void)n;
    keep_promise();
    return MLT_OK;
}

static void on_wait(void *ctx, const struct courier_wait *wait)
{
    (void)ctx;
    (void)wait;
}

static enum mlt_err take_turn(void *ctx, int64_t stream, bool *taken)
{
    (void)ctx;
    (void)stream;
    *taken = true;
    return MLT_OK;
}

static void leave_turn(void *ctx, int64_t stream)
{
    (void)ctx;
    (void)stream;
}

static enum mlt_err open_all(void)
{
    const struct courier_config config = {
        .env = env_system(),
        .turn = { NULL, take_turn, leave_turn },
        .out = { NULL, on_send, on_receipt, on_noted, on_wait },
        .receives = true,
    };
    struct courier_config ready = config;
    if (store == NULL)
        TRY(store_open(&home, env_system(), &store));
    ready.store = store;
    if (courier == NULL)
        TRY(courier_new(&ready, &courier));
    courier_up(courier, LIMIT_BODY);
    return MLT_OK;
}

/* ---- changes ---- */

struct change {
    enum { KEEP, RECEIVE, STORED, DELIVERED, SHOW } what;
    const char *peer;
    unsigned number; /* of RECEIVE: the first of `batch` */
};

static void put_body(char *text, size_t room, const struct change *c, unsigned number)
{
    snprintf(text, room, "%s/%u", c->peer, number);
}

static void add_key(char *keys, size_t room, const char *group, const char *body)
{
    size_t n = strlen(keys);
    snprintf(keys + n, room - n, "%s%s/%s", n > 0 ? " " : "", group, body);
}

static void name_keys(const struct change *c, char *keys, size_t room)
{
    static const char *const leaves[] = { NULL, NULL, "-wait", "-kept", "-new" };
    static const char *const appears[] = { "+wait", "+new", "+kept", "+done", "+seen" };
    unsigned count = c->what == RECEIVE ? batch : 1;
    keys[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        char body[64];
        put_body(body, sizeof(body), c, c->number + i);
        if (leaves[c->what] != NULL)
            add_key(keys, room, leaves[c->what], body);
        add_key(keys, room, appears[c->what], body);
    }
}

static enum mlt_err find(const struct change *c, bool is_ours, struct store_message *m, bool *found)
{
    struct name peer;
    char body[64];
    TRY(name_parse(span_str(c->peer), &peer));
    put_body(body, sizeof(body), c, c->number);
    bool more = true;
    int64_t after = 0;
    *found = false;
    while (more && !*found) {
        TRY(store_history_next(store, &peer, after, m, &more));
        after = m->row;
        *found = more && m->is_ours == is_ours && span_eq(buf_span(&m->body), span_str(body));
    }
    return MLT_OK;
}

static enum mlt_err find_or_fail(const struct change *c, bool is_ours, struct store_message *m)
{
    bool found = false;
    TRY(find(c, is_ours, m, &found));
    return found ? MLT_OK : MLT_ERR_MISSING;
}

/* A put that failed may have been kept all the same: whoever tries again looks first. */
static enum mlt_err keep(const struct change *c)
{
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = false;
    TRY(find(c, true, &m, &found));
    if (found)
        return MLT_OK;
    char body[64];
    struct store_outgoing message = { 0 };
    uint8_t id[ENVELOPE_ID];
    put_body(body, sizeof(body), c, c->number);
    message.body = span_str(body);
    TRY(name_parse(span_str(c->peer), &message.recipient));
    return store_outbox_keep(store, &message, id);
}

static enum mlt_err receive(const struct change *c)
{
    for (unsigned i = 0; i < batch; i++) {
        char body[64];
        put_body(body, sizeof(body), c, c->number + i);
        struct envelope e = { .sender.kind = ADDRESS_USER,
                              .recipient.kind = ADDRESS_USER,
                              .time_ms = 1,
                              .id = { (uint8_t)(c->number + i) },
                              .epoch = 1,
                              .number = c->number + i,
                              .body_kind = BODY_PLAIN,
                              .body = span_str(body) };
        TRY(name_parse(span_str(c->peer), &e.sender.name));
        TRY(courier_deliver(courier, &e));
    }
    return courier_process(courier);
}

static enum mlt_err hear(const struct change *c, enum outcome_state state)
{
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    struct outcome outcome = { .state = state, .kept = state == OUTCOME_DELIVERED };
    TRY(find_or_fail(c, true, &m));
    memcpy(outcome.id, m.id, sizeof(outcome.id));
    TRY(courier_outcome(courier, &outcome));
    return courier_process(courier);
}

static enum mlt_err show_one(const struct change *c)
{
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    TRY(find_or_fail(c, false, &m));
    return store_shown(store, m.row, true);
}

static enum mlt_err make(const struct change *c)
{
    switch (c->what) {
    case KEEP:
        return keep(c);
    case RECEIVE:
        return receive(c);
    case STORED:
        return hear(c, OUTCOME_STORED);
    case DELIVERED:
        return hear(c, OUTCOME_DELIVERED);
    case SHOW:
        return show_one(c);
    }
    return MLT_ERR_STATE;
}

static int64_t now_ms(void)
{
    return env_mono_ms(env_system());
}

static bool achieve(const struct change *c)
{
    const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
    char keys[sizeof(promise)];
    name_keys(c, keys, sizeof(keys));
    for (int64_t end = now_ms() + patience_ms; now_ms() < end; nanosleep(&pause, NULL)) {
        bool is_confirmed = c->what == RECEIVE || c->what == DELIVERED;
        say("try %s", keys);
        snprintf(promise, sizeof(promise), "%s", keys);
        enum mlt_err err = open_all();
        if (err == MLT_OK)
            err = make(c);
        if (err == MLT_OK) {
            keep_promise();
            return true;
        }
        if (promise[0] != '\0' || !is_confirmed)
            say("not %s", keys);
        promise[0] = '\0';
        if (courier != NULL)
            courier_down(courier, err);
    }
    return false;
}

/* The whole of the work, in one order. */
static size_t plan(struct change *changes)
{
    size_t n = 0;
    for (unsigned i = 1; i <= rounds; i++) {
        const char *peer = peers[i % COUNT_OF(peers)];
        unsigned number = (i + 1) / (unsigned)COUNT_OF(peers);
        changes[n++] = (struct change) { KEEP, peer, number };
        if (i % 3 == 0)
            changes[n++] = (struct change) { RECEIVE, "zoe", (i / 3 - 1) * batch + 1 };
        if (i % 3 == 1)
            changes[n++] = (struct change) { STORED, peer, number };
        if (i % 6 == 1)
            changes[n++] = (struct change) { DELIVERED, peer, number };
        if (i % 4 == 0)
            changes[n++] = (struct change) { SHOW, "zoe", i / 4 };
    }
    return n;
}

static int work(const char *dir, long done)
{
    struct change changes[rounds * 5];
    size_t count = plan(changes);
    if (home_open(dir, false, &home) != MLT_OK)
        return 1;
    for (size_t i = done > 0 ? (size_t)done : 0; i < count; i++) {
        if (!achieve(&changes[i]))
            return 1;
    }
    courier_free(&courier);
    store_close(&store);
    return 0;
}

/* ---- what is there ---- */

static bool is_sound(const char *dir)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/malote.db", dir);
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    bool good = sqlite3_open(path, &db) == SQLITE_OK &&
                sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, NULL) == SQLITE_OK &&
                sqlite3_step(q) == SQLITE_ROW &&
                strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0;
    sqlite3_finalize(q);
    sqlite3_close(db);
    return good;
}

static const char *group_of(const struct store_message *m)
{
    if (!m->is_ours)
        return m->is_shown ? "seen" : "new";
    switch (m->state) {
    case STORE_WAITING:
        return "wait";
    case STORE_STORED:
        return "kept";
    case STORE_DELIVERED:
        return "done";
    default:
        return "lost";
    }
}

/* Numbers of our streams are used once, and none is left out. */
static bool follows(const struct store_message *m)
{
    static uint64_t last[COUNT_OF(peers)];
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        if (m->is_ours && strcmp(m->peer.text, peers[i]) == 0)
            return m->number == ++last[i];
    }
    return !m->is_ours && m->gap == 0;
}

static enum mlt_err show_all(void)
{
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = true;
    TRY(store_open(&home, env_system(), &store));
    while (found) {
        TRY(store_history_next(store, NULL, m.row, &m, &found));
        if (!found)
            break;
        ENSURE(follows(&m), MLT_ERR_DAMAGED);
        say("has %s/%s", group_of(&m), (const char *)m.body.p);
    }
    store_close(&store);
    return MLT_OK;
}

static int show(const char *dir)
{
    enum mlt_err err = home_open(dir, false, &home);
    if (err == MLT_OK)
        err = show_all();
    if (err != MLT_OK)
        fprintf(stderr, "client_program: %s\n", err_text(err));
    return err == MLT_OK && is_sound(dir) ? 0 : 1;
}

int main(int argc, char **argv)
{
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "work") == 0)
        return work(argv[2], argc == 4 ? strtol(argv[3], NULL, 10) : 0);
    if (argc == 3 && strcmp(argv[1], "show") == 0)
        return show(argv[2]);
    return 2;
}
