/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_ADMISSION_H
#define MALOTE_RELAY_ADMISSION_H

#include "ipc/messages.h"
#include "wire/client_auth.h"
#include "wire/renew.h"
#include "wire/welcome.h"

/*
 * Who may come in, and what Welcome tells him.  Pure decisions.  A LOGIN reaches this point only
 * after its key was proven, so the reason tells nothing to anybody but the holder.
 */

struct admission_facts {
    enum mlt_err verdict; /* the handshake's: MLT_OK, MLT_ERR_CERT_EXPIRED, MLT_ERR_CERT_NOT_YET */
    bool revoked;
    bool in_doubt; /* the CA's ledger may have lost it: ca has to see it */
    bool stale;    /* the revocation list is out of date, and the certificate older */
};

/* An expired certificate may be renewed, and one in doubt be known again, if ca says so:
 * WELCOME_RENEW. */
void admission_login(const struct admission_facts *facts, int64_t now_ms, struct welcome *w);

/* ca's answer to an ENROL; the certificate is borrowed from it. */
void admission_enrol(const struct ipc_enrolled *answer, int64_t now_ms, struct welcome *w);

/* ca cannot answer now. */
void admission_busy(int64_t now_ms, struct welcome *w);

/* The same of a RENEW. */
void admission_renew(const struct ipc_enrolled *answer, struct renewed *r);
void admission_renew_busy(struct renewed *r);

/* Does a new login of the same identity end the older one? */
bool admission_replaces(enum client_auth_kind newer, enum client_auth_kind older);

#endif
