/* SPDX-License-Identifier: Apache-2.0 */
#include "mailroom.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"

/* What senders are told, and how they are counted who only say something. */

/* ---- what clients merely say ---- */

static enum mlt_err say_noted(struct mailroom *m, const char *by)
{
    const struct name name = mailroom_name(by);
    const struct noted noted = { .state = OUTCOME_DELIVERED };
    return mail_store_noted(m->store, &name, &noted);
}

static enum mlt_err tell_read(struct mailroom *m, const char *by, int id)
{
    struct mail_notice notice = { .sender = mailroom_name("ana"),
                                  .recipient = mailroom_name(by),
                                  .state = OUTCOME_READ };
    memcpy(notice.id, &id, sizeof(id));
    return mail_store_tell(m->store, &notice);
}

/* However many names they come from. */
static void what_all_together_merely_say_is_bounded(void **state)
{
    (void)state;
    MAILROOM_IDLE(m);
    char by[16];
    for (int i = 0; i < LIMIT_STORE_ASKED; i++) {
        snprintf(by, sizeof(by), "n%d", i / LIMIT_NOTEDS_OF_ONE);
        assert_ok(say_noted(&m, by));
    }
    assert_err(say_noted(&m, "eva"), MLT_ERR_TOO_MANY);
    assert_err(tell_read(&m, "eva", 1), MLT_ERR_TOO_MANY);
}

/* ---- how many wait ---- */

/* Delivered, and then read: the one gives way to the other. */
static void a_notice_that_becomes_another_is_counted_as_that(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_remove(&m, "joao", mailroom_keep(&m, "ana", "joao", 1, "x"), OUTCOME_DELIVERED);
    assert_int_equal(mailroom_sql("SELECT notices FROM waiting WHERE recipient = ''"), 1);
    assert_ok(tell_read(&m, "joao", 1));
    (void)mailroom_await(&m, MAIL_TOLD);
    mailroom_settle(&m);
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:read ");
    assert_int_equal(mailroom_sql("SELECT count(*) FROM waiting WHERE recipient = ''"), 0);
    assert_int_equal(mailroom_sql("SELECT notices FROM waiting WHERE recipient = 'joao'"), 1);
    mailroom_check();
}

/* ---- what a notice says of an id ---- */

static void a_notice_about_one_recipient_answers_for_no_other(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_remove(&m, "joao", mailroom_keep(&m, "ana", "joao", 1, "x"), OUTCOME_DELIVERED);
    mailroom_remove(&m, "joao", mailroom_keep(&m, "ana", "joao", 2, "x"), OUTCOME_UNKNOWN);
    for (int id = 1; id <= 2; id++) {
        struct mail_done done = mailroom_put(&m, "ana", "maria", id, "x");
        mailroom_assert_refused(&done, OUTCOME_REASON_DUPLICATE);
    }
    assert_string_equal(mailroom_notices(&m, "ana"), "joao:1:delivered joao:2:unknown ");
    struct mail_done done = mailroom_put(&m, "ana", "joao", 1, "x");
    assert_int_equal(done.outcome.state, OUTCOME_DELIVERED);
    assert_string_equal(mailroom_read(&m, "maria"), "");
    mailroom_check();
}

/* ---- of an erased mailbox ---- */

static void erase(struct mailroom *m, const char *recipient)
{
    const struct name name = mailroom_name(recipient);
    assert_ok(mail_store_erase(m->store, &name));
}

/* A removal that comes with an erasure, in one transaction and before any sweep. */
static const char *told_of_removal(struct mailroom *m, const char *by, enum outcome_state state)
{
    int64_t row = mailroom_keep(m, "ana", "maria", 1, "x");
    const struct name name = mailroom_name(by);
    mailroom_again_idle(m);
    erase(m, "maria");
    assert_ok(mail_store_remove(m->store, &name, row, state));
    mailroom_run(m);
    (void)mailroom_await(m, MAIL_TOLD);
    mailroom_settle(m);
    return mailroom_notices(m, "ana");
}

static void nobody_confirms_what_was_in_the_erased_mailbox_of_another(void **state)
{
    (void)state;
    MAILROOM(m);
    assert_string_equal(told_of_removal(&m, "joao", OUTCOME_DELIVERED), "maria:1:refused:erased ");
    mailroom_check();
}

static void what_was_damaged_in_an_erased_mailbox_is_told_as_erased(void **state)
{
    (void)state;
    MAILROOM(m);
    assert_string_equal(told_of_removal(&m, "maria", OUTCOME_UNKNOWN), "maria:1:refused:erased ");
    mailroom_check();
}

/* Zeroes where a page of mail.db should be. */
static void damage(const char *name)
{
    static const char zeroes[4096];
    char sql[100];
    snprintf(sql, sizeof(sql), "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", name);
    int64_t page = mailroom_sql(sql);
    assert_true(page > 1);
    assert_int_equal(mailroom_sql("PRAGMA page_size"), sizeof(zeroes));
    int fd = open("mail.db", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, zeroes, sizeof(zeroes), (page - 1) * (off_t)sizeof(zeroes)),
                     sizeof(zeroes));
    assert_int_equal(close(fd), 0);
}

/* Whoever ordered it waits for an answer, and must not take this one for its end. */
static void an_erasure_that_a_damaged_page_forbids_is_answered_with_an_error(void **state)
{
    (void)state;
    MAILROOM(m);
    mailroom_keep(&m, "ana", "joao", 1, "x");
    mail_store_close(&m.store);
    damage("segments_box");
    mailroom_again(&m);
    erase(&m, "joao");
    struct mail_done done = mailroom_await(&m, MAIL_ERASED);
    assert_err(done.err, MLT_ERR_DAMAGED);
    assert_string_equal(done.notice.recipient.text, "joao");
    assert_int_equal(mailroom_sql("SELECT count(*) FROM boxes WHERE erased = 0"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_all_together_merely_say_is_bounded),
        cmocka_unit_test(a_notice_that_becomes_another_is_counted_as_that),
        cmocka_unit_test(a_notice_about_one_recipient_answers_for_no_other),
        cmocka_unit_test(nobody_confirms_what_was_in_the_erased_mailbox_of_another),
        cmocka_unit_test(what_was_damaged_in_an_erased_mailbox_is_told_as_erased),
        cmocka_unit_test(an_erasure_that_a_damaged_page_forbids_is_answered_with_an_error),
    };
    return cmocka_run_group_tests(tests, mailroom_start, mailroom_stop);
}
