/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char scratch_dir[64];
int scratch_fd = -1;

int scratch_enter(void **state)
{
    (void)state;
    snprintf(scratch_dir, sizeof(scratch_dir), "/tmp/malote-test-XXXXXX");
    if (mkdtemp(scratch_dir) == NULL || chdir(scratch_dir) != 0)
        return -1;
    scratch_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return scratch_fd < 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int scratch_leave(void **state)
{
    (void)state;
    close(scratch_fd);
    return chdir("/") != 0 || nftw(scratch_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0;
}
