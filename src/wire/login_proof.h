/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_LOGIN_PROOF_H
#define MALOTE_WIRE_LOGIN_PROOF_H

#include "wire/client_auth.h"
#include "wire/client_hello.h"
#include "wire/server_auth.h"
#include "wire/server_hello.h"

/*
 * The bytes that a client signs when it logs in, taken apart by somebody who was not there
 * (PROTOCOL.md 5.1, 9.4): ServerHello and ClientHello as frames; of ServerAuth its header, vec16 Ys
 * and the plaintext; of ClientAuth its header and the signed body.  These two were sealed on the
 * wire: the lengths in their headers are checked against what is here and the tag.
 */

struct login_proof {
    struct server_hello server_hello; /* all of it borrowed from the transcript */
    struct client_hello client_hello;
    struct server_auth server_auth;
    struct client_auth client_auth;
};

/*
 * Exactly these four, in this order, nothing before, between or behind them, LIMIT_TRANSCRIPT bytes
 * at most.  A signature over bytes that pass here is over this login and nothing else; who signed,
 * and what the certificates are worth, is the caller's to find out.
 */
MUST_CHECK enum mlt_err login_proof_decode(struct span transcript, struct login_proof *proof);

#endif
