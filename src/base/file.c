/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

static enum mlt_err err_of_errno(int number)
{
    switch (number) {
    case ENOENT:
        return MLT_ERR_MISSING;
    case EEXIST:
        return MLT_ERR_EXISTS;
    case ELOOP: /* O_NOFOLLOW met a link */
    case EACCES:
    case EPERM:
        return MLT_ERR_PERMISSION;
    default:
        return MLT_ERR_SYSTEM;
    }
}

void file_close(int *fd)
{
    if (*fd < 0)
        return;
    int kept = errno;
    close(*fd);
    errno = kept;
    *fd = -1;
}

static bool is_ours_alone(const struct stat *st)
{
    bool owner_fits = st->st_uid == geteuid() || st->st_uid == 0;
    return owner_fits && (st->st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static enum mlt_err check_private(int fd)
{
    struct stat st;
    ENSURE(fstat(fd, &st) == 0, MLT_ERR_SYSTEM);
    ENSURE(S_ISREG(st.st_mode) && st.st_nlink == 1 && is_ours_alone(&st), MLT_ERR_PERMISSION);
    return MLT_OK;
}

static enum mlt_err open_dir(int parent, const char *path, int *dirfd)
{
    CLEANUP(file_close)
    int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOTDIR ? MLT_ERR_PERMISSION : err_of_errno(errno);
    struct stat st;
    ENSURE(fstat(fd, &st) == 0, MLT_ERR_SYSTEM);
    ENSURE(is_ours_alone(&st), MLT_ERR_PERMISSION);
    *dirfd = fd;
    fd = -1;
    return MLT_OK;
}

/*
 * What is to survive a power cut in a new directory needs its name to survive.  A parent that we
 * may write but not read cannot be asked.
 */
static enum mlt_err sync_parent(int dirfd, const char *path)
{
    CLEANUP(alloc_free_text) char *copy = NULL;
    TRY(alloc_text(path, &copy));
    char *slash = strrchr(copy, '/');
    const char *parent = slash == NULL ? "." : slash == copy ? "/" : copy;
    if (slash != NULL && slash != copy)
        *slash = '\0';
    CLEANUP(file_close) int fd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ENSURE(fd >= 0 || errno == EACCES, MLT_ERR_SYSTEM);
    ENSURE(fd < 0 || fsync(fd) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err make_dir(int dirfd, const char *path, mode_t mode)
{
    if (mkdirat(dirfd, path, mode) == 0)
        return sync_parent(dirfd, path);
    if (errno == EEXIST)
        return MLT_OK;
    /* Above it we may not write: what is not there is not somebody's either. */
    return errno == EACCES || errno == EPERM ? MLT_ERR_SYSTEM : err_of_errno(errno);
}

/* mkdir -p for everything above the last name; what is there already is left as it is. */
static enum mlt_err make_parents(const char *path)
{
    CLEANUP(alloc_free_text) char *copy = NULL;
    TRY(alloc_text(path, &copy));
    for (char *c = copy + 1; *c != '\0'; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        TRY(make_dir(AT_FDCWD, copy, 0755));
        *c = '/';
    }
    return MLT_OK;
}

enum mlt_err file_open_dir(const char *path, bool create, int *dirfd)
{
    ENSURE(path[0] != '\0', MLT_ERR_USAGE);
    CLEANUP(alloc_free_text) char *trimmed = NULL;
    TRY(alloc_text(path, &trimmed));
    /* "dir/" would make O_NOFOLLOW follow a link called dir. */
    for (size_t n = strlen(trimmed); n > 1 && trimmed[n - 1] == '/'; n--)
        trimmed[n - 1] = '\0';
    if (create) {
        TRY(make_parents(trimmed));
        TRY(make_dir(AT_FDCWD, trimmed, 0700));
    }
    return open_dir(AT_FDCWD, trimmed, dirfd);
}

enum mlt_err file_open_dir_at(int parent, const char *name, bool create, int *dirfd)
{
    if (create)
        TRY(make_dir(parent, name, 0700));
    return open_dir(parent, name, dirfd);
}

enum mlt_err file_open_private(int dirfd, const char *name, int flags, int *fd)
{
    /* O_NONBLOCK: a FIFO put in the file's place must not hang us before fstat unmasks it. */
    int wanted = flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    CLEANUP(file_close) int opened = openat(dirfd, name, wanted, 0600);
    if (opened < 0)
        return err_of_errno(errno);
    TRY(check_private(opened));
    *fd = opened;
    opened = -1;
    return MLT_OK;
}

enum mlt_err file_check_private(int dirfd, const char *name, bool create)
{
    if (create && mknodat(dirfd, name, S_IFREG | 0600, 0) != 0 && errno != EEXIST)
        return err_of_errno(errno);
    /* O_PATH opens the name and not the file: its close touches no lock. */
    CLEANUP(file_close) int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 ? check_private(fd) : err_of_errno(errno);
}

enum mlt_err file_read_all(int fd, size_t most, struct buf *out)
{
    CLEANUP(buf_clear) struct buf content = { 0 };
    for (;;) {
        TRY(buf_reserve(&content, 4096));
        ssize_t n = read(fd, content.p + content.len, content.cap - content.len);
        if (n < 0 && errno == EINTR)
            continue;
        ENSURE(n >= 0, MLT_ERR_SYSTEM);
        if (n == 0)
            break;
        content.len += (size_t)n;
        ENSURE(content.len <= most, MLT_ERR_RANGE);
    }
    return buf_put(out, buf_span(&content));
}

enum mlt_err file_read(int dirfd, const char *name, size_t most, struct buf *out)
{
    CLEANUP(file_close) int fd = -1;
    TRY(file_open_private(dirfd, name, O_RDONLY, &fd));
    return file_read_all(fd, most, out);
}

enum mlt_err file_write_all(int fd, struct span content)
{
    while (content.n > 0) {
        ssize_t n = write(fd, content.p, content.n);
        if (n < 0 && errno == EINTR)
            continue;
        ENSURE(n >= 0, MLT_ERR_SYSTEM);
        content = span_from(content, (size_t)n);
    }
    return MLT_OK;
}

/* A complete, synced temporary beside `name`; its name goes to `temporary`. */
static enum mlt_err write_temporary(int dirfd, const char *name, struct span content,
                                    char temporary[static 256])
{
    int n = snprintf(temporary, 256, ".%s.%ld.new", name, (long)getpid());
    ENSURE(n > 0 && n < 256, MLT_ERR_RANGE);
    /* What a process of the same number left when it was killed. */
    unlinkat(dirfd, temporary, 0);
    CLEANUP(file_close)
    int fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_of_errno(errno);
    /* The umask can only take away; 0600 must not become less either. */
    enum mlt_err err = fchmod(fd, 0600) == 0 ? MLT_OK : MLT_ERR_SYSTEM;
    if (err == MLT_OK)
        err = file_write_all(fd, content);
    if (err == MLT_OK && fsync(fd) != 0)
        err = MLT_ERR_SYSTEM;
    if (err != MLT_OK) {
        int kept = errno;
        unlinkat(dirfd, temporary, 0);
        errno = kept;
    }
    return err;
}

enum mlt_err file_write(int dirfd, const char *name, struct span content)
{
    char temporary[256];
    TRY(write_temporary(dirfd, name, content, temporary));
    if (renameat(dirfd, temporary, dirfd, name) != 0) {
        int kept = errno;
        unlinkat(dirfd, temporary, 0);
        errno = kept;
        return err_of_errno(errno);
    }
    ENSURE(fsync(dirfd) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

enum mlt_err file_remove(int dirfd, const char *name)
{
    if (unlinkat(dirfd, name, 0) != 0)
        return err_of_errno(errno);
    ENSURE(fsync(dirfd) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

enum mlt_err file_lock(int dirfd, const char *name, int *fd)
{
    CLEANUP(file_close) int lock = -1;
    TRY(file_open_private(dirfd, name, O_RDWR | O_CREAT, &lock));
    if (flock(lock, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? MLT_ERR_LOCKED : MLT_ERR_SYSTEM;
    *fd = lock;
    lock = -1;
    return MLT_OK;
}

void file_unlock(int *fd)
{
    if (*fd >= 0)
        (void)flock(*fd, LOCK_UN);
    file_close(fd);
}
