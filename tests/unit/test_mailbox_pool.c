/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/secret.h"
#include "ca/mailbox_pool.h"
#include "crypto/crypto.h"
#include "crypto/rsa.h"

/* Less than any pair costs, and more than waking up now and then. */
static const int64_t pair_ns = 5000000;

/* What a thread of ours has computed so far. */
static int64_t computed_ns(const char *id)
{
    char path[300]; /* a name of a directory has up to 255 */
    long long ns = -1;
    snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", id);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lld", &ns), 1);
    fclose(f);
    return ns;
}

/* How many threads of this priority have made pairs, the one that runs the tests aside. */
static unsigned makers(int priority)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *e; (e = readdir(tasks)) != NULL;) {
        long id = strtol(e->d_name, NULL, 10);
        if (id <= 0 || id == gettid())
            continue;
        count +=
            getpriority(PRIO_PROCESS, (id_t)id) == priority && computed_ns(e->d_name) > pair_ns;
    }
    closedir(tasks);
    return count;
}

static void await_pair(const struct mailbox_pool *pool)
{
    eventfd_t made;
    struct pollfd p = { .fd = mailbox_pool_fd(pool), .events = POLLIN };
    assert_int_equal(poll(&p, 1, -1), 1);
    assert_int_equal(eventfd_read(p.fd, &made), 0);
}

static unsigned take_all(struct mailbox_pool *pool)
{
    unsigned count = 0;
    for (EVP_PKEY *key = NULL; mailbox_pool_take(pool, &key); count++) {
        assert_ok(mailbox_pool_prove(key));
        rsa_key_free(&key);
    }
    return count;
}

static void spare_pairs_are_made_below_everything_else(void **state)
{
    (void)state;
    struct mailbox_pool *pool = NULL;
    int own = getpriority(PRIO_PROCESS, 0);
    if (own >= 10)
        skip();
    assert_ok(mailbox_pool_start(LIMIT_MAILBOX_POOL, &pool));
    await_pair(pool);
    assert_in_range(take_all(pool), 1, LIMIT_MAILBOX_POOL);
    assert_int_equal(makers(10), 1);
    assert_int_equal(makers(own), 0);
    mailbox_pool_stop(&pool);
    assert_null(pool);
}

/* However busy others are: not below them. */
static void a_pair_that_somebody_waits_for_is_made_at_our_own_priority(void **state)
{
    (void)state;
    struct mailbox_pool *pool = NULL;
    int own = getpriority(PRIO_PROCESS, 0);
    if (own >= 10)
        skip();
    assert_ok(mailbox_pool_start(1, &pool));
    /* A spare one may be ready first, and then it is taken. */
    for (unsigned i = 0; makers(own) == 0; i++) {
        assert_in_range(i, 0, 9);
        mailbox_pool_hurry(pool);
        await_pair(pool);
        take_all(pool);
    }
    mailbox_pool_stop(&pool);
}

static void a_pair_that_is_ready_is_not_made_twice(void **state)
{
    (void)state;
    struct mailbox_pool *pool = NULL;
    int own = getpriority(PRIO_PROCESS, 0);
    if (own >= 10)
        skip();
    assert_ok(mailbox_pool_start(1, &pool));
    await_pair(pool);
    for (unsigned i = 0; i < 100; i++)
        mailbox_pool_hurry(pool);
    assert_int_equal(take_all(pool), 1);
    await_pair(pool);
    assert_int_equal(makers(own), 0);
    mailbox_pool_stop(&pool);
}

static int start(void **state)
{
    (void)state;
    bool locked = false;
    return secret_start(&locked) == MLT_OK && crypto_start() == MLT_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spare_pairs_are_made_below_everything_else),
        cmocka_unit_test(a_pair_that_somebody_waits_for_is_made_at_our_own_priority),
        cmocka_unit_test(a_pair_that_is_ready_is_not_made_twice),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
