/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "base/limits.h"
#include "base/timefmt.h"

/* Process-wide by nature, as stderr is; set once by main. */
static const char *process_name = "malote";
static enum log_level most_said = LOG_LEVEL_INFO;

static const char *const level_names[] = { "error", "warning", "info", "debug" };

void log_start(const char *who, enum log_level most)
{
    process_name = who;
    most_said = most;
}

/* Escapes `text` into `line` from `at` on; returns the new end, one byte kept for the newline. */
static size_t put_escaped(char line[static LIMIT_LOG_LINE], size_t at, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        bool plain = *c >= 0x20 && *c < 0x7f && *c != '\\';
        size_t need = plain ? 1 : 4;
        if (at + need + 1 >= LIMIT_LOG_LINE)
            break;
        if (plain)
            line[at] = (char)*c;
        else
            snprintf(line + at, 5, "\\x%02x", *c);
        at += need;
    }
    return at;
}

static bool can_write(void)
{
    struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
    return poll(&p, 1, 0) > 0 && (p.revents & POLLOUT) != 0;
}

/*
 * One write, so that lines of several processes do not mix.  A reader of stderr who has stopped
 * (a full pipe, Ctrl-S) must not stop the relay: what would wait for him is counted instead.
 */
static void put_line(struct span line)
{
    static unsigned long lost;
    if (!can_write()) {
        lost++;
        return;
    }
    if (lost > 0) {
        char note[64];
        int n = snprintf(note, sizeof(note), "(%lu log lines were lost here)\n", lost);
        lost = write(STDERR_FILENO, note, (size_t)n) == n ? 0 : lost;
    }
    ssize_t written = write(STDERR_FILENO, line.p, line.n); /* nobody to tell if it fails */
    (void)written;
}

static PRINTF_LIKE(2, 0) void say(enum log_level level, const char *format, va_list args)
{
    if (level > most_said)
        return;
    char text[LIMIT_LOG_LINE];
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        return;
    char stamp[TIMEFMT_RFC3339];
    timefmt_rfc3339(env_wall_ms(env_system()), stamp);
    char line[LIMIT_LOG_LINE];
    int head = snprintf(line, sizeof(line), "%s %s %s: ", stamp, process_name, level_names[level]);
    if (head < 0)
        return;
    size_t n = put_escaped(line, (size_t)head, text);
    line[n++] = '\n';
    put_line(span_of(line, n));
}

#define DEFINE_LEVEL(name, level)                                                                  \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        say(level, format, args);                                                                  \
        va_end(args);                                                                              \
    }

DEFINE_LEVEL(log_error, LOG_LEVEL_ERROR)
DEFINE_LEVEL(log_warning, LOG_LEVEL_WARNING)
DEFINE_LEVEL(log_info, LOG_LEVEL_INFO)
DEFINE_LEVEL(log_debug, LOG_LEVEL_DEBUG)
