/* SPDX-License-Identifier: Apache-2.0 */
#include "base/measure.h"

#include <stdio.h>

#include "base/attr.h"

void measure_bytes(uint64_t bytes, char out[static MEASURE_TEXT])
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    if (bytes < 1024) {
        snprintf(out, MEASURE_TEXT, "%u byte%s", (unsigned)bytes, bytes == 1 ? "" : "s");
        return;
    }
    size_t unit = 0;
    unsigned shift = 10;
    while (unit + 1 < COUNT_OF(units) && bytes >> shift >= 1024) {
        unit++;
        shift += 10;
    }
    unsigned whole = (unsigned)(bytes >> shift);
    /* Of the 1,024 parts of the last unit; cut, not rounded: who reads it may rely on it. */
    unsigned tenth = (unsigned)((bytes >> (shift - 10) & 1023) * 10 / 1024);
    if (tenth == 0)
        snprintf(out, MEASURE_TEXT, "%u %s", whole, units[unit]);
    else
        snprintf(out, MEASURE_TEXT, "%u.%u %s", whole, tenth, units[unit]);
}

void measure_seconds(int64_t seconds, char out[static MEASURE_TEXT])
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = { { "day", 86400 }, { "hour", 3600 }, { "minute", 60 }, { "second", 1 } };
    size_t i = 0;
    while (i + 1 < COUNT_OF(units) && (seconds % units[i].seconds != 0 ||
                                       (seconds > -units[i].seconds && seconds < units[i].seconds)))
        i++;
    long long count = seconds / units[i].seconds;
    snprintf(out, MEASURE_TEXT, "%lld %s%s", count, units[i].name, count == 1 ? "" : "s");
}
