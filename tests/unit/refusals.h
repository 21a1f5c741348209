/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_REFUSALS_H
#define MALOTE_TESTS_UNIT_REFUSALS_H

#include "test_base.h"

#include "pair.h"
#include "protocol/actions.h"

/* What a refused handshake looks like: one alert, of the stated kind, and nobody known.  Looks
 * into the machine, so that a sealed alert is opened and not only measured. */

enum { SEALED_ALERT = FRAME_HEADER + 1 + ETM_TAG };

static inline void expect_plain_code(const struct handshake *hs, const struct buf *out,
                                     enum alert code)
{
    const uint8_t wanted[] = { FRAME_ALERT, 0, 0, 1, (uint8_t)code };
    assert_span_equal(buf_span(out), SPAN_OF(wanted));
    assert_int_equal(hs->state, HS_STATE_FAILED);
}

/* Every refusal before the keys are on looks like this, and nothing else is said. */
static inline void expect_plain_alert(const struct handshake *hs, const struct buf *out)
{
    expect_plain_code(hs, out, ALERT_PROTOCOL);
}

/* Under the sender's own handshake secret, with the last number it took. */
static inline void expect_sealed_alert(const struct handshake *hs, const struct buf *out)
{
    CLEANUP(etm_clear) struct etm etm = { 0 };
    CLEANUP(buf_clear) struct buf code = { 0 };
    const struct schedule *schedule = &hs->schedule;
    assert_int_equal(out->len, SEALED_ALERT);
    assert_int_equal(out->p[0], FRAME_ALERT);
    assert_int_equal(hs->state, HS_STATE_FAILED);
    assert_true(hs->send.sequence > 0);
    assert_ok(etm_init(&etm, hs->role == HS_SERVER ? &schedule->server : &schedule->client));
    assert_ok(etm_open(&etm, hs->send.sequence - 1, span_of(out->p, FRAME_HEADER),
                       span_from(buf_span(out), FRAME_HEADER), &code));
    assert_int_equal(code.len, 1);
    assert_int_equal(code.p[0], ALERT_PROTOCOL);
}

/* Nothing of what the peer claimed can be had from the machine, and it goes no further. */
static inline void expect_over(struct handshake *hs)
{
    struct hs_result result = { 0 };
    assert_null(hs_client_auth(hs));
    assert_err(hs_take_result(hs, &result), MLT_ERR_STATE);
    assert_err(hs_issued(hs), MLT_ERR_STATE);
    assert_null(result.peer.x509);
    assert_int_equal(hs_want(hs), HS_WANT_NOTHING);
}

static inline void expect_nobody(struct pair *p)
{
    expect_over(p->server);
}

#endif
