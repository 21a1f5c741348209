/* SPDX-License-Identifier: Apache-2.0 */
#include "ca_scene.h"

#include <stdlib.h>

#include "crypto/rsa.h"
#include "pki/crl.h"
#include "pki/statement.h"
#include "rfc9162.h"
#include "test_base.h"

struct ca_scene *ca_scene;

static int64_t now_s(void)
{
    return scene_clock_now()->wall_ms / 1000 + ca_scene->ahead_s;
}

static void begin(void)
{
    static struct ca_scene s;
    s = (struct ca_scene) { .leaves_at_once = 100 };
    ca_scene = &s;
    s.epoch = (uint64_t)now_s() - 86400;
    scene->server.ca = ca_scene_answer;
}

int ca_scene_begin(void **state)
{
    int status = scene_begin(state);
    begin();
    return status;
}

int ca_scene_begin_now(void **state)
{
    int status = scene_begin_now(state);
    begin();
    return status;
}

int ca_scene_end(void **state)
{
    for (size_t i = 0; i < ca_scene->count; i++)
        buf_clear(&ca_scene->leaves[i]);
    buf_clear(&ca_scene->head);
    buf_clear(&ca_scene->certificate);
    return scene_end(state);
}

/* ---- the ledger ---- */

void ca_scene_add(const struct ledger_leaf *leaf)
{
    struct ca_scene *s = ca_scene;
    assert_true(s->count < CA_SCENE_LEAVES);
    struct buf *bytes = &s->leaves[s->count];
    assert_ok(ledger_leaf_encode(leaf, bytes));
    rfc9162_leaf(buf_span(bytes), s->hashes[s->count++]);
}

void ca_scene_grow(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ledger_leaf leaf = { .kind = LEDGER_SERVER, .time_s = now_s() };
        assert_ok(name_parse(span_str("relay"), &leaf.name));
        leaf.serial[0] = 0x50;
        leaf.serial[1] = (uint8_t)(ca_scene->count >> 8);
        leaf.serial[2] = (uint8_t)ca_scene->count;
        ca_scene_add(&leaf);
    }
}

void ca_scene_add_certificate(struct span der, enum cert_role role)
{
    CLEANUP(cert_clear) struct cert c = { 0 };
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    assert_ok(cert_read_leaf(der, &pair_house()->ca, role, now_s(), &c));
    assert_ok(profile_tbs(c.x509, &tbs));
    struct ledger_leaf leaf = { .name = c.fields.name,
                                .kind = role == CERT_SERVER ? LEDGER_SERVER : LEDGER_CLIENT,
                                .time_s = now_s() };
    assert_ok(hash_sha256(buf_span(&tbs), leaf.tbs_hash));
    memcpy(leaf.spki_hash, c.spki_hash, HASH_LEN);
    memcpy(leaf.serial, c.fields.serial, CERT_SERIAL);
    ca_scene_add(&leaf);
}

void ca_scene_root(size_t size, uint8_t root[static HASH_LEN])
{
    rfc9162_root(ca_scene->hashes, size, root);
}

static void sign_head(EVP_PKEY *key, size_t size, uint8_t other, struct buf *out)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ledger_head head = {
        .epoch = ca_scene->epoch, .base = ca_scene->base, .size = size, .time_s = now_s()
    };
    ca_scene_root(size, head.root);
    head.root[0] = (uint8_t)(head.root[0] + other);
    assert_ok(statement_sign_head(key, &pair_house()->ca, &head, &signature));
    head.signature = buf_span(&signature);
    assert_ok(ledger_head_encode(&head, out));
}

void ca_scene_sign_head(size_t size, struct buf *head)
{
    sign_head(pair_house()->ca_key, size, 0, head);
}

static void show(void)
{
    scene->server.welcome.ledger_head = buf_span(&ca_scene->head);
}

void ca_scene_show(size_t size)
{
    buf_clear(&ca_scene->head);
    ca_scene_sign_head(size, &ca_scene->head);
    show();
}

void ca_scene_show_lie(size_t size, enum ca_scene_lie lie)
{
    struct pair_house *house = pair_house();
    buf_clear(&ca_scene->head);
    sign_head(lie == CA_SCENE_FORGED ? house->other_key : house->ca_key, size,
              lie == CA_SCENE_OTHER_ROOT, &ca_scene->head);
    show();
}

static void answer_prove(struct small_server *s, struct span body)
{
    CLEANUP(buf_clear) struct buf head = { 0 };
    CLEANUP(buf_clear) struct buf hashes = { 0 };
    CLEANUP(buf_clear) struct buf answer = { 0 };
    struct ledger_head from;
    struct ca_scene *c = ca_scene;
    assert_ok(ledger_head_decode(body, &from));
    assert_ok(statement_check_head(&pair_house()->ca, &from));
    size_t size = c->proof_size > 0 ? c->proof_size : c->count;
    struct ledger_proof proof = { .result = c->proof != 0 ? c->proof : PROOF_PROVEN };
    if (proof.result == PROOF_PROVEN) {
        if (from.size < size)
            rfc9162_consistency(ca_scene->hashes, size, from.size, &hashes);
        if (c->proof_is_wrong && hashes.len > 0)
            hashes.p[hashes.len - 1] ^= 1;
        sign_head(pair_house()->ca_key, size, c->proof_root, &head);
        proof.head = buf_span(&head);
        proof.hashes = buf_span(&hashes);
    }
    assert_ok(ledger_proof_encode(&proof, &answer));
    small_server_put(s, RECORD_PROOF, buf_span(&answer));
}

static void answer_leaves(struct small_server *s, struct span body)
{
    CLEANUP(buf_clear) struct buf leaves = { 0 };
    CLEANUP(buf_clear) struct buf answer = { 0 };
    struct leaves_wanted wanted;
    struct ca_scene *c = ca_scene;
    assert_ok(leaves_wanted_decode(body, &wanted));
    wanted.first += c->leaves_skipped;
    size_t most = c->leaves_most > 0 ? c->leaves_most : c->count;
    for (size_t i = wanted.first; i < most && i < wanted.first + c->leaves_at_once; i++)
        assert_ok(leaves_put(&leaves, buf_span(&c->leaves[i])));
    struct leaves l = { .result = LEAVES_HERE, .first = wanted.first, .leaves = buf_span(&leaves) };
    if (c->leaves_are_busy)
        l = (struct leaves) { .result = LEAVES_BUSY, .first = wanted.first };
    assert_ok(leaves_encode(&l, &answer));
    small_server_put(s, RECORD_LEAVES, buf_span(&answer));
}

/* ---- revocation ---- */

void ca_scene_serial(unsigned i, uint8_t serial[static CERT_SERIAL])
{
    memset(serial, 0, CERT_SERIAL);
    serial[0] = 0x44;
    serial[CERT_SERIAL - 2] = (uint8_t)(i >> 8);
    serial[CERT_SERIAL - 1] = (uint8_t)i;
}

static void put_notice(uint64_t number, struct span serials, struct buf *record)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct revocation r = { .number = number,
                            .this_update_s = now_s(),
                            .next_update_s = now_s() + LIMIT_CRL_S,
                            .serials = serials };
    struct pair_house *house = pair_house();
    assert_ok(statement_sign_revocation(house->ca_key, &house->ca, &r, &signature));
    r.signature = buf_span(&signature);
    assert_ok(revocation_encode(&r, record));
}

void ca_scene_notice(uint64_t number, unsigned first, unsigned count, struct buf *record)
{
    CLEANUP(buf_clear) struct buf serials = { 0 };
    for (unsigned i = 0; i < count; i++) {
        uint8_t serial[CERT_SERIAL];
        ca_scene_serial(first + i, serial);
        assert_ok(buf_put(&serials, SPAN_OF(serial)));
    }
    put_notice(number, buf_span(&serials), record);
}

void ca_scene_notice_of(uint64_t number, const uint8_t serial[static CERT_SERIAL],
                        struct buf *record)
{
    put_notice(number, span_of(serial, CERT_SERIAL), record);
}

void ca_scene_list(uint64_t number, unsigned count, struct buf *der)
{
    struct pair_house *house = pair_house();
    CLEANUP(crl_clear) struct crl crl = { 0 };
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    assert_ok(crl_reserve(&crl, count));
    crl.number = number;
    crl.this_update_s = now_s();
    crl.next_update_s = now_s() + LIMIT_CRL_S;
    for (unsigned i = 0; i < count; i++) {
        ca_scene_serial(i, crl.entries[i].serial);
        crl.entries[i].revoked_s = now_s();
    }
    assert_ok(crl_tbs(&crl, &house->ca, &tbs));
    assert_ok(crl_sign(buf_span(&tbs), house->ca_key, &house->ca, der));
}

void ca_scene_send_list(uint64_t number, struct span der, size_t piece)
{
    for (size_t at = 0; at < der.n; at += piece) {
        CLEANUP(buf_clear) struct buf body = { 0 };
        size_t n = der.n - at < piece ? der.n - at : piece;
        const struct crl_piece p = { .number = number,
                                     .offset = (uint32_t)at,
                                     .total = (uint32_t)der.n,
                                     .bytes = span_of(der.p + at, n) };
        assert_ok(crl_piece_encode(&p, &body));
        small_server_put(&scene->server, RECORD_CRL, buf_span(&body));
    }
}

/* ---- renewal ---- */

void ca_scene_issue(const char *name, EVP_PKEY *key, int64_t life_s, struct buf *der)
{
    pair_issue(CERT_CLIENT, name, key, now_s() - LIMIT_BACKDATE_S, now_s() + life_s, der);
}

static void answer_renew(struct small_server *s, struct span body)
{
    struct ca_scene *c = ca_scene;
    struct pair_house *house = pair_house();
    struct renew renew;
    CLEANUP(buf_clear) struct buf answer = { 0 };
    assert_ok(renew_decode(body, &renew));
    assert_ok(
        statement_check_renewal(house->client_key, &house->ca, renew.serial, renew.signature));
    struct renewed r = c->renewed;
    if (r.result == 0)
        r = (struct renewed) { .result = WELCOME_ISSUED, .certificate = buf_span(&c->certificate) };
    assert_ok(renewed_encode(&r, &answer));
    small_server_put(s, RECORD_RENEWED, buf_span(&answer));
}

void ca_scene_answer(struct small_server *s, enum record_kind kind, struct span body)
{
    if (kind == RECORD_PROVE)
        answer_prove(s, body);
    else if (kind == RECORD_LEAVES_WANTED)
        answer_leaves(s, body);
    else if (kind == RECORD_RENEW)
        answer_renew(s, body);
}

/* ---- the home ---- */

const struct store_authority *ca_scene_known(void)
{
    assert_ok(store_authority_read(scene->store, &ca_scene->known));
    return &ca_scene->known;
}

struct ledger_head ca_scene_held(void)
{
    struct ledger_head head = { 0 };
    const struct store_authority *known = ca_scene_known();
    if (known->head_size > 0)
        assert_ok(ledger_head_decode(store_authority_head(known), &head));
    return head;
}

bool ca_scene_is_revoked(unsigned i)
{
    uint8_t serial[CERT_SERIAL];
    bool is_revoked = false;
    ca_scene_serial(i, serial);
    assert_ok(store_authority_is_revoked(scene->store, serial, &is_revoked));
    return is_revoked;
}

void ca_scene_log_in(enum client_auth_kind kind)
{
    if (scene->store == NULL)
        scene_make_joined();
    ca_scene_log_in_anew(kind);
}

void ca_scene_log_in_anew(enum client_auth_kind kind)
{
    client_free(&scene->client);
    small_server_drop(&scene->server);
    scene_connect_as(kind);
    scene_expect(CLIENT_EVENT_LOGGED_IN);
}
