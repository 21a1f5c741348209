/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/clock.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "ca/ca.h"
#include "ca/crl_keep.h"
#include "ca/explain.h"
#include "ca/setting.h"

static const char meta_floor[] = "newest signed";
static const int64_t look_ms = 60000;
static const int64_t said_again_ms = 3600 * 1000;
static const int64_t slack_ms = (int64_t)LIMIT_CLOCK_SLACK_S * 1000;

enum mlt_err clock_floor(struct database *db, int64_t *floor_s)
{
    int64_t got = 0;
    enum mlt_err err = setting_get_number(db, meta_floor, &got);
    ENSURE(err == MLT_OK || err == MLT_ERR_MISSING, err);
    *floor_s = got;
    return MLT_OK;
}

enum mlt_err clock_raise_floor(struct database *db, int64_t signed_s)
{
    int64_t floor_s = 0;
    TRY(clock_floor(db, &floor_s));
    return signed_s > floor_s ? setting_set_number(db, meta_floor, signed_s) : MLT_OK;
}

enum mlt_err clock_earliest(struct ca *ca, int64_t *now_s)
{
    int64_t floor_s = 0, wall_s = ca_now_s(ca);
    TRY(clock_floor(&ca->db, &floor_s));
    *now_s = floor_s < wall_s ? floor_s : wall_s;
    return MLT_OK;
}

/* ---- at the start ---- */

struct two_times {
    char now[TIMEFMT_RFC3339], other[TIMEFMT_RFC3339];
};

static struct two_times show(int64_t now_ms, int64_t other_ms)
{
    struct two_times t;
    timefmt_rfc3339(now_ms, t.now);
    timefmt_rfc3339(other_ms, t.other);
    return t;
}

/* Notices of that time would have every client take its own clock for wrong; the list, and the
 * head, are made anew by themselves. */
static enum mlt_err forget_future(struct ca *ca)
{
    TRY(setting_set_number(&ca->db, meta_floor, ca_now_s(ca)));
    return crl_keep_drop_notices(&ca->db);
}

static enum mlt_err accept_now(struct ca *ca, int64_t floor_s)
{
    const struct two_times t = show(env_wall_ms(ca->env), floor_s * 1000);
    TRY(database_begin(&ca->db));
    TRY(database_end(&ca->db, forget_future(ca)));
    log_warning("the clock says %s and was accepted, though the CA has signed at %s: whoever saw "
                "that takes this clock for wrong until then",
                t.now, t.other);
    return MLT_OK;
}

enum mlt_err clock_start(struct ca *ca, bool accept, struct buf *why)
{
    int64_t floor_s = 0;
    int64_t now_s = ca_now_s(ca);
    ca->clock = (struct clock) { .started_wall_ms = env_wall_ms(ca->env),
                                 .started_mono_ms = env_mono_ms(ca->env),
                                 .looked_ms = env_mono_ms(ca->env) };
    if (ca->fresh)
        return MLT_OK;
    TRY(clock_floor(&ca->db, &floor_s));
    if (now_s >= floor_s)
        return MLT_OK;
    if (accept)
        return accept_now(ca, floor_s);
    const struct two_times t = show(now_s * 1000, floor_s * 1000);
    if (now_s < floor_s - LIMIT_CLOCK_SLACK_S)
        return explain(why, MLT_ERR_CLOCK, TEXT_CLOCK_BEHIND, t.now, t.other);
    log_warning("the clock says %s, but the CA has signed at %s: set it", t.now, t.other);
    return MLT_OK;
}

/* ---- while it runs ---- */

static int64_t jump_ms(const struct ca *ca, int64_t wall_ms)
{
    int64_t passed_ms = env_mono_ms(ca->env) - ca->clock.started_mono_ms;
    return wall_ms - (ca->clock.started_wall_ms + passed_ms);
}

/* At once, and then every hour; `other_ms` is what speaks against the clock. */
static void say(struct ca *ca, int64_t wall_ms, int64_t other_ms)
{
    const struct two_times t = show(wall_ms, other_ms);
    int64_t now_ms = env_mono_ms(ca->env);
    if (ca->clock.said && now_ms - ca->clock.said_ms < said_again_ms)
        return;
    ca->clock.said = true;
    ca->clock.said_ms = now_ms;
    if (ca->clock.jumped)
        log_error("the clock has jumped: it says %s, and by the time that has passed it is %s; "
                  "nothing is signed until maloted is started anew",
                  t.now, t.other);
    else
        log_error("the clock says %s, but the CA has signed at %s: nothing is signed until it is "
                  "set",
                  t.now, t.other);
}

/* A clock that was set, and set back, is as little to be believed as one that was set. */
enum mlt_err clock_check(struct ca *ca)
{
    int64_t wall_ms = env_wall_ms(ca->env), floor_s = 0;
    int64_t jump = jump_ms(ca, wall_ms);
    ca->clock.jumped = ca->clock.jumped || jump > slack_ms || jump < -slack_ms;
    if (ca->clock.jumped) {
        say(ca, wall_ms, wall_ms - jump);
        return MLT_ERR_CLOCK;
    }
    TRY(clock_floor(&ca->db, &floor_s));
    if (wall_ms / 1000 < floor_s - LIMIT_CLOCK_SLACK_S) {
        say(ca, wall_ms, floor_s * 1000);
        return MLT_ERR_CLOCK;
    }
    ca->clock.said = false;
    return MLT_OK;
}

int clock_timeout(const struct ca *ca)
{
    int64_t left_ms = ca->clock.looked_ms + look_ms - env_mono_ms(ca->env);
    return left_ms > 0 ? (int)left_ms : 0;
}

void clock_tick(struct ca *ca)
{
    if (clock_timeout(ca) > 0)
        return;
    ca->clock.looked_ms = env_mono_ms(ca->env);
    enum mlt_err err = clock_check(ca);
    if (err != MLT_OK && err != MLT_ERR_CLOCK)
        log_error("the newest time that was signed could not be read: %s", err_cause(err));
}
