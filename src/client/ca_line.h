/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_CA_LINE_H
#define MALOTE_CLIENT_CA_LINE_H

#include "client/event.h"
#include "client/store_authority.h"
#include "pki/cert.h"
#include "wire/record_kind.h"

/*
 * What those share who watch the CA (ledger_watch.h, crl_watch.h, ledger_audit.h): where they
 * remember, whom they believe, how they ask, and the clock's floor: the newest time the CA has
 * signed.  PROTOCOL.md 11.6
 */
struct ca_line {
    const struct env *env; /* all borrowed */
    struct store *store;
    const struct cert *ca;
    void *ctx;
    enum mlt_err (*send)(void *ctx, enum record_kind kind, struct span body);
    void (*tell)(void *ctx, const struct client_event *event);

    int64_t newest_s; /* as far as it was kept */
    bool is_warned;
    /* Of the last MLT_ERR_CLOCK, and of the last MLT_ERR_LEDGER. */
    int64_t signed_s, own_s;
    enum store_alarm alarm;
};

int64_t ca_line_now_s(const struct ca_line *line);

/*
 * Before a connection: the clock against what was kept, and against our own certificate's issue.
 * Behind by more than LIMIT_CLOCK_SLACK_S: MLT_ERR_CLOCK; by less, but noticeably: said once.
 */
MUST_CHECK enum mlt_err ca_line_check_clock(struct ca_line *line, const struct cert_fields *own);

/* A time the CA signed, its signature checked.  Kept; or MLT_ERR_CLOCK, and said, as above. */
MUST_CHECK enum mlt_err ca_line_signed(struct ca_line *line, int64_t signed_s);

/* MLT_ERR_LEDGER, after it was written down. */
MUST_CHECK enum mlt_err ca_line_alarm(struct ca_line *line, enum store_alarm alarm);

#endif
