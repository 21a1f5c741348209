/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "client/server_file.h"

/* The client's file `server`.  What is read has one text: writing it gives the same bytes. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span text = span_of(data, size);
    struct server_file file;
    CLEANUP(buf_clear) struct buf again = { 0 };
    if (server_file_parse(text, &file) != MLT_OK)
        return 0;
    if (server_file_put(&file, &again) != MLT_OK || !span_eq(buf_span(&again), text))
        abort();
    return 0;
}
