/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_TEXT_H
#define MALOTE_BASE_TEXT_H

#include "base/attr.h"
#include "base/buf.h"

/* UTF-8 text from others, on its way to a terminal. */

/* Well-formed UTF-8 (no overlong forms, no surrogates) without NUL. */
bool text_is_utf8(struct span s);

/*
 * Appends a form of `s` that a terminal shows and does not obey: controls (C0, C1, DEL), format
 * and bidi characters, unassigned and private ones and bytes that are not UTF-8 become visible
 * escapes such as \u{202e} or \x9b; a backslash stays one.  With `lines`, newline and tab pass,
 * and each line after the first starts with two spaces, so that a message cannot pose as another.
 */
MUST_CHECK enum mlt_err text_put_safe(struct buf *out, struct span s, bool lines);

#endif
