/* SPDX-License-Identifier: Apache-2.0 */
#include "requests_world.h"

#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "ca/crl_keep.h"
#include "crypto/rsa.h"
#include "signed_oracle.h"

const char *const names[NAMES] = {
    "maria", "joao", "a-1", "zoe.b", "relay", "ca",  "root", "ana_k",
    "b2",    "c3",   "d4",  "e5",    "f6",    "g-7", "h.8",  "i_9",
};
const char realm[] = "malote.internal";

bool is_free_name(size_t name)
{
    return name < 4 || name >= 7;
}

EVP_PKEY *key_of(size_t i)
{
    static EVP_PKEY *keys[KEYS];
    if (keys[i] == NULL)
        assert_ok(rsa_key_new(2048, &keys[i]));
    return keys[i];
}

uint64_t draw(struct world *w)
{
    uint64_t z = w->seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

size_t below(struct world *w, size_t n)
{
    return (size_t)(draw(w) % n);
}

int64_t now_s(const struct world *w)
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

void world_start(struct world *w, uint64_t seed)
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

void world_stop(struct world *w)
{
    channel_close(&w->net);
    net_link_clear(&w->link);
    buf_clear(&w->packet);
    buf_clear(&w->seen);
    authority_stop(&w->a);
}

/* ---- what came back signed ---- */

X509 *read_der(struct span der)
{
    const uint8_t *at = der.p;
    X509 *x = d2i_X509(NULL, &at, (long)der.n);
    assert_non_null(x);
    assert_ptr_equal(at, der.p + der.n);
    return x;
}

void tbs_hash(X509 *x, uint8_t hash[static HASH_LEN])
{
    uint8_t *tbs = NULL;
    int n = i2d_re_X509_tbs(x, &tbs);
    assert_true(n > 0);
    assert_ok(hash_sha256(span_of(tbs, (size_t)n), hash));
    OPENSSL_free(tbs);
}

X509_CRL *newest_list(struct world *w, uint64_t *number)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_ok(crl_keep_der(&w->a.ca.db, number, &der));
    const uint8_t *at = der.p;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    assert_true(crl != NULL && at == der.p + der.len);
    return crl;
}

bool has_seen(const struct world *w, const uint8_t hash[static HASH_LEN])
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
    c->from_s = signed_seconds(X509_get0_notBefore(x)) + LIMIT_BACKDATE_S;
    c->end_s = signed_seconds(X509_get0_notAfter(x));
}

bool take_certificate(struct world *w, struct span der, const char *name, int key)
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

void deliver(struct world *w, uint8_t type, struct span body)
{
    CLEANUP(buf_clear) struct buf raw = { 0 };
    const uint8_t header[] = { type, 0, 0, 0, 7 };
    assert_ok(buf_put(&raw, SPAN_OF(header)));
    assert_ok(buf_put(&raw, body));
    assert_int_equal(send(w->net.fd, raw.p, raw.len, MSG_NOSIGNAL), raw.len);
    net_link_read(&w->link);
}

bool answer(struct world *w, struct ipc_message *message)
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

void garble(struct world *w, struct buf *body)
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
