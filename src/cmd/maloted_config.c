/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/maloted_config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"

/*
 * What inih would take differently from how a person reads it is refused before inih sees it:
 * lines it would cut, lines it would join to the one before, bytes that end or hide text.
 */
static enum mlt_err check_line(struct span line, const char **wrong)
{
    *wrong = "is longer than 198 bytes";
    ENSURE(line.n <= LIMIT_CONFIG_LINE, MLT_ERR_USAGE);
    *wrong = "starts with white space";
    ENSURE(line.n == 0 || (line.p[0] != ' ' && line.p[0] != '\t'), MLT_ERR_USAGE);
    *wrong = "has a section; there are none";
    ENSURE(line.n == 0 || line.p[0] != '[', MLT_ERR_USAGE);
    *wrong = "has a byte that is not printable ASCII";
    bool comment = line.n > 0 && (line.p[0] == '#' || line.p[0] == ';');
    for (size_t i = 0; i < line.n; i++) {
        bool plain = (line.p[i] >= 0x20 && line.p[i] < 0x7f) || line.p[i] == '\t';
        ENSURE(plain || (comment && line.p[i] >= 0x80), MLT_ERR_USAGE);
    }
    *wrong = "has a ';' after white space: comments stand on lines of their own";
    for (size_t i = 1; i < line.n && !comment; i++)
        ENSURE(line.p[i] != ';' || (line.p[i - 1] != ' ' && line.p[i - 1] != '\t'), MLT_ERR_USAGE);
    return MLT_OK;
}

static enum mlt_err check_lines(struct span text, struct buf *why)
{
    for (unsigned number = 1; text.n > 0; number++) {
        size_t n = 0;
        while (n < text.n && text.p[n] != '\n')
            n++;
        const char *wrong = NULL;
        if (check_line(span_of(text.p, n), &wrong) != MLT_OK) {
            TRY(buf_put_format(why, "line %u %s", number, wrong));
            return MLT_ERR_USAGE;
        }
        text = span_from(text, n + 1);
    }
    return MLT_OK;
}

struct reading {
    struct maloted_options *o;
    struct buf *why;
    enum mlt_err err;
};

static enum mlt_err take_line(struct reading *reading, const char *section, const char *name,
                              const char *value)
{
    enum maloted_key key = maloted_key_find(name);
    if (section[0] != '\0' || key == KEY_COUNT) {
        TRY(buf_put_format(reading->why, "there is no key '%s'", name));
        return MLT_ERR_USAGE;
    }
    return maloted_options_set(reading->o, key, value, reading->why);
}

/* inih: nonzero goes on, and it goes on after zero too: the first error is kept. */
static int on_line(void *ctx, const char *section, const char *name, const char *value)
{
    struct reading *reading = ctx;
    if (reading->err == MLT_OK)
        reading->err = take_line(reading, section, name, value);
    return reading->err == MLT_OK;
}

static enum mlt_err parse_lines(const char *text, struct maloted_options *o, struct buf *why)
{
    CLEANUP(buf_clear) struct buf cause = { 0 };
    struct reading reading = { .o = o, .why = &cause };
    int line = ini_parse_string(text, on_line, &reading);
    if (line == 0 && reading.err == MLT_OK)
        return MLT_OK;
    ENSURE(line >= 0 && reading.err != MLT_ERR_NOMEM, MLT_ERR_NOMEM);
    const char *said = "it is not of the form key = value";
    if (reading.err != MLT_OK)
        TRY(buf_text(&cause, &said));
    TRY(buf_put_format(why, "line %d: %s", line, said));
    return MLT_ERR_USAGE;
}

enum mlt_err maloted_config_parse(struct span text, struct maloted_options *o, struct buf *why)
{
    TRY(check_lines(text, why));
    CLEANUP(buf_clear) struct buf copy = { 0 };
    TRY(buf_put(&copy, text));
    const char *terminated = NULL;
    TRY(buf_text(&copy, &terminated));
    CLEANUP(maloted_options_clear) struct maloted_options got;
    maloted_options_init(&got);
    TRY(parse_lines(terminated, &got, why));
    maloted_options_complete(o, &got);
    return MLT_OK;
}

static enum mlt_err read_all(int fd, struct buf *text)
{
    for (;;) {
        TRY(buf_reserve(text, 4096));
        ssize_t n = read(fd, text->p + text->len, 4096);
        ENSURE(n >= 0, MLT_ERR_SYSTEM);
        if (n == 0)
            return MLT_OK;
        text->len += (size_t)n;
        ENSURE(text->len <= MALOTED_CONFIG_MAX, MLT_ERR_RANGE);
    }
}

enum mlt_err maloted_config_read(const char *path, struct maloted_options *o, struct buf *why)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    CLEANUP(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum mlt_err err = fd >= 0 ? read_all(fd, &text) : MLT_ERR_SYSTEM;
    if (err != MLT_OK) {
        TRY(buf_put_str(why, err == MLT_ERR_SYSTEM ? strerror(errno) : err_text(err)));
        return err;
    }
    return maloted_config_parse(buf_span(&text), o, why);
}
