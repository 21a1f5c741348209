/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/store_outbox.h"
#include "faulty_disk.h"
#include "store_scene.h"

/* A client's store on a disk that fails: what it says of a message, and what is so. */

static int begin_all(void **state)
{
    (void)state;
    faulty_disk_start();
    return 0;
}

static int end(void **state)
{
    faulty_disk_heal();
    return store_scene_end(state);
}

static enum mlt_err keep(uint8_t id[static ENVELOPE_ID])
{
    struct store_outgoing message = { .body = span_str("ola") };
    assert_ok(name_parse(span_str("joao"), &message.recipient));
    return store_outbox_keep(store, &message, id);
}

/* As whoever comes next finds it. */
static uint64_t count_anew(void)
{
    uint64_t waiting = 0;
    store_close(&store);
    assert_ok(store_open(&home, &clock_now.env, &store));
    assert_ok(store_outbox_count(store, &waiting));
    return waiting;
}

static void a_put_whose_sync_failed_and_that_stands_is_kept(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    enum store_awaits awaits;
    faulty_disk_fail(FAULTY_SYNC, FAULTY_EIO, 1, 1);
    assert_ok(keep(id));
    assert_int_equal(faulty_disk_failed(), 1);
    assert_ok(store_outbox_awaits(store, &awaits));
    assert_int_equal(awaits, STORE_AWAITS_WAITING);
    assert_int_equal(count_anew(), 1);
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = false;
    assert_ok(store_outbox_find(store, id, &m, &found));
    assert_true(found);
    assert_int_equal(m.number, 1);
}

static void a_put_that_fails_once_is_kept_or_is_not_as_it_says(void **state)
{
    (void)state;
    static const enum faulty_how hows[] = { FAULTY_EIO, FAULTY_FULL };
    uint64_t kept = 0;
    unsigned refused = 0;
    for (size_t how = 0; how < COUNT_OF(hows); how++) {
        bool reached = true;
        for (unsigned at = 1; reached; at++) {
            uint8_t id[ENVELOPE_ID];
            faulty_disk_fail(FAULTY_CHANGES, hows[how], at, 1);
            enum mlt_err err = keep(id);
            reached = faulty_disk_failed() > 0;
            faulty_disk_heal();
            kept += err == MLT_OK;
            refused += err != MLT_OK;
            assert_int_equal(count_anew(), kept);
        }
    }
    assert_true(refused > 0 && kept > COUNT_OF(hows)); /* beside those that nothing befell */
}

/* Nobody else reads what the failed commit wrote, so it is not there for anybody. */
static void a_put_whose_sync_failed_beside_another_process_is_not_kept(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *other = NULL;
    uint8_t id[ENVELOPE_ID];
    uint64_t waiting = 1;
    assert_ok(store_open(&home, &clock_now.env, &other));
    faulty_disk_fail(FAULTY_SYNC, FAULTY_EIO, 1, 1);
    assert_int_equal(keep(id), MLT_ERR_SYSTEM);
    assert_int_equal(errno, EIO);
    faulty_disk_heal();
    assert_ok(store_outbox_count(other, &waiting));
    assert_int_equal(waiting, 0);
    assert_int_equal(count_anew(), 0);
    assert_ok(keep(id));
    assert_int_equal(count_anew(), 1);
}

static void a_disk_that_goes_on_failing_is_said_to_fail(void **state)
{
    (void)state;
    uint8_t id[ENVELOPE_ID];
    faulty_disk_fail(FAULTY_SYNC, FAULTY_EIO, 1, 0);
    assert_int_equal(keep(id), MLT_ERR_SYSTEM);
    assert_int_equal(errno, EIO);
    assert_int_equal(keep(id), MLT_ERR_SYSTEM);
    faulty_disk_heal();
    assert_ok(keep(id));
    assert_in_range(count_anew(), 1, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, store_scene_begin, end)
        T(a_put_whose_sync_failed_and_that_stands_is_kept),
        T(a_put_that_fails_once_is_kept_or_is_not_as_it_says),
        T(a_put_whose_sync_failed_beside_another_process_is_not_kept),
        T(a_disk_that_goes_on_failing_is_said_to_fail),
    };
    return cmocka_run_group_tests(tests, begin_all, NULL);
}
