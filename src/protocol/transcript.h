/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PROTOCOL_TRANSCRIPT_H
#define MALOTE_PROTOCOL_TRANSCRIPT_H

#include "crypto/hash.h"

/*
 * SHA-256 over the plaintext of all handshake messages with their framing, in the order they
 * cross the wire; padding is not in it.  { 0 } is empty.  PROTOCOL.md 5.1
 */

struct transcript {
    struct hash_run run;
};

MUST_CHECK enum mlt_err transcript_init(struct transcript *t);
void transcript_clear(struct transcript *t);

MUST_CHECK enum mlt_err transcript_add(struct transcript *t, struct span s);

/* The same with its length before it, as a vec16 stands on the wire. */
MUST_CHECK enum mlt_err transcript_add_vec16(struct transcript *t, struct span s);

/* The hash so far. */
MUST_CHECK enum mlt_err transcript_digest(const struct transcript *t,
                                          uint8_t digest[static HASH_LEN]);

#endif
