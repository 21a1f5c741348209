/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_WHEN_H
#define MALOTE_CMD_WHEN_H

#include "base/timefmt.h"

/* A point in time, for people and for JSON. */

/* "2026-11-23T04:15:24Z (2 hours ago)" */
#define WHEN_TEXT (TIMEFMT_RFC3339 + TIMEFMT_RELATIVE + 4)
void when_text(int64_t at_s, char out[static WHEN_TEXT]);

/* RFC 3339, as a json_t * for json_pack; NULL for 0, a time that never was: "o?" makes null of
 * it, "o*" leaves the member out. */
void *when_json(int64_t at_s);

#endif
