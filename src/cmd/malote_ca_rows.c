/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_rows.h"

#include <string.h>

void ca_rows_clear(struct ca_rows *rows)
{
    buf_clear(&rows->bytes);
    rows->at = 0;
}

enum mlt_err ca_rows_keep(struct ca_rows *rows, struct span encoded)
{
    uint32_t n = (uint32_t)encoded.n;
    TRY(buf_put(&rows->bytes, span_of(&n, sizeof(n))));
    return buf_put(&rows->bytes, encoded);
}

bool ca_rows_next(struct ca_rows *rows, struct admin_row *row)
{
    uint32_t n;
    if (rows->at + sizeof(n) > rows->bytes.len)
        return false;
    memcpy(&n, rows->bytes.p + rows->at, sizeof(n));
    struct span encoded = span_of(rows->bytes.p + rows->at + sizeof(n), n);
    rows->at += sizeof(n) + n;
    return admin_row_decode(encoded, row) == MLT_OK;
}
