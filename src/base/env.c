/* SPDX-License-Identifier: Apache-2.0 */
#include "base/env.h"

#include <limits.h>
#include <openssl/rand.h>
#include <time.h>

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return 0;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall(void *ctx)
{
    (void)ctx;
    return clock_ms(CLOCK_REALTIME);
}

/* With the time that the machine slept: no timeout is longer for it, and a wall clock that goes on
 * meanwhile has not jumped. */
static int64_t system_mono(void *ctx)
{
    (void)ctx;
    return clock_ms(CLOCK_BOOTTIME);
}

static enum mlt_err system_random(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    ENSURE(n <= INT_MAX, MLT_ERR_RANGE);
    ENSURE(RAND_bytes(out, (int)n) == 1, MLT_ERR_CRYPTO);
    return MLT_OK;
}

static const struct env the_system = { NULL, system_wall, system_mono, system_random };

const struct env *env_system(void)
{
    return &the_system;
}

int64_t env_wall_ms(const struct env *env)
{
    return env->wall_ms(env->ctx);
}

int64_t env_mono_ms(const struct env *env)
{
    return env->mono_ms(env->ctx);
}

enum mlt_err env_random(const struct env *env, uint8_t *out, size_t n)
{
    return env->random(env->ctx, out, n);
}
