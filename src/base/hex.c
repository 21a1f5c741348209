/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"

static const char digits[] = "0123456789abcdef";

void hex_encode(struct span bytes, char *out)
{
    for (size_t i = 0; i < bytes.n; i++) {
        out[2 * i] = digits[bytes.p[i] >> 4];
        out[2 * i + 1] = digits[bytes.p[i] & 15];
    }
    out[2 * bytes.n] = '\0';
}

static int digit_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

enum mlt_err hex_decode(struct span text, uint8_t *out, size_t n)
{
    ENSURE(text.n == 2 * n, MLT_ERR_ENCODING);
    for (size_t i = 0; i < text.n; i++)
        ENSURE(digit_value(text.p[i]) >= 0, MLT_ERR_ENCODING);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(digit_value(text.p[2 * i]) << 4 | digit_value(text.p[2 * i + 1]));
    return MLT_OK;
}
