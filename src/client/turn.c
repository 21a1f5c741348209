/* SPDX-License-Identifier: Apache-2.0 */
#include "client/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

enum { OPENED_MOST = 3 }; /* somebody who removes it all the time gets no turn out of us */

struct turn {
    const struct home *home;
    int fd;
    int64_t held[LIMIT_BLOCKED_STREAMS];
    size_t held_count;
};

static enum mlt_err open_file(const struct home *home, int *fd)
{
    return file_open_private(home->dirfd, "turns", O_RDWR | O_CREAT, fd);
}

enum mlt_err turn_open(const struct home *home, struct turn **turn)
{
    CLEANUP(turn_close) struct turn *t = NULL;
    TRY(ALLOC_NEW(&t));
    t->home = home;
    t->fd = -1;
    TRY(open_file(home, &t->fd));
    *turn = t;
    t = NULL;
    return MLT_OK;
}

static int set_lock(int fd, short type, int64_t start, int64_t n)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = n };
    return fcntl(fd, F_OFD_SETLK, &lock);
}

static void close_file(int *fd)
{
    if (*fd >= 0)
        (void)set_lock(*fd, F_UNLCK, 0, 0); /* a close alone leaves them to a child's copy */
    file_close(fd);
}

void turn_close(struct turn **turn)
{
    struct turn *t = *turn;
    if (t == NULL)
        return;
    close_file(&t->fd);
    alloc_free(t);
    *turn = NULL;
}

static enum mlt_err lock(int fd, int64_t stream, bool *taken)
{
    *taken = set_lock(fd, F_WRLCK, stream, 1) == 0;
    ENSURE(*taken || errno == EAGAIN || errno == EACCES, MLT_ERR_SYSTEM);
    return MLT_OK;
}

/* Does the name still lead to what is open? */
static enum mlt_err is_current(const struct turn *t, bool *is)
{
    struct stat ours;
    struct stat named;
    ENSURE(fstat(t->fd, &ours) == 0, MLT_ERR_SYSTEM);
    bool is_there = fstatat(t->home->dirfd, "turns", &named, AT_SYMLINK_NOFOLLOW) == 0;
    ENSURE(is_there || errno == ENOENT, MLT_ERR_SYSTEM);
    *is = is_there && ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
    return MLT_OK;
}

static enum mlt_err go_over(struct turn *t, int fd)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->held_count; i++) {
        bool taken = false;
        TRY(lock(fd, t->held[i], &taken));
        if (taken)
            t->held[kept++] = t->held[i];
    }
    t->held_count = kept;
    return MLT_OK;
}

static enum mlt_err reopen(struct turn *t)
{
    int fd = -1;
    TRY(open_file(t->home, &fd));
    enum mlt_err err = go_over(t, fd);
    if (err != MLT_OK) {
        close_file(&fd);
        return err;
    }
    close_file(&t->fd);
    t->fd = fd;
    return MLT_OK;
}

static size_t find_held(const struct turn *t, int64_t stream)
{
    size_t i = 0;
    while (i < t->held_count && t->held[i] != stream)
        i++;
    return i;
}

/* Looked at after the lock: what is removed later, the next one sees. */
static enum mlt_err take_current(struct turn *t, int64_t stream, bool *taken)
{
    for (int i = 0; i < OPENED_MOST; i++) {
        bool current = false;
        TRY(lock(t->fd, stream, taken));
        TRY(is_current(t, &current));
        if (current)
            return MLT_OK;
        TRY(reopen(t));
    }
    *taken = false;
    return MLT_OK;
}

enum mlt_err turn_take(struct turn *turn, int64_t stream, bool *taken)
{
    bool is_new = find_held(turn, stream) == turn->held_count;
    ENSURE(!is_new || turn->held_count < COUNT_OF(turn->held), MLT_ERR_TOO_MANY);
    bool got = false;
    TRY(take_current(turn, stream, &got));
    if (got && find_held(turn, stream) == turn->held_count)
        turn->held[turn->held_count++] = stream;
    *taken = got;
    return MLT_OK;
}

void turn_leave(struct turn *turn, int64_t stream)
{
    size_t i = find_held(turn, stream);
    if (i < turn->held_count)
        turn->held[i] = turn->held[--turn->held_count];
    (void)set_lock(turn->fd, F_UNLCK, stream, 1); /* nothing can fail that gives up */
}
