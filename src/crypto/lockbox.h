/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_LOCKBOX_H
#define MALOTE_CRYPTO_LOCKBOX_H

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/kdf.h"

/*
 * A secret wrapped under a passphrase, as one self-describing line of text:
 *
 *   malote-<what> 1 scrypt <N> <r> <p> <salt, 64 hex> <wrapped, hex> <tag, 64 hex>
 *
 * keys from HKDF(scrypt output); AES-256-CTR, HMAC-SHA-256 over everything before the tag.
 * One encoding per value, so every flipped bit is refused.  PROTOCOL.md 9.
 */

#define LOCKBOX_SALT 32

struct lockbox {
    struct kdf_cost cost;
    uint8_t salt[LOCKBOX_SALT];
    struct span head;    /* the line up to the wrapped bytes, borrowed from the parsed line */
    struct span wrapped; /* hex, borrowed */
    struct span tag;     /* hex, borrowed */
};

/* Reads a line without its newline; bounds the cost before anyone uses it.  MLT_ERR_DAMAGED. */
MUST_CHECK enum mlt_err lockbox_parse(const char *what, struct span line, struct lockbox *box);

/* scrypt is the caller's to run (kdf_scrypt with box->cost and box->salt), perhaps elsewhere. */
MUST_CHECK enum mlt_err lockbox_open(const struct lockbox *box, const struct secret *stretched,
                                     struct secret *out);

/* Appends the line, without newline. */
MUST_CHECK enum mlt_err lockbox_seal(const char *what, const struct kdf_cost *cost,
                                     const uint8_t salt[static LOCKBOX_SALT],
                                     const struct secret *stretched, struct span secret,
                                     struct buf *line);

#endif
