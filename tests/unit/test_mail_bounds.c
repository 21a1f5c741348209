/* SPDX-License-Identifier: Apache-2.0 */
#include "mailroom.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "faulty_disk.h"
#include "mail/mail_chain.h"
#include "mailbox_key.h"

/* How much the store holds of anything, and how much of it is one sender's. */

/* ---- a mailbox ---- */

static void a_mailbox_holds_so_many_messages(void **state)
{
    (void)state;
    const struct mail_limits limits = { 3, 1 << 20, 100, 86400000 };
    CLEANUP(mailroom_close) struct mailroom m;
    mailroom_open(&m, &limits, false);
    int64_t row = mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_keep(&m, "bia", "joao", 2, "x");
    mailroom_keep(&m, "ana", "joao", 3, "x");
    struct mail_done full = mailroom_put(&m, "bia", "joao", 4, "x");
    mailroom_assert_refused(&full, OUTCOME_REASON_FULL);
    /* Another one is another's; and what is there is not refused for being there. */
    mailroom_keep(&m, "ana", "maria", 5, "x");
    assert_int_equal(mailroom_put(&m, "ana", "joao", 3, "x").outcome.state, OUTCOME_STORED);
    mailroom_again(&m);
    full = mailroom_put(&m, "bia", "joao", 4, "x");
    mailroom_assert_refused(&full, OUTCOME_REASON_FULL);
    mailroom_remove(&m, "joao", row, OUTCOME_DELIVERED);
    mailroom_keep(&m, "bia", "joao", 4, "x");
    full = mailroom_put(&m, "caio", "joao", 6, "x");
    mailroom_assert_refused(&full, OUTCOME_REASON_FULL);
    mailroom_check();
}

static void a_mailbox_holds_so_many_bytes(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "maria", 1, "0123456789");
    uint64_t one = (uint64_t)mailroom_sql("SELECT length(sealed) FROM messages");
    mailroom_close(&m);
    const struct mail_limits limits = { 100, 2 * one, 100, 86400000 };
    mailroom_open(&m, &limits, false);
    mailroom_keep(&m, "ana", "maria", 1, "0123456789");
    int64_t row = mailroom_keep(&m, "ana", "maria", 2, "0123456789");
    struct mail_done full = mailroom_put(&m, "ana", "maria", 3, "");
    mailroom_assert_refused(&full, OUTCOME_REASON_FULL);
    mailroom_remove(&m, "maria", row, OUTCOME_DELIVERED);
    full = mailroom_put(&m, "ana", "maria", 4, "0123456789+");
    mailroom_assert_refused(&full, OUTCOME_REASON_FULL);
    mailroom_keep(&m, "ana", "maria", 5, "0123456789");
    mailroom_check();
}

static void one_sender_has_a_share_and_the_rest_is_for_others(void **state)
{
    (void)state;
    const struct mail_limits limits = { 8, 1 << 20, 25, 86400000 };
    CLEANUP(mailroom_close) struct mailroom m;
    mailroom_open(&m, &limits, true);
    /* In one transaction, so that none of this is on disk while it is judged. */
    for (int i = 1; i <= 4; i++)
        mailroom_give(&m, "ana", "joao", i, "x");
    mailroom_give(&m, "bia", "joao", 5, "x");
    mailroom_give(&m, "ana", "maria", 6, "x");
    mailroom_run(&m);
    for (int i = 1; i <= 6; i++) {
        struct mail_done done = mailroom_await(&m, MAIL_PUT);
        if (i == 3 || i == 4)
            mailroom_assert_refused(&done, OUTCOME_REASON_SHARE);
        else
            assert_int_equal(done.outcome.state, OUTCOME_STORED);
    }
    mailroom_again(&m);
    struct mail_done done = mailroom_put(&m, "ana", "joao", 7, "x");
    mailroom_assert_refused(&done, OUTCOME_REASON_SHARE);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:2:x bia:5:x ");
    mailroom_check();
}

static void a_share_of_a_small_mailbox_is_one_message(void **state)
{
    (void)state;
    const struct mail_limits limits = { 2, 1 << 20, 25, 86400000 };
    CLEANUP(mailroom_close) struct mailroom m;
    mailroom_open(&m, &limits, false);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    struct mail_done done = mailroom_put(&m, "ana", "joao", 2, "x");
    mailroom_assert_refused(&done, OUTCOME_REASON_SHARE);
    mailroom_keep(&m, "bia", "joao", 3, "x");
}

/* ---- notices ---- */

static void read_receipts_of_a_pair_are_bounded(void **state)
{
    (void)state;
    MAILROOM(m);
    struct mail_notice notice = { .sender = mailroom_name("ana"),
                                  .recipient = mailroom_name("joao"),
                                  .state = OUTCOME_READ };
    for (int i = 1; i <= LIMIT_NOTICES_ABOUT + 5; i++) {
        memcpy(notice.id, &i, sizeof(i));
        assert_ok(mail_store_tell(m.store, &notice));
        if (i <= LIMIT_NOTICES_ABOUT)
            assert_false(mailroom_await(&m, MAIL_TOLD).removed);
    }
    mailroom_settle(&m);
    assert_int_equal(mailroom_sql("SELECT count(*) FROM notices WHERE sender = 'ana'"),
                     LIMIT_NOTICES_ABOUT);
    notice.recipient = mailroom_name("maria");
    assert_ok(mail_store_tell(m.store, &notice));
    assert_string_equal(mailroom_await(&m, MAIL_TOLD).notice.recipient.text, "maria");
}

static void so_many_notices_wait_for_one_before_no_more_of_his_is_kept(void **state)
{
    (void)state;
    MAILROOM(m);
    int64_t kept = mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_remove(&m, "joao", mailroom_keep(&m, "ana", "joao", 2, "x"), OUTCOME_DELIVERED);
    mailroom_sql("WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                 " INSERT INTO notices SELECT i + 100, 'ana', 'joao', CAST(i AS BLOB), 2, 0, 0"
                 " FROM n");
    assert_int_equal(mailroom_sql("SELECT count(*) FROM notices"), LIMIT_NOTICES_OF_ONE);
    struct mail_done done = mailroom_put(&m, "ana", "joao", 3, "x");
    mailroom_assert_refused(&done, OUTCOME_REASON_SHARE);
    mailroom_keep(&m, "bia", "joao", 4, "x");
    /* What is there goes all the same, and he is told of it. */
    mailroom_remove(&m, "joao", kept, OUTCOME_DELIVERED);
    assert_int_equal(mailroom_sql("SELECT count(*) FROM notices"), LIMIT_NOTICES_OF_ONE + 1);
    const struct name ana = mailroom_name("ana");
    for (int id = 1; id <= 2; id++) {
        struct noted noted = { .state = OUTCOME_DELIVERED };
        memcpy(noted.id, &id, sizeof(id));
        assert_ok(mail_store_noted(m.store, &ana, &noted));
    }
    mailroom_keep(&m, "ana", "joao", 3, "x");
    mailroom_check();
}

/* ---- what waits to be done ---- */

static int tell_until_refused(struct mailroom *m, const char *by)
{
    struct mail_notice notice = { .sender = mailroom_name("ana"),
                                  .recipient = mailroom_name(by),
                                  .state = OUTCOME_READ };
    enum mlt_err err = MLT_OK;
    int given = 0;
    while (err == MLT_OK) {
        memcpy(notice.id, &given, sizeof(given));
        err = mail_store_tell(m->store, &notice);
        given += err == MLT_OK;
    }
    assert_err(err, MLT_ERR_TOO_MANY);
    return given;
}

static int note_until_refused(struct mailroom *m, const char *by)
{
    const struct name name = mailroom_name(by);
    const struct noted noted = { .state = OUTCOME_DELIVERED };
    enum mlt_err err = MLT_OK;
    int given = 0;
    for (; err == MLT_OK; given += err == MLT_OK)
        err = mail_store_noted(m->store, &name, &noted);
    assert_err(err, MLT_ERR_TOO_MANY);
    return given;
}

static void what_one_merely_says_leaves_the_queue_to_others(void **state)
{
    (void)state;
    MAILROOM_IDLE(m);
    assert_int_equal(tell_until_refused(&m, "eva"), LIMIT_TELLS_OF_ONE);
    assert_int_equal(tell_until_refused(&m, "bia"), LIMIT_TELLS_OF_ONE);
    assert_int_equal(note_until_refused(&m, "eva"), LIMIT_NOTEDS_OF_ONE);
    mailroom_run(&m);
    for (int i = 0; i < 2 * LIMIT_TELLS_OF_ONE; i++)
        mailroom_await(&m, MAIL_TOLD);
    mailroom_settle(&m);
    /* They were done: as many may come again. */
    assert_in_range(tell_until_refused(&m, "eva"), LIMIT_TELLS_OF_ONE, 100 * LIMIT_TELLS_OF_ONE);
}

static void removals_and_erasures_have_room_when_others_have_none(void **state)
{
    (void)state;
    CLEANUP(mailroom_close) struct mailroom m;
    const struct name joao = mailroom_name("joao");
    char name[16];
    int said = 0;
    mailroom_open(&m, &mailroom_roomy, true);
    for (int i = 0; said < LIMIT_STORE_ASKED; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        said += note_until_refused(&m, name);
    }
    assert_int_equal(said, LIMIT_STORE_ASKED);
    const struct envelope e = { .sender = { ADDRESS_USER, mailroom_name("ana") },
                                .recipient = { ADDRESS_USER, joao },
                                .number = 1,
                                .body_kind = BODY_PLAIN };
    const struct mail_put put = { .envelope = &e };
    int jobs = said;
    enum mlt_err err = MLT_OK;
    for (; err == MLT_OK; jobs += err == MLT_OK)
        err = mail_store_put(m.store, &put);
    assert_err(err, MLT_ERR_TOO_MANY);
    assert_int_equal(jobs, LIMIT_STORE_JOBS - LIMIT_STORE_KEPT_FREE);
    for (err = MLT_OK; err == MLT_OK; jobs += err == MLT_OK)
        err = mail_store_remove(m.store, &joao, 1000000, OUTCOME_DELIVERED);
    assert_int_equal(jobs, LIMIT_STORE_JOBS);
    assert_ok(mail_store_erase(m.store, &joao));
}

static void what_waits_is_bounded(void **state)
{
    (void)state;
    static char body[LIMIT_BODY];
    memset(body, 'x', sizeof(body) - 1);
    MAILROOM_IDLE(m);
    struct envelope e = { .sender = { ADDRESS_USER, mailroom_name("ana") },
                          .recipient = { ADDRESS_USER, mailroom_name("joao") },
                          .number = 1,
                          .body_kind = BODY_PLAIN,
                          .body = span_str(body) };
    const struct mail_put put = { .envelope = &e };
    int given = 0;
    enum mlt_err err = MLT_OK;
    while (err == MLT_OK) {
        memcpy(e.id, &given, sizeof(given));
        err = mail_store_put(m.store, &put);
        given += err == MLT_OK;
    }
    assert_err(err, MLT_ERR_TOO_MANY);
    assert_in_range(mail_store_waiting(m.store), LIMIT_STORE_QUEUE - LIMIT_BODY - 100,
                    LIMIT_STORE_QUEUE);
    const struct name joao = mailroom_name("joao");
    int jobs = given;
    for (err = MLT_OK; err == MLT_OK; jobs += err == MLT_OK)
        err = mail_store_remove(m.store, &joao, 1000000, OUTCOME_DELIVERED);
    assert_err(err, MLT_ERR_TOO_MANY);
    assert_int_equal(jobs, LIMIT_STORE_JOBS);
    mailroom_run(&m);
    for (int i = 0; i < given; i++)
        assert_int_equal(mailroom_await(&m, MAIL_PUT).outcome.state, OUTCOME_STORED);
    assert_int_equal(mail_store_waiting(m.store), 0);
}

/* ---- fsyncs, files and memory ---- */

static void many_messages_share_one_fsync(void **state)
{
    (void)state;
    enum { messages = 900 };
    MAILROOM_IDLE(m);
    for (int i = 1; i <= messages; i++)
        mailroom_give(&m, "ana", i % 2 == 0 ? "joao" : "maria", i, "x");
    faulty_disk_heal();
    mailroom_run(&m);
    mailroom_await_stored(&m, messages);
    assert_in_range(faulty_disk_calls(FAULTY_SYNC), 1, 3);
    /* And each has one of its own if they come one by one. */
    faulty_disk_heal();
    for (int i = 1; i <= 5; i++)
        mailroom_keep(&m, "bia", "joao", i, "x");
    assert_in_range(faulty_disk_calls(FAULTY_SYNC), 5, 7);
}

static void the_log_is_moved_into_the_database_as_it_grows(void **state)
{
    (void)state;
    static char body[LIMIT_BODY];
    struct stat st;
    memset(body, 'x', sizeof(body) - 1);
    MAILROOM(m);
    for (int i = 1; i <= 500; i++) {
        mailroom_keep(&m, "ana", "joao", i, body);
        assert_int_equal(stat("mail.db-wal", &st), 0);
        assert_true(st.st_size < (LIMIT_STORE_WAL + 100) * INT64_C(4120));
    }
    assert_int_equal(stat("mail.db", &st), 0);
    assert_true(st.st_size > 16 * LIMIT_BODY);
}

/* The keys of segments lie in locked memory; the one that gives way just ends. */
static void so_many_segments_are_written_at_once(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf spki = { 0 };
    CLEANUP(mail_keys_clear) struct mail_keys keys = { 0 };
    CLEANUP(mail_chains_clear) struct mail_chains chains = { 0 };
    const struct name joao = mailroom_name("joao");
    assert_ok(mailbox_key_public(&spki));
    assert_ok(mail_keys_init(&keys, env_system()));
    assert_ok(mail_chains_init(&chains, env_system()));
    assert_ok(mail_keys_set(&keys, &joao, buf_span(&spki)));
    struct mail_key *key = mail_keys_find(&keys, &joao);
    for (int64_t box = 1; box <= LIMIT_OPEN_SEGMENTS + 1; box++) {
        struct mail_segment segment = { .next = 3 };
        assert_ok(mail_chains_put(&chains, box, 100 + box, key, &segment));
        if (box > 1)
            assert_non_null(mail_chains_find(&chains, 2, key)); /* is used all the time */
    }
    assert_null(mail_chains_find(&chains, 1, key)); /* gave way */
    assert_non_null(mail_chains_find(&chains, 2, key));
    assert_non_null(mail_chains_find(&chains, 3, key));
    assert_int_equal(chains.by_box.count, LIMIT_OPEN_SEGMENTS);
    struct mail_segment last = { 0 };
    assert_ok(mail_chains_put(&chains, 9999, 1, key, &last));
    assert_non_null(mail_chains_find(&chains, 2, key));
    assert_null(mail_chains_find(&chains, 4, key)); /* was used before 3 */
    /* A new key is not sealed for with the old one's segment. */
    const struct mail_key other = { .users = 1 };
    assert_null(mail_chains_find(&chains, 3, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mailbox_holds_so_many_messages),
        cmocka_unit_test(a_mailbox_holds_so_many_bytes),
        cmocka_unit_test(one_sender_has_a_share_and_the_rest_is_for_others),
        cmocka_unit_test(a_share_of_a_small_mailbox_is_one_message),
        cmocka_unit_test(read_receipts_of_a_pair_are_bounded),
        cmocka_unit_test(so_many_notices_wait_for_one_before_no_more_of_his_is_kept),
        cmocka_unit_test(what_one_merely_says_leaves_the_queue_to_others),
        cmocka_unit_test(removals_and_erasures_have_room_when_others_have_none),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(many_messages_share_one_fsync),
        cmocka_unit_test(the_log_is_moved_into_the_database_as_it_grows),
        cmocka_unit_test(so_many_segments_are_written_at_once),
    };
    return cmocka_run_group_tests(tests, mailroom_start, mailroom_stop);
}
