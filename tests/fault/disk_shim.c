/* SPDX-License-Identifier: Apache-2.0
 *
 * The calls themselves.  Each asks disk_fate what is to happen to it, and tells the log what did.
 * An entry of a change is written after the change, SYNC_BEGIN before the sync: so what the log
 * takes for synced was, whichever threads were at work.
 */
#include "disk_shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))

/* ---- what a call is about ---- */

static bool path_of_fd(int fd, char path[static DISK_PATH])
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, DISK_PATH - 1);
    if (n <= 0)
        return false;
    path[n] = '\0';
    return true;
}

/* Is it a file of ours?  Leaves errno. */
static bool is_our_fd(int fd, char path[static DISK_PATH])
{
    int kept = errno;
    bool ours = path_of_fd(fd, path) && disk_is_below(path);
    errno = kept;
    return ours;
}

static bool is_our_name(int dirfd, const char *name, char path[static DISK_PATH])
{
    int kept = errno;
    char dir[DISK_PATH] = "";
    bool known = name[0] == '/' ||
                 (dirfd == AT_FDCWD ? getcwd(dir, sizeof(dir)) != NULL : path_of_fd(dirfd, dir));
    int n = name[0] == '/' ? snprintf(path, DISK_PATH, "%s", name)
                           : snprintf(path, DISK_PATH, "%s/%s", dir, name);
    errno = kept;
    return known && n > 0 && n < DISK_PATH && disk_is_below(path);
}

static uint64_t ino_of(int fd)
{
    struct stat st;
    int kept = errno;
    uint64_t ino = fstat(fd, &st) == 0 ? st.st_ino : 0;
    errno = kept;
    return ino;
}

static uint64_t ino_of_name(int dirfd, const char *name)
{
    struct stat st;
    int kept = errno;
    uint64_t ino = fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
    errno = kept;
    return ino;
}

static bool is_logged(const char *path)
{
    size_t n = strlen(path);
    return disk_logs() && (n < 4 || strcmp(path + n - 4, "-shm") != 0);
}

static void note(enum disk_log_kind kind, uint64_t ino, uint64_t offset, const char *path)
{
    struct disk_log_entry e = { .kind = kind, .ino = ino, .offset = offset };
    if (is_logged(path))
        disk_log(&e, path, "");
}

/* ---- fates ---- */

static bool ends_before(enum disk_fate fate)
{
    if (fate == DISK_KILL_BEFORE)
        disk_kill();
    return fate == DISK_FAIL_BEFORE;
}

/* After the call was done. */
static bool fails_after(enum disk_fate fate)
{
    if (fate == DISK_KILL_AFTER || fate == DISK_KILL_TORN)
        disk_kill();
    return fate == DISK_FAIL_AFTER;
}

/* ---- names ---- */

static int finish_name(const struct disk_call *call, enum disk_fate fate)
{
    disk_trace(call);
    return fails_after(fate) ? disk_error() : (int)call->result;
}

static void note_opened(int fd, int flags, bool is_new, const char *path)
{
    if (is_new)
        note(DISK_LOG_CREATE, ino_of(fd), 0, path);
    else if (flags & O_TRUNC)
        note(DISK_LOG_TRUNCATE, ino_of(fd), 0, path);
}

static int do_open(int dirfd, const char *name, int flags, mode_t mode)
{
    char path[DISK_PATH];
    bool changes = (flags & (O_CREAT | O_TRUNC)) != 0 && is_our_name(dirfd, name, path);
    bool is_new = changes && (flags & O_CREAT) && ino_of_name(dirfd, name) == 0;
    if (!is_new && !(changes && (flags & O_TRUNC)))
        return (int)syscall(SYS_openat, dirfd, name, flags, mode);
    struct disk_call call = { .kind = DISK_CREATE, .path = path };
    enum disk_fate fate = disk_fate(DISK_CREATE, path, &call.number);
    if (ends_before(fate))
        return disk_error();
    call.result = syscall(SYS_openat, dirfd, name, flags, mode);
    if (call.result >= 0)
        note_opened((int)call.result, flags, is_new, path);
    return finish_name(&call, fate);
}

static mode_t mode_of(int flags, va_list more)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;
}

#define OPEN(name)                                                                                 \
    API int name(const char *path, int flags, ...)                                                 \
    {                                                                                              \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = mode_of(flags, more);                                                        \
        va_end(more);                                                                              \
        return do_open(AT_FDCWD, path, flags, mode);                                               \
    }
#define OPENAT(name)                                                                               \
    API int name(int dirfd, const char *path, int flags, ...)                                      \
    {                                                                                              \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = mode_of(flags, more);                                                        \
        va_end(more);                                                                              \
        return do_open(dirfd, path, flags, mode);                                                  \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

static int do_mknod(int dirfd, const char *name, mode_t mode, dev_t dev)
{
    char path[DISK_PATH];
    if (!is_our_name(dirfd, name, path))
        return (int)syscall(SYS_mknodat, dirfd, name, mode, dev);
    struct disk_call call = { .kind = DISK_CREATE, .path = path };
    enum disk_fate fate = disk_fate(DISK_CREATE, path, &call.number);
    if (ends_before(fate))
        return disk_error();
    call.result = syscall(SYS_mknodat, dirfd, name, mode, dev);
    if (call.result == 0)
        note(DISK_LOG_CREATE, ino_of_name(dirfd, name), 0, path);
    return finish_name(&call, fate);
}

API int mknod(const char *path, mode_t mode, dev_t dev)
{
    return do_mknod(AT_FDCWD, path, mode, dev);
}

API int mknodat(int dirfd, const char *path, mode_t mode, dev_t dev)
{
    return do_mknod(dirfd, path, mode, dev);
}

static int do_mkdir(int dirfd, const char *name, mode_t mode)
{
    char path[DISK_PATH];
    if (!is_our_name(dirfd, name, path))
        return (int)syscall(SYS_mkdirat, dirfd, name, mode);
    struct disk_call call = { .kind = DISK_CREATE, .path = path };
    enum disk_fate fate = disk_fate(DISK_CREATE, path, &call.number);
    if (ends_before(fate))
        return disk_error();
    call.result = syscall(SYS_mkdirat, dirfd, name, mode);
    if (call.result == 0)
        note(DISK_LOG_DIRECTORY, ino_of_name(dirfd, name), 0, path);
    return finish_name(&call, fate);
}

API int mkdir(const char *path, mode_t mode)
{
    return do_mkdir(AT_FDCWD, path, mode);
}

API int mkdirat(int dirfd, const char *path, mode_t mode)
{
    return do_mkdir(dirfd, path, mode);
}

static int do_unlink(int dirfd, const char *name, int flags)
{
    char path[DISK_PATH];
    if (!is_our_name(dirfd, name, path))
        return (int)syscall(SYS_unlinkat, dirfd, name, flags);
    struct disk_call call = { .kind = DISK_UNLINK, .path = path };
    enum disk_fate fate = disk_fate(DISK_UNLINK, path, &call.number);
    if (ends_before(fate))
        return disk_error();
    call.result = syscall(SYS_unlinkat, dirfd, name, flags);
    if (call.result == 0)
        note(DISK_LOG_UNLINK, 0, 0, path);
    return finish_name(&call, fate);
}

API int unlink(const char *path)
{
    return do_unlink(AT_FDCWD, path, 0);
}

API int unlinkat(int dirfd, const char *path, int flags)
{
    return do_unlink(dirfd, path, flags);
}

API int rmdir(const char *path)
{
    return do_unlink(AT_FDCWD, path, AT_REMOVEDIR);
}

struct two_names {
    int from_dir;
    const char *from;
    int to_dir;
    const char *to;
};

static long move(const struct two_names *names, enum disk_log_kind kind)
{
    if (kind == DISK_LOG_RENAME)
        return syscall(SYS_renameat2, names->from_dir, names->from, names->to_dir, names->to, 0);
    return syscall(SYS_linkat, names->from_dir, names->from, names->to_dir, names->to, 0);
}

static int do_move(const struct two_names *names, enum disk_log_kind kind)
{
    char from[DISK_PATH];
    char to[DISK_PATH];
    bool ours = is_our_name(names->to_dir, names->to, to);
    if (!is_our_name(names->from_dir, names->from, from) || !ours)
        return (int)move(names, kind);
    struct disk_call call = { .kind = DISK_RENAME, .path = to };
    enum disk_fate fate = disk_fate(DISK_RENAME, to, &call.number);
    if (ends_before(fate))
        return disk_error();
    call.result = move(names, kind);
    struct disk_log_entry e = { .kind = kind, .data_size = (uint32_t)strlen(to) };
    if (call.result == 0 && is_logged(to))
        disk_log(&e, from, to);
    return finish_name(&call, fate);
}

API int rename(const char *from, const char *to)
{
    return do_move(&(struct two_names) { AT_FDCWD, from, AT_FDCWD, to }, DISK_LOG_RENAME);
}

API int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return do_move(&(struct two_names) { from_dir, from, to_dir, to }, DISK_LOG_RENAME);
}

API int link(const char *from, const char *to)
{
    return do_move(&(struct two_names) { AT_FDCWD, from, AT_FDCWD, to }, DISK_LOG_LINK);
}

API int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    (void)flags;
    return do_move(&(struct two_names) { from_dir, from, to_dir, to }, DISK_LOG_LINK);
}

/* ---- content ---- */

struct piece {
    int fd;
    const void *bytes;
    size_t size;
    off_t at; /* -1: where the file stands */
};

static ssize_t put(const struct piece *p, size_t size)
{
    if (p->at < 0)
        return syscall(SYS_write, p->fd, p->bytes, size);
    return syscall(SYS_pwrite64, p->fd, p->bytes, size, p->at);
}

static void note_written(const struct piece *p, ssize_t n, const char *path)
{
    if (n <= 0 || !is_logged(path))
        return;
    off_t at = p->at >= 0 ? p->at : lseek(p->fd, 0, SEEK_CUR) - n;
    struct disk_log_entry e = { .kind = DISK_LOG_WRITE,
                                .ino = ino_of(p->fd),
                                .offset = (uint64_t)at,
                                .data_size = (uint32_t)n };
    disk_log(&e, path, p->bytes);
}

static ssize_t do_write(const struct piece *p)
{
    char path[DISK_PATH];
    if (!is_our_fd(p->fd, path))
        return put(p, p->size);
    struct disk_call call = { .kind = DISK_WRITE, .path = path, .size = (long)p->size };
    enum disk_fate fate = disk_fate(DISK_WRITE, path, &call.number);
    if (ends_before(fate))
        return disk_error();
    bool torn = fate == DISK_KILL_TORN || fate == DISK_FAIL_TORN;
    call.result = put(p, torn ? p->size / 2 : p->size);
    note_written(p, call.result, path);
    disk_trace(&call);
    if (fails_after(fate) || (torn && call.result <= 0))
        return disk_error();
    return call.result;
}

static void note_said(const struct piece *p, ssize_t n)
{
    struct disk_log_entry e = { .kind = DISK_LOG_SAID, .data_size = n > 0 ? (uint32_t)n : 0 };
    if (n > 0)
        disk_log(&e, "", p->bytes);
}

API ssize_t write(int fd, const void *bytes, size_t n)
{
    const struct piece p = { fd, bytes, n, -1 };
    if (fd != STDOUT_FILENO)
        return do_write(&p);
    ssize_t done = put(&p, n);
    note_said(&p, done);
    return done;
}

API ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return do_write(&(struct piece) { fd, bytes, n, at });
}

API ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    return do_write(&(struct piece) { fd, bytes, n, at });
}

static int do_truncate(int fd, off_t size)
{
    char path[DISK_PATH];
    if (!is_our_fd(fd, path))
        return (int)syscall(SYS_ftruncate, fd, size);
    struct disk_call call = { .kind = DISK_TRUNCATE, .path = path, .size = (long)size };
    enum disk_fate fate = disk_fate(DISK_TRUNCATE, path, &call.number);
    if (ends_before(fate))
        return disk_error();
    call.result = syscall(SYS_ftruncate, fd, size);
    if (call.result == 0)
        note(DISK_LOG_TRUNCATE, ino_of(fd), (uint64_t)size, path);
    return finish_name(&call, fate);
}

API int ftruncate(int fd, off_t size)
{
    return do_truncate(fd, size);
}

API int ftruncate64(int fd, off64_t size)
{
    return do_truncate(fd, size);
}

/* A failed sync is none: what was to be synced may never come to the disk, whatever a later sync
 * says (the kernel takes those pages for clean). */
static int do_sync(int fd, long number)
{
    char path[DISK_PATH];
    if (!is_our_fd(fd, path))
        return (int)syscall(number, fd);
    struct disk_call call = { .kind = DISK_SYNC, .path = path };
    enum disk_fate fate = disk_fate(DISK_SYNC, path, &call.number);
    note(DISK_LOG_SYNC_BEGIN, ino_of(fd), 0, path);
    if (ends_before(fate)) {
        note(DISK_LOG_SYNC_FAILED, ino_of(fd), 0, path);
        return disk_error();
    }
    /* The log is what remembers; the real disk need not be kept waiting. */
    call.result = disk_logs() ? 0 : syscall(number, fd);
    bool failed = call.result != 0 || fate == DISK_FAIL_AFTER;
    note(failed ? DISK_LOG_SYNC_FAILED : DISK_LOG_SYNC_END, ino_of(fd), 0, path);
    return finish_name(&call, fate);
}

API int fsync(int fd)
{
    return do_sync(fd, SYS_fsync);
}

API int fdatasync(int fd)
{
    return do_sync(fd, SYS_fdatasync);
}

/* What is written through memory we would not see: so nobody may. */
static void refuse_map(int fd, int prot, int flags)
{
    char path[DISK_PATH];
    bool writes = fd >= 0 && (prot & PROT_WRITE) != 0 && (flags & MAP_TYPE) != MAP_PRIVATE;
    if (writes && is_our_fd(fd, path) && is_logged(path)) {
        static const char why[] = "disk_shim: a file is written through mmap\n";
        (void)!syscall(SYS_write, STDERR_FILENO, why, sizeof(why) - 1);
        abort();
    }
}

API void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    refuse_map(fd, prot, flags);
    return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset); /* NOLINT */
}

API void *mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t offset)
{
    refuse_map(fd, prot, flags);
    return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset); /* NOLINT */
}
