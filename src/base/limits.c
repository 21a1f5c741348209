/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"

#include "base/attr.h"

static const struct limit_row rows[] = {
#define X(name, value, unit, why) { #name, value, unit, why },
#include "base/limits.def"
#undef X
};

const struct limit_row *limit_rows(size_t *count)
{
    *count = COUNT_OF(rows);
    return rows;
}
