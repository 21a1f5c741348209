/* SPDX-License-Identifier: Apache-2.0 */
#include "client/comeback.h"

#include <errno.h>

void comeback_logged_in(struct comeback *c)
{
    c->login_ms = env_mono_ms(c->env);
    c->is_in = true;
}

static bool is_out_of_reach(const struct client_event *why)
{
    return why->err == MLT_ERR_UNREACHABLE || why->err == MLT_ERR_UNKNOWN_HOST;
}

bool comeback_needs_look_up(const struct client_event *why)
{
    return is_out_of_reach(why);
}

/* Of our own disk: nothing was confirmed that is not on it, so all comes again. */
static bool is_disk_in_need(const struct client_event *why)
{
    if (why->kind != CLIENT_EVENT_LOST)
        return false;
    int number = why->system_errno;
    return why->err == MLT_ERR_LOCKED || why->err == MLT_ERR_DATABASE ||
           (why->err == MLT_ERR_SYSTEM && (number == ENOSPC || number == EDQUOT || number == EIO ||
                                           number == EROFS || number == EFBIG));
}

bool comeback_is_possible(const struct client_event *why)
{
    if (why->kind == CLIENT_EVENT_CLOSED)
        return why->close == CLOSE_SHUTDOWN || why->close == CLOSE_SILENT ||
               why->close == CLOSE_SLOW || why->close == CLOSE_AGAIN ||
               why->close == CLOSE_EXPIRED; /* the CA renews what has just expired */
    if (why->kind == CLIENT_EVENT_REFUSED)
        return why->refusal == REFUSAL_BUSY;
    if (why->err == MLT_ERR_ALERT)
        return why->alert != ALERT_PROTOCOL && why->alert != ALERT_VERSION;
    /* Its clock is ahead, perhaps: nothing was signed, and nothing will be. */
    if (why->err == MLT_ERR_NOT_DUE)
        return true;
    return is_out_of_reach(why) || why->err == MLT_ERR_CUT || why->err == MLT_ERR_TIMEOUT ||
           is_disk_in_need(why);
}

/* Between three quarters of the pause and all of it, so that many clients do not come at once. */
static int64_t jittered(const struct comeback *c, int64_t pause_ms)
{
    uint16_t chance = 0;
    if (env_random(c->env, (uint8_t *)&chance, sizeof(chance)) != MLT_OK)
        chance = 0;
    return pause_ms - pause_ms * chance / UINT16_MAX / 4;
}

static int64_t choose(const struct comeback *c, const struct client_event *why, bool lasted)
{
    if (is_disk_in_need(why))
        return jittered(c, LIMIT_DISK_RETRY_MS);
    /* Asked for, so at once; but not if the server asks for nothing else. */
    if (why->kind == CLIENT_EVENT_CLOSED && why->close == CLOSE_AGAIN && lasted)
        return 0;
    return jittered(c, c->pause_ms);
}

int64_t comeback_pause_ms(struct comeback *c, const struct client_event *why)
{
    bool lasted = c->is_in && env_mono_ms(c->env) - c->login_ms >= LIMIT_RETRY_MOST_MS;
    c->is_in = false;
    if (lasted)
        c->pause_ms = LIMIT_RETRY_FIRST_MS;
    int64_t pause_ms = choose(c, why, lasted);
    c->pause_ms *= 2;
    if (c->pause_ms > LIMIT_RETRY_MOST_MS)
        c->pause_ms = LIMIT_RETRY_MOST_MS;
    return pause_ms;
}
