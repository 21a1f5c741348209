/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/*
 * What others wrote, on its way to a terminal: UTF-8 without controls, bidi overrides or a line
 * that could pose as another.  Judged here by code points written down anew, not by utf8proc.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool cond)
{
    if (!cond)
        abort();
}

/* RFC 3629, from its table of byte sequences; 0 where there is no character. */
static size_t decode(struct span s, uint32_t *c)
{
    static const struct {
        uint8_t first, last, least_second, most_second;
        size_t n;
    } rows[] = {
        { 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    static const uint8_t mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (s.p[0] < rows[i].first || s.p[0] > rows[i].last || s.n < rows[i].n)
            continue;
        if (rows[i].n > 1 && (s.p[1] < rows[i].least_second || s.p[1] > rows[i].most_second))
            return 0;
        *c = s.p[0] & mask[rows[i].n];
        for (size_t k = 1; k < rows[i].n; k++) {
            if ((s.p[k] & 0xc0) != 0x80)
                return 0;
            *c = *c << 6 | (s.p[k] & 0x3f);
        }
        return rows[i].n;
    }
    return 0;
}

static bool is_utf8(struct span s)
{
    uint32_t c = 0;
    while (s.n > 0) {
        size_t n = decode(s, &c);
        if (n == 0 || c == 0)
            return false;
        s = span_from(s, n);
    }
    return true;
}

static bool steers(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c || c == 0x180e ||
           c == 0x200b || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || (c >= 0xe000 && c <= 0xf8ff) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe00ff) || c >= 0xf0000;
}

static void check(struct span out, bool lines)
{
    uint32_t c = 0;
    while (out.n > 0) {
        size_t n = decode(out, &c);
        must(n > 0);
        if (lines && c == '\n')
            must(out.n >= 3 && out.p[1] == ' ' && out.p[2] == ' ');
        else
            must((lines && c == '\t') || !steers(c));
        out = span_from(out, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct span in = span_of(data, n);
    must(text_is_utf8(in) == is_utf8(in));
    for (int lines = 0; lines < 2; lines++) {
        CLEANUP(buf_clear) struct buf out = { 0 };
        CLEANUP(buf_clear) struct buf again = { 0 };
        must(text_put_safe(&out, in, lines != 0) == MLT_OK);
        check(buf_span(&out), lines != 0);
        /* What is safe is shown as it is. */
        if (lines == 0) {
            must(text_put_safe(&again, buf_span(&out), false) == MLT_OK);
            must(span_eq(buf_span(&out), buf_span(&again)));
        }
    }
    return 0;
}
