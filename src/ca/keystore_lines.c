/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/keystore_lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"

void keystore_lines_clear(struct keystore_lines *l)
{
    buf_clear(&l->ahead);
}

static enum mlt_err read_more(struct keystore_lines *l, bool *end)
{
    buf_drop(&l->ahead, l->used);
    l->used = 0;
    TRY(buf_reserve(&l->ahead, (size_t)4 * LIMIT_KEYSTORE_LINE));
    int64_t at = l->offset + (int64_t)l->ahead.len;
    ssize_t n = pread(l->fd, l->ahead.p + l->ahead.len, l->ahead.cap - l->ahead.len, at);
    ENSURE(n >= 0 || errno == EINTR, MLT_ERR_SYSTEM);
    if (n > 0)
        l->ahead.len += (size_t)n;
    *end = n == 0;
    return MLT_OK;
}

enum mlt_err keystore_lines_next(struct keystore_lines *l, struct span *line)
{
    for (;;) {
        struct span rest = span_from(buf_span(&l->ahead), l->used);
        const uint8_t *newline = rest.n > 0 ? memchr(rest.p, '\n', rest.n) : NULL;
        if (newline != NULL) {
            *line = span_of(rest.p, (size_t)(newline - rest.p));
            ENSURE(line->n < LIMIT_KEYSTORE_LINE, MLT_ERR_DAMAGED);
            l->used += line->n + 1;
            l->offset += (int64_t)line->n + 1;
            return MLT_OK;
        }
        ENSURE(rest.n < LIMIT_KEYSTORE_LINE, MLT_ERR_DAMAGED);
        bool end = false;
        TRY(read_more(l, &end));
        ENSURE(!end, MLT_ERR_DAMAGED);
    }
}
