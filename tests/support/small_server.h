/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_SMALL_SERVER_H
#define MALOTE_TESTS_SUPPORT_SMALL_SERVER_H

#include "pair.h"
#include "wire/client_auth.h"
#include "wire/envelope.h"
#include "wire/ledger_proof.h"
#include "wire/outcome.h"
#include "wire/renew.h"
#include "wire/revocation.h"
#include "wire/welcome.h"

/*
 * A server on a loopback port, one connection at a time, driven by the test in the same thread:
 * honest unless told otherwise.  What fails here ends the program; what a client does wrong shows
 * in `err`.
 */
struct small_server {
    struct hs_server_config config; /* may be changed before a client comes */
    int listener;
    uint16_t port;

    /* what it does; set before a client comes */
    struct welcome welcome; /* result 0: logged in, or issued with a certificate */
    int64_t ahead_s;        /* of the clock that certificate is of */
    struct span instead;    /* sent in place of ServerHello; then nothing more */
    bool is_mute;           /* accepts and says nothing */
    int64_t cut_after;      /* bytes of the direction to the client; -1: no cut */
    bool cuts_welcome;      /* cut_after is set to ten bytes into the Welcome */
    bool confirms;          /* answers SEND with `answer` */
    struct outcome answer;  /* without its id; delivered */

    /* the connection */
    int fd;
    struct handshake *hs;
    struct session session;
    struct buf in, out;
    int64_t sent;
    bool up, ended, client_auth_seen;
    enum mlt_err err;
    enum alert peer_alert;
    unsigned accepted;

    /* what came */
    unsigned records, pings, receipts, reads, noteds, sends, closes;
    uint8_t receipt_id[ENVELOPE_ID];
    uint8_t read_id[ENVELOPE_ID];
    struct noted noted;
    uint8_t send_id[ENVELOPE_ID];
    uint64_t send_number;
    uint16_t send_flags;
    void (*on_receipt)(void *ctx); /* NULL: nobody */
    void *ctx;

    /* What concerns the CA.  Without `ca` the server has none at hand: it is too early to renew,
     * there is no news, and everything else is busy. */
    unsigned renews, crl_wanteds, proves, leaves_wanteds;
    uint8_t renew_serial[RENEW_SERIAL];
    void (*ca)(struct small_server *s, enum record_kind kind, struct span body);
    bool is_ca_mute; /* counts, and answers nothing */
};

void small_server_start(struct small_server *s);
void small_server_stop(struct small_server *s);

/* Accepts, reads, answers, writes: as far as it goes without waiting. */
void small_server_turn(struct small_server *s);

/* Ends the connection without a word. */
void small_server_drop(struct small_server *s);

/* Seals a record now.  The session must be up. */
void small_server_put(struct small_server *s, enum record_kind kind, struct span body);

/* A message of `from`, with an id made of sixteen times `id`. */
void small_server_deliver(struct small_server *s, const char *from, uint8_t id, const char *text);

/* The same, from somebody who would like to hear that it was read. */
void small_server_deliver_asking(struct small_server *s, const char *from, uint8_t id,
                                 const char *text);

void small_server_outcome(struct small_server *s, const struct outcome *outcome);
void small_server_close(struct small_server *s, enum close_reason reason);

#endif
