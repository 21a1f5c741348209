/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_footer.h"

#include <jansson.h>
#include <stdio.h>

#include "base/env.h"
#include "base/text.h"
#include "base/timefmt.h"
#include "cmd/malote_ca_commands.h"
#include "cmd/say.h"

void footer_when(int64_t at_s, char out[static FOOTER_WHEN])
{
    char at[TIMEFMT_RFC3339];
    char relative[TIMEFMT_RELATIVE];
    timefmt_rfc3339(at_s * 1000, at);
    timefmt_relative(at_s * 1000, env_wall_ms(env_system()), relative);
    snprintf(out, FOOTER_WHEN, "%s (%s)", at, relative);
}

static json_t *json_time(int64_t at_s)
{
    char at[TIMEFMT_RFC3339];
    timefmt_rfc3339(at_s * 1000, at);
    return at_s == 0 ? json_null() : json_string(at);
}

enum mlt_err footer_put_authority(const struct admin_row *row, bool json)
{
    unsigned long long number = row->number;
    if (json)
        return malote_ca_put_json(json_pack(
            "{s:s, s:{s:I, s:o, s:o, s:I}, s:I, s:o}", "type", "authority", "crl", "number",
            (json_int_t)number, "this_update", json_time(row->at_s), "next_update",
            json_time(row->next_s), "revoked", (json_int_t)row->count, "ledger",
            (json_int_t)row->ledger_index, "root_expires", json_time(row->not_after_s)));
    char made[FOOTER_WHEN];
    char until[FOOTER_WHEN];
    footer_when(row->at_s, made);
    footer_when(row->next_s, until);
    putchar('\n');
    if (number == 0)
        printf("%s\n", TEXT_CA_FOOTER_CRL_NONE);
    else
        malote_ca_put_line(TEXT_CA_FOOTER_CRL, number, made, (unsigned long long)row->count, until);
    malote_ca_put_line(TEXT_CA_FOOTER_LEDGER, (unsigned long long)row->ledger_index);
    footer_when(row->not_after_s, until);
    malote_ca_put_line(TEXT_CA_FOOTER_ROOT, until);
    return MLT_OK;
}

/* ---- alarms ---- */

static const struct {
    enum admin_alarm alarm;
    const char *word;
    const char *text;
} alarms[] = {
    { ADMIN_ALARM_STOPPED, "stopped", TEXT_CA_ALARM_STOPPED },
    { ADMIN_ALARM_CLOCK, "clock", TEXT_CA_ALARM_CLOCK },
    { ADMIN_ALARM_CRL_AGE, "crl-age", TEXT_CA_ALARM_CRL_AGE },
    { ADMIN_ALARM_CRL_STALE, "crl-stale", TEXT_CA_ALARM_CRL_STALE },
    { ADMIN_ALARM_ROOT_ENDS, "root-ends", TEXT_CA_ALARM_ROOT_ENDS },
    { ADMIN_ALARM_UNCONFIRMED, "unconfirmed", TEXT_CA_ALARM_UNCONFIRMED },
};

static const char *word_of(enum admin_alarm alarm)
{
    for (size_t i = 0; i < COUNT_OF(alarms); i++) {
        if (alarms[i].alarm == alarm)
            return alarms[i].word;
    }
    return "other";
}

/* The CA's own words, which have the figures, or ours where it sent none. */
static enum mlt_err put_text(const struct admin_row *row, struct buf *out)
{
    if (row->text.n > 0)
        return text_put_safe(out, row->text, false);
    for (size_t i = 0; i < COUNT_OF(alarms); i++) {
        if (alarms[i].alarm == row->alarm)
            return buf_put_str(out, alarms[i].text);
    }
    return buf_put_str(out, TEXT_CA_ALARM_OTHER);
}

static enum mlt_err compose(const struct admin_row *row, struct buf *line)
{
    CLEANUP(buf_clear) struct buf what = { 0 };
    const char *text = NULL;
    char at[FOOTER_WHEN];
    char since[FOOTER_WHEN + sizeof(TEXT_CA_SINCE)] = "";
    TRY(put_text(row, &what));
    TRY(buf_text(&what, &text));
    if (row->at_s != 0) {
        footer_when(row->at_s, at);
        snprintf(since, sizeof(since), TEXT_CA_SINCE, at);
    }
    return buf_put_format(line, TEXT_CA_ALARM, text, since);
}

enum mlt_err footer_put_alarm(const struct admin_row *row, bool json)
{
    CLEANUP(buf_clear) struct buf line = { 0 };
    const char *text = NULL;
    if (json) {
        TRY(put_text(row, &line));
        TRY(buf_text(&line, &text));
        return malote_ca_put_json(json_pack("{s:s, s:s, s:o, s:s}", "type", "alarm", "alarm",
                                            word_of(row->alarm), "since", json_time(row->at_s),
                                            "text", text));
    }
    TRY(compose(row, &line));
    TRY(buf_text(&line, &text));
    printf("%s\n", text);
    return MLT_OK;
}

void footer_say_alarm(const struct admin_row *row)
{
    CLEANUP(buf_clear) struct buf line = { 0 };
    const char *text = NULL;
    if (compose(row, &line) == MLT_OK && buf_text(&line, &text) == MLT_OK)
        say_notice("%s", text);
}
