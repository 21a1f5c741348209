/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/limits.h"
#include "base/timefmt.h"
#include "cmd/malote_ca_link.h"
#include "cmd/malote_ca_reason.h"
#include "cmd/say.h"
#include "cmd/when.h"

/* revoke NAME [--reason R], renew NAME. */

static enum exit_code take_options(struct malote_ca_options *options, int argc, char **argv,
                                   struct admin_request *request)
{
    static const struct option known[] = { { "reason", required_argument, NULL, 'r' },
                                           { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'j') {
            options->json = true;
        } else if (c != 'r') {
            return malote_ca_wrong_usage("revoke");
        } else if (!reason_take(optarg, &request->reason)) {
            say_error(TEXT_CA_BAD_REASON, optarg);
            return EXIT_USAGE;
        }
    }
    return argc - optind == 1 ? EXIT_DONE : malote_ca_wrong_usage("revoke");
}

/* The newest certificate tells why and when: of the first time, where this was not the first.  A
 * name without one has neither serial nor reason. */
static enum mlt_err put_json(const struct admin_row *row, bool confirmed)
{
    char serial[2 * CERT_SERIAL + 1];
    char at[TIMEFMT_RFC3339];
    bool has_one = row->kind == ADMIN_ROW_CERT;
    hex_encode(SPAN_OF(row->serial), serial);
    timefmt_rfc3339(row->revoked_s * 1000, at);
    return malote_ca_put_json(json_pack(
        "{s:s, s:s, s:s*, s:s*, s:s, s:b, s:b}", "type", "revoked", "name", row->name.text,
        "serial", has_one ? serial : NULL, "reason", has_one ? reason_word(row->reason) : NULL,
        "revoked", at, "already", row->unchanged, "confirmed", confirmed));
}

static void put_line(const struct admin_row *row, enum crl_reason asked, bool live)
{
    const char *name = row->name.text;
    const char *reason = reason_word(row->reason);
    char when[WHEN_TEXT];
    when_text(row->revoked_s, when);
    if (row->kind == ADMIN_ROW_NAME)
        malote_ca_put_line(row->unchanged ? TEXT_CA_CLOSED_ALREADY : TEXT_CA_CLOSED, name, when);
    else if (row->unchanged)
        malote_ca_put_line(TEXT_CA_REVOKED_ALREADY, name, when, reason);
    else if (row->reason != asked) /* by a reissue whose key never came */
        malote_ca_put_line(TEXT_CA_REVOKED_EARLIER, name, when, reason);
    else if (live && strcmp(name, "relay") == 0)
        malote_ca_put_line(TEXT_CA_REVOKED_RELAY, name, reason);
    else
        malote_ca_put_line(live ? TEXT_CA_REVOKED : TEXT_CA_REVOKED_OFFLINE, name, reason);
}

static enum mlt_err tell_revoked(const struct malote_ca_options *options, struct ca_rows *rows,
                                 enum crl_reason asked, bool live)
{
    struct admin_row row;
    while (ca_rows_next(rows, &row)) {
        if (row.kind != ADMIN_ROW_CERT && row.kind != ADMIN_ROW_NAME)
            continue;
        if (options->json)
            return put_json(&row, live);
        put_line(&row, asked, live);
    }
    return MLT_OK;
}

enum exit_code malote_ca_revoke(struct malote_ca_options *options, int argc, char **argv)
{
    struct admin_request request = { .verb = ADMIN_REVOKE, .has_name = true };
    enum exit_code code = take_options(options, argc, argv, &request);
    if (code == EXIT_DONE) /* relay too: the server's own certificates */
        code = malote_ca_name(argv[optind], true, &request.name);
    CLEANUP(ca_link_close) struct ca_link link = CA_LINK_CLOSED;
    if (code == EXIT_DONE)
        code = ca_link_open(options, &link);
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    if (code == EXIT_DONE)
        code = ca_link_ask(&link, &request, &rows);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = tell_revoked(options, &rows, request.reason, ca_link_is_live(&link));
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}

static enum exit_code tell_renewable(const struct malote_ca_options *options,
                                     const struct name *name)
{
    unsigned days = LIMIT_RENEW_WINDOW_S / 86400;
    if (!options->json)
        malote_ca_put_line(TEXT_CA_RENEWABLE, name->text, days);
    enum mlt_err err = MLT_OK;
    if (options->json)
        err = malote_ca_put_json(json_pack("{s:s, s:s, s:i}", "type", "renewable", "name",
                                           name->text, "days", (int)days));
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}

enum exit_code malote_ca_renew(struct malote_ca_options *options, int argc, char **argv)
{
    int first = 0;
    struct admin_request request = { .verb = ADMIN_RENEW, .has_name = true };
    enum exit_code code = malote_ca_words(options, argc, argv, 1, 1, &first);
    if (code == EXIT_DONE)
        code = malote_ca_name(argv[first], false, &request.name);
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    if (code == EXIT_DONE)
        code = ca_link_ask_once(options, &request, &rows);
    return code == EXIT_DONE ? tell_renewable(options, &request.name) : code;
}
