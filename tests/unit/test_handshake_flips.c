/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/evp.h>

#include "pair.h"
#include "refusals.h"
#include "wire/welcome.h"

/*
 * Rows 10 and 11: every bit of every message of the handshake flipped, and every message cut at
 * every byte.  The hellos are cheap to say anew; for the Auth messages one end is brought to
 * where it waits for them and, after each refusal, set back to that moment.  In the end the same
 * end takes the message as it was sent, so it was the flip that was refused.
 */

/* A prime: over the bytes every position comes.  Without sanitizers: every bit. */
#ifdef IS_SANITIZED
enum { STRIDE = 7 };
#else
enum { STRIDE = 1 };
#endif

enum { HEADER_BITS = FRAME_HEADER * 8 };

/* One end that waits for a message, and what it takes to let it wait again. */
struct victim {
    struct pair p;
    struct handshake *hs;
    struct buf honest;   /* the frame on its way to it */
    struct buf before;   /* client: what its transcript holds */
    EVP_PKEY *ephemeral; /* client: spent by DERIVE */
    enum hs_state waits;
    uint64_t send_sequence, receive_sequence;
};

static void victim_clear(struct victim *v)
{
    pair_clear(&v->p);
    buf_clear(&v->honest);
    buf_clear(&v->before);
    EVP_PKEY_free(v->ephemeral);
}

static struct buf *into(struct victim *v)
{
    return v->hs->role == HS_SERVER ? &v->p.to_server : &v->p.to_client;
}

static struct buf *out_of(struct victim *v)
{
    return v->hs->role == HS_SERVER ? &v->p.to_client : &v->p.to_server;
}

static void keep(struct victim *v, struct handshake *hs)
{
    v->hs = hs;
    v->waits = hs->state;
    v->send_sequence = hs->send.sequence;
    v->receive_sequence = hs->receive.sequence;
    assert_ok(buf_put(&v->honest, buf_span(into(v))));
    buf_reset(into(v));
    buf_reset(out_of(v));
}

/* A server that waits for the ClientAuth in v->honest. */
static void expect_client_auth(struct victim *v, enum client_auth_kind kind)
{
    *v = (struct victim) { 0 };
    pair_init(&v->p, kind);
    pair_start(&v->p);
    pair_run_to(&v->p, FRAME_CLIENT_AUTH);
    keep(v, v->p.server);
    assert_int_equal(v->waits, HS_STATE_WAIT_CLIENT_AUTH);
}

/* A client that waits for the ServerAuth in v->honest. */
static void expect_server_auth(struct victim *v)
{
    *v = (struct victim) { 0 };
    pair_init(&v->p, CLIENT_AUTH_RECEIVE);
    pair_start(&v->p);
    assert_ok(buf_put(&v->before, buf_span(&v->p.to_client)));
    pair_run_to(&v->p, FRAME_CLIENT_HELLO);
    assert_ok(buf_put(&v->before, buf_span(&v->p.to_server)));
    assert_ok(pair_move_server(&v->p));
    v->ephemeral = v->p.client->ephemeral;
    assert_int_equal(EVP_PKEY_up_ref(v->ephemeral), 1);
    keep(v, v->p.client);
    assert_int_equal(v->waits, HS_STATE_WAIT_SERVER_AUTH);
}

static void set_back_direction(struct hs_direction *d, bool on, uint64_t sequence)
{
    if (!on)
        etm_clear(&d->etm);
    d->on = on;
    d->sequence = sequence;
}

static void set_back_client(struct victim *v)
{
    struct handshake *hs = v->hs;
    if (hs->ephemeral == NULL) {
        hs->ephemeral = v->ephemeral;
        assert_int_equal(EVP_PKEY_up_ref(v->ephemeral), 1);
    }
    buf_reset(&hs->peer_public);
    schedule_clear(&hs->schedule);
    transcript_clear(&hs->transcript);
    assert_ok(transcript_init(&hs->transcript));
    assert_ok(transcript_add(&hs->transcript, buf_span(&v->before)));
}

static void set_back(struct victim *v)
{
    struct handshake *hs = v->hs;
    bool on = hs->role == HS_SERVER || v->waits == HS_STATE_WAIT_RECORD;
    hs->state = v->waits;
    hs->alerted = hs->worked = false;
    hs->verdict = MLT_OK;
    hs->peer_alert = ALERT_NONE;
    buf_reset(&hs->received);
    set_back_direction(&hs->send, on, v->send_sequence);
    set_back_direction(&hs->receive, on, v->receive_sequence);
    if (v->waits == HS_STATE_WAIT_SERVER_AUTH)
        set_back_client(v);
}

static enum mlt_err deliver(struct victim *v, struct span wire)
{
    buf_reset(into(v));
    buf_reset(out_of(v));
    assert_ok(buf_put(into(v), wire));
    return v->hs->role == HS_SERVER ? pair_move_server(&v->p) : pair_move_client(&v->p);
}

/* What lies on the wire with one bit flipped.  A longer length would wait for more: it comes. */
static void flip(const struct buf *honest, size_t bit, struct buf *wire)
{
    uint8_t *more = NULL;
    buf_reset(wire);
    assert_ok(buf_put(wire, buf_span(honest)));
    wire->p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    if (bit < HEADER_BITS)
        assert_ok(buf_extend(wire, LIMIT_FRAME, &more));
}

/* Nothing accepted, nothing revealed: all that leaves the victim is its alert. */
static void expect_refused(struct victim *v, enum mlt_err err, size_t bit)
{
    bool keys_are_on = v->hs->send.on;
    if (err == MLT_OK || err_fault(err) != FAULT_PEER)
        fail_msg("bit %zu: %s", bit, err_name(err));
    if (keys_are_on)
        expect_sealed_alert(v->hs, out_of(v));
    else
        expect_plain_alert(v->hs, out_of(v));
    expect_over(v->hs);
}

/* ---- Auth messages ---- */

static void flip_client_auth(enum client_auth_kind kind)
{
    CLEANUP(victim_clear) struct victim v;
    CLEANUP(buf_clear) struct buf wire = { 0 };
    expect_client_auth(&v, kind);
    assert_int_equal(v.honest.len, FRAME_HEADER + LIMIT_CLIENT_AUTH + ETM_TAG);
    for (size_t bit = 0; bit < v.honest.len * 8; bit += bit < HEADER_BITS ? 1 : STRIDE) {
        flip(&v.honest, bit, &wire);
        enum mlt_err err = deliver(&v, buf_span(&wire));
        if (bit >= HEADER_BITS && err != MLT_ERR_AUTH)
            fail_msg("bit %zu: %s", bit, err_name(err));
        assert_true(v.hs->send.on);
        expect_refused(&v, err, bit);
        set_back(&v);
    }
    assert_ok(deliver(&v, buf_span(&v.honest)));
    assert_int_equal(hs_want(v.hs), HS_WANT_SESSION);
    assert_non_null(hs_client_auth(v.hs));
}

static void row_11_every_flipped_bit_of_a_login_is_refused(void **state)
{
    (void)state;
    flip_client_auth(CLIENT_AUTH_RECEIVE);
}

static void row_11_every_flipped_bit_of_an_enrolment_is_refused(void **state)
{
    (void)state;
    flip_client_auth(CLIENT_AUTH_ENROL);
}

/* By where the bit lies: the header and lengths before keys, Ys either way, the seal after. */
static void check_server_auth_bit(size_t bit, enum mlt_err err, bool sealed)
{
    const size_t value = HEADER_BITS + 16;
    const size_t seal = value + DH_PUBLIC_MIN * 8;
    bool good = err == MLT_ERR_AUTH && sealed;
    if (bit < 8)
        good = err == MLT_ERR_UNEXPECTED && !sealed;
    else if (bit < HEADER_BITS)
        good = good || (err == MLT_ERR_RANGE && !sealed);
    else if (bit < value)
        good = err == MLT_ERR_RANGE && !sealed;
    else if (bit < seal)
        good = good || (err == MLT_ERR_DH_VALUE && !sealed);
    if (!good)
        fail_msg("bit %zu: %s%s", bit, err_name(err), sealed ? ", sealed" : "");
}

static void row_11_every_flipped_bit_of_a_server_auth_is_refused(void **state)
{
    (void)state;
    CLEANUP(victim_clear) struct victim v;
    CLEANUP(buf_clear) struct buf wire = { 0 };
    expect_server_auth(&v);
    for (size_t bit = 0; bit < v.honest.len * 8; bit += bit < HEADER_BITS ? 1 : STRIDE) {
        flip(&v.honest, bit, &wire);
        enum mlt_err err = deliver(&v, buf_span(&wire));
        check_server_auth_bit(bit, err, v.hs->send.on);
        expect_refused(&v, err, bit);
        set_back(&v);
    }
    assert_ok(deliver(&v, buf_span(&v.honest)));
    assert_int_equal(v.hs->state, HS_STATE_WAIT_RECORD);
    assert_int_equal(v.p.to_server.p[0], FRAME_CLIENT_AUTH);
}

/* A sealed alert ends it either way; a flipped one is not believed. */
static void flip_alert(struct victim *v, struct handshake *sender)
{
    CLEANUP(buf_clear) struct buf wire = { 0 };
    buf_reset(&v->honest);
    hs_abort(sender, ALERT_BUSY, &v->honest);
    assert_int_equal(v->honest.len, SEALED_ALERT);
    for (size_t bit = 0; bit < v->honest.len * 8; bit++) {
        flip(&v->honest, bit, &wire);
        enum mlt_err err = deliver(v, buf_span(&wire));
        assert_true(err != MLT_ERR_ALERT);
        if (bit >= HEADER_BITS)
            assert_err(err, MLT_ERR_AUTH);
        expect_refused(v, err, bit);
        assert_int_equal(hs_peer_alert(v->hs), ALERT_NONE);
        set_back(v);
    }
    assert_err(deliver(v, buf_span(&v->honest)), MLT_ERR_ALERT);
    assert_int_equal(hs_peer_alert(v->hs), ALERT_BUSY);
    assert_int_equal(out_of(v)->len, 0);
}

static void row_11_every_flipped_bit_of_a_sealed_alert_is_refused(void **state)
{
    (void)state;
    CLEANUP(victim_clear) struct victim server;
    expect_client_auth(&server, CLIENT_AUTH_RECEIVE);
    server.p.client->send.sequence = 0; /* it said the alert, and no ClientAuth */
    flip_alert(&server, server.p.client);

    CLEANUP(victim_clear) struct victim client = { 0 };
    pair_init(&client.p, CLIENT_AUTH_RECEIVE);
    pair_start(&client.p);
    pair_run_to(&client.p, FRAME_CLIENT_AUTH);
    keep(&client, client.p.client);
    assert_int_equal(client.waits, HS_STATE_WAIT_RECORD);
    flip_alert(&client, client.p.server);
}

/* ---- hellos ---- */

/* Where the other side's random lies: all it changes is the transcript, and with it the keys. */
static bool is_random(enum frame_type type, size_t bit)
{
    size_t from = HEADER_BITS + (type == FRAME_SERVER_HELLO ? 16 : 0);
    return bit >= from && bit < from + 256;
}

static bool is_value(enum frame_type type, size_t bit)
{
    size_t from = HEADER_BITS + 256 + 16;
    return type == FRAME_CLIENT_HELLO && bit >= from && bit < from + 8 * DH_PUBLIC_MIN;
}

/* The client finds keys of its own under ServerAuth, and says so in an alert that the server,
 * with its own keys, cannot open. */
static void expect_other_keys(struct pair *p)
{
    assert_ok(pair_move_server(p));
    assert_int_equal(p->to_client.p[0], FRAME_SERVER_AUTH);
    assert_err(pair_move_client(p), MLT_ERR_AUTH);
    expect_sealed_alert(p->client, &p->to_server);
    expect_over(p->client);
    buf_reset(&p->to_client);
    assert_err(pair_move_server(p), MLT_ERR_AUTH);
    expect_sealed_alert(p->server, &p->to_client);
    expect_nobody(p);
}

static void flip_server_hello(size_t bit)
{
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf wire = { 0 };
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    flip(&p.to_client, bit, &wire);
    buf_reset(&p.to_client);
    assert_ok(buf_put(&p.to_client, buf_span(&wire)));
    enum mlt_err err = pair_move_client(&p);
    if (is_random(FRAME_SERVER_HELLO, bit)) {
        assert_ok(err);
        expect_other_keys(&p);
        return;
    }
    bool is_version = bit >= HEADER_BITS && bit < HEADER_BITS + 16;
    if (is_version ? err != MLT_ERR_VERSION : err == MLT_OK || err_fault(err) != FAULT_PEER)
        fail_msg("bit %zu: %s", bit, err_name(err));
    expect_plain_code(p.client, &p.to_server, is_version ? ALERT_VERSION : ALERT_PROTOCOL);
    expect_over(p.client);
}

static void row_11_every_flipped_bit_of_a_server_hello_is_refused(void **state)
{
    (void)state;
    const size_t bits = (FRAME_HEADER + 2 + 32 + 2 + DH_PUBLIC_MIN + 2 + 1 + 2) * 8;
    for (size_t bit = 0; bit < bits; bit += bit < HEADER_BITS ? 1 : STRIDE)
        flip_server_hello(bit);
}

static void flip_client_hello(size_t bit)
{
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf wire = { 0 };
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_HELLO);
    flip(&p.to_server, bit, &wire);
    bool may_go_on = is_random(FRAME_CLIENT_HELLO, bit) || is_value(FRAME_CLIENT_HELLO, bit);
    bool is_legal = may_go_on && dh_check_public(DH_FFDHE2048, span_of(wire.p + FRAME_HEADER + 34,
                                                                       DH_PUBLIC_MIN)) == MLT_OK;
    buf_reset(&p.to_server);
    assert_ok(buf_put(&p.to_server, buf_span(&wire)));
    if (is_legal) {
        expect_other_keys(&p);
        return;
    }
    enum mlt_err err = pair_move_server(&p);
    if (err == MLT_OK || (may_go_on && err != MLT_ERR_DH_VALUE) || err_fault(err) != FAULT_PEER)
        fail_msg("bit %zu: %s", bit, err_name(err));
    expect_plain_alert(p.server, &p.to_client);
    expect_nobody(&p);
}

static void row_11_every_flipped_bit_of_a_client_hello_is_refused(void **state)
{
    (void)state;
    const size_t bits = (FRAME_HEADER + 32 + 2 + DH_PUBLIC_MIN + 2) * 8;
    for (size_t bit = 0; bit < bits; bit += bit < HEADER_BITS ? 1 : STRIDE)
        flip_client_hello(bit);
}

/* ---- the first record ---- */

/* Handshake done, Welcome on the wire. */
static void run_to_welcome(struct pair *p, struct buf *welcome)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct welcome logged_in = { .result = WELCOME_LOGGED_IN };
    struct hs_result *r = &p->server_result;
    pair_init(p, CLIENT_AUTH_RECEIVE);
    pair_start(p);
    assert_ok(pair_handshake(p));
    assert_ok(hs_take_result(p->server, r));
    assert_ok(session_init(&p->server_session, p->server_config.env, &session_default_limits,
                           &r->send, &r->receive));
    assert_ok(welcome_encode(&logged_in, &body));
    assert_ok(session_seal(&p->server_session, RECORD_WELCOME, buf_span(&body), welcome));
}

static void start_client_session(struct pair *p)
{
    struct hs_result *r = &p->client_result;
    assert_ok(hs_take_result(p->client, r));
    assert_ok(session_init(&p->client_session, p->client_config.env, &session_default_limits,
                           &r->send, &r->receive));
}

/* The machine looks at its header, the session at all of it. */
static enum mlt_err take_first_record(struct pair *p, struct span wire, enum record_kind *kind)
{
    CLEANUP(buf_clear) struct buf plain = { 0 };
    size_t used = 0;
    *kind = 0;
    buf_reset(&p->to_server);
    if (hs_want(p->client) == HS_WANT_INPUT) {
        TRY(hs_input(p->client, wire, &used, &p->to_server));
        assert_int_equal(used, 0);
        start_client_session(p);
    }
    return session_open(&p->client_session, wire, &used, kind, &plain, &p->to_server);
}

static void row_11_every_flipped_bit_of_the_first_record_is_refused(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf welcome = { 0 };
    CLEANUP(buf_clear) struct buf wire = { 0 };
    enum record_kind kind;
    for (size_t bit = 0; bit < HEADER_BITS; bit++) {
        CLEANUP(pair_clear) struct pair fresh;
        buf_reset(&welcome);
        run_to_welcome(&fresh, &welcome);
        flip(&welcome, bit, &wire);
        enum mlt_err err = take_first_record(&fresh, buf_span(&wire), &kind);
        if (err == MLT_OK || err_fault(err) != FAULT_PEER || kind != 0)
            fail_msg("bit %zu: %s", bit, err_name(err));
        assert_int_equal(fresh.to_server.len, SEALED_ALERT);
    }
    buf_reset(&welcome);
    run_to_welcome(&p, &welcome);
    for (size_t bit = HEADER_BITS; bit < welcome.len * 8; bit++) {
        flip(&welcome, bit, &wire);
        assert_err(take_first_record(&p, buf_span(&wire), &kind), MLT_ERR_AUTH);
        assert_int_equal(kind, 0);
        assert_int_equal(p.to_server.len, SEALED_ALERT);
        p.client_session.failed = p.client_session.send_closed = false;
    }
    assert_ok(take_first_record(&p, buf_span(&welcome), &kind));
    assert_int_equal(kind, RECORD_WELCOME);
}

/* ---- truncation ---- */

/* The stream ends after every byte: nothing happened, and the machine still waits. */
static void cut_everywhere(struct victim *v)
{
    for (size_t n = 0; n < v->honest.len; n++) {
        assert_ok(deliver(v, span_of(v->honest.p, n)));
        assert_int_equal(out_of(v)->len, 0);
        assert_int_equal(v->hs->state, v->waits);
        assert_null(hs_client_auth(v->hs));
    }
}

/* A shorter message that says so in its header, as one would who can write headers. */
static void shorten_everywhere(struct victim *v)
{
    CLEANUP(buf_clear) struct buf wire = { 0 };
    for (size_t n = FRAME_HEADER; n < v->honest.len; n += STRIDE) {
        size_t body = n - FRAME_HEADER;
        buf_reset(&wire);
        assert_ok(buf_put(&wire, span_of(v->honest.p, n)));
        wire.p[1] = (uint8_t)(body >> 16);
        wire.p[2] = (uint8_t)(body >> 8);
        wire.p[3] = (uint8_t)body;
        expect_refused(v, deliver(v, buf_span(&wire)), 8 * n);
        set_back(v);
    }
    assert_ok(deliver(v, buf_span(&v->honest)));
    assert_true(v->hs->state != v->waits && v->hs->state != HS_STATE_FAILED);
}

static void row_10_auth_messages_cut_at_every_byte_are_refused(void **state)
{
    (void)state;
    static const enum client_auth_kind kinds[] = { CLIENT_AUTH_RECEIVE, CLIENT_AUTH_ENROL };
    CLEANUP(victim_clear) struct victim client;
    expect_server_auth(&client);
    cut_everywhere(&client);
    shorten_everywhere(&client);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        CLEANUP(victim_clear) struct victim server;
        expect_client_auth(&server, kinds[i]);
        cut_everywhere(&server);
        shorten_everywhere(&server);
    }
}

static void set_back_hello(struct victim *v)
{
    v->hs->state = v->waits;
    v->hs->alerted = false;
}

static void cut_hello(struct victim *v)
{
    cut_everywhere(v);
    for (size_t n = FRAME_HEADER; n < v->honest.len; n++) {
        size_t body = n - FRAME_HEADER;
        CLEANUP(buf_clear) struct buf wire = { 0 };
        assert_ok(buf_put(&wire, span_of(v->honest.p, n)));
        wire.p[2] = (uint8_t)(body >> 8);
        wire.p[3] = (uint8_t)body;
        expect_refused(v, deliver(v, buf_span(&wire)), 8 * n);
        set_back_hello(v);
    }
    assert_ok(deliver(v, buf_span(&v->honest)));
    assert_true(v->hs->state != v->waits && v->hs->state != HS_STATE_FAILED);
}

static void row_10_hellos_cut_at_every_byte_are_refused(void **state)
{
    (void)state;
    CLEANUP(victim_clear) struct victim client = { 0 };
    pair_init(&client.p, CLIENT_AUTH_RECEIVE);
    pair_start(&client.p);
    keep(&client, client.p.client);
    cut_hello(&client);

    CLEANUP(victim_clear) struct victim server = { 0 };
    pair_init(&server.p, CLIENT_AUTH_RECEIVE);
    pair_start(&server.p);
    pair_run_to(&server.p, FRAME_CLIENT_HELLO);
    keep(&server, server.p.server);
    cut_hello(&server);
}

/* Beyond the header the handshake is over and the session reports the cut. */
static void row_10_a_first_record_cut_at_every_byte_is_a_cut(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf welcome = { 0 };
    CLEANUP(buf_clear) struct buf out = { 0 };
    enum record_kind kind;
    size_t used = 0;
    run_to_welcome(&p, &welcome);
    for (size_t n = 0; n < FRAME_HEADER; n++) {
        assert_ok(hs_input(p.client, span_of(welcome.p, n), &used, &out));
        assert_int_equal(hs_want(p.client), HS_WANT_INPUT);
        assert_int_equal(used + out.len, 0);
    }
    for (size_t n = FRAME_HEADER; n < welcome.len; n++) {
        assert_ok(take_first_record(&p, span_of(welcome.p, n), &kind));
        assert_int_equal(kind, 0);
        assert_err(session_end(&p.client_session, span_of(welcome.p, n)), MLT_ERR_CUT);
    }
    assert_ok(take_first_record(&p, buf_span(&welcome), &kind));
    assert_int_equal(kind, RECORD_WELCOME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_11_every_flipped_bit_of_a_server_hello_is_refused),
        cmocka_unit_test(row_11_every_flipped_bit_of_a_client_hello_is_refused),
        cmocka_unit_test(row_11_every_flipped_bit_of_a_server_auth_is_refused),
        cmocka_unit_test(row_11_every_flipped_bit_of_a_login_is_refused),
        cmocka_unit_test(row_11_every_flipped_bit_of_an_enrolment_is_refused),
        cmocka_unit_test(row_11_every_flipped_bit_of_a_sealed_alert_is_refused),
        cmocka_unit_test(row_11_every_flipped_bit_of_the_first_record_is_refused),
        cmocka_unit_test(row_10_hellos_cut_at_every_byte_are_refused),
        cmocka_unit_test(row_10_auth_messages_cut_at_every_byte_are_refused),
        cmocka_unit_test(row_10_a_first_record_cut_at_every_byte_is_a_cut),
    };
    return cmocka_run_group_tests_name("handshake_flips", tests, NULL, NULL);
}
