/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_LEDGER_AUDIT_H
#define MALOTE_CLIENT_LEDGER_AUDIT_H

#include "client/ledger_watch.h"
#include "pki/ledger_leaf.h"
#include "pki/merkle.h"

/*
 * Reads the whole ledger, leaf by leaf, against a head that was proven: the root over all of them,
 * what was certified for our own name, and whether our certificate and the server's are in it.
 * Holds one answer of the server's and the peaks of a tree, however long the ledger is.
 * PROTOCOL.md 10.4
 */

enum audit_stage {
    AUDIT_IDLE = 0,
    AUDIT_SETTLES, /* waits for a head that holds what was just issued */
    AUDIT_PROVES,
    AUDIT_READS,
};

/* A certificate as it has to stand in the ledger. */
struct audit_certificate {
    uint8_t serial[CERT_SERIAL];
    uint8_t tbs_hash[HASH_LEN];
    int64_t issued_s;
    bool is_found;
};

struct ledger_audit {
    struct ca_line *line;        /* all borrowed */
    struct ledger_watch *ledger; /* who proves */
    const struct name *name;
    const uint8_t *key_hash;
    enum audit_stage stage;
    struct audit_certificate own, server;
    struct ledger_copy head; /* that the leaves have to fit */
    struct merkle tree;
    struct buf chunk; /* leaves of the last answer */
    size_t used;      /* of it */
    bool is_asked;
    unsigned tries; /* that came to nothing */
    int64_t due_ms; /* the next */
    bool has_seen_own_key;
    struct client_audit result;
};

struct ledger_audit_config {
    struct ca_line *line;
    struct ledger_watch *ledger;
    const struct name *name;
    const uint8_t *key_hash;
};

void ledger_audit_init(struct ledger_audit *a, const struct ledger_audit_config *config);

/* In a session that is logged in, with these certificates.  MLT_ERR_STATE while one runs. */
MUST_CHECK enum mlt_err ledger_audit_begin(struct ledger_audit *a, X509 *own, X509 *server);

/* LEAVES; ledger_audit_run has to follow. */
MUST_CHECK enum mlt_err ledger_audit_leaves(struct ledger_audit *a, struct span body);

/* Goes on; tells of a few leaves at the most, and of the end.  Due again at (env_mono_ms),
 * INT64_MAX: when something comes. */
MUST_CHECK enum mlt_err ledger_audit_run(struct ledger_audit *a);
int64_t ledger_audit_due_ms(const struct ledger_audit *a);

/* The session is gone, and the audit with it. */
void ledger_audit_end(struct ledger_audit *a);

#endif
