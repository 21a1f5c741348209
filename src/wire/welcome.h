/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_WELCOME_H
#define MALOTE_WIRE_WELCOME_H

#include "base/buf.h"

/*
 * First record of every session, server to client.
 *
 * WELCOME: result u8, reason u8, retry_after u32 (s), vec16 certificate, vec16 ledger head,
 * crl number u64, server time u64 (ms), max body u32, silence u32 (ms), features u32
 */

enum welcome_result {
    WELCOME_ISSUED = 1,
    WELCOME_LOGGED_IN,
    WELCOME_PENDING,
    WELCOME_REFUSED,
    WELCOME_RENEW /* LOGIN: expired, or in doubt; this session may do nothing but RENEW */
};

enum refusal {
    REFUSAL_NONE = 0,
    REFUSAL_NAME_TAKEN,    /* the name belongs to another key */
    REFUSAL_NAME_RESERVED, /* or malformed */
    REFUSAL_INVITE,        /* unknown, used, expired, for another name, or a wrong proof */
    REFUSAL_INVITE_NEEDED, /* this server enrols by invite only */
    REFUSAL_BY_ADMIN,      /* the administrator refused the request */
    REFUSAL_REQUEST,       /* the certificate request is outside the profile */
    REFUSAL_EXPIRED,       /* LOGIN: the certificate has expired */
    REFUSAL_NOT_YET,       /* LOGIN: the certificate is not valid yet */
    REFUSAL_REVOKED,       /* LOGIN or ENROL: certificate or key was revoked */
    REFUSAL_BUSY,          /* try again later */
    REFUSAL_STALE,         /* LOGIN: older than a revocation list that is out of date */
    REFUSAL_NOT_DUE,       /* RENEW: too early, the certificate is young */
    REFUSAL_STOPPED        /* ENROL, RENEW: the CA issues nothing until its administrator looks */
};

struct welcome {
    enum welcome_result result;
    enum refusal reason;
    uint32_t retry_after_s;
    struct span certificate; /* DER; borrowed; empty unless ISSUED */
    struct span ledger_head; /* the newest (wire/ledger_head.h); empty while there is none */
    uint64_t crl_number;     /* of the newest CRL; 0 while there is none */
    int64_t server_time_ms;  /* for display, never for judging a certificate */
    uint32_t max_body;
    uint32_t silence_ms;
    uint32_t features;
};

MUST_CHECK enum mlt_err welcome_encode(const struct welcome *w, struct buf *out);
MUST_CHECK enum mlt_err welcome_decode(struct span src, struct welcome *w);

bool refusal_is_known(enum refusal reason);

/* For people; static storage. */
const char *refusal_text(enum refusal reason);

#endif
