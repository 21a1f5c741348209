/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_BOMBS_H
#define MALOTE_TESTS_SUPPORT_BOMBS_H

#include "base/buf.h"

/*
 * Inputs that are small to send and dear to read: nested, repeated, oversized, half encoded.  The
 * same bytes every time, so they are made where they are needed and not kept.  `make_bombs
 * DIRECTORY` writes them as files.
 */

struct bomb {
    const char *name;
    void (*put)(struct buf *out); /* appends; what fails ends the program */
};

/* Static storage. */
const struct bomb *bombs(size_t *count);

#endif
