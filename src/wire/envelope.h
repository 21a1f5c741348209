/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_ENVELOPE_H
#define MALOTE_WIRE_ENVELOPE_H

#include "base/buf.h"
#include "wire/address.h"

/*
 * What the server opens: who, for whom, which one, and the body.  The encoding is independent of
 * any session.  As SEND (client to server) it carries no sender and no time; as DELIVER (server
 * to client, and between nodes later) the server has added both.  PROTOCOL.md 8.
 */

#define ENVELOPE_ID 16

enum body_kind { BODY_PLAIN = 1 };

/* The sender would like to hear when it was read. */
#define ENVELOPE_WANTS_READ 1

struct envelope {
    struct address sender; /* DELIVER only: the authenticated name, never the client's claim */
    int64_t time_ms;       /* DELIVER only: the server's wall clock */
    uint8_t id[ENVELOPE_ID];
    struct address recipient;
    uint64_t epoch;  /* of the stream sender -> recipient, random */
    uint64_t number; /* in the stream, from 1, rising by one */
    uint16_t flags;  /* ENVELOPE_WANTS_READ, or 0 */
    enum body_kind body_kind;
    struct span body; /* borrowed; 0..LIMIT_BODY bytes */
};

/* Body of a SEND record. */
MUST_CHECK enum mlt_err envelope_encode_send(const struct envelope *e, struct buf *out);
MUST_CHECK enum mlt_err envelope_decode_send(struct span src, struct envelope *e);

/* Body of a DELIVER record. */
MUST_CHECK enum mlt_err envelope_encode_deliver(const struct envelope *e, struct buf *out);
MUST_CHECK enum mlt_err envelope_decode_deliver(struct span src, struct envelope *e);

#endif
