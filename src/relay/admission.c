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

static enum refusal judge(enum mlt_err verdict, bool revoked)
{
    /* Revoked first: of an expired and revoked certificate the reason that lasts is told. */
    if (revoked)
        return REFUSAL_REVOKED;
    switch (verdict) {
    case MLT_OK:
        return REFUSAL_NONE;
    case MLT_ERR_CERT_EXPIRED:
        return REFUSAL_EXPIRED;
    case MLT_ERR_CERT_NOT_YET:
        return REFUSAL_NOT_YET;
    default:
        return REFUSAL_BUSY;
    }
}

void admission_login(enum mlt_err verdict, bool revoked, int64_t now_ms, struct welcome *w)
{
    *w = start(now_ms);
    w->reason = judge(verdict, revoked);
    if (w->reason == REFUSAL_NONE)
        w->result = WELCOME_LOGGED_IN;
}

void admission_enrol(const struct ipc_enrolled *answer, int64_t now_ms, struct welcome *w)
{
    *w = start(now_ms);
    w->result = answer->result;
    w->reason = answer->reason;
    w->retry_after_s = answer->retry_after_s;
    w->certificate = answer->certificate;
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
