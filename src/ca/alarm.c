/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/alarm.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "ca/ca.h"
#include "ca/crl_keep.h"
#include "ca/explain.h"

static const int64_t hour_ms = 3600 * 1000;
static const int64_t day_ms = 24 * 3600 * 1000;
static const int64_t root_warning_s = (int64_t)365 * 86400;

static enum mlt_err say(const struct alarm_visit *visit, enum admin_alarm kind, int64_t since_s,
                        const struct buf *text)
{
    const struct alarm alarm = { kind, since_s, buf_span(text) };
    return visit->on_alarm(visit->ctx, &alarm);
}

static enum mlt_err look_at_stop(struct ca *ca, const struct alarm_visit *visit)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    if (!stopped_is(ca))
        return MLT_OK;
    TRY(stopped_explain(ca, &text));
    return say(visit, ADMIN_ALARM_STOPPED, 0, &text);
}

/* explain() hands back the error it was given: here none. */
static enum mlt_err look_at_clock(struct ca *ca, const struct alarm_visit *visit)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    enum mlt_err err = clock_check(ca);
    if (err == MLT_OK)
        return MLT_OK;
    ENSURE(err == MLT_ERR_CLOCK, err);
    TRY(explain(&text, MLT_OK, TEXT_ALARM_CLOCK));
    return say(visit, ADMIN_ALARM_CLOCK, 0, &text);
}

static enum mlt_err look_at_drops(struct ca *ca, const struct alarm_visit *visit)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    if (!ca->crl_care.drops)
        return MLT_OK;
    TRY(explain(&text, MLT_OK, TEXT_CRL_DROPS));
    return say(visit, ADMIN_ALARM_CRL_DROPS, 0, &text);
}

static enum mlt_err look_at_list(struct ca *ca, const struct alarm_visit *visit)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    struct crl_facts crl;
    char this_update[TIMEFMT_RFC3339], next_update[TIMEFMT_RFC3339];
    TRY(crl_keep_facts(&ca->db, &crl));
    int64_t now_s = ca_now_s(ca);
    if (crl.number == 0 || now_s - crl.this_update_s < LIMIT_CRL_S / 2)
        return MLT_OK;
    timefmt_rfc3339(crl.this_update_s * 1000, this_update);
    timefmt_rfc3339(crl.next_update_s * 1000, next_update);
    if (now_s < crl.next_update_s) {
        TRY(explain(&text, MLT_OK, TEXT_ALARM_CRL_AGE, this_update, next_update));
        return say(visit, ADMIN_ALARM_CRL_AGE, crl.this_update_s, &text);
    }
    TRY(explain(&text, MLT_OK, TEXT_ALARM_CRL_STALE, next_update, this_update));
    return say(visit, ADMIN_ALARM_CRL_STALE, crl.next_update_s, &text);
}

/* Only a running maloted has a net to wait for. */
static enum mlt_err look_at_net(struct ca *ca, const struct alarm_visit *visit)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    struct crl_facts crl;
    TRY(crl_keep_facts(&ca->db, &crl));
    if (!ca->net.is_here || ca->net.crl_taken >= crl.number)
        return MLT_OK;
    TRY(explain(&text, MLT_OK, TEXT_ALARM_UNCONFIRMED, (unsigned long long)crl.number));
    return say(visit, ADMIN_ALARM_UNCONFIRMED, crl.this_update_s, &text);
}

static enum mlt_err look_at_root(struct ca *ca, const struct alarm_visit *visit)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    char end[TIMEFMT_RFC3339];
    int64_t end_s = ca->cert.fields.not_after_s;
    if (end_s - ca_now_s(ca) > root_warning_s)
        return MLT_OK;
    timefmt_rfc3339(end_s * 1000, end);
    TRY(explain(&text, MLT_OK, TEXT_ALARM_ROOT_ENDS, end));
    return say(visit, ADMIN_ALARM_ROOT_ENDS, end_s - root_warning_s, &text);
}

enum mlt_err alarm_each(struct ca *ca, const struct alarm_visit *visit)
{
    TRY(look_at_stop(ca, visit));
    TRY(look_at_clock(ca, visit));
    TRY(look_at_drops(ca, visit));
    TRY(look_at_list(ca, visit));
    TRY(look_at_net(ca, visit));
    return look_at_root(ca, visit);
}

/* ---- the log ---- */

struct telling {
    bool root_too;
};

/* Stop and clock are logged by who found them; net's silence by whoever waits for it. */
static enum mlt_err log_alarm(void *ctx, const struct alarm *alarm)
{
    const struct telling *telling = ctx;
    bool is_root = alarm->kind == ADMIN_ALARM_ROOT_ENDS;
    bool is_list = alarm->kind == ADMIN_ALARM_CRL_AGE || alarm->kind == ADMIN_ALARM_CRL_STALE;
    if (is_list || (is_root && telling->root_too))
        log_warning("%.*s", (int)alarm->text.n, (const char *)alarm->text.p);
    return MLT_OK;
}

int alarm_timeout(const struct ca *ca)
{
    int64_t due_ms = ca->alarm_log.said_ms + hour_ms, now_ms = env_mono_ms(ca->env);
    return ca->alarm_log.any && due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

void alarm_tick(struct ca *ca)
{
    if (alarm_timeout(ca) > 0)
        return;
    struct alarm_log *said = &ca->alarm_log;
    int64_t now_ms = env_mono_ms(ca->env);
    struct telling telling = { !said->any || now_ms - said->said_root_ms >= day_ms };
    const struct alarm_visit visit = { log_alarm, &telling };
    said->any = true;
    said->said_ms = now_ms;
    if (telling.root_too)
        said->said_root_ms = now_ms;
    enum mlt_err err = alarm_each(ca, &visit);
    if (err != MLT_OK)
        log_error("the state of the CA could not be read: %s", err_cause(err));
}
