/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_LOG_RATE_H
#define MALOTE_BASE_LOG_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* A flood of junk must not become a flood of log lines: so many of one class a second, then a
 * count.  What a class is, is the caller's to say. */

#define LOG_RATE_CLASSES 128

struct log_rate {
    struct {
        int64_t second; /* of the last line */
        int64_t summed; /* of the last count */
        unsigned said;
        uint64_t held;
    } classes[LOG_RATE_CLASSES];
};

/* May a line of this class be written now?  If not it is counted. */
bool log_rate_take(struct log_rate *rate, unsigned class, int64_t now_ms);

/* How many were held back since the last count; a count at most once a second, else 0. */
uint64_t log_rate_held(struct log_rate *rate, unsigned class, int64_t now_ms);

#endif
