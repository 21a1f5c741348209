/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_IPC_ADMIN_H
#define MALOTE_IPC_ADMIN_H

#include "base/buf.h"
#include "crypto/hash.h"
#include "pki/crl.h"
#include "wire/invite.h"
#include "wire/name.h"

/*
 * What malote-ca asks of the ca process over ca.sock (or of the same code, in its own process,
 * while maloted does not run): one ADMIN_REQUEST, any number of ADMIN_ROW, one ADMIN_END.  BACKUP
 * has one ADMIN_FILE in the place of rows.
 */

enum admin_verb {
    ADMIN_INVITE = 1,
    ADMIN_PENDING,
    ADMIN_APPROVE,
    ADMIN_REFUSE,
    ADMIN_LIST,
    ADMIN_SHOW,
    ADMIN_REISSUE,
    ADMIN_ERASE,
    ADMIN_REVOKE,
    ADMIN_RENEW,
    ADMIN_CRL,
    ADMIN_AUDIT,
    ADMIN_BACKUP,
    ADMIN_INVITES,
    ADMIN_UNINVITE
};

struct admin_request {
    enum admin_verb verb;
    bool has_name;
    struct name name;
    uint8_t fingerprint[HASH_LEN]; /* APPROVE */
    uint32_t count;                /* INVITE */
    int64_t expires_s;             /* INVITE, REISSUE: from now */
    enum crl_reason reason;        /* REVOKE */
    uint8_t invite_id[INVITE_ID];  /* UNINVITE */
};

/*
 * A row: one of these.  INVITE, REISSUE: URL.  PENDING: PENDING.  LIST: CERT, clients' by name,
 * NAME, then what CRL has first.  SHOW: CERT, or NAME.  REVOKE: the same, the newest.  RENEW: CERT,
 * what may be renewed now.  CRL: AUTHORITY, ALARM, then the CRL in pieces.  AUDIT: COUNT, FINDING.
 * INVITES: INVITE, the oldest first.  All others but LIST and CRL end with an ALARM too while the
 * CA signs nothing.
 */
enum admin_row_kind {
    ADMIN_ROW_URL = 1,
    ADMIN_ROW_PENDING,
    ADMIN_ROW_CERT,
    ADMIN_ROW_AUTHORITY, /* the CA itself: its root, its CRL, its ledger */
    ADMIN_ROW_ALARM,     /* what the administrator has to look at */
    ADMIN_ROW_CRL,       /* a piece of the CRL's DER, in order */
    ADMIN_ROW_COUNT,     /* how many of what was looked at */
    ADMIN_ROW_FINDING,   /* what is not as it should be */
    ADMIN_ROW_INVITE,    /* without its token, which no answer but URL has */
    ADMIN_ROW_NAME       /* a name that is taken, and of which the ledger has no certificate */
};

enum cert_state {
    CERT_STATE_VALID = 1,
    CERT_STATE_EXPIRED, /* and its grace is over: 'malote-ca renew' opens a window */
    CERT_STATE_REVOKED,
    CERT_STATE_LATE,   /* valid, but half its life is over and nobody has renewed it */
    CERT_STATE_GRACE,  /* expired, and still renewed by itself when its owner comes */
    CERT_STATE_WAITS,  /* revoked, and reissued: the name waits for its owner's new key */
    CERT_STATE_FUTURE, /* not valid yet: the clock was ahead when it was made */
    CERT_STATE_CLOSED  /* NAME: nobody has it, and reissue alone opens it */
};

enum invite_state {
    INVITE_STATE_OPEN = 1,
    INVITE_STATE_USED,
    INVITE_STATE_EXPIRED /* and never used */
};

enum admin_alarm {
    ADMIN_ALARM_STOPPED = 1, /* a head ahead of the ledger was shown: nothing is issued */
    ADMIN_ALARM_CLOCK,       /* the clock is wrong, or has jumped: nothing is signed */
    ADMIN_ALARM_CRL_AGE,     /* the CRL is past half its life */
    ADMIN_ALARM_CRL_STALE,   /* past its end: newer certificates only may log in */
    ADMIN_ALARM_ROOT_ENDS,   /* the root ends within a year */
    ADMIN_ALARM_UNCONFIRMED, /* net has not confirmed the newest CRL */
    ADMIN_ALARM_CRL_DROPS    /* the next CRL would let somebody in again: none is signed */
};

#define ADMIN_TEXT_MAX  1000
#define ADMIN_PIECE_MAX 6000

struct admin_row {
    enum admin_row_kind kind;
    struct name name;              /* "" on an invite not bound to a name */
    uint8_t fingerprint[HASH_LEN]; /* PENDING, CERT: of the public key */
    int64_t at_s;                  /* PENDING: asked; CERT: issued; URL: expires;
                                      AUTHORITY: the CRL's thisUpdate; ALARM: since, or 0;
                                      INVITE: made */
    struct span url;               /* URL */
    enum cert_role role;           /* CERT */
    enum cert_state state;         /* CERT, NAME */
    uint8_t serial[CERT_SERIAL];   /* CERT */
    int64_t not_after_s;           /* CERT; AUTHORITY: the root's; INVITE */
    uint64_t ledger_index;         /* CERT; AUTHORITY: the ledger's size */
    struct span certificate;       /* CERT, SHOW only: DER */
    int64_t seen_s;                /* CERT, NAME: last login, to the minute; 0: none is known of */
    int64_t revoked_s;             /* CERT, REVOKED and WAITS; NAME: closed, or 0 */
    enum crl_reason reason;        /* CERT, REVOKED and WAITS */
    int64_t next_s;                /* AUTHORITY: the CRL's nextUpdate */
    uint64_t number;               /* AUTHORITY: the CRL's, 0: none yet */
    uint64_t count;                /* AUTHORITY: entries in the CRL; COUNT */
    enum admin_alarm alarm;        /* ALARM */
    struct span text;              /* ALARM, COUNT, FINDING: one line */
    struct span piece;             /* CRL */
    uint8_t invite_id[INVITE_ID];  /* URL, INVITE */
    enum invite_state invite;      /* INVITE */
    struct name used_by;           /* INVITE, USED */
    bool unchanged;                /* CERT and NAME, of REVOKE: it was all so before */
};

struct admin_end {
    enum mlt_err err;
    struct span text; /* when err: one line, what failed and what to do */
};

MUST_CHECK enum mlt_err admin_request_encode(const struct admin_request *r, struct buf *out);
MUST_CHECK enum mlt_err admin_request_decode(struct span src, struct admin_request *r);
MUST_CHECK enum mlt_err admin_row_encode(const struct admin_row *r, struct buf *out);
MUST_CHECK enum mlt_err admin_row_decode(struct span src, struct admin_row *r);
MUST_CHECK enum mlt_err admin_end_encode(const struct admin_end *e, struct buf *out);
MUST_CHECK enum mlt_err admin_end_decode(struct span src, struct admin_end *e);

#endif
