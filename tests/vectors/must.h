/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_VECTORS_MUST_H
#define MALOTE_TESTS_VECTORS_MUST_H

#include <stdio.h>
#include <stdlib.h>

/* A vector that is not true is none: what fails here ends the program. */
#define must(expr)                                                                                 \
    do {                                                                                           \
        if (!(expr)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #expr);                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)
#define must_ok(expr) must((expr) == MLT_OK)

#endif
