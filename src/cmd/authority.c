/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/authority.h"

#include <jansson.h>

#include "base/env.h"
#include "base/limits.h"
#include "base/timefmt.h"
#include "cmd/explain.h"
#include "cmd/say.h"
#include "cmd/show.h"
#include "cmd/when.h"

/* ---- events ---- */

static const char *advice_on_renewal(enum mlt_refusal refusal)
{
    switch (refusal) {
    case MLT_REFUSAL_STOPPED:
    case MLT_REFUSAL_STALE:
        return TEXT_ADVICE_AUDIT;
    case MLT_REFUSAL_BUSY:
        return TEXT_ADVICE_LATER;
    case MLT_REFUSAL_EXPIRED:
        return TEXT_ADVICE_RENEW;
    default:
        return TEXT_ADVICE_ADMIN;
    }
}

static void tell_not_renewed(const struct host *host, const struct mlt_event *event)
{
    char until[WHEN_TEXT];
    when_text(mlt_not_after_s(host->client), until);
    say_notice(TEXT_NOT_RENEWED, mlt_host(host->client), mlt_name(host->client),
               mlt_event_text(event), until, advice_on_renewal(mlt_event_refusal(event)),
               mlt_connection_id(host->client));
}

static void tell_restored(const struct host *host, const struct mlt_event *event)
{
    struct mlt_restored r = MLT_RESTORED_INIT;
    if (mlt_event_restored(event, &r) != MLT_ERROR_NONE)
        return;
    char at[TIMEFMT_RFC3339];
    timefmt_rfc3339(r.epoch_s * 1000, at);
    if (r.lost > 0)
        say_notice(TEXT_RESTORED_LOSS, mlt_host(host->client), at, (unsigned long long)r.lost);
    else
        say_notice(TEXT_RESTORED, mlt_host(host->client), at);
}

static void tell_clock(const struct host *host, const struct mlt_event *event)
{
    char own[TIMEFMT_RFC3339];
    char signed_at[TIMEFMT_RFC3339];
    timefmt_rfc3339(mlt_event_own_s(event) * 1000, own);
    timefmt_rfc3339(mlt_event_signed_s(event) * 1000, signed_at);
    say_notice(TEXT_CLOCK_BEHIND, own, mlt_host(host->client), signed_at);
}

bool authority_tell(const struct host *host, const struct mlt_event *event)
{
    switch (mlt_event_kind(event)) {
    case MLT_EVENT_RENEWED: /* nobody has to notice */
        return true;
    case MLT_EVENT_NOT_RENEWED:
        tell_not_renewed(host, event);
        return true;
    case MLT_EVENT_RESTORED:
        tell_restored(host, event);
        return true;
    case MLT_EVENT_CLOCK:
        tell_clock(host, event);
        return true;
    default:
        return false;
    }
}

/* ---- clocks that were wrong ---- */

int64_t authority_issued_s(const struct mlt_client *client)
{
    return mlt_not_before_s(client) + LIMIT_BACKDATE_S;
}

enum exit_code authority_accept_clock(const struct host *host)
{
    int64_t was_s = 0;
    enum mlt_error error = mlt_accept_clock(host->client, &was_s);
    if (error != MLT_ERROR_NONE)
        return explain_store(host, error);
    char now[TIMEFMT_RFC3339];
    timefmt_rfc3339(env_wall_ms(env_system()), now);
    if (was_s == 0) {
        say_notice(TEXT_CLOCK_FINE, now);
        return EXIT_DONE;
    }
    char was[TIMEFMT_RFC3339];
    timefmt_rfc3339(was_s * 1000, was);
    say_notice(TEXT_CLOCK_ACCEPTED, now, was);
    return EXIT_DONE;
}

/* ---- status ---- */

static enum mlt_err show_certificate(const struct mlt_client *client, bool refused)
{
    char until[WHEN_TEXT];
    if (refused)
        return show_line(TEXT_STATUS_CERTIFICATE_REFUSED);
    int64_t now_s = env_wall_ms(env_system()) / 1000;
    when_text(mlt_not_after_s(client), until);
    if (mlt_not_after_s(client) <= now_s)
        return show_line(TEXT_STATUS_CERTIFICATE_OVER, until);
    if (authority_issued_s(client) > now_s + LIMIT_CLOCK_SLACK_S) {
        when_text(authority_issued_s(client), until);
        return show_line(TEXT_STATUS_CERTIFICATE_FUTURE, until);
    }
    int64_t renewal_s = mlt_renewal_s(client);
    if (renewal_s <= now_s)
        return show_line(TEXT_STATUS_CERTIFICATE_DUE, until);
    char relative[TIMEFMT_RELATIVE];
    timefmt_relative(renewal_s * 1000, now_s * 1000, relative);
    return show_line(TEXT_STATUS_CERTIFICATE, until, relative);
}

static enum mlt_err show_crl(const struct mlt_authority *a)
{
    if (a->crl_number == 0)
        return show_line(TEXT_STATUS_CRL_NONE);
    char made[WHEN_TEXT];
    char next[WHEN_TEXT];
    when_text(a->crl_this_update_s, made);
    when_text(a->crl_next_update_s, next);
    bool stale = a->crl_next_update_s <= env_wall_ms(env_system()) / 1000;
    TRY(show_line(TEXT_STATUS_CRL, (unsigned long long)a->crl_number, made,
                  (unsigned long long)a->revoked));
    return stale ? show_line(TEXT_STATUS_CRL_STALE, next) : MLT_OK;
}

static enum mlt_err show_ledger(const struct mlt_authority *a)
{
    if (a->ledger_size == 0)
        return show_line(TEXT_STATUS_LEDGER_NONE);
    char at[WHEN_TEXT];
    when_text(a->ledger_time_s, at);
    TRY(show_line(TEXT_STATUS_LEDGER, (unsigned long long)a->ledger_size, at));
    if (a->unproven_s != 0) {
        when_text(a->unproven_s, at);
        TRY(show_line(TEXT_STATUS_LEDGER_UNPROVEN, at));
    }
    if (a->alarm == MLT_ALARM_NONE)
        return MLT_OK;
    when_text(a->alarm_s, at);
    return show_line(TEXT_STATUS_ALARM, explain_alarm(a->alarm), at);
}

enum mlt_err authority_show(const struct mlt_client *client, const struct mlt_authority *a,
                            bool refused)
{
    TRY(show_certificate(client, refused));
    TRY(show_crl(a));
    return show_ledger(a);
}

static const char *alarm_word(enum mlt_alarm alarm)
{
    switch (alarm) {
    case MLT_ALARM_NONE:
        return NULL;
    case MLT_ALARM_FORKED:
        return "forked";
    case MLT_ALARM_WENT_BACK:
        return "went-back";
    default:
        return "unproven";
    }
}

void *authority_json(const struct mlt_authority *a)
{
    return json_pack(
        "{s:{s:I, s:o?, s:o?, s:I}, s:{s:I, s:o?, s:o?, s:o?, s:o?, s:s?, s:o?}, s:o?}", "crl",
        "number", (json_int_t)a->crl_number, "this_update", when_json(a->crl_this_update_s),
        "next_update", when_json(a->crl_next_update_s), "revoked", (json_int_t)a->revoked, "ledger",
        "size", (json_int_t)a->ledger_size, "epoch", when_json(a->ledger_epoch_s), "time",
        when_json(a->ledger_time_s), "proven", when_json(a->proven_s), "unproven_since",
        when_json(a->unproven_s), "alarm", alarm_word(a->alarm), "alarm_since",
        when_json(a->alarm_s), "newest_signed", when_json(a->newest_s));
}
