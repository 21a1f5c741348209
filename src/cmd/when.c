/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/when.h"

#include <jansson.h>
#include <stdio.h>

#include "base/env.h"

void when_text(int64_t at_s, char out[static WHEN_TEXT])
{
    char at[TIMEFMT_RFC3339];
    char relative[TIMEFMT_RELATIVE];
    timefmt_rfc3339(at_s * 1000, at);
    timefmt_relative(at_s * 1000, env_wall_ms(env_system()), relative);
    snprintf(out, WHEN_TEXT, "%s (%s)", at, relative);
}

void *when_json(int64_t at_s)
{
    char at[TIMEFMT_RFC3339];
    timefmt_rfc3339(at_s * 1000, at);
    return at_s == 0 ? NULL : json_string(at);
}
