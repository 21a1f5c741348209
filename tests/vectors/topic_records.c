/* SPDX-License-Identifier: Apache-2.0 */
#include "topics.h"

#include <string.h>

#include "base/limits.h"
#include "must.h"
#include "protocol/actions.h"
#include "protocol/schedule.h"
#include "sheet.h"
#include "steps.h"
#include "wire/envelope.h"
#include "wire/outcome.h"
#include "wire/receipt.h"
#include "wire/welcome.h"

/* A direction of a session: who seals, who opens, and the secret that both are at. */
struct direction {
    const char *letter; /* "s" or "c" */
    struct session *from, *to;
    struct secret traffic;
    unsigned n; /* of ap[n] */
    uint64_t sequence;
};

/* The two ends of the session after 14.3's first LOGIN, their Welcome not sent yet. */
struct both {
    struct connection c;
    struct session server, client;
    struct direction to_client, to_server;
};

static void both_start(struct both *b, const struct given *g, const struct session_limits *limits)
{
    const uint8_t header[] = { FRAME_RECORD, 0, 0, 71 };
    connection_start(&b->c, g, "login to receive", DH_FFDHE3072, CLIENT_AUTH_RECEIVE);
    connection_hellos(&b->c);
    connection_server_auth(&b->c);
    connection_take_server_auth(&b->c);
    connection_client_auth(&b->c);
    connection_finish(&b->c);
    connection_see_record(&b->c, SPAN_OF(header));
    struct hs_result *sr = &b->c.server_result, *cr = &b->c.client_result;
    b->to_client = (struct direction) { .letter = "s", .from = &b->server, .to = &b->client };
    b->to_server = (struct direction) { .letter = "c", .from = &b->client, .to = &b->server };
    must_ok(secret_copy(&b->to_client.traffic, secret_span(&sr->send)));
    must_ok(secret_copy(&b->to_server.traffic, secret_span(&cr->send)));
    must_ok(session_init(&b->server, &g->env, limits, &sr->send, &sr->receive));
    must_ok(session_init(&b->client, &g->env, limits, &cr->send, &cr->receive));
}

static void both_clear(struct both *b)
{
    connection_clear(&b->c);
    session_clear(&b->server);
    session_clear(&b->client);
    secret_clear(&b->to_client.traffic);
    secret_clear(&b->to_server.traffic);
}

static void put_secret(const struct direction *d)
{
    char name[32];
    snprintf(name, sizeof name, "%s_ap[%u]", d->letter, d->n);
    step_keys(name, &d->traffic);
}

static void put_frame(struct direction *d, struct span frame, struct span plain)
{
    char under[32];
    bool is_long = plain.n > 256;
    uint8_t hash[HASH_LEN];
    snprintf(under, sizeof under, "%s_ap[%u]", d->letter, d->n);
    const struct sealing sealing = {
        .print = is_long ? SEAL_LONG : SEAL_WHOLE,
        .traffic = &d->traffic,
        .sequence = d->sequence++,
        .header = span_of(frame.p, FRAME_HEADER),
        .plain = plain,
        .sealed = span_from(frame, FRAME_HEADER),
    };
    sheet_text("under", under);
    step_seal(&sealing);
    if (is_long)
        sheet_hex("frame SHA-256", step_hash(frame, hash));
    else
        sheet_hex_json("frame", frame);
}

static void put_rekey(struct direction *d, struct buf *frames)
{
    static const uint8_t plain[] = { RECORD_REKEY };
    const size_t size = FRAME_HEADER + sizeof plain + ETM_TAG;
    CLEANUP(buf_clear) struct buf frame = { 0 };
    must_ok(buf_put(&frame, span_of(frames->p, size)));
    buf_drop(frames, size);
    sheet_case(d->letter[0] == 's' ? "REKEY by the server" : "REKEY by the client", "");
    put_frame(d, buf_span(&frame), SPAN_OF(plain));
    must_ok(schedule_next(&d->traffic));
    d->n++;
    d->sequence = 0;
    put_secret(d);
    sheet_case_end();
}

/* The other end opens whatever was sealed, and finds the last record in it. */
static void check_opens(struct direction *d, struct span frames, enum record_kind kind,
                        struct span body)
{
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf out = { 0 };
    enum record_kind got = 0;
    while (frames.n > 0) {
        size_t used = 0;
        must_ok(session_open(d->to, frames, &used, &got, &plain, &out));
        frames = span_from(frames, used);
    }
    must(kind == RECORD_CLOSE ? d->to->receive_closed : got == kind);
    must(kind == RECORD_CLOSE || span_eq(buf_span(&plain), body));
}

static void put_record(struct direction *d, const char *name, const char *comment,
                       enum record_kind kind, struct span body)
{
    CLEANUP(buf_clear) struct buf frames = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    if (kind == RECORD_CLOSE)
        must_ok(session_close(d->from, (enum close_reason)body.p[0], &frames));
    else
        must_ok(session_seal(d->from, kind, body, &frames));
    check_opens(d, buf_span(&frames), kind, body);
    must_ok(buf_put_u8(&plain, (uint8_t)kind));
    must_ok(buf_put(&plain, body));
    if (frames.len > FRAME_HEADER + plain.len + ETM_TAG)
        put_rekey(d, &frames);
    sheet_case(name, comment);
    put_frame(d, buf_span(&frames), buf_span(&plain));
    sheet_case_end();
}

static struct envelope envelope_of(const struct given *g, struct span body, uint64_t number)
{
    struct envelope e = {
        .sender.kind = ADDRESS_USER,
        .time_ms = env_wall_ms(&g->env),
        .recipient.kind = ADDRESS_USER,
        .epoch = 0x8182838485868788,
        .number = number,
        .body_kind = BODY_PLAIN,
        .body = body,
    };
    memset(e.id, (int)(0x40 + number), sizeof e.id);
    must_ok(name_parse(span_str(GIVEN_USER), &e.sender.name));
    must_ok(name_parse(span_str(GIVEN_NEW), &e.recipient.name));
    return e;
}

static void put_send(const struct given *g, struct direction *d, const char *name,
                     const char *comment, struct span body, uint64_t number)
{
    CLEANUP(buf_clear) struct buf send = { 0 };
    const struct envelope e = envelope_of(g, body, number);
    must_ok(envelope_encode_send(&e, &send));
    put_record(d, name, comment, RECORD_SEND, buf_span(&send));
}

/* The rule of long bodies. */
static void fill(uint8_t *body, size_t n)
{
    for (size_t i = 0; i < n; i++)
        body[i] = (uint8_t)(i % 251);
}

static void put_client_records(const struct given *g, struct both *b)
{
    static const uint8_t done[] = { CLOSE_DONE };
    static uint8_t body[LIMIT_BODY];
    const struct span none = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct receipt receipt = { .sender.kind = ADDRESS_USER, .state = OUTCOME_DELIVERED };
    struct noted noted = { .state = OUTCOME_DELIVERED };
    struct direction *d = &b->to_server;
    fill(body, sizeof body);
    put_record(d, "PING", "A record without a body.", RECORD_PING, none);
    put_send(g, d, "SEND, 0 bytes", "", none, 1);
    put_send(g, d, "SEND, 1 byte", "", span_of(&body['A'], 1), 2);
    put_send(g, d, "SEND, 64 bytes", "", span_of(body, 64), 3);
    put_send(g, d, "SEND, 65536 bytes", "The longest: byte i of the message is i mod 251.",
             SPAN_OF(body), 4);
    must_ok(name_parse(span_str(GIVEN_NEW), &receipt.sender.name));
    memset(receipt.id, 0x51, sizeof receipt.id);
    must_ok(receipt_encode(&receipt, &bytes));
    put_record(d, "RECEIPT", "The first under the new secret.", RECORD_RECEIPT, buf_span(&bytes));
    buf_reset(&bytes);
    memset(noted.id, 0x61, sizeof noted.id);
    must_ok(noted_encode(&noted, &bytes));
    put_record(d, "NOTED", "", RECORD_NOTED, buf_span(&bytes));
    put_record(d, "CLOSE by the client", "Reason 1.", RECORD_CLOSE, SPAN_OF(done));
}

static void put_server_records(const struct given *g, struct both *b)
{
    static const uint8_t stops[] = { CLOSE_SHUTDOWN };
    const struct span none = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    const struct welcome welcome = welcome_of_login(g);
    struct envelope e = envelope_of(g, span_str("ola"), 1);
    struct outcome outcome = { .state = OUTCOME_DELIVERED };
    struct direction *d = &b->to_client;
    must_ok(welcome_encode(&welcome, &bytes));
    put_record(d, "WELCOME", "As in 14.3.", RECORD_WELCOME, buf_span(&bytes));
    buf_reset(&bytes);
    must_ok(envelope_encode_deliver(&e, &bytes));
    put_record(d, "DELIVER", "", RECORD_DELIVER, buf_span(&bytes));
    put_record(d, "PONG", "", RECORD_PONG, none);
    put_record(d, "PONG again", "The same plaintext under another number.", RECORD_PONG, none);
    put_record(d, "PONG a third time", "", RECORD_PONG, none);
    buf_reset(&bytes);
    memset(outcome.id, 0x41, sizeof outcome.id);
    must_ok(outcome_encode(&outcome, &bytes));
    put_record(d, "OUTCOME", "The first under the new secret.", RECORD_OUTCOME, buf_span(&bytes));
    put_record(d, "CLOSE by the server", "Reason 5.", RECORD_CLOSE, SPAN_OF(stops));
}

void topic_records(const struct given *g)
{
    /* So that the sixth record of a direction is REKEY; the protocol's own limit is 2^20. */
    struct session_limits limits = session_default_limits;
    CLEANUP(both_clear) struct both b = { 0 };
    limits.rekey_records = 6;
    both_start(&b, g, &limits);
    sheet_open("records", "Records",
               "The session of 14.3, \"LOGIN to receive\": everything that each side sealed, in "
               "order.\nThe sixth record of each direction is REKEY, earlier than 6 asks for. "
               "\"plaintext\" is the\nrecord's kind and its body; of the longest record plaintext, "
               "ciphertext and frame are\ngiven by their SHA-256.");
    sheet_case("secrets", "");
    put_secret(&b.to_client);
    put_secret(&b.to_server);
    sheet_case_end();
    put_server_records(g, &b);
    put_client_records(g, &b);
    sheet_close();
}

/* ---- alerts ---- */

static void put_alert(const char *name, const char *comment, const char *under,
                      const struct secret *traffic, uint64_t sequence, struct span frame)
{
    sheet_case(name, comment);
    if (traffic != NULL) {
        const uint8_t plain[] = { ALERT_PROTOCOL };
        const struct sealing sealing = {
            .traffic = traffic,
            .sequence = sequence,
            .header = span_of(frame.p, FRAME_HEADER),
            .plain = SPAN_OF(plain),
            .sealed = span_from(frame, FRAME_HEADER),
        };
        sheet_text("under", under);
        sheet_hex("secret", secret_span(traffic));
        step_seal(&sealing);
        sheet_hex_json("frame", frame);
    } else {
        sheet_hex("frame", frame);
    }
    sheet_case_end();
}

static void hang_up(struct handshake *hs, const char *name, const char *comment, const char *under,
                    const struct secret *traffic, uint64_t sequence)
{
    CLEANUP(buf_clear) struct buf frame = { 0 };
    hs_abort(hs, ALERT_PROTOCOL, &frame);
    put_alert(name, comment, under, traffic, sequence, buf_span(&frame));
}

static void put_handshake_alerts(const struct given *g)
{
    CLEANUP(connection_clear) struct connection c = { 0 };
    CLEANUP(connection_clear) struct connection later = { 0 };
    connection_start(&c, g, "login to receive", DH_FFDHE3072, CLIENT_AUTH_RECEIVE);
    connection_hellos(&c);
    connection_server_auth(&c);
    connection_take_server_auth(&c);
    hang_up(c.server, "server, after ServerAuth", "", "s_hs", &c.server->schedule.server, 1);
    hang_up(c.client, "client, instead of ClientAuth", "", "c_hs", &c.client->schedule.client, 0);
    connection_start(&later, g, "login to receive", DH_FFDHE3072, CLIENT_AUTH_RECEIVE);
    connection_hellos(&later);
    connection_server_auth(&later);
    connection_take_server_auth(&later);
    connection_client_auth(&later);
    hang_up(later.client, "client, after ClientAuth", "", "c_hs", &later.client->schedule.client,
            1);
}

void topic_alerts(const struct given *g)
{
    CLEANUP(connection_clear) struct connection c = { 0 };
    CLEANUP(both_clear) struct both b = { 0 };
    CLEANUP(buf_clear) struct buf frame = { 0 };
    sheet_open("alerts", "Alerts",
               "Alert \"protocol\" at every stage of 14.3, \"LOGIN to receive\".");
    connection_start(&c, g, "login to receive", DH_FFDHE3072, CLIENT_AUTH_RECEIVE);
    connection_hellos(&c);
    hang_up(c.server, "before keys", "", NULL, NULL, 0);
    put_handshake_alerts(g);
    both_start(&b, g, &session_default_limits);
    session_abort(&b.server, ALERT_PROTOCOL, &frame);
    put_alert("server, first of the session", "", "s_ap[0]", &b.to_client.traffic, 0,
              buf_span(&frame));
    buf_reset(&frame);
    session_abort(&b.client, ALERT_PROTOCOL, &frame);
    put_alert("client, first of the session", "", "c_ap[0]", &b.to_server.traffic, 0,
              buf_span(&frame));
    sheet_close();
}
