/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "relay/admission.h"

static const int64_t now_ms = 1795361897000;

static struct welcome judge(const struct admission_facts *facts)
{
    struct welcome w = { 0 };
    admission_login(facts, now_ms, &w);
    return w;
}

static struct welcome login(enum mlt_err verdict, bool revoked)
{
    const struct admission_facts facts = { .verdict = verdict, .revoked = revoked };
    return judge(&facts);
}

static void a_good_certificate_is_let_in(void **state)
{
    (void)state;
    struct welcome w = login(MLT_OK, false);
    assert_int_equal(w.result, WELCOME_LOGGED_IN);
    assert_int_equal(w.reason, REFUSAL_NONE);
    assert_int_equal(w.server_time_ms, now_ms);
    assert_int_equal(w.max_body, LIMIT_BODY);
    assert_int_equal(w.silence_ms, LIMIT_SILENCE_MS);
}

static void what_is_wrong_with_a_certificate_is_told(void **state)
{
    (void)state;
    const struct {
        enum mlt_err verdict;
        bool revoked;
        enum refusal reason;
    } rows[] = {
        { MLT_ERR_CERT_NOT_YET, false, REFUSAL_NOT_YET },
        { MLT_OK, true, REFUSAL_REVOKED },
        { MLT_ERR_CERT_EXPIRED, true, REFUSAL_REVOKED },
        { MLT_ERR_CERT_NOT_YET, true, REFUSAL_REVOKED },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct welcome w = login(rows[i].verdict, rows[i].revoked);
        assert_int_equal(w.result, WELCOME_REFUSED);
        assert_int_equal(w.reason, rows[i].reason);
    }
}

static void an_expired_certificate_may_be_renewed_and_no_more(void **state)
{
    (void)state;
    struct welcome w = login(MLT_ERR_CERT_EXPIRED, false);
    assert_int_equal(w.result, WELCOME_RENEW);
    assert_int_equal(w.reason, REFUSAL_NONE);
    /* What is stale here ca knows better. */
    const struct admission_facts stale = { .verdict = MLT_ERR_CERT_EXPIRED, .stale = true };
    assert_int_equal(judge(&stale).result, WELCOME_RENEW);
}

static void of_a_stale_list_the_older_certificates_are_refused_and_told_why(void **state)
{
    (void)state;
    const struct admission_facts stale = { .verdict = MLT_OK, .stale = true };
    const struct admission_facts revoked = { .verdict = MLT_OK, .revoked = true, .stale = true };
    assert_int_equal(judge(&stale).result, WELCOME_REFUSED);
    assert_int_equal(judge(&stale).reason, REFUSAL_STALE);
    assert_int_equal(judge(&revoked).reason, REFUSAL_REVOKED);
}

static void who_is_in_doubt_may_ask_ca_and_no_more(void **state)
{
    (void)state;
    static const struct {
        enum mlt_err verdict;
        bool revoked, stale;
        enum welcome_result result;
        enum refusal reason;
    } rows[] = {
        { MLT_OK, false, false, WELCOME_RENEW, REFUSAL_NONE },
        { MLT_OK, false, true, WELCOME_RENEW, REFUSAL_NONE },
        { MLT_ERR_CERT_EXPIRED, false, false, WELCOME_RENEW, REFUSAL_NONE },
        { MLT_ERR_CERT_NOT_YET, false, false, WELCOME_REFUSED, REFUSAL_NOT_YET },
        { MLT_OK, true, false, WELCOME_REFUSED, REFUSAL_REVOKED },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct admission_facts facts = { .verdict = rows[i].verdict,
                                               .revoked = rows[i].revoked,
                                               .in_doubt = true,
                                               .stale = rows[i].stale };
        assert_int_equal(judge(&facts).result, rows[i].result);
        assert_int_equal(judge(&facts).reason, rows[i].reason);
    }
}

static void only_what_waits_is_told_how_long(void **state)
{
    (void)state;
    const struct ipc_enrolled stopped = { WELCOME_REFUSED, REFUSAL_STOPPED, 60, { 0 } };
    const struct ipc_enrolled busy = { WELCOME_REFUSED, REFUSAL_BUSY, 60, { 0 } };
    struct welcome w = { 0 };
    struct renewed r = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    admission_enrol(&stopped, now_ms, &w);
    assert_int_equal(w.retry_after_s, 0);
    assert_ok(welcome_encode(&w, &body));
    admission_renew(&stopped, &r);
    assert_int_equal(r.reason, REFUSAL_STOPPED);
    assert_ok(renewed_encode(&r, &body));
    admission_renew(&busy, &r);
    assert_int_equal(r.retry_after_s, 60);
    admission_renew_busy(&r);
    assert_int_equal(r.reason, REFUSAL_BUSY);
    assert_int_equal(r.retry_after_s, LIMIT_RETRY_S);
    assert_ok(renewed_encode(&r, &body));
}

static void an_unforeseen_verdict_lets_nobody_in(void **state)
{
    (void)state;
    assert_int_equal(login(MLT_ERR_CERT_SIGNATURE, false).result, WELCOME_REFUSED);
    assert_int_equal(login(MLT_ERR_NOMEM, false).result, WELCOME_REFUSED);
}

static void what_ca_answers_is_passed_on(void **state)
{
    (void)state;
    const struct ipc_enrolled answer = { .result = WELCOME_ISSUED,
                                         .certificate = span_str("certificate") };
    const struct ipc_enrolled pending = { .result = WELCOME_PENDING, .retry_after_s = 10 };
    struct welcome w = { 0 };
    admission_enrol(&answer, now_ms, &w);
    assert_int_equal(w.result, WELCOME_ISSUED);
    assert_span_equal(w.certificate, span_str("certificate"));
    admission_enrol(&pending, now_ms, &w);
    assert_int_equal(w.result, WELCOME_PENDING);
    assert_int_equal(w.retry_after_s, 10);
    assert_int_equal(w.certificate.n, 0);
}

static void without_ca_an_enrolment_is_told_busy(void **state)
{
    (void)state;
    struct welcome w = { 0 };
    admission_busy(now_ms, &w);
    assert_int_equal(w.result, WELCOME_REFUSED);
    assert_int_equal(w.reason, REFUSAL_BUSY);
    assert_int_equal(w.retry_after_s, LIMIT_RETRY_S);
}

static void only_receive_logins_replace_each_other(void **state)
{
    (void)state;
    assert_true(admission_replaces(CLIENT_AUTH_RECEIVE, CLIENT_AUTH_RECEIVE));
    assert_false(admission_replaces(CLIENT_AUTH_SEND, CLIENT_AUTH_RECEIVE));
    assert_false(admission_replaces(CLIENT_AUTH_RECEIVE, CLIENT_AUTH_SEND));
    assert_false(admission_replaces(CLIENT_AUTH_SEND, CLIENT_AUTH_SEND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_certificate_is_let_in),
        cmocka_unit_test(what_is_wrong_with_a_certificate_is_told),
        cmocka_unit_test(an_expired_certificate_may_be_renewed_and_no_more),
        cmocka_unit_test(of_a_stale_list_the_older_certificates_are_refused_and_told_why),
        cmocka_unit_test(who_is_in_doubt_may_ask_ca_and_no_more),
        cmocka_unit_test(only_what_waits_is_told_how_long),
        cmocka_unit_test(an_unforeseen_verdict_lets_nobody_in),
        cmocka_unit_test(what_ca_answers_is_passed_on),
        cmocka_unit_test(without_ca_an_enrolment_is_told_busy),
        cmocka_unit_test(only_receive_logins_replace_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
