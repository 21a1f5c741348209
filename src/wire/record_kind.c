/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/record_kind.h"

#include <stddef.h>

struct record_row {
    enum record_kind kind;
    size_t min;
    size_t max;
};

static const struct record_row rows[] = {
#define X(name, kind, min, max, from) { kind, min, max },
#include "wire/records.def"
#undef X
};

static const struct record_row *row_of(unsigned kind)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].kind == kind)
            return &rows[i];
    return NULL;
}

enum mlt_err record_kind_check(unsigned kind, size_t body)
{
    const struct record_row *row = row_of(kind);
    ENSURE(row != NULL, MLT_ERR_UNEXPECTED);
    ENSURE(body >= row->min && body <= row->max, MLT_ERR_RANGE);
    return MLT_OK;
}
