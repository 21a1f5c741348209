/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/limits.h"
#include "ipc/messages.h"
#include "rig.h"

/* The net process: who gets in, who makes room, what ca says, the end. */

static void revoke_cert(struct rig *rig, const struct cert *cert)
{
    struct buf body = { 0 };
    struct ipc_revoked revoked = { .name = cert->fields.name };
    memcpy(revoked.serial, cert->fields.serial, CERT_SERIAL);
    memcpy(revoked.spki_hash, cert->spki_hash, HASH_LEN);
    assert_ok(ipc_revoked_encode(&revoked, &body));
    rig_tell(rig, IPC_REVOKED, 0, &body);
}

/* ---- logins ---- */

static void a_revoked_session_ends_at_once(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_RECEIVE);
    CLEANUP(cert_clear) struct cert cert = { 0 };
    assert_ok(cert_read_leaf(buf_span(&maria.certificate), &pair_house()->ca, CERT_CLIENT,
                             rig_now_s(), &cert));
    rig_hold();
    revoke_cert(&rig, &cert);
    rig_must_close(&maria, CLOSE_REVOKED); /* though no time passes */

    /* And nobody comes back with it. */
    CLEANUP(rig_client_clear) struct rig_client again;
    rig_prepare(&again, &rig, CLIENT_AUTH_RECEIVE);
    assert_ok(buf_put(&again.certificate, buf_span(&maria.certificate)));
    again.config.certificate = buf_span(&again.certificate);
    rig_must_be_refused(&again, REFUSAL_REVOKED);
    rig_must_close(&again, CLOSE_DONE);
}

static void a_session_ends_when_its_certificate_expires(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving(&rig);
    rig_prepare(&maria, &rig, CLIENT_AUTH_RECEIVE);
    rig_hold_certificate(&maria, rig_now_s() - 300, rig_now_s() + 30);
    rig_ask(&maria);
    rig_get_welcome(&maria);
    assert_int_equal(maria.welcome.result, WELCOME_LOGGED_IN);
    rig_pass(31, 31);
    rig_must_close(&maria, CLOSE_EXPIRED);
}

static void the_older_receive_login_is_told_that_it_was_replaced(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client older;
    CLEANUP(rig_client_clear) struct rig_client newer;
    rig_start_serving(&rig);
    rig_log_in(&older, &rig, CLIENT_AUTH_RECEIVE);
    rig_log_in(&newer, &rig, CLIENT_AUTH_RECEIVE);
    rig_must_close(&older, CLOSE_REPLACED);
    rig_ping(&newer);
}

static void a_record_only_the_server_sends_ends_the_session(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    const uint8_t outcome[19] = { 0 };
    assert_ok(session_seal(&maria.session, RECORD_OUTCOME, SPAN_OF(outcome), &maria.out));
    rig_flush(&maria);
    rig_must_fail(&maria, ALERT_PROTOCOL);
}

static void a_name_gets_so_many_sessions_and_others_still_get_in(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    static struct rig_client sessions[LIMIT_SESSIONS_OF_ONE];
    CLEANUP(rig_client_clear) struct rig_client one_more;
    CLEANUP(rig_client_clear) struct rig_client joao;
    rig_start_serving(&rig);
    for (size_t i = 0; i < COUNT_OF(sessions); i++)
        rig_log_in(&sessions[i], &rig, CLIENT_AUTH_SEND);
    rig_prepare(&one_more, &rig, CLIENT_AUTH_SEND);
    rig_hold_certificate(&one_more, rig_now_s() - 300, rig_now_s() + 86400);
    rig_must_be_refused(&one_more, REFUSAL_BUSY);
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_SEND);
    for (size_t i = 0; i < COUNT_OF(sessions); i++)
        rig_client_clear(&sessions[i]);
}

static int closed_by_net(const int *fds, size_t count)
{
    int closed = 0;
    uint8_t hello[2048];
    for (size_t i = 0; i < count; i++) {
        ssize_t n = 1;
        while (n > 0)
            n = recv(fds[i], hello, sizeof(hello), MSG_DONTWAIT);
        closed += n == 0 || errno == ECONNRESET;
    }
    return closed;
}

/* Row 26: the strangers beyond the bound make room, the oldest first. */
static void a26_silent_strangers_keep_nobody_out(void **state)
{
    (void)state;
    static int strangers[LIMIT_HALF_OPEN + 100];
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 2 * COUNT_OF(strangers))
        skip();
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving(&rig);
    rig_hold(); /* or the strangers would be out of time by themselves */
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        strangers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(
            connect(strangers[i], (struct sockaddr *)&rig.address, sizeof(rig.address)), 0);
    }
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    assert_true(closed_by_net(strangers, 50) == 50);
    assert_true(closed_by_net(strangers + COUNT_OF(strangers) - 50, 50) == 0);
    for (size_t i = 0; i < COUNT_OF(strangers); i++)
        file_close(&strangers[i]);
}

static int stranger_from(const struct rig *rig, const char *address)
{
    struct sockaddr_in from = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&rig->address, sizeof(rig->address)), 0);
    return fd;
}

/* Row 27: a host that opens connections without end, against one slow stranger from elsewhere. */
static void a26_one_address_crowds_out_only_itself(void **state)
{
    (void)state;
    static int flood[LIMIT_HALF_OPEN_OF_ONE + 50];
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving(&rig);
    rig_hold();
    int slow = stranger_from(&rig, "127.0.0.2");
    for (size_t i = 0; i < COUNT_OF(flood); i++)
        flood[i] = stranger_from(&rig, "127.0.0.3");
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    assert_int_equal(closed_by_net(flood, 50), 50);
    assert_int_equal(closed_by_net(flood + 50, COUNT_OF(flood) - 50), 0);
    assert_int_equal(closed_by_net(&slow, 1), 0);
    for (size_t i = 0; i < COUNT_OF(flood); i++)
        file_close(&flood[i]);
    file_close(&slow);
}

static void a26_whoever_talks_ahead_too_much_is_ended(void **state)
{
    (void)state;
    static const uint8_t junk[4 * LIMIT_EARLY];
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving(&rig);
    rig_prepare(&maria, &rig, CLIENT_AUTH_SEND);
    rig_hold_certificate(&maria, rig_now_s() - 300, rig_now_s() + 86400);
    assert_ok(hs_client_new(&maria.config, &maria.hs));
    while (hs_want(maria.hs) != HS_WANT_EPHEMERAL)
        rig_step(&maria);
    hs_work(maria.hs);
    assert_ok(hs_worked(maria.hs, &maria.out));
    assert_ok(buf_put(&maria.out, SPAN_OF(junk)));
    rig_flush(&maria);
    /* The end comes instead of ServerAuth, whose header would be the first byte 3. */
    buf_reset(&maria.in);
    while (rig_read_more(&maria))
        continue;
    assert_true(maria.in.len == 0 || maria.in.p[0] != 3);
    assert_int_equal(closed_by_net(&maria.fd, 1), 1);
}

/* Row 34: every descriptor taken by strangers of several addresses; they make room one by one. */
static void a34_a_full_table_makes_room_for_whoever_comes_next(void **state)
{
    (void)state;
    static int strangers[600];
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    const struct rig_options few = { .most_files = 300 }; /* 225 connections */
    rig_start_serving_as(&rig, &few);
    rig_hold();
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        char address[16];
        snprintf(address, sizeof(address), "127.0.1.%zu", i % 5 + 1);
        strangers[i] = stranger_from(&rig, address);
    }
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    assert_int_equal(closed_by_net(strangers, 300), 300);
    /* And once more, with sessions among them. */
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        file_close(&strangers[i]);
        strangers[i] = stranger_from(&rig, "127.0.2.1");
    }
    CLEANUP(rig_client_clear) struct rig_client again;
    rig_log_in(&again, &rig, CLIENT_AUTH_SEND);
    for (size_t i = 0; i < COUNT_OF(strangers); i++)
        file_close(&strangers[i]);
}

/* ---- enrolments and ca ---- */

static void an_enrolment_goes_to_ca_and_its_answer_back(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving(&rig);
    rig_prepare(&maria, &rig, CLIENT_AUTH_ENROL);
    rig_ask(&maria);
    rig_hear_ca(&rig, IPC_ENROL);
    struct ipc_enrol enrol = { 0 };
    assert_ok(ipc_enrol_decode(rig.message.body, &enrol));
    assert_string_equal(enrol.name.text, "maria");
    assert_false(enrol.has_invite);
    const struct ipc_enrolled answer = { .result = WELCOME_PENDING, .retry_after_s = 10 };
    struct buf body = { 0 };
    assert_ok(ipc_enrolled_encode(&answer, &body));
    rig_tell(&rig, IPC_ENROLLED, rig.message.tag, &body);
    rig_get_welcome(&maria);
    assert_int_equal(maria.welcome.result, WELCOME_PENDING);
    assert_int_equal(maria.welcome.retry_after_s, 10);
    rig_must_close(&maria, CLOSE_DONE);
}

static void an_enrolment_under_way_is_told_busy_when_ca_dies(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving(&rig);
    rig_prepare(&maria, &rig, CLIENT_AUTH_ENROL);
    rig_ask(&maria);
    rig_hear_ca(&rig, IPC_ENROL);
    channel_close(&rig.ca);
    rig_get_welcome(&maria);
    assert_int_equal(maria.welcome.result, WELCOME_REFUSED);
    assert_int_equal(maria.welcome.reason, REFUSAL_BUSY);
}

static void without_ca_logins_work_and_enrolments_are_told_busy(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client newcomer;
    rig_start_serving(&rig);
    channel_close(&rig.ca);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    rig_prepare(&newcomer, &rig, CLIENT_AUTH_ENROL);
    rig_must_be_refused(&newcomer, REFUSAL_BUSY);
}

static void a_bad_message_from_ca_drops_that_channel_and_nothing_else(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving(&rig);
    const struct ipc_enrolled unasked = { .result = WELCOME_PENDING };
    struct buf body = { 0 };
    assert_ok(ipc_enrolled_encode(&unasked, &body));
    rig_tell(&rig, IPC_ENROLLED, 7, &body);
    assert_true(rig_is_dropped(&rig.ca));
    assert_true(rig_hear(&rig, &rig.parent, rig_patience_ms));
    assert_int_equal(rig.message.type, IPC_PEER_LOST);
    struct ipc_peer_lost lost = { false };
    assert_ok(ipc_peer_lost_decode(rig.message.body, &lost));
    assert_true(lost.misbehaved);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    /* A new pair works again. */
    rig_introduce(&rig);
    rig_synchronise(&rig);
    CLEANUP(rig_client_clear) struct rig_client newcomer;
    rig_prepare(&newcomer, &rig, CLIENT_AUTH_ENROL);
    rig_ask(&newcomer);
    rig_hear_ca(&rig, IPC_ENROL);
}

static void a_certificate_for_another_key_is_not_used(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    rig_start(&rig);
    rig_synchronise(&rig);
    rig_certify(&rig, pair_house()->other_key);
    assert_false(rig_hear(&rig, &rig.parent, 500));
}

/* ---- the end ---- */

static void stopping_is_told_to_everybody(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_RECEIVE);
    assert_ok(channel_send(&rig.parent, IPC_STOP, 0, span_str("")));
    rig_must_close(&maria, CLOSE_SHUTDOWN);
    file_close(&maria.fd);
    assert_int_equal(rig_status(&rig), 0);
}

static void net_ends_with_its_parent(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    rig_start_serving(&rig);
    channel_close(&rig.parent);
    assert_int_equal(rig_status(&rig), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revoked_session_ends_at_once),
        cmocka_unit_test(a_session_ends_when_its_certificate_expires),
        cmocka_unit_test(the_older_receive_login_is_told_that_it_was_replaced),
        cmocka_unit_test(a_record_only_the_server_sends_ends_the_session),
        cmocka_unit_test(a_name_gets_so_many_sessions_and_others_still_get_in),
        cmocka_unit_test(a26_one_address_crowds_out_only_itself),
        cmocka_unit_test(a26_whoever_talks_ahead_too_much_is_ended),
        cmocka_unit_test(a26_silent_strangers_keep_nobody_out),
        cmocka_unit_test(a34_a_full_table_makes_room_for_whoever_comes_next),
        cmocka_unit_test(an_enrolment_goes_to_ca_and_its_answer_back),
        cmocka_unit_test(an_enrolment_under_way_is_told_busy_when_ca_dies),
        cmocka_unit_test(without_ca_logins_work_and_enrolments_are_told_busy),
        cmocka_unit_test(a_bad_message_from_ca_drops_that_channel_and_nothing_else),
        cmocka_unit_test(a_certificate_for_another_key_is_not_used),
        cmocka_unit_test(stopping_is_told_to_everybody),
        cmocka_unit_test(net_ends_with_its_parent),
    };
    return cmocka_run_group_tests(tests, rig_quiet, NULL);
}
