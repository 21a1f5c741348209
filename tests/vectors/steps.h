/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_VECTORS_STEPS_H
#define MALOTE_TESTS_VECTORS_STEPS_H

#include <openssl/types.h>

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/hash.h"

/* Single steps of PROTOCOL.md 3.1, 5 and 11, computed again beside the code they are vectors of. */

/* `name`, "name key" and "name mac key". */
void step_keys(const char *name, const struct secret *traffic);

/* LONG: plaintext and ciphertext by their SHA-256.  IN_PARTS: the text has the plaintext above. */
enum sealing_print { SEAL_WHOLE, SEAL_LONG, SEAL_IN_PARTS };

struct sealing {
    enum sealing_print print;
    bool in_a_file; /* the header is text */
    const struct secret *traffic;
    uint64_t sequence;
    struct span header; /* all of the frame, or line, before the ciphertext */
    struct span plain;
    struct span sealed; /* as the code made it: ciphertext and tag */
};

/* Sequence, header, plaintext, counter block, ciphertext, tag; wrong ones end the program. */
void step_seal(const struct sealing *s);

/* The salt of a PSS signature, found in it with the public key. */
void step_pss_salt(EVP_PKEY *key, struct span signature, uint8_t salt[static HASH_LEN]);

/* The seed of an OAEP ciphertext and what it holds, found with the private key. */
void step_oaep(EVP_PKEY *key, struct span label, struct span wrapped, uint8_t seed[static HASH_LEN],
               struct buf *plain);

/* Expand-Label with nothing, or a hash, as context. */
void step_expand(const struct secret *from, const char *label, struct span context,
                 struct secret *to);

/* Writes the hash and hands it out as a span. */
struct span step_hash(struct span of, uint8_t hash[static HASH_LEN]);
void step_put_be64(uint64_t value, uint8_t out[static 8]);

#endif
