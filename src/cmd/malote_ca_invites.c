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

/* invites, uninvite ID. */

#define ID_TEXT (2 * INVITE_ID + 1)

/* No name looks like it. */
static const char any_name[] = "(any)";

static const char *name_of(const struct admin_row *row)
{
    return row->name.text[0] != '\0' ? row->name.text : any_name;
}

static const char *state_word(enum invite_state state)
{
    switch (state) {
    case INVITE_STATE_OPEN:
        return "open";
    case INVITE_STATE_USED:
        return "used";
    case INVITE_STATE_EXPIRED:
        return "expired";
    }
    return "unknown";
}

static enum mlt_err put_json(const struct admin_row *row)
{
    char id[ID_TEXT];
    char made[TIMEFMT_RFC3339];
    char expires[TIMEFMT_RFC3339];
    bool used = row->invite == INVITE_STATE_USED;
    hex_encode(SPAN_OF(row->invite_id), id);
    timefmt_rfc3339(row->at_s * 1000, made);
    timefmt_rfc3339(row->not_after_s * 1000, expires);
    return malote_ca_put_json(json_pack(
        "{s:s, s:s, s:s*, s:s, s:s, s:s, s:s*}", "type", "invite", "id", id, "name",
        row->name.text[0] != '\0' ? row->name.text : NULL, "made", made, "expires", expires,
        "state", state_word(row->invite), "used_by", used ? row->used_by.text : NULL));
}

static void put_line(const struct admin_row *row, int width, int64_t now_ms)
{
    char id[ID_TEXT];
    char made[TIMEFMT_RELATIVE];
    char expires[TIMEFMT_RELATIVE];
    bool used = row->invite == INVITE_STATE_USED;
    hex_encode(SPAN_OF(row->invite_id), id);
    timefmt_relative(row->at_s * 1000, now_ms, made);
    timefmt_relative(row->not_after_s * 1000, now_ms, expires);
    printf("%s  %-*s  %-15s  %-15s  %s%s%s\n", id, width, name_of(row), made, expires,
           state_word(row->invite), used ? " by " : "", used ? row->used_by.text : "");
}

/* Of the longest name; 0: there is none to be shown. */
static int width_of(const struct ca_rows *rows)
{
    struct ca_rows look = *rows; /* its own place in them */
    struct admin_row row;
    int widest = 0;
    while (ca_rows_next(&look, &row)) {
        int width = row.kind == ADMIN_ROW_INVITE ? (int)strlen(name_of(&row)) : 0;
        widest = width > widest ? width : widest;
    }
    return widest;
}

static enum mlt_err put_invites(struct ca_rows *rows, int width, bool json)
{
    int64_t now_ms = env_wall_ms(env_system());
    struct admin_row row;
    if (!json)
        printf("%-*s  %-*s  %-15s  %-15s  %s\n", ID_TEXT - 1, "ID", width, "NAME", "MADE",
               "EXPIRES", "STATE");
    while (ca_rows_next(rows, &row)) {
        if (row.kind != ADMIN_ROW_INVITE)
            continue;
        if (json)
            TRY(put_json(&row));
        else
            put_line(&row, width, now_ms);
    }
    return MLT_OK;
}

enum exit_code malote_ca_invites(struct malote_ca_options *options, int argc, char **argv)
{
    int first = 0;
    enum exit_code code = malote_ca_words(options, argc, argv, 0, 0, &first);
    const struct admin_request request = { .verb = ADMIN_INVITES };
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    if (code == EXIT_DONE)
        code = ca_link_ask_once(options, &request, &rows);
    if (code != EXIT_DONE)
        return code;
    int width = width_of(&rows);
    if (width == 0) {
        say_notice(TEXT_CA_NO_INVITES);
        return EXIT_DONE;
    }
    enum mlt_err err = put_invites(&rows, width, options->json);
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}

/* As people copy it: upper case is taken too.  What is no id may be a whole URL, a secret: it is
 * not repeated. */
static enum exit_code take_id(const char *word, uint8_t out[static INVITE_ID])
{
    char digits[2 * INVITE_ID];
    bool fits = strlen(word) == sizeof(digits);
    for (size_t i = 0; fits && i < sizeof(digits); i++)
        digits[i] = (char)tolower((unsigned char)word[i]);
    if (fits && hex_decode(SPAN_OF(digits), out, INVITE_ID) == MLT_OK)
        return EXIT_DONE;
    say_error(TEXT_CA_BAD_INVITE_ID);
    return EXIT_USAGE;
}

static enum exit_code tell_withdrawn(const struct malote_ca_options *options,
                                     const struct admin_request *request)
{
    char id[ID_TEXT];
    enum mlt_err err = MLT_OK;
    hex_encode(SPAN_OF(request->invite_id), id);
    if (options->json)
        err = malote_ca_put_json(json_pack("{s:s, s:s}", "type", "withdrawn", "id", id));
    else
        printf("%s: withdrawn\n", id);
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}

enum exit_code malote_ca_uninvite(struct malote_ca_options *options, int argc, char **argv)
{
    int first = 0;
    struct admin_request request = { .verb = ADMIN_UNINVITE };
    enum exit_code code = malote_ca_words(options, argc, argv, 1, 1, &first);
    if (code == EXIT_DONE)
        code = take_id(argv[first], request.invite_id);
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    if (code == EXIT_DONE)
        code = ca_link_ask_once(options, &request, &rows);
    return code == EXIT_DONE ? tell_withdrawn(options, &request) : code;
}
