/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/transcript.h"

#include "base/limits.h"

enum mlt_err transcript_init(struct transcript *t)
{
    return hash_run_init(&t->run);
}

void transcript_clear(struct transcript *t)
{
    hash_run_clear(&t->run);
    t->keeps = false;
    buf_clear(&t->kept);
}

void transcript_keep(struct transcript *t)
{
    t->keeps = true;
}

void transcript_take_kept(struct transcript *t, struct buf *bytes)
{
    buf_clear(bytes);
    *bytes = t->kept;
    t->kept = (struct buf) { 0 };
    t->keeps = false;
}

enum mlt_err transcript_add(struct transcript *t, struct span s)
{
    if (t->keeps) {
        ENSURE(t->kept.len + s.n <= LIMIT_TRANSCRIPT, MLT_ERR_RANGE);
        TRY(buf_put(&t->kept, s));
    }
    return hash_run_add(&t->run, s);
}

enum mlt_err transcript_add_vec16(struct transcript *t, struct span s)
{
    ENSURE(s.n <= UINT16_MAX, MLT_ERR_RANGE);
    const uint8_t length[] = { (uint8_t)(s.n >> 8), (uint8_t)s.n };
    TRY(transcript_add(t, SPAN_OF(length)));
    return transcript_add(t, s);
}

enum mlt_err transcript_digest(const struct transcript *t, uint8_t digest[static HASH_LEN])
{
    return hash_run_peek(&t->run, digest);
}
