/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_VECTORS_GIVEN_H
#define MALOTE_TESTS_VECTORS_GIVEN_H

#include "base/env.h"
#include "ca/issue.h"
#include "ca/keystore.h"
#include "protocol/handshake.h"

/* What all vectors start from: repeatable randomness, a clock that stands, keys, certificates. */

#define GIVEN_REALM "malote.example"
#define GIVEN_USER  "maria.silva"
#define GIVEN_NEW   "joao-2"

enum given_key { KEY_CA, KEY_SERVER, KEY_CLIENT, KEY_ENROLLING, KEY_MAILBOX, KEY_COUNT };

struct given {
    struct env env;
    int dirfd; /* an empty private directory, the working directory */
    char dir[64];
    EVP_PKEY *keys[KEY_COUNT];
    struct database db;
    struct issued root, server, client, enrolled;
    struct cert ca;
};

extern const char *const given_key_names[KEY_COUNT];

/* Reads the test keys below `keys` and issues the certificates.  One a program. */
void given_start(struct given *g, const char *keys);
void given_stop(struct given *g);

/*
 * Both sources of randomness (env's and libcrypto's) start anew from this text, so that how much
 * one operation draws never shows in the next.
 */
void given_random(const char *label);

#endif
