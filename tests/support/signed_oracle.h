/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_SIGNED_ORACLE_H
#define MALOTE_TESTS_SUPPORT_SIGNED_ORACLE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What a certificate of a malote CA must be, read off PROTOCOL.md 11 and written with libcrypto's
 * X.509 calls alone: a second opinion on src/pki, of which it uses nothing.
 */

struct signed_wanted {
    X509 *ca;
    const char *realm;
    const char *name; /* "relay": a server's, else a client's */
    EVP_PKEY *key;    /* NULL: any */
    int64_t now_s;    /* when it was signed; 0: not known */
};

/* NULL, or what is wrong with it. */
const char *signed_complaint(X509 *x, const struct signed_wanted *wanted);

/* -1: it is no time. */
int64_t signed_seconds(const ASN1_TIME *t);

struct signed_list {
    X509 *ca;
    uint64_t number;
};

/* The same of a revocation list; which serials are in it is the caller's to know. */
const char *signed_list_complaint(X509_CRL *crl, const struct signed_list *wanted);

#endif
