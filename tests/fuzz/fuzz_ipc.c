/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "ipc_messages.h"

/* First byte: which decoder.  What is understood must encode to the very bytes that came. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = 0;
    const struct message_row *rows = ipc_message_rows(&count);
    if (size == 0)
        return 0;
    struct span body = span_of(data + 1, size - 1);
    CLEANUP(buf_clear) struct buf again = { 0 };
    enum mlt_err err = rows[data[0] % count].recode(body, &again);
    if (err == MLT_OK && !span_eq(buf_span(&again), body))
        abort();
    if (err != MLT_OK && err_fault(err) != FAULT_PEER)
        abort();
    return 0;
}
