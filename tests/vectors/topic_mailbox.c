/* SPDX-License-Identifier: Apache-2.0 */
#include "topics.h"

#include "crypto/rsa.h"
#include "must.h"
#include "mail/mail_seal.h"
#include "sheet.h"
#include "steps.h"
#include "wire/cursor.h"

/* A segment of two messages, as the store seals them and the CA's process lets them be opened. */

static struct envelope letter(const char *sender, uint64_t number, const char *text)
{
    struct envelope e = {
        .sender.kind = ADDRESS_USER,
        .time_ms = INT64_C(1795359274123),
        .recipient.kind = ADDRESS_USER,
        .epoch = 0x8182838485868788,
        .number = number,
        .flags = number == 1 ? ENVELOPE_WANTS_READ : 0,
        .body_kind = BODY_PLAIN,
        .body = span_str(text),
    };
    for (size_t i = 0; i < sizeof e.id; i++)
        e.id[i] = (uint8_t)(0xb0 + i * number);
    must_ok(name_parse(span_str(sender), &e.sender.name));
    must_ok(name_parse(span_str(GIVEN_USER), &e.recipient.name));
    return e;
}

static void put_chain(const char *what, uint32_t index, const struct secret *value)
{
    char name[32];
    snprintf(name, sizeof name, "%s[%u]", what, index);
    sheet_hex(name, secret_span(value));
}

static void put_segment(const struct given *g, const struct mail_segment *segment,
                        const struct name *recipient, const struct mail_wrapped *wrapped)
{
    CLEANUP(buf_clear) struct buf label = { 0 };
    CLEANUP(buf_clear) struct buf held = { 0 };
    CLEANUP(secret_clear) struct secret key = { 0 };
    uint8_t seed[HASH_LEN];
    must_ok(mailbox_label(recipient, segment->id, &label));
    step_oaep(g->keys[KEY_MAILBOX], buf_span(&label), buf_span(&wrapped->secret), seed, &held);
    must(span_eq(buf_span(&held), secret_span(&segment->chain)));
    must_ok(rsa_private_encode(g->keys[KEY_MAILBOX], &key));

    sheet_case("segment", "\"seed\" is what OAEP draws; \"wrapped\" opens with the private key.");
    sheet_text("recipient", recipient->text);
    sheet_hex_elsewhere("mailbox private key", secret_span(&key), "14.1, mailbox");
    sheet_hex("segment", SPAN_OF(segment->id));
    put_chain("chain", 0, &segment->chain);
    sheet_hex("label", buf_span(&label));
    sheet_hex("seed", SPAN_OF(seed));
    sheet_hex("wrapped", buf_span(&wrapped->secret));
    sheet_hex("proof", SPAN_OF(wrapped->proof));
    sheet_case_end();
}

static void put_header(const struct mail_binding *binding, struct buf *header)
{
    struct wire_out w = wire_out(header);
    wire_put_vec8(&w, name_span(binding->recipient), 1, LIMIT_NAME);
    wire_put_bytes(&w, span_of(binding->segment, MAIL_SEGMENT));
    wire_put_u32(&w, binding->index);
    wire_put_vec8(&w, name_span(binding->sender), 1, LIMIT_NAME);
    wire_put_bytes(&w, span_of(binding->id, ENVELOPE_ID));
    must_ok(wire_out_end(&w));
}

/* Sealed by the one chain, opened by the other, and computed here from chain[i] alone. */
static void put_message(struct mail_segment *segment, struct mail_segment *opening,
                        const struct envelope *e)
{
    const struct span none = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    CLEANUP(buf_clear) struct buf opened = { 0 };
    CLEANUP(buf_clear) struct buf header = { 0 };
    CLEANUP(secret_clear) struct secret chain = { 0 };
    CLEANUP(secret_clear) struct secret message = { 0 };
    CLEANUP(secret_clear) struct secret next = { 0 };
    char name[32];
    const uint32_t index = segment->next;
    const struct mail_binding binding = { &e->recipient.name, &e->sender.name, segment->id, index,
                                          e->id };
    must_ok(secret_copy(&chain, secret_span(&segment->chain)));
    must_ok(envelope_encode_deliver(e, &plain));
    must_ok(mail_seal(segment, &binding, buf_span(&plain), &sealed));
    must_ok(mail_open(opening, &binding, buf_span(&sealed), &opened));
    must(span_eq(buf_span(&opened), buf_span(&plain)));
    put_header(&binding, &header);
    step_expand(&chain, "mailbox message", none, &message);
    step_expand(&chain, "mailbox next", none, &next);
    must(span_eq(secret_span(&next), secret_span(&segment->chain)));

    snprintf(name, sizeof name, "message %u", index);
    sheet_case(name, index == 0 ? "The plaintext is the body of its DELIVER." : "");
    sheet_text("recipient", e->recipient.name.text);
    sheet_hex("segment", SPAN_OF(segment->id));
    sheet_int("index", index);
    sheet_text("sender", e->sender.name.text);
    sheet_hex("id", SPAN_OF(e->id));
    snprintf(name, sizeof name, "secret[%u]", index);
    step_keys(name, &message);
    const struct sealing sealing = {
        .traffic = &message,
        .header = buf_span(&header),
        .plain = buf_span(&plain),
        .sealed = buf_span(&sealed),
    };
    step_seal(&sealing);
    put_chain("chain", index + 1, &segment->chain);
    sheet_case_end();
}

void topic_mailbox(const struct given *g)
{
    CLEANUP(mail_segment_clear) struct mail_segment segment = { 0 };
    CLEANUP(mail_segment_clear) struct mail_segment opening = { 0 };
    CLEANUP(mail_wrapped_clear) struct mail_wrapped wrapped = { 0 };
    const struct envelope first = letter(GIVEN_NEW, 1, "kept for you");
    const struct envelope second = letter("ana", 2, "");
    const struct name *recipient = &first.recipient.name;
    sheet_open("mailbox", "Stored mail", "Section 9.3: one segment and the messages in it.");
    given_random("mailbox: segment");
    must_ok(mail_segment_new(&g->env, recipient, g->keys[KEY_MAILBOX], &segment, &wrapped));
    must_ok(mail_segment_open(segment.id, wrapped.proof, &segment.chain, &opening));
    put_segment(g, &segment, recipient, &wrapped);
    put_message(&segment, &opening, &first);
    put_message(&segment, &opening, &second);
    sheet_close();
}
