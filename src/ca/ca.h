/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_CA_H
#define MALOTE_CA_CA_H

#include "base/log_rate.h"
#include "base/env.h"
#include "ca/alarm.h"
#include "ca/certificates.h"
#include "ca/clock.h"
#include "ca/head.h"
#include "ca/keystore.h"
#include "ca/mailbox_cache.h"
#include "ca/stopped.h"
#include "ipc/messages.h"
#include "pki/cert.h"

/*
 * The opened authority: keystore, CA key, ledger.db, in the working directory.  Used by the ca
 * process, and by malote-ca on the same files while maloted does not run.
 */

#define CA_DEFAULT_REALM "malote.internal"
#define CA_ADVERTISE     300

/* Told after the commit; any may be NULL. */
struct ca_events {
    void *ctx;
    void (*on_member)(void *ctx, const struct name *name);
    void (*on_revoked)(void *ctx, const struct certificate *certificate);
    void (*on_erased)(void *ctx, const struct name *name);
    void (*on_head)(void *ctx); /* head_newest has it */
    /* A new CRL; the notices that are new with it are those of numbers above `before`. */
    void (*on_crl)(void *ctx, uint64_t before);
};

/* When the CRL was looked after, on the monotonic clock; crl_keep.h. */
struct crl_care {
    int64_t next_ms, said_ms;
    bool failed;
    bool drops; /* the next list would let somebody in again, see crl_keep_tend */
};

/* What the net process has said; nothing of it while there is none. */
struct ca_net {
    bool is_here;
    uint64_t crl_taken; /* this number is durable there */
    int64_t seen_ms;    /* monotonic: when it last said who logged in; 0: never */
};

struct ca {
    const struct env *env;
    int dir; /* the working directory */
    enum enrol_mode mode;
    char realm[LIMIT_REALM + 1];
    char advertise[CA_ADVERTISE + 1]; /* "HOST:PORT" for join URLs; empty while unknown */
    struct database db;
    struct keystore keystore;
    EVP_PKEY *key;
    struct cert cert;
    struct buf cert_der;
    struct secret invite_key;
    struct secret boot_key; /* of this process alone: its nonces and grants */
    struct mailbox_cache mailboxes;
    struct ca_events events;
    struct log_rate log_rate;
    struct head head;
    struct stopped stopped;
    struct clock clock;
    bool accept_clock;   /* told at this start */
    int64_t cert_life_s; /* of user certificates, told at this start */
    struct ca_net net;
    struct crl_care crl_care;
    struct alarm_log alarm_log;
    bool fresh;                  /* nothing is on disk yet: ca_unlock creates */
    struct ipc_key_needed birth; /* with these, when fresh */
    unsigned ca_bits;
};

/* An empty one, to be closed by ca_close. */
struct ca ca_none(void);
void ca_close(struct ca *ca);

/*
 * Looks at the files and says which passphrase is needed (*need).  `start` NULL: an existing
 * authority with what it knows from its last start (MLT_ERR_MISSING if there is none).  On
 * failure *why is one line for people, or empty where the error says it all.
 */
MUST_CHECK enum mlt_err ca_open(struct ca *ca, const struct env *env,
                                const struct ipc_ca_start *start, struct ipc_key_needed *need,
                                struct buf *why);

/* With scrypt's output: loads and checks everything, or creates keystore, CA and ledger. */
MUST_CHECK enum mlt_err ca_unlock(struct ca *ca, const struct secret *stretched, struct buf *why);

/*
 * Whether anything may be signed at all, asked by every signer before it does: MLT_ERR_STOPPED
 * (stopped.h), MLT_ERR_CLOCK (clock.h).
 */
MUST_CHECK enum mlt_err ca_may_issue(struct ca *ca);

/* For issue_leaf; what ca_may_issue says. */
MUST_CHECK enum mlt_err ca_issuer(struct ca *ca, struct issuer *issuer);
int64_t ca_now_s(const struct ca *ca);

/*
 * Lines that strangers or net cause: so many of a class a second, then a count.  Classes: the
 * reason of a refusal, an alarm, and CA_LOG_ERRORS + an error.
 */
enum { CA_LOG_ALARM = LOG_RATE_CLASSES / 2 - 1, CA_LOG_ERRORS };
bool ca_may_log(struct ca *ca, unsigned class);

/* What the ca does by itself: heads, revocation lists, alarms, a look at its clock; for the loop:
 * how long until there is something to do, and that. */
int ca_timeout(struct ca *ca);
void ca_tick(struct ca *ca);

/* "malote://..." with an invite (or NULL) bound to a name (or NULL), appended.  MLT_ERR_MISSING
 * while no address is known. */
MUST_CHECK enum mlt_err ca_join_url(const struct ca *ca, const struct name *name,
                                    const struct invite *invite, struct buf *url);

#endif
