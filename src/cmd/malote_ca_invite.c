/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/timefmt.h"
#include "cmd/malote_ca_link.h"
#include "cmd/say.h"

/* invite [NAME] [--count N] [--expires T] [--names FILE], and reissue NAME [--expires T]. */

struct wish {
    uint32_t count;
    bool counted;
    int64_t expires_s;
    const char *names_file;
    struct buf names; /* struct name after struct name */
};

static void wish_clear(struct wish *w)
{
    buf_clear(&w->names);
}

static bool take_count(const char *word, struct wish *w)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(word, &end, 10);
    if (errno != 0 || word[0] < '0' || word[0] > '9' || *end != '\0' || value < 1 ||
        value > LIMIT_INVITES_AT_ONCE)
        return false;
    w->count = (uint32_t)value;
    w->counted = true;
    return true;
}

/* *first is the word after the options; EXIT_USAGE is said. */
static enum exit_code take_options(struct malote_ca_options *options, int argc, char **argv,
                                   struct wish *w, int *first)
{
    static const struct option known[] = { { "count", required_argument, NULL, 'c' },
                                           { "expires", required_argument, NULL, 'e' },
                                           { "names", required_argument, NULL, 'n' },
                                           { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    bool invite = strcmp(argv[0], "invite") == 0;
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'j') {
            options->json = true;
        } else if (c == 'e') {
            if (timefmt_duration(optarg, &w->expires_s) == MLT_OK)
                continue;
            say_error(TEXT_CA_BAD_EXPIRES, optarg);
            return EXIT_USAGE;
        } else if (c == 'c' && invite && !w->counted) {
            if (take_count(optarg, w))
                continue;
            say_error(TEXT_CA_BAD_COUNT, (unsigned long long)LIMIT_INVITES_AT_ONCE, optarg);
            return EXIT_USAGE;
        } else if (c == 'n' && invite && w->names_file == NULL) {
            w->names_file = optarg;
        } else {
            return malote_ca_wrong_usage(argv[0]);
        }
    }
    *first = optind;
    return EXIT_DONE;
}

/* ---- a file of names ---- */

static enum mlt_err read_all(int fd, struct buf *out)
{
    static const size_t most = (size_t)LIMIT_INVITES_AT_ONCE * (LIMIT_NAME + 2);
    for (;;) {
        TRY(buf_reserve(out, 4096));
        ssize_t n = read(fd, out->p + out->len, out->cap - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        ENSURE(n >= 0, MLT_ERR_SYSTEM);
        if (n == 0)
            return MLT_OK;
        out->len += (size_t)n;
        ENSURE(out->len <= most, MLT_ERR_RANGE);
    }
}

static enum mlt_err read_names_file(const char *path, struct buf *out)
{
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, out);
    CLEANUP(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ENSURE(fd >= 0, MLT_ERR_SYSTEM);
    return read_all(fd, out);
}

static struct span trim(struct span line)
{
    while (line.n > 0 &&
           (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t' || line.p[line.n - 1] == '\r'))
        line.n--;
    return line;
}

static enum mlt_err put_name(struct wish *w, struct span line)
{
    struct name name;
    TRY(name_parse_user(line, &name));
    return buf_put(&w->names, span_of(&name, sizeof(name)));
}

/* Every line is looked at before the first invite is asked for. */
static enum exit_code take_names(struct wish *w)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    enum mlt_err err = read_names_file(w->names_file, &text);
    if (err != MLT_OK) {
        say_error(TEXT_CA_FILE_UNREADABLE, w->names_file,
                  err == MLT_ERR_SYSTEM ? strerror(errno) : err_text(err));
        return EXIT_LOCAL;
    }
    struct span rest = buf_span(&text);
    for (unsigned number = 1; rest.n > 0; number++) {
        const uint8_t *newline = memchr(rest.p, '\n', rest.n);
        size_t n = newline != NULL ? (size_t)(newline - rest.p) : rest.n;
        struct span line = trim(span_of(rest.p, n));
        rest = span_from(rest, n + 1);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (w->names.len >= LIMIT_INVITES_AT_ONCE * sizeof(struct name)) {
            say_error(TEXT_CA_BAD_LINE, w->names_file, number, TEXT_CA_TOO_MANY_NAMES);
            return EXIT_USAGE;
        }
        if (put_name(w, line) != MLT_OK) {
            say_error(TEXT_CA_BAD_LINE_NAME, w->names_file, number,
                      (int)(line.n < 64 ? line.n : 64), (const char *)line.p);
            return EXIT_USAGE;
        }
    }
    return EXIT_DONE;
}

/* ---- asking and showing ---- */

static enum mlt_err put_url_json(const struct admin_row *row)
{
    char expires[TIMEFMT_RFC3339];
    char id[2 * INVITE_ID + 1];
    timefmt_rfc3339(row->at_s * 1000, expires);
    hex_encode(SPAN_OF(row->invite_id), id);
    const char *name = row->name.text[0] != '\0' ? row->name.text : NULL;
    return malote_ca_put_json(json_pack("{s:s, s:s, s:s*, s:s, s:s%}", "type", "invite", "id", id,
                                        "name", name, "expires", expires, "url",
                                        (const char *)row->url.p, row->url.n));
}

static enum exit_code show_urls(const struct malote_ca_options *options, struct ca_rows *rows)
{
    struct admin_row row;
    while (ca_rows_next(rows, &row)) {
        if (row.kind != ADMIN_ROW_URL)
            continue;
        if (options->json) {
            enum exit_code code = malote_ca_put_done(put_url_json(&row));
            if (code != EXIT_DONE)
                return code;
        } else {
            printf("%.*s\n", (int)row.url.n, (const char *)row.url.p);
        }
    }
    return EXIT_DONE;
}

static enum exit_code ask_and_show(struct ca_link *link, const struct malote_ca_options *options,
                                   const struct admin_request *request)
{
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    enum exit_code code = ca_link_ask(link, request, &rows);
    /* Also beside an error: what there is stands, as after a reissue that no list has yet. */
    enum exit_code shown = show_urls(options, &rows);
    return code == EXIT_DONE ? shown : code;
}

static enum exit_code ask_for_all(const struct malote_ca_options *options, const struct wish *w,
                                  struct admin_request *request)
{
    CLEANUP(ca_link_close) struct ca_link link = CA_LINK_CLOSED;
    enum exit_code code = ca_link_open(options, &link);
    if (code == EXIT_DONE && w->names_file == NULL)
        code = ask_and_show(&link, options, request);
    enum exit_code refused = EXIT_DONE;
    for (size_t at = 0; code == EXIT_DONE && at < w->names.len; at += sizeof(struct name)) {
        memcpy(&request->name, w->names.p + at, sizeof(struct name));
        request->has_name = true;
        code = ask_and_show(&link, options, request);
        if (code != EXIT_REFUSED)
            continue;
        /* One of them has a certificate already, and was named: the others get their URLs. */
        refused = code;
        code = EXIT_DONE;
    }
    if (code == EXIT_DONE)
        code = refused;
    /* What could not be written was said already. */
    enum exit_code flushed = code == EXIT_LOCAL ? code : malote_ca_flush();
    return code != EXIT_DONE ? code : flushed;
}

enum exit_code malote_ca_invite(struct malote_ca_options *options, int argc, char **argv)
{
    CLEANUP(wish_clear) struct wish w = { .count = 1, .expires_s = LIMIT_INVITE_S };
    int first = 0;
    enum exit_code code = take_options(options, argc, argv, &w, &first);
    if (code != EXIT_DONE)
        return code;
    int words = argc - first;
    /* Three ways to say for whom, and they exclude each other. */
    if (words > 1 || (words == 1) + w.counted + (w.names_file != NULL) > 1)
        return malote_ca_wrong_usage("invite");
    struct admin_request request = {
        .verb = ADMIN_INVITE, .has_name = words == 1, .count = w.count, .expires_s = w.expires_s
    };
    if (words == 1)
        code = malote_ca_name(argv[first], false, &request.name);
    if (code == EXIT_DONE && w.names_file != NULL)
        code = take_names(&w);
    return code == EXIT_DONE ? ask_for_all(options, &w, &request) : code;
}

enum exit_code malote_ca_reissue(struct malote_ca_options *options, int argc, char **argv)
{
    CLEANUP(wish_clear) struct wish w = { .count = 1, .expires_s = LIMIT_INVITE_S };
    int first = 0;
    enum exit_code code = take_options(options, argc, argv, &w, &first);
    if (code != EXIT_DONE)
        return code;
    if (argc - first != 1)
        return malote_ca_wrong_usage("reissue");
    struct admin_request request = {
        .verb = ADMIN_REISSUE, .has_name = true, .count = 1, .expires_s = w.expires_s
    };
    code = malote_ca_name(argv[first], false, &request.name);
    return code == EXIT_DONE ? ask_for_all(options, &w, &request) : code;
}
