/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timefmt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t last_second_of_9999 = 253402300799;
static const int64_t longest_duration = (int64_t)3650 * 86400;

void timefmt_rfc3339(int64_t wall_ms, char out[static TIMEFMT_RFC3339])
{
    int64_t seconds = wall_ms / 1000 - (wall_ms % 1000 < 0);
    if (seconds > last_second_of_9999)
        seconds = last_second_of_9999;
    if (seconds < 0)
        seconds = 0;
    time_t t = (time_t)seconds;
    struct tm utc = { 0 };
    gmtime_r(&t, &utc);
    strftime(out, TIMEFMT_RFC3339, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static bool unit_seconds(const char *unit, int64_t *seconds)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (strcmp(unit, units[i].name) == 0) {
            *seconds = units[i].seconds;
            return true;
        }
    }
    return false;
}

enum mlt_err timefmt_duration(const char *text, int64_t *seconds)
{
    ENSURE(text[0] >= '0' && text[0] <= '9', MLT_ERR_USAGE);
    char *end = NULL;
    errno = 0;
    long long count = strtoll(text, &end, 10);
    int64_t unit = 0;
    ENSURE(errno == 0 && unit_seconds(end, &unit), MLT_ERR_USAGE);
    ENSURE(count >= 1 && count <= longest_duration / unit, MLT_ERR_USAGE);
    *seconds = count * unit;
    return MLT_OK;
}

void timefmt_relative(int64_t wall_ms, int64_t now_ms, char out[static TIMEFMT_RELATIVE])
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = { { "day", 86400 }, { "hour", 3600 }, { "minute", 60 }, { "second", 1 } };
    int64_t seconds = wall_ms / 1000 - now_ms / 1000;
    bool past = seconds < 0;
    if (past)
        seconds = -seconds;
    size_t i = 0;
    while (i + 1 < COUNT_OF(units) && seconds < units[i].seconds)
        i++;
    if (seconds == 0) {
        snprintf(out, TIMEFMT_RELATIVE, "now");
        return;
    }
    long long count = seconds / units[i].seconds;
    snprintf(out, TIMEFMT_RELATIVE, "%s%lld %s%s%s", past ? "" : "in ", count, units[i].name,
             count == 1 ? "" : "s", past ? " ago" : "");
}
