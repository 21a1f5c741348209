/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <errno.h>
#include <unistd.h>

#include "authority.h"
#include "base/log.h"
#include "ca/enrol.h"
#include "ca/schema.h"

/* ledger.db is removed while ca runs: nobody is certified whom the next ca would not know. */

static struct authority a;

static int start(void **state)
{
    (void)state;
    authority_libraries();
    authority_start(&a, ENROL_OPEN);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    authority_stop(&a);
    return 0;
}

static enum mlt_err enrol(struct ipc_enrolled *answer)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct ipc_enrol asked =
        authority_ask(&a.ca.cert, "maria", authority_key(0), NULL, &request);
    enum mlt_err err = enrol_client(&a.ca, &asked, answer, &der);
    assert_int_equal(der.len, 0);
    return err;
}

static void nobody_is_enrolled_into_a_ledger_that_was_removed(void **state)
{
    (void)state;
    struct ipc_enrolled answer = { 0 };
    assert_int_equal(unlinkat(a.ca.dir, SCHEMA_FILE, 0), 0);
    enum mlt_err err = enrol(&answer);
    assert_err(err, MLT_ERR_SYSTEM);
    assert_true(a.ca.db.broken); /* so ca ends, see process.c */
    assert_int_equal(a.ca.db.loss, DB_LOSS_FILE);
    assert_err(enrol(&answer), MLT_ERR_DATABASE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_enrolled_into_a_ledger_that_was_removed),
    };
    return cmocka_run_group_tests_name("ledger_gone", tests, start, stop);
}
