/* SPDX-License-Identifier: Apache-2.0 */
#include "said.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void say(const char *format, ...)
{
    char line[512];
    va_list more;
    va_start(more, format);
    int n = vsnprintf(line, sizeof(line) - 1, format, more);
    va_end(more);
    if (n < 0 || (size_t)n >= sizeof(line) - 1)
        abort();
    line[n] = '\n';
    if (write(STDOUT_FILENO, line, (size_t)n + 1) != n + 1)
        abort();
}
