/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_ALERT_H
#define MALOTE_WIRE_ALERT_H

#include "base/err.h"

/*
 * The last thing said on a connection that failed: one byte, so little that it tells an attacker
 * nothing about which check failed.  Plain before keys are on, sealed after.  PROTOCOL.md 3.3.
 */

enum alert {
    ALERT_NONE = 0,
    ALERT_PROTOCOL = 1, /* malformed, unexpected or not authentic: one code for all */
    ALERT_BUSY = 2,     /* try again later */
    ALERT_TIMEOUT = 3,
    ALERT_INTERNAL = 4, /* the fault is on the side that sends it */
    ALERT_VERSION = 5
};

/* The one mapping from errors to what leaves the process. */
enum alert alert_of_err(enum mlt_err err);

/* Known codes only.  MLT_ERR_RANGE. */
MUST_CHECK enum mlt_err alert_decode(unsigned code, enum alert *alert);

/* For people; static storage. */
const char *alert_text(enum alert alert);

#endif
