/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The last byte of a frame, and only that, completes it; its header is the one we would write. */
static void check_frame(struct span in, const struct frame *frame)
{
    CLEANUP(buf_clear) struct buf header = { 0 };
    struct frame less;
    bool complete = true;
    if (frame->size > in.n || frame->size != FRAME_HEADER + frame->body.n)
        abort();
    if (frame_decode(span_of(in.p, frame->size - 1), &less, &complete) != MLT_OK || complete)
        abort();
    if (frame_put_header(&header, frame->type, frame->body.n) != MLT_OK)
        abort();
    if (!span_eq(buf_span(&header), frame->header))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct span left = span_of(data, n);
    struct frame frame;
    bool complete = true;
    while (left.n > 0 && frame_decode(left, &frame, &complete) == MLT_OK && complete) {
        check_frame(left, &frame);
        left = span_from(left, frame.size);
    }
    return 0;
}
