/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/explain.h"

#include <stdarg.h>
#include <stdio.h>

enum mlt_err explain(struct buf *why, enum mlt_err err, const char *format, ...)
{
    char text[1000];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_reset(why);
    if (n < 0 || buf_put_str(why, text) != MLT_OK)
        buf_reset(why);
    return err;
}
