/* SPDX-License-Identifier: Apache-2.0 */
#include "client/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"

struct turn {
    int fd;
};

enum mlt_err turn_open(const struct home *home, struct turn **turn)
{
    CLEANUP(turn_close) struct turn *t = NULL;
    TRY(ALLOC_NEW(&t));
    t->fd = -1;
    TRY(file_open_private(home->dirfd, "turns", O_RDWR | O_CREAT, &t->fd));
    *turn = t;
    t = NULL;
    return MLT_OK;
}

static int set_lock(const struct turn *t, short type, int64_t start, int64_t n)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = n };
    return fcntl(t->fd, F_OFD_SETLK, &lock);
}

void turn_close(struct turn **turn)
{
    struct turn *t = *turn;
    if (t == NULL)
        return;
    if (t->fd >= 0)
        (void)set_lock(t, F_UNLCK, 0, 0); /* a close alone leaves them to a child's copy */
    file_close(&t->fd);
    alloc_free(t);
    *turn = NULL;
}

enum mlt_err turn_take(struct turn *turn, int64_t stream, bool *taken)
{
    if (set_lock(turn, F_WRLCK, stream, 1) == 0) {
        *taken = true;
        return MLT_OK;
    }
    ENSURE(errno == EAGAIN || errno == EACCES, MLT_ERR_SYSTEM);
    *taken = false;
    return MLT_OK;
}

void turn_leave(struct turn *turn, int64_t stream)
{
    (void)set_lock(turn, F_UNLCK, stream, 1); /* nothing can fail that gives up */
}
