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
    POLICY_WAITING /* reissued: it waits for its owner's new key */
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

#endif
