/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ipc/messages.h"
#include "rig.h"

/* Erasures that meet a store which cannot take them, or a net that ends before it has: ca hears
 * that the mail is gone once it is, and not before. */

static void start(struct rig *rig)
{
    rig_start_serving(rig);
    rig_start_ca(rig);
}

static void store_one(struct rig *rig)
{
    CLEANUP(rig_client_clear) struct rig_client maria;
    rig_log_in(&maria, rig, CLIENT_AUTH_SEND);
    rig_send(&maria, &(struct rig_message) { .to = "joao", .number = 1, .size = 100 });
    rig_must_hear(&maria, 1, OUTCOME_STORED);
}

static void tell_erased(struct rig *rig)
{
    struct buf body = { 0 };
    const struct ipc_mailbox_name erased = { { "joao" } };
    assert_ok(ipc_mailbox_name_encode(&erased, &body));
    rig_tell(rig, IPC_MAILBOX_ERASED, 0, &body);
}

/* Another ca, in the test's hands. */
static void take_over_ca(struct rig *rig)
{
    rig_kill_ca(rig);
    rig_introduce(rig);
    rig_synchronise(rig);
}

static void must_be_gone(struct rig *rig)
{
    rig_hear_ca(rig, IPC_MAILBOX_GONE);
    struct buf body = { 0 };
    const struct ipc_mailbox none_yet = { .err = MLT_ERR_MISSING };
    assert_ok(ipc_mailbox_encode(&none_yet, &body));
    rig_tell(rig, IPC_MAILBOX, rig->message.tag, &body);
}

/* Its sender is told, and joao gets nothing but what came afterwards. */
static void must_have_lost_the_first(struct rig *rig)
{
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client joao;
    bool told = false;
    bool stored = false;
    rig_start_ca(rig);
    rig_log_in(&maria, rig, CLIENT_AUTH_SEND);
    rig_send(&maria, &(struct rig_message) { .to = "joao", .number = 2, .size = 100 });
    while (!told || !stored) {
        struct outcome o = rig_take_outcome(&maria);
        bool first = rig_number(o.id) == 1;
        assert_int_equal(o.state, first ? OUTCOME_REFUSED : OUTCOME_STORED);
        assert_int_equal(o.reason, first ? OUTCOME_REASON_ERASED : OUTCOME_REASON_NONE);
        told = told || first;
        stored = stored || !first;
    }
    rig_log_in_joao(&joao, rig, CLIENT_AUTH_RECEIVE);
    assert_int_equal(rig_take_delivery(&joao).number, 2);
}

/* ---- a store that is not open ---- */

/* SQLite does not open a database whose WAL is a directory. */
static void block_store(const struct rig *rig, int *dir)
{
    *dir = open(rig->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(*dir >= 0);
    assert_int_equal(renameat(*dir, "mail.db-wal", *dir, "kept"), 0);
    assert_int_equal(mkdirat(*dir, "mail.db-wal", 0700), 0);
}

static void unblock_store(int *dir)
{
    assert_int_equal(unlinkat(*dir, "mail.db-wal", AT_REMOVEDIR), 0);
    assert_int_equal(renameat(*dir, "kept", *dir, "mail.db-wal"), 0);
    file_close(dir);
}

static void an_erasure_waits_for_the_store_to_open(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    int dir = -1;
    start(&rig);
    store_one(&rig);
    rig_kill_net(&rig);
    block_store(&rig, &dir);
    rig_start_again(&rig);
    rig_synchronise(&rig);
    tell_erased(&rig);
    rig_certify(&rig, NULL);
    assert_false(rig_hear(&rig, &rig.parent, 0)); /* it does not serve */
    unblock_store(&dir);
    must_be_gone(&rig);
    assert_true(rig_hear(&rig, &rig.parent, rig_patience_ms));
    assert_int_equal(rig.message.type, IPC_NET_READY);
    must_have_lost_the_first(&rig);
}

/* ---- a commit that does not come ---- */

static sqlite3 *lock_store(const struct rig *rig)
{
    sqlite3 *db = NULL;
    char path[128];
    snprintf(path, sizeof(path), "%s/mail.db", rig->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    /* Net may still be writing down that the sender has heard its outcome. */
    assert_int_equal(sqlite3_busy_timeout(db, rig_patience_ms), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void unlock_store(sqlite3 *db)
{
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Nothing but what comes by itself comes from net before it has taken what it was told. */
static void must_not_be_gone(struct rig *rig)
{
    while (rig_hear(rig, &rig->ca, 300))
        assert_true(rig->message.type == IPC_NONCES_WANTED || rig->message.type == IPC_SEEN);
}

/* Told, and not committed: somebody else is writing. */
static sqlite3 *erase_while_locked(struct rig *rig)
{
    store_one(rig);
    sqlite3 *db = lock_store(rig);
    take_over_ca(rig);
    tell_erased(rig);
    must_not_be_gone(rig);
    return db;
}

static void a_net_killed_before_the_commit_is_told_again(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    start(&rig);
    sqlite3 *db = erase_while_locked(&rig);
    rig_kill_net(&rig);
    unlock_store(db);
    rig_restart(&rig);
    take_over_ca(&rig);
    tell_erased(&rig);
    must_be_gone(&rig);
    must_have_lost_the_first(&rig);
}

/* The ca that told it has ended: the next one tells it again, and hears of it once. */
static void a_ca_that_comes_later_hears_of_it(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    start(&rig);
    sqlite3 *db = erase_while_locked(&rig);
    take_over_ca(&rig);
    tell_erased(&rig);
    unlock_store(db);
    must_be_gone(&rig);
    must_not_be_gone(&rig);
    must_have_lost_the_first(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_erasure_waits_for_the_store_to_open),
        cmocka_unit_test(a_net_killed_before_the_commit_is_told_again),
        cmocka_unit_test(a_ca_that_comes_later_hears_of_it),
    };
    return cmocka_run_group_tests(tests, rig_quiet, NULL);
}
