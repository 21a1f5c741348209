/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cmd/malote_ca_ending.h"
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

/* NULL: the name is free, or what has it may be replaced. */
static const char *fault_of_name(const struct output *output)
{
    struct stat st;
    if (faccessat(output->dir, ".", W_OK, AT_EACCESS) != 0)
        return strerror(errno);
    if (fstatat(output->dir, output->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return NULL;
    if (output->kind == OUTPUT_SECRET)
        return strerror(EEXIST);
    return S_ISREG(st.st_mode) ? NULL : TEXT_CA_FILE_IRREGULAR;
}

static enum exit_code refuse_word(const char *path)
{
    if (path[0] == '\0')
        say_error(TEXT_CA_FILE_UNNAMED);
    else
        say_error(TEXT_CA_OUTPUT_STDOUT);
    return EXIT_USAGE;
}

enum exit_code output_open(struct output *output, enum output_kind kind, const char *path)
{
    const char *slash = strrchr(path, '/');
    CLEANUP(output_close)
    struct output made = { path, slash != NULL ? slash + 1 : path, -1, kind };
    if (path[0] == '\0' || strcmp(path, "-") == 0)
        return refuse_word(path);
    if (made.name[0] == '\0')
        return say_failed(path, strerror(EISDIR));
    made.dir = open_parent(path);
    if (made.dir < 0)
        return say_failed(path, strerror(errno));
    const char *fault = fault_of_name(&made);
    if (fault != NULL)
        return say_failed(path, fault);
    *output = made;
    made.dir = -1;
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
        ENSURE(!ending_waits(), MLT_ERR_CUT);
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

/* Who may read what it takes the place of may read it too; the owner only where we may say so. */
static enum mlt_err take_after(const struct output *output, int to)
{
    struct stat st;
    if (output->kind == OUTPUT_SECRET ||
        fstatat(output->dir, output->name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return MLT_OK;
    (void)!fchown(to, st.st_uid, st.st_gid);
    ENSURE(fchmod(to, st.st_mode & 0777) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

/* Not every file system knows RENAME_NOREPLACE; there the look before has to do. */
static enum mlt_err give_name(const struct output *output, const char *temporary)
{
    unsigned flags = output->kind == OUTPUT_SECRET ? RENAME_NOREPLACE : 0;
    int rc = renameat2(output->dir, temporary, output->dir, output->name, flags);
    if (rc != 0 && (errno == EINVAL || errno == ENOSYS)) {
        errno = EEXIST;
        ENSURE(fault_of_name(output) == NULL, MLT_ERR_SYSTEM);
        rc = renameat(output->dir, temporary, output->dir, output->name);
    }
    ENSURE(rc == 0, MLT_ERR_SYSTEM);
    ENSURE(fsync(output->dir) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err write_and_name(const struct output *output, const char *temporary, int from)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    mode_t mode = output->kind == OUTPUT_SECRET ? 0600 : 0644;
    CLEANUP(file_close) int to = openat(output->dir, temporary, flags, mode);
    ENSURE(to >= 0, MLT_ERR_SYSTEM);
    TRY(take_after(output, to));
    TRY(copy(from, to));
    return give_name(output, temporary);
}

enum exit_code output_write(void *ctx, int fd)
{
    const struct output *output = ctx;
    char temporary[64];
    sigset_t before;
    snprintf(temporary, sizeof(temporary), ".malote-ca.%ld.new", (long)getpid());
    ending_hold(&before);
    unlinkat(output->dir, temporary, 0); /* of a process with our number that was killed */
    enum mlt_err err = write_and_name(output, temporary, fd);
    int number = errno;
    if (err != MLT_OK)
        unlinkat(output->dir, temporary, 0);
    ending_let_in(&before);
    errno = number;
    return err == MLT_OK ? EXIT_DONE : say_failed(output->path, err_cause(err));
}

/* ---- the word ---- */

static enum mlt_err put_in_memory(struct span content, int *fd)
{
    CLEANUP(file_close) int made = memfd_create("malote-ca", MFD_CLOEXEC);
    ENSURE(made >= 0, MLT_ERR_SYSTEM);
    TRY(file_write_all(made, content));
    *fd = made;
    made = -1;
    return MLT_OK;
}

enum exit_code output_hand(struct errand *errand, struct span content)
{
    CLEANUP(file_close) int fd = -1;
    enum mlt_err err = put_in_memory(content, &fd);
    if (err == MLT_OK)
        return errand_run(errand, fd);
    say_error(TEXT_CA_ERRAND_FAILED, err_cause(err));
    return EXIT_LOCAL;
}
