/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_MAIL_SEAL_H
#define MALOTE_MAIL_SEAL_H

#include <openssl/types.h>

#include "base/env.h"
#include "base/secret.h"
#include "wire/envelope.h"
#include "wire/mailbox.h"

/*
 * Stored mail at rest.  A segment is a chain of keys that begins with a random secret, wrapped for
 * the recipient's mailbox pair; each message takes the next key, and what came before is wiped.  So
 * whoever takes the process over opens nothing that was sealed earlier.  PROTOCOL.md 9.3.
 */

/* What the seal binds, beside the segment's own key. */
struct mail_binding {
    const struct name *recipient, *sender;
    const uint8_t *segment; /* MAIL_SEGMENT bytes */
    uint32_t index;         /* in the segment, from 0 */
    const uint8_t *id;      /* ENVELOPE_ID bytes */
};

#define MAIL_PROOF 16

struct mail_segment {
    uint8_t id[MAIL_SEGMENT];
    uint32_t next;       /* index of the next message */
    struct secret chain; /* its key comes from here */
};

/* What is kept of a segment: its first secret wrapped for its recipient, and how one tells that
 * secret from another one, so that a wrong key is never taken for damaged messages. */
struct mail_wrapped {
    struct buf secret;
    uint8_t proof[MAIL_PROOF];
};

/* A new segment for `recipient`, whose mailbox pair `key` belongs to; sets *wrapped. */
MUST_CHECK enum mlt_err mail_segment_new(const struct env *env, const struct name *recipient,
                                         EVP_PKEY *key, struct mail_segment *segment,
                                         struct mail_wrapped *wrapped);
void mail_segment_clear(struct mail_segment *segment);
void mail_wrapped_clear(struct mail_wrapped *wrapped);

/* What a message of `plain` bytes has when sealed: this is what counts for a quota. */
size_t mail_sealed_size(size_t plain);

/* Seals `plain` as the segment's next message and moves on; appends to `sealed`.  MLT_ERR_STATE
 * after LIMIT_SEGMENT messages.  After any failure the segment must not be used again. */
MUST_CHECK enum mlt_err mail_seal(struct mail_segment *segment, const struct mail_binding *binding,
                                  struct span plain, struct buf *sealed);

/* The chain at the first message of an unwrapped segment: then open, in rising order. MLT_ERR_AUTH:
 * `first` is not the secret that `proof` was made of. */
MUST_CHECK enum mlt_err mail_segment_open(const uint8_t id[static MAIL_SEGMENT],
                                          const uint8_t proof[static MAIL_PROOF],
                                          const struct secret *first, struct mail_segment *segment);

/* Opens message binding->index, which must not lie behind the chain, and moves on, also when it
 * does not open; appends.  MLT_ERR_AUTH. */
MUST_CHECK enum mlt_err mail_open(struct mail_segment *segment, const struct mail_binding *binding,
                                  struct span sealed, struct buf *plain);

#endif
