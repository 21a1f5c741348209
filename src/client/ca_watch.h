/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_CA_WATCH_H
#define MALOTE_CLIENT_CA_WATCH_H

#include "client/ledger_audit.h"
#include "client/crl_watch.h"
#include "client/identity.h"
#include "client/link.h"
#include "client/renewal.h"

/*
 * What a session has to do with the CA: its certificate's renewal, the ledger, the revoked serials,
 * the clock, an audit.  Each in its place; here what they say goes over the client's link and into
 * the client's events.  Not while enrolling.
 *
 * Driven so: ca_watch_check before a connection; ca_watch_begin at the login; ca_watch_record
 * for its records, then ca_watch_run, which also has to be called when ca_watch_due_ms has come;
 * ca_watch_end when the session is gone.  An error of any of them ends the session.
 */
struct ca_watch {
    const struct env *env;
    const struct home *home;
    struct store *store;
    struct identity *identity;
    struct link **link;
    struct event_queue *events;

    struct ca_line line;
    struct ledger_watch ledger;
    struct crl_watch crl;
    struct ledger_audit audit;
    struct renewal renewal;
    struct cert_fields session;     /* the certificate this session goes by */
    bool is_in;                     /* else: let in to renew */
    bool is_renewed;                /* since it began */
    uint8_t back_with[CERT_SERIAL]; /* the last that RENEWED brought, or said to be good */
    enum refusal refused;           /* the last renewal; NONE if it was not */
    uint32_t retry_after_s;
};

struct ca_watch_config {
    const struct env *env; /* all borrowed */
    const struct home *home;
    struct store *store;
    struct identity *identity;
    struct link **link; /* the client's, which may be NULL */
    struct event_queue *events;
};

/* `a` stays where it is until ca_watch_close. */
void ca_watch_open(struct ca_watch *a, const struct ca_watch_config *config);
/* { 0 } is closed. */
void ca_watch_close(struct ca_watch *a);

/* Before a connection: the clock (MLT_ERR_CLOCK), and what other processes have renewed. */
MUST_CHECK enum mlt_err ca_watch_check(struct ca_watch *a);

/* For hs_client_config. */
MUST_CHECK enum mlt_err ca_watch_is_revoked(void *ctx, const uint8_t serial[static CERT_SERIAL],
                                            bool *is_revoked);

/* Logged in, or let in to renew and for nothing else: MLT_ERR_NOT_DUE if there is no reason to. */
MUST_CHECK enum mlt_err ca_watch_begin(struct ca_watch *a, const struct welcome *w);

/* False: not one of ours. */
bool ca_watch_takes(enum record_kind kind);
MUST_CHECK enum mlt_err ca_watch_record(struct ca_watch *a, enum record_kind kind,
                                        struct span body);

MUST_CHECK enum mlt_err ca_watch_run(struct ca_watch *a);
int64_t ca_watch_due_ms(const struct ca_watch *a);

/* Answers are on their way that are worth a moment. */
bool ca_watch_is_waiting(const struct ca_watch *a);

/* The session is at its end for what the ledger showed, and waits only to say so. */
bool ca_watch_is_doomed(const struct ca_watch *a);

/* The server's certificate was revoked while this session lasted. */
bool ca_watch_server_is_revoked(const struct ca_watch *a);

/* In a session that is logged in.  MLT_ERR_STATE while one runs. */
MUST_CHECK enum mlt_err ca_watch_audit(struct ca_watch *a);

void ca_watch_end(struct ca_watch *a);

/* What a session ended with, which is `err` unless it was doomed: then MLT_ERR_LEDGER, written
 * down, whatever the server did before we said so. */
MUST_CHECK enum mlt_err ca_watch_verdict(struct ca_watch *a, enum mlt_err err);

/* Into an event of the end: what there is to say about MLT_ERR_CLOCK and MLT_ERR_LEDGER. */
void ca_watch_explain(const struct ca_watch *a, struct client_event *event);

#endif
