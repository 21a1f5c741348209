/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/env.h"
#include "base/hex.h"
#include "base/timefmt.h"
#include "cmd/malote_ca_link.h"
#include "cmd/say.h"

/* pending, approve NAME FINGERPRINT, refuse NAME. */

static enum mlt_err put_pending(const struct admin_row *row, bool json)
{
    char fingerprint[2 * HASH_LEN + 1];
    hex_encode(SPAN_OF(row->fingerprint), fingerprint);
    if (json) {
        char asked[TIMEFMT_RFC3339];
        timefmt_rfc3339(row->at_s * 1000, asked);
        return malote_ca_put_json(json_pack("{s:s, s:s, s:s, s:s}", "type", "pending", "name",
                                            row->name.text, "fingerprint", fingerprint, "asked",
                                            asked));
    }
    char asked[TIMEFMT_RELATIVE];
    timefmt_relative(row->at_s * 1000, env_wall_ms(env_system()), asked);
    printf("%-32s  %s  %s\n", row->name.text, fingerprint, asked);
    return MLT_OK;
}

enum exit_code malote_ca_pending(struct malote_ca_options *options, int argc, char **argv)
{
    int first = 0;
    enum exit_code code = malote_ca_words(options, argc, argv, 0, 0, &first);
    if (code != EXIT_DONE)
        return code;
    const struct admin_request request = { .verb = ADMIN_PENDING };
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    code = ca_link_ask_once(options, &request, &rows);
    struct admin_row row;
    bool any = false;
    while (code == EXIT_DONE && ca_rows_next(&rows, &row)) {
        if (row.kind != ADMIN_ROW_PENDING)
            continue;
        if (!any && !options->json)
            printf("%-32s  %-64s  %s\n", "NAME", "FINGERPRINT", "ASKED");
        any = true;
        code = malote_ca_put_done(put_pending(&row, options->json));
    }
    if (code == EXIT_DONE && !any)
        say_notice(TEXT_CA_NOBODY_WAITS);
    return code == EXIT_DONE ? malote_ca_flush() : code;
}

/* As people copy it: upper case and colons are taken too. */
static enum exit_code take_fingerprint(const char *word, uint8_t out[static HASH_LEN])
{
    char digits[2 * HASH_LEN];
    size_t n = 0;
    bool fits = true;
    for (const char *c = word; *c != '\0' && fits; c++) {
        if (*c == ':')
            continue;
        fits = n < sizeof(digits);
        if (fits)
            digits[n++] = (char)tolower((unsigned char)*c);
    }
    if (fits && hex_decode(span_of(digits, n), out, HASH_LEN) == MLT_OK)
        return EXIT_DONE;
    say_error(TEXT_CA_BAD_FINGERPRINT, word);
    return EXIT_USAGE;
}

enum exit_code malote_ca_approve(struct malote_ca_options *options, int argc, char **argv)
{
    int first = 0;
    struct admin_request request = { .verb = ADMIN_APPROVE, .has_name = true };
    enum exit_code code = malote_ca_words(options, argc, argv, 2, 2, &first);
    if (code == EXIT_DONE)
        code = malote_ca_name(argv[first], false, &request.name);
    if (code == EXIT_DONE)
        code = take_fingerprint(argv[first + 1], request.fingerprint);
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    if (code == EXIT_DONE)
        code = ca_link_ask_once(options, &request, &rows);
    return code == EXIT_DONE ? malote_ca_tell_done(options, "approved", &request.name) : code;
}

enum exit_code malote_ca_refuse(struct malote_ca_options *options, int argc, char **argv)
{
    int first = 0;
    struct admin_request request = { .verb = ADMIN_REFUSE, .has_name = true };
    enum exit_code code = malote_ca_words(options, argc, argv, 1, 1, &first);
    if (code == EXIT_DONE)
        code = malote_ca_name(argv[first], true, &request.name);
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    if (code == EXIT_DONE)
        code = ca_link_ask_once(options, &request, &rows);
    return code == EXIT_DONE ? malote_ca_tell_done(options, "refused", &request.name) : code;
}
