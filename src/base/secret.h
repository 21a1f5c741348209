/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_SECRET_H
#define MALOTE_BASE_SECRET_H

#include "base/attr.h"
#include "base/err.h"
#include "base/span.h"

/*
 * Keys and passphrases: fixed size, in memory that is locked, kept out of core dumps, guarded
 * by unmapped pages (libcrypto's secure heap) and wiped on release.  There is no printer.
 * { 0 } is an empty secret.
 */
struct secret {
    uint8_t *p;
    size_t n;
};

/*
 * Once per process, before the first secret: locks the heap, forbids core dumps and ptrace.
 * `*locked` is false where the memory could not be locked (RLIMIT_MEMLOCK): say so in a notice.
 */
MUST_CHECK enum mlt_err secret_start(bool *locked);

/* The heap alone, for a library, which leaves the process as it is.  Not safe against a second
 * call at the same time; does nothing when libcrypto has a secure heap already. */
MUST_CHECK enum mlt_err secret_heap_start(bool *locked);

/* secret_start with room for ten thousand sessions, locked or not: for the process that keeps them,
 * where a heap that strangers can fill would be worse than one that may be swapped out. */
MUST_CHECK enum mlt_err secret_start_large(bool *locked);

/* n zero bytes.  MLT_ERR_NOMEM when the secure heap is full: there is no fallback. */
MUST_CHECK enum mlt_err secret_new(struct secret *s, size_t n);
MUST_CHECK enum mlt_err secret_copy(struct secret *s, struct span from);
void secret_clear(struct secret *s);

/* Moves: *from is empty afterwards; what *to held is wiped. */
void secret_move(struct secret *to, struct secret *from);

/* Constant time in the content; lengths are public. */
bool secret_eq(struct span a, struct span b);

/* For handing the bytes to crypto/ functions; borrowed. */
struct span secret_span(const struct secret *s);

#endif
