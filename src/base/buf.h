/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_BUF_H
#define MALOTE_BASE_BUF_H

#include "base/attr.h"
#include "base/err.h"
#include "base/span.h"

/*
 * Owned, growing bytes.  { 0 } is an empty buf.  What a buf gives up (on growth, on clear, on
 * drop) is wiped first, so it may carry plaintext; keys belong in struct secret.
 */
struct buf {
    uint8_t *p;
    size_t len;
    size_t cap;
};

/* Releases and wipes; b is an empty buf afterwards. */
void buf_clear(struct buf *b);

/* Wipes the content and keeps the memory. */
void buf_reset(struct buf *b);

/* Room for `more` bytes beyond len.  MLT_ERR_NOMEM. */
MUST_CHECK enum mlt_err buf_reserve(struct buf *b, size_t more);

/* `s` must not lie inside b. */
MUST_CHECK enum mlt_err buf_put(struct buf *b, struct span s);
MUST_CHECK enum mlt_err buf_put_str(struct buf *b, const char *text);
MUST_CHECK enum mlt_err buf_put_u8(struct buf *b, uint8_t byte);
MUST_CHECK enum mlt_err buf_put_format(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
MUST_CHECK enum mlt_err buf_put_hex(struct buf *b, struct span s);

/* Appends n zero bytes and hands out where they stand (valid until the next change of b). */
MUST_CHECK enum mlt_err buf_extend(struct buf *b, size_t n, uint8_t **where);

/* Removes the first n bytes (n <= len). */
void buf_drop(struct buf *b, size_t n);

/* Wipes and removes what stands behind the first n bytes. */
void buf_cut(struct buf *b, size_t n);

/* The content, borrowed until the next change of b. */
struct span buf_span(const struct buf *b);

/* NUL-terminates (not counted in len) and hands the text out; borrowed like buf_span. */
MUST_CHECK enum mlt_err buf_text(struct buf *b, const char **text);

#endif
