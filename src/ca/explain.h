/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_EXPLAIN_H
#define MALOTE_CA_EXPLAIN_H

#include "base/buf.h"

/* Every sentence of strings.def, as constants TEXT_<NAME> that the compiler checks as formats. */
#define S(name, text) static const char TEXT_##name[] __attribute__((unused)) = text;
#include "ca/strings.def"
#undef S

/* Puts the sentence into *why, in place of what it held, and returns `err`. */
MUST_CHECK enum mlt_err explain(struct buf *why, enum mlt_err err, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
