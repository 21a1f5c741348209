/* SPDX-License-Identifier: Apache-2.0 */
#include "mailroom.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"

/* What the store keeps, gives and removes while the disk does what it should; test_mail_faults.c
 * has the rest. */

/* ---- keeping and reading ---- */

static void what_is_put_is_read_back_in_order(void **state)
{
    (void)state;
    MAILROOM(m);
    assert_true(mailroom_put(&m, "ana", "joao", 1, "one").fresh);
    int64_t second = mailroom_keep(&m, "bia", "joao", 2, "");
    assert_true(mailroom_keep(&m, "ana", "maria", 3, "elsewhere") > second);
    mailroom_keep(&m, "ana", "joao", 4, "four");
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:one bia:2: ana:4:four ");
    assert_string_equal(mailroom_read(&m, "maria"), "ana:3:elsewhere ");
    assert_string_equal(mailroom_read(&m, "nobody"), "");
    mailroom_check();
}

static void it_is_all_there_after_a_new_start(void **state)
{
    (void)state;
    MAILROOM(m);
    int64_t row = mailroom_keep(&m, "ana", "joao", 1, "one");
    mailroom_again(&m);
    assert_true(mailroom_keep(&m, "ana", "joao", 2, "two") > row);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:one ana:2:two ");
    assert_int_equal(mailroom_sql("SELECT count(*) FROM segments"), 2);
    mailroom_check();
}

static enum mlt_err list_box(void *ctx, const struct name *recipient, uint64_t messages)
{
    char *text = ctx;
    size_t n = strlen(text);
    snprintf(text + n, 100 - n, "%s:%d ", recipient->text, (int)messages);
    return MLT_OK;
}

static void the_boxes_are_listed_at_the_start(void **state)
{
    (void)state;
    char text[100] = "";
    const struct mail_box_visit visit = { list_box, text };
    MAILROOM_IDLE(m);
    assert_ok(mail_store_each_box(m.store, &visit));
    assert_string_equal(text, "");
    mailroom_run(&m);
    assert_err(mail_store_each_box(m.store, &visit), MLT_ERR_STATE);
    mailroom_keep(&m, "ana", "joao", 1, "one");
    mailroom_keep(&m, "bia", "joao", 2, "two");
    mailroom_remove(&m, "maria", mailroom_keep(&m, "ana", "maria", 3, "three"), OUTCOME_DELIVERED);
    mailroom_again_idle(&m);
    assert_ok(mail_store_each_box(m.store, &visit));
    assert_string_equal(text, "joao:2 ");
}

static bool file_holds(const struct mailroom *m, const char *file, const char *needle)
{
    CLEANUP(buf_clear) struct buf content = { 0 };
    assert_ok(file_read(m->dirfd, file, (size_t)1 << 30, &content));
    return memmem(content.p, content.len, needle, strlen(needle)) != NULL;
}

static void nothing_readable_is_on_disk(void **state)
{
    (void)state;
    static const char secret[] = "the plan is to meet behind the mill";
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, secret);
    assert_false(file_holds(&m, "mail.db-wal", secret));
    assert_true(file_holds(&m, "mail.db-wal", "joao"));
    mail_store_close(&m.store);
    assert_false(file_holds(&m, "mail.db", secret));
    assert_true(file_holds(&m, "mail.db", "joao"));
    mailroom_again(&m);
}

static void a_mailbox_of_many_segments_is_read_in_order(void **state)
{
    (void)state;
    enum { messages = 2 * LIMIT_SEGMENT + 10 };
    MAILROOM(m);
    for (int i = 1; i <= messages; i++)
        mailroom_give(&m, "ana", "joao", i, "x");
    mailroom_await_stored(&m, messages);
    assert_int_equal(mailroom_sql("SELECT count(*) FROM segments"), 3);
    const char *text = mailroom_read(&m, "joao");
    for (int i = 1; i <= messages; i++) {
        char want[16];
        size_t n = (size_t)snprintf(want, sizeof(want), "ana:%d:x ", i);
        assert_memory_equal(text, want, n);
        text += n;
    }
    assert_string_equal(text, "");
    mailroom_check();
}

static size_t read_count(struct mailroom *m, size_t most, size_t most_bytes, bool *end)
{
    CLEANUP(secret_clear) struct secret key = { 0 };
    struct mail_read read = { .recipient = mailroom_name("joao"),
                              .most = most,
                              .most_bytes = most_bytes };
    struct mail_done done = mailroom_read_once(m, &read, &key);
    size_t count = done.count;
    assert_ok(done.err);
    *end = done.end;
    mail_done_clear(&done);
    return count;
}

static void a_reading_is_bounded_and_brings_one_at_least(void **state)
{
    (void)state;
    bool end = false;
    MAILROOM(m);
    for (int i = 1; i <= 5; i++)
        mailroom_keep(&m, "ana", "joao", i, "0123456789");
    assert_int_equal(read_count(&m, 3, 100000, &end), 3);
    assert_false(end);
    assert_int_equal(read_count(&m, 100, 1, &end), 1);
    assert_false(end);
    assert_int_equal(read_count(&m, 100, 250, &end), 2);
    assert_false(end);
    assert_int_equal(read_count(&m, 5, 100000, &end), 5);
    assert_true(end);
}

static void without_a_key_nothing_is_put(void **state)
{
    (void)state;
    MAILROOM(m);
    const struct envelope e = { .sender = { ADDRESS_USER, mailroom_name("ana") },
                                .recipient = { ADDRESS_USER, mailroom_name("caio") },
                                .number = 1,
                                .body_kind = BODY_PLAIN };
    const struct mail_put put = { .envelope = &e };
    const struct name caio = mailroom_name("caio");
    assert_false(mail_store_has_key(m.store, &caio));
    assert_err(mail_store_put(m.store, &put), MLT_ERR_MISSING);
    assert_err(mail_store_set_key(m.store, &caio, span_str("no key")), MLT_ERR_DAMAGED);
    assert_false(mail_store_has_key(m.store, &caio));
    mailroom_set_key(&m, "caio");
    assert_true(mail_store_has_key(m.store, &caio));
    assert_ok(mail_store_put(m.store, &put));
    assert_int_equal(mailroom_await(&m, MAIL_PUT).outcome.state, OUTCOME_STORED);
}

static void what_was_given_is_finished_at_the_end(void **state)
{
    (void)state;
    MAILROOM(m);
    for (int i = 1; i <= 300; i++)
        mailroom_give(&m, "ana", "joao", i, "x");
    mail_store_close(&m.store);
    mailroom_again(&m);
    assert_int_equal(mailroom_sql("SELECT count(*) FROM messages"), 300);
}

/* ---- removing, and telling senders ---- */

static void what_is_delivered_is_gone_and_its_sender_is_told_until_he_noted_it(void **state)
{
    (void)state;
    MAILROOM(m);
    int64_t first = mailroom_keep(&m, "ana", "joao", 1, "x");
    int64_t second = mailroom_keep(&m, "bia", "joao", 2, "y");
    mailroom_remove(&m, "joao", first, OUTCOME_DELIVERED);
    assert_string_equal(mailroom_read(&m, "joao"), "bia:2:y ");
    mailroom_remove(&m, "joao", second, OUTCOME_DELIVERED);
    assert_int_equal(mailroom_sql("SELECT count(*) FROM segments"), 0);
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:delivered ");
    mailroom_again(&m);
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:delivered ");
    assert_string_equal(mailroom_notices(&m, "bia"), "joao:2:delivered ");
    /* Another state noted is another notice. */
    const struct name ana = mailroom_name("ana");
    struct noted noted = { .id = { 1 }, .state = OUTCOME_EXPIRED };
    assert_ok(mail_store_noted(m.store, &ana, &noted));
    mailroom_settle(&m);
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:delivered ");
    noted.state = OUTCOME_DELIVERED;
    assert_ok(mail_store_noted(m.store, &ana, &noted));
    mailroom_settle(&m);
    assert_string_equal(mailroom_notices(&m, "ana"), "");
    assert_string_equal(mailroom_notices(&m, "bia"), "joao:2:delivered ");
    mailroom_check();
}

static void only_its_owner_removes_a_message_and_only_once(void **state)
{
    (void)state;
    MAILROOM(m);
    int64_t row = mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_keep(&m, "ana", "maria", 2, "y");
    const struct name maria = mailroom_name("maria");
    const struct name joao = mailroom_name("joao");
    assert_ok(mail_store_remove(m.store, &maria, row, OUTCOME_DELIVERED));
    assert_ok(mail_store_remove(m.store, &joao, row + 7, OUTCOME_DELIVERED));
    mailroom_settle_in_silence(&m);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ");
    assert_ok(mail_store_remove(m.store, &joao, row, OUTCOME_DELIVERED));
    assert_ok(mail_store_remove(m.store, &joao, row, OUTCOME_DELIVERED));
    assert_string_equal(mailroom_await(&m, MAIL_REMOVED).notice.sender.text, "ana");
    mailroom_settle_in_silence(&m);
    mailroom_check();
}

static void a_segment_that_was_emptied_is_not_written_on(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_remove(&m, "joao", mailroom_keep(&m, "ana", "joao", 1, "x"), OUTCOME_DELIVERED);
    assert_int_equal(mailroom_sql("SELECT count(*) FROM segments"), 0);
    mailroom_keep(&m, "ana", "joao", 2, "y");
    mailroom_keep(&m, "ana", "joao", 3, "z");
    assert_int_equal(mailroom_sql("SELECT count(*) FROM segments"), 1);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:2:y ana:3:z ");
    mailroom_check();
}

/* ---- the same once more ---- */

static void a_message_is_kept_once(void **state)
{
    (void)state;
    MAILROOM(m);
    int64_t row = mailroom_keep(&m, "ana", "joao", 1, "x");
    struct mail_done again = mailroom_put(&m, "ana", "joao", 1, "x");
    assert_int_equal(again.outcome.state, OUTCOME_STORED);
    assert_int_equal(again.row, row);
    assert_false(again.fresh);
    /* Of another sender it is another message. */
    assert_true(mailroom_put(&m, "bia", "joao", 1, "x").fresh);
    /* For another recipient it cannot be. */
    struct mail_done other = mailroom_put(&m, "ana", "maria", 1, "x");
    mailroom_assert_refused(&other, OUTCOME_REASON_DUPLICATE);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x bia:1:x ");
    assert_string_equal(mailroom_read(&m, "maria"), "");
    mailroom_check();
}

static void two_of_one_id_in_one_transaction_are_one(void **state)
{
    (void)state;
    MAILROOM_IDLE(m);
    mailroom_give(&m, "ana", "joao", 1, "x");
    mailroom_give(&m, "ana", "joao", 1, "x");
    mailroom_give(&m, "ana", "maria", 1, "x");
    mailroom_give(&m, "ana", "joao", 2, "y");
    mailroom_run(&m);
    assert_true(mailroom_await(&m, MAIL_PUT).fresh);
    struct mail_done second = mailroom_await(&m, MAIL_PUT);
    assert_int_equal(second.outcome.state, OUTCOME_STORED);
    assert_false(second.fresh);
    struct mail_done third = mailroom_await(&m, MAIL_PUT);
    mailroom_assert_refused(&third, OUTCOME_REASON_DUPLICATE);
    assert_true(mailroom_await(&m, MAIL_PUT).fresh);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:2:y ");
    mailroom_check();
}

static void what_was_delivered_is_not_kept_again(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_remove(&m, "joao", mailroom_keep(&m, "ana", "joao", 1, "x"), OUTCOME_DELIVERED);
    assert_int_equal(mailroom_put(&m, "ana", "joao", 1, "x").outcome.state, OUTCOME_DELIVERED);
    assert_string_equal(mailroom_read(&m, "joao"), "");
    /* What became unknown is sent again, and the notice has had its effect. */
    mailroom_remove(&m, "joao", mailroom_keep(&m, "ana", "joao", 2, "y"), OUTCOME_UNKNOWN);
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:delivered joao:2:unknown ");
    assert_true(mailroom_put(&m, "ana", "joao", 2, "y").fresh);
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:delivered ");
    assert_string_equal(mailroom_read(&m, "joao"), "ana:2:y ");
}

/* ---- erasing ---- */

static void an_erased_mailbox_is_gone_at_once_and_its_senders_are_told(void **state)
{
    (void)state;
    enum { messages = LIMIT_EXPIRE_BATCH + 40 };
    MAILROOM(m);
    for (int i = 1; i <= messages; i++)
        mailroom_give(&m, "ana", "joao", i, "x");
    mailroom_await_stored(&m, messages);
    mailroom_keep(&m, "ana", "maria", 9999, "stays");
    const struct name joao = mailroom_name("joao");
    assert_ok(mail_store_erase(m.store, &joao));
    assert_false(mail_store_has_key(m.store, &joao));
    mailroom_set_key(&m, "joao");
    /* An id that is still being swept away may come again. */
    mailroom_give(&m, "ana", "joao", messages, "new");
    int told = 0;
    for (bool kept = false; !kept || told < messages - 1;) {
        struct mail_done done = mailroom_next(&m);
        kept = kept || (done.kind == MAIL_PUT && done.fresh);
        told += done.kind == MAIL_TOLD && !done.removed &&
                done.notice.reason == OUTCOME_REASON_ERASED &&
                strcmp(done.notice.recipient.text, "joao") == 0;
    }
    assert_int_equal(mailroom_sql("SELECT count(*) FROM segments WHERE box = 1"), 0);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:296:new ");
    assert_string_equal(mailroom_read(&m, "maria"), "ana:9999:stays ");
    mailroom_check();
}

static void an_erasure_is_finished_after_a_new_start(void **state)
{
    (void)state;
    char text[100] = "";
    const struct mail_box_visit visit = { list_box, text };
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mail_store_close(&m.store);
    mailroom_sql("UPDATE boxes SET erased = 1");
    mailroom_sql("DELETE FROM shares");
    mailroom_again_idle(&m);
    assert_ok(mail_store_each_box(m.store, &visit));
    assert_string_equal(text, "");
    mailroom_again(&m);
    struct mail_done told = mailroom_await(&m, MAIL_TOLD);
    assert_int_equal(told.notice.reason, OUTCOME_REASON_ERASED);
    assert_false(told.removed); /* the boxes listed at the start did not count it */
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:refused:erased ");
    mailroom_settle(&m);
    assert_int_equal(mailroom_sql("SELECT count(*) FROM messages"), 0);
}

static void a_receipt_for_what_is_being_erased_is_told_as_delivered(void **state)
{
    (void)state;
    MAILROOM(m);
    int64_t row = mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_again_idle(&m);
    const struct name joao = mailroom_name("joao");
    /* In one transaction, before any sweep. */
    assert_ok(mail_store_erase(m.store, &joao));
    assert_ok(mail_store_remove(m.store, &joao, row, OUTCOME_DELIVERED));
    assert_ok(mail_store_start(m.store));
    assert_string_equal(mailroom_await(&m, MAIL_ERASED).notice.recipient.text, "joao");
    struct mail_done told = mailroom_await(&m, MAIL_TOLD);
    assert_int_equal(told.notice.state, OUTCOME_DELIVERED);
    assert_false(told.removed);
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:delivered ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_read_back_in_order),
        cmocka_unit_test(it_is_all_there_after_a_new_start),
        cmocka_unit_test(the_boxes_are_listed_at_the_start),
        cmocka_unit_test(nothing_readable_is_on_disk),
        cmocka_unit_test(a_mailbox_of_many_segments_is_read_in_order),
        cmocka_unit_test(a_reading_is_bounded_and_brings_one_at_least),
        cmocka_unit_test(without_a_key_nothing_is_put),
        cmocka_unit_test(what_was_given_is_finished_at_the_end),
        cmocka_unit_test(what_is_delivered_is_gone_and_its_sender_is_told_until_he_noted_it),
        cmocka_unit_test(only_its_owner_removes_a_message_and_only_once),
        cmocka_unit_test(a_segment_that_was_emptied_is_not_written_on),
        cmocka_unit_test(a_message_is_kept_once),
        cmocka_unit_test(two_of_one_id_in_one_transaction_are_one),
        cmocka_unit_test(what_was_delivered_is_not_kept_again),
        cmocka_unit_test(an_erased_mailbox_is_gone_at_once_and_its_senders_are_told),
        cmocka_unit_test(an_erasure_is_finished_after_a_new_start),
        cmocka_unit_test(a_receipt_for_what_is_being_erased_is_told_as_delivered),
    };
    return cmocka_run_group_tests(tests, mailroom_start, mailroom_stop);
}
