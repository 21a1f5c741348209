/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/alert.h"

static const char *const texts[] = {
    [ALERT_PROTOCOL] = "what was received was malformed, unexpected or not authentic",
    [ALERT_BUSY] = "busy, try again later",
    [ALERT_TIMEOUT] = "no answer in time",
    [ALERT_INTERNAL] = "internal failure",
    [ALERT_VERSION] = "the wire versions differ",
};

enum alert alert_of_err(enum mlt_err err)
{
    switch (err) {
    case MLT_OK:
    case MLT_ERR_ALERT: /* an alert is never answered */
    case MLT_ERR_CUT:   /* nobody is there to read it */
        return ALERT_NONE;
    case MLT_ERR_VERSION:
        return ALERT_VERSION;
    case MLT_ERR_TIMEOUT:
        return ALERT_TIMEOUT;
    case MLT_ERR_TOO_MANY:
        return ALERT_BUSY;
    default:
        return err_fault(err) == FAULT_PEER ? ALERT_PROTOCOL : ALERT_INTERNAL;
    }
}

enum mlt_err alert_decode(unsigned code, enum alert *alert)
{
    ENSURE(code != ALERT_NONE && code < COUNT_OF(texts), MLT_ERR_RANGE);
    *alert = (enum alert)code;
    return MLT_OK;
}

const char *alert_text(enum alert alert)
{
    enum alert known;
    return alert_decode(alert, &known) == MLT_OK ? texts[known] : "no alert";
}
