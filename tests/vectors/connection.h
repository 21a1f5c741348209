/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_VECTORS_CONNECTION_H
#define MALOTE_TESTS_VECTORS_CONNECTION_H

#include "given.h"
#include "protocol/handshake.h"
#include "protocol/session.h"

/* One handshake of the real machines, frame by frame, with what they drew on the way. */
struct connection {
    const char *label; /* of its randomness */
    struct hs_server_config server_config;
    struct hs_client_config client_config;
    const uint8_t *nonce; /* MAILBOX_NONCE bytes; NULL: ServerHello lists nothing */
    struct handshake *server, *client;
    struct buf server_hello, client_hello, server_auth, client_auth; /* frames */
    struct buf x_s, x_c;                                             /* Diffie-Hellman exponents */
    struct hs_result server_result, client_result;
};

/* A LOGIN of the given client; the configurations may be changed before the first step. */
void connection_start(struct connection *c, const struct given *g, const char *label,
                      enum dh_group group, enum client_auth_kind kind);
void connection_clear(struct connection *c);

/* In this order; `auths` ends with both results, but for the client's, which needs a Record. */
void connection_hellos(struct connection *c);
void connection_server_auth(struct connection *c);
void connection_take_server_auth(struct connection *c);
void connection_client_auth(struct connection *c);
void connection_finish(struct connection *c);

/* The client sees the header of the first record; then both have their result. */
void connection_see_record(struct connection *c, struct span record);

#endif
