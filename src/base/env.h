/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_ENV_H
#define MALOTE_BASE_ENV_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * What the outside world gives to code that must not reach for it: the clocks and randomness.
 * Protocol and decisions take a const struct env *; tests pass a virtual one.
 */
struct env {
    void *ctx;
    /* Milliseconds since 1970, the wall clock: for certificates and for people. */
    int64_t (*wall_ms)(void *ctx);
    /* Milliseconds since some start, never backwards: for every timeout. */
    int64_t (*mono_ms)(void *ctx);
    enum mlt_err (*random)(void *ctx, uint8_t *out, size_t n);
};

/* The real clocks and libcrypto's generator; static storage. */
const struct env *env_system(void);

int64_t env_wall_ms(const struct env *env);
int64_t env_mono_ms(const struct env *env);
MUST_CHECK enum mlt_err env_random(const struct env *env, uint8_t *out, size_t n);

#endif
