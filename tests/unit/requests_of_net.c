/* SPDX-License-Identifier: Apache-2.0 */
#include "requests_of_net.h"

#include "ca/enrol.h"
#include "pki/request.h"
#include "pki/statement.h"

/* ---- enrolments ---- */

struct wish {
    size_t name, key;            /* what the ENROL claims */
    size_t request_name;         /* what the PKCS#10 says */
    struct known_invite *invite; /* NULL: none, or one made up */
    bool proof_fits;
    bool is_whole; /* not garbled */
};

/* PROTOCOL.md 5.5, 7 and the rule that a key has one name and a name one key. */
static bool is_entitled(const struct world *w, const struct wish *wish)
{
    size_t name = wish->name, key = wish->key;
    bool is_free = w->holder[name] == NOBODY || w->holder[name] == (int)key;
    bool is_one = w->name_of[key] < 0 || w->name_of[key] == (int)name;
    if (w->revoked[key] || !is_free_name(name) || !is_free || !is_one || w->of_server[key] ||
        wish->request_name != name)
        return false;
    if (w->holder[name] == (int)key || w->a.mode == ENROL_OPEN || w->approved[name][key])
        return true;
    const struct known_invite *i = wish->invite;
    if (i == NULL || !wish->proof_fits || now_s(w) >= i->expires_s)
        return false;
    if (i->used)
        return i->used_name == (int)name && i->used_key == (int)key;
    return i->bound < 0 || i->bound == (int)name;
}

/* What was only given again has used up no invite. */
static void note_holder(struct world *w, const struct wish *wish, bool fresh)
{
    w->holder[wish->name] = (int)wish->key;
    w->name_of[wish->key] = (int)wish->name;
    if (wish->invite == NULL || wish->invite->used || !wish->proof_fits || !fresh)
        return;
    wish->invite->used = true;
    wish->invite->used_name = (int)wish->name;
    wish->invite->used_key = (int)wish->key;
}

static void judge_enrolled(struct world *w, const struct wish *wish, struct span body)
{
    struct ipc_enrolled answered;
    assert_ok(ipc_enrolled_decode(body, &answered));
    w->waits[wish->name][wish->key] |= answered.result == WELCOME_PENDING;
    if (answered.result != WELCOME_ISSUED) {
        assert_int_equal(answered.certificate.n, 0);
        w->refused++;
        return;
    }
    if (!is_entitled(w, wish))
        fail_msg("seed %llu: %s was given to key %zu", (unsigned long long)w->seed,
                 names[wish->name], wish->key);
    bool fresh = take_certificate(w, answered.certificate, names[wish->name], (int)wish->key);
    w->issued += fresh;
    w->returned += !fresh;
    note_holder(w, wish, fresh);
}

static struct known_invite *make_invite(struct world *w)
{
    if (w->invite_count == INVITES)
        return &w->invites[below(w, INVITES)];
    struct known_invite *i = &w->invites[w->invite_count++];
    i->bound = below(w, 2) == 0 ? -1 : (int)(8 + below(w, 8));
    i->invite = authority_invite(&w->a, i->bound < 0 ? NULL : names[i->bound]);
    i->expires_s = now_s(w) + LIMIT_INVITE_S;
    return i;
}

/* An ENROL as the wish has it; the proof may be for another name or key, or none at all. */
static void put_enrol(struct world *w, struct wish *wish, struct buf *body)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf other = { 0 };
    struct invite made_up = { { (uint8_t)draw(w) }, { (uint8_t)draw(w) } };
    const struct invite *invite = NULL;
    size_t how = below(w, 6);
    if (how >= 2) {
        bool known = w->invite_count > 0 && below(w, 2) == 0;
        wish->invite = known ? &w->invites[below(w, w->invite_count)] : make_invite(w);
        invite = &wish->invite->invite;
        wish->proof_fits = true;
    } else if (how == 1) {
        invite = &made_up;
    }
    struct ipc_enrol ask = authority_ask(&w->a.ca.cert, names[wish->request_name],
                                         key_of(wish->key), invite, &request);
    ask.name = authority_name(names[wish->name]);
    wish->proof_fits = wish->proof_fits && wish->name == wish->request_name;
    if (invite != NULL && below(w, 4) == 0) { /* somebody else's proof */
        size_t key = below(w, KEYS), name = 8 + below(w, 8);
        const struct ipc_enrol theirs =
            authority_ask(&w->a.ca.cert, names[name], key_of(key), invite, &other);
        memcpy(ask.proof, theirs.proof, INVITE_PROOF);
        wish->proof_fits = wish->invite != NULL && key == wish->key && name == wish->name;
    }
    assert_ok(ipc_enrol_encode(&ask, body));
}

void ask_enrol(struct world *w)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct ipc_message message;
    struct wish wish = { .name = below(w, NAMES), .key = below(w, KEYS), .is_whole = true };
    if (below(w, 2) == 0) /* who asks as himself, and so gets somewhere */
        wish.key = wish.name;
    wish.request_name = below(w, 5) == 0 ? below(w, NAMES) : wish.name;
    put_enrol(w, &wish, &body);
    if (below(w, 5) == 0) {
        wish.is_whole = false;
        garble(w, &body);
    }
    deliver(w, IPC_ENROL, buf_span(&body));
    if (answer(w, &message)) {
        assert_int_equal(message.type, IPC_ENROLLED);
        judge_enrolled(w, &wish, message.body);
    } else {
        assert_false(wish.is_whole);
    }
}

/* ---- server certificates ---- */

static size_t servers_within_the_hour(const struct world *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->server_count; i++)
        n += w->server_times[i] > now_s(w) - 3600;
    return n;
}

void ask_server(struct world *w)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    struct ipc_message message;
    struct ipc_server_cert answered;
    size_t key = below(w, 8) == 0 ? below(w, KEYS) : w->server_key;
    const char *name = below(w, 4) == 0 ? names[below(w, NAMES)] : "relay";
    const struct name subject = authority_name(name);
    bool is_whole = below(w, 6) != 0;
    assert_ok(request_make(key_of(key), &subject, &request));
    if (!is_whole)
        garble(w, &request);
    deliver(w, IPC_SERVER_REQUEST, buf_span(&request));
    if (!answer(w, &message)) {
        assert_false(is_whole);
        return;
    }
    assert_int_equal(message.type, IPC_SERVER_CERT);
    assert_ok(ipc_server_cert_decode(message.body, &answered));
    if (answered.err != MLT_OK) {
        assert_int_equal(answered.certificate.n, 0);
        w->refused++;
        return;
    }
    assert_string_equal(name, "relay");
    assert_true(w->name_of[key] < 0 && !w->revoked[key]);
    assert_true(servers_within_the_hour(w) < LIMIT_SERVER_CERTS_PER_HOUR);
    assert_true(w->server_count < SIGNED);
    assert_true(take_certificate(w, answered.certificate, "relay", (int)key));
    w->server_times[w->server_count++] = now_s(w);
    w->of_server[key] = true;
    w->issued++;
}

void flood_server_requests(struct world *w)
{
    while (servers_within_the_hour(w) < LIMIT_SERVER_CERTS_PER_HOUR && !w->revoked[w->server_key]) {
        size_t before = w->server_count;
        for (unsigned tries = 0; tries < 100 && w->server_count == before; tries++)
            ask_server(w);
        assert_true(w->server_count > before);
    }
    for (unsigned i = 0; i < 20; i++)
        ask_server(w);
    assert_true(servers_within_the_hour(w) <= LIMIT_SERVER_CERTS_PER_HOUR);
}

/* ---- renewals ---- */

/* The last one of the name and key; at least the asked one itself. */
static const struct known_certificate *newest_like(const struct world *w,
                                                   const struct known_certificate *c)
{
    const struct known_certificate *newest = c;
    for (size_t i = 0; i < w->certificate_count; i++) {
        const struct known_certificate *other = &w->certificates[i];
        if (other->name == c->name && other->key == c->key && other->from_s >= newest->from_s)
            newest = other;
    }
    return newest;
}

/* PROTOCOL.md 11.5: may net have a new one for it now, or the one that followed it? */
static bool may_renew(const struct world *w, const struct known_certificate *c, bool follows)
{
    if (c->name < 0 || w->revoked[c->key] || w->holder[c->name] != c->key)
        return false;
    bool is_due = now_s(w) >= c->from_s + (c->end_s - c->from_s) / 3;
    bool is_late = now_s(w) > c->end_s + LIMIT_GRACE_S;
    return follows || (is_due && (!is_late || now_s(w) < w->window_s[c->name]));
}

static void judge_renewed(struct world *w, const struct known_certificate *c, bool is_proven,
                          struct span body)
{
    struct ipc_enrolled answered;
    assert_ok(ipc_enrolled_decode(body, &answered));
    assert_true(answered.result == WELCOME_ISSUED || answered.result == WELCOME_REFUSED);
    if (answered.result == WELCOME_REFUSED) {
        assert_int_equal(answered.certificate.n, 0);
        w->refused++;
        return;
    }
    assert_true(is_proven);
    bool follows = newest_like(w, c) != c;
    if (!may_renew(w, c, follows))
        fail_msg("seed %llu: %s was renewed", (unsigned long long)w->seed, names[c->name]);
    bool fresh = take_certificate(w, answered.certificate, names[c->name], c->key);
    assert_true(fresh != follows);
    w->renewed += fresh;
    w->issued += fresh;
    w->returned += !fresh;
    if (fresh)
        w->window_s[c->name] = 0;
}

void ask_renew(struct world *w)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ipc_message message;
    struct known_certificate made_up = { .name = NOBODY };
    const struct known_certificate *c = &made_up;
    if (w->certificate_count > 0 && below(w, 10) != 0)
        c = &w->certificates[below(w, w->certificate_count)];
    size_t key = below(w, 5) == 0 ? below(w, KEYS) : (size_t)c->key;
    bool is_whole = below(w, 5) != 0, is_proven = key == (size_t)c->key && c != &made_up;
    assert_ok(statement_sign_renewal(key_of(key), &w->a.ca.cert, c->serial, &signature));
    struct ipc_renew request = { .signature = buf_span(&signature) };
    memcpy(request.serial, c->serial, CERT_SERIAL);
    assert_ok(ipc_renew_encode(&request, &body));
    CLEANUP(buf_clear) struct buf good = { 0 };
    assert_ok(buf_put(&good, buf_span(&body)));
    if (!is_whole)
        garble(w, &body);
    bool is_same = span_eq(buf_span(&good), buf_span(&body));
    deliver(w, IPC_RENEW, buf_span(&body));
    if (answer(w, &message)) {
        assert_int_equal(message.type, IPC_RENEWED);
        judge_renewed(w, c, is_proven && is_same, message.body);
    } else {
        assert_false(is_whole);
    }
}

/* ---- all else ---- */

void say_nonsense(struct world *w)
{
    uint8_t bytes[600];
    struct ipc_message message;
    size_t n = below(w, sizeof(bytes));
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)draw(w);
    uint8_t type = (uint8_t)(below(w, 3) == 0 ? draw(w) : IPC_CA_INFO + below(w, 8));
    if (type == IPC_RENEW) /* ask_renew garbles its own */
        type = IPC_REVOKED;
    deliver(w, type, span_of(bytes, n));
    if (!answer(w, &message))
        return;
    /* Only a request of random bytes is answered, and with a refusal. */
    assert_int_equal(message.type, type == IPC_ENROL ? IPC_ENROLLED : IPC_SERVER_CERT);
    struct ipc_server_cert server;
    struct ipc_enrolled client;
    if (type == IPC_ENROL) {
        assert_ok(ipc_enrolled_decode(message.body, &client));
        assert_int_equal(client.result, WELCOME_REFUSED);
    } else {
        assert_ok(ipc_server_cert_decode(message.body, &server));
        assert_true(server.err != MLT_OK);
    }
    w->refused++;
}
