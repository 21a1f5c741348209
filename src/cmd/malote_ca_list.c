/* SPDX-License-Identifier: Apache-2.0 */
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/timefmt.h"
#include "cmd/malote_ca_certificate.h"
#include "cmd/malote_ca_footer.h"
#include "cmd/malote_ca_link.h"
#include "cmd/say.h"

/* list [--state S] [--sort name|expiry|seen] [PATTERN] [--json] */

enum order { ORDER_NAME = 0, ORDER_EXPIRY, ORDER_SEEN };

struct listing {
    const char *pattern; /* NULL: all */
    bool has_state;
    enum cert_state state;
    enum order order;
    struct buf
        certificates; /* struct admin_row after struct admin_row, borrowing from the answer */
    int width;        /* of the longest name */
    unsigned long long late, future;
};

static void clear_listing(struct listing *l)
{
    buf_clear(&l->certificates);
}

static enum exit_code take_sort(const char *word, enum order *order)
{
    static const char *const words[] = {
        [ORDER_NAME] = "name", [ORDER_EXPIRY] = "expiry", [ORDER_SEEN] = "seen"
    };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(words[i], word) == 0) {
            *order = (enum order)i;
            return EXIT_DONE;
        }
    }
    say_error(TEXT_CA_BAD_SORT, word);
    return EXIT_USAGE;
}

static enum exit_code take_state(const char *word, struct listing *l)
{
    l->has_state = certificate_take_state(word, &l->state);
    if (l->has_state)
        return EXIT_DONE;
    say_error(TEXT_CA_BAD_STATE, word);
    return EXIT_USAGE;
}

static enum exit_code take_words(struct malote_ca_options *options, int argc, char **argv,
                                 struct listing *l)
{
    static const struct option known[] = { { "state", required_argument, NULL, 's' },
                                           { "sort", required_argument, NULL, 'o' },
                                           { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        enum exit_code code = EXIT_DONE;
        if (c == 'j')
            options->json = true;
        else if (c == 's')
            code = take_state(optarg, l);
        else if (c == 'o')
            code = take_sort(optarg, &l->order);
        else
            code = malote_ca_wrong_usage(argv[0]);
        if (code != EXIT_DONE)
            return code;
    }
    if (argc - optind > 1)
        return malote_ca_wrong_usage(argv[0]);
    l->pattern = argv[optind];
    if (l->pattern == NULL || strlen(l->pattern) <= 2 * LIMIT_NAME)
        return EXIT_DONE;
    say_error(TEXT_CA_BAD_PATTERN, l->pattern);
    return EXIT_USAGE;
}

/* ---- which, and in which order ---- */

static bool is_somebody(const struct admin_row *row)
{
    return row->kind == ADMIN_ROW_CERT || row->kind == ADMIN_ROW_NAME;
}

static bool is_wanted(const struct listing *l, const struct admin_row *row)
{
    return is_somebody(row) && (!l->has_state || row->state == l->state) &&
           (l->pattern == NULL || fnmatch(l->pattern, row->name.text, 0) == 0);
}

static enum mlt_err gather(struct ca_rows *rows, struct listing *l)
{
    struct admin_row row;
    while (ca_rows_next(rows, &row)) {
        if (row.kind == ADMIN_ROW_CERT && row.state == CERT_STATE_LATE)
            l->late++;
        if (row.kind == ADMIN_ROW_CERT && row.state == CERT_STATE_FUTURE)
            l->future++;
        if (!is_wanted(l, &row))
            continue;
        int width = (int)strlen(row.name.text);
        l->width = width > l->width ? width : l->width;
        TRY(buf_put(&l->certificates, span_of(&row, sizeof(row))));
    }
    return MLT_OK;
}

static int by_name(const struct admin_row *a, const struct admin_row *b)
{
    int order = strcmp(a->name.text, b->name.text);
    return order != 0 ? order
                      : (a->ledger_index > b->ledger_index) - (a->ledger_index < b->ledger_index);
}

static int compare_names(const void *a, const void *b)
{
    return by_name(a, b);
}

/* What never began does not end. */
static int64_t end_of(const struct admin_row *row)
{
    return row->kind == ADMIN_ROW_NAME ? INT64_MAX : row->not_after_s;
}

static int compare_expiry(const void *a, const void *b)
{
    const struct admin_row *one = a;
    const struct admin_row *two = b;
    int order = (end_of(one) > end_of(two)) - (end_of(one) < end_of(two));
    return order != 0 ? order : by_name(one, two);
}

/* Who was never seen first, then who has been away for longest. */
static int compare_seen(const void *a, const void *b)
{
    const struct admin_row *one = a;
    const struct admin_row *two = b;
    int order = (one->seen_s > two->seen_s) - (one->seen_s < two->seen_s);
    return order != 0 ? order : by_name(one, two);
}

static void sort(struct listing *l)
{
    static int (*const orders[])(const void *, const void *) = {
        [ORDER_NAME] = compare_names, [ORDER_EXPIRY] = compare_expiry, [ORDER_SEEN] = compare_seen
    };
    size_t count = l->certificates.len / sizeof(struct admin_row);
    if (count > 1)
        qsort(l->certificates.p, count, sizeof(struct admin_row), orders[l->order]);
}

/* ---- showing ---- */

static void put_line(const struct listing *l, const struct admin_row *row, int64_t now_ms)
{
    char serial[2 * CERT_SERIAL + 1] = "-";
    char expires[TIMEFMT_RELATIVE] = "-";
    char seen[TIMEFMT_RELATIVE];
    if (row->kind == ADMIN_ROW_CERT) {
        hex_encode(SPAN_OF(row->serial), serial);
        timefmt_relative(row->not_after_s * 1000, now_ms, expires);
    }
    if (row->seen_s == 0)
        snprintf(seen, sizeof(seen), "%s", TEXT_CA_NEVER_SEEN);
    else
        timefmt_relative(row->seen_s * 1000, now_ms, seen);
    printf("%-*s  %-32s  %-15s  %-15s  %s\n", l->width, row->name.text, serial, expires, seen,
           certificate_state_text(row->state));
}

static enum mlt_err put_certificates(const struct listing *l, bool json)
{
    int64_t now_ms = env_wall_ms(env_system());
    if (!json)
        printf("%-*s  %-32s  %-15s  %-15s  %s\n", l->width, "NAME", "SERIAL", "EXPIRES", "SEEN",
               "STATE");
    for (size_t at = 0; at < l->certificates.len; at += sizeof(struct admin_row)) {
        struct admin_row row;
        memcpy(&row, l->certificates.p + at, sizeof(row));
        if (!json)
            put_line(l, &row, now_ms);
        else if (row.kind == ADMIN_ROW_CERT)
            TRY(certificate_put_json(&row));
        else
            TRY(certificate_put_name_json(&row));
    }
    return MLT_OK;
}

/* The state of the CA, whatever was filtered away before it. */
static enum mlt_err put_footer(struct ca_rows *rows, const struct listing *l, bool json)
{
    struct admin_row row;
    rows->at = 0;
    while (ca_rows_next(rows, &row)) {
        if (row.kind == ADMIN_ROW_AUTHORITY)
            TRY(footer_put_authority(&row, json));
        else if (row.kind == ADMIN_ROW_ALARM)
            TRY(footer_put_alarm(&row, json));
    }
    if (l->late > 0 && !json)
        malote_ca_put_line(TEXT_CA_FOOTER_LATE, l->late);
    if (l->future > 0 && !json)
        malote_ca_put_line(TEXT_CA_FOOTER_FUTURE, l->future);
    return MLT_OK;
}

enum exit_code malote_ca_list(struct malote_ca_options *options, int argc, char **argv)
{
    CLEANUP(clear_listing) struct listing l = { .width = 4 };
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    const struct admin_request request = { .verb = ADMIN_LIST };
    enum exit_code code = take_words(options, argc, argv, &l);
    if (code == EXIT_DONE)
        code = ca_link_ask_once(options, &request, &rows);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = gather(&rows, &l);
    sort(&l);
    if (err == MLT_OK)
        err = put_certificates(&l, options->json);
    if (err == MLT_OK)
        err = put_footer(&rows, &l, options->json);
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}
