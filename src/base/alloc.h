/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_ALLOC_H
#define MALOTE_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

/* The only callers of malloc and free; everything comes zeroed.  Errors: MLT_ERR_NOMEM. */
MUST_CHECK enum mlt_err alloc_bytes(size_t n, uint8_t **out);

/* struct thing *t = NULL; TRY(ALLOC_NEW(&t)); */
#define ALLOC_NEW(pointer_to_pointer)                                                              \
    alloc_array_(1, sizeof(**(pointer_to_pointer)), (void **)(pointer_to_pointer))
#define ALLOC_ARRAY(n, pointer_to_pointer)                                                         \
    alloc_array_((n), sizeof(**(pointer_to_pointer)), (void **)(pointer_to_pointer))
MUST_CHECK enum mlt_err alloc_array_(size_t count, size_t size, void **out);

/* A NUL-terminated copy. */
MUST_CHECK enum mlt_err alloc_text(const char *text, char **out);

void alloc_free(void *p);

/* For CLEANUP on a char *: frees *text. */
void alloc_free_text(char **text);

/* Overwrites in a way the compiler does not remove. */
void alloc_wipe(void *p, size_t n);
void alloc_free_wiped(void *p, size_t n);

#endif
