/* SPDX-License-Identifier: Apache-2.0 */
#include "mailroom.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"
#include "faulty_disk.h"
#include "mailbox_key.h"
#include "mail/mail_chain.h"

/* What the store does while the disk does what it should; test_mail_faults.c has the rest. */

static void close_room(struct mailroom *m)
{
    mailroom_close(m);
}

#define ROOM(m)                                                                                    \
    CLEANUP(close_room) struct mailroom m;                                                         \
    mailroom_open(&m, &mailroom_roomy, false)

static void assert_refused(const struct mail_done *done, enum outcome_reason reason)
{
    assert_int_equal(done->outcome.state, OUTCOME_REFUSED);
    assert_int_equal(done->outcome.reason, reason);
    assert_int_equal(done->row, 0);
    assert_false(done->fresh);
}

/* ---- keeping and reading ---- */

static void what_is_put_is_read_back_in_order(void **state)
{
    (void)state;
    ROOM(m);
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
    ROOM(m);
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

static void wake_nobody(void *ctx)
{
    (void)ctx;
}

static void the_boxes_are_listed_at_the_start(void **state)
{
    (void)state;
    char text[100] = "";
    const struct mail_box_visit visit = { list_box, text };
    CLEANUP(close_room) struct mailroom m;
    mailroom_open(&m, &mailroom_roomy, true);
    assert_ok(mail_store_each_box(m.store, &visit));
    assert_string_equal(text, "");
    mailroom_run(&m);
    assert_err(mail_store_each_box(m.store, &visit), MLT_ERR_STATE);
    mailroom_keep(&m, "ana", "joao", 1, "one");
    mailroom_keep(&m, "bia", "joao", 2, "two");
    mailroom_remove(&m, "maria", mailroom_keep(&m, "ana", "maria", 3, "three"), OUTCOME_DELIVERED);
    mail_store_close(&m.store);
    const struct mail_store_config config = { .env = env_system(),
                                              .limits = m.limits,
                                              .wake = wake_nobody };
    assert_ok(mail_store_open(&config, m.dirfd, &m.store));
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
    ROOM(m);
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
    ROOM(m);
    for (int i = 1; i <= messages; i++)
        mailroom_give(&m, "ana", "joao", i, "x");
    for (int i = 1; i <= messages; i++) {
        struct mail_done done = mailroom_await(&m, MAIL_PUT);
        assert_int_equal(done.outcome.state, OUTCOME_STORED);
        assert_ptr_equal(done.ticket, (void *)(intptr_t)i);
    }
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
    ROOM(m);
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
    ROOM(m);
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

/* ---- what is damaged, and what is not to be opened ---- */

static void a_damaged_message_is_unreadable_and_the_others_are_not(void **state)
{
    (void)state;
    ROOM(m);
    for (int i = 1; i <= 3; i++)
        mailroom_keep(&m, "ana", "joao", i, "x");
    static const char *const damage[] = {
        "UPDATE messages SET sealed = zeroblob(length(sealed)) WHERE idx = 1",
        "UPDATE messages SET sealed = x'' WHERE idx = 1",
        "UPDATE messages SET idx = -1 WHERE idx = 1",
        "UPDATE messages SET idx = 4294967297 WHERE idx = -1",
        "UPDATE messages SET sender = 'ANA!' WHERE idx = 4294967297",
    };
    for (size_t i = 0; i < COUNT_OF(damage); i++) {
        mailroom_sql(damage[i]);
        assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ? ana:3:x ");
    }
}

static void rows_swapped_with_others_do_not_open(void **state)
{
    (void)state;
    ROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_keep(&m, "ana", "joao", 2, "y");
    mailroom_keep(&m, "ana", "maria", 3, "z");
    static const struct {
        const char *change, *back;
    } rows[] = {
        { "UPDATE messages SET sender = 'bia' WHERE row = 1",
          "UPDATE messages SET sender = 'ana' WHERE row = 1" },
        { "UPDATE messages SET id = zeroblob(16) WHERE row = 1",
          "UPDATE messages SET id = x'01000000000000000000000000000000' WHERE row = 1" },
        { "UPDATE messages SET idx = 2 WHERE row = 1",
          "UPDATE messages SET idx = 0 WHERE row = 1" },
        { "UPDATE messages SET segment = 2 WHERE row = 1",
          "UPDATE messages SET segment = 1 WHERE row = 1" },
        { "UPDATE segments SET id = zeroblob(16) WHERE number = 1", NULL },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        mailroom_sql(rows[i].change);
        assert_null(strstr(mailroom_read(&m, "joao"), "ana:1"));
        if (rows[i].back == NULL)
            return;
        mailroom_sql(rows[i].back);
        assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:2:y ");
    }
}

static void mail_moved_into_another_mailbox_does_not_open(void **state)
{
    (void)state;
    ROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "for joao");
    mailroom_keep(&m, "ana", "maria", 2, "for maria");
    mailroom_sql("UPDATE messages SET box = 2 WHERE row = 1");
    mailroom_sql("UPDATE segments SET box = 2");
    assert_string_equal(mailroom_read(&m, "maria"), "? ana:2:for maria ");
}

static void a_wrong_key_is_told_and_condemns_no_message(void **state)
{
    (void)state;
    ROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    struct mail_read read = { .recipient = mailroom_name("joao"), .most = 9, .most_bytes = 9999 };
    assert_ok(mail_store_read(m.store, &read));
    struct mail_done done = mailroom_await(&m, MAIL_READ);
    assert_ok(done.err);
    assert_int_equal(done.count, 0);
    assert_false(done.end);
    assert_int_equal(done.wrapped.len, 256);
    memcpy(read.segment, done.segment, sizeof(read.segment));
    mail_done_clear(&done);
    CLEANUP(secret_clear) struct secret wrong = { 0 };
    assert_ok(secret_new(&wrong, 32));
    read.key = &wrong;
    assert_ok(mail_store_read(m.store, &read));
    done = mailroom_await(&m, MAIL_READ);
    assert_err(done.err, MLT_ERR_AUTH);
    assert_int_equal(done.count, 0);
    /* A key of another segment is no key. */
    read.segment[0] ^= 1;
    assert_ok(mail_store_read(m.store, &read));
    done = mailroom_await(&m, MAIL_READ);
    assert_ok(done.err);
    assert_int_equal(done.count, 0);
    assert_int_equal(done.wrapped.len, 256);
    mail_done_clear(&done);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ");
}

static void a_segment_that_can_never_be_opened_gives_its_rows_to_be_removed(void **state)
{
    (void)state;
    ROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_keep(&m, "ana", "joao", 2, "y");
    mailroom_again(&m);
    int64_t last = mailroom_keep(&m, "ana", "joao", 3, "z");
    /* ca says so when it unwraps: the reader is told `lost`. */
    mailroom_sql("UPDATE segments SET wrapped = zeroblob(256) WHERE number = 1");
    assert_string_equal(mailroom_read(&m, "joao"), "? ? ana:3:z ");
    mailroom_sql("UPDATE segments SET proof = x'00' WHERE number = 1");
    assert_string_equal(mailroom_read(&m, "joao"), "? ? ana:3:z ");
    mailroom_sql("DELETE FROM segments WHERE number = 1");
    assert_string_equal(mailroom_read(&m, "joao"), "? ? ana:3:z ");
    mailroom_remove(&m, "joao", last - 2, OUTCOME_UNKNOWN);
    mailroom_remove(&m, "joao", last - 1, OUTCOME_UNKNOWN);
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:unknown joao:2:unknown ");
    mailroom_check();
}

/* ---- removing, and telling senders ---- */

static void what_is_delivered_is_gone_and_its_sender_is_told_until_he_noted_it(void **state)
{
    (void)state;
    ROOM(m);
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
    ROOM(m);
    int64_t row = mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_keep(&m, "ana", "maria", 2, "y");
    const struct name maria = mailroom_name("maria");
    const struct name joao = mailroom_name("joao");
    assert_ok(mail_store_remove(m.store, &maria, row, OUTCOME_DELIVERED));
    assert_ok(mail_store_remove(m.store, &joao, row + 7, OUTCOME_DELIVERED));
    mailroom_settle(&m);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ");
    assert_ok(mail_store_remove(m.store, &joao, row, OUTCOME_DELIVERED));
    assert_ok(mail_store_remove(m.store, &joao, row, OUTCOME_DELIVERED));
    assert_memory_equal(mailroom_await(&m, MAIL_REMOVED).notice.sender.text, "ana", 4);
    mailroom_settle(&m);
    struct mail_done none;
    assert_false(mail_store_take(m.store, &none));
    mailroom_check();
}

static void a_segment_that_was_emptied_is_not_written_on(void **state)
{
    (void)state;
    ROOM(m);
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
    ROOM(m);
    int64_t row = mailroom_keep(&m, "ana", "joao", 1, "x");
    struct mail_done again = mailroom_put(&m, "ana", "joao", 1, "x");
    assert_int_equal(again.outcome.state, OUTCOME_STORED);
    assert_int_equal(again.row, row);
    assert_false(again.fresh);
    /* Of another sender it is another message. */
    assert_true(mailroom_put(&m, "bia", "joao", 1, "x").fresh);
    /* For another recipient it cannot be. */
    struct mail_done other = mailroom_put(&m, "ana", "maria", 1, "x");
    assert_refused(&other, OUTCOME_REASON_DUPLICATE);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x bia:1:x ");
    assert_string_equal(mailroom_read(&m, "maria"), "");
    mailroom_check();
}

static void two_of_one_id_in_one_transaction_are_one(void **state)
{
    (void)state;
    CLEANUP(close_room) struct mailroom m;
    mailroom_open(&m, &mailroom_roomy, true);
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
    assert_refused(&third, OUTCOME_REASON_DUPLICATE);
    assert_true(mailroom_await(&m, MAIL_PUT).fresh);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:2:y ");
    mailroom_check();
}

static void what_was_delivered_is_not_kept_again(void **state)
{
    (void)state;
    ROOM(m);
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

/* ---- quota ---- */

static void a_mailbox_holds_so_many_messages(void **state)
{
    (void)state;
    const struct mail_limits limits = { 3, 1 << 20, 100, 86400000 };
    CLEANUP(close_room) struct mailroom m;
    mailroom_open(&m, &limits, false);
    int64_t row = mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_keep(&m, "bia", "joao", 2, "x");
    mailroom_keep(&m, "ana", "joao", 3, "x");
    struct mail_done full = mailroom_put(&m, "bia", "joao", 4, "x");
    assert_refused(&full, OUTCOME_REASON_FULL);
    /* Another one is another's; and what is there is not refused for being there. */
    mailroom_keep(&m, "ana", "maria", 5, "x");
    assert_int_equal(mailroom_put(&m, "ana", "joao", 3, "x").outcome.state, OUTCOME_STORED);
    mailroom_again(&m);
    full = mailroom_put(&m, "bia", "joao", 4, "x");
    assert_refused(&full, OUTCOME_REASON_FULL);
    mailroom_remove(&m, "joao", row, OUTCOME_DELIVERED);
    mailroom_keep(&m, "bia", "joao", 4, "x");
    full = mailroom_put(&m, "caio", "joao", 6, "x");
    assert_refused(&full, OUTCOME_REASON_FULL);
    mailroom_check();
}

static void a_mailbox_holds_so_many_bytes(void **state)
{
    (void)state;
    ROOM(m);
    mailroom_keep(&m, "ana", "maria", 1, "0123456789");
    uint64_t one = (uint64_t)mailroom_sql("SELECT length(sealed) FROM messages");
    mailroom_close(&m);
    const struct mail_limits limits = { 100, 2 * one, 100, 86400000 };
    mailroom_open(&m, &limits, false);
    mailroom_keep(&m, "ana", "maria", 1, "0123456789");
    int64_t row = mailroom_keep(&m, "ana", "maria", 2, "0123456789");
    struct mail_done full = mailroom_put(&m, "ana", "maria", 3, "");
    assert_refused(&full, OUTCOME_REASON_FULL);
    mailroom_remove(&m, "maria", row, OUTCOME_DELIVERED);
    full = mailroom_put(&m, "ana", "maria", 4, "0123456789+");
    assert_refused(&full, OUTCOME_REASON_FULL);
    mailroom_keep(&m, "ana", "maria", 5, "0123456789");
    mailroom_check();
}

static void one_sender_has_a_share_and_the_rest_is_for_others(void **state)
{
    (void)state;
    const struct mail_limits limits = { 8, 1 << 20, 25, 86400000 };
    CLEANUP(close_room) struct mailroom m;
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
            assert_refused(&done, OUTCOME_REASON_SHARE);
        else
            assert_int_equal(done.outcome.state, OUTCOME_STORED);
    }
    mailroom_again(&m);
    struct mail_done done = mailroom_put(&m, "ana", "joao", 7, "x");
    assert_refused(&done, OUTCOME_REASON_SHARE);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:2:x bia:5:x ");
    mailroom_check();
}

static void a_share_of_a_small_mailbox_is_one_message(void **state)
{
    (void)state;
    const struct mail_limits limits = { 2, 1 << 20, 25, 86400000 };
    CLEANUP(close_room) struct mailroom m;
    mailroom_open(&m, &limits, false);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    struct mail_done done = mailroom_put(&m, "ana", "joao", 2, "x");
    assert_refused(&done, OUTCOME_REASON_SHARE);
    mailroom_keep(&m, "bia", "joao", 3, "x");
}

/* ---- time ---- */

static const int64_t day_ms = 86400000;

static void mail_that_nobody_came_for_expires_and_its_sender_is_told(void **state)
{
    (void)state;
    ROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_pass(10 * day_ms);
    mailroom_keep(&m, "ana", "joao", 2, "y");
    mailroom_pass(20 * day_ms - 1);
    mail_store_tick(m.store);
    mailroom_settle(&m);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:2:y ");
    mailroom_pass(1);
    mail_store_tick(m.store);
    struct mail_done told = mailroom_await(&m, MAIL_TOLD);
    assert_true(told.removed);
    assert_int_equal(told.notice.state, OUTCOME_EXPIRED);
    assert_string_equal(told.notice.recipient.text, "joao");
    assert_string_equal(mailroom_read(&m, "joao"), "ana:2:y ");
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:expired ");
    mailroom_check();
}

static void a_wall_clock_that_jumps_makes_nothing_expire(void **state)
{
    (void)state;
    static const int64_t jumps[] = { 4000, -8000, 4000 };
    ROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    for (size_t i = 0; i < COUNT_OF(jumps); i++) {
        mailroom_jump(jumps[i] * day_ms);
        mail_store_tick(m.store);
        mailroom_settle(&m);
        assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ");
        /* Nor over a new start. */
        mailroom_again(&m);
        mail_store_tick(m.store);
        mailroom_settle(&m);
        assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ");
    }
}

/* The server's stop counts by the wall clock, a day at most. */
static void a_stop_counts_as_time_but_not_for_long(void **state)
{
    (void)state;
    ROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_pass(28 * day_ms);
    mail_store_tick(m.store);
    mailroom_settle(&m);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ");
        mail_store_close(&m.store);
        mailroom_jump((i == 0 ? 100 : 1) * day_ms);
        mailroom_again(&m);
    }
    mail_store_tick(m.store);
    mailroom_settle(&m);
    assert_string_equal(mailroom_read(&m, "joao"), "");
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:expired ");
}

/* A crash forgets no more of its age than a minute. */
static void time_goes_on_after_a_crash(void **state)
{
    (void)state;
    ROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_pass_mono(29 * day_ms);
    mail_store_tick(m.store);
    mailroom_settle(&m);
    assert_int_equal(mailroom_sql("SELECT age_ms FROM clock"), 29 * day_ms);
    mailroom_pass_mono(30000);
    mailroom_keep(&m, "ana", "joao", 2, "y");
    mail_store_close(&m.store);
    mailroom_sql("UPDATE clock SET age_ms = 29 * 86400000"); /* as if it had been killed */
    mailroom_again(&m);
    mailroom_keep(&m, "ana", "joao", 3, "z");
    assert_int_equal(mailroom_sql("SELECT kept FROM messages WHERE row = 3"), 29 * day_ms + 30000);
    /* A damaged row does not make it jump. */
    mail_store_close(&m.store);
    mailroom_sql("UPDATE messages SET kept = 1 << 60 WHERE row = 3");
    mailroom_again(&m);
    mailroom_settle(&m);
    assert_string_equal(mailroom_read(&m, "joao"), "ana:1:x ana:2:y ana:3:z ");
}

static void more_than_a_batch_expires_in_one_go(void **state)
{
    (void)state;
    enum { messages = 2 * LIMIT_EXPIRE_BATCH + 3 };
    ROOM(m);
    for (int i = 1; i <= messages; i++)
        mailroom_give(&m, "ana", i % 2 == 0 ? "joao" : "maria", i, "x");
    for (int i = 1; i <= messages; i++)
        mailroom_await(&m, MAIL_PUT);
    mailroom_pass(30 * day_ms);
    mail_store_tick(m.store);
    for (int i = 1; i <= messages; i++)
        assert_int_equal(mailroom_await(&m, MAIL_TOLD).notice.state, OUTCOME_EXPIRED);
    assert_string_equal(mailroom_read(&m, "joao"), "");
    mailroom_check();
}

static void a_notice_nobody_comes_for_is_forgotten(void **state)
{
    (void)state;
    ROOM(m);
    mailroom_remove(&m, "joao", mailroom_keep(&m, "ana", "joao", 1, "x"), OUTCOME_DELIVERED);
    mailroom_pass((int64_t)LIMIT_NOTICE_S * 1000);
    mail_store_tick(m.store);
    mailroom_settle(&m);
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:delivered ");
    mailroom_pass(1);
    mail_store_tick(m.store);
    mailroom_settle(&m);
    assert_string_equal(mailroom_notices(&m, "ana"), "");
}

static void read_receipts_of_a_pair_are_bounded(void **state)
{
    (void)state;
    ROOM(m);
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
    CLEANUP(close_room) struct mailroom m;
    mailroom_open(&m, &mailroom_roomy, true);
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
    CLEANUP(close_room) struct mailroom m;
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

static void so_many_notices_wait_for_one_before_no_more_of_his_is_kept(void **state)
{
    (void)state;
    ROOM(m);
    int64_t kept = mailroom_keep(&m, "ana", "joao", 1, "x");
    mailroom_remove(&m, "joao", mailroom_keep(&m, "ana", "joao", 2, "x"), OUTCOME_DELIVERED);
    mailroom_sql("WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                 " INSERT INTO notices SELECT i + 100, 'ana', 'joao', CAST(i AS BLOB), 2, 0, 0"
                 " FROM n");
    assert_int_equal(mailroom_sql("SELECT count(*) FROM notices"), LIMIT_NOTICES_OF_ONE);
    struct mail_done done = mailroom_put(&m, "ana", "joao", 3, "x");
    assert_refused(&done, OUTCOME_REASON_SHARE);
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

/* ---- erasing ---- */

static void an_erased_mailbox_is_gone_at_once_and_its_senders_are_told(void **state)
{
    (void)state;
    enum { messages = LIMIT_EXPIRE_BATCH + 40 };
    ROOM(m);
    for (int i = 1; i <= messages; i++)
        mailroom_give(&m, "ana", "joao", i, "x");
    for (int i = 1; i <= messages; i++)
        mailroom_await(&m, MAIL_PUT);
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
    CLEANUP(close_room) struct mailroom m;
    mailroom_open(&m, &mailroom_roomy, true);
    mailroom_run(&m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mail_store_close(&m.store);
    mailroom_sql("UPDATE boxes SET erased = 1");
    mailroom_sql("DELETE FROM shares");
    const struct mail_store_config config = { .env = env_system(),
                                              .limits = m.limits,
                                              .wake = wake_nobody };
    assert_ok(mail_store_open(&config, m.dirfd, &m.store));
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
    CLEANUP(close_room) struct mailroom m;
    mailroom_open(&m, &mailroom_roomy, true);
    mailroom_run(&m);
    int64_t row = mailroom_keep(&m, "ana", "joao", 1, "x");
    mail_store_close(&m.store);
    const struct mail_store_config config = { .env = env_system(),
                                              .limits = m.limits,
                                              .wake = wake_nobody };
    assert_ok(mail_store_open(&config, m.dirfd, &m.store));
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

/* The index knows an id whose row is not there. */
static void damage_index(const char *sender, int id)
{
    sqlite3 *db = NULL;
    char sql[200];
    uint8_t bytes[ENVELOPE_ID] = { (uint8_t)id };
    int64_t root = mailroom_sql("SELECT rootpage FROM sqlite_schema WHERE type = 'index'"
                                " AND tbl_name = 'messages' AND (sql IS NULL OR"
                                " sql LIKE '%(sender, id)%')");
    assert_int_equal(sqlite3_open("mail.db", &db), SQLITE_OK);
    assert_int_equal(sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, db, "main", 1, (int)root),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TABLE imposter(sender, id, number,"
                                  " PRIMARY KEY(sender, id, number)) WITHOUT ROWID",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_test_control(SQLITE_TESTCTRL_IMPOSTER, db, "main", 0, 0), SQLITE_OK);
    int n = snprintf(sql, sizeof(sql), "INSERT INTO imposter VALUES('%s', x'", sender);
    for (size_t i = 0; i < sizeof(bytes); i++)
        n += snprintf(sql + n, sizeof(sql) - (size_t)n, "%02x", bytes[i]);
    snprintf(sql + n, sizeof(sql) - (size_t)n, "', 999)");
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void an_id_that_only_the_index_knows_is_refused_and_nothing_else(void **state)
{
    (void)state;
    CLEANUP(close_room) struct mailroom m;
    mailroom_open(&m, &mailroom_roomy, false);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mail_store_close(&m.store);
    damage_index("ana", 5);
    mailroom_again(&m);
    mailroom_give(&m, "ana", "joao", 5, "y");
    mailroom_give(&m, "bia", "joao", 6, "z");
    struct mail_done done = mailroom_await(&m, MAIL_PUT);
    assert_refused(&done, OUTCOME_REASON_DUPLICATE);
    done = mailroom_await(&m, MAIL_PUT);
    assert_int_equal(done.outcome.state, OUTCOME_STORED);
}

/* ---- one fsync for many, and bounds ---- */

static void many_messages_share_one_fsync(void **state)
{
    (void)state;
    enum { messages = 900 };
    CLEANUP(close_room) struct mailroom m;
    mailroom_open(&m, &mailroom_roomy, true);
    for (int i = 1; i <= messages; i++)
        mailroom_give(&m, "ana", i % 2 == 0 ? "joao" : "maria", i, "x");
    faulty_disk_heal();
    mailroom_run(&m);
    for (int i = 1; i <= messages; i++)
        assert_int_equal(mailroom_await(&m, MAIL_PUT).outcome.state, OUTCOME_STORED);
    assert_in_range(faulty_disk_calls(FAULTY_SYNC), 1, 3);
    /* And each has one of its own if they come one by one. */
    faulty_disk_heal();
    for (int i = 1; i <= 5; i++)
        mailroom_keep(&m, "bia", "joao", i, "x");
    assert_in_range(faulty_disk_calls(FAULTY_SYNC), 5, 7);
}

static void what_waits_is_bounded(void **state)
{
    (void)state;
    static char body[LIMIT_BODY];
    memset(body, 'x', sizeof(body) - 1);
    CLEANUP(close_room) struct mailroom m;
    mailroom_open(&m, &mailroom_roomy, true);
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

static void the_log_is_moved_into_the_database_as_it_grows(void **state)
{
    (void)state;
    static char body[LIMIT_BODY];
    struct stat st;
    memset(body, 'x', sizeof(body) - 1);
    ROOM(m);
    for (int i = 1; i <= 500; i++) {
        mailroom_keep(&m, "ana", "joao", i, body);
        assert_int_equal(stat("mail.db-wal", &st), 0);
        assert_true(st.st_size < (LIMIT_STORE_WAL + 100) * INT64_C(4120));
    }
    assert_int_equal(stat("mail.db", &st), 0);
    assert_true(st.st_size > 16 * LIMIT_BODY);
}

static void what_was_given_is_finished_at_the_end(void **state)
{
    (void)state;
    ROOM(m);
    for (int i = 1; i <= 300; i++)
        mailroom_give(&m, "ana", "joao", i, "x");
    mail_store_close(&m.store);
    mailroom_again(&m);
    assert_int_equal(mailroom_sql("SELECT count(*) FROM messages"), 300);
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
        cmocka_unit_test(what_is_put_is_read_back_in_order),
        cmocka_unit_test(it_is_all_there_after_a_new_start),
        cmocka_unit_test(the_boxes_are_listed_at_the_start),
        cmocka_unit_test(nothing_readable_is_on_disk),
        cmocka_unit_test(a_mailbox_of_many_segments_is_read_in_order),
        cmocka_unit_test(a_reading_is_bounded_and_brings_one_at_least),
        cmocka_unit_test(without_a_key_nothing_is_put),
        cmocka_unit_test(a_damaged_message_is_unreadable_and_the_others_are_not),
        cmocka_unit_test(rows_swapped_with_others_do_not_open),
        cmocka_unit_test(mail_moved_into_another_mailbox_does_not_open),
        cmocka_unit_test(a_wrong_key_is_told_and_condemns_no_message),
        cmocka_unit_test(a_segment_that_can_never_be_opened_gives_its_rows_to_be_removed),
        cmocka_unit_test(what_is_delivered_is_gone_and_its_sender_is_told_until_he_noted_it),
        cmocka_unit_test(only_its_owner_removes_a_message_and_only_once),
        cmocka_unit_test(a_segment_that_was_emptied_is_not_written_on),
        cmocka_unit_test(a_message_is_kept_once),
        cmocka_unit_test(two_of_one_id_in_one_transaction_are_one),
        cmocka_unit_test(what_was_delivered_is_not_kept_again),
        cmocka_unit_test(a_mailbox_holds_so_many_messages),
        cmocka_unit_test(a_mailbox_holds_so_many_bytes),
        cmocka_unit_test(one_sender_has_a_share_and_the_rest_is_for_others),
        cmocka_unit_test(a_share_of_a_small_mailbox_is_one_message),
        cmocka_unit_test(mail_that_nobody_came_for_expires_and_its_sender_is_told),
        cmocka_unit_test(a_wall_clock_that_jumps_makes_nothing_expire),
        cmocka_unit_test(a_stop_counts_as_time_but_not_for_long),
        cmocka_unit_test(time_goes_on_after_a_crash),
        cmocka_unit_test(more_than_a_batch_expires_in_one_go),
        cmocka_unit_test(a_notice_nobody_comes_for_is_forgotten),
        cmocka_unit_test(read_receipts_of_a_pair_are_bounded),
        cmocka_unit_test(what_one_merely_says_leaves_the_queue_to_others),
        cmocka_unit_test(removals_and_erasures_have_room_when_others_have_none),
        cmocka_unit_test(so_many_notices_wait_for_one_before_no_more_of_his_is_kept),
        cmocka_unit_test(an_erased_mailbox_is_gone_at_once_and_its_senders_are_told),
        cmocka_unit_test(a_receipt_for_what_is_being_erased_is_told_as_delivered),
        cmocka_unit_test(an_id_that_only_the_index_knows_is_refused_and_nothing_else),
        cmocka_unit_test(an_erasure_is_finished_after_a_new_start),
        cmocka_unit_test(many_messages_share_one_fsync),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(the_log_is_moved_into_the_database_as_it_grows),
        cmocka_unit_test(what_was_given_is_finished_at_the_end),
        cmocka_unit_test(so_many_segments_are_written_at_once),
    };
    return cmocka_run_group_tests(tests, mailroom_start, mailroom_stop);
}
