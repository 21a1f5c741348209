/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* First byte: which message.  What decodes must encode to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    size_t count = 0;
    const struct message_row *rows = message_rows(&count);
    CLEANUP(buf_clear) struct buf again = { 0 };
    if (n < 1)
        return 0;
    struct span src = span_of(data + 1, n - 1);
    if (rows[data[0] % count].recode(src, &again) == MLT_OK && !span_eq(src, buf_span(&again)))
        abort();
    return 0;
}
