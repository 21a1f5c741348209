/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

struct err_row {
    const char *name;
    const char *text;
    enum mlt_fault fault;
};

static const struct err_row rows[] = {
#define X(name, fault, text) { #name, text, FAULT_##fault },
#include "base/err.def"
#undef X
};

static const struct err_row unknown = { "MLT_ERR_?", "unknown error", FAULT_CALLER };

static const struct err_row *row_of(enum mlt_err err)
{
    return (unsigned)err < COUNT_OF(rows) ? &rows[err] : &unknown;
}

const char *err_text(enum mlt_err err)
{
    return row_of(err)->text;
}

const char *err_name(enum mlt_err err)
{
    return row_of(err)->name;
}

enum mlt_fault err_fault(enum mlt_err err)
{
    return row_of(err)->fault;
}
