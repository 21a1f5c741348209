/* SPDX-License-Identifier: Apache-2.0 */
#include "topics.h"

#include <string.h>

#include "must.h"
#include "sheet.h"
#include "steps.h"
#include "wire/close.h"
#include "wire/envelope.h"
#include "wire/join_url.h"
#include "wire/outcome.h"
#include "wire/receipt.h"
#include "wire/welcome.h"

/* ---- envelopes, receipts, outcomes ---- */

static void put_u64(const char *name, uint64_t value)
{
    uint8_t bytes[8];
    step_put_be64(value, bytes);
    sheet_hex(name, SPAN_OF(bytes));
}

static void put_envelope(const struct envelope *e)
{
    sheet_hex("id", SPAN_OF(e->id));
    sheet_text("recipient", e->recipient.name.text);
    put_u64("epoch", e->epoch);
    sheet_int("number", e->number);
    sheet_int("flags", e->flags);
    sheet_hex("message", e->body);
}

static struct envelope sample(void)
{
    static const char text[] = "Ol\xc3\xa1, Jo\xc3\xa3o!";
    struct envelope e = {
        .sender.kind = ADDRESS_USER,
        .time_ms = INT64_C(1795359274123),
        .recipient.kind = ADDRESS_USER,
        .epoch = 0x8182838485868788,
        .number = 258,
        .body_kind = BODY_PLAIN,
        .body = span_of(text, sizeof text - 1),
    };
    for (size_t i = 0; i < sizeof e.id; i++)
        e.id[i] = (uint8_t)(0xa0 + i);
    must_ok(name_parse(span_str(GIVEN_USER), &e.sender.name));
    must_ok(name_parse(span_str(GIVEN_NEW), &e.recipient.name));
    return e;
}

static void put_send_and_deliver(void)
{
    CLEANUP(buf_clear) struct buf send = { 0 };
    CLEANUP(buf_clear) struct buf deliver = { 0 };
    const struct envelope e = sample();
    struct envelope again;
    must_ok(envelope_encode_send(&e, &send));
    must_ok(envelope_decode_send(buf_span(&send), &again));
    sheet_case("SEND", "Body kind 1. The epoch is given as its 8 bytes.");
    put_envelope(&e);
    sheet_hex("body", buf_span(&send));
    sheet_case_end();

    must_ok(envelope_encode_deliver(&e, &deliver));
    must_ok(envelope_decode_deliver(buf_span(&deliver), &again));
    sheet_case("DELIVER", "The same message at its recipient.");
    sheet_text("sender", e.sender.name.text);
    sheet_int("time, ms", (uint64_t)e.time_ms);
    put_envelope(&e);
    sheet_hex("body", buf_span(&deliver));
    sheet_case_end();
}

static void put_wanting_to_be_read(void)
{
    CLEANUP(buf_clear) struct buf send = { 0 };
    struct envelope e = sample();
    e.flags = ENVELOPE_WANTS_READ;
    e.number++;
    e.id[0] ^= 1;
    must_ok(envelope_encode_send(&e, &send));
    sheet_case("SEND, wants-read", "");
    put_envelope(&e);
    sheet_hex("body", buf_span(&send));
    sheet_case_end();
}

static void put_smallest_and_largest(void)
{
    static const char longest[] = "abcdefghijklmnopqrstuvwxyz-01234";
    CLEANUP(buf_clear) struct buf send = { 0 };
    CLEANUP(buf_clear) struct buf deliver = { 0 };
    struct envelope e = sample();
    e.body.n = 0;
    e.number = 1;
    must_ok(name_parse(span_str("a"), &e.recipient.name));
    must_ok(envelope_encode_send(&e, &send));
    sheet_case("SEND, the shortest", "");
    put_envelope(&e);
    sheet_hex("body", buf_span(&send));
    sheet_case_end();

    must_ok(name_parse(span_str(longest), &e.recipient.name));
    must_ok(name_parse(span_str(longest), &e.sender.name));
    must_ok(envelope_encode_deliver(&e, &deliver));
    sheet_case("DELIVER, the longest names", "");
    sheet_text("sender", e.sender.name.text);
    sheet_int("time, ms", (uint64_t)e.time_ms);
    put_envelope(&e);
    sheet_hex("body", buf_span(&deliver));
    sheet_case_end();
}

static void put_outcome(const char *name, const struct outcome *like)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct envelope e = sample();
    struct outcome o = *like;
    memcpy(o.id, e.id, sizeof o.id);
    must_ok(outcome_encode(&o, &body));
    sheet_case(name, "");
    sheet_hex("id", SPAN_OF(o.id));
    sheet_int("state", (uint64_t)o.state);
    sheet_int("reason", (uint64_t)o.reason);
    sheet_int("kept", o.kept);
    sheet_hex("body", buf_span(&body));
    sheet_case_end();
}

/* Every state, every reason. */
static void put_outcomes(void)
{
    static const struct {
        const char *name;
        struct outcome outcome;
    } all[] = {
        { "OUTCOME, stored", { .state = OUTCOME_STORED } },
        { "OUTCOME, delivered", { .state = OUTCOME_DELIVERED } },
        { "OUTCOME, delivered, kept", { .state = OUTCOME_DELIVERED, .kept = true } },
        { "OUTCOME, refused: no such name", { .state = OUTCOME_REFUSED, .reason = 1 } },
        { "OUTCOME, refused: away", { .state = OUTCOME_REFUSED, .reason = 2 } },
        { "OUTCOME, refused: busy", { .state = OUTCOME_REFUSED, .reason = 3 } },
        { "OUTCOME, refused: duplicate", { .state = OUTCOME_REFUSED, .reason = 4 } },
        { "OUTCOME, refused: no room", { .state = OUTCOME_REFUSED, .reason = 5 } },
        { "OUTCOME, refused: full", { .state = OUTCOME_REFUSED, .reason = 6 } },
        { "OUTCOME, refused: share", { .state = OUTCOME_REFUSED, .reason = 7 } },
        { "OUTCOME, refused: erased, kept",
          { .state = OUTCOME_REFUSED, .reason = 8, .kept = true } },
        { "OUTCOME, unknown", { .state = OUTCOME_UNKNOWN } },
        { "OUTCOME, expired, kept", { .state = OUTCOME_EXPIRED, .kept = true } },
        { "OUTCOME, read, kept", { .state = OUTCOME_READ, .kept = true } },
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        put_outcome(all[i].name, &all[i].outcome);
}

static void put_receipt(const char *name, enum outcome_state state)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct envelope e = sample();
    struct receipt receipt = { .sender = e.sender, .state = state };
    memcpy(receipt.id, e.id, sizeof receipt.id);
    must_ok(receipt_encode(&receipt, &body));
    sheet_case(name, "");
    sheet_text("sender", receipt.sender.name.text);
    sheet_hex("id", SPAN_OF(receipt.id));
    sheet_int("state", (uint64_t)state);
    sheet_hex("body", buf_span(&body));
    sheet_case_end();
}

static void put_noted(void)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct envelope e = sample();
    struct noted noted = { .state = OUTCOME_EXPIRED };
    memcpy(noted.id, e.id, sizeof noted.id);
    must_ok(noted_encode(&noted, &body));
    sheet_case("NOTED", "");
    sheet_hex("id", SPAN_OF(noted.id));
    sheet_int("state", (uint64_t)noted.state);
    sheet_hex("body", buf_span(&body));
    sheet_case_end();
}

static void put_close(void)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    must_ok(close_encode(CLOSE_AGAIN, &body));
    sheet_case("CLOSE, again", "");
    sheet_int("reason", CLOSE_AGAIN);
    sheet_hex("body", buf_span(&body));
    sheet_case_end();
}

static void put_answers(void)
{
    put_receipt("RECEIPT, delivered", OUTCOME_DELIVERED);
    put_receipt("RECEIPT, read", OUTCOME_READ);
    put_outcomes();
    put_noted();
    put_close();
}

static void put_welcome(const char *name, const struct welcome *w)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    must_ok(welcome_encode(w, &body));
    sheet_case(name, "");
    sheet_int("result", (uint64_t)w->result);
    sheet_int("reason", (uint64_t)w->reason);
    sheet_int("retry after, s", w->retry_after_s);
    sheet_hex("certificate", w->certificate);
    sheet_hex("ledger head", w->ledger_head);
    sheet_int("CRL number", w->crl_number);
    sheet_int("server time, ms", (uint64_t)w->server_time_ms);
    sheet_int("largest body", w->max_body);
    sheet_int("silence, ms", w->silence_ms);
    sheet_int("features", w->features);
    sheet_hex("body", buf_span(&body));
    sheet_case_end();
}

static void put_welcomes(const struct given *g)
{
    struct welcome w = welcome_of_login(g);
    put_welcome("WELCOME, logged in", &w);
    w.result = WELCOME_PENDING;
    w.retry_after_s = 10;
    put_welcome("WELCOME, pending", &w);
    w.result = WELCOME_REFUSED;
    w.reason = REFUSAL_INVITE;
    w.retry_after_s = 0;
    put_welcome("WELCOME, refused: invite", &w);
    w.reason = REFUSAL_BUSY;
    w.retry_after_s = 10;
    put_welcome("WELCOME, refused: busy", &w);
    w.reason = REFUSAL_STALE;
    w.retry_after_s = 0;
    w.crl_number = 258;
    put_welcome("WELCOME, refused: stale", &w);
    w.result = WELCOME_RENEW;
    w.reason = REFUSAL_NONE;
    put_welcome("WELCOME, renew", &w);
}

void topic_messages(const struct given *g)
{
    sheet_open("messages", "Bodies of records",
               "Sections 7 and 8, without any seal: \"body\" follows the kind in a record's "
               "plaintext.");
    put_send_and_deliver();
    put_wanting_to_be_read();
    put_smallest_and_largest();
    put_answers();
    put_welcomes(g);
    sheet_close();
}

/* ---- invites ---- */

static struct join_url url_of(const struct given *g, const char *host)
{
    struct join_url url = { .port = 7600 };
    snprintf(url.host, sizeof url.host, "%s", host);
    memcpy(url.ca_hash, g->ca.spki_hash, sizeof url.ca_hash);
    return url;
}

static void put_url(const char *name, const char *comment, const struct join_url *url)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    struct join_url again;
    must_ok(join_url_put(url, &text));
    must_ok(join_url_parse(buf_span(&text), &again));
    sheet_case(name, comment);
    sheet_text("host", url->host);
    sheet_int("port", url->port);
    sheet_hex("CA fingerprint", SPAN_OF(url->ca_hash));
    if (url->has_name)
        sheet_text("name", url->name.text);
    if (url->has_invite) {
        sheet_hex("invite id", SPAN_OF(url->invite.id));
        sheet_hex("token", SPAN_OF(url->invite.token));
    }
    sheet_text_long("URL", buf_span(&text));
    sheet_case_end();
}

static void put_proof(const struct given *g, const struct invite *invite, const struct name *name)
{
    CLEANUP(buf_clear) struct buf input = { 0 };
    uint8_t proof[HASH_LEN];
    must_ok(invite_proof_input(g->ca.spki_hash, name, span_str(GIVEN_REALM), g->client.spki_hash,
                               &input));
    struct span covered = buf_span(&input);
    must_ok(hash_hmac(SPAN_OF(invite->token), &covered, 1, proof));
    sheet_case("invite proof", "5.5. The key is \"client\" of 14.1; 14.4 has one within ENROL.");
    sheet_hex("invite id", SPAN_OF(invite->id));
    sheet_hex("token", SPAN_OF(invite->token));
    sheet_hex("CA fingerprint", SPAN_OF(g->ca.spki_hash));
    sheet_text("name", name->text);
    sheet_text("realm", GIVEN_REALM);
    sheet_hex("client key's fingerprint", SPAN_OF(g->client.spki_hash));
    sheet_hex("proof input", covered);
    sheet_hex("proof", SPAN_OF(proof));
    sheet_case_end();
}

void topic_invite(const struct given *g)
{
    struct join_url url = url_of(g, "relay.malote.example");
    struct join_url numeric = url_of(g, "2001:db8::7");
    for (size_t i = 0; i < INVITE_ID; i++)
        url.invite.id[i] = (uint8_t)(0x30 + i);
    for (size_t i = 0; i < INVITE_TOKEN; i++)
        url.invite.token[i] = (uint8_t)(0xf0 + i);
    must_ok(name_parse(span_str(GIVEN_USER), &url.name));
    sheet_open("invite", "Invite proof and join URL", "Sections 5.5 and 12.");
    put_proof(g, &url.invite, &url.name);
    put_url("join URL without an invite", "An IPv6 address stands without brackets.", &numeric);
    url.has_invite = true;
    put_url("join URL with an invite", "", &url);
    url.has_name = true;
    put_url("join URL with an invite for one name", "", &url);
    sheet_close();
}
