/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_HEX_H
#define MALOTE_BASE_HEX_H

#include "base/attr.h"
#include "base/err.h"
#include "base/span.h"

/* Writes 2 * bytes.n digits, lower case, and a NUL: out has room for 2 * bytes.n + 1. */
void hex_encode(struct span bytes, char *out);

/* Exactly 2 * n lower-case digits, nothing else: one text per value.  MLT_ERR_ENCODING. */
MUST_CHECK enum mlt_err hex_decode(struct span text, uint8_t *out, size_t n);

#endif
