/* SPDX-License-Identifier: Apache-2.0 */
#include "messages.h"

#include <string.h>

#include "messages_authority.h"
#include "wire/client_auth.h"
#include "wire/client_hello.h"
#include "wire/close.h"
#include "wire/envelope.h"
#include "wire/outcome.h"
#include "wire/receipt.h"
#include "wire/server_auth.h"
#include "wire/server_hello.h"
#include "wire/welcome.h"

static const uint8_t filler[LIMIT_BODY] = { 0x17, 0x2a, [700] = 0x55 };
static const struct name maria = { "maria.silva" };
static const struct name joao = { "joao" };

static enum mlt_err put_list(unsigned variant, struct buf *entries)
{
    const struct typed_entry few[] = { { 0, { filler, 0 } }, { 7, { filler, 3 } } };
    const struct typed_entry full = { 65535, { filler, LIMIT_TYPED_LIST - 4 } };
    if (variant == 1) {
        TRY(typed_list_add(entries, &few[0]));
        return typed_list_add(entries, &few[1]);
    }
    return variant == 2 ? typed_list_add(entries, &full) : MLT_OK;
}

static enum mlt_err recode_list(struct span src, struct buf *again)
{
    struct wire_in in = wire_in(src);
    struct typed_list list = { 0 };
    struct typed_entry entry;
    typed_list_get(&in, &list);
    TRY(wire_in_end(&in));
    CLEANUP(buf_clear) struct buf entries = { 0 };
    while (typed_list_next(&list, &entry))
        TRY(typed_list_add(&entries, &entry));
    const struct typed_list made = { buf_span(&entries) };
    struct wire_out out = wire_out(again);
    typed_list_put(&out, &made);
    return wire_out_end(&out);
}

static enum mlt_err sample_list(unsigned variant, struct buf *out)
{
    ENSURE(variant <= 2, MLT_ERR_MISSING);
    CLEANUP(buf_clear) struct buf entries = { 0 };
    TRY(put_list(variant, &entries));
    const struct typed_list list = { buf_span(&entries) };
    struct wire_out w = wire_out(out);
    typed_list_put(&w, &list);
    return wire_out_end(&w);
}

static enum mlt_err recode_server_hello(struct span src, struct buf *again)
{
    struct server_hello hello;
    TRY(server_hello_decode(src, &hello));
    return server_hello_encode(&hello, again);
}

static enum mlt_err sample_server_hello(unsigned variant, struct buf *out)
{
    static const size_t sizes[] = { 256, 384, 512, 256 };
    static const struct typed_entry nonce = { SERVER_HELLO_MAILBOX_NONCE,
                                              { filler, MAILBOX_NONCE } };
    ENSURE(variant < COUNT_OF(sizes), MLT_ERR_MISSING);
    CLEANUP(buf_clear) struct buf entries = { 0 };
    TRY(variant == 3 ? typed_list_add(&entries, &nonce) : put_list(variant, &entries));
    const struct server_hello hello = {
        .random = { 1, 2, 3 },
        .p = span_of(filler, sizes[variant]),
        .g = span_of(filler, 1),
        .list = { buf_span(&entries) },
    };
    return server_hello_encode(&hello, out);
}

static enum mlt_err recode_client_hello(struct span src, struct buf *again)
{
    /* The size is the server's to say; here the message itself is asked. */
    struct wire_in in = wire_in(span_from(src, CLIENT_HELLO_RANDOM));
    size_t size = wire_get_u16(&in);
    struct client_hello hello;
    ENSURE(size >= LIMIT_DH_MIN, MLT_ERR_RANGE);
    TRY(client_hello_decode(src, size, &hello));
    return client_hello_encode(&hello, again);
}

static enum mlt_err sample_client_hello(unsigned variant, struct buf *out)
{
    ENSURE(variant <= 2, MLT_ERR_MISSING);
    CLEANUP(buf_clear) struct buf entries = { 0 };
    TRY(put_list(variant, &entries));
    const struct client_hello hello = {
        .random = { 9, 8, 7 },
        .dh_public = span_of(filler, 256 + 128 * variant),
        .list = { buf_span(&entries) },
    };
    return client_hello_encode(&hello, out);
}

static enum mlt_err recode_server_auth(struct span src, struct buf *again)
{
    struct server_auth auth;
    struct server_auth_parts parts;
    TRY(server_auth_split(src, &auth, &parts));
    CLEANUP(buf_clear) struct buf body = { 0 };
    TRY(server_auth_encode_body(&auth, &body));
    parts.body = buf_span(&body);
    return server_auth_join(&parts, again);
}

static enum mlt_err sample_server_auth(unsigned variant, struct buf *out)
{
    static const size_t certificates[] = { 1, 900, LIMIT_CERTIFICATE };
    ENSURE(variant < COUNT_OF(certificates), MLT_ERR_MISSING);
    CLEANUP(buf_clear) struct buf entries = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    TRY(put_list(variant, &entries));
    const struct server_auth auth = {
        .ca_certificate = span_of(filler, certificates[variant]),
        .certificate = span_of(filler, certificates[variant]),
        .list = { buf_span(&entries) },
    };
    TRY(server_auth_encode_body(&auth, &body));
    const struct server_auth_parts parts = {
        .body = buf_span(&body),
        .signature = span_of(filler, 256 + 128 * variant),
        .finished = span_of(filler, SERVER_AUTH_FINISHED),
    };
    return server_auth_join(&parts, out);
}

static enum mlt_err recode_client_auth(struct span src, struct buf *again)
{
    struct client_auth auth;
    struct client_auth_parts parts;
    TRY(client_auth_split(src, &auth, &parts));
    CLEANUP(buf_clear) struct buf body = { 0 };
    TRY(client_auth_encode_body(&auth, &body));
    parts.body = buf_span(&body);
    return client_auth_join(&parts, again);
}

static enum mlt_err sample_client_auth(unsigned variant, struct buf *out)
{
    const struct client_auth all[] = {
        { .kind = CLIENT_AUTH_RECEIVE, .certificate = { filler, 900 }, .features = 1 },
        { .kind = CLIENT_AUTH_SEND, .certificate = { filler, LIMIT_CERTIFICATE } },
        { .kind = CLIENT_AUTH_ENROL, .name = maria, .request = { filler, LIMIT_REQUEST } },
        { .kind = CLIENT_AUTH_ENROL,
          .name = joao,
          .request = { filler, 1 },
          .has_invite = true,
          .invite_id = { 1 },
          .proof = { 2 } },
    };
    ENSURE(variant < COUNT_OF(all), MLT_ERR_MISSING);
    CLEANUP(buf_clear) struct buf body = { 0 };
    TRY(client_auth_encode_body(&all[variant], &body));
    const struct client_auth_parts parts = {
        .body = buf_span(&body),
        .signature = span_of(filler, 256 + 64 * variant),
        .finished = span_of(filler, CLIENT_AUTH_FINISHED),
    };
    return client_auth_join(&parts, out);
}

static const struct envelope envelopes[] = {
    { .sender = { ADDRESS_USER, { "maria.silva" } },
      .time_ms = 1795100000000,
      .id = { 1, 2, 3 },
      .recipient = { ADDRESS_USER, { "joao" } },
      .epoch = 0x1122334455667788,
      .number = 1,
      .body_kind = BODY_PLAIN,
      .body = { (const uint8_t *)"oi", 2 } },
    { .sender = { ADDRESS_USER, { "a" } },
      .recipient = { ADDRESS_USER, { "abcdefghijklmnopqrstuvwxyz012345" } },
      .time_ms = INT64_MAX,
      .epoch = UINT64_MAX,
      .number = UINT64_MAX,
      .body_kind = BODY_PLAIN,
      .body = { filler, LIMIT_BODY } },
    { .sender = { ADDRESS_USER, { "a-b_c.d" } },
      .recipient = { ADDRESS_USER, { "0" } },
      .number = 2,
      .flags = ENVELOPE_WANTS_READ,
      .body_kind = BODY_PLAIN },
};

static enum mlt_err recode_send(struct span src, struct buf *again)
{
    struct envelope e;
    TRY(envelope_decode_send(src, &e));
    return envelope_encode_send(&e, again);
}

static enum mlt_err sample_send(unsigned variant, struct buf *out)
{
    ENSURE(variant < COUNT_OF(envelopes), MLT_ERR_MISSING);
    return envelope_encode_send(&envelopes[variant], out);
}

static enum mlt_err recode_deliver(struct span src, struct buf *again)
{
    struct envelope e;
    TRY(envelope_decode_deliver(src, &e));
    return envelope_encode_deliver(&e, again);
}

static enum mlt_err sample_deliver(unsigned variant, struct buf *out)
{
    ENSURE(variant < COUNT_OF(envelopes), MLT_ERR_MISSING);
    return envelope_encode_deliver(&envelopes[variant], out);
}

static enum mlt_err recode_outcome(struct span src, struct buf *again)
{
    struct outcome o;
    TRY(outcome_decode(src, &o));
    return outcome_encode(&o, again);
}

static enum mlt_err sample_outcome(unsigned variant, struct buf *out)
{
    static const struct outcome all[] = {
        { { 1 }, OUTCOME_STORED, OUTCOME_REASON_NONE, false },
        { { 2 }, OUTCOME_DELIVERED, OUTCOME_REASON_NONE, false },
        { { 3 }, OUTCOME_UNKNOWN, OUTCOME_REASON_NONE, false },
        { { 4 }, OUTCOME_REFUSED, OUTCOME_REASON_NO_SUCH_NAME, false },
        { { 5 }, OUTCOME_REFUSED, OUTCOME_REASON_AWAY, false },
        { { 6 }, OUTCOME_REFUSED, OUTCOME_REASON_BUSY, false },
        { { 7 }, OUTCOME_REFUSED, OUTCOME_REASON_DUPLICATE, false },
        { { 8 }, OUTCOME_DELIVERED, OUTCOME_REASON_NONE, true },
        { { 9 }, OUTCOME_UNKNOWN, OUTCOME_REASON_NONE, true },
        { { 10 }, OUTCOME_EXPIRED, OUTCOME_REASON_NONE, true },
        { { 11 }, OUTCOME_READ, OUTCOME_REASON_NONE, true },
        { { 12 }, OUTCOME_REFUSED, OUTCOME_REASON_NO_ROOM, false },
        { { 13 }, OUTCOME_REFUSED, OUTCOME_REASON_FULL, false },
        { { 14 }, OUTCOME_REFUSED, OUTCOME_REASON_SHARE, false },
        { { 15 }, OUTCOME_REFUSED, OUTCOME_REASON_ERASED, true },
    };
    ENSURE(variant < COUNT_OF(all), MLT_ERR_MISSING);
    return outcome_encode(&all[variant], out);
}

static enum mlt_err recode_noted(struct span src, struct buf *again)
{
    struct noted n;
    TRY(noted_decode(src, &n));
    return noted_encode(&n, again);
}

static enum mlt_err sample_noted(unsigned variant, struct buf *out)
{
    static const struct noted all[] = {
        { { 1 }, OUTCOME_DELIVERED }, { { 2 }, OUTCOME_REFUSED }, { { 3 }, OUTCOME_UNKNOWN },
        { { 4 }, OUTCOME_EXPIRED },   { { 5 }, OUTCOME_READ },
    };
    ENSURE(variant < COUNT_OF(all), MLT_ERR_MISSING);
    return noted_encode(&all[variant], out);
}

static enum mlt_err recode_receipt(struct span src, struct buf *again)
{
    struct receipt r;
    TRY(receipt_decode(src, &r));
    return receipt_encode(&r, again);
}

static enum mlt_err sample_receipt(unsigned variant, struct buf *out)
{
    ENSURE(variant < COUNT_OF(envelopes), MLT_ERR_MISSING);
    struct receipt r = { .sender = envelopes[variant].sender,
                         .id = { 7 },
                         .state = variant == 0 ? OUTCOME_READ : OUTCOME_DELIVERED };
    return receipt_encode(&r, out);
}

static enum mlt_err recode_close(struct span src, struct buf *again)
{
    enum close_reason reason;
    TRY(close_decode(src, &reason));
    return close_encode(reason, again);
}

static enum mlt_err sample_close(unsigned variant, struct buf *out)
{
    ENSURE(variant <= CLOSE_AGAIN - CLOSE_DONE, MLT_ERR_MISSING);
    return close_encode((enum close_reason)(CLOSE_DONE + variant), out);
}

static enum mlt_err recode_welcome(struct span src, struct buf *again)
{
    struct welcome w;
    TRY(welcome_decode(src, &w));
    return welcome_encode(&w, again);
}

static enum mlt_err sample_welcome(unsigned variant, struct buf *out)
{
    static const struct welcome all[] = {
        { .result = WELCOME_ISSUED,
          .certificate = { filler, LIMIT_CERTIFICATE },
          .ledger_head = { filler, LIMIT_LEDGER_HEAD },
          .server_time_ms = INT64_MAX,
          .max_body = LIMIT_BODY,
          .silence_ms = LIMIT_SILENCE_MS },
        { .result = WELCOME_LOGGED_IN, .crl_number = UINT64_MAX, .features = UINT32_MAX },
        { .result = WELCOME_PENDING, .retry_after_s = LIMIT_RETRY_S },
        { .result = WELCOME_REFUSED, .reason = REFUSAL_NAME_TAKEN },
        { .result = WELCOME_REFUSED, .reason = REFUSAL_BUSY, .retry_after_s = 1 },
        { .result = WELCOME_REFUSED, .reason = REFUSAL_STALE },
        { .result = WELCOME_RENEW },
    };
    ENSURE(variant < COUNT_OF(all), MLT_ERR_MISSING);
    return welcome_encode(&all[variant], out);
}

const struct message_row *message_rows(size_t *count)
{
    static const struct message_row rows[] = {
        { "typed_list", recode_list, sample_list },
        { "server_hello", recode_server_hello, sample_server_hello },
        { "client_hello", recode_client_hello, sample_client_hello },
        { "server_auth", recode_server_auth, sample_server_auth },
        { "client_auth", recode_client_auth, sample_client_auth },
        { "send", recode_send, sample_send },
        { "deliver", recode_deliver, sample_deliver },
        { "outcome", recode_outcome, sample_outcome },
        { "receipt", recode_receipt, sample_receipt },
        { "close", recode_close, sample_close },
        { "welcome", recode_welcome, sample_welcome },
        { "noted", recode_noted, sample_noted },
        { "renew", recode_renew, sample_renew },
        { "renewed", recode_renewed, sample_renewed },
        { "revoked", recode_revoked, sample_revoked },
        { "crl_wanted", recode_crl_wanted, sample_crl_wanted },
        { "crl", recode_crl_piece, sample_crl_piece },
        { "prove", recode_ledger_head, sample_ledger_head },
        { "proof", recode_ledger_proof, sample_ledger_proof },
        { "leaves_wanted", recode_leaves_wanted, sample_leaves_wanted },
        { "leaves", recode_leaves, sample_leaves },
    };
    *count = COUNT_OF(rows);
    return rows;
}
