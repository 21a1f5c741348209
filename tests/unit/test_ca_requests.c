/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authority.h"
#include "base/limits.h"
#include "ca/crl_keep.h"
#include "ca/enrol.h"
#include "ca/net_link.h"
#include "ca/renew.h"
#include "ca/revoke.h"
#include "crypto/rsa.h"
#include "pki/request.h"
#include "pki/statement.h"
#include "signed_oracle.h"

/*
 * Row 49: a net that was taken over asks the CA for whatever it likes, thousands of times, by
 * seed: good requests, other people's names and keys, invites that are made up, used, expired or
 * for somebody else, renewals of what is not due, not theirs, revoked or made up, garbled requests,
 * packets of nonsense, too many server certificates; while the administrator approves, revokes and
 * lets renew.  The requests go through the real channel and decoder into the real CA.  Everything
 * that comes back signed, revocation lists too, is held against a model of who is entitled to what
 * (below) and against PROTOCOL.md 11 (signed_oracle.h), and must have its leaf in the ledger.
 *
 *   test_ca_requests [SEED]     another seed than the kept ones
 */

enum { KEYS = 18, NAMES = 16, INVITES = 24, ROUNDS = 360, WORLDS = 7, SIGNED = 4096 };

enum { NOBODY = -1, CLOSED = -2 };

static const char *const names[NAMES] = {
    "maria", "joao", "a-1", "zoe.b", "relay", "ca",  "root", "ana_k",
    "b2",    "c3",   "d4",  "e5",    "f6",    "g-7", "h.8",  "i_9",
};
static const char realm[] = "malote.internal";

static bool is_free_name(size_t name)
{
    return name < 4 || name >= 7;
}

/* Made once a program. */
static EVP_PKEY *key_of(size_t i)
{
    static EVP_PKEY *keys[KEYS];
    if (keys[i] == NULL)
        assert_ok(rsa_key_new(2048, &keys[i]));
    return keys[i];
}

/* ---- the model: who may have what ---- */

struct known_invite {
    struct invite invite;
    int bound; /* name, or -1 */
    int64_t expires_s;
    bool used;
    int used_name, used_key;
};

/* What the CA gave out, as its holder knows it. */
struct known_certificate {
    uint8_t serial[CERT_SERIAL];
    int name, key; /* name -1: the server's */
    int64_t from_s, end_s, revoked_s;
    unsigned reason;
};

struct world {
    struct authority a;
    struct net_link link;
    struct channel net;
    struct buf packet;
    uint64_t seed;
    X509 *ca;
    int holder[NAMES]; /* key, NOBODY, or CLOSED */
    int name_of[KEYS]; /* of a client's key, or -1 */
    bool of_server[KEYS], revoked[KEYS];
    size_t server_key;       /* that an honest net would ask for */
    int64_t window_s[NAMES]; /* until when the administrator lets the name renew */
    struct known_certificate certificates[SIGNED];
    size_t certificate_count, renewed, lists;
    bool approved[NAMES][KEYS], waits[NAMES][KEYS];
    struct known_invite invites[INVITES];
    size_t invite_count;
    int64_t server_times[SIGNED]; /* when each server certificate was signed */
    size_t server_count, issued, returned, refused, dropped;
    struct buf seen; /* SHA-256 of every to-be-signed part that came back */
};

static uint64_t draw(struct world *w)
{
    uint64_t z = w->seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static size_t below(struct world *w, size_t n)
{
    return (size_t)(draw(w) % n);
}

static int64_t now_s(const struct world *w)
{
    return w->a.now_ms / 1000;
}

/* ---- the world ---- */

static void start_net(struct world *w)
{
    int fds[2];
    channel_close(&w->net);
    assert_ok(channel_pair(fds));
    channel_init(&w->net, fds[1], IPC_NET, IPC_CA);
    net_link_start(&w->link, fds[0]);
    w->link.loss = NET_LINK_KEPT;
}

static void world_start(struct world *w, uint64_t seed)
{
    static const enum enrol_mode modes[] = { ENROL_INVITE, ENROL_OPEN, ENROL_APPROVE };
    *w = (struct world) { .seed = seed, .net = { .fd = -1 } };
    authority_start(&w->a, modes[seed % COUNT_OF(modes)]);
    net_link_init(&w->link, &w->a.ca);
    w->ca = w->a.ca.cert.x509;
    w->server_key = KEYS - 1;
    for (size_t i = 0; i < NAMES; i++)
        w->holder[i] = NOBODY;
    for (size_t i = 0; i < KEYS; i++)
        w->name_of[i] = -1;
    start_net(w);
}

static void world_stop(struct world *w)
{
    channel_close(&w->net);
    net_link_clear(&w->link);
    buf_clear(&w->packet);
    buf_clear(&w->seen);
    authority_stop(&w->a);
}

/* ---- what came back signed ---- */

static X509 *read_der(struct span der)
{
    const uint8_t *at = der.p;
    X509 *x = d2i_X509(NULL, &at, (long)der.n);
    assert_non_null(x);
    assert_ptr_equal(at, der.p + der.n);
    return x;
}

static void tbs_hash(X509 *x, uint8_t hash[static HASH_LEN])
{
    uint8_t *tbs = NULL;
    int n = i2d_re_X509_tbs(x, &tbs);
    assert_true(n > 0);
    assert_ok(hash_sha256(span_of(tbs, (size_t)n), hash));
    OPENSSL_free(tbs);
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm;
    assert_int_equal(ASN1_TIME_to_tm(time, &tm), 1);
    return timegm(&tm);
}

static bool has_seen(const struct world *w, const uint8_t hash[static HASH_LEN])
{
    for (size_t i = 0; i < w->seen.len; i += HASH_LEN)
        if (span_eq(span_of(w->seen.p + i, HASH_LEN), span_of(hash, HASH_LEN)))
            return true;
    return false;
}

static void keep_certificate(struct world *w, X509 *x, const char *name, int key)
{
    assert_true(w->certificate_count < SIGNED);
    struct known_certificate *c = &w->certificates[w->certificate_count++];
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    assert_int_equal(ASN1_STRING_length(serial), CERT_SERIAL);
    *c = (struct known_certificate) { .name = NOBODY, .key = key };
    memcpy(c->serial, ASN1_STRING_get0_data(serial), CERT_SERIAL);
    for (int i = 0; i < NAMES; i++)
        if (strcmp(names[i], name) == 0 && strcmp(name, "relay") != 0)
            c->name = i;
    c->from_s = seconds_of(X509_get0_notBefore(x)) + LIMIT_BACKDATE_S;
    c->end_s = seconds_of(X509_get0_notAfter(x));
}

/* True if it is new; one that was signed before must be the same bytes. */
static bool take_certificate(struct world *w, struct span der, const char *name, int key)
{
    uint8_t hash[HASH_LEN];
    X509 *x = read_der(der);
    tbs_hash(x, hash);
    bool fresh = !has_seen(w, hash);
    const struct signed_wanted wanted = { .ca = w->ca,
                                          .realm = realm,
                                          .name = name,
                                          .key = key_of((size_t)key),
                                          .now_s = fresh ? now_s(w) : 0 };
    /* One that an administrator approved was signed then. */
    struct signed_wanted at_any_time = wanted;
    at_any_time.now_s = 0;
    const char *complaint = signed_complaint(x, &at_any_time);
    if (complaint != NULL)
        fail_msg("seed %llu: signed for %s: %s", (unsigned long long)w->seed, name, complaint);
    if (fresh)
        keep_certificate(w, x, name, key);
    X509_free(x);
    if (fresh)
        assert_ok(buf_put(&w->seen, SPAN_OF(hash)));
    return fresh;
}

/* ---- asking ---- */

static void deliver(struct world *w, uint8_t type, struct span body)
{
    CLEANUP(buf_clear) struct buf raw = { 0 };
    const uint8_t header[] = { type, 0, 0, 0, 7 };
    assert_ok(buf_put(&raw, SPAN_OF(header)));
    assert_ok(buf_put(&raw, body));
    assert_int_equal(send(w->net.fd, raw.p, raw.len, MSG_NOSIGNAL), raw.len);
    net_link_read(&w->link);
}

/* The answer, past what net is told unasked; false if the ca dropped us, and then anew. */
static bool answer(struct world *w, struct ipc_message *message)
{
    for (;;) {
        bool got = false;
        enum mlt_err err = channel_receive(&w->net, 0, &w->packet, message, &got);
        if (err == MLT_ERR_CUT) {
            assert_int_equal(w->link.channel.fd, -1);
            assert_int_equal(w->link.loss, NET_LINK_MISBEHAVED);
            w->dropped++;
            start_net(w);
            return false;
        }
        assert_ok(err);
        assert_true(got);
        if (message->type == IPC_ENROLLED || message->type == IPC_SERVER_CERT ||
            message->type == IPC_RENEWED) {
            assert_int_equal(message->tag, 7);
            return true;
        }
    }
}

/* Damages it somewhere: a bit, a byte, a cut, a stutter. */
static void garble(struct world *w, struct buf *body)
{
    size_t at = below(w, body->len);
    switch (below(w, 4)) {
    case 0:
        body->p[at] ^= (uint8_t)(1 << below(w, 8));
        break;
    case 1:
        body->p[at] = (uint8_t)draw(w);
        break;
    case 2:
        body->len = at;
        break;
    default:
        for (size_t i = 0; i < 8 && at + i < body->len; i++)
            body->p[at + i] = (uint8_t)draw(w);
    }
}

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

static void ask_enrol(struct world *w)
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

static void ask_server(struct world *w)
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

/* As many as it can get: the hour's ration, and not one more. */
static void flood_server_requests(struct world *w)
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

static void ask_renew(struct world *w)
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

/* ---- what is taken back ---- */

static const struct known_certificate *find_serial(const struct world *w, const uint8_t *serial)
{
    for (size_t i = 0; i < w->certificate_count; i++)
        if (span_eq(SPAN_OF(w->certificates[i].serial), span_of(serial, CERT_SERIAL)))
            return &w->certificates[i];
    return NULL;
}

/* The newest list, taken apart with libcrypto's calls: what the model has taken back and that could
 * still be renewed when it was signed is in it, with its reason, and nothing else. */
static void check_list(struct world *w)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    uint64_t number = 0;
    assert_ok(crl_keep_der(&w->a.ca.db, &number, &der));
    const uint8_t *at = der.p;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    assert_true(crl != NULL && at == der.p + der.len);
    const struct signed_list wanted = { w->ca, number };
    const char *complaint = signed_list_complaint(crl, &wanted);
    if (complaint != NULL)
        fail_msg("seed %llu: a list: %s", (unsigned long long)w->seed, complaint);
    int64_t signed_s = seconds_of(X509_CRL_get0_lastUpdate(crl));
    size_t listed = 0, count = 0;
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
        X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);
        const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(entry);
        assert_int_equal(ASN1_STRING_length(serial), CERT_SERIAL);
        const struct known_certificate *c = find_serial(w, ASN1_STRING_get0_data(serial));
        /* One that an administrator approved was never shown to net. */
        listed += c != NULL;
        if (c != NULL)
            assert_int_equal(seconds_of(X509_REVOKED_get0_revocationDate(entry)), c->revoked_s);
        ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
        if (c != NULL)
            assert_int_equal(reason != NULL ? ASN1_ENUMERATED_get(reason) : 0, c->reason);
        ASN1_ENUMERATED_free(reason);
    }
    for (size_t i = 0; i < w->certificate_count; i++)
        count += w->certificates[i].revoked_s != 0 &&
                 w->certificates[i].end_s + LIMIT_GRACE_S > signed_s;
    assert_int_equal(listed, count);
    w->lists++;
    X509_CRL_free(crl);
}

static void close_key(struct world *w, int key, unsigned reason)
{
    w->revoked[key] = true;
    for (size_t i = 0; i < w->certificate_count; i++) {
        struct known_certificate *c = &w->certificates[i];
        if (c->key != key || c->revoked_s != 0)
            continue;
        c->revoked_s = now_s(w);
        c->reason = reason;
    }
}

static void choose_server_key(struct world *w)
{
    for (size_t key = 0; key < KEYS; key++)
        if (!w->revoked[key] && w->name_of[key] < 0)
            w->server_key = key;
}

/* The administrator, whom net cannot play. */
static void take_back(struct world *w)
{
    static const enum crl_reason reasons[] = { CRL_UNSPECIFIED, CRL_KEY_COMPROMISE, CRL_CESSATION };
    size_t name = below(w, NAMES), count = 0;
    bool done = false;
    const struct revoke_order order = { authority_name(names[name]), reasons[below(w, 3)] };
    enum mlt_err err = revoke_name(&w->a.ca, &order, &count, &done);
    bool is_server = strcmp(names[name], "relay") == 0;
    if (err == MLT_ERR_MISSING) {
        assert_true(!done && !is_server && w->holder[name] == NOBODY);
        return;
    }
    assert_ok(err);
    for (int key = 0; key < KEYS; key++) {
        if (is_server ? w->of_server[key] : w->name_of[key] == (int)name)
            close_key(w, key, order.reason);
    }
    if (is_server)
        choose_server_key(w);
    else
        w->holder[name] = CLOSED;
    check_list(w);
}

static void let_renew(struct world *w)
{
    size_t name = below(w, NAMES);
    const struct name who = authority_name(names[name]);
    enum mlt_err err = renew_allow(&w->a.ca, &who);
    if (err == MLT_OK)
        w->window_s[name] = now_s(w) + LIMIT_RENEW_WINDOW_S;
    else
        assert_true(w->holder[name] < 0);
}

/* ---- all else ---- */

static void say_nonsense(struct world *w)
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

static void let_time_pass(struct world *w)
{
    static const int64_t steps_s[] = { 1, 60, 600, 3600, 86400, 8 * 86400, 91 * 86400 };
    w->a.now_ms += 1000 * steps_s[below(w, below(w, 4) == 0 ? COUNT_OF(steps_s) : 4)];
    assert_ok(crl_keep_tend(&w->a.ca, NULL));
    check_list(w);
}

/* The administrator, whom net cannot play. */
static void approve(struct world *w)
{
    size_t name = below(w, NAMES), key = below(w, 3) == 0 ? below(w, KEYS) : name;
    const struct name who = authority_name(names[name]);
    uint8_t hash[HASH_LEN];
    enum refusal reason = REFUSAL_NONE;
    authority_fingerprint(key_of(key), hash);
    enum mlt_err err = enrol_approve(&w->a.ca, &who, hash, &reason);
    if (err != MLT_OK)
        return;
    assert_true(w->waits[name][key] && is_free_name(name));
    assert_true(w->holder[name] == NOBODY || w->holder[name] == (int)key);
    assert_false(w->revoked[key]);
    w->approved[name][key] = true;
    w->holder[name] = (int)key;
    w->name_of[key] = (int)name;
}

static void one_round(struct world *w)
{
    switch (below(w, 14)) {
    case 0:
        say_nonsense(w);
        break;
    case 10:
        if (below(w, 4) == 0)
            take_back(w);
        else
            let_renew(w);
        break;
    case 11:
    case 12:
        ask_renew(w);
        break;
    case 1:
        let_time_pass(w);
        break;
    case 2:
        ask_server(w);
        break;
    case 3:
    case 4:
        if (w->a.mode == ENROL_APPROVE)
            approve(w);
        else
            ask_enrol(w);
        break;
    default:
        ask_enrol(w);
    }
}

/* ---- the ledger ---- */

/* PROTOCOL.md 10, taken apart here: the hash of what was signed, and that of the key. */
static void check_leaf(sqlite3_stmt *row, X509 *x, int64_t role)
{
    const uint8_t *leaf = sqlite3_column_blob(row, 1);
    size_t n = (size_t)sqlite3_column_bytes(row, 1);
    uint8_t hash[HASH_LEN], prefixed[256] = { 0 };
    assert_true(n > 1 + HASH_LEN + 1 && n < sizeof(prefixed) - 1);
    tbs_hash(x, hash);
    assert_int_equal(leaf[0], 0);
    assert_memory_equal(leaf + 1, hash, HASH_LEN);
    size_t name = leaf[1 + HASH_LEN];
    const uint8_t *after = leaf + 1 + HASH_LEN + 1 + name;
    assert_int_equal(n, 1 + HASH_LEN + 1 + name + HASH_LEN + 1 + CERT_SERIAL + 8);
    assert_int_equal(after[HASH_LEN], role);
    assert_memory_equal(after + HASH_LEN + 1, ASN1_STRING_get0_data(X509_get0_serialNumber(x)),
                        CERT_SERIAL);
    memcpy(prefixed + 1, leaf, n);
    assert_ok(hash_sha256(span_of(prefixed, n + 1), hash));
    assert_memory_equal(sqlite3_column_blob(row, 2), hash, HASH_LEN);
}

/* A list's has no name. */
enum { LEAF_KIND_OF_A_LIST = 1 + HASH_LEN + 1 + HASH_LEN };

static bool is_list_leaf(const uint8_t *leaf)
{
    return leaf[1 + HASH_LEN] == 0 && leaf[LEAF_KIND_OF_A_LIST] == LEDGER_CRL;
}

/* Numbers rise by one, and the last is the one that is kept, byte for byte. */
static void check_list_leaf(struct world *w, sqlite3_stmt *row, uint64_t number)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    uint8_t hash[HASH_LEN];
    uint64_t newest = 0, listed = 0;
    const uint8_t *leaf = sqlite3_column_blob(row, 1);
    assert_int_equal(sqlite3_column_type(row, 5), SQLITE_NULL);
    for (size_t i = 0; i < CERT_SERIAL; i++)
        listed = listed << 8 | leaf[LEAF_KIND_OF_A_LIST + 1 + i];
    assert_int_equal(listed, number);
    assert_ok(crl_keep_der(&w->a.ca.db, &newest, &der));
    if (number != newest)
        return;
    const uint8_t *at = der.p;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    uint8_t *tbs = NULL;
    int n = i2d_re_X509_CRL_tbs(crl, &tbs);
    assert_ok(hash_sha256(span_of(tbs, (size_t)n), hash));
    assert_memory_equal(leaf + 1, hash, HASH_LEN);
    OPENSSL_free(tbs);
    X509_CRL_free(crl);
}

/* Every certificate has its leaf, every leaf its place, and there is no certificate but these. */
static void check_ledger(struct world *w)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    size_t count = 0, known = 0, lists = 0;
    assert_int_equal(sqlite3_open_v2("ledger.db", &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT leaf.position, bytes, hash, role, name, der FROM "
                                        "leaf LEFT JOIN certificate USING(position) ORDER BY 1",
                                        -1, &row, NULL),
                     SQLITE_OK);
    while (sqlite3_step(row) == SQLITE_ROW) {
        assert_int_equal(sqlite3_column_int64(row, 0), count++);
        if (is_list_leaf(sqlite3_column_blob(row, 1))) {
            check_list_leaf(w, row, ++lists);
            continue;
        }
        assert_int_equal(sqlite3_column_type(row, 5), SQLITE_BLOB);
        int64_t role = sqlite3_column_int64(row, 3);
        X509 *x =
            read_der(span_of(sqlite3_column_blob(row, 5), (size_t)sqlite3_column_bytes(row, 5)));
        check_leaf(row, x, role);
        const struct signed_wanted wanted = { .ca = w->ca,
                                              .realm = realm,
                                              .name = (const char *)sqlite3_column_text(row, 4) };
        const char *complaint = role == CERT_CA ? NULL : signed_complaint(x, &wanted);
        if (complaint != NULL)
            fail_msg("in the ledger for %s: %s", wanted.name, complaint);
        uint8_t hash[HASH_LEN];
        tbs_hash(x, hash);
        known += has_seen(w, hash);
        X509_free(x);
    }
    sqlite3_finalize(row);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    /* What came back is in it, all of it. */
    assert_int_equal(known, w->seen.len / HASH_LEN);
    assert_true(count >= 1 + w->issued);
}

static size_t all_renewed;

static void run_world(uint64_t seed)
{
    static struct world w;
    world_start(&w, seed);
    for (unsigned i = 0; i < ROUNDS; i++)
        one_round(&w);
    if (seed % 4 == 0)
        flood_server_requests(&w);
    for (unsigned i = 0; i < ROUNDS / 4; i++)
        one_round(&w);
    check_ledger(&w);
    print_message("seed %llu: %zu signed (%zu for the server, %zu renewed), %zu given again, "
                  "%zu refused, %zu lists, %zu times dropped\n",
                  (unsigned long long)seed, w.issued, w.server_count, w.renewed, w.returned,
                  w.refused, w.lists, w.dropped);
    assert_true(w.issued - w.server_count > 2 && w.refused > 50 && w.dropped > 10);
    assert_true(w.lists > 20);
    all_renewed += w.renewed;
    world_stop(&w);
}

static uint64_t chosen_seed;

static void row_49_nothing_is_signed_that_nobody_is_entitled_to(void **state)
{
    (void)state;
    if (chosen_seed != 0) {
        run_world(chosen_seed);
        return;
    }
    for (uint64_t seed = 1; seed <= WORLDS; seed++)
        run_world(seed);
    assert_true(all_renewed > WORLDS);
}

/* The second opinion has to be able to disagree: certificates that are wrong in one thing. */
static void the_oracle_sees_what_is_wrong(void **state)
{
    (void)state;
    struct world w;
    CLEANUP(buf_clear) struct buf der = { 0 };
    world_start(&w, 3); /* seed 3: ENROL_INVITE */
    const struct invite invite = authority_invite(&w.a, "maria");
    const struct ipc_enrolled made =
        authority_enrol(&w.a, "maria", authority_key(0), &invite, &der);
    X509 *x = read_der(made.certificate);
    struct signed_wanted wanted = { w.ca, realm, "maria", authority_key(0), now_s(&w) };
    assert_null(signed_complaint(x, &wanted));
    wanted.name = "joao";
    assert_string_equal(signed_complaint(x, &wanted), "subject");
    wanted.name = "maria";
    wanted.key = authority_key(1);
    assert_string_equal(signed_complaint(x, &wanted), "key: another one");
    wanted.key = NULL;
    wanted.now_s++;
    assert_string_equal(signed_complaint(x, &wanted), "validity: not from now");
    wanted.now_s = 0;
    wanted.realm = "other.example";
    assert_string_equal(signed_complaint(x, &wanted), "issuer");
    X509_free(x);
    world_stop(&w);
}

static int libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

int main(int argc, char **argv)
{
    chosen_seed = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oracle_sees_what_is_wrong),
        cmocka_unit_test(row_49_nothing_is_signed_that_nobody_is_entitled_to),
    };
    return cmocka_run_group_tests_name("ca_requests", tests, libraries, NULL);
}
