/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "ipc/messages.h"
#include "relay/net.h"
#include "rig.h"

/* The net process with its mailboxes: what is stored, opened, drained, and what is said of it. */

static void start(struct rig *rig)
{
    rig_start_serving(rig);
    rig_start_ca(rig);
}

static void send_small(struct rig_client *c, uint64_t number)
{
    rig_send(c, &(struct rig_message) { .to = "joao", .number = number, .size = 100 });
}

/* `count` messages of maria to joao, who is away. */
static void store_from(struct rig_client *maria, unsigned count)
{
    for (unsigned i = 1; i <= count; i++)
        send_small(maria, i);
    for (unsigned i = 1; i <= count; i++)
        rig_must_hear(maria, i, OUTCOME_STORED);
}

/* More than one session may have under way. */
static void store_windows(struct rig_client *maria, unsigned count, size_t size)
{
    for (unsigned i = 1; i <= count; i++) {
        rig_send(maria, &(struct rig_message) { .to = "joao", .number = i, .size = size });
        if (i >= LIMIT_SEND_WINDOW)
            rig_must_hear(maria, i + 1 - LIMIT_SEND_WINDOW, OUTCOME_STORED);
    }
    for (unsigned i = count + 2 - LIMIT_SEND_WINDOW; i <= count; i++)
        rig_must_hear(maria, i, OUTCOME_STORED);
}

static void store_some(struct rig *rig, unsigned count)
{
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_log_in(&maria, rig, CLIENT_AUTH_SEND);
    store_from(&maria, count);
}

static void take_all(struct rig_client *c, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) {
        struct envelope e = rig_take_delivery(c);
        assert_int_equal(e.number, i);
        assert_string_equal(e.sender.name.text, "maria");
        assert_int_equal(rig_number(e.id), i);
        rig_confirm(c, &e);
    }
}

static void fetch(struct rig_client *joao, struct rig *rig, unsigned first, unsigned last)
{
    rig_log_in_joao(joao, rig, CLIENT_AUTH_RECEIVE);
    take_all(joao, first, last);
}

static void say_noted(struct rig_client *c, const struct outcome *o)
{
    struct noted noted = { .state = o->state };
    CLEANUP(buf_clear) struct buf record = { 0 };
    memcpy(noted.id, o->id, ENVELOPE_ID);
    assert_ok(noted_encode(&noted, &record));
    assert_ok(session_seal(&c->session, RECORD_NOTED, buf_span(&record), &c->out));
    rig_flush(c);
}

/* ---- stored, and drained ---- */

static void what_is_for_somebody_away_comes_at_his_next_login(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    store_from(&maria, 5);
    fetch(&joao, &rig, 1, 5);
    for (unsigned i = 1; i <= 5; i++) {
        struct outcome o = rig_take_outcome(&maria);
        assert_int_equal(o.state, OUTCOME_DELIVERED);
        assert_true(o.kept);
    }
    /* One segment, one operation of ca's. */
    assert_int_equal(rig.fake->unwraps, 1);
    assert_int_equal(rig.fake->proofs, 1);
    /* And from now on he is live. */
    send_small(&maria, 6);
    take_all(&joao, 6, 6);
    struct outcome live = rig_take_outcome(&maria);
    assert_int_equal(live.state, OUTCOME_DELIVERED);
    assert_false(live.kept);
}

static void what_was_stored_is_there_after_kill_9(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    store_some(&rig, 3);
    rig_restart(&rig);
    fetch(&joao, &rig, 1, 3);
}

/* More than one segment, more than one window. */
static void a_long_mailbox_comes_in_order(void **state)
{
    (void)state;
    static const unsigned count = 2 * LIMIT_SEGMENT + 10;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    store_windows(&maria, count, 100);
    fetch(&joao, &rig, 1, count);
    assert_in_range(rig.fake->unwraps, 3, 4);
}

static void what_is_not_confirmed_comes_again(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    store_some(&rig, 3);
    fetch(&joao, &rig, 1, 1);
    for (unsigned i = 2; i <= 3; i++)
        assert_int_equal(rig_take_delivery(&joao).number, i);
    rig_ping(&joao); /* the receipt was taken */
    rig_client_clear(&joao);
    fetch(&joao, &rig, 2, 3);
}

static void the_second_receive_login_drains_and_the_first_is_told(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client older;
    CLEANUP(rig_client_clear) struct rig_client newer;
    start(&rig);
    store_some(&rig, 3);
    rig_log_in_joao(&older, &rig, CLIENT_AUTH_RECEIVE);
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(rig_take_delivery(&older).number, i);
    rig_log_in_joao(&newer, &rig, CLIENT_AUTH_RECEIVE);
    rig_must_close(&older, CLOSE_REPLACED);
    take_all(&newer, 1, 3);
}

static void a_notice_is_said_at_every_login_until_it_is_noted(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    store_some(&rig, 1);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    rig_ping(&maria);
    fetch(&joao, &rig, 1, 1);
    rig_must_hear(&maria, 1, OUTCOME_DELIVERED);
    rig_client_clear(&joao);
    for (unsigned i = 0; i < 2; i++) {
        rig_client_clear(&maria);
        rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
        struct outcome o = rig_take_outcome(&maria);
        assert_int_equal(o.state, OUTCOME_DELIVERED);
        assert_true(o.kept);
        if (i == 1)
            say_noted(&maria, &o);
    }
    /* The writer does jobs in their order: the notice is gone when this is stored. */
    send_small(&maria, 2);
    rig_must_hear(&maria, 2, OUTCOME_STORED);
    rig_client_clear(&maria);
    rig_restart(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    send_small(&maria, 3);
    rig_must_hear(&maria, 3, OUTCOME_STORED);
}

static void without_mailboxes_whoever_is_away_gets_nothing(void **state)
{
    (void)state;
    const struct rig_options none = { .no_mailboxes = true };
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving_as(&rig, &none);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    send_small(&maria, 1);
    rig_must_hear_refusal(&maria, 1, OUTCOME_REASON_AWAY);
}

static void what_lies_too_long_expires_and_its_sender_is_told(void **state)
{
    (void)state;
    const struct rig_options brief = { .ttl_s = 1 };
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving_as(&rig, &brief);
    rig_start_ca(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    store_from(&maria, 1);
    struct outcome o = rig_take_outcome(&maria);
    assert_int_equal(o.state, OUTCOME_EXPIRED);
    assert_true(o.kept);
}

/* ---- ca ---- */

/* So often, in vain or not. */
static void await_asked(const unsigned *count, unsigned least)
{
    for (int i = 0; i < rig_patience_ms / 10 && *(const volatile unsigned *)count < least; i++)
        poll(NULL, 0, 10);
    assert_in_range(*count, least, 100);
}

static void must_come_again(struct rig_client *joao)
{
    rig_must_close(joao, CLOSE_AGAIN);
    rig_client_clear(joao);
}

static void messages_wait_in_order_for_a_key_that_is_not_made_yet(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    rig.fake->mailbox_err = MLT_ERR_MISSING;
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    for (unsigned i = 1; i <= 3; i++)
        send_small(&maria, i);
    await_asked(&rig.fake->keys_wanted, 2);
    rig.fake->mailbox_err = MLT_OK;
    for (unsigned i = 1; i <= 3; i++)
        rig_must_hear(&maria, i, OUTCOME_STORED);
    fetch(&joao, &rig, 1, 3);
}

static void keys_are_asked_for_again_when_ca_comes_back(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    start(&rig);
    rig_kill_ca(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    send_small(&maria, 1);
    rig_new_ca(&rig);
    rig_must_hear(&maria, 1, OUTCOME_STORED);
}

static void without_a_key_they_are_refused_after_a_while(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    start(&rig);
    rig.fake->mailbox_err = MLT_ERR_MISSING;
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    send_small(&maria, 1);
    send_small(&maria, 2);
    await_asked(&rig.fake->keys_wanted, 2);
    rig_hold();
    rig_pass(0, LIMIT_MAILBOX_KEY_MS / 2000);
    struct pollfd said = { .fd = maria.fd, .events = POLLIN };
    assert_int_equal(poll(&said, 1, 1000), 0);
    rig_pass(0, LIMIT_MAILBOX_KEY_MS / 1000);
    for (unsigned i = 1; i <= 2; i++)
        rig_must_hear_refusal(&maria, i, OUTCOME_REASON_NO_ROOM);
}

static void a_login_that_earned_no_grant_is_asked_to_come_again(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    store_some(&rig, 2);
    rig.fake->grant_err = MLT_ERR_AUTH;
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_RECEIVE);
    must_come_again(&joao);
    rig.fake->grant_err = MLT_OK;
    fetch(&joao, &rig, 1, 2);
}

static void a_login_that_ca_refuses_for_good_is_told_why(void **state)
{
    (void)state;
    static const struct {
        enum mlt_err err;
        enum close_reason reason;
    } rows[] = { { MLT_ERR_CERT_REVOKED, CLOSE_REVOKED },
                 { MLT_ERR_MISSING, CLOSE_REVOKED },
                 { MLT_ERR_CERT_EXPIRED, CLOSE_EXPIRED } };
    CLEANUP(rig_stop) struct rig rig;
    start(&rig);
    store_some(&rig, 1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(rig_client_clear) struct rig_client joao;
        rig.fake->grant_err = rows[i].err;
        rig_log_in_joao(&joao, &rig, CLIENT_AUTH_RECEIVE);
        rig_must_close(&joao, rows[i].reason);
    }
    CLEANUP(rig_client_clear) struct rig_client joao;
    rig.fake->grant_err = MLT_OK;
    fetch(&joao, &rig, 1, 1);
}

/* The next login would fare no better. */
static void a_login_that_ca_refuses_otherwise_is_left_alone_for_a_while(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    store_some(&rig, 1);
    rig.fake->grant_err = MLT_ERR_DATABASE;
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_RECEIVE);
    struct pollfd said = { .fd = joao.fd, .events = POLLIN };
    assert_int_equal(poll(&said, 1, 3 * LIMIT_AGAIN_MS), 0);
    assert_int_equal(rig.fake->proofs, 1);
    rig_ping(&joao);
}

/* Live without ca; once it is there, what lies in the mailbox needs a new login. */
static void a_login_without_ca_is_live_and_asked_to_come_again_when_it_is_there(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    store_some(&rig, 2);
    rig_kill_ca(&rig); /* net hears of it before the first word of a login */
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_RECEIVE);
    rig_ping(&joao);
    rig_new_ca(&rig);
    must_come_again(&joao);
    fetch(&joao, &rig, 1, 2);
}

/* ca has no time for their segment until now. */
static void store_two_not_opened_yet(struct rig *rig, struct rig_client *joao)
{
    store_some(rig, 2);
    rig->fake->unwrap_err = MLT_ERR_TOO_MANY;
    rig_log_in_joao(joao, rig, CLIENT_AUTH_RECEIVE);
    await_asked(&rig->fake->unwraps, 1);
    rig->fake->unwrap_err = MLT_OK;
}

/* The grant is of the ca before: this one calls it void. */
static void a_void_grant_needs_a_new_login(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    store_two_not_opened_yet(&rig, &joao);
    rig.fake->era++;
    must_come_again(&joao);
    fetch(&joao, &rig, 1, 2);
}

static void an_unwrap_is_asked_for_again_when_ca_comes_back(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    store_two_not_opened_yet(&rig, &joao);
    rig.fake->era--; /* a new channel to a ca that knows the grant */
    rig_new_ca(&rig);
    take_all(&joao, 1, 2);
}

static void what_can_never_be_opened_is_sent_again(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    store_from(&maria, 2);
    rig.fake->unwrap_err = MLT_ERR_AUTH;
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_RECEIVE);
    for (unsigned i = 1; i <= 2; i++)
        rig_must_hear(&maria, i, OUTCOME_UNKNOWN);
    for (unsigned i = 1; i <= 2; i++)
        send_small(&maria, i);
    take_all(&joao, 1, 2);
}

static void an_erased_mailbox_is_empty_and_its_senders_are_told(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    start(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    store_from(&maria, 1);
    rig_kill_ca(&rig);
    rig_introduce(&rig);
    rig_synchronise(&rig);
    struct buf body = { 0 };
    const struct ipc_mailbox_name erased = { { "joao" } };
    assert_ok(ipc_mailbox_name_encode(&erased, &body));
    rig_tell(&rig, IPC_MAILBOX_ERASED, 0, &body);
    rig_must_hear_refusal(&maria, 1, OUTCOME_REASON_ERASED);
    /* The next one needs a new key, which is asked for once ca knows that the old mail is gone. */
    send_small(&maria, 2);
    rig_hear_ca(&rig, IPC_MAILBOX_GONE);
    struct ipc_mailbox_name gone;
    assert_ok(ipc_mailbox_name_decode(rig.message.body, &gone));
    assert_string_equal(gone.name.text, "joao");
    const struct ipc_mailbox none_yet = { .err = MLT_ERR_MISSING };
    assert_ok(ipc_mailbox_encode(&none_yet, &body));
    rig_tell(&rig, IPC_MAILBOX, rig.message.tag, &body);
    rig_hear_ca(&rig, IPC_MAILBOX_WANTED);
}

/* ---- slow and stuck ---- */

static size_t resident_kib(const struct rig *rig)
{
    char path[64];
    char line[256];
    size_t kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)rig->pid);
    FILE *status = fopen(path, "re");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtoul(line + 6, NULL, 10);
    fclose(status);
    return kib;
}

/* Row 26: 48 MiB for somebody who reads nothing.  His senders hear "stored", nobody else notices,
 * and when he reads again all of it comes, in order, once. */
static void a26_a_peer_that_never_reads_is_spooled(void **state)
{
    (void)state;
    static const unsigned count = 768;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client joao;
    CLEANUP(rig_client_clear) struct rig_client other;
    start(&rig);
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_RECEIVE);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    rig_log_in(&other, &rig, CLIENT_AUTH_RECEIVE);
    size_t before = resident_kib(&rig);
    store_windows(&maria, count, LIMIT_BODY);
    size_t after = resident_kib(&rig);
    print_message("net: %zu KiB before, %zu KiB with 48 MiB for a stuck receiver\n", before, after);
#ifndef IS_SANITIZED
    /* For one receiver at most twice LIMIT_IN_FLIGHT_BYTES and some, as bodies and as records made
     * of them.  SQLite keeps pages for its two connections, and the allocator what a sender's
     * window took on its way to the disk: as it came, copied, sealed, and as pages. */
    const size_t stuck_most = 2 * LIMIT_IN_FLIGHT_BYTES + 512 * 1024;
    const size_t sqlite_caches = (size_t)2 * 2048 * 1024;
    const size_t on_its_way = (size_t)4 * LIMIT_SEND_WINDOW * LIMIT_BODY;
    assert_in_range(after, 0, before + (stuck_most + sqlite_caches + on_its_way) / 1024);
#endif
    rig_send(&maria, &(struct rig_message) { .to = "maria", .number = 999, .size = 10 });
    struct envelope e = rig_take_delivery(&other);
    assert_int_equal(e.number, 999);
    rig_confirm(&other, &e);
    rig_must_hear(&maria, 999, OUTCOME_DELIVERED);
    take_all(&joao, 1, count);
    for (unsigned i = 1; i <= count; i++)
        rig_must_hear(&maria, i, OUTCOME_DELIVERED);
}

/* One name has so much waiting for the disk, in however many sessions; then he is busy, others are
 * not, and a small message does not slip past the large one before it. */
static void a_flood_is_busy_with_itself_and_stays_in_order(void **state)
{
    (void)state;
    static const unsigned fit =
        LIMIT_STORE_SHARE / (LIMIT_BODY + LIMIT_STORE_QUEUE / LIMIT_STORE_JOBS);
    CLEANUP(rig_stop) struct rig rig;
    static struct rig_client sessions[3];
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    rig.fake->mailbox_err = MLT_ERR_MISSING; /* nothing gets to the disk */
    for (size_t i = 0; i < COUNT_OF(sessions); i++)
        rig_log_in(&sessions[i], &rig, CLIENT_AUTH_SEND);
    for (unsigned i = 0; i < fit; i++) {
        struct rig_client *c = &sessions[i / LIMIT_SEND_WINDOW];
        rig_send(c, &(struct rig_message) { .to = "joao", .number = i + 1, .size = LIMIT_BODY });
        if (i % LIMIT_SEND_WINDOW == LIMIT_SEND_WINDOW - 1 || i == fit - 1)
            rig_ping(c);
    }
    struct rig_client *last = &sessions[2];
    rig_write(last, &(struct rig_message) { .to = "joao", .number = 1000, .size = LIMIT_BODY });
    rig_write(last, &(struct rig_message) { .to = "joao", .number = 1001, .size = 0 });
    /* What goes to somebody else in the same turn is in nobody's way, and fits. */
    rig_write(last, &(struct rig_message) { .to = "maria", .number = 1002, .size = 0 });
    rig_flush(last);
    rig_must_hear_refusal(last, 1000, OUTCOME_REASON_BUSY);
    rig_must_hear_refusal(last, 1001, OUTCOME_REASON_BUSY);
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_SEND);
    rig_send(&joao, &(struct rig_message) { .to = "maria", .number = 1, .size = LIMIT_BODY });
    rig.fake->mailbox_err = MLT_OK;
    rig_must_hear(&joao, 1, OUTCOME_STORED);
    for (unsigned i = 0; i < fit; i++)
        rig_must_hear(&sessions[i / LIMIT_SEND_WINDOW], i + 1, OUTCOME_STORED);
    rig_must_hear(last, 1002, OUTCOME_STORED);
    for (size_t i = 0; i < COUNT_OF(sessions); i++)
        rig_client_clear(&sessions[i]);
}

/* He has it, and has not confirmed it. */
static void forward_one(struct rig *rig, struct rig_client *maria, struct rig_client *joao)
{
    rig_log_in_joao(joao, rig, CLIENT_AUTH_RECEIVE);
    rig_log_in(maria, rig, CLIENT_AUTH_SEND);
    send_small(maria, 1);
    assert_int_equal(rig_take_delivery(joao).number, 1);
}

static void what_was_forwarded_is_kept_when_the_receiver_goes(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    forward_one(&rig, &maria, &joao);
    rig_client_clear(&joao);
    rig_must_hear(&maria, 1, OUTCOME_STORED);
    fetch(&joao, &rig, 1, 1);
    rig_must_hear(&maria, 1, OUTCOME_DELIVERED);
}

static void a_stop_keeps_what_was_forwarded_and_says_so(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client joao;
    start(&rig);
    forward_one(&rig, &maria, &joao);
    assert_ok(channel_send(&rig.parent, IPC_STOP, 0, span_str("")));
    rig_must_hear(&maria, 1, OUTCOME_STORED);
    rig_must_close(&maria, CLOSE_SHUTDOWN);
    rig_must_close(&joao, CLOSE_SHUTDOWN);
    rig_client_clear(&maria);
    rig_client_clear(&joao);
    assert_int_equal(rig_status(&rig), 0);
    rig_restart(&rig);
    fetch(&joao, &rig, 1, 1);
}

static int64_t shown_ms;

static int64_t show_ms(void *ctx)
{
    (void)ctx;
    return shown_ms;
}

/* However often strangers connect, while ca says nothing; but no longer than it is young. */
static void the_last_nonce_is_handed_out_again(void **state)
{
    (void)state;
    static const struct env env = { .mono_ms = show_ms };
    static struct net net = { .env = &env };
    uint8_t nonce[MAILBOX_NONCE];
    struct net_nonces *nonces = &net.mail.nonces;
    assert_false(net_nonce_take(&net, nonce));
    nonces->count = 2;
    nonces->ready[0][0] = 1;
    nonces->ready[1][0] = 2;
    for (int i = 0; i < 3 * LIMIT_NONCES; i++) {
        assert_true(net_nonce_take(&net, nonce));
        assert_int_equal(nonce[0], i == 0 ? 2 : 1);
    }
    shown_ms = LIMIT_NONCE_MS;
    assert_false(net_nonce_take(&net, nonce));
}

static void mail_db_is_closed_to_others(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    struct stat mode = { 0 };
    start(&rig);
    CLEANUP(file_close) int dir = open(rig.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fstatat(dir, "mail.db", &mode, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(mode.st_mode & 07777, 0600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_for_somebody_away_comes_at_his_next_login),
        cmocka_unit_test(what_was_stored_is_there_after_kill_9),
        cmocka_unit_test(a_long_mailbox_comes_in_order),
        cmocka_unit_test(what_is_not_confirmed_comes_again),
        cmocka_unit_test(the_second_receive_login_drains_and_the_first_is_told),
        cmocka_unit_test(a_notice_is_said_at_every_login_until_it_is_noted),
        cmocka_unit_test(without_mailboxes_whoever_is_away_gets_nothing),
        cmocka_unit_test(what_lies_too_long_expires_and_its_sender_is_told),
        cmocka_unit_test(messages_wait_in_order_for_a_key_that_is_not_made_yet),
        cmocka_unit_test(keys_are_asked_for_again_when_ca_comes_back),
        cmocka_unit_test(without_a_key_they_are_refused_after_a_while),
        cmocka_unit_test(a_login_that_earned_no_grant_is_asked_to_come_again),
        cmocka_unit_test(a_login_that_ca_refuses_for_good_is_told_why),
        cmocka_unit_test(a_login_that_ca_refuses_otherwise_is_left_alone_for_a_while),
        cmocka_unit_test(a_login_without_ca_is_live_and_asked_to_come_again_when_it_is_there),
        cmocka_unit_test(a_void_grant_needs_a_new_login),
        cmocka_unit_test(an_unwrap_is_asked_for_again_when_ca_comes_back),
        cmocka_unit_test(what_can_never_be_opened_is_sent_again),
        cmocka_unit_test(an_erased_mailbox_is_empty_and_its_senders_are_told),
        cmocka_unit_test(a26_a_peer_that_never_reads_is_spooled),
        cmocka_unit_test(a_flood_is_busy_with_itself_and_stays_in_order),
        cmocka_unit_test(what_was_forwarded_is_kept_when_the_receiver_goes),
        cmocka_unit_test(a_stop_keeps_what_was_forwarded_and_says_so),
        cmocka_unit_test(the_last_nonce_is_handed_out_again),
        cmocka_unit_test(mail_db_is_closed_to_others),
    };
    return cmocka_run_group_tests(tests, rig_quiet, NULL);
}
