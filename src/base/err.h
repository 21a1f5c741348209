/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_ERR_H
#define MALOTE_BASE_ERR_H

#include "base/attr.h"

/*
 * The one error dialect.  Every function that can fail returns enum mlt_err and hands its
 * results out through pointers, which it writes only on success.  err.def is the whole list.
 */
enum mlt_err {
#define X(name, fault, text) name,
#include "base/err.def"
#undef X
};

enum mlt_fault { FAULT_NOBODY, FAULT_PEER, FAULT_LOCAL, FAULT_CALLER };

/* What a person is told; static storage, never NULL. */
const char *err_text(enum mlt_err err);

/* The same, but for MLT_ERR_SYSTEM in errno's words: only where errno is still of that failure.
 * Valid until the next call. */
const char *err_cause(enum mlt_err err);

/* The constant's own name, for logs and tests; static storage, never NULL. */
const char *err_name(enum mlt_err err);

enum mlt_fault err_fault(enum mlt_err err);

/* Both visibly leave the function; cleanup is attached to the variables (CLEANUP). */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        enum mlt_err try_err_ = (expr);                                                            \
        if (try_err_ != MLT_OK)                                                                    \
            return try_err_;                                                                       \
    } while (0)

#define ENSURE(cond, err)                                                                          \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return (err);                                                                          \
    } while (0)

#endif
