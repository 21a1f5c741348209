/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_REVOKE_SCENE_H
#define MALOTE_TESTS_UNIT_REVOKE_SCENE_H

#include "test_base.h"

#include <openssl/x509.h>

#include "authority.h"
#include "ca/revoke.h"

/*
 * A CA that revokes, and a second opinion on its lists: they are read with libcrypto's own CRL
 * calls and held against what an SQLite connection of the test's own finds in ledger.db.
 */

extern struct authority a;
extern unsigned lists, told; /* on_crl, on_revoked */
extern uint64_t told_before; /* of the last on_crl */

int revoke_scene_libraries(void **state);
int revoke_scene_start(void **state);
int revoke_scene_stop(void **state);
#define REVOKE_TEST(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, revoke_scene_start, revoke_scene_stop)

/* Once more after authority_restart: counts from 0. */
void revoke_scene_watch(void);

void pass(int64_t seconds);
void enrol(const char *name, unsigned key);
enum refusal refusal_of(const char *name, unsigned key);
/* How many certificates were taken back. */
size_t take_back(const char *name, enum crl_reason reason);
/* The number of the newest list after crl_keep_tend. */
uint64_t tend(void);

void change_database(const char *sql);
int64_t ask_database(const char *sql);

/* The caller frees it. */
X509_CRL *newest_list(void);
/* -1: the list has no entry of the serial. */
int reason_in(X509_CRL *crl, const void *serial, size_t n);
/* Of the name's newest certificate, in the newest list. */
int reason_of(const char *name);
/* The list has exactly the rows that are not past their time, signed now for LIMIT_CRL_S. */
void check_list(uint64_t number, int entries, bool is_of_now);

/* The notices that are kept, past a number; `all` is the caller's to clear. */
struct chain {
    uint64_t first, last;
    size_t count, serials, most;
    struct buf all; /* serials, in the order they were told */
};

struct chain notices_after(uint64_t after);
void check_notices(uint64_t after, size_t count, size_t serials);

#endif
