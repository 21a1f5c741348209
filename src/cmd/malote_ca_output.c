/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cmd/say.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

static enum exit_code say_failed(const char *path, const char *reason)
{
    say_error(TEXT_CA_OUTPUT_FAILED, path, reason);
    return EXIT_LOCAL;
}

static int open_parent(const char *path)
{
    CLEANUP(alloc_free_text) char *copy = NULL;
    errno = ENOMEM;
    if (alloc_text(path, &copy) != MLT_OK)
        return -1;
    char *slash = strrchr(copy, '/');
    const char *parent = slash == NULL ? "." : slash == copy ? "/" : copy;
    if (slash != NULL && slash != copy)
        *slash = '\0';
    return open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

enum exit_code output_open(struct output *output, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct output made = { path, slash != NULL ? slash + 1 : path, -1 };
    if (made.name[0] == '\0')
        return say_failed(path, strerror(EISDIR));
    made.dir = open_parent(path);
    if (made.dir < 0)
        return say_failed(path, strerror(errno));
    struct stat st;
    int number = faccessat(made.dir, ".", W_OK, AT_EACCESS) == 0 ? 0 : errno;
    if (fstatat(made.dir, made.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        number = EEXIST;
    if (number != 0) {
        close(made.dir);
        return say_failed(path, strerror(number));
    }
    *output = made;
    return EXIT_DONE;
}

void output_close(struct output *output)
{
    file_close(&output->dir);
}

static enum mlt_err copy(int from, int to)
{
    CLEANUP(buf_clear) struct buf piece = { 0 };
    TRY(buf_reserve(&piece, (size_t)1 << 16));
    ENSURE(lseek(from, 0, SEEK_SET) == 0, MLT_ERR_SYSTEM);
    for (;;) {
        ssize_t n = read(from, piece.p, piece.cap);
        ENSURE(n >= 0 || errno == EINTR, MLT_ERR_SYSTEM);
        if (n == 0)
            break;
        if (n > 0)
            TRY(file_write_all(to, span_of(piece.p, (size_t)n)));
    }
    ENSURE(fsync(to) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

/* Not every file system knows RENAME_NOREPLACE; there the look before has to do. */
static enum mlt_err give_name(const struct output *output, const char *temporary)
{
    struct stat st;
    int rc = renameat2(output->dir, temporary, output->dir, output->name, RENAME_NOREPLACE);
    if (rc != 0 && (errno == EINVAL || errno == ENOSYS)) {
        errno = EEXIST;
        ENSURE(fstatat(output->dir, output->name, &st, AT_SYMLINK_NOFOLLOW) != 0, MLT_ERR_SYSTEM);
        rc = renameat(output->dir, temporary, output->dir, output->name);
    }
    ENSURE(rc == 0, MLT_ERR_SYSTEM);
    ENSURE(fsync(output->dir) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err write_and_name(const struct output *output, const char *temporary, int from)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    CLEANUP(file_close) int to = openat(output->dir, temporary, flags, 0600);
    ENSURE(to >= 0, MLT_ERR_SYSTEM);
    TRY(copy(from, to));
    return give_name(output, temporary);
}

enum exit_code output_write(void *ctx, int fd)
{
    const struct output *output = ctx;
    char temporary[64];
    snprintf(temporary, sizeof(temporary), ".malote-ca.%ld.new", (long)getpid());
    unlinkat(output->dir, temporary, 0); /* of a process with our number that was killed */
    enum mlt_err err = write_and_name(output, temporary, fd);
    if (err == MLT_OK)
        return EXIT_DONE;
    int number = errno;
    unlinkat(output->dir, temporary, 0);
    errno = number;
    return say_failed(output->path, err_cause(err));
}
