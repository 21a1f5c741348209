/* SPDX-License-Identifier: Apache-2.0 */
#include "client/renewal.h"

#include "base/limits.h"

enum { PAUSE_FIRST_MS = 10000, PAUSE_MOST_MS = 3600000 };

static int64_t issued_s(const struct cert_fields *own)
{
    return own->not_before_s + LIMIT_BACKDATE_S;
}

static int64_t life_s(const struct cert_fields *own)
{
    int64_t life = own->not_after_s - issued_s(own);
    return life > 0 ? life : 1;
}

/* The CA drew the serial at random. */
static int64_t spread_s(const struct cert_fields *own)
{
    int64_t chance = own->serial[CERT_SERIAL - 2] << 8 | own->serial[CERT_SERIAL - 1];
    return life_s(own) * chance / (12 * INT64_C(65536));
}

int64_t renewal_from_s(const struct cert_fields *own)
{
    return issued_s(own) + life_s(own) / 3;
}

int64_t renewal_due_s(const struct cert_fields *own)
{
    return renewal_from_s(own) + 1 + spread_s(own);
}

static int64_t most_ms(const struct renewal *r)
{
    int64_t most = r->life_s * 1000 / 50;
    if (most < PAUSE_FIRST_MS)
        return PAUSE_FIRST_MS;
    return most < PAUSE_MOST_MS ? most : PAUSE_MOST_MS;
}

/* What a moment does not mend: still a few times before the end of a short life. */
static int64_t long_ms(const struct renewal *r)
{
    int64_t twelfth = r->life_s * 1000 / 12;
    return twelfth < PAUSE_MOST_MS ? twelfth : PAUSE_MOST_MS;
}

void renewal_begin(struct renewal *r, const struct env *env, const struct cert_fields *own,
                   bool now)
{
    int64_t wall_s = env_wall_ms(env) / 1000;
    int64_t due_s = renewal_due_s(own);
    int64_t left_s = now || due_s < wall_s ? 0 : due_s - wall_s;
    *r = (struct renewal) { .env = env,
                            .life_s = life_s(own),
                            .due_s = now ? 0 : due_s,
                            .due_ms = env_mono_ms(env) + left_s * 1000,
                            .pause_ms = PAUSE_FIRST_MS };
}

void renewal_end(struct renewal *r)
{
    *r = (struct renewal) { 0 };
}

bool renewal_is_due(const struct renewal *r)
{
    if (r->life_s == 0 || r->is_asked)
        return false;
    return env_mono_ms(r->env) >= r->due_ms || env_wall_ms(r->env) / 1000 >= r->due_s;
}

int64_t renewal_due_ms(const struct renewal *r)
{
    return r->life_s == 0 || r->is_asked ? INT64_MAX : r->due_ms;
}

void renewal_asked(struct renewal *r)
{
    r->is_asked = true;
}

void renewal_issued(struct renewal *r, const struct cert_fields *own)
{
    renewal_begin(r, r->env, own, false);
}

/* Between three quarters of it and all, so that many clients do not come at once. */
static int64_t jittered(const struct renewal *r, int64_t pause_ms)
{
    uint16_t chance = 0;
    if (env_random(r->env, (uint8_t *)&chance, sizeof(chance)) != MLT_OK)
        chance = 0;
    return pause_ms - pause_ms * chance / UINT16_MAX / 4;
}

static void wait_ms(struct renewal *r, int64_t pause_ms)
{
    r->is_asked = false;
    r->due_s = INT64_MAX;
    r->due_ms = env_mono_ms(r->env) + pause_ms;
}

/* As long as the server says, if that leaves time to ask again. */
static void wait_busy(struct renewal *r, uint32_t retry_after_s)
{
    int64_t asked_ms = retry_after_s * INT64_C(1000);
    int64_t pause_ms = jittered(r, r->pause_ms);
    if (asked_ms > most_ms(r))
        asked_ms = most_ms(r);
    wait_ms(r, asked_ms > pause_ms ? asked_ms : pause_ms);
    r->pause_ms *= 2;
    if (r->pause_ms > most_ms(r))
        r->pause_ms = most_ms(r);
}

void renewal_refused(struct renewal *r, enum refusal reason, uint32_t retry_after_s, bool *tell)
{
    *tell = false;
    if (reason == REFUSAL_BUSY) {
        wait_busy(r, retry_after_s);
        return;
    }
    wait_ms(r, jittered(r, long_ms(r)));
    *tell = reason != REFUSAL_NOT_DUE && !r->is_told;
    r->is_told = r->is_told || *tell;
}
