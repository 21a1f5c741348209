/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <string.h>

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

const char *err_cause(enum mlt_err err)
{
    if (err != MLT_ERR_SYSTEM)
        return err_text(err);
    if (errno == ENOSPC)
        return "No space left on device; make room there";
    return strerror(errno);
}

const char *err_name(enum mlt_err err)
{
    return row_of(err)->name;
}

enum mlt_fault err_fault(enum mlt_err err)
{
    return row_of(err)->fault;
}
