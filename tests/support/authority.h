/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_AUTHORITY_H
#define MALOTE_TESTS_SUPPORT_AUTHORITY_H

#include "ca/ca.h"

/*
 * A CA in a directory of its own (which becomes the working directory), with a cheap passphrase
 * and a clock that the test sets.  Anything that fails here ends the program.
 */

#define AUTHORITY_NOW_S 1795361897
#define AUTHORITY_KEYS  6

struct authority {
    char dir[64];
    int64_t now_ms;    /* the wall clock; time passes on the monotonic one as well */
    int64_t jumped_ms; /* how far the wall clock alone was set */
    int64_t ahead_ms;  /* how far its monotonic clock alone has been turned on */
    bool accept_clock; /* at the next opening */
    struct env env;
    enum enrol_mode mode;
    struct ca ca;
};

/* secret_start, crypto_start, and no log but errors. */
void authority_libraries(void);

/* A fresh directory, entered. */
void authority_enter(struct authority *a);
/* A CA made in it. */
void authority_start(struct authority *a, enum enrol_mode mode);
/* Closes, and takes the directory away. */
void authority_stop(struct authority *a);

/* Opens the files that are there. */
enum mlt_err authority_open(struct authority *a, const char *realm, const char *passphrase,
                            struct buf *why);
/* Closes and opens again. */
void authority_restart(struct authority *a);

/* scrypt of "passphrase" over what was asked. */
void authority_stretch(const struct ipc_key_needed *need, const char *passphrase,
                       struct secret *stretched);

/* The i-th RSA-2048 pair of the program; made once, borrowed. */
EVP_PKEY *authority_key(unsigned i);
void authority_fingerprint(EVP_PKEY *key, uint8_t out[static HASH_LEN]);

struct name authority_name(const char *text);

/* An ENROL; `request` holds what it borrows.  The invite may be NULL. */
struct ipc_enrol authority_ask(const struct cert *ca, const char *name, EVP_PKEY *key,
                               const struct invite *invite, struct buf *request);

/* Asks, and hands out the answer; `certificate` is overwritten. */
struct ipc_enrolled authority_enrol(struct authority *a, const char *name, EVP_PKEY *key,
                                    const struct invite *invite, struct buf *certificate);

/* Signed by the CA's key, and not in this ledger: lost, or signed past it. */
struct authority_lost {
    const char *name;
    EVP_PKEY *key;
    uint8_t serial; /* its last byte */
    int64_t issued_s, not_after_s;
};

void authority_sign_lost(struct authority *a, const struct authority_lost *lost, struct buf *der);
/* A RENEW of it, by `by`; `signature` holds what it borrows, and is overwritten. */
struct ipc_renew authority_renew_lost(struct authority *a, struct span der, EVP_PKEY *by,
                                      struct buf *signature);

/* Until every member has a mailbox pair. */
void authority_fill_mailboxes(struct authority *a);

/* An invite bound to a name, or (NULL) to none. */
struct invite authority_invite(struct authority *a, const char *name);

#endif
