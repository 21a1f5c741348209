/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PROTOCOL_ACTIONS_H
#define MALOTE_PROTOCOL_ACTIONS_H

#include "crypto/etm.h"
#include "crypto/rsa.h"
#include "pki/request.h"
#include "protocol/handshake.h"
#include "protocol/schedule.h"
#include "protocol/steps.h"
#include "protocol/transcript.h"
#include "wire/server_auth.h"

/* What the machine (handshake.c) and the actions of both roles share; nobody else looks in. */

struct hs_direction {
    struct etm etm;
    uint64_t sequence;
    bool on;
};

struct handshake {
    enum hs_role role;
    enum hs_state state;
    const struct hs_server_config *server; /* one of the two */
    const struct hs_client_config *client;

    /* What hs_work found, until hs_worked tells it; what the step has to say, until it is sent. */
    bool worked;
    enum mlt_err verdict;
    struct buf out;
    bool alerted;
    enum alert peer_alert;
    char id[9];

    uint8_t nonce[MAILBOX_NONCE]; /* server: ca's, if has_nonce */
    bool has_nonce;
    enum dh_group group;
    EVP_PKEY *ephemeral;
    struct buf peer_public; /* Y of the peer */
    struct transcript transcript;
    struct schedule schedule;
    struct hs_direction send, receive;

    struct buf in_clear; /* server: ServerAuth up to its seal, between DERIVE and SIGN */
    struct buf received; /* SERVER_AUTH as it came, then the plaintext of the peer's Auth message */
    struct server_auth server_auth;
    struct server_auth_parts server_parts;
    struct client_auth client_auth;
    struct client_auth_parts client_parts;
    bool client_verified; /* ClientAuth is proven: only then may anything be done for its sender */

    struct hs_result result;
};

/* Steps of both roles. */
enum mlt_err hs_nothing(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_make_ephemeral(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_take_plain_alert(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_take_sealed_alert(struct handshake *hs, const struct frame *frame);

/* Steps of the client. */
enum mlt_err hs_client_take_server_hello(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_client_offer(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_client_take_server_auth(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_client_derive(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_client_verify(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_client_sign(struct handshake *hs, const struct frame *frame);

/* Steps of the server. */
enum mlt_err hs_server_hello(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_server_take_client_hello(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_server_derive(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_server_sign(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_server_take_client_auth(struct handshake *hs, const struct frame *frame);
enum mlt_err hs_server_verify(struct handshake *hs, const struct frame *frame);

/* Frames a body, to be sent and into the transcript; for the messages that travel in the clear. */
MUST_CHECK enum mlt_err hs_put_hello(struct handshake *hs, enum frame_type type, struct span body);

/* Z, the handshake secrets, and the seals of both directions; the transcript stands after Ys. */
MUST_CHECK enum mlt_err hs_derive(struct handshake *hs);

/* The transcript with the peer's signature, then its Finished, which is compared. */
MUST_CHECK enum mlt_err hs_check_finished(struct handshake *hs, const struct secret *of_peer,
                                          struct span signature_field, struct span finished);

/* Traffic secrets of the session; the transcript stands after ClientAuth's Finished. */
MUST_CHECK enum mlt_err hs_derive_session(struct handshake *hs);

/* Seals, or opens, under the handshake keys of that direction and takes its next number. */
MUST_CHECK enum mlt_err hs_seal(struct handshake *hs, struct span header, struct span plain,
                                struct buf *out);
MUST_CHECK enum mlt_err hs_open(struct handshake *hs, struct span header, struct span sealed,
                                struct buf *plain);

#endif
