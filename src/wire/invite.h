/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_INVITE_H
#define MALOTE_WIRE_INVITE_H

#include "base/buf.h"
#include "wire/name.h"

/*
 * An invite is a key, never sent: ENROL carries its id and
 * HMAC-SHA-256(token, "malote v1 invite" 00 CA SPKI hash[32], vec8 name, vec8 realm,
 * client SPKI hash[32]).  This file gives the MACed bytes; crypto/ computes.  PROTOCOL.md 5.5.
 */

#define INVITE_ID    8
#define INVITE_TOKEN 16
#define INVITE_PROOF 32

struct invite {
    uint8_t id[INVITE_ID];
    uint8_t token[INVITE_TOKEN];
};

/* Appends the bytes the proof is an HMAC of. */
MUST_CHECK enum mlt_err invite_proof_input(const uint8_t ca_hash[static 32],
                                           const struct name *name, struct span realm,
                                           const uint8_t client_hash[static 32], struct buf *out);

#endif
