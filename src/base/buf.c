/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

static const size_t first_capacity = 64;

void buf_clear(struct buf *b)
{
    alloc_free_wiped(b->p, b->cap);
    *b = (struct buf) { 0 };
}

void buf_reset(struct buf *b)
{
    if (b->len > 0)
        alloc_wipe(b->p, b->len);
    b->len = 0;
}

enum mlt_err buf_reserve(struct buf *b, size_t more)
{
    if (more <= b->cap - b->len)
        return MLT_OK;
    ENSURE(more <= SIZE_MAX / 2 - b->len, MLT_ERR_NOMEM);
    size_t cap = b->cap > 0 ? b->cap : first_capacity;
    while (cap < b->len + more)
        cap *= 2;
    uint8_t *p = NULL;
    TRY(alloc_bytes(cap, &p));
    if (b->len > 0)
        memcpy(p, b->p, b->len);
    alloc_free_wiped(b->p, b->cap);
    b->p = p;
    b->cap = cap;
    return MLT_OK;
}

enum mlt_err buf_put(struct buf *b, struct span s)
{
    if (s.n == 0)
        return MLT_OK;
    TRY(buf_reserve(b, s.n));
    memcpy(b->p + b->len, s.p, s.n);
    b->len += s.n;
    return MLT_OK;
}

enum mlt_err buf_put_str(struct buf *b, const char *text)
{
    return buf_put(b, span_str(text));
}

enum mlt_err buf_put_u8(struct buf *b, uint8_t byte)
{
    return buf_put(b, span_of(&byte, 1));
}

enum mlt_err buf_put_format(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ENSURE(n >= 0, MLT_ERR_STATE);
    TRY(buf_reserve(b, (size_t)n + 1));
    va_start(args, format);
    vsnprintf((char *)b->p + b->len, (size_t)n + 1, format, args);
    va_end(args);
    b->len += (size_t)n;
    return MLT_OK;
}

enum mlt_err buf_put_hex(struct buf *b, struct span s)
{
    static const char digits[] = "0123456789abcdef";
    TRY(buf_reserve(b, 2 * s.n));
    for (size_t i = 0; i < s.n; i++) {
        b->p[b->len++] = (uint8_t)digits[s.p[i] >> 4];
        b->p[b->len++] = (uint8_t)digits[s.p[i] & 15];
    }
    return MLT_OK;
}

enum mlt_err buf_extend(struct buf *b, size_t n, uint8_t **where)
{
    TRY(buf_reserve(b, n));
    if (n > 0)
        memset(b->p + b->len, 0, n);
    /* Nothing asked of an empty buf: there is no memory to point into. */
    *where = b->p == NULL ? NULL : b->p + b->len;
    b->len += n;
    return MLT_OK;
}

void buf_drop(struct buf *b, size_t n)
{
    if (n > b->len)
        n = b->len;
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->len - n);
    alloc_wipe(b->p + b->len - n, n);
    b->len -= n;
}

void buf_cut(struct buf *b, size_t n)
{
    if (n >= b->len)
        return;
    alloc_wipe(b->p + n, b->len - n);
    b->len = n;
}

struct span buf_span(const struct buf *b)
{
    return (struct span) { b->p, b->len };
}

enum mlt_err buf_text(struct buf *b, const char **text)
{
    TRY(buf_reserve(b, 1));
    b->p[b->len] = '\0';
    *text = (const char *)b->p;
    return MLT_OK;
}
