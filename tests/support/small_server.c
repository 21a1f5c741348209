/* SPDX-License-Identifier: Apache-2.0 */
#include "small_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pki/request.h"
#include "wire/receipt.h"

#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "small_server.c:%d: %s\n", __LINE__, #cond);                           \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

void small_server_start(struct small_server *s)
{
    struct pair_house *house = pair_house();
    *s = (struct small_server) {
        .fd = -1, .cut_after = -1, .confirms = true, .answer.state = OUTCOME_DELIVERED
    };
    s->config = (struct hs_server_config) {
        .env = &house->clock.env,
        .group = DH_FFDHE2048,
        .ca = &house->ca,
        .ca_der = buf_span(&house->ca_der),
        .server_der = buf_span(&house->server_der),
        .server_key = house->server_key,
    };
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(at);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(s->listener >= 0 && bind(s->listener, (struct sockaddr *)&at, n) == 0);
    must(listen(s->listener, 8) == 0);
    must(getsockname(s->listener, (struct sockaddr *)&at, &n) == 0);
    s->port = ntohs(at.sin_port);
}

void small_server_drop(struct small_server *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    hs_free(&s->hs);
    session_clear(&s->session);
    buf_clear(&s->in);
    buf_clear(&s->out);
    s->up = false;
    s->sent = 0;
}

void small_server_stop(struct small_server *s)
{
    small_server_drop(s);
    if (s->listener >= 0)
        close(s->listener);
    s->listener = -1;
}

static void welcome(struct small_server *s, struct span certificate, bool enrols)
{
    struct welcome w = s->welcome;
    if (w.result == 0)
        w.result = enrols ? WELCOME_ISSUED : WELCOME_LOGGED_IN;
    if (w.result == WELCOME_ISSUED)
        w.certificate = certificate;
    if (w.max_body == 0)
        w.max_body = LIMIT_BODY;
    if (w.silence_ms == 0)
        w.silence_ms = LIMIT_SILENCE_MS;
    CLEANUP(buf_clear) struct buf body = { 0 };
    must(welcome_encode(&w, &body) == MLT_OK);
    small_server_put(s, RECORD_WELCOME, buf_span(&body));
}

static void begin_session(struct small_server *s)
{
    struct pair_house *house = pair_house();
    const struct client_auth *auth = hs_client_auth(s->hs);
    bool enrols = auth->kind == CLIENT_AUTH_ENROL;
    CLEANUP(buf_clear) struct buf certificate = { 0 };
    if (hs_want(s->hs) == HS_WANT_ISSUE) {
        CLEANUP(request_clear) struct request request = { 0 };
        must(request_read(auth->request, &request) == MLT_OK);
        int64_t now_s = house->clock.wall_ms / 1000 + s->ahead_s;
        pair_issue(CERT_CLIENT, auth->name.text, request.key, now_s - 300, now_s + 86400,
                   &certificate);
        must(hs_issued(s->hs) == MLT_OK);
    }
    CLEANUP(hs_result_clear) struct hs_result result = { 0 };
    must(hs_take_result(s->hs, &result) == MLT_OK);
    must(session_init(&s->session, s->config.env, &session_default_limits, &result.send,
                      &result.receive) == MLT_OK);
    s->up = true;
    if (s->cuts_welcome)
        s->cut_after = s->sent + (int64_t)s->out.len + 10;
    welcome(s, buf_span(&certificate), enrols);
}

static void answer_send(struct small_server *s, struct span body)
{
    struct envelope e;
    s->err = envelope_decode_send(body, &e);
    if (s->err != MLT_OK)
        return;
    s->sends++;
    memcpy(s->send_id, e.id, ENVELOPE_ID);
    s->send_number = e.number;
    s->send_flags = e.flags;
    if (!s->confirms)
        return;
    struct outcome outcome = s->answer;
    memcpy(outcome.id, e.id, ENVELOPE_ID);
    small_server_outcome(s, &outcome);
}

static void take_receipt(struct small_server *s, struct span body)
{
    struct receipt r;
    s->err = receipt_decode(body, &r);
    if (s->err != MLT_OK)
        return;
    if (r.state == OUTCOME_READ) {
        s->reads++;
        memcpy(s->read_id, r.id, ENVELOPE_ID);
        return;
    }
    s->receipts++;
    memcpy(s->receipt_id, r.id, ENVELOPE_ID);
    if (s->on_receipt != NULL)
        s->on_receipt(s->ctx);
}

static void take_noted(struct small_server *s, struct span body)
{
    s->err = noted_decode(body, &s->noted);
    s->noteds++;
}

static void take_renew(struct small_server *s, struct span body)
{
    struct renew r;
    s->err = renew_decode(body, &r);
    s->renews++;
    if (s->err == MLT_OK)
        memcpy(s->renew_serial, r.serial, sizeof(s->renew_serial));
}

static void count_ca_record(struct small_server *s, enum record_kind kind, struct span body)
{
    if (kind == RECORD_RENEW)
        take_renew(s, body);
    s->crl_wanteds += kind == RECORD_CRL_WANTED;
    s->proves += kind == RECORD_PROVE;
    s->leaves_wanteds += kind == RECORD_LEAVES_WANTED;
}

static void put_off(struct small_server *s, enum record_kind kind, struct span body)
{
    CLEANUP(buf_clear) struct buf answer = { 0 };
    struct leaves_wanted wanted = { 0 };
    if (kind == RECORD_RENEW) {
        const struct renewed r = { .result = WELCOME_REFUSED, .reason = REFUSAL_NOT_DUE };
        must(renewed_encode(&r, &answer) == MLT_OK);
        small_server_put(s, RECORD_RENEWED, buf_span(&answer));
    } else if (kind == RECORD_PROVE) {
        const struct ledger_proof p = { .result = PROOF_BUSY };
        must(ledger_proof_encode(&p, &answer) == MLT_OK);
        small_server_put(s, RECORD_PROOF, buf_span(&answer));
    } else if (kind == RECORD_LEAVES_WANTED) {
        must(leaves_wanted_decode(body, &wanted) == MLT_OK);
        const struct leaves l = { .result = LEAVES_BUSY, .first = wanted.first };
        must(leaves_encode(&l, &answer) == MLT_OK);
        small_server_put(s, RECORD_LEAVES, buf_span(&answer));
    }
}

/* False: not one of these. */
static bool take_ca_record(struct small_server *s, enum record_kind kind, struct span body)
{
    bool is_one = kind == RECORD_RENEW || kind == RECORD_CRL_WANTED || kind == RECORD_PROVE ||
                  kind == RECORD_LEAVES_WANTED;
    if (!is_one)
        return false;
    count_ca_record(s, kind, body);
    if (s->err != MLT_OK || s->is_ca_mute)
        return true;
    if (s->ca != NULL)
        s->ca(s, kind, body);
    else
        put_off(s, kind, body);
    return true;
}

static void on_record(struct small_server *s, enum record_kind kind, struct span body)
{
    s->records++;
    if (kind == RECORD_SEND)
        answer_send(s, body);
    else if (kind == RECORD_RECEIPT)
        take_receipt(s, body);
    else if (kind == RECORD_NOTED)
        take_noted(s, body);
    else if (kind == RECORD_PING) {
        s->pings++;
        small_server_put(s, RECORD_PONG, span_of(NULL, 0));
    } else if (!take_ca_record(s, kind, body) && kind != RECORD_PONG)
        s->err = MLT_ERR_UNEXPECTED;
}

/* False when no more can be done with the bytes there are. */
static bool shake(struct small_server *s, size_t *used)
{
    switch (hs_want(s->hs)) {
    case HS_WANT_INPUT:
        s->client_auth_seen =
            s->client_auth_seen || (s->in.len > 0 && s->in.p[0] == FRAME_CLIENT_AUTH);
        s->err = hs_input(s->hs, buf_span(&s->in), used, &s->out);
        s->peer_alert = hs_peer_alert(s->hs);
        return *used > 0;
    case HS_WANT_ISSUE:
    case HS_WANT_SESSION:
        begin_session(s);
        return true;
    case HS_WANT_NOTHING:
        return false;
    default:
        hs_work(s->hs);
        s->err = hs_worked(s->hs, &s->out);
        return true;
    }
}

static bool take_record(struct small_server *s, size_t *used)
{
    CLEANUP(buf_clear) struct buf plain = { 0 };
    enum record_kind kind = 0;
    s->err = session_open(&s->session, buf_span(&s->in), used, &kind, &plain, &s->out);
    s->peer_alert = s->session.peer_alert;
    if (s->err == MLT_OK && kind != 0)
        on_record(s, kind, buf_span(&plain));
    if (s->session.receive_closed && !s->ended) {
        s->closes++;
        s->ended = true;
    }
    return *used > 0;
}

static void work(struct small_server *s)
{
    bool more = true;
    while (more && s->err == MLT_OK && !s->ended) {
        size_t used = 0;
        more = s->up ? s->in.len > 0 && take_record(s, &used) : shake(s, &used);
        buf_drop(&s->in, used);
    }
}

static void write_out(struct small_server *s)
{
    struct span out = buf_span(&s->out);
    if (s->cut_after >= 0 && s->sent + (int64_t)out.n > s->cut_after)
        out.n = (size_t)(s->cut_after - s->sent);
    if (out.n > 0) {
        ssize_t n = send(s->fd, out.p, out.n, MSG_NOSIGNAL);
        if (n > 0) {
            buf_drop(&s->out, (size_t)n);
            s->sent += n;
        }
    }
    if (s->sent == s->cut_after) {
        /* An end of file, not a reset: what was sent must arrive. */
        shutdown(s->fd, SHUT_WR);
        buf_reset(&s->out);
        s->ended = true;
    }
}

static void accept_one(struct small_server *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    small_server_drop(s);
    s->fd = fd;
    s->accepted++;
    s->ended = s->is_mute || s->instead.n > 0;
    s->err = MLT_OK;
    s->client_auth_seen = false;
    if (s->instead.n > 0)
        must(buf_put(&s->out, s->instead) == MLT_OK);
    if (s->ended)
        return;
    must(hs_server_new(&s->config, &s->hs) == MLT_OK);
    must(hs_begin(s->hs, &s->out) == MLT_OK);
}

void small_server_turn(struct small_server *s)
{
    accept_one(s);
    if (s->fd < 0)
        return;
    write_out(s);
    uint8_t chunk[16384];
    ssize_t n = recv(s->fd, chunk, sizeof(chunk), 0);
    if (n > 0)
        must(buf_put(&s->in, span_of(chunk, (size_t)n)) == MLT_OK);
    work(s);
    write_out(s);
    /* The client hung up, or there was nothing left to say. */
    bool said_all = s->err != MLT_OK || (s->up && s->session.receive_closed);
    if (n == 0 || (n < 0 && errno != EAGAIN) || (said_all && s->out.len == 0))
        small_server_drop(s);
}

void small_server_put(struct small_server *s, enum record_kind kind, struct span body)
{
    must(s->up && session_seal(&s->session, kind, body, &s->out) == MLT_OK);
}

static void deliver(struct small_server *s, const char *from, uint8_t id, const char *text,
                    uint16_t flags)
{
    struct envelope e = { .sender.kind = ADDRESS_USER,
                          .recipient.kind = ADDRESS_USER,
                          .time_ms = pair_house()->clock.wall_ms,
                          .epoch = 7,
                          .number = id,
                          .flags = flags,
                          .body_kind = BODY_PLAIN,
                          .body = span_str(text) };
    memset(e.id, id, sizeof(e.id));
    must(name_parse(span_str(from), &e.sender.name) == MLT_OK);
    must(name_parse(span_str(PAIR_USER), &e.recipient.name) == MLT_OK);
    CLEANUP(buf_clear) struct buf body = { 0 };
    must(envelope_encode_deliver(&e, &body) == MLT_OK);
    small_server_put(s, RECORD_DELIVER, buf_span(&body));
}

void small_server_deliver(struct small_server *s, const char *from, uint8_t id, const char *text)
{
    deliver(s, from, id, text, 0);
}

void small_server_deliver_asking(struct small_server *s, const char *from, uint8_t id,
                                 const char *text)
{
    deliver(s, from, id, text, ENVELOPE_WANTS_READ);
}

void small_server_outcome(struct small_server *s, const struct outcome *outcome)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    must(outcome_encode(outcome, &body) == MLT_OK);
    small_server_put(s, RECORD_OUTCOME, buf_span(&body));
}

void small_server_close(struct small_server *s, enum close_reason reason)
{
    must(session_close(&s->session, reason, &s->out) == MLT_OK);
    write_out(s);
}
