/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_LIMITS_H
#define MALOTE_BASE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* Every numeric limit, as constants.  limits.def says why each is what it is. */
enum limit {
#define X(name, value, unit, why) name = value,
#include "base/limits.def"
#undef X
};

struct limit_row {
    const char *name;
    uint64_t value;
    const char *unit;
    const char *why;
};

/* The table for --limits; static storage. */
const struct limit_row *limit_rows(size_t *count);

#endif
