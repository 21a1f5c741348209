/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_NAME_H
#define MALOTE_WIRE_NAME_H

#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/span.h"

/* User names and realms: ASCII, one canonical form, compared as bytes.  PROTOCOL.md 2. */

/* NUL-terminated, so that it can be printed; the unused tail is zero, so structs compare. */
struct name {
    char text[LIMIT_NAME + 1];
};

/* [a-z0-9]+([._-][a-z0-9]+)*, at most LIMIT_NAME bytes.  MLT_ERR_NAME. */
MUST_CHECK enum mlt_err name_parse(struct span text, struct name *name);

/* name_parse, and not one of the reserved names: what a person may be called. */
MUST_CHECK enum mlt_err name_parse_user(struct span text, struct name *name);

bool name_eq(const struct name *a, const struct name *b);
struct span name_span(const struct name *name);

/* RFC 1123 labels, lower case, at most LIMIT_REALM bytes, at least one label.  MLT_ERR_NAME. */
MUST_CHECK enum mlt_err realm_check(struct span text);

#endif
