/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_MEASURE_H
#define MALOTE_BASE_MEASURE_H

#include <stdint.h>

/* Sizes and lengths of time as people say them. */

#define MEASURE_TEXT 32

/* "1 GiB", "1.5 MiB", "300 bytes": one digit after the point at most, never more than there is. */
void measure_bytes(uint64_t bytes, char out[static MEASURE_TEXT]);

/* "30 days", "36 hours", "90 minutes", "90 seconds": whole units, the largest that loses nothing.
 */
void measure_seconds(int64_t seconds, char out[static MEASURE_TEXT]);

#endif
