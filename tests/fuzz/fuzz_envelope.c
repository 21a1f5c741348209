/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/envelope.h"

/*
 * An envelope on its way: what a sender's client wrote is opened, gets the server's sender and
 * time, and is opened by the recipient's client.  Everything the sender said arrives as he said
 * it, and nothing he said becomes the sender or the time.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool cond)
{
    if (!cond)
        abort();
}

static void check_fields(const struct envelope *e)
{
    struct name name;
    must(name_parse(name_span(&e->recipient.name), &name) == MLT_OK);
    must(e->recipient.kind == ADDRESS_USER && e->body_kind == BODY_PLAIN);
    must((e->flags & ~ENVELOPE_WANTS_READ) == 0);
    must(e->body.n <= LIMIT_BODY);
}

static void check_same(const struct envelope *a, const struct envelope *b)
{
    must(span_eq(SPAN_OF(a->id), SPAN_OF(b->id)) &&
         name_eq(&a->recipient.name, &b->recipient.name));
    must(a->epoch == b->epoch && a->number == b->number && span_eq(a->body, b->body));
    must(a->flags == b->flags);
}

static void forward(struct envelope *e)
{
    static const struct address sender = { ADDRESS_USER, { "maria.silva" } };
    CLEANUP(buf_clear) struct buf wire = { 0 };
    struct envelope arrived = { 0 };
    e->sender = sender;
    e->time_ms = 1795361897000;
    must(envelope_encode_deliver(e, &wire) == MLT_OK);
    must(envelope_decode_deliver(buf_span(&wire), &arrived) == MLT_OK);
    check_same(e, &arrived);
    must(name_eq(&arrived.sender.name, &sender.name) && arrived.time_ms == e->time_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct span in = span_of(data, n);
    struct envelope e = { 0 };
    CLEANUP(buf_clear) struct buf again = { 0 };
    if (envelope_decode_send(in, &e) == MLT_OK) {
        check_fields(&e);
        must(envelope_encode_send(&e, &again) == MLT_OK && span_eq(buf_span(&again), in));
        forward(&e);
    }
    struct envelope d = { 0 };
    buf_reset(&again);
    if (envelope_decode_deliver(in, &d) == MLT_OK) {
        check_fields(&d);
        must(d.time_ms >= 0);
        must(envelope_encode_deliver(&d, &again) == MLT_OK && span_eq(buf_span(&again), in));
    }
    return 0;
}
