/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_TIMEFMT_H
#define MALOTE_BASE_TIMEFMT_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

/* "2026-11-22T14:55:34Z" and its NUL. */
#define TIMEFMT_RFC3339 32

/* UTC, whole seconds; any int64_t is accepted (years beyond 9999 are shown as 9999). */
void timefmt_rfc3339(int64_t wall_ms, char out[static TIMEFMT_RFC3339]);

/* "7d", "24h", "30m", "90s" or a bare number of seconds, 1 s to 3650 d.  MLT_ERR_USAGE. */
MUST_CHECK enum mlt_err timefmt_duration(const char *text, int64_t *seconds);

/* "in 3 days", "2 hours ago": the largest unit, for people. */
#define TIMEFMT_RELATIVE 40
void timefmt_relative(int64_t wall_ms, int64_t now_ms, char out[static TIMEFMT_RELATIVE]);

#endif
