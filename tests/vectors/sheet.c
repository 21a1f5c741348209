/* SPDX-License-Identifier: Apache-2.0 */
#include "sheet.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/hash.h"
#include "must.h"

enum { COLUMNS = 100, NAME_COLUMNS = 32, ONE_LINE = 32, PER_LINE = 48, DEEPEST = 8 };

static const char every_sheet[] =
    "Strings are bytes in lower-case hex, or texts; names are those of PROTOCOL.md.";

static struct {
    int dirfd;
    char file[64];
    struct buf json, text;
    unsigned depth;
    bool first[DEEPEST];
    size_t start[DEEPEST]; /* of the object or list, in json */
    bool fresh;            /* nothing stands yet in this case's block of text */
    unsigned sheets;
    size_t most;
} s;

static void put(struct buf *to, const char *text)
{
    must_ok(buf_put_str(to, text));
}

static void write_file(const char *name, struct buf *content)
{
    int fd = openat(s.dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(fd >= 0);
    must_ok(file_write_all(fd, buf_span(content)));
    must(close(fd) == 0);
    buf_clear(content);
}

void sheet_start(int dirfd)
{
    s.dirfd = dirfd;
    s.most = SIZE_MAX;
}

void sheet_finish(void)
{
    write_file("vectors.md", &s.text);
}

void sheet_abridge(size_t most)
{
    s.most = most;
}

/* ---- JSON ---- */

static void indent(void)
{
    for (unsigned i = 0; i < s.depth; i++)
        put(&s.json, "  ");
}

static void next_member(void)
{
    put(&s.json, s.first[s.depth] ? "\n" : ",\n");
    s.first[s.depth] = false;
    indent();
}

static void open_json(char bracket)
{
    const char text[] = { bracket, '\0' };
    put(&s.json, text);
    must(++s.depth < DEEPEST);
    s.first[s.depth] = true;
    s.start[s.depth] = s.json.len - 1;
}

static void close_json(const char *bracket)
{
    s.depth--;
    put(&s.json, "\n");
    indent();
    put(&s.json, bracket);
}

static void json_string(struct span value)
{
    put(&s.json, "\"");
    for (size_t i = 0; i < value.n; i++) {
        char c[] = { (char)value.p[i], '\0' };
        must(c[0] == '\n' || (c[0] >= ' ' && c[0] <= '~' && c[0] != '\\'));
        put(&s.json, c[0] == '"' ? "\\\"" : c[0] == '\n' ? "\\n" : c);
    }
    put(&s.json, "\"");
}

/* A name that stood in this object before would hide what it named. */
static void check_is_new(const char *name)
{
    CLEANUP(buf_clear) struct buf line = { 0 };
    must_ok(buf_put_format(&line, "\n%*s\"%s\": ", (int)(2 * s.depth), "", name));
    struct span before = span_from(buf_span(&s.json), s.start[s.depth]);
    must(memmem(before.p, before.n, line.p, line.len) == NULL);
}

static void json_name(const char *name)
{
    check_is_new(name);
    next_member();
    json_string(span_str(name));
    put(&s.json, ": ");
}

static void json_lines(const char *name, const char *text)
{
    json_name(name);
    open_json('[');
    next_member();
    json_string(span_str(every_sheet));
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        next_member();
        json_string(span_of(text, n));
        text += n + (text[n] == '\n');
    }
    close_json("]");
}

void sheet_hex_json(const char *name, struct span value)
{
    json_name(name);
    put(&s.json, "\"");
    must_ok(buf_put_hex(&s.json, value));
    put(&s.json, "\"");
}

void sheet_text_json(const char *name, struct span value)
{
    json_name(name);
    json_string(value);
}

/* ---- text ---- */

/* Words, broken at COLUMNS, from this column on. */
static void put_paragraph(size_t column, const char *text)
{
    bool first = true;
    while (*text != '\0') {
        size_t n = strcspn(text, " \n");
        if (!first && column + 1 + n > COLUMNS) {
            put(&s.text, "\n");
            column = 0;
        } else if (!first) {
            put(&s.text, " ");
            column++;
        }
        must_ok(buf_put(&s.text, span_of(text, n)));
        column += n;
        text += n + (text[n] != '\0');
        first = false;
    }
    put(&s.text, "\n");
}

static void text_name(const char *name)
{
    s.fresh = false;
    must(strlen(name) <= NAME_COLUMNS);
    must_ok(buf_put_format(&s.text, "%-*s ", NAME_COLUMNS, name));
}

static void text_lines(struct span value)
{
    for (size_t at = 0; at < value.n; at += PER_LINE) {
        size_t n = value.n - at < PER_LINE ? value.n - at : PER_LINE;
        put(&s.text, "    ");
        must_ok(buf_put_hex(&s.text, span_of(value.p + at, n)));
        put(&s.text, "\n");
    }
}

static void text_hex(const char *name, struct span value)
{
    text_name(name);
    if (value.n == 0) {
        put(&s.text, "(empty)\n");
    } else if (value.n <= ONE_LINE) {
        must_ok(buf_put_hex(&s.text, value));
        put(&s.text, "\n");
    } else if (value.n <= s.most) {
        must_ok(buf_put_format(&s.text, "(%zu bytes)\n", value.n));
        text_lines(value);
    } else {
        uint8_t hash[HASH_LEN];
        must_ok(hash_sha256(value, hash));
        must_ok(buf_put_format(&s.text, "(%zu bytes; their SHA-256:)\n", value.n));
        text_lines(SPAN_OF(hash));
    }
}

/* ---- both ---- */

void sheet_open(const char *file, const char *title, const char *about)
{
    snprintf(s.file, sizeof s.file, "%s.json", file);
    s.depth = 0;
    open_json('{');
    json_lines("about", about);
    json_name("cases");
    open_json('[');
    if (s.sheets++ > 0)
        put(&s.text, "\n");
    must_ok(buf_put_format(&s.text, "### 14.%u %s\n\n", s.sheets, title));
    must_ok(buf_put_format(&s.text, "In `tests/vectors/%s`. ", s.file));
    put_paragraph(strlen(s.file) + 21, about);
}

void sheet_close(void)
{
    close_json("]");
    close_json("}");
    put(&s.json, "\n");
    write_file(s.file, &s.json);
}

void sheet_case(const char *name, const char *comment)
{
    next_member();
    open_json('{');
    sheet_text_json("case", span_str(name));
    sheet_text_json("comment", span_str(comment));
    must_ok(buf_put_format(&s.text, "\n**%s.**", name));
    if (comment[0] != '\0')
        put(&s.text, " ");
    put_paragraph(strlen(name) + 6, comment);
    put(&s.text, "\n```\n");
    s.fresh = true;
}

void sheet_case_end(void)
{
    close_json("}");
    put(&s.text, "```\n");
}

void sheet_group(const char *name, const char *comment)
{
    json_name(name);
    open_json('{');
    must_ok(buf_put_format(&s.text, "%s-- %s --\n", s.fresh ? "" : "\n", name));
    s.fresh = false;
    if (comment != NULL) {
        sheet_text_json("comment", span_str(comment));
        put_paragraph(0, comment);
    }
}

void sheet_group_end(void)
{
    close_json("}");
}

void sheet_hex(const char *name, struct span value)
{
    sheet_hex_json(name, value);
    text_hex(name, value);
}

void sheet_hex_elsewhere(const char *name, struct span value, const char *where)
{
    sheet_hex_json(name, value);
    text_name(name);
    must_ok(buf_put_format(&s.text, "%s\n", where));
}

void sheet_int(const char *name, uint64_t value)
{
    json_name(name);
    must_ok(buf_put_format(&s.json, "%llu", (unsigned long long)value));
    text_name(name);
    must_ok(buf_put_format(&s.text, "%llu\n", (unsigned long long)value));
}

void sheet_text(const char *name, const char *value)
{
    sheet_text_json(name, span_str(value));
    text_name(name);
    must_ok(buf_put_format(&s.text, "\"%s\"\n", value));
}

void sheet_text_long(const char *name, struct span value)
{
    enum { ROOM = COLUMNS - 6 };
    sheet_text_json(name, value);
    text_name(name);
    must_ok(buf_put_format(&s.text, "(%zu characters, without the line breaks)\n", value.n));
    for (size_t at = 0; at < value.n; at += ROOM) {
        size_t n = value.n - at < ROOM ? value.n - at : ROOM;
        put(&s.text, "    \"");
        must_ok(buf_put(&s.text, span_of(value.p + at, n)));
        put(&s.text, "\"\n");
    }
}
