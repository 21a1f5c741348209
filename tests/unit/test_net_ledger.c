/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ipc/messages.h"
#include "papers.h"
#include "rig.h"
#include "wire/ledger_proof.h"

/* The net process as a witness of the ledger: the test is ca, and the clients. */

static const struct papers_ledger five = { .epoch = 100, .size = 5 };
static const struct papers_ledger nine = { .epoch = 100, .size = 9 };
static const struct papers_ledger forked = { .epoch = 100, .size = 9, .salt = 1 };
static const struct papers_ledger short_fork = { .epoch = 100, .size = 5, .salt = 1 };

/* ---- as ca ---- */

static void tell_head(struct rig *rig, const struct papers_ledger *ledger)
{
    struct buf body = { 0 };
    papers_head(ledger, 1000, &body);
    rig_tell(rig, IPC_HEAD, 0, &body);
}

static void hear_shown(struct rig *rig, const struct papers_ledger *ledger)
{
    struct ledger_head shown = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_head expected = { 0 };
    rig_hear_ca(rig, IPC_HEAD_SHOWN);
    assert_ok(ledger_head_decode(rig->message.body, &shown));
    papers_head(ledger, 1000, &bytes);
    assert_ok(ledger_head_decode(buf_span(&bytes), &expected));
    assert_int_equal(shown.epoch, expected.epoch);
    assert_int_equal(shown.size, expected.size);
    assert_span_equal(SPAN_OF(shown.root), SPAN_OF(expected.root));
}

static bool hears_within(struct rig *rig, enum ipc_type type, int ms)
{
    while (rig_hear(rig, &rig->ca, ms))
        if (rig->message.type == type)
            return true;
    return false;
}

/* Answers what is asked with what this ledger says; its tag. */
static void prove_by(struct rig *rig, const struct papers_ledger *ledger)
{
    struct ipc_proof_wanted wanted = { 0 };
    CLEANUP(buf_clear) struct buf hashes = { 0 };
    struct buf body = { 0 };
    rig_hear_ca(rig, IPC_PROOF_WANTED);
    assert_ok(ipc_proof_wanted_decode(rig->message.body, &wanted));
    assert_int_equal(wanted.epoch, ledger->epoch);
    assert_int_equal(wanted.to, ledger->size);
    papers_proof(ledger, wanted.from, &hashes);
    const struct ipc_proof proof = { MLT_OK, buf_span(&hashes) };
    assert_ok(ipc_proof_encode(&proof, &body));
    rig_tell(rig, IPC_PROOF, rig->message.tag, &body);
}

/* ---- as a client ---- */

static void show_head(struct rig_client *c, const struct buf *head)
{
    assert_ok(session_seal(&c->session, RECORD_PROVE, buf_span(head), &c->out));
    rig_flush(c);
}

static void show(struct rig_client *c, const struct papers_ledger *ledger)
{
    CLEANUP(buf_clear) struct buf head = { 0 };
    papers_head(ledger, 1000, &head);
    show_head(c, &head);
}

static struct ledger_proof take_proof(struct rig_client *c)
{
    struct ledger_proof proof = { 0 };
    assert_int_equal(rig_next_record(c), RECORD_PROOF);
    assert_ok(ledger_proof_decode(buf_span(&c->plain), &proof));
    return proof;
}

static void must_be_told(struct rig_client *c, enum proof_result result)
{
    assert_int_equal(take_proof(c).result, result);
}

/* That the newest head is this ledger's, and continues the first `from` leaves of it. */
static void must_be_proven(struct rig_client *c, const struct papers_ledger *ledger, uint64_t from)
{
    CLEANUP(buf_clear) struct buf hashes = { 0 };
    struct ledger_head head = { 0 };
    struct ledger_proof proof = take_proof(c);
    assert_int_equal(proof.result, PROOF_PROVEN);
    assert_ok(ledger_head_decode(proof.head, &head));
    assert_int_equal(head.size, ledger->size);
    if (from < ledger->size)
        papers_proof(ledger, from, &hashes);
    assert_span_equal(proof.hashes, buf_span(&hashes));
}

static uint64_t welcomed_size(const struct rig_client *c)
{
    struct ledger_head head = { 0 };
    if (c->welcome.ledger_head.n == 0)
        return 0;
    assert_ok(ledger_head_decode(c->welcome.ledger_head, &head));
    return head.size;
}

/* How large the ledger is that a login is told of. */
static uint64_t size_told(struct rig *rig)
{
    CLEANUP(rig_client_clear) struct rig_client c;
    rig_log_in(&c, rig, CLIENT_AUTH_SEND);
    return welcomed_size(&c);
}

/* ... until whoever comes is told of it. */
static void say_head(struct rig *rig, const struct papers_ledger *ledger)
{
    tell_head(rig, ledger);
    for (int i = 0; size_told(rig) != ledger->size; i++)
        assert_in_range(i, 0, 100);
}

/* ---- heads ---- */

static void welcome_carries_the_newest_head(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    rig_start_serving(&rig);
    assert_int_equal(size_told(&rig), 0);
    say_head(&rig, &five);
    assert_int_equal(size_told(&rig), 5);
    say_head(&rig, &nine);
    assert_int_equal(size_told(&rig), 9);
}

static void a_ca_that_goes_back_is_shown_what_it_signed(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    rig_start_serving(&rig);
    say_head(&rig, &nine);
    tell_head(&rig, &five);
    hear_shown(&rig, &nine);
    tell_head(&rig, &forked);
    assert_false(hears_within(&rig, IPC_HEAD_SHOWN, 300)); /* once is enough */
    assert_int_equal(size_told(&rig), 9);
    /* A later epoch may be shorter: that one was opened by hand. */
    say_head(&rig, &(struct papers_ledger) { .epoch = 200, .base = 3, .size = 4 });
    assert_int_equal(size_told(&rig), 4);
}

static void a_fork_of_the_same_size_is_shown_too(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    rig_start_serving(&rig);
    say_head(&rig, &nine);
    tell_head(&rig, &forked);
    hear_shown(&rig, &nine);
}

static void a_head_of_another_hand_drops_the_channel(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    struct buf body = { 0 };
    rig_start_serving(&rig);
    papers_head(&five, 1000, &body);
    body.p[30] ^= 1;
    rig_tell(&rig, IPC_HEAD, 0, &body);
    assert_true(rig_is_dropped(&rig.ca));
    assert_int_equal(size_told(&rig), 0);
}

static bool is_kept(const struct rig *rig)
{
    struct stat st;
    char path[128];
    snprintf(path, sizeof(path), "%s/head", rig->dir);
    return stat(path, &st) == 0;
}

static void await_kept(const struct rig *rig)
{
    for (int i = 0; i < rig_patience_ms / 10 && !is_kept(rig); i++)
        poll(NULL, 0, 10);
    assert_true(is_kept(rig));
}

static void serve_again(struct rig *rig, const struct papers_ledger *ledger)
{
    rig_kill_net(rig);
    rig_start_again(rig);
    rig_say_ca(rig);
    tell_head(rig, ledger);
}

static void the_head_outlives_the_process(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    rig_start_serving(&rig);
    say_head(&rig, &nine);
    await_kept(&rig);
    serve_again(&rig, &five);
    hear_shown(&rig, &nine);
    rig_make_ready(&rig);
    assert_int_equal(size_told(&rig), 9);
}

static void a_damaged_head_is_said_and_replaced(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    char path[128];
    rig_start_serving(&rig);
    say_head(&rig, &nine);
    await_kept(&rig);
    snprintf(path, sizeof(path), "%s/head", rig.dir);
    assert_int_equal(truncate(path, 100), 0);
    serve_again(&rig, &five);
    rig_make_ready(&rig);
    assert_int_equal(size_told(&rig), 5);
}

/* ---- PROVE ---- */

static void what_ca_proves_is_passed_on_and_remembered(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    show(&maria, &five);
    must_be_told(&maria, PROOF_BUSY); /* there is no head yet */
    say_head(&rig, &nine);
    show(&maria, &five);
    prove_by(&rig, &nine);
    must_be_proven(&maria, &nine, 5);
    show(&maria, &nine);
    must_be_proven(&maria, &nine, 9);
    /* Without ca: what was proven before. */
    channel_close(&rig.ca);
    show(&maria, &five);
    must_be_proven(&maria, &nine, 5);
    show(&maria, &(struct papers_ledger) { .epoch = 100, .size = 6 });
    must_be_told(&maria, PROOF_BUSY);
}

static void what_is_ahead_is_shown_to_ca_and_told(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    say_head(&rig, &five);
    show(&maria, &nine);
    must_be_told(&maria, PROOF_AHEAD);
    hear_shown(&rig, &nine);
    show(&maria, &short_fork);
    must_be_told(&maria, PROOF_AHEAD);
    hear_shown(&rig, &short_fork);
    /* Others are not told of what only she has seen. */
    assert_int_equal(size_told(&rig), 5);
}

static void what_is_ahead_waits_for_a_ca(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    say_head(&rig, &five);
    rig_ping(&maria);
    channel_close(&rig.ca);
    /* It knows that ca is gone when a question is answered without it. */
    do {
        show(&maria, &(struct papers_ledger) { .epoch = 100, .size = 2 });
    } while (take_proof(&maria).result != PROOF_BUSY);
    show(&maria, &nine);
    must_be_told(&maria, PROOF_AHEAD);
    rig_introduce(&rig);
    rig_synchronise(&rig);
    hear_shown(&rig, &nine);
}

static void a_shorter_head_of_a_fork_is_found_out(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    say_head(&rig, &nine);
    show(&maria, &five);
    prove_by(&rig, &nine);
    must_be_proven(&maria, &nine, 5); /* which says nothing about another five */
    show(&maria, &short_fork);
    prove_by(&rig, &nine);
    must_be_told(&maria, PROOF_AHEAD);
    hear_shown(&rig, &short_fork);
}

/* What an earlier epoch is said to have left behind may be what it did not. */
static void another_ledger_below_the_base_is_found_out(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(buf_clear) struct buf head = { 0 };
    const struct papers_ledger restored = { .epoch = 200, .base = 5, .size = 7 };
    papers_head(&short_fork, 1000, &head);
    rig_start_serving(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    say_head(&rig, &restored);
    show_head(&maria, &head);
    prove_by(&rig, &restored);
    must_be_told(&maria, PROOF_AHEAD);
    hear_shown(&rig, &short_fork);
    show_head(&maria, &head);
    prove_by(&rig, &restored);
    must_be_told(&maria, PROOF_AHEAD);
    assert_false(hears_within(&rig, IPC_HEAD_SHOWN, 300)); /* once is enough */
}

/* Its leaves could be proven, so only the base tells. */
static void an_epoch_that_was_opened_twice_is_found_out(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    const struct papers_ledger ours = { .epoch = 200, .base = 4, .size = 9 };
    const struct papers_ledger shorter = { .epoch = 200, .base = 3, .size = 5 };
    const struct papers_ledger longer = { .epoch = 200, .base = 3, .size = 10 };
    say_head(&rig, &ours);
    show(&maria, &shorter);
    must_be_told(&maria, PROOF_AHEAD);
    hear_shown(&rig, &shorter);
    tell_head(&rig, &longer);
    hear_shown(&rig, &ours);
    assert_int_equal(size_told(&rig), 9);
}

static void what_an_epoch_lost_is_told_without_alarm(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    const struct papers_ledger restored = { .epoch = 200, .base = 5, .size = 7 };
    say_head(&rig, &restored);
    show(&maria, &nine);
    must_be_told(&maria, PROOF_AHEAD);
    assert_false(hears_within(&rig, IPC_HEAD_SHOWN, 300));
    show(&maria, &five);
    prove_by(&rig, &restored);
    must_be_proven(&maria, &restored, 5);
}

static void a_ca_that_cannot_prove_is_busy(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    struct buf body = { 0 };
    say_head(&rig, &nine);
    show(&maria, &five);
    rig_hear_ca(&rig, IPC_PROOF_WANTED);
    const struct ipc_proof cannot = { .err = MLT_ERR_STATE };
    assert_ok(ipc_proof_encode(&cannot, &body));
    rig_tell(&rig, IPC_PROOF, rig.message.tag, &body);
    must_be_told(&maria, PROOF_BUSY);
}

static void a_head_that_ca_never_signed_ends_the_session(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    CLEANUP(buf_clear) struct buf head = { 0 };
    say_head(&rig, &five);
    papers_head(&nine, 1000, &head);
    head.p[30] ^= 1;
    show_head(&maria, &head);
    while (rig_read_more(&maria))
        continue;
    assert_false(hears_within(&rig, IPC_HEAD_SHOWN, 300));
}

static void a_second_proof_before_the_first_ends_the_session(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    say_head(&rig, &nine);
    show(&maria, &five);
    rig_hear_ca(&rig, IPC_PROOF_WANTED);
    show(&maria, &nine);
    rig_must_fail(&maria, ALERT_PROTOCOL);
}

/* ---- leaves ---- */

static void ask_leaves(struct rig_client *c, uint64_t first)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct leaves_wanted wanted = { first };
    assert_ok(leaves_wanted_encode(&wanted, &body));
    assert_ok(session_seal(&c->session, RECORD_LEAVES_WANTED, buf_span(&body), &c->out));
    rig_flush(c);
}

static struct leaves take_leaves(struct rig_client *c)
{
    struct leaves leaves = { 0 };
    assert_int_equal(rig_next_record(c), RECORD_LEAVES);
    assert_ok(leaves_decode(buf_span(&c->plain), &leaves));
    return leaves;
}

static void say_leaves(struct rig *rig, enum mlt_err err, uint64_t first, struct span leaves)
{
    struct buf body = { 0 };
    struct ipc_leaves_wanted wanted = { 0 };
    rig_hear_ca(rig, IPC_LEAVES_WANTED);
    assert_ok(ipc_leaves_wanted_decode(rig->message.body, &wanted));
    assert_int_equal(wanted.first, 7);
    const struct ipc_leaves m = { err, first, leaves };
    assert_ok(ipc_leaves_encode(&m, &body));
    rig_tell(rig, IPC_LEAVES, rig->message.tag, &body);
}

static void leaves_are_passed_on(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    CLEANUP(buf_clear) struct buf two = { 0 };
    assert_ok(leaves_put(&two, span_str("seventh")));
    assert_ok(leaves_put(&two, span_str("eighth")));
    ask_leaves(&maria, 7);
    say_leaves(&rig, MLT_OK, 7, buf_span(&two));
    struct leaves leaves = take_leaves(&maria);
    assert_int_equal(leaves.result, LEAVES_HERE);
    assert_int_equal(leaves.first, 7);
    assert_span_equal(leaves.leaves, buf_span(&two));
    ask_leaves(&maria, 7);
    say_leaves(&rig, MLT_ERR_STOPPED, 7, (struct span) { 0 });
    assert_int_equal(take_leaves(&maria).result, LEAVES_BUSY);
    /* Others than were asked for: ca is not believed, and the client is told to come again. */
    ask_leaves(&maria, 7);
    say_leaves(&rig, MLT_OK, 8, buf_span(&two));
    leaves = take_leaves(&maria);
    assert_int_equal(leaves.result, LEAVES_BUSY);
    assert_int_equal(leaves.first, 7);
    assert_true(rig_is_dropped(&rig.ca));
}

/* ---- who was here ---- */

static void must_see(struct rig *rig, const char *names)
{
    struct ipc_seen seen = { 0 };
    char text[128] = "";
    struct name name;
    while (rig_hear(rig, &rig->ca, rig_patience_ms) && rig->message.type != IPC_SEEN)
        continue;
    assert_int_equal(rig->message.type, IPC_SEEN);
    assert_ok(ipc_seen_decode(rig->message.body, &seen));
    while (ipc_seen_next(&seen.names, &name) == MLT_OK) {
        strncat(text, name.text, sizeof(text) - strlen(text) - 1);
        strncat(text, " ", sizeof(text) - strlen(text) - 1);
    }
    assert_string_equal(text, names);
}

static void ca_hears_once_a_minute_who_logged_in(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client joao;
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_start_serving(&rig);
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_SEND);
    must_see(&rig, "joao ");
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    assert_false(hears_within(&rig, IPC_SEEN, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(welcome_carries_the_newest_head),
        cmocka_unit_test(a_ca_that_goes_back_is_shown_what_it_signed),
        cmocka_unit_test(a_fork_of_the_same_size_is_shown_too),
        cmocka_unit_test(a_head_of_another_hand_drops_the_channel),
        cmocka_unit_test(the_head_outlives_the_process),
        cmocka_unit_test(a_damaged_head_is_said_and_replaced),
        cmocka_unit_test(what_ca_proves_is_passed_on_and_remembered),
        cmocka_unit_test(what_is_ahead_is_shown_to_ca_and_told),
        cmocka_unit_test(what_is_ahead_waits_for_a_ca),
        cmocka_unit_test(a_shorter_head_of_a_fork_is_found_out),
        cmocka_unit_test(another_ledger_below_the_base_is_found_out),
        cmocka_unit_test(an_epoch_that_was_opened_twice_is_found_out),
        cmocka_unit_test(what_an_epoch_lost_is_told_without_alarm),
        cmocka_unit_test(a_ca_that_cannot_prove_is_busy),
        cmocka_unit_test(a_head_that_ca_never_signed_ends_the_session),
        cmocka_unit_test(a_second_proof_before_the_first_ends_the_session),
        cmocka_unit_test(leaves_are_passed_on),
        cmocka_unit_test(ca_hears_once_a_minute_who_logged_in),
    };
    return cmocka_run_group_tests(tests, rig_quiet, NULL);
}
