/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "ipc/messages.h"
#include "papers.h"
#include "rig.h"

/* Time in the net process: certificates by its wall clock, sessions by the one that only goes on.
 */

static const int64_t hour_s = 3600;
static const int64_t day_s = 86400;
static const int64_t year_s = 365 * INT64_C(86400);

static void welcome(struct rig_client *c, struct rig *rig, int64_t from_s, int64_t until_s)
{
    rig_prepare(c, rig, CLIENT_AUTH_SEND);
    rig_hold_certificate(c, from_s, until_s);
    rig_ask(c);
    rig_get_welcome(c);
}

static void our_certificate_is_renewed_at_half_its_life_and_no_session_ends(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client early;
    CLEANUP(rig_client_clear) struct rig_client late = { .fd = -1 };
    rig_start_serving(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    rig_pass(11 * hour_s, 61);
    rig_ping(&maria);
    rig_pass(hour_s, 0);
    rig_hear_ca(&rig, IPC_SERVER_REQUEST); /* its new key is made */
    rig_prepare(&early, &rig, CLIENT_AUTH_SEND);
    rig_hold_certificate(&early, rig_now_s() - 300, rig_now_s() + day_s);
    assert_true(rig_read_more(&early)); /* its handshake has begun under the old one */
    rig_hold();
    rig_certify_heard(&rig, NULL);
    rig_ping(&maria);
    do {
        rig_client_clear(&late);
        rig_log_in(&late, &rig, CLIENT_AUTH_SEND);
    } while (span_eq(SPAN_OF(late.server.spki_hash), SPAN_OF(maria.server.spki_hash)));
    rig_ask(&early);
    rig_get_welcome(&early);
    assert_span_equal(SPAN_OF(early.server.spki_hash), SPAN_OF(maria.server.spki_hash));
    rig_ping(&maria);
    rig_ping(&early);
}

static void without_ca_the_old_certificate_stays_in_use(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client late;
    rig_start_serving(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    channel_close(&rig.ca);
    rig_pass(13 * hour_s, 61);
    rig_ping(&maria);
    rig_log_in(&late, &rig, CLIENT_AUTH_SEND);
    assert_span_equal(SPAN_OF(late.server.spki_hash), SPAN_OF(maria.server.spki_hash));
}

/* Where stderr goes from now on, so that a net that is started then can be read. */
struct heard {
    int file, kept;
};

static void listen_to_stderr(struct heard *h)
{
    char path[] = "/tmp/malote-log-XXXXXX";
    h->file = mkstemp(path);
    h->kept = dup(STDERR_FILENO);
    assert_true(h->file >= 0 && h->kept >= 0);
    unlink(path);
    assert_int_equal(dup2(h->file, STDERR_FILENO), STDERR_FILENO);
}

static void stop_listening(struct heard *h)
{
    assert_int_equal(dup2(h->kept, STDERR_FILENO), STDERR_FILENO);
    close(h->kept);
    close(h->file);
}

static unsigned count_heard(const struct heard *h, const char *text)
{
    static char said[1 << 20];
    ssize_t n = pread(h->file, said, sizeof(said) - 1, 0);
    unsigned count = 0;
    assert_true(n >= 0);
    said[n] = '\0';
    for (const char *at = said; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void must_say(const struct heard *h, const char *text, unsigned times)
{
    for (int i = 0; i < rig_patience_ms / 20 && count_heard(h, text) < times; i++)
        poll(NULL, 0, 20);
    assert_int_equal(count_heard(h, text), times);
}

/* Clients would be the first to notice its end, and all at once. */
static void that_it_could_not_be_renewed_is_said_every_hour_and_its_end(void **state)
{
    (void)state;
    static const char before[] = "on NOBODY CAN LOG IN", after[] = "one: NOBODY CAN LOG IN";
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(stop_listening) struct heard net;
    listen_to_stderr(&net);
    rig_start_serving(&rig);
    channel_close(&rig.ca);
    rig_hold();
    rig_pass(12 * hour_s, 1); /* a moment after half its life: there are other tries */
    poll(NULL, 0, 600);       /* two of its ticks */
    assert_int_equal(count_heard(&net, "NOBODY"), 0);
    rig_pass(300, 300);
    must_say(&net, before, 1);
    rig_pass(hour_s, hour_s);
    must_say(&net, before, 2);
    rig_pass(11 * hour_s, hour_s);
    must_say(&net, after, 1);
    assert_int_equal(count_heard(&net, before), 2);
}

static void one_that_was_renewed_is_not_spoken_of(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(stop_listening) struct heard net;
    listen_to_stderr(&net);
    rig_start_serving(&rig);
    rig_pass(12 * hour_s, 61);
    rig_hear_ca(&rig, IPC_SERVER_REQUEST);
    rig_pass(300, 300);
    must_say(&net, "NOBODY", 1);
    rig_certify_heard(&rig, NULL);
    must_say(&net, "certificate of this key is in use", 2);
    rig_pass(0, hour_s);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    assert_int_equal(count_heard(&net, "NOBODY"), 1);
}

/* Row 25. */
static void a25_a_clock_that_jumps_ends_no_session(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client later;
    CLEANUP(rig_client_clear) struct rig_client earlier;
    rig_start_serving(&rig);
    welcome(&maria, &rig, rig_now_s() - 300, rig_now_s() + day_s);
    rig_pass(10 * year_s, 1);
    rig_ping(&maria);
    welcome(&later, &rig, rig_now_s() - 300, rig_now_s() + day_s);
    assert_int_equal(later.welcome.result, WELCOME_RENEW);
    rig_pass(-20 * year_s, 1);
    rig_ping(&maria);
    welcome(&earlier, &rig, rig_now_s() - 300, rig_now_s() + day_s);
    assert_int_equal(earlier.welcome.result, WELCOME_REFUSED);
    assert_int_equal(earlier.welcome.reason, REFUSAL_NOT_YET);
    rig_ping(&maria);
}

/* Row 25.  Behind a client's certificate as behind the server's: PROTOCOL.md 11.6. */
static void a25_whose_certificate_begins_within_the_hour_is_let_in(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client beyond;
    CLEANUP(rig_client_clear) struct rig_client ended;
    rig_start_serving(&rig);
    int64_t behind_s = LIMIT_CLOCK_SLACK_S - LIMIT_BACKDATE_S;
    welcome(&maria, &rig, rig_now_s() + behind_s - 60, rig_now_s() + day_s);
    assert_int_equal(maria.welcome.result, WELCOME_LOGGED_IN);
    rig_ping(&maria);
    welcome(&beyond, &rig, rig_now_s() + behind_s + 60, rig_now_s() + day_s);
    assert_int_equal(beyond.welcome.result, WELCOME_REFUSED);
    assert_int_equal(beyond.welcome.reason, REFUSAL_NOT_YET);
    welcome(&ended, &rig, rig_now_s() - day_s, rig_now_s() - 1);
    assert_int_equal(ended.welcome.result, WELCOME_RENEW);
}

static void a25_a_session_that_began_under_a_wrong_clock_lasts_as_long(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving(&rig);
    welcome(&maria, &rig, rig_now_s() - 300, rig_now_s() + 60);
    assert_int_equal(maria.welcome.result, WELCOME_LOGGED_IN);
    rig_hold();
    rig_pass(-year_s, 30);
    rig_ping(&maria);
    rig_pass(0, 31);
    rig_must_close(&maria, CLOSE_EXPIRED);
}

static void a_list_that_grows_stale_is_refused_by_from_then_on(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client old;
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct buf body = { 0 };
    const struct papers_list list = { .number = 1,
                                      .this_update_s = rig_now_s(),
                                      .next_update_s = rig_now_s() + 7 * day_s };
    rig_start_serving(&rig);
    papers_crl(&list, &der);
    const struct ipc_crl_part part = { 1, 0, (uint32_t)der.len, buf_span(&der) };
    assert_ok(ipc_crl_part_encode(&part, &body));
    rig_tell(&rig, IPC_CRL_PART, 0, &body);
    rig_hear_ca(&rig, IPC_CRL_TAKEN);
    int64_t before_s = list.this_update_s - LIMIT_BACKDATE_S - hour_s;
    welcome(&maria, &rig, before_s, rig_now_s() + 30 * day_s);
    assert_int_equal(maria.welcome.result, WELCOME_LOGGED_IN);
    rig_pass(7 * day_s + 60, 1);
    welcome(&old, &rig, before_s, rig_now_s() + 30 * day_s);
    assert_int_equal(old.welcome.reason, REFUSAL_STALE);
    rig_ping(&maria);
}

static void whoever_came_in_the_same_minute_is_in_one_report(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client joao;
    CLEANUP(rig_client_clear) struct rig_client again;
    CLEANUP(rig_client_clear) struct rig_client third;
    struct ipc_seen seen = { 0 };
    struct name name;
    rig_start_serving(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    do {
        assert_true(rig_hear(&rig, &rig.ca, rig_patience_ms));
    } while (rig.message.type != IPC_SEEN);
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_SEND);
    rig_log_in(&again, &rig, CLIENT_AUTH_SEND);
    rig_log_in(&third, &rig, CLIENT_AUTH_SEND);
    rig_pass(0, 61);
    do {
        assert_true(rig_hear(&rig, &rig.ca, rig_patience_ms));
    } while (rig.message.type != IPC_SEEN);
    assert_ok(ipc_seen_decode(rig.message.body, &seen));
    assert_ok(ipc_seen_next(&seen.names, &name));
    assert_string_equal(name.text, "joao");
    assert_ok(ipc_seen_next(&seen.names, &name));
    assert_string_equal(name.text, "maria");
    assert_err(ipc_seen_next(&seen.names, &name), MLT_ERR_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_certificate_is_renewed_at_half_its_life_and_no_session_ends),
        cmocka_unit_test(without_ca_the_old_certificate_stays_in_use),
        cmocka_unit_test(that_it_could_not_be_renewed_is_said_every_hour_and_its_end),
        cmocka_unit_test(one_that_was_renewed_is_not_spoken_of),
        cmocka_unit_test(a25_a_clock_that_jumps_ends_no_session),
        cmocka_unit_test(a25_whose_certificate_begins_within_the_hour_is_let_in),
        cmocka_unit_test(a25_a_session_that_began_under_a_wrong_clock_lasts_as_long),
        cmocka_unit_test(a_list_that_grows_stale_is_refused_by_from_then_on),
        cmocka_unit_test(whoever_came_in_the_same_minute_is_in_one_report),
    };
    return cmocka_run_group_tests(tests, rig_quiet, NULL);
}
