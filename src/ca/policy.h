/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_POLICY_H
#define MALOTE_CA_POLICY_H

#include "ca/invite.h"
#include "ipc/messages.h"

/*
 * Who gets a certificate: pure decisions over facts that others looked up.  The rules, first
 * match first, are in policy.c; SECURITY.md says what each mode promises.
 */

enum policy_holder {
    POLICY_NOBODY = 1, /* the name is free */
    POLICY_SAME_KEY,   /* it belongs to the key that asks */
    POLICY_OTHER_KEY,
    POLICY_WAITING, /* reissued: it waits for its owner's new key */
    POLICY_CLOSED,  /* revoked: it waits for nobody */
    POLICY_HIDDEN   /* to the key that asks, unless it was revoked without a trace: epochs.h */
};

enum policy_request {
    POLICY_REQUEST_NONE = 0, /* nothing of this name and key is waiting, and there is room */
    POLICY_REQUEST_KEPT,     /* waiting for the administrator */
    POLICY_REQUEST_REFUSED,  /* the administrator said no */
    POLICY_REQUEST_FULL      /* nothing is waiting, and there is no room */
};

struct policy_facts {
    enum enrol_mode mode;
    bool reserved; /* the name is one nobody may have */
    bool key_revoked;
    bool key_elsewhere; /* the key was certified for another name or role */
    enum policy_holder holder;
    bool expired; /* SAME_KEY: the newest certificate is no longer valid */
    bool has_invite;
    enum invite_verdict invite;
    enum policy_request request;
};

enum policy_action {
    POLICY_REFUSE = 0,
    POLICY_ISSUE,
    POLICY_RETURN, /* the certificate that exists: a lost Welcome locks nobody out */
    POLICY_QUEUE,  /* keep the request for the administrator, answer pending */
    POLICY_WAIT    /* answer pending */
};

struct policy_decision {
    enum policy_action action;
    enum refusal reason; /* when REFUSE */
};

struct policy_decision policy_enrol(const struct policy_facts *facts);

enum policy_age {
    POLICY_TOO_OLD = 0, /* expired, and its grace is over too */
    POLICY_YOUNG,       /* less than a third of its life is over */
    POLICY_DUE,
    POLICY_GRACE /* expired a short while ago */
};

struct renewal_facts {
    bool known;    /* a client's certificate of ours */
    bool proven;   /* the signature over its serial is by its key */
    bool revoked;  /* it, or its key */
    bool current;  /* its key is the name's */
    bool replaced; /* a later certificate of the same name and key exists, valid or not */
    enum policy_age age;
    bool allowed; /* the administrator lets this name be renewed now, however late */
    bool gains;   /* a new one would end later: not so where both end with the root */
    bool doubted; /* net lets its owner in for this alone: to hear that it is good serves him */
};

/* ISSUE, RETURN (the newest) or REFUSE. */
struct policy_decision policy_renew(const struct renewal_facts *facts);

/* A certificate that its owner has and the ledger has not; adopt.h. */
struct adoption_facts {
    bool ours;      /* a client's, signed by this CA, of the serial that is asked about */
    bool proven;    /* as of a renewal */
    bool in_doubt;  /* issued when the ledger may have lost something */
    bool witnessed; /* it has, and since then it was known who is revoked */
    bool revoked, current;
    bool over;  /* its grace as well, whatever the administrator allows */
    bool later; /* it ends no earlier than the newest one of its name that is known */
};

enum policy_adoption {
    POLICY_FOREIGN = 0, /* nothing was shown: nothing is said */
    POLICY_FORGED,      /* nothing was lost then: it was signed past the ledger */
    POLICY_SHUT,        /* it may have been revoked, or was */
    POLICY_OLDER,       /* the newest one that is known is the answer */
    POLICY_ADOPT
};

enum policy_adoption policy_adopt(const struct adoption_facts *facts);

/* A life of a certificate, to the second. */
struct policy_life {
    int64_t not_before_s, not_after_s;
};

enum policy_age policy_age(const struct policy_life *life, int64_t now_s);

#endif
