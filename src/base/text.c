/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <utf8proc.h>

/* utf8proc refuses overlong forms, surrogates and values beyond U+10FFFF. */
static size_t next_char(struct span s, utf8proc_int32_t *c)
{
    utf8proc_ssize_t n = utf8proc_iterate(s.p, (utf8proc_ssize_t)s.n, c);
    return n > 0 ? (size_t)n : 0;
}

bool text_is_utf8(struct span s)
{
    while (s.n > 0) {
        utf8proc_int32_t c = 0;
        size_t n = next_char(s, &c);
        if (n == 0 || c == 0)
            return false;
        s = span_from(s, n);
    }
    return true;
}

/* Zero width joiner and non-joiner shape letters and emoji, and move nothing. */
static bool is_joiner(utf8proc_int32_t c)
{
    return c == 0x200c || c == 0x200d;
}

static bool is_harmless(utf8proc_int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC: /* controls: ESC, CSI, DEL */
    case UTF8PROC_CATEGORY_CS: /* surrogates */
    case UTF8PROC_CATEGORY_CO: /* private use */
    case UTF8PROC_CATEGORY_CN: /* unassigned */
    case UTF8PROC_CATEGORY_ZL: /* line and paragraph separators */
    case UTF8PROC_CATEGORY_ZP:
        return false;
    case UTF8PROC_CATEGORY_CF: /* bidi overrides, tags, soft hyphen, byte order mark */
        return is_joiner(c);
    default:
        return true;
    }
}

enum mlt_err text_put_safe(struct buf *out, struct span s, bool lines)
{
    while (s.n > 0) {
        utf8proc_int32_t c = 0;
        size_t n = next_char(s, &c);
        if (n == 0) {
            n = 1;
            TRY(buf_put_format(out, "\\x%02x", s.p[0]));
        } else if (lines && c == '\n') {
            TRY(buf_put_str(out, "\n  "));
        } else if ((lines && c == '\t') || is_harmless(c)) {
            TRY(buf_put(out, span_of(s.p, n)));
        } else {
            TRY(buf_put_format(out, "\\u{%x}", (unsigned)c));
        }
        s = span_from(s, n);
    }
    return MLT_OK;
}
