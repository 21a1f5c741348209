/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_IDENTITY_H
#define MALOTE_CLIENT_IDENTITY_H

#include "client/key_file.h"
#include "client/store.h"
#include "client/trust.h"

/* The one identity of a home, loaded and found consistent. */
struct identity {
    struct server_file server;
    EVP_PKEY *key;
    uint8_t key_hash[HASH_LEN]; /* the fingerprint a user tells the administrator */
    struct cert ca;             /* these three once joined, else empty */
    struct cert own;
    struct buf own_der;
    enum mlt_err verdict; /* of `own` at load, or issue: MLT_OK, MLT_ERR_CERT_EXPIRED, _NOT_YET */
};

/*
 * Reads everything but the key's file, which the caller has read (and asked a passphrase for, if
 * it is protected; else NULL).  MLT_ERR_MISSING when nobody joined, MLT_ERR_PASSPHRASE,
 * MLT_ERR_PIN and the errors of trust_own when the files do not belong together.
 */
MUST_CHECK enum mlt_err identity_load(const struct home *home, const struct key_file *key_file,
                                      const struct secret *passphrase, int64_t now_s,
                                      struct identity *identity);
void identity_clear(struct identity *identity);

/*
 * A new one: writes the key (under `passphrase` unless NULL), then the file `server`, and fills
 * *identity with both.
 */
MUST_CHECK enum mlt_err identity_begin(const struct home *home, const struct server_file *server,
                                       EVP_PKEY *key, const struct secret *passphrase,
                                       struct identity *identity);

/* The key of an interrupted join (key_file as for identity_load) for what is wanted now, which
 * replaces the file `server` once the key could be opened. */
MUST_CHECK enum mlt_err identity_take_up(const struct home *home, const struct server_file *wanted,
                                         const struct key_file *key_file,
                                         const struct secret *passphrase,
                                         struct identity *identity);

/* Keeps what the CA issued: certificates first, then "joined" (the invite is forgotten).  One that
 * has ended is the one that exists, and kept: `verdict` says so, and it can be renewed. */
MUST_CHECK enum mlt_err identity_keep_issued(const struct home *home, struct identity *identity,
                                             struct span ca_der, struct span own_der,
                                             int64_t now_s);

/*
 * The certificate's successor, checked as trust_own does: in the home if it ends later than what is
 * there, and in *identity if it ends later than that.  `store`: by its lock the processes of the
 * home take turns.  MLT_ERR_CERT_NOT_YET and the errors of trust_own.
 */
MUST_CHECK enum mlt_err identity_keep_renewed(const struct home *home, struct store *store,
                                              struct identity *identity, struct span own_der,
                                              int64_t now_s);

/* What another process of the home has renewed meanwhile; *identity stays if there is nothing. */
void identity_reload(const struct home *home, struct identity *identity, int64_t now_s);

/* The server has the request and waits for its administrator. */
MUST_CHECK enum mlt_err identity_keep_pending(const struct home *home, struct identity *identity);

#endif
