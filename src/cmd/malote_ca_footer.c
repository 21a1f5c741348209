/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_footer.h"

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "cmd/malote_ca_commands.h"
#include "cmd/say.h"
#include "cmd/when.h"

enum mlt_err footer_put_authority(const struct admin_row *row, bool json)
{
    unsigned long long number = row->number;
    if (json)
        return malote_ca_put_json(json_pack(
            "{s:s, s:{s:I, s:o?, s:o?, s:I}, s:I, s:o?}", "type", "authority", "crl", "number",
            (json_int_t)number, "this_update", when_json(row->at_s), "next_update",
            when_json(row->next_s), "revoked", (json_int_t)row->count, "ledger",
            (json_int_t)row->ledger_index, "root_expires", when_json(row->not_after_s)));
    char made[WHEN_TEXT];
    char until[WHEN_TEXT];
    when_text(row->at_s, made);
    when_text(row->next_s, until);
    putchar('\n');
    if (number == 0)
        printf("%s\n", TEXT_CA_FOOTER_CRL_NONE);
    else
        malote_ca_put_line(TEXT_CA_FOOTER_CRL, number, made, (unsigned long long)row->count, until);
    malote_ca_put_line(TEXT_CA_FOOTER_LEDGER, (unsigned long long)row->ledger_index);
    when_text(row->not_after_s, until);
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
    { ADMIN_ALARM_CRL_DROPS, "crl-drops", TEXT_CA_ALARM_CRL_DROPS },
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
    char at[WHEN_TEXT];
    char since[WHEN_TEXT + sizeof(TEXT_CA_SINCE)] = "";
    TRY(put_text(row, &what));
    TRY(buf_text(&what, &text));
    if (row->at_s != 0) {
        when_text(row->at_s, at);
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
        return malote_ca_put_json(json_pack("{s:s, s:s, s:o?, s:s}", "type", "alarm", "alarm",
                                            word_of(row->alarm), "since", when_json(row->at_s),
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
