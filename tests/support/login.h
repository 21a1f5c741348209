/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_LOGIN_H
#define MALOTE_TESTS_SUPPORT_LOGIN_H

#include "base/buf.h"
#include "crypto/hash.h"
#include "wire/client_auth.h"

#include <openssl/types.h>

/*
 * The bytes a client signs when it logs in (PROTOCOL.md 5.1), made without a server: as a net that
 * was taken over could make them up, and as a real login leaves them.
 */

struct login {
    enum client_auth_kind kind;
    struct span nonce;       /* the entry in ServerHello; empty: no entry */
    struct span certificate; /* the client's */
    struct span server;      /* any certificate; not looked at */
};

/* Which part begins where; [LOGIN_PARTS] is the end. */
enum { LOGIN_SERVER_HELLO, LOGIN_CLIENT_HELLO, LOGIN_SERVER_AUTH, LOGIN_CLIENT_AUTH, LOGIN_PARTS };
struct login_transcript {
    struct buf bytes;
    size_t at[LOGIN_PARTS + 1];
};

void login_transcript_clear(struct login_transcript *t);

/* What cannot fail here ends the program. */
void login_make(const struct login *login, struct login_transcript *t);
/* As the client does it; overwrites `signature`. */
void login_sign(EVP_PKEY *key, struct span transcript, struct buf *signature);

#endif
