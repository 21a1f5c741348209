/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

static enum mlt_err explain(struct buf *why, const char *what, enum mlt_err err)
{
    TRY(buf_put_format(why, "%s: %s", what, err_cause(err)));
    return err;
}

/* While ca/ is there, what was restored never took its place, and is nobody's. */
enum mlt_err data_dir_finish_restore(int dir)
{
    struct stat st;
    if (fstatat(dir, "ca", &st, AT_SYMLINK_NOFOLLOW) == 0)
        return MLT_OK;
    ENSURE(errno == ENOENT, MLT_ERR_SYSTEM);
    if (renameat(dir, DATA_DIR_RESTORED, dir, "ca") != 0)
        return errno == ENOENT ? MLT_OK : MLT_ERR_SYSTEM;
    ENSURE(fsync(dir) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

enum mlt_err data_dir_open(const char *path, struct data_dir *d, struct buf *why)
{
    CLEANUP(data_dir_close)
    struct data_dir got = { .dir = -1, .lock = -1, .ca = -1, .net = -1, .socket = -1 };
    enum mlt_err err = file_open_dir(path, true, &got.dir);
    if (err != MLT_OK)
        return explain(why, path, err);
    err = file_lock(got.dir, DATA_DIR_LOCK, &got.lock);
    if (err == MLT_ERR_LOCKED) {
        TRY(buf_put_format(why, "%s: another maloted or malote-ca is using it", path));
        return err;
    }
    if (err != MLT_OK)
        return explain(why, "the file 'lock' in the data directory", err);
    err = data_dir_finish_restore(got.dir);
    if (err != MLT_OK)
        return explain(why, "the directory '" DATA_DIR_RESTORED "' in the data directory", err);
    *d = got;
    got = (struct data_dir) { .dir = -1, .lock = -1, .ca = -1, .net = -1, .socket = -1 };
    return MLT_OK;
}

static enum mlt_err check_child(int fd, const struct user *user, bool give)
{
    struct stat st;
    ENSURE(fstat(fd, &st) == 0, MLT_ERR_SYSTEM);
    ENSURE((st.st_mode & (S_IRWXG | S_IRWXO)) == 0, MLT_ERR_PERMISSION);
    if (st.st_uid == user->uid)
        return MLT_OK;
    /* What we made ourselves a moment ago (or before a crash) has still to change hands. */
    ENSURE(give && st.st_uid == 0, MLT_ERR_PERMISSION);
    ENSURE(fchown(fd, user->uid, user->gid) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err open_child(int dir, const char *name, const struct user *user, int *out)
{
    int made = mkdirat(dir, name, 0700);
    ENSURE(made == 0 || errno == EEXIST, MLT_ERR_SYSTEM);
    /* What ca syncs below it is lost with the name. */
    ENSURE(made != 0 || fsync(dir) == 0, MLT_ERR_SYSTEM);
    CLEANUP(file_close)
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    ENSURE(fd >= 0, errno == ELOOP || errno == ENOTDIR ? MLT_ERR_PERMISSION : MLT_ERR_SYSTEM);
    TRY(check_child(fd, user, geteuid() == 0));
    *out = fd;
    fd = -1;
    return MLT_OK;
}

static enum mlt_err bind_here(int fd)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = DATA_DIR_SOCKET };
    ENSURE(bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0, MLT_ERR_SYSTEM);
    ENSURE(chmod(DATA_DIR_SOCKET, 0600) == 0, MLT_ERR_SYSTEM);
    ENSURE(listen(fd, 16) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

/* sun_path has 108 bytes, DATA's path may have more: bound from within, by its bare name. */
static enum mlt_err open_socket(int dir, int *out)
{
    ENSURE(unlinkat(dir, DATA_DIR_SOCKET, 0) == 0 || errno == ENOENT, MLT_ERR_SYSTEM);
    CLEANUP(file_close) int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ENSURE(before >= 0, MLT_ERR_SYSTEM);
    CLEANUP(file_close)
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ENSURE(fd >= 0 && fchdir(dir) == 0, MLT_ERR_SYSTEM);
    enum mlt_err err = bind_here(fd);
    ENSURE(fchdir(before) == 0, MLT_ERR_SYSTEM);
    TRY(err);
    *out = fd;
    fd = -1;
    return MLT_OK;
}

enum mlt_err data_dir_prepare(struct data_dir *d, const struct users *users, struct buf *why)
{
    enum mlt_err err = open_child(d->dir, "ca", &users->ca, &d->ca);
    if (err != MLT_OK)
        return explain(why, "the directory 'ca' in the data directory", err);
    err = open_child(d->dir, "net", &users->net, &d->net);
    if (err != MLT_OK)
        return explain(why, "the directory 'net' in the data directory", err);
    err = open_socket(d->dir, &d->socket);
    if (err != MLT_OK)
        return explain(why, "the socket 'ca.sock' in the data directory", err);
    return MLT_OK;
}

void data_dir_close(struct data_dir *d)
{
    if (d->socket >= 0)
        unlinkat(d->dir, DATA_DIR_SOCKET, 0);
    file_close(&d->socket);
    file_close(&d->ca);
    file_close(&d->net);
    file_close(&d->lock);
    file_close(&d->dir);
}
