/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_LEDGER_WATCH_H
#define MALOTE_CLIENT_LEDGER_WATCH_H

#include "client/ca_line.h"

/*
 * Watches that the CA's ledger only ever grows: compares the head of each login with the one that
 * is held, and takes a newer one for a proof alone.  PROTOCOL.md 10.3
 *
 * An alarm is MLT_ERR_LEDGER (ca_line_alarm), and the session has to end.  One that the head of the
 * login gives comes a moment later: until then the CA is told what we hold, and nothing else may be
 * done (ledger_watch_is_doomed).
 */

struct ledger_copy {
    struct ledger_head is; /* without its signature */
    uint8_t bytes[LIMIT_LEDGER_HEAD];
    size_t n; /* 0: none */
};

struct ledger_watch {
    struct ca_line *line; /* borrowed */
    struct ledger_copy held;
    struct ledger_copy shown; /* the newest that the server has let us see */
    bool wants;               /* a proof from `held` on */
    bool is_asked;            /* PROVE has no answer yet */
    enum store_alarm finding; /* of the login's head */
    int64_t due_ms, pause_ms; /* env_mono_ms: to ask again, or of the alarm */
};

void ledger_watch_init(struct ledger_watch *w, struct ca_line *line);

/* Logged in; `head` is Welcome's, or empty. */
MUST_CHECK enum mlt_err ledger_watch_begin(struct ledger_watch *w, struct span head);

/* Let in to renew, and for nothing else: of `head`, Welcome's or empty, and the one held, the one
 * of the later epoch; size 0: there is neither.  Nothing is kept. */
MUST_CHECK enum mlt_err ledger_watch_look(struct ledger_watch *w, struct span head,
                                          struct ledger_head *newest);

/* A PROOF. */
MUST_CHECK enum mlt_err ledger_watch_proof(struct ledger_watch *w, struct span body);

/* What is due; and when that is (env_mono_ms), INT64_MAX: never. */
MUST_CHECK enum mlt_err ledger_watch_run(struct ledger_watch *w);
int64_t ledger_watch_due_ms(const struct ledger_watch *w);

/* The newest head is wanted with its proof, though none was shown. */
void ledger_watch_ask(struct ledger_watch *w);

/* An answer is on its way. */
bool ledger_watch_is_waiting(const struct ledger_watch *w);
bool ledger_watch_is_doomed(const struct ledger_watch *w);

/* The session is gone. */
void ledger_watch_end(struct ledger_watch *w);

#endif
