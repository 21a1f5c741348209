/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_PAIR_H
#define MALOTE_TESTS_SUPPORT_PAIR_H

#include "protocol/handshake.h"
#include "protocol/session.h"
#include "wire/frame.h"

/*
 * A CA, its relay and a user, and the two ends of a connection between them: everything a test
 * of handshake and session needs, without a socket.  What fails here ends the program.
 */

#define PAIR_REALM "malote.internal"
#define PAIR_USER  "maria.silva"

/* A clock that the test turns, and random bytes that repeat with their seed. */
struct pair_env {
    struct env env;
    int64_t wall_ms;
    int64_t mono_ms;
    uint64_t seed;
};

void pair_env_start(struct pair_env *e);

/* Made once a program: four RSA-2048 keys take a second. */
struct pair_house {
    struct pair_env clock;
    EVP_PKEY *ca_key, *server_key, *client_key;
    EVP_PKEY *other_key; /* of a stranger, a twin CA */
    struct cert ca;
    struct buf ca_der, server_der, client_der;
};

struct pair_house *pair_house(void);

/* A certificate by this CA, within the profile; appended. */
void pair_issue(enum cert_role role, const char *name, EVP_PKEY *key, int64_t from_s,
                int64_t until_s, struct buf *der);

/* A root of the same realm by another key, and a leaf under it; appended. */
void pair_forge_ca(EVP_PKEY *key, struct buf *der);
void pair_issue_by(EVP_PKEY *ca_key, struct span ca_der, enum cert_role role, EVP_PKEY *key,
                   struct buf *der);

/* Two ends; the configurations may be changed before pair_start. */
struct pair {
    struct hs_server_config server_config;
    struct hs_client_config client_config;
    struct handshake *server, *client;
    struct buf to_client, to_server; /* what is on the wire */
    struct session server_session, client_session;
    struct hs_result server_result, client_result;
};

/* Good configurations over ffdhe2048, for this kind of ClientAuth. */
void pair_init(struct pair *p, enum client_auth_kind kind);
void pair_start(struct pair *p);
void pair_clear(struct pair *p);

/* One end moves as far as it can with what is on the wire; ISSUE is answered at once. */
MUST_CHECK enum mlt_err pair_move_server(struct pair *p);
MUST_CHECK enum mlt_err pair_move_client(struct pair *p);

/* Both in turn, until the server has a session or the client waits for its first record. */
MUST_CHECK enum mlt_err pair_handshake(struct pair *p);

/* The same up to the moment where this frame lies on the wire. */
void pair_run_to(struct pair *p, enum frame_type type);

/*
 * Opens the Auth frame that lies in `frame` with its rightful handshake secret, changes its
 * plaintext and seals it again, as the one peer could who lies and holds the keys.  `in_clear` is
 * how much of the frame stands before the seal.  XOR takes triples of offset u16 and byte;
 * OVERWRITE replaces the beginning.  False if nothing was changed.
 */
enum pair_edit { PAIR_XOR, PAIR_OVERWRITE };
bool pair_reseal(const struct secret *secret, size_t in_clear, enum pair_edit edit,
                 struct span change, struct buf *frame);

/* The whole way: handshake, Welcome sent and read, sessions on both ends. */
void pair_sessions(struct pair *p, const struct session_limits *limits);

#endif
