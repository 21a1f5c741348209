/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_rate.h"

#include "base/limits.h"

bool log_rate_take(struct log_rate *rate, unsigned class, int64_t now_ms)
{
    unsigned i = class % LOG_RATE_CLASSES;
    int64_t second = now_ms / 1000;
    if (rate->classes[i].second != second) {
        rate->classes[i].second = second;
        rate->classes[i].said = 0;
    }
    if (rate->classes[i].said >= LIMIT_LOG_RATE) {
        rate->classes[i].held++;
        return false;
    }
    rate->classes[i].said++;
    return true;
}

uint64_t log_rate_held(struct log_rate *rate, unsigned class, int64_t now_ms)
{
    unsigned i = class % LOG_RATE_CLASSES;
    int64_t second = now_ms / 1000;
    if (rate->classes[i].held == 0 || rate->classes[i].summed == second)
        return 0;
    uint64_t held = rate->classes[i].held;
    rate->classes[i].held = 0;
    rate->classes[i].summed = second;
    return held;
}
