/* SPDX-License-Identifier: Apache-2.0 */
#include "mailroom.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/limits.h"
#include "faulty_disk.h"

/* Attack rows 29 and 33: the disk is full, fails, or says that it failed, at any call. */

/* The store tries again, if it had failed before this. */
static void let_it_retry(struct mailroom *m)
{
    mailroom_pass(LIMIT_STORE_RETRY_MS);
    mail_store_tick(m->store);
}

/* Takes what comes until it is what was waited for, letting the store retry. */
static struct mail_done push(struct mailroom *m, enum mail_done_kind kind)
{
    for (int i = 0; i < 2000; i++) {
        struct mail_done done;
        while (mail_store_take(m->store, &done)) {
            if (done.kind == kind)
                return done;
            mail_done_clear(&done);
        }
        if (i % 4 == 3)
            let_it_retry(m);
        poll(NULL, 0, 1);
    }
    fail();
    return (struct mail_done) { 0 };
}

static void assert_no_room(const struct mail_done *done)
{
    mailroom_assert_refused(done, OUTCOME_REASON_NO_ROOM);
}

static void nothing_is_stored_before_it_is_on_disk(void **state)
{
    (void)state;
    MAILROOM(m);
    faulty_disk_fail(FAULTY_SYNC, FAULTY_EIO, 1, 0);
    for (int i = 1; i <= 3; i++) {
        struct mail_done done = mailroom_put(&m, "ana", "joao", i, "x");
        assert_no_room(&done);
        let_it_retry(&m);
    }
    assert_true(faulty_disk_failed() >= 3);
    faulty_disk_heal();
    let_it_retry(&m);
    mailroom_settle(&m);
    assert_string_equal(mailroom_read(&m, "joao"), "");
    assert_true(mailroom_put(&m, "ana", "joao", 1, "x").fresh);
    mailroom_check();
}

/* The fsync failed, and all was written: what opens the file anew sees the message. */
static void a_message_whose_commit_is_in_doubt_is_taken_back(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "before");
    faulty_disk_fail(FAULTY_SYNC, FAULTY_EIO, 1, 1);
    struct mail_done done = mailroom_put(&m, "ana", "joao", 2, "doubtful");
    assert_no_room(&done);
    assert_int_equal(faulty_disk_failed(), 1);
    assert_int_equal(mailroom_sql("SELECT count(*) FROM messages"), 2); /* it is there */
    let_it_retry(&m);
    mailroom_settle(&m);
    assert_int_equal(mailroom_sql("SELECT count(*) FROM messages"), 1);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:before ");
    /* A restart has no memory of it; then it is there, and is counted. */
    assert_true(mailroom_put(&m, "ana", "joao", 2, "doubtful").fresh);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:before ana:2:doubtful ");
    mailroom_check();
}

static void after_any_failure_a_new_segment_begins(void **state)
{
    (void)state;
    static const enum faulty_how hows[] = { FAULTY_EIO, FAULTY_FULL };
    for (size_t i = 0; i < COUNT_OF(hows); i++) {
        MAILROOM(m);
        mailroom_keep(&m, "ana", "joao", 1, "x");
        mailroom_keep(&m, "ana", "maria", 2, "x");
        faulty_disk_fail(FAULTY_WRITE, hows[i], 1, 1);
        struct mail_done done = mailroom_put(&m, "ana", "maria", 3, "x");
        assert_no_room(&done);
        let_it_retry(&m);
        mailroom_settle(&m);
        mailroom_keep(&m, "ana", "joao", 4, "x");
        assert_int_equal(mailroom_sql("SELECT count(*) FROM segments WHERE box = 1"), 2);
        assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:4:x ");
        mailroom_check();
    }
}

static void what_was_given_before_a_failure_was_taken_fails_as_well(void **state)
{
    (void)state;
    MAILROOM(m);
    faulty_disk_fail(FAULTY_SYNC, FAULTY_EIO, 1, 1);
    mailroom_give(&m, "ana", "joao", 1, "x");
    while (faulty_disk_failed() == 0)
        poll(NULL, 0, 1);
    /* The disk is well again, and the store: but nobody has heard of the failure yet. */
    const struct mail_notice notice = { .sender = mailroom_name("bia"),
                                        .recipient = mailroom_name("joao"),
                                        .state = OUTCOME_READ };
    assert_ok(mail_store_tell(m.store, &notice));
    while (mailroom_sql("SELECT count(*) FROM notices") == 0)
        let_it_retry(&m);
    mailroom_give(&m, "ana", "joao", 2, "y");
    struct mail_done first = mailroom_await(&m, MAIL_PUT);
    assert_ptr_equal(first.ticket, (void *)1);
    assert_no_room(&first);
    struct mail_done second = mailroom_await(&m, MAIL_PUT);
    assert_ptr_equal(second.ticket, (void *)2);
    assert_no_room(&second);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_keep(&m, "ana", "joao", 2, "y");
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:2:y ");
}

static void one_put_that_is_refused_fails_no_other(void **state)
{
    (void)state;
    const struct mail_limits limits = { 2, 1 << 20, 100, 86400000 };
    CLEANUP(mailroom_close) struct mailroom m;
    mailroom_open(&m, &limits, true);
    for (int i = 1; i <= 3; i++)
        mailroom_give(&m, "ana", "joao", i, "x");
    mailroom_give(&m, "ana", "maria", 1, "duplicate");
    mailroom_give(&m, "ana", "maria", 5, "y");
    mailroom_run(&m);
    for (int i = 1; i <= 5; i++) {
        struct mail_done done = mailroom_await(&m, MAIL_PUT);
        bool kept = i != 3 && i != 4;
        assert_int_equal(done.outcome.state, kept ? OUTCOME_STORED : OUTCOME_REFUSED);
    }
    mailroom_check();
}

static void a_removal_is_done_once_whatever_became_of_its_commit(void **state)
{
    (void)state;
    /* 1: it was done, and said to have failed.  2: it was not. */
    static const unsigned kinds[] = { FAULTY_SYNC, FAULTY_WRITE };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        MAILROOM(m);
        int64_t row = mailroom_keep(&m, "ana", "joao", 1, "x");
        const struct name joao = mailroom_name("joao");
        faulty_disk_fail(kinds[i], FAULTY_EIO, 1, 1);
        assert_ok(mail_store_remove(m.store, &joao, row, OUTCOME_DELIVERED));
        while (faulty_disk_failed() == 0)
            poll(NULL, 0, 1);
        struct mail_done none;
        assert_false(mail_store_take(m.store, &none));
        struct mail_done done = push(&m, MAIL_REMOVED);
        assert_string_equal(done.notice.sender.text, "ana");
        assert_string_equal(done.notice.recipient.text, "joao");
        assert_int_equal(done.notice.state, OUTCOME_DELIVERED);
        mailroom_settle_in_silence(&m);
        assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:delivered ");
        mailroom_check();
    }
}

static void an_erasure_is_answered_once_it_is_on_disk(void **state)
{
    (void)state;
    static const unsigned kinds[] = { FAULTY_SYNC, FAULTY_WRITE };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        MAILROOM(m);
        mailroom_keep(&m, "ana", "joao", 1, "x");
        const struct name joao = mailroom_name("joao");
        faulty_disk_fail(kinds[i], FAULTY_EIO, 1, 1);
        assert_ok(mail_store_erase(m.store, &joao));
        while (faulty_disk_failed() == 0)
            poll(NULL, 0, 1);
        struct mail_done none;
        assert_false(mail_store_take(m.store, &none));
        struct mail_done done = push(&m, MAIL_ERASED);
        assert_ok(done.err);
        assert_string_equal(done.notice.recipient.text, "joao");
        assert_int_equal(mailroom_sql("SELECT count(*) FROM boxes WHERE erased = 0"), 0);
    }
}

static void an_expiry_is_told_once_whatever_became_of_its_commit(void **state)
{
    (void)state;
    static const unsigned kinds[] = { FAULTY_SYNC, FAULTY_WRITE };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        MAILROOM(m);
        mailroom_keep(&m, "ana", "joao", 1, "x");
        mailroom_pass(m.limits.ttl_ms);
        faulty_disk_fail(kinds[i], FAULTY_EIO, 1, 1);
        mail_store_tick(m.store);
        while (faulty_disk_failed() == 0)
            poll(NULL, 0, 1);
        struct mail_done done = push(&m, MAIL_TOLD);
        assert_true(done.removed);
        assert_int_equal(done.notice.state, OUTCOME_EXPIRED);
        let_it_retry(&m);
        mailroom_settle_in_silence(&m);
        assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:expired ");
        mailroom_check();
    }
}

static void a_disk_that_takes_nothing_refuses_clearly_and_recovers_by_itself(void **state)
{
    (void)state;
    static const enum faulty_how hows[] = { FAULTY_EIO, FAULTY_FULL, FAULTY_READ_ONLY };
    for (size_t i = 0; i < COUNT_OF(hows); i++) {
        MAILROOM(m);
        int64_t row = mailroom_keep(&m, "ana", "joao", 1, "x");
        const struct name joao = mailroom_name("joao");
        faulty_disk_fail(FAULTY_CHANGES, hows[i], 1, 0);
        assert_ok(mail_store_remove(m.store, &joao, row, OUTCOME_DELIVERED));
        for (int n = 2; n < 5; n++) {
            struct mail_done done = mailroom_put(&m, "ana", "maria", n, "y");
            assert_no_room(&done);
            let_it_retry(&m);
        }
        assert_true(faulty_disk_failed() > 0);
        faulty_disk_heal();
        /* The removal had waited. */
        assert_int_equal(push(&m, MAIL_REMOVED).notice.state, OUTCOME_DELIVERED);
        mailroom_keep(&m, "ana", "maria", 6, "z");
        assert_string_equal(mailroom_read(&m, "maria"), "ana:6:z ");
        mailroom_check();
    }
}

/* A full disk is no reason not to read, and removing makes room. */
static void a_full_disk_can_be_drained(void **state)
{
    (void)state;
    MAILROOM(m);
    int64_t row = mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_keep(&m, "ana", "joao", 2, "y");
    faulty_disk_fail(FAULTY_WRITE, FAULTY_FULL, 1, 1);
    struct mail_done done = mailroom_put(&m, "ana", "joao", 3, "z");
    assert_no_room(&done);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:2:y ");
    /* Without waiting for anything: only puts wait for the disk to be asked again. */
    mailroom_remove(&m, "joao", row, OUTCOME_DELIVERED);
    done = mailroom_put(&m, "ana", "joao", 3, "z");
    assert_no_room(&done);
    let_it_retry(&m);
    mailroom_settle(&m);
    mailroom_keep(&m, "ana", "joao", 3, "z");
    assert_string_equal(mailroom_read(&m, "joao"), "ana:2:y ana:3:z ");
    mailroom_check();
}

static void a_read_that_fails_says_so_and_the_next_one_works(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_again(&m);
    mailroom_settle(&m);
    faulty_disk_fail(FAULTY_READ, FAULTY_EIO, 1, 0);
    const struct mail_read read = {
        .recipient = mailroom_name("joao"), .most = 9, .most_bytes = 9999, .ticket = 4
    };
    assert_ok(mail_store_read(m.store, &read));
    struct mail_done done = mailroom_await(&m, MAIL_READ);
    assert_true(done.err != MLT_OK && done.err != MLT_ERR_AUTH);
    assert_int_equal(done.read_ticket, 4);
    assert_int_equal(done.count, 0);
    assert_false(done.end);
    assert_true(faulty_disk_failed() > 0);
    faulty_disk_heal();
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ");
}

/* Zeroes where the first overflow page of the first message says it goes on. */
static void damage_a_chain_of_pages(void)
{
    int64_t page =
        mailroom_sql("SELECT pageno FROM dbstat WHERE name = 'messages' AND pagetype = 'overflow'");
    assert_true(page > 1);
    int fd = open("mail.db", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "\0\0\0\0", 4, (page - 1) * 4096), 4);
    close(fd);
}

static void a_damaged_page_keeps_nobody_else_from_his_mail(void **state)
{
    (void)state;
    static char body[LIMIT_BODY];
    memset(body, 'x', sizeof(body) - 1);
    MAILROOM(m);
    int64_t bad = mailroom_keep(&m, "ana", "joao", 1, body);
    int64_t good = mailroom_keep(&m, "ana", "maria", 2, "y");
    mail_store_close(&m.store);
    damage_a_chain_of_pages();
    mailroom_again(&m);
    const struct name joao = mailroom_name("joao");
    const struct name maria = mailroom_name("maria");
    assert_ok(mail_store_remove(m.store, &joao, bad, OUTCOME_DELIVERED));
    assert_ok(mail_store_remove(m.store, &maria, good, OUTCOME_DELIVERED));
    struct mail_done done = push(&m, MAIL_REMOVED);
    assert_string_equal(done.notice.recipient.text, "maria");
    mailroom_keep(&m, "ana", "maria", 3, "z");
    assert_string_equal(mailroom_read(&m, "maria"), "ana:3:z ");
}

/* ---- every call ---- */

/* As its sender does: the same again until it is stored. */
static int64_t insist(struct mailroom *m, const char *recipient, int id, const char *body)
{
    for (int i = 0; i < 200; i++) {
        mailroom_give(m, "ana", recipient, id, body);
        struct mail_done done = push(m, MAIL_PUT);
        if (done.outcome.state == OUTCOME_STORED)
            return done.row;
        assert_no_room(&done);
        let_it_retry(m);
    }
    fail();
    return 0;
}

static void insist_on_removal(struct mailroom *m, const char *recipient, int64_t row)
{
    const struct name name = mailroom_name(recipient);
    assert_ok(mail_store_remove(m->store, &name, row, OUTCOME_DELIVERED));
    struct mail_done done = push(m, MAIL_REMOVED);
    assert_string_equal(done.notice.recipient.text, recipient);
}

/* Puts, a removal, a notice that goes, an expiry, an erasure, and the end with its checkpoint. */
static void live_through(struct mailroom *m)
{
    static char body[20000];
    memset(body, 'b', sizeof(body) - 1);
    int64_t first = insist(m, "joao", 1, "one");
    insist(m, "maria", 2, body);
    insist(m, "joao", 3, "three");
    insist_on_removal(m, "joao", first);
    const struct name ana = mailroom_name("ana");
    const struct noted noted = { .id = { 1 }, .state = OUTCOME_DELIVERED };
    assert_ok(mail_store_noted(m->store, &ana, &noted));
    const struct name maria = mailroom_name("maria");
    assert_ok(mail_store_erase(m->store, &maria));
    assert_int_equal(push(m, MAIL_TOLD).notice.reason, OUTCOME_REASON_ERASED);
    mailroom_set_key(m, "maria");
    mailroom_pass(m->limits.ttl_ms / 2);
    insist(m, "maria", 4, "four");
    mailroom_pass(m->limits.ttl_ms / 2);
    mail_store_tick(m->store);
    struct mail_done done = push(m, MAIL_TOLD);
    assert_int_equal(done.notice.state, OUTCOME_EXPIRED);
    insist(m, "joao", 5, "five");
}

static void expect_what_was_lived(struct mailroom *m)
{
    const struct mail_notice last = { .sender = mailroom_name("nobody"),
                                      .recipient = mailroom_name("nobody"),
                                      .state = OUTCOME_READ };
    faulty_disk_heal();
    assert_ok(mail_store_tell(m->store, &last));
    while (strcmp(push(m, MAIL_TOLD).notice.sender.text, "nobody") != 0)
        continue;
    mailroom_check();
    assert_string_equal(mailroom_read(m, "joao"), "ana:5:five ");
    assert_string_equal(mailroom_read(m, "maria"), "ana:4:four ");
    assert_string_equal(mailroom_notices(m, "ana"), "maria:2:refused:erased joao:3:expired ");
}

static unsigned count_calls(void)
{
    MAILROOM(m);
    faulty_disk_heal();
    live_through(&m);
    unsigned calls = faulty_disk_calls(FAULTY_CHANGES);
    expect_what_was_lived(&m);
    return calls;
}

static void fail_at_each_call(enum faulty_how how, unsigned times, unsigned step)
{
    unsigned calls = count_calls();
    unsigned points = 0, hits = 0;
    assert_true(calls > 30);
    for (unsigned at = 1; at <= calls; at += step) {
        MAILROOM(m);
        faulty_disk_fail(FAULTY_CHANGES, how, at, times);
        live_through(&m);
        points++;
        hits += faulty_disk_failed() > 0;
        expect_what_was_lived(&m);
        mail_store_close(&m.store); /* may fail to move the WAL away, and lose nothing by it */
        faulty_disk_heal();
        mailroom_again(&m);
        expect_what_was_lived(&m);
    }
    /* One commit for two jobs now and then makes fewer calls than were counted. */
    assert_true(hits > points / 2);
}

static void an_io_error_at_any_call_loses_nothing(void **state)
{
    (void)state;
    fail_at_each_call(FAULTY_EIO, 1, 1);
}

static void several_io_errors_in_a_row_lose_nothing(void **state)
{
    (void)state;
    fail_at_each_call(FAULTY_EIO, 4, 3);
}

static void a_full_disk_at_any_call_loses_nothing(void **state)
{
    (void)state;
    fail_at_each_call(FAULTY_FULL, 3, 1);
}

/* ---- a disk of one MiB ---- */

/* Over the memory that rooms are in, and for this process alone; root only.  The last test: it
 * stays so. */
/* In a chroot "/" is no mount, and what is mounted on this one is made private by itself. */
static bool keep_mounts_to_oneself(void)
{
    return unshare(CLONE_NEWNS) == 0 && (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ||
                                         mount("none", "/dev/shm", NULL, MS_PRIVATE, NULL) == 0);
}

static bool shrink_the_disk(void)
{
    return access("/dev/shm", W_OK) == 0 && keep_mounts_to_oneself() &&
           mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=1m") == 0;
}

/* Until the store says that it cannot, three times in a row; how many were kept. */
static int fill(struct mailroom *m, int first)
{
    static char body[1000];
    int id = first;
    memset(body, 'x', sizeof(body) - 1);
    for (int refused = 0; refused < 3;) {
        struct mail_done done = mailroom_put(m, "ana", "joao", id, body);
        refused = done.outcome.state == OUTCOME_STORED ? 0 : refused + 1;
        if (refused == 0) {
            id++;
            continue;
        }
        assert_no_room(&done);
        let_it_retry(m);
    }
    return id - first;
}

/* As a recipient does, with many removals under way. */
static int drain(struct mailroom *m)
{
    CLEANUP(secret_clear) struct secret key = { 0 };
    struct mail_read read = { .recipient = mailroom_name("joao"),
                              .most = 64,
                              .most_bytes = 1 << 20 };
    int drained = 0;
    for (bool end = false; !end;) {
        struct mail_done done = mailroom_read_once(m, &read, &key);
        assert_ok(done.err);
        end = done.end;
        for (size_t i = 0; i < done.count; i++) {
            assert_true(done.messages[i].readable);
            read.after = done.messages[i].row;
            assert_ok(mail_store_remove(m->store, &read.recipient, read.after, OUTCOME_DELIVERED));
        }
        for (size_t i = 0; i < done.count; i++, drained++)
            (void)push(m, MAIL_REMOVED);
        mail_done_clear(&done);
    }
    return drained;
}

static void a_disk_that_is_full_is_drained_and_filled_again(void **state)
{
    (void)state;
    if (!shrink_the_disk())
        skip();
    MAILROOM(m);
    int first = fill(&m, 1);
    assert_in_range(first, 300, 1000);
    mailroom_check();
    assert_int_equal(drain(&m), first);
    let_it_retry(&m);
    int second = fill(&m, first + 1);
    assert_in_range(second, first / 2, first);
    mailroom_again(&m); /* and a server that starts on it works */
    assert_int_equal(drain(&m), second);
    let_it_retry(&m);
    assert_true(fill(&m, first + second + 1) > first / 3);
    mailroom_check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_stored_before_it_is_on_disk),
        cmocka_unit_test(a_message_whose_commit_is_in_doubt_is_taken_back),
        cmocka_unit_test(after_any_failure_a_new_segment_begins),
        cmocka_unit_test(what_was_given_before_a_failure_was_taken_fails_as_well),
        cmocka_unit_test(one_put_that_is_refused_fails_no_other),
        cmocka_unit_test(a_removal_is_done_once_whatever_became_of_its_commit),
        cmocka_unit_test(an_erasure_is_answered_once_it_is_on_disk),
        cmocka_unit_test(an_expiry_is_told_once_whatever_became_of_its_commit),
        cmocka_unit_test(a_disk_that_takes_nothing_refuses_clearly_and_recovers_by_itself),
        cmocka_unit_test(a_full_disk_can_be_drained),
        cmocka_unit_test(a_read_that_fails_says_so_and_the_next_one_works),
        cmocka_unit_test(a_damaged_page_keeps_nobody_else_from_his_mail),
        cmocka_unit_test(an_io_error_at_any_call_loses_nothing),
        cmocka_unit_test(several_io_errors_in_a_row_lose_nothing),
        cmocka_unit_test(a_full_disk_at_any_call_loses_nothing),
        cmocka_unit_test(a_disk_that_is_full_is_drained_and_filled_again),
    };
    return cmocka_run_group_tests(tests, mailroom_start, mailroom_stop);
}
