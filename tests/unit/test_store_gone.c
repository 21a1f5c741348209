/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/store.h"
#include "client/store_outbox.h"

/* malote.db is removed while a process has it open: no message is confirmed, or said to be kept,
 * that is in a file without a name. */

static char scratch[64];
static struct home home = HOME_CLOSED;
static struct store *store;

static int begin(void **state)
{
    (void)state;
    snprintf(scratch, sizeof(scratch), "/tmp/malote-test-store-gone-XXXXXX");
    if (mkdtemp(scratch) == NULL || home_open(scratch, false, &home) != MLT_OK)
        return -1;
    return store_open(&home, env_system(), &store) == MLT_OK ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int end(void **state)
{
    (void)state;
    store_close(&store);
    home_close(&home);
    return nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void take_away(bool only_wal)
{
    static const char *const names[] = { "malote.db-wal", "malote.db-shm", "malote.db" };
    for (size_t i = 0; i < (only_wal ? 1 : COUNT_OF(names)); i++)
        assert_int_equal(unlinkat(home.dirfd, names[i], 0), 0);
}

static enum mlt_err receive(uint8_t id)
{
    struct envelope e = { .id = { id }, .sender = { .kind = ADDRESS_USER }, .epoch = 1 };
    bool fresh = false;
    e.number = id;
    e.body = span_str("ola");
    assert_ok(name_parse(span_str("maria"), &e.sender.name));
    return store_put(store, &e, &fresh);
}

static enum mlt_err keep(void)
{
    struct store_outgoing message = { .body = span_str("ola") };
    uint8_t id[ENVELOPE_ID];
    assert_ok(name_parse(span_str("joao"), &message.recipient));
    return store_outbox_keep(store, &message, id);
}

static void nothing_goes_into_a_store_that_was_removed_and_no_other_is_begun(void **state)
{
    (void)state;
    assert_ok(receive(1));
    take_away(false);
    enum mlt_err err = receive(2);
    int number = errno;
    assert_err(err, MLT_ERR_SYSTEM);
    assert_int_equal(number, ENOENT);
    assert_err(receive(2), MLT_ERR_MISSING);
    assert_err(keep(), MLT_ERR_MISSING);
    assert_int_equal(faccessat(home.dirfd, "malote.db", F_OK, 0), -1);
    /* What begins anew is another one. */
    store_close(&store);
    assert_ok(store_open(&home, env_system(), &store));
    assert_ok(receive(2));
}

static void a_batch_in_a_store_that_is_removed_meanwhile_fails(void **state)
{
    (void)state;
    assert_ok(store_begin(store));
    assert_ok(receive(1));
    take_away(false);
    assert_err(store_end(store, MLT_OK), MLT_ERR_SYSTEM);
}

static void what_a_removed_wal_held_is_still_there(void **state)
{
    (void)state;
    uint64_t unshown = 0;
    assert_ok(receive(1));
    take_away(true);
    assert_err(receive(2), MLT_ERR_SYSTEM);
    assert_ok(receive(2)); /* opened anew */
    assert_ok(store_count_unshown(store, NULL, &unshown));
    assert_int_equal(unshown, 2);
}

#define IN_HOME(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOME(nothing_goes_into_a_store_that_was_removed_and_no_other_is_begun),
        IN_HOME(a_batch_in_a_store_that_is_removed_meanwhile_fails),
        IN_HOME(what_a_removed_wal_held_is_still_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
