/* SPDX-License-Identifier: Apache-2.0 */
#include "client/ca_line.h"

/* So much finer than LIMIT_CLOCK_SLACK_S that nothing is lost if the rest is not written. */
enum { KEPT_TO_S = 60 };

int64_t ca_line_now_s(const struct ca_line *line)
{
    return env_wall_ms(line->env) / 1000;
}

/* Clocks differ by LIMIT_BACKDATE_S without anybody's fault. */
static enum mlt_err compare(struct ca_line *line, int64_t signed_s)
{
    int64_t now_s = ca_line_now_s(line);
    if (now_s >= signed_s - LIMIT_BACKDATE_S)
        return MLT_OK;
    line->signed_s = signed_s;
    line->own_s = now_s;
    ENSURE(now_s >= signed_s - LIMIT_CLOCK_SLACK_S, MLT_ERR_CLOCK);
    if (!line->is_warned)
        line->tell(line->ctx, &(struct client_event) { .kind = CLIENT_EVENT_CLOCK,
                                                       .signed_s = signed_s,
                                                       .own_s = now_s });
    line->is_warned = true;
    return MLT_OK;
}

enum mlt_err ca_line_check_clock(struct ca_line *line, const struct cert_fields *own)
{
    struct store_authority known;
    TRY(store_authority_read(line->store, &known));
    line->newest_s = known.newest_s;
    int64_t issued_s = own->not_before_s + LIMIT_BACKDATE_S;
    return compare(line, issued_s > known.newest_s ? issued_s : known.newest_s);
}

enum mlt_err ca_line_signed(struct ca_line *line, int64_t signed_s)
{
    TRY(compare(line, signed_s));
    if (signed_s < line->newest_s + KEPT_TO_S)
        return MLT_OK;
    TRY(store_authority_note_time(line->store, signed_s));
    line->newest_s = signed_s;
    return MLT_OK;
}

/* What cannot be written down is an alarm all the same, and will be found again. */
enum mlt_err ca_line_alarm(struct ca_line *line, enum store_alarm alarm)
{
    line->alarm = alarm;
    enum mlt_err err = store_authority_alarm(line->store, alarm, ca_line_now_s(line));
    (void)err;
    return MLT_ERR_LEDGER;
}
