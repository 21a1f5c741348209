/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_CRL_WATCH_H
#define MALOTE_CLIENT_CRL_WATCH_H

#include "client/ca_line.h"

/*
 * Keeps the home's list of revoked serials up to date: takes signed notices that follow each other,
 * fetches what is missing, and never goes back.  PROTOCOL.md 11.4
 */
struct crl_watch {
    struct ca_line *line; /* borrowed */
    uint64_t own;         /* the number that is held */
    uint64_t heard;       /* the highest that was spoken of */
    bool is_asked;        /* CRL_WANTED has no whole answer yet: no second one may go */
    uint64_t asked_own;   /* `own` and `heard` when it went */
    uint64_t asked_heard;
    bool in_notices;      /* its answer comes as notices */
    bool list_may_come;   /* none was whole since it went */
    uint64_t list_number; /* of the list that is being fetched */
    uint32_t list_total;
    struct buf list; /* its first bytes */
    uint8_t server[CERT_SERIAL];
    bool server_is_revoked; /* since this session began */
};

void crl_watch_init(struct crl_watch *w, struct ca_line *line);
void crl_watch_clear(struct crl_watch *w);

/* Logged in; `number` is Welcome's, `server` the serial of the server's certificate. */
MUST_CHECK enum mlt_err crl_watch_begin(struct crl_watch *w, uint64_t number,
                                        const uint8_t server[static CERT_SERIAL]);

/* REVOKED, and CRL. */
MUST_CHECK enum mlt_err crl_watch_notice(struct crl_watch *w, struct span body);
MUST_CHECK enum mlt_err crl_watch_piece(struct crl_watch *w, struct span body);

/* An answer is on its way that we still need. */
bool crl_watch_is_waiting(const struct crl_watch *w);

/* The session is gone; a list that was not whole is forgotten. */
void crl_watch_end(struct crl_watch *w);

#endif
