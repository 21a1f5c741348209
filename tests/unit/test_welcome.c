/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "wire/alert.h"
#include "wire/close.h"
#include "wire/welcome.h"

static void refuse(struct welcome w)
{
    CLEANUP(buf_clear) struct buf out = { 0 };
    assert_err(welcome_encode(&w, &out), MLT_ERR_RANGE);
    assert_int_equal(out.len, 0);
}

static void fields_that_contradict_each_other_are_not_written(void **state)
{
    (void)state;
    const struct span some = span_str("certificate");
    refuse((struct welcome) { 0 });
    refuse((struct welcome) { .result = WELCOME_RENEW + 1 });
    refuse((struct welcome) { .result = WELCOME_ISSUED });
    refuse((struct welcome) { .result = WELCOME_LOGGED_IN, .certificate = some });
    refuse((struct welcome) { .result = WELCOME_REFUSED });
    refuse((struct welcome) { .result = WELCOME_REFUSED, .reason = REFUSAL_STOPPED + 1 });
    refuse((struct welcome) { .result = WELCOME_LOGGED_IN, .reason = REFUSAL_BUSY });
    refuse((struct welcome) { .result = WELCOME_LOGGED_IN, .retry_after_s = 1 });
    refuse((struct welcome) { .result = WELCOME_LOGGED_IN, .server_time_ms = -1 });
}

static void fields_that_contradict_each_other_are_not_read(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    const struct welcome good = { .result = WELCOME_LOGGED_IN };
    struct welcome w = { .max_body = 99 };
    assert_ok(welcome_encode(&good, &b));
    /* result, reason, retry_after, certificate length, ledger length, CRL number, time */
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = { { 0, 0 },
                    { 0, WELCOME_RENEW + 1 },
                    { 0, WELCOME_ISSUED },
                    { 0, WELCOME_REFUSED },
                    { 1, 1 },
                    { 5, 1 },
                    { 18, 0x80 } };
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        uint8_t was = b.p[changes[i].at];
        b.p[changes[i].at] = changes[i].value;
        assert_err(welcome_decode(buf_span(&b), &w), MLT_ERR_RANGE);
        b.p[changes[i].at] = was;
    }
    assert_int_equal(w.max_body, 99);
    assert_ok(welcome_decode(buf_span(&b), &w));
}

static void every_refusal_and_close_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int a = REFUSAL_NAME_TAKEN; a <= REFUSAL_STOPPED; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(refusal_text((enum refusal)a), refusal_text((enum refusal)b));
    for (int a = CLOSE_DONE; a <= CLOSE_AGAIN; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(close_reason_text((enum close_reason)a),
                                    close_reason_text((enum close_reason)b));
    /* And these were all of them. */
    assert_string_equal(refusal_text(REFUSAL_STOPPED + 1), refusal_text((enum refusal)0));
    assert_string_equal(close_reason_text(CLOSE_AGAIN + 1),
                        close_reason_text((enum close_reason)0));
}

static void unknown_close_reasons_are_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        enum close_reason reason = 0;
        CLEANUP(buf_clear) struct buf out = { 0 };
        bool known = i >= CLOSE_DONE && i <= CLOSE_AGAIN;
        enum mlt_err wanted = known ? MLT_OK : MLT_ERR_RANGE;
        assert_int_equal(close_decode(span_of(&byte, 1), &reason), wanted);
        assert_int_equal(close_encode((enum close_reason)i, &out), wanted);
        assert_int_equal(reason, known ? i : 0);
    }
}

static void unknown_alerts_are_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 600; i++) {
        enum alert alert = ALERT_NONE;
        bool known = i >= ALERT_PROTOCOL && i <= ALERT_VERSION;
        assert_int_equal(alert_decode(i, &alert), known ? MLT_OK : MLT_ERR_RANGE);
        assert_int_equal(alert, known ? i : ALERT_NONE);
        assert_int_equal(strcmp(alert_text((enum alert)i), alert_text(ALERT_NONE)) != 0, known);
    }
}

/* Which check failed is nobody's business: all faults of the peer but two look alike. */
static void an_alert_tells_nothing_about_which_check_failed(void **state)
{
    (void)state;
    static const enum mlt_err all[] = {
#define X(name, fault, text) name,
#include "base/err.def"
#undef X
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        enum alert wanted = ALERT_INTERNAL;
        if (err_fault(all[i]) == FAULT_PEER)
            wanted = ALERT_PROTOCOL;
        if (all[i] == MLT_ERR_VERSION)
            wanted = ALERT_VERSION;
        if (all[i] == MLT_ERR_TIMEOUT)
            wanted = ALERT_TIMEOUT;
        if (all[i] == MLT_ERR_TOO_MANY)
            wanted = ALERT_BUSY;
        if (all[i] == MLT_OK || all[i] == MLT_ERR_ALERT || all[i] == MLT_ERR_CUT)
            wanted = ALERT_NONE;
        assert_int_equal(alert_of_err(all[i]), wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_that_contradict_each_other_are_not_written),
        cmocka_unit_test(fields_that_contradict_each_other_are_not_read),
        cmocka_unit_test(every_refusal_and_close_has_a_text_of_its_own),
        cmocka_unit_test(unknown_close_reasons_are_refused),
        cmocka_unit_test(unknown_alerts_are_refused),
        cmocka_unit_test(an_alert_tells_nothing_about_which_check_failed),
    };
    return cmocka_run_group_tests_name("welcome", tests, NULL, NULL);
}
