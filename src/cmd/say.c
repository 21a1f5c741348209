/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/say.h"

static const char *program_name = "malote";

void say_start(const char *program)
{
    program_name = program;
}

static PRINTF_LIKE(2, 0) enum mlt_err compose(struct buf *line, const char *format, va_list args)
{
    char plain[2048];
    int n = vsnprintf(plain, sizeof(plain), format, args);
    ENSURE(n >= 0, MLT_ERR_SYSTEM);
    size_t used = (size_t)n < sizeof(plain) ? (size_t)n : sizeof(plain) - 1;
    TRY(buf_put_format(line, "%s: ", program_name));
    TRY(text_put_safe(line, span_of(plain, used), false));
    return buf_put_u8(line, '\n');
}

/* One write a line, so that lines of several processes do not mix. */
static PRINTF_LIKE(1, 0) void say(const char *format, va_list args)
{
    CLEANUP(buf_clear) struct buf line = { 0 };
    enum mlt_err err = compose(&line, format, args);
    if (err == MLT_OK)
        err = file_write_all(STDERR_FILENO, buf_span(&line));
    (void)err; /* nobody is left to tell */
}

void say_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void say_notice(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}
