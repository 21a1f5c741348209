/* SPDX-License-Identifier: Apache-2.0 */
#include "store_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char scratch[64];
struct home home = HOME_CLOSED;
struct pair_env clock_now;
struct store *store;

int store_scene_begin(void **state)
{
    (void)state;
    snprintf(scratch, sizeof(scratch), "/tmp/malote-test-store-XXXXXX");
    pair_env_start(&clock_now);
    if (mkdtemp(scratch) == NULL || home_open(scratch, false, &home) != MLT_OK)
        return -1;
    return store_open(&home, &clock_now.env, &store) == MLT_OK ? 0 : -1;
}

int store_scene_end(void **state)
{
    (void)state;
    static const char *const names[] = { "malote.db", "malote.db-wal", "malote.db-shm" };
    store_close(&store);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlinkat(home.dirfd, names[i], 0);
    home_close(&home);
    return rmdir(scratch);
}
