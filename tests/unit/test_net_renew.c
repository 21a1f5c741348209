/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "ipc/messages.h"
#include "papers.h"
#include "pki/statement.h"
#include "rig.h"
#include "wire/renew.h"

/* PROTOCOL.md 11.5, as the net process does it: the test is ca, and the client. */

static const int64_t life_s = 7776000;

static void read_own(const struct rig_client *c, struct cert *cert)
{
    enum mlt_err err = cert_read_leaf(buf_span(&c->certificate), &pair_house()->ca, CERT_CLIENT,
                                      rig_now_s(), cert);
    assert_true(err == MLT_OK || err == MLT_ERR_CERT_EXPIRED);
}

static void ask_with(struct rig_client *c, const uint8_t serial[static CERT_SERIAL])
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct renew renew = { 0 };
    assert_ok(statement_sign_renewal(c->config.key, &pair_house()->ca, serial, &signature));
    memcpy(renew.serial, serial, CERT_SERIAL);
    renew.signature = buf_span(&signature);
    assert_ok(renew_encode(&renew, &body));
    assert_ok(session_seal(&c->session, RECORD_RENEW, buf_span(&body), &c->out));
    rig_flush(c);
}

static void ask(struct rig_client *c)
{
    CLEANUP(cert_clear) struct cert cert = { 0 };
    read_own(c, &cert);
    ask_with(c, cert.fields.serial);
}

/* As ca: what was asked is for this certificate, and signed by its key; which is there as well if
 * it is in doubt. */
static uint32_t hear_renew_of(struct rig *rig, const struct rig_client *c, bool in_doubt)
{
    CLEANUP(cert_clear) struct cert cert = { 0 };
    struct ipc_renew asked = { 0 };
    rig_hear_ca(rig, IPC_RENEW);
    assert_ok(ipc_renew_decode(rig->message.body, &asked));
    read_own(c, &cert);
    assert_span_equal(SPAN_OF(asked.serial), SPAN_OF(cert.fields.serial));
    assert_ok(statement_check_renewal(cert.key, &pair_house()->ca, asked.serial, asked.signature));
    assert_span_equal(asked.certificate, in_doubt ? buf_span(&c->certificate) : span_of(NULL, 0));
    return rig->message.tag;
}

static uint32_t hear_renew(struct rig *rig, const struct rig_client *c)
{
    return hear_renew_of(rig, c, false);
}

static void answer(struct rig *rig, uint32_t tag, const struct ipc_enrolled *m)
{
    struct buf body = { 0 };
    assert_ok(ipc_enrolled_encode(m, &body));
    rig_tell(rig, IPC_RENEWED, tag, &body);
}

static void issue(struct rig *rig, uint32_t tag, struct span der)
{
    const struct ipc_enrolled m = { .result = WELCOME_ISSUED, .certificate = der };
    answer(rig, tag, &m);
}

static struct renewed take_renewed(struct rig_client *c)
{
    struct renewed renewed = { 0 };
    assert_int_equal(rig_next_record(c), RECORD_RENEWED);
    assert_ok(renewed_decode(buf_span(&c->plain), &renewed));
    return renewed;
}

static void must_be_busy(struct rig_client *c)
{
    struct renewed renewed = take_renewed(c);
    assert_int_equal(renewed.result, WELCOME_REFUSED);
    assert_int_equal(renewed.reason, REFUSAL_BUSY);
    assert_int_equal(renewed.retry_after_s, LIMIT_RETRY_S);
}

static void must_be_dropped(struct rig *rig)
{
    struct ipc_peer_lost lost = { false };
    assert_true(rig_is_dropped(&rig->ca));
    assert_true(rig_hear(rig, &rig->parent, rig_patience_ms));
    assert_int_equal(rig->message.type, IPC_PEER_LOST);
    assert_ok(ipc_peer_lost_decode(rig->message.body, &lost));
    assert_true(lost.misbehaved);
}

static void log_in_until(struct rig_client *c, struct rig *rig, int64_t from_s, int64_t until_s)
{
    rig_prepare(c, rig, CLIENT_AUTH_RECEIVE);
    rig_hold_certificate(c, from_s, until_s);
    rig_ask(c);
    rig_get_welcome(c);
}

/* ---- in the session ---- */

static void a_session_goes_on_under_the_new_certificate(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(buf_clear) struct buf der = { 0 };
    rig_start_serving(&rig);
    log_in_until(&maria, &rig, rig_now_s() - 300, rig_now_s() + 30);
    assert_int_equal(maria.welcome.result, WELCOME_LOGGED_IN);
    ask(&maria);
    uint32_t tag = hear_renew(&rig, &maria);
    pair_issue(CERT_CLIENT, "maria", maria.config.key, rig_now_s() - 300, rig_now_s() + life_s,
               &der);
    issue(&rig, tag, buf_span(&der));
    struct renewed renewed = take_renewed(&maria);
    assert_int_equal(renewed.result, WELCOME_ISSUED);
    assert_span_equal(renewed.certificate, buf_span(&der));
    /* The old one would have ended it by now, and is not renewed twice. */
    rig_pass(31, 31);
    assert_false(rig_read_more_within(&maria, 1000));
    rig_ping(&maria);
    buf_clear(&maria.certificate);
    assert_ok(buf_put(&maria.certificate, buf_span(&der)));
    ask(&maria);
    (void)hear_renew(&rig, &maria);
}

static void only_the_sessions_own_certificate_is_renewed(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    static const uint8_t other[CERT_SERIAL] = { 1, 2, 3 };
    ask_with(&maria, other);
    rig_must_fail(&maria, ALERT_PROTOCOL);
}

static void a_second_question_before_the_answer_ends_the_session(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    ask(&maria);
    (void)hear_renew(&rig, &maria);
    ask(&maria);
    rig_must_fail(&maria, ALERT_PROTOCOL);
}

static void what_ca_says_is_passed_on(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    static const enum refusal reasons[] = { REFUSAL_NOT_DUE, REFUSAL_STOPPED, REFUSAL_EXPIRED,
                                            REFUSAL_BUSY };
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        const struct ipc_enrolled m = { WELCOME_REFUSED, reasons[i], 60, { 0 } };
        ask(&maria);
        answer(&rig, hear_renew(&rig, &maria), &m);
        struct renewed renewed = take_renewed(&maria);
        assert_int_equal(renewed.result, WELCOME_REFUSED);
        assert_int_equal(renewed.reason, reasons[i]);
        assert_int_equal(renewed.retry_after_s, reasons[i] == REFUSAL_BUSY ? 60 : 0);
    }
    rig_ping(&maria);
}

static void without_ca_a_renewal_is_told_busy_and_the_session_goes_on(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    /* It dies with the question, */
    ask(&maria);
    (void)hear_renew(&rig, &maria);
    channel_close(&rig.ca);
    must_be_busy(&maria);
    /* and is gone when the next one comes. */
    ask(&maria);
    must_be_busy(&maria);
    rig_ping(&maria);
}

static void a_ca_that_never_answers_is_busy_in_the_end(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    ask(&maria);
    uint32_t tag = hear_renew(&rig, &maria);
    assert_true(rig_read_more_within(&maria, LIMIT_HANDSHAKE_MS + 5000));
    must_be_busy(&maria);
    /* What it says later is for nobody. */
    const struct ipc_enrolled late = { WELCOME_REFUSED, REFUSAL_BUSY, 60, { 0 } };
    answer(&rig, tag, &late);
    rig_ping(&maria);
}

/* ---- a clock that was set back since ca issued it ---- */

/* So far a clock may be behind a notBefore: PROTOCOL.md 11.6. */
static const int64_t behind_s = LIMIT_CLOCK_SLACK_S - LIMIT_BACKDATE_S;

/* As ca: it is asked, so nothing that it said before was held against it. */
static void give_one_that_begins(struct rig *rig, struct rig_client *c, int64_t in_s)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    ask(c);
    pair_issue(CERT_CLIENT, "maria", c->config.key, rig_now_s() + in_s, rig_now_s() + life_s, &der);
    issue(rig, hear_renew(rig, c), buf_span(&der));
}

static void what_begins_within_the_hour_is_good(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    give_one_that_begins(&rig, &maria, behind_s - 60);
    assert_int_equal(take_renewed(&maria).result, WELCOME_ISSUED);
    rig_ping(&maria);
    CLEANUP(rig_client_clear) struct rig_client joao;
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_SEND);
    ask(&joao);
    (void)hear_renew(&rig, &joao);
}

static void what_begins_later_is_told_busy_and_ca_is_not_blamed(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    static const int64_t days_s[] = { 60, 86400, 30 * 86400 };
    for (size_t i = 0; i < COUNT_OF(days_s); i++) {
        give_one_that_begins(&rig, &maria, behind_s + days_s[i]);
        must_be_busy(&maria);
    }
    give_one_that_begins(&rig, &maria, -LIMIT_BACKDATE_S);
    assert_int_equal(take_renewed(&maria).result, WELCOME_ISSUED);
}

static void what_ended_meanwhile_is_told_so_and_ca_is_not_blamed(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    CLEANUP(buf_clear) struct buf der = { 0 };
    ask(&maria);
    pair_issue(CERT_CLIENT, "maria", maria.config.key, rig_now_s() - 86400, rig_now_s() - 1, &der);
    issue(&rig, hear_renew(&rig, &maria), buf_span(&der));
    assert_int_equal(take_renewed(&maria).reason, REFUSAL_EXPIRED);
    give_one_that_begins(&rig, &maria, -LIMIT_BACKDATE_S);
    assert_int_equal(take_renewed(&maria).result, WELCOME_ISSUED);
}

/* ---- a ca that lies ---- */

static void certify_wrongly(const char *name, EVP_PKEY *key, enum cert_role role)
{
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    CLEANUP(buf_clear) struct buf der = { 0 };
    ask(&maria);
    pair_issue(role, name, key, rig_now_s() - 300, rig_now_s() + 86400, &der);
    issue(&rig, hear_renew(&rig, &maria), buf_span(&der));
    must_be_busy(&maria);
    must_be_dropped(&rig);
    rig_ping(&maria);
}

static void a_certificate_of_another_name_key_or_role_goes_to_nobody(void **state)
{
    (void)state;
    certify_wrongly("joao", pair_house()->client_key, CERT_CLIENT);
    certify_wrongly("maria", pair_house()->other_key, CERT_CLIENT);
    certify_wrongly("relay", pair_house()->client_key, CERT_SERVER);
}

static void renewals_do_not_wait_for_approval(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    ask(&maria);
    const struct ipc_enrolled pending = { .result = WELCOME_PENDING, .retry_after_s = 10 };
    answer(&rig, hear_renew(&rig, &maria), &pending);
    must_be_busy(&maria);
    must_be_dropped(&rig);
}

/* ---- with an expired certificate ---- */

static void log_in_expired(struct rig_client *c, struct rig *rig)
{
    log_in_until(c, rig, rig_now_s() - life_s, rig_now_s() - 3600);
    assert_int_equal(c->welcome.result, WELCOME_RENEW);
    assert_int_equal(c->welcome.reason, REFUSAL_NONE);
}

static void an_expired_certificate_is_renewed_and_the_session_ends(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client again;
    CLEANUP(buf_clear) struct buf der = { 0 };
    rig_start_serving(&rig);
    log_in_expired(&maria, &rig);
    ask(&maria);
    uint32_t tag = hear_renew(&rig, &maria);
    pair_issue(CERT_CLIENT, "maria", maria.config.key, rig_now_s() - 300, rig_now_s() + life_s,
               &der);
    issue(&rig, tag, buf_span(&der));
    struct renewed renewed = take_renewed(&maria);
    assert_int_equal(renewed.result, WELCOME_ISSUED);
    assert_span_equal(renewed.certificate, buf_span(&der));
    rig_must_close(&maria, CLOSE_DONE);
    rig_prepare(&again, &rig, CLIENT_AUTH_SEND);
    assert_ok(buf_put(&again.certificate, buf_span(&der)));
    again.config.certificate = buf_span(&again.certificate);
    rig_ask(&again);
    rig_get_welcome(&again);
    assert_int_equal(again.welcome.result, WELCOME_LOGGED_IN);
}

static void an_expired_one_too_gets_what_begins_within_the_hour_or_is_told_busy(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    rig_start_serving(&rig);
    static const int64_t late_s[] = { 60, 0, -60 };
    for (size_t i = 0; i < COUNT_OF(late_s); i++) {
        CLEANUP(rig_client_clear) struct rig_client maria;
        log_in_expired(&maria, &rig);
        give_one_that_begins(&rig, &maria, behind_s + late_s[i]);
        if (late_s[i] > 0)
            must_be_busy(&maria);
        else
            assert_int_equal(take_renewed(&maria).result, WELCOME_ISSUED);
        rig_must_close(&maria, CLOSE_DONE);
    }
}

static void an_expired_certificate_gets_no_other_persons_renewal(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(buf_clear) struct buf der = { 0 };
    rig_start_serving(&rig);
    log_in_expired(&maria, &rig);
    ask(&maria);
    uint32_t tag = hear_renew(&rig, &maria);
    pair_issue(CERT_CLIENT, "joao", maria.config.key, rig_now_s() - 300, rig_now_s() + life_s,
               &der);
    issue(&rig, tag, buf_span(&der));
    must_be_busy(&maria);
    rig_must_close(&maria, CLOSE_DONE);
    must_be_dropped(&rig);
}

static void an_expired_certificate_sends_nothing(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    const struct rig_message oi = { "joao", 1, 10 };
    rig_start_serving(&rig);
    log_in_expired(&maria, &rig);
    rig_ping(&maria);
    rig_send(&maria, &oi);
    rig_must_fail(&maria, ALERT_PROTOCOL);
}

static void an_expired_certificate_that_asks_nothing_is_sent_away(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving(&rig);
    log_in_expired(&maria, &rig);
    assert_true(rig_read_more_within(&maria, LIMIT_HANDSHAKE_MS + 5000));
    rig_must_close(&maria, CLOSE_EXPIRED);
}

static void without_ca_an_expired_certificate_is_told_busy(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving(&rig);
    channel_close(&rig.ca);
    log_in_expired(&maria, &rig);
    ask(&maria);
    must_be_busy(&maria);
    rig_must_close(&maria, CLOSE_DONE);
}

/* ---- with one that the ledger may have lost ---- */

/* The CA's ledger ends a day ago, and was put back a minute ago; in a synchronisation. */
static void doubt(struct rig *rig)
{
    struct buf body = { 0 };
    const struct ipc_epoch epoch = { rig_now_s() - 86400, rig_now_s() - 60 };
    assert_ok(ipc_epoch_encode(&epoch, &body));
    rig_tell(rig, IPC_EPOCH, 0, &body);
}

static void know(struct rig *rig, struct span der)
{
    CLEANUP(cert_clear) struct cert cert = { 0 };
    struct ipc_known known;
    struct buf body = { 0 };
    enum mlt_err err = cert_read_leaf(der, &pair_house()->ca, CERT_CLIENT, rig_now_s(), &cert);
    assert_true(err == MLT_OK || err == MLT_ERR_CERT_EXPIRED);
    memcpy(known.serial, cert.fields.serial, CERT_SERIAL);
    assert_ok(ipc_known_encode(&known, &body));
    rig_tell(rig, IPC_KNOWN, 0, &body);
}

static void start_in_doubt(struct rig *rig)
{
    rig_start(rig);
    rig_say_ca(rig);
    doubt(rig);
    rig_make_ready(rig);
}

/* Issued an hour ago. */
static void log_in_doubted(struct rig_client *c, struct rig *rig, int64_t until_s)
{
    log_in_until(c, rig, rig_now_s() - 3600 - LIMIT_BACKDATE_S, until_s);
    assert_int_equal(c->welcome.result, WELCOME_RENEW);
    assert_int_equal(c->welcome.reason, REFUSAL_NONE);
}

static void come_again(struct rig_client *c, struct rig *rig, struct span der)
{
    rig_prepare(c, rig, CLIENT_AUTH_SEND);
    assert_ok(buf_put(&c->certificate, der));
    c->config.certificate = buf_span(&c->certificate);
    rig_ask(c);
    rig_get_welcome(c);
}

static void who_is_in_doubt_may_only_ask_ca_and_comes_back_once_it_knows(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client again;
    const struct rig_message oi = { "joao", 1, 10 };
    start_in_doubt(&rig);
    log_in_doubted(&maria, &rig, rig_now_s() + 86400);
    ask(&maria);
    uint32_t tag = hear_renew_of(&rig, &maria, true);
    know(&rig, buf_span(&maria.certificate));
    issue(&rig, tag, buf_span(&maria.certificate));
    struct renewed renewed = take_renewed(&maria);
    assert_int_equal(renewed.result, WELCOME_ISSUED);
    assert_span_equal(renewed.certificate, buf_span(&maria.certificate));
    rig_must_close(&maria, CLOSE_DONE);
    come_again(&again, &rig, buf_span(&maria.certificate));
    assert_int_equal(again.welcome.result, WELCOME_LOGGED_IN);
    /* In that session it is renewed like any other. */
    ask(&again);
    (void)hear_renew(&rig, &again);
    rig_client_clear(&maria);
    log_in_doubted(&maria, &rig, rig_now_s() + 86400);
    rig_send(&maria, &oi);
    rig_must_fail(&maria, ALERT_PROTOCOL);
}

static void one_that_is_expired_as_well_is_shown_too_and_renewed(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client again;
    CLEANUP(buf_clear) struct buf der = { 0 };
    start_in_doubt(&rig);
    log_in_doubted(&maria, &rig, rig_now_s() - 10);
    ask(&maria);
    uint32_t tag = hear_renew_of(&rig, &maria, true);
    pair_issue(CERT_CLIENT, "maria", maria.config.key, rig_now_s() - 300, rig_now_s() + life_s,
               &der);
    issue(&rig, tag, buf_span(&der));
    assert_int_equal(take_renewed(&maria).result, WELCOME_ISSUED);
    rig_must_close(&maria, CLOSE_DONE);
    come_again(&again, &rig, buf_span(&der));
    assert_int_equal(again.welcome.result, WELCOME_LOGGED_IN);
}

static void what_ca_refuses_stays_in_doubt(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client again;
    const struct ipc_enrolled no = { WELCOME_REFUSED, REFUSAL_REVOKED, 0, { 0 } };
    start_in_doubt(&rig);
    log_in_doubted(&maria, &rig, rig_now_s() + 86400);
    ask(&maria);
    answer(&rig, hear_renew_of(&rig, &maria, true), &no);
    assert_int_equal(take_renewed(&maria).reason, REFUSAL_REVOKED);
    rig_must_close(&maria, CLOSE_DONE);
    come_again(&again, &rig, buf_span(&maria.certificate));
    assert_int_equal(again.welcome.result, WELCOME_RENEW);
}

/* It says so before, as a ca that is one does. */
static void a_ca_that_gives_out_what_is_in_doubt_still_is_dropped(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    start_in_doubt(&rig);
    log_in_doubted(&maria, &rig, rig_now_s() + 86400);
    ask(&maria);
    issue(&rig, hear_renew_of(&rig, &maria, true), buf_span(&maria.certificate));
    must_be_busy(&maria);
    must_be_dropped(&rig);
}

static void what_is_known_or_of_another_time_is_let_in(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client known;
    CLEANUP(rig_client_clear) struct rig_client later;
    CLEANUP(buf_clear) struct buf der = { 0 };
    rig_start(&rig);
    pair_issue(CERT_CLIENT, "maria", pair_house()->client_key,
               rig_now_s() - 3600 - LIMIT_BACKDATE_S, rig_now_s() + 86400, &der);
    rig_say_ca(&rig);
    doubt(&rig);
    know(&rig, buf_span(&der));
    rig_make_ready(&rig);
    come_again(&known, &rig, buf_span(&der));
    assert_int_equal(known.welcome.result, WELCOME_LOGGED_IN);
    rig_log_in(&later, &rig, CLIENT_AUTH_SEND);
}

static void a_session_that_a_synchronisation_leaves_in_doubt_is_told_to_come_again(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    struct buf none = { 0 };
    rig_start_serving(&rig);
    log_in_until(&maria, &rig, rig_now_s() - 3600 - LIMIT_BACKDATE_S, rig_now_s() + 86400);
    assert_int_equal(maria.welcome.result, WELCOME_LOGGED_IN);
    rig_say_ca(&rig);
    doubt(&rig);
    rig_tell(&rig, IPC_SYNCED, 0, &none);
    rig_must_close(&maria, CLOSE_AGAIN);
}

static void a_time_outside_of_a_synchronisation_ends_the_channel(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    rig_start_serving(&rig);
    doubt(&rig);
    must_be_dropped(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_goes_on_under_the_new_certificate),
        cmocka_unit_test(only_the_sessions_own_certificate_is_renewed),
        cmocka_unit_test(a_second_question_before_the_answer_ends_the_session),
        cmocka_unit_test(what_ca_says_is_passed_on),
        cmocka_unit_test(without_ca_a_renewal_is_told_busy_and_the_session_goes_on),
        cmocka_unit_test(a_ca_that_never_answers_is_busy_in_the_end),
        cmocka_unit_test(what_begins_within_the_hour_is_good),
        cmocka_unit_test(what_begins_later_is_told_busy_and_ca_is_not_blamed),
        cmocka_unit_test(what_ended_meanwhile_is_told_so_and_ca_is_not_blamed),
        cmocka_unit_test(a_certificate_of_another_name_key_or_role_goes_to_nobody),
        cmocka_unit_test(renewals_do_not_wait_for_approval),
        cmocka_unit_test(an_expired_certificate_is_renewed_and_the_session_ends),
        cmocka_unit_test(an_expired_one_too_gets_what_begins_within_the_hour_or_is_told_busy),
        cmocka_unit_test(an_expired_certificate_gets_no_other_persons_renewal),
        cmocka_unit_test(an_expired_certificate_sends_nothing),
        cmocka_unit_test(an_expired_certificate_that_asks_nothing_is_sent_away),
        cmocka_unit_test(without_ca_an_expired_certificate_is_told_busy),
        cmocka_unit_test(who_is_in_doubt_may_only_ask_ca_and_comes_back_once_it_knows),
        cmocka_unit_test(one_that_is_expired_as_well_is_shown_too_and_renewed),
        cmocka_unit_test(what_ca_refuses_stays_in_doubt),
        cmocka_unit_test(a_ca_that_gives_out_what_is_in_doubt_still_is_dropped),
        cmocka_unit_test(what_is_known_or_of_another_time_is_let_in),
        cmocka_unit_test(a_session_that_a_synchronisation_leaves_in_doubt_is_told_to_come_again),
        cmocka_unit_test(a_time_outside_of_a_synchronisation_ends_the_channel),
    };
    return cmocka_run_group_tests(tests, rig_quiet, NULL);
}
