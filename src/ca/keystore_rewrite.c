/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/keystore_rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/log.h"
#include "ca/keystore_line.h"
#include "ca/keystore_lines.h"

static const size_t write_bytes = (size_t)256 << 10;

/* ---- writing ---- */

/* One walk through the old file. */
struct copy {
    const struct keystore *ks;
    struct keystore *made; /* the first line and keys of the new file; NULL: those of the old */
    bool rotate;
    struct keystore_rewrite *to;
    enum keystore_kind kind; /* what is left out at to->offset */
    struct span name;
    uint8_t old_head[HASH_LEN];
    struct buf ahead; /* not written yet */
};

static void copy_clear(struct copy *c)
{
    buf_clear(&c->ahead);
}

static enum mlt_err flush(struct copy *c)
{
    TRY(file_write_all(c->to->fd, buf_span(&c->ahead)));
    c->to->mark.size += (int64_t)c->ahead.len;
    buf_reset(&c->ahead);
    return MLT_OK;
}

static const struct keystore *keys_of(const struct copy *c)
{
    return c->made != NULL ? c->made : c->ks;
}

static enum mlt_err put_line(struct copy *c, struct span before_mac)
{
    struct keystore_mark *mark = &c->to->mark;
    TRY(keystore_line_mac(&keys_of(c)->chain, mark->head, before_mac, mark->head));
    mark->count++;
    TRY(buf_put(&c->ahead, before_mac));
    TRY(buf_put_hex(&c->ahead, SPAN_OF(mark->head)));
    TRY(buf_put_u8(&c->ahead, '\n'));
    return c->ahead.len >= write_bytes ? flush(c) : MLT_OK;
}

/* As long as the old line, so that all of them move by the same. */
static enum mlt_err put_sealed_anew(struct copy *c, const struct keystore_line *line)
{
    CLEANUP(secret_clear) struct secret plain = { 0 };
    CLEANUP(buf_clear) struct buf text = { 0 };
    TRY(keystore_line_open(&c->ks->master, line, &plain));
    TRY(keystore_line_make(&c->made->master, line->kind, line->name, secret_span(&plain), &text));
    ENSURE(text.len == line->chained.n, MLT_ERR_STATE);
    return put_line(c, buf_span(&text));
}

static enum mlt_err copy_line(struct copy *c, struct span text, int64_t offset)
{
    struct keystore_line line;
    TRY(keystore_line_parse(text, &line));
    /* A damaged line must not get a good mac. */
    TRY(keystore_line_mac(&c->ks->chain, c->old_head, line.chained, c->old_head));
    ENSURE(secret_eq(SPAN_OF(c->old_head), SPAN_OF(line.mac)), MLT_ERR_DAMAGED);
    if (c->rotate)
        return put_sealed_anew(c, &line);
    if (offset != c->to->offset)
        return put_line(c, line.chained);
    ENSURE(line.kind == c->kind && span_eq(line.name, c->name), MLT_ERR_DAMAGED);
    c->to->size = (int64_t)text.n + 1;
    return MLT_OK;
}

static enum mlt_err copy_lines(struct copy *c)
{
    CLEANUP(keystore_lines_clear) struct keystore_lines lines = { .fd = c->ks->fd };
    struct span text;
    TRY(keystore_lines_next(&lines, &text));
    ENSURE(span_eq(text, buf_span(&c->ks->first_line)), MLT_ERR_DAMAGED);
    TRY(keystore_first_mac(c->ks, c->old_head));
    TRY(keystore_first_mac(keys_of(c), c->to->mark.head));
    TRY(buf_put(&c->ahead, buf_span(&keys_of(c)->first_line)));
    TRY(buf_put_u8(&c->ahead, '\n'));
    for (uint64_t i = 0; i < c->ks->mark.count; i++) {
        int64_t offset = lines.offset;
        TRY(keystore_lines_next(&lines, &text));
        TRY(copy_line(c, text, offset));
    }
    ENSURE(secret_eq(SPAN_OF(c->old_head), SPAN_OF(c->ks->mark.head)), MLT_ERR_DAMAGED);
    ENSURE((c->to->offset > 0) == (c->to->size > 0), MLT_ERR_DAMAGED);
    return flush(c);
}

static enum mlt_err make_next(int dirfd, int *fd)
{
    ENSURE(unlinkat(dirfd, KEYSTORE_NEXT, 0) == 0 || errno == ENOENT, MLT_ERR_SYSTEM);
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    *fd = openat(dirfd, KEYSTORE_NEXT, flags, 0600);
    return *fd >= 0 ? MLT_OK : MLT_ERR_SYSTEM;
}

static enum mlt_err write_next(struct copy *c, int dirfd)
{
    ENSURE(!c->ks->broken && c->ks->chain.n > 0, MLT_ERR_STATE);
    TRY(make_next(dirfd, &c->to->fd));
    TRY(copy_lines(c));
    ENSURE(fsync(c->to->fd) == 0 && fsync(dirfd) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err write_or_drop(struct copy *c, int dirfd)
{
    enum mlt_err err = write_next(c, dirfd);
    copy_clear(c);
    if (err != MLT_OK)
        keystore_rewrite_drop(dirfd, c->to);
    return err;
}

enum mlt_err keystore_rewrite_start(const struct keystore *ks, int dirfd, int64_t offset,
                                    enum keystore_kind kind, struct span name,
                                    struct keystore_rewrite *rewrite)
{
    ENSURE(offset > 0, MLT_ERR_DAMAGED);
    struct keystore_rewrite to = { .fd = -1, .offset = offset };
    struct copy c = { .ks = ks, .to = &to, .kind = kind, .name = name };
    TRY(write_or_drop(&c, dirfd));
    *rewrite = to;
    return MLT_OK;
}

enum mlt_err keystore_rewrite_renew(const struct keystore *ks, int dirfd,
                                    const struct keystore_renewal *renewal, struct keystore *made,
                                    int64_t *shift)
{
    CLEANUP(keystore_close) struct keystore next = keystore_none();
    TRY(keystore_begin(&next, &renewal->cost, renewal->salt, renewal->stretched,
                       renewal->rotate ? NULL : &ks->master));
    struct keystore_rewrite to = { .fd = -1 };
    struct copy c = { .ks = ks, .made = &next, .rotate = renewal->rotate, .to = &to };
    TRY(write_or_drop(&c, dirfd));
    next.fd = to.fd;
    next.mark = to.mark;
    *shift = (int64_t)next.first_line.len - (int64_t)ks->first_line.len;
    keystore_close(made);
    *made = next;
    next = keystore_none();
    return MLT_OK;
}

/* ---- the end of it ---- */

void keystore_rewrite_drop(int dirfd, struct keystore_rewrite *rewrite)
{
    int kept = errno;
    if (rewrite->fd >= 0)
        unlinkat(dirfd, KEYSTORE_NEXT, 0); /* else the next one does it, or the next start */
    file_close(&rewrite->fd);
    errno = kept;
}

static enum mlt_err replace(int dirfd)
{
    ENSURE(renameat(dirfd, KEYSTORE_NEXT, dirfd, KEYSTORE_FILE) == 0, MLT_ERR_SYSTEM);
    ENSURE(fsync(dirfd) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

/* The file has no name any more, but its blocks may lie on the disk for long. */
static void overwrite(int fd, int64_t offset, int64_t size)
{
    static const uint8_t zeros[LIMIT_KEYSTORE_LINE];
    bool done = true;
    for (int64_t at = 0; at < size && done; at += (int64_t)sizeof(zeros)) {
        int64_t left = size - at;
        size_t n = left < (int64_t)sizeof(zeros) ? (size_t)left : sizeof(zeros);
        done = pwrite(fd, zeros, n, offset + at) == (ssize_t)n;
    }
    if (!done || fsync(fd) != 0)
        log_warning("what %s held before could not be overwritten: %s", KEYSTORE_FILE,
                    strerror(errno));
}

enum mlt_err keystore_rewrite_finish(struct keystore *ks, int dirfd,
                                     struct keystore_rewrite *rewrite)
{
    enum mlt_err err = replace(dirfd);
    if (err != MLT_OK) {
        ks->broken = true;
        file_close(&rewrite->fd);
        return err;
    }
    overwrite(ks->fd, rewrite->offset, rewrite->size);
    file_close(&ks->fd);
    ks->fd = rewrite->fd;
    rewrite->fd = -1;
    keystore_adopt(ks, &rewrite->mark);
    return MLT_OK;
}

enum mlt_err keystore_rewrite_renewed(struct keystore *ks, int dirfd, struct keystore *made)
{
    enum mlt_err err = replace(dirfd);
    if (err != MLT_OK) {
        ks->broken = true;
        return err;
    }
    overwrite(ks->fd, 0, ks->mark.size);
    keystore_close(ks);
    *ks = *made;
    *made = keystore_none();
    return MLT_OK;
}

/* ---- at a start ---- */

/* Whether the file ends with this mac and a newline. */
static enum mlt_err ends_with(int fd, const uint8_t mac[static HASH_LEN], bool *does)
{
    char tail[2 * HASH_LEN + 1];
    uint8_t last[HASH_LEN];
    struct stat st;
    ENSURE(fstat(fd, &st) == 0, MLT_ERR_SYSTEM);
    *does = false;
    if (st.st_size < (off_t)sizeof(tail))
        return MLT_OK;
    ssize_t n = pread(fd, tail, sizeof(tail), st.st_size - (off_t)sizeof(tail));
    ENSURE(n == (ssize_t)sizeof(tail), MLT_ERR_SYSTEM);
    *does = tail[sizeof(tail) - 1] == '\n' &&
            hex_decode(span_of(tail, 2 * HASH_LEN), last, HASH_LEN) == MLT_OK &&
            span_eq(SPAN_OF(last), span_of(mac, HASH_LEN));
    return MLT_OK;
}

enum mlt_err keystore_rewrite_recover(int dirfd, const struct keystore_mark *committed)
{
    CLEANUP(file_close) int fd = -1;
    enum mlt_err err = file_open_private(dirfd, KEYSTORE_NEXT, O_RDONLY, &fd);
    if (err == MLT_ERR_MISSING)
        return MLT_OK;
    TRY(err);
    bool rightful = false;
    TRY(ends_with(fd, committed->head, &rightful));
    if (rightful)
        return replace(dirfd);
    ENSURE(unlinkat(dirfd, KEYSTORE_NEXT, 0) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}
