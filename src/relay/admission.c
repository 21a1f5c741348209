/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/admission.h"

#include "base/limits.h"

static struct welcome start(int64_t now_ms)
{
    return (struct welcome) { .result = WELCOME_REFUSED,
                              .reason = REFUSAL_BUSY,
                              .server_time_ms = now_ms,
                              .max_body = LIMIT_BODY,
                              .silence_ms = LIMIT_SILENCE_MS };
}

static enum refusal judge(const struct admission_facts *facts)
{
    /* Revoked first: of an expired and revoked certificate the reason that lasts is told. */
    if (facts->revoked)
        return REFUSAL_REVOKED;
    switch (facts->verdict) {
    case MLT_OK:
        return facts->stale && !facts->in_doubt ? REFUSAL_STALE : REFUSAL_NONE;
    case MLT_ERR_CERT_EXPIRED:
        return REFUSAL_NONE; /* ca has to be asked, and it knows whom it revoked */
    case MLT_ERR_CERT_NOT_YET:
        return REFUSAL_NOT_YET;
    default:
        return REFUSAL_BUSY;
    }
}

void admission_login(const struct admission_facts *facts, int64_t now_ms, struct welcome *w)
{
    *w = start(now_ms);
    w->reason = judge(facts);
    if (w->reason != REFUSAL_NONE)
        return;
    bool is_good = facts->verdict == MLT_OK && !facts->in_doubt;
    w->result = is_good ? WELCOME_LOGGED_IN : WELCOME_RENEW;
}

/* A time to wait says something only where waiting helps. */
static uint32_t retry_after(const struct ipc_enrolled *answer)
{
    bool waits = answer->result == WELCOME_PENDING || answer->reason == REFUSAL_BUSY;
    return waits ? answer->retry_after_s : 0;
}

void admission_enrol(const struct ipc_enrolled *answer, int64_t now_ms, struct welcome *w)
{
    *w = start(now_ms);
    w->result = answer->result;
    w->reason = answer->reason;
    w->retry_after_s = retry_after(answer);
    w->certificate = answer->certificate;
}

void admission_renew(const struct ipc_enrolled *answer, struct renewed *r)
{
    *r = (struct renewed) { .result = answer->result,
                            .reason = answer->reason,
                            .retry_after_s = retry_after(answer),
                            .certificate = answer->certificate };
}

void admission_renew_busy(struct renewed *r)
{
    *r = (struct renewed) { .result = WELCOME_REFUSED,
                            .reason = REFUSAL_BUSY,
                            .retry_after_s = LIMIT_RETRY_S };
}

void admission_busy(int64_t now_ms, struct welcome *w)
{
    *w = start(now_ms);
    w->retry_after_s = LIMIT_RETRY_S;
}

bool admission_replaces(enum client_auth_kind newer, enum client_auth_kind older)
{
    return newer == CLIENT_AUTH_RECEIVE && older == CLIENT_AUTH_RECEIVE;
}
