/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "pair.h"
#include "refusals.h"
#include "wire/welcome.h"

/*
 * Rows 7, 8, 9 and 12: whole messages of the handshake reflected, replayed, repeated, left out,
 * put in before keys are on, or taken from another conversation.  The fifth message is the first
 * record: only a client that has opened it was served.
 */

enum message { SERVER_HELLO, CLIENT_HELLO, SERVER_AUTH, CLIENT_AUTH, WELCOME, MESSAGES };

/* What crossed the wire in one conversation. */
struct tape {
    struct buf frames[MESSAGES];
};

static void tape_clear(struct tape *tape)
{
    for (size_t i = 0; i < MESSAGES; i++)
        buf_clear(&tape->frames[i]);
}

static bool is_of_server(size_t message)
{
    return message == SERVER_HELLO || message == SERVER_AUTH || message == WELCOME;
}

static struct buf *wire_of(struct pair *p, size_t message)
{
    return is_of_server(message) ? &p->to_client : &p->to_server;
}

static void start_session(struct handshake *hs, struct hs_result *r, struct session *s)
{
    assert_ok(hs_take_result(hs, r));
    assert_ok(
        session_init(s, &pair_house()->clock.env, &session_default_limits, &r->send, &r->receive));
}

static void say_welcome(struct pair *p)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct welcome welcome = { .result = WELCOME_LOGGED_IN };
    assert_ok(welcome_encode(&welcome, &body));
    assert_ok(session_seal(&p->server_session, RECORD_WELCOME, buf_span(&body), &p->to_client));
}

/* Lets the other end say what it says after `message` arrived; the error of who received it. */
static enum mlt_err receive(struct pair *p, size_t message)
{
    if (is_of_server(message))
        TRY(pair_move_client(p));
    else
        TRY(pair_move_server(p));
    if (message == CLIENT_AUTH && hs_want(p->server) == HS_WANT_SESSION) {
        start_session(p->server, &p->server_result, &p->server_session);
        say_welcome(p);
    }
    if (message != WELCOME)
        return MLT_OK;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    size_t used = 0;
    enum record_kind kind = 0;
    ENSURE(hs_want(p->client) == HS_WANT_SESSION, MLT_ERR_TIMEOUT);
    start_session(p->client, &p->client_result, &p->client_session);
    TRY(session_open(&p->client_session, buf_span(&p->to_client), &used, &kind, &plain,
                     &p->to_server));
    assert_int_equal(kind, RECORD_WELCOME);
    buf_drop(&p->to_client, used);
    return MLT_OK;
}

/* An honest run up to the moment where `message` lies on the wire; MESSAGES: to the end. */
static void run_to(struct pair *p, size_t message)
{
    for (size_t i = 0; i < message; i++)
        assert_ok(receive(p, i));
}

static void record(struct pair *p, struct tape *tape)
{
    *tape = (struct tape) { 0 };
    pair_start(p);
    for (size_t i = 0; i < MESSAGES; i++) {
        assert_ok(buf_put(&tape->frames[i], buf_span(wire_of(p, i))));
        assert_ok(receive(p, i));
    }
}

static void put_instead(struct pair *p, size_t message, struct span frame)
{
    struct buf *wire = wire_of(p, message);
    buf_reset(wire);
    assert_ok(buf_put(wire, frame));
}

/* Who had taken part. */
enum parties { THE_SAME, OTHER_CLIENT, OTHER_SERVER, ENROLLING, PARTIES };

struct cast {
    struct pair p;
    struct buf der;
};

static void cast_clear(struct cast *c)
{
    pair_clear(&c->p);
    buf_clear(&c->der);
}

static void cast_init(struct cast *c, enum parties parties)
{
    struct pair_house *house = pair_house();
    int64_t now_s = house->clock.wall_ms / 1000;
    *c = (struct cast) { 0 };
    pair_init(&c->p, parties == ENROLLING ? CLIENT_AUTH_ENROL : CLIENT_AUTH_RECEIVE);
    if (parties == OTHER_CLIENT) {
        pair_issue(CERT_CLIENT, "joao", house->other_key, now_s - 300, now_s + 3600, &c->der);
        c->p.client_config.certificate = buf_span(&c->der);
        c->p.client_config.key = house->other_key;
    }
    if (parties == OTHER_SERVER) {
        pair_issue(CERT_SERVER, "relay", house->other_key, now_s - 300, now_s + 3600, &c->der);
        c->p.server_config.server_der = buf_span(&c->der);
        c->p.server_config.server_key = house->other_key;
    }
}

/* ---- rows 7 and 8: reflection and replay ---- */

static void row_07_own_messages_are_not_taken_back(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(pair_clear) struct pair q;
    size_t used = 0;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    CLEANUP(buf_clear) struct buf hello = { 0 };
    assert_ok(buf_put(&hello, buf_span(&p.to_client)));
    assert_err(hs_input(p.server, buf_span(&hello), &used, &p.to_client), MLT_ERR_UNEXPECTED);

    pair_init(&q, CLIENT_AUTH_RECEIVE);
    pair_start(&q);
    pair_run_to(&q, FRAME_CLIENT_HELLO);
    assert_err(hs_input(q.client, buf_span(&q.to_server), &used, &q.to_client), MLT_ERR_UNEXPECTED);
}

/* The server's Y sent back as the client's own: keys differ per direction, roles per label. */
static void row_07_a_sealed_alert_is_not_taken_back(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf alert = { 0 };
    size_t used = 0;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_AUTH);
    hs_abort(p.server, ALERT_BUSY, &alert);
    assert_int_equal(alert.len, SEALED_ALERT);
    p.server->state = HS_STATE_WAIT_CLIENT_AUTH; /* as if it still listened */
    p.server->receive.sequence = 1;
    assert_err(hs_input(p.server, buf_span(&alert), &used, &p.to_client), MLT_ERR_AUTH);
    /* To whom it was meant it is good. */
    assert_err(hs_input(p.client, buf_span(&alert), &used, &p.to_server), MLT_ERR_ALERT);
    assert_int_equal(hs_peer_alert(p.client), ALERT_BUSY);
}

static void row_08_a_recorded_client_cannot_be_played_again(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(pair_clear) struct pair q;
    CLEANUP(buf_clear) struct buf client = { 0 };
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_HELLO);
    assert_ok(buf_put(&client, buf_span(&p.to_server)));
    assert_ok(pair_move_server(&p));
    assert_ok(pair_move_client(&p));
    assert_ok(buf_put(&client, buf_span(&p.to_server)));

    pair_init(&q, CLIENT_AUTH_RECEIVE);
    pair_start(&q);
    assert_ok(buf_put(&q.to_server, buf_span(&client)));
    assert_err(pair_move_server(&q), MLT_ERR_AUTH);
    expect_nobody(&q);
}

static void row_08_a_recorded_server_cannot_be_played_again(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(pair_clear) struct pair q;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    CLEANUP(buf_clear) struct buf hello = { 0 };
    assert_ok(buf_put(&hello, buf_span(&p.to_client)));
    pair_run_to(&p, FRAME_SERVER_AUTH);

    pair_init(&q, CLIENT_AUTH_RECEIVE);
    assert_ok(hs_client_new(&q.client_config, &q.client));
    assert_ok(buf_put(&q.to_client, buf_span(&hello)));
    assert_ok(buf_put(&q.to_client, buf_span(&p.to_client)));
    assert_err(pair_move_client(&q), MLT_ERR_AUTH);
    assert_true(q.to_server.len > SEALED_ALERT);
}

/* ---- row 11: bit flips; and a handshake whose messages are repeated ---- */

/* Every message of this and of another conversation where another one is due. */
static void row_07_every_message_out_of_its_place_is_refused(void **state)
{
    (void)state;
    CLEANUP(cast_clear) struct cast other;
    CLEANUP(tape_clear) struct tape taped;
    cast_init(&other, THE_SAME);
    record(&other.p, &taped);
    size_t tried = 0;
    for (size_t due = SERVER_HELLO; due < WELCOME; due++) {
        for (size_t message = SERVER_HELLO; message < 2 * MESSAGES; message++) {
            CLEANUP(cast_clear) struct cast c;
            CLEANUP(tape_clear) struct tape own = { 0 };
            bool is_own = message >= MESSAGES;
            size_t which = message % MESSAGES;
            cast_init(&c, THE_SAME);
            pair_start(&c.p);
            for (size_t i = 0; i < due; i++) {
                assert_ok(buf_put(&own.frames[i], buf_span(wire_of(&c.p, i))));
                assert_ok(receive(&c.p, i));
            }
            struct buf *frame = is_own ? &own.frames[which] : &taped.frames[which];
            if (which == due || frame->len == 0)
                continue;
            put_instead(&c.p, due, buf_span(frame));
            assert_err(receive(&c.p, due), MLT_ERR_UNEXPECTED);
            expect_over(is_of_server(due) ? c.p.client : c.p.server);
            tried++;
        }
    }
    /* Four from the other conversation at each of four places, and what was said already. */
    assert_int_equal(tried, 4 * 4 + 0 + 1 + 2 + 3);
}

/* Records may follow ClientAuth at once: the client's own come back as the server's first. */
static void row_07_the_clients_first_record_is_not_taken_back(void **state)
{
    (void)state;
    CLEANUP(cast_clear) struct cast c;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    size_t used = 0;
    enum record_kind kind = 0;
    struct pair *p = &c.p;
    cast_init(&c, THE_SAME);
    pair_start(p);
    run_to(p, MESSAGES);
    p->client_session.receive.sequence = 0; /* as if Welcome had not come yet */
    buf_reset(&p->to_server);
    assert_ok(session_seal(&p->client_session, RECORD_PING, (struct span) { 0 }, &p->to_server));
    CLEANUP(buf_clear) struct buf mirror = { 0 };
    assert_ok(buf_put(&mirror, buf_span(&p->to_server)));
    assert_err(
        session_open(&p->client_session, buf_span(&mirror), &used, &kind, &plain, &p->to_server),
        MLT_ERR_AUTH);
    /* To whom it was meant it is good. */
    assert_ok(
        session_open(&p->server_session, buf_span(&mirror), &used, &kind, &plain, &p->to_client));
    assert_int_equal(kind, RECORD_PING);
}

/* ---- splicing ---- */

/* The first bad message ends the end that got it; what it then says ends the other one. */
static void run_spliced(struct pair *p, const struct tape *tape, unsigned mask)
{
    size_t message = 0;
    enum mlt_err err = MLT_OK;
    pair_start(p);
    for (; message < MESSAGES && err == MLT_OK; message++) {
        if (mask >> message & 1)
            put_instead(p, message, buf_span(&tape->frames[message]));
        err = receive(p, message);
        if (err != MLT_OK)
            break;
    }
    if (err != MLT_ERR_AUTH)
        fail_msg("mask %x: %s at message %zu", mask, err_name(err), message);
    bool at_client = is_of_server(message);
    struct handshake *victim = at_client ? p->client : p->server;
    if (message == WELCOME) {
        /* The handshake was honest; the session refuses its first record. */
        assert_int_equal(mask, 1u << WELCOME);
        assert_true(p->client_session.failed);
        return;
    }
    expect_over(victim);
    assert_true(wire_of(p, message + 1)->len > 0);
    err = at_client ? pair_move_server(p) : pair_move_client(p);
    assert_true(err == MLT_ERR_ALERT || err == MLT_ERR_AUTH);
    assert_int_not_equal(hs_want(at_client ? p->server : p->client), HS_WANT_SESSION);
}

/* All sets of messages of one conversation in place of those of another, in both roles. */
static void row_08_every_set_of_messages_from_another_conversation_is_refused(void **state)
{
    (void)state;
    for (unsigned taped = 0; taped < PARTIES; taped++) {
        for (unsigned lived = 0; lived < PARTIES; lived++) {
            CLEANUP(cast_clear) struct cast before;
            CLEANUP(tape_clear) struct tape tape;
            cast_init(&before, (enum parties)taped);
            record(&before.p, &tape);
            for (unsigned mask = 1; mask < 1u << MESSAGES; mask++) {
                CLEANUP(cast_clear) struct cast now;
                cast_init(&now, (enum parties)lived);
                run_spliced(&now.p, &tape, mask);
            }
        }
    }
}

/* ---- row 9: repeated, left out ---- */

static void row_09_every_repeated_message_is_refused(void **state)
{
    (void)state;
    for (size_t message = 0; message < MESSAGES; message++) {
        CLEANUP(cast_clear) struct cast c;
        CLEANUP(buf_clear) struct buf again = { 0 };
        CLEANUP(buf_clear) struct buf plain = { 0 };
        size_t used = 0;
        enum record_kind kind = 0;
        enum mlt_err err;
        struct pair *p = &c.p;
        cast_init(&c, THE_SAME);
        pair_start(p);
        run_to(p, message);
        assert_ok(buf_put(&again, buf_span(wire_of(p, message))));
        assert_ok(receive(p, message));
        bool at_client = is_of_server(message);
        bool in_session = message >= CLIENT_AUTH;
        struct session *s = at_client ? &p->client_session : &p->server_session;
        struct buf *out = at_client ? &p->to_server : &p->to_client;
        if (in_session)
            err = session_open(s, buf_span(&again), &used, &kind, &plain, out);
        else
            err = hs_input(at_client ? p->client : p->server, buf_span(&again), &used, out);
        assert_err(err, message == WELCOME ? MLT_ERR_AUTH : MLT_ERR_UNEXPECTED);
        assert_int_equal(kind, 0);
    }
}

/* Who did not get a message waits for it, whatever follows. */
static void row_09_a_message_left_out_is_missed(void **state)
{
    (void)state;
    for (size_t message = 0; message < MESSAGES; message++) {
        CLEANUP(cast_clear) struct cast c;
        struct pair *p = &c.p;
        cast_init(&c, THE_SAME);
        pair_start(p);
        run_to(p, message);
        buf_reset(wire_of(p, message));
        struct handshake *victim = is_of_server(message) ? p->client : p->server;
        enum hs_state before = victim->state;
        assert_err(receive(p, message), message == WELCOME ? MLT_ERR_TIMEOUT : MLT_OK);
        assert_int_equal(victim->state, before);
        assert_int_equal(hs_want(victim), HS_WANT_INPUT);
        assert_int_equal(wire_of(p, message + 1)->len, 0);
    }
}

/* The client goes on after its ClientAuth, which never came. */
static void row_09_a_record_in_place_of_client_auth_is_refused(void **state)
{
    (void)state;
    CLEANUP(cast_clear) struct cast c;
    struct pair *p = &c.p;
    cast_init(&c, THE_SAME);
    pair_start(p);
    run_to(p, CLIENT_AUTH);
    buf_reset(&p->to_server);
    p->client->state = HS_STATE_SESSION; /* it need not wait for Welcome to send */
    start_session(p->client, &p->client_result, &p->client_session);
    assert_ok(session_seal(&p->client_session, RECORD_PING, (struct span) { 0 }, &p->to_server));
    assert_err(pair_move_server(p), MLT_ERR_UNEXPECTED);
    expect_sealed_alert(p->server, &p->to_client);
    expect_nobody(p);
}

/* Welcome left out: the next record is not the first. */
static void row_09_the_second_record_is_not_taken_for_the_first(void **state)
{
    (void)state;
    CLEANUP(cast_clear) struct cast c;
    struct pair *p = &c.p;
    cast_init(&c, THE_SAME);
    pair_start(p);
    run_to(p, WELCOME);
    buf_reset(&p->to_client);
    say_welcome(p);
    assert_err(receive(p, WELCOME), MLT_ERR_AUTH);
    assert_true(p->client_session.failed);
}

/* ---- row 12: before keys are on, and the numbers under them ---- */

static size_t least_body(unsigned type)
{
    switch (type) {
#define X(name, value, min, max, from)                                                             \
    case value:                                                                                    \
        return min;
#include "wire/frames.def"
#undef X
    }
    return 0;
}

/* What is put in where `due` is awaited; of an alert all of it, else its header. */
static void put_in(size_t due, unsigned type, size_t body)
{
    CLEANUP(cast_clear) struct cast c;
    struct pair *p = &c.p;
    uint8_t frame[FRAME_HEADER + 1 + ETM_TAG] = { (uint8_t)type, 0, (uint8_t)(body >> 8),
                                                  (uint8_t)body, ALERT_BUSY };
    size_t used = 0;
    cast_init(&c, THE_SAME);
    pair_start(p);
    run_to(p, due);
    bool at_client = is_of_server(due);
    struct handshake *victim = at_client ? p->client : p->server;
    struct buf *out = at_client ? &p->to_server : &p->to_client;
    bool has_keys = due >= CLIENT_AUTH;
    size_t n = type == FRAME_ALERT ? FRAME_HEADER + body : body == 0 ? 1 : FRAME_HEADER;
    /* An alert is the end as well: in the clear before there are keys, under them afterwards. */
    bool is_believed = type == FRAME_ALERT && body == 1 && !has_keys;
    bool is_opened = type == FRAME_ALERT && body > 1 && has_keys;
    buf_reset(out);
    assert_err(hs_input(victim, span_of(frame, n), &used, out), is_believed ? MLT_ERR_ALERT
                                                                : is_opened ? MLT_ERR_AUTH
                                                                            : MLT_ERR_UNEXPECTED);
    expect_over(victim);
    if (is_believed)
        assert_int_equal(out->len, 0);
    else if (has_keys)
        expect_sealed_alert(victim, out);
    else
        expect_plain_alert(victim, out);
}

/* Whatever is put in is the end, and is so on its header. */
static void row_12_every_frame_put_in_before_its_time_is_the_end(void **state)
{
    (void)state;
    static const uint8_t types[] = { FRAME_SERVER_HELLO, FRAME_CLIENT_HELLO, FRAME_SERVER_AUTH,
                                     FRAME_CLIENT_AUTH, FRAME_RECORD };
    for (size_t due = SERVER_HELLO; due < MESSAGES; due++) {
        for (unsigned type = 0; type < 256; type++)
            if (type != types[due])
                put_in(due, type, least_body(type));
        put_in(due, FRAME_ALERT, 1 + ETM_TAG);
    }
}

/* The rightful message, sealed under the rightful secret with the next number. */
static void renumber(const struct secret *secret, size_t in_clear, struct buf *frame)
{
    CLEANUP(etm_clear) struct etm etm = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf made = { 0 };
    struct span header = span_of(frame->p, in_clear);
    assert_ok(etm_init(&etm, secret));
    assert_ok(etm_open(&etm, 0, header, span_from(buf_span(frame), in_clear), &plain));
    assert_ok(buf_put(&made, header));
    assert_ok(etm_seal(&etm, 1, header, buf_span(&plain), &made));
    buf_reset(frame);
    assert_ok(buf_put(frame, buf_span(&made)));
}

/* Numbers start at 0 with each key: opening the first message under it with 0 worked above all,
 * and with 1 it does not, so nothing put in before can have moved them. */
static void row_12_the_first_number_under_every_key_is_0(void **state)
{
    (void)state;
    static const size_t sealed[] = { SERVER_AUTH, CLIENT_AUTH, WELCOME };
    for (size_t i = 0; i < COUNT_OF(sealed); i++) {
        CLEANUP(cast_clear) struct cast c;
        struct pair *p = &c.p;
        size_t in_clear = FRAME_HEADER;
        cast_init(&c, THE_SAME);
        pair_start(p);
        run_to(p, sealed[i]);
        const struct secret *secret = &p->server_session.send.traffic;
        if (sealed[i] == SERVER_AUTH) {
            secret = &p->server->schedule.server;
            in_clear += 2 + DH_PUBLIC_MIN;
        }
        if (sealed[i] == CLIENT_AUTH)
            secret = &p->client->schedule.client;
        renumber(secret, in_clear, wire_of(p, sealed[i]));
        assert_err(receive(p, sealed[i]), MLT_ERR_AUTH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_07_own_messages_are_not_taken_back),
        cmocka_unit_test(row_07_a_sealed_alert_is_not_taken_back),
        cmocka_unit_test(row_07_every_message_out_of_its_place_is_refused),
        cmocka_unit_test(row_07_the_clients_first_record_is_not_taken_back),
        cmocka_unit_test(row_08_a_recorded_client_cannot_be_played_again),
        cmocka_unit_test(row_08_a_recorded_server_cannot_be_played_again),
        cmocka_unit_test(row_08_every_set_of_messages_from_another_conversation_is_refused),
        cmocka_unit_test(row_09_every_repeated_message_is_refused),
        cmocka_unit_test(row_09_a_message_left_out_is_missed),
        cmocka_unit_test(row_09_a_record_in_place_of_client_auth_is_refused),
        cmocka_unit_test(row_09_the_second_record_is_not_taken_for_the_first),
        cmocka_unit_test(row_12_every_frame_put_in_before_its_time_is_the_end),
        cmocka_unit_test(row_12_the_first_number_under_every_key_is_0),
    };
    return cmocka_run_group_tests_name("handshake_splices", tests, NULL, NULL);
}
