/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PROTOCOL_TRANSCRIPT_H
#define MALOTE_PROTOCOL_TRANSCRIPT_H

#include "base/buf.h"
#include "crypto/hash.h"

/*
 * SHA-256 over the plaintext of all handshake messages with their framing, in the order they
 * cross the wire; padding is not in it.  { 0 } is empty.  PROTOCOL.md 5.1
 */

struct transcript {
    struct hash_run run;
    bool keeps;
    struct buf kept; /* while `keeps`: the bytes themselves, at most LIMIT_TRANSCRIPT */
};

MUST_CHECK enum mlt_err transcript_init(struct transcript *t);
void transcript_clear(struct transcript *t);

/* Before the first byte: what is added is kept as well, for somebody who has to hash it himself. */
void transcript_keep(struct transcript *t);

/* What was kept so far moves into `bytes` (empty without transcript_keep); nothing more is kept. */
void transcript_take_kept(struct transcript *t, struct buf *bytes);

/* MLT_ERR_RANGE: there is more than may be kept. */
MUST_CHECK enum mlt_err transcript_add(struct transcript *t, struct span s);

/* The same with its length before it, as a vec16 stands on the wire. */
MUST_CHECK enum mlt_err transcript_add_vec16(struct transcript *t, struct span s);

/* The hash so far. */
MUST_CHECK enum mlt_err transcript_digest(const struct transcript *t,
                                          uint8_t digest[static HASH_LEN]);

#endif
