/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PROTOCOL_HANDSHAKE_H
#define MALOTE_PROTOCOL_HANDSHAKE_H

#include "base/env.h"
#include "crypto/dh.h"
#include "pki/cert.h"
#include "wire/alert.h"
#include "wire/client_auth.h"
#include "wire/invite.h"
#include "wire/mailbox.h"

/*
 * The handshake of both sides, sans-IO: bytes, time and randomness in, bytes out.  SIGMA-I with
 * a TLS 1.3 style key schedule; every legal step is a row of steps.def.  PROTOCOL.md 4 and 5.
 *
 * The machine stops for every heavy step and says which (hs_want).  EPHEMERAL, DERIVE, VERIFY
 * and SIGN are run by hs_work, which touches nothing but this struct and read-only
 * configuration, so a worker thread may call it while nobody else touches the handshake.  ISSUE
 * is answered by hs_issued.
 */

enum hs_role { HS_CLIENT, HS_SERVER };

/* The zero value is the safe one. */
enum hs_want {
    HS_WANT_NOTHING, /* failed: send what is in `out`, then close */
    HS_WANT_INPUT,
    HS_WANT_EPHEMERAL,
    HS_WANT_DERIVE,
    HS_WANT_VERIFY,
    HS_WANT_SIGN,
    HS_WANT_ISSUE,
    HS_WANT_SESSION /* done: hs_take_result */
};

/* Borrowed for the life of the handshake; read-only, so shared by all and by workers. */
struct hs_server_config {
    const struct env *env;
    enum dh_group group;
    const struct cert *ca;
    struct span ca_der;
    struct span server_der; /* the server's certificate */
    EVP_PKEY *server_key;
};

struct hs_client_config {
    const struct env *env;
    enum dh_group min_group; /* DH_FFDHE3072 unless the user said otherwise */
    const uint8_t *pin;      /* 32 bytes: SHA-256 of the CA's SPKI */
    EVP_PKEY *key;           /* the client's own */
    enum client_auth_kind kind;
    struct span certificate;     /* LOGIN: DER */
    struct name name;            /* ENROL */
    const struct invite *invite; /* ENROL; NULL without one */
    uint32_t features;
    /* Asked for the server's certificate in VERIFY; NULL: nothing is known to be revoked. */
    enum mlt_err (*is_revoked)(void *ctx, const uint8_t serial[static CERT_SERIAL],
                               bool *is_revoked);
    void *revoked_ctx;
};

struct handshake; /* opaque */

MUST_CHECK enum mlt_err hs_server_new(const struct hs_server_config *config, struct handshake **hs);
MUST_CHECK enum mlt_err hs_client_new(const struct hs_client_config *config, struct handshake **hs);
void hs_free(struct handshake **hs);

/*
 * Server, before hs_begin: ServerHello carries ca's nonce, and at the end of a LOGIN to receive the
 * result holds what ca needs to find it signed.  PROTOCOL.md 9.4.  Without it there is no entry.
 */
MUST_CHECK enum mlt_err hs_give_nonce(struct handshake *hs,
                                      const uint8_t nonce[static MAILBOX_NONCE]);

/* Server: puts ServerHello into `out`.  Call once, first.  (A client starts with INPUT.) */
MUST_CHECK enum mlt_err hs_begin(struct handshake *hs, struct buf *out);

enum hs_want hs_want(const struct handshake *hs);

/*
 * Takes at most one frame from `in`; *used says how many bytes (0: incomplete, more is needed).
 * A client that has sent ClientAuth wants INPUT until the header of the server's first record is
 * there: then *used is 0 and hs_want says SESSION; the record is left for session_open.
 * On error `out` may hold an alert to send; the handshake is over.
 */
MUST_CHECK enum mlt_err hs_input(struct handshake *hs, struct span in, size_t *used,
                                 struct buf *out);

/* Server, at HS_WANT_EPHEMERAL: a pair made earlier instead of hs_work; ownership moves. */
MUST_CHECK enum mlt_err hs_give_ephemeral(struct handshake *hs, EVP_PKEY **key);

/*
 * Runs the heavy step that hs_want named.  Thread-safe as said above; sends nothing.  May be
 * called again at once while hs_want names another heavy step; one hs_worked answers for all.
 */
void hs_work(struct handshake *hs);

/* After hs_work, on the owner's thread: its verdict, and the frame it produced into `out`. */
MUST_CHECK enum mlt_err hs_worked(struct handshake *hs, struct buf *out);

/* The alert for an error met outside (busy, timeout), sealed or plain as the state demands. */
void hs_abort(struct handshake *hs, enum alert alert, struct buf *out);

/* At HS_WANT_ISSUE and later on the server: what the client asked for; borrowed. */
const struct client_auth *hs_client_auth(const struct handshake *hs);

/* ISSUE was answered (the answer itself goes into Welcome): on to HS_WANT_SESSION. */
MUST_CHECK enum mlt_err hs_issued(struct handshake *hs);

/* 8 hex digits and NUL, from ServerHello's random: the id both sides name in errors and logs;
 * "--------" before ServerHello. */
const char *hs_id(const struct handshake *hs);

/* When the peer ended it: its alert (0: none). */
enum alert hs_peer_alert(const struct handshake *hs);

/* What a finished handshake leaves; owned by the taker. */
struct hs_result {
    struct secret send, receive; /* first traffic secrets of the session */
    struct cert peer;          /* server: the client's at LOGIN, else empty; client: the server's */
    enum mlt_err peer_verdict; /* server, LOGIN: MLT_OK, MLT_ERR_CERT_EXPIRED, _NOT_YET */
    struct cert ca;            /* client: the CA, verified to the pin */
    struct buf ca_der;         /* client */
    uint32_t features;         /* what the client named */
    /* Server, LOGIN to receive after hs_give_nonce, else empty: the bytes that the client signed
     * (ServerHello to ClientAuth's features), and its signature over them. */
    struct buf transcript, signature;
};

MUST_CHECK enum mlt_err hs_take_result(struct handshake *hs, struct hs_result *result);
void hs_result_clear(struct hs_result *result);

#endif
