/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_INVITE_H
#define MALOTE_CA_INVITE_H

#include "base/env.h"
#include "db/database.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "ipc/admin.h"
#include "wire/invite.h"

/*
 * Invites: the right to enrol once.  The token lies in ledger.db sealed under a key derived from
 * the keystore's master key, with id, name and expiry bound into the seal, so that ledger.db
 * alone neither enrols anybody nor changes who may.  A used invite keeps its proof, so that the
 * same ENROL can be answered again, and loses its token.  A withdrawn one is gone.
 */

/* Derived once from the keystore's master key. */
MUST_CHECK enum mlt_err invite_derive_key(const struct secret *master, struct secret *key);

/* `name` NULL: for whoever comes.  Within the caller's transaction. */
MUST_CHECK enum mlt_err invite_make(struct database *db, const struct secret *key,
                                    const struct name *name, int64_t now_s, int64_t expires_s,
                                    struct invite *invite);

/* The zero value is the safe one. */
enum invite_verdict {
    INVITE_REFUSED = 0, /* unknown, expired, used for another, for another name, or no proof */
    INVITE_FREE,        /* for whoever comes */
    INVITE_BOUND,       /* for exactly this name */
    INVITE_REPEATED     /* used with this proof, by this name and key */
};

/* What an ENROL shows. */
struct invite_claim {
    const uint8_t *id;      /* INVITE_ID bytes */
    const uint8_t *proof;   /* INVITE_PROOF bytes */
    const uint8_t *ca_hash; /* HASH_LEN bytes, like the next */
    const uint8_t *client_hash;
    const struct name *name;
    struct span realm;
};

MUST_CHECK enum mlt_err invite_judge(struct database *db, const struct secret *key,
                                     const struct invite_claim *claim, int64_t now_s,
                                     enum invite_verdict *verdict);

/* Within the transaction that records the certificate, or before the one that exists is given out.
 * MLT_ERR_MISSING if it was used. */
MUST_CHECK enum mlt_err invite_use(struct database *db, const struct invite_claim *claim);

/* An invite as people see it: without its token. */
struct invite_row {
    uint8_t id[INVITE_ID];
    bool bound;
    struct name name; /* when bound */
    int64_t made_s, expires_s;
    enum invite_state state;
    struct name used_by; /* when used */
};

/* An error ends the walk and is returned. */
struct invite_visit {
    enum mlt_err (*on_invite)(void *ctx, const struct invite_row *row);
    void *ctx;
};

/* All that are kept, the oldest first. */
MUST_CHECK enum mlt_err invite_each(struct database *db, int64_t now_s,
                                    const struct invite_visit *visit);

/* An unused one is void from now on, durably.  MLT_ERR_MISSING; MLT_ERR_EXISTS: *used_by has used
 * it. */
MUST_CHECK enum mlt_err invite_withdraw(struct database *db, const uint8_t id[static INVITE_ID],
                                        struct name *used_by);

/* Unused invites bound to the name are void from now on. */
MUST_CHECK enum mlt_err invite_forget_bound(struct database *db, const struct name *name);

/* Every invite that was not used is void from now on. */
MUST_CHECK enum mlt_err invite_forget_unused(struct database *db);

/* Those that are open here and not in `later`, the same ledger.db of a later time: they were
 * withdrawn meanwhile, and are void from now on. */
MUST_CHECK enum mlt_err invite_forget_withdrawn(struct database *db, struct database *later,
                                                int64_t now_s, size_t *count);

/* Forgets what expired: at once if unused, after a certificate's life if used. */
MUST_CHECK enum mlt_err invite_purge(struct database *db, int64_t now_s);

/* Tokens that are not used yet, from under one key to under another. */
MUST_CHECK enum mlt_err invite_reseal(struct database *db, const struct secret *key,
                                      const struct secret *other);

#endif
