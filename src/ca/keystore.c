/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/keystore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/env.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "ca/keystore_line.h"
#include "ca/keystore_lines.h"
#include "ca/setting.h"
#include "wire/cursor.h"

static const char title[] = "keystore";
static const char mark_key[] = "keystore";
static const uint8_t before_first[HASH_LEN] = { 0 };

struct keystore keystore_none(void)
{
    return (struct keystore) { .fd = -1 };
}

void keystore_close(struct keystore *ks)
{
    file_close(&ks->fd);
    buf_clear(&ks->first_line);
    secret_clear(&ks->master);
    secret_clear(&ks->chain);
    *ks = keystore_none();
}

/* ---- reading ---- */

enum mlt_err keystore_open(struct keystore *ks, int dirfd, const char *name)
{
    CLEANUP(keystore_close) struct keystore made = keystore_none();
    TRY(file_open_private(dirfd, name, O_RDWR, &made.fd));
    struct stat st;
    ENSURE(fstat(made.fd, &st) == 0, MLT_ERR_SYSTEM);
    ENSURE(st.st_size <= LIMIT_KEYSTORE, MLT_ERR_RANGE);
    CLEANUP(keystore_lines_clear) struct keystore_lines lines = { .fd = made.fd };
    struct span line;
    TRY(keystore_lines_next(&lines, &line));
    TRY(buf_put(&made.first_line, line));
    TRY(lockbox_parse(title, buf_span(&made.first_line), &made.box));
    made.mark.size = lines.offset;
    made.bad_line = 1;
    keystore_close(ks);
    *ks = made;
    made = keystore_none();
    return MLT_OK;
}

static enum mlt_err derive_chain(struct keystore *ks)
{
    const struct span none = { 0 };
    TRY(kdf_expand_label(&ks->master, "keystore chain", none, KDF_LEN, &ks->chain));
    return keystore_first_mac(ks, ks->mark.head);
}

enum mlt_err keystore_first_mac(const struct keystore *ks, uint8_t mac[static HASH_LEN])
{
    return keystore_line_mac(&ks->chain, before_first, buf_span(&ks->first_line), mac);
}

static enum mlt_err check_line(struct keystore *ks, struct span text, int64_t offset,
                               const struct keystore_visit *visit)
{
    struct keystore_line line;
    TRY(keystore_line_parse(text, &line));
    uint8_t mac[HASH_LEN];
    TRY(keystore_line_mac(&ks->chain, ks->mark.head, line.chained, mac));
    ENSURE(secret_eq(SPAN_OF(mac), SPAN_OF(line.mac)), MLT_ERR_DAMAGED);
    for (size_t i = 0; i < HASH_LEN; i++)
        ks->mark.head[i] = mac[i];
    ks->mark.count++;
    return visit->on_entry(visit->ctx, line.kind, line.name, offset);
}

static enum mlt_err check_lines(struct keystore *ks, const struct keystore_mark *committed,
                                const struct keystore_visit *visit)
{
    CLEANUP(keystore_lines_clear)
    struct keystore_lines lines = { .fd = ks->fd, .offset = ks->mark.size };
    while (ks->mark.count < committed->count) {
        ks->bad_line = ks->mark.count + 2;
        struct span text;
        int64_t offset = lines.offset;
        TRY(keystore_lines_next(&lines, &text));
        TRY(check_line(ks, text, offset, visit));
    }
    ks->mark.size = lines.offset;
    ENSURE(secret_eq(SPAN_OF(ks->mark.head), SPAN_OF(committed->head)), MLT_ERR_DAMAGED);
    return MLT_OK;
}

/* How many whole, chained lines follow the last one that ledger.db knows, and the first of them. */
static enum mlt_err find_beyond(const struct keystore *ks, unsigned *count, struct buf *first)
{
    CLEANUP(keystore_lines_clear)
    struct keystore_lines lines = { .fd = ks->fd, .offset = ks->mark.size };
    uint8_t head[HASH_LEN];
    memcpy(head, ks->mark.head, HASH_LEN);
    for (*count = 0;; ++*count) {
        struct span text;
        struct keystore_line line;
        enum mlt_err err = keystore_lines_next(&lines, &text);
        if (err == MLT_OK)
            err = keystore_line_parse(text, &line);
        if (err == MLT_ERR_DAMAGED)
            return MLT_OK;
        TRY(err);
        TRY(keystore_line_mac(&ks->chain, head, line.chained, head));
        if (!secret_eq(SPAN_OF(head), SPAN_OF(line.mac)))
            return MLT_OK;
        if (*count > 0)
            continue;
        TRY(buf_put(first, text));
        TRY(buf_put_u8(first, '\n'));
    }
}

/* Named after its own mac: a crash right after it makes no second file at the next start. */
static enum mlt_err keep_aside(int dirfd, struct span line)
{
    static const size_t digits = 16, mac = 2 * HASH_LEN + 1;
    char name[sizeof(KEYSTORE_CUT) + 16];
    ENSURE(line.n > mac, MLT_ERR_DAMAGED);
    snprintf(name, sizeof(name), KEYSTORE_CUT "%.*s", (int)digits,
             (const char *)line.p + (line.n - mac));
    TRY(file_write(dirfd, name, line));
    log_warning("%s: the last entry is unknown to ledger.db and was moved to %s: it is the residue "
                "of a crash, or ledger.db is an older one that was put back",
                KEYSTORE_FILE, name);
    return MLT_OK;
}

/*
 * What a crash left after the last line that ledger.db knows: at most one line, since each is
 * committed before the next is written.  More than one is an old ledger.db put back alone, and
 * cutting would destroy good keys; one may be either, and is kept aside.
 */
static enum mlt_err cut_residue(struct keystore *ks, int dirfd)
{
    CLEANUP(buf_clear) struct buf line = { 0 };
    struct stat st;
    ENSURE(fstat(ks->fd, &st) == 0, MLT_ERR_SYSTEM);
    if (st.st_size == ks->mark.size)
        return MLT_OK;
    TRY(find_beyond(ks, &ks->beyond, &line));
    ENSURE(ks->beyond <= 1, MLT_ERR_DAMAGED);
    if (ks->beyond == 1)
        TRY(keep_aside(dirfd, buf_span(&line)));
    long long torn = (long long)st.st_size - ks->mark.size - (long long)line.len;
    if (torn > 0)
        log_warning("%s: %lld bytes beyond the last entry are the residue of a crash and were cut",
                    KEYSTORE_FILE, torn);
    ENSURE(ftruncate(ks->fd, ks->mark.size) == 0 && fsync(ks->fd) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

enum mlt_err keystore_unlock(struct keystore *ks, int dirfd, const struct secret *stretched,
                             const struct keystore_mark *committed,
                             const struct keystore_visit *visit)
{
    ENSURE(ks->fd >= 0 && ks->mark.count == 0, MLT_ERR_STATE);
    TRY(lockbox_open(&ks->box, stretched, &ks->master));
    ENSURE(ks->master.n == KDF_LEN, MLT_ERR_DAMAGED);
    TRY(derive_chain(ks));
    TRY(check_lines(ks, committed, visit));
    return cut_residue(ks, dirfd);
}

enum mlt_err keystore_read(struct keystore *ks, int64_t offset, enum keystore_kind kind,
                           struct span name, struct secret *plain)
{
    ENSURE(offset > 0 && offset < ks->mark.size, MLT_ERR_DAMAGED);
    CLEANUP(keystore_lines_clear) struct keystore_lines lines = { .fd = ks->fd, .offset = offset };
    struct span text;
    TRY(keystore_lines_next(&lines, &text));
    struct keystore_line line;
    TRY(keystore_line_parse(text, &line));
    ENSURE(line.kind == kind && span_eq(line.name, name), MLT_ERR_DAMAGED);
    return keystore_line_open(&ks->master, &line, plain);
}

/* ---- writing ---- */

static enum mlt_err choose_master(const struct secret *given, struct secret *master)
{
    if (given != NULL)
        return secret_copy(master, secret_span(given));
    TRY(secret_new(master, KDF_LEN));
    return env_random(env_system(), master->p, master->n);
}

enum mlt_err keystore_begin(struct keystore *ks, const struct kdf_cost *cost,
                            const uint8_t salt[static LOCKBOX_SALT], const struct secret *stretched,
                            const struct secret *master)
{
    CLEANUP(keystore_close) struct keystore made = keystore_none();
    TRY(choose_master(master, &made.master));
    TRY(lockbox_seal(title, cost, salt, stretched, secret_span(&made.master), &made.first_line));
    TRY(lockbox_parse(title, buf_span(&made.first_line), &made.box));
    TRY(derive_chain(&made));
    made.mark.size = (int64_t)made.first_line.len + 1;
    made.bad_line = 1;
    keystore_close(ks);
    *ks = made;
    made = keystore_none();
    return MLT_OK;
}

enum mlt_err keystore_create(struct keystore *ks, int dirfd, const struct kdf_cost *cost,
                             const uint8_t salt[static LOCKBOX_SALT],
                             const struct secret *stretched)
{
    CLEANUP(keystore_close) struct keystore made = keystore_none();
    TRY(keystore_begin(&made, cost, salt, stretched, NULL));
    CLEANUP(buf_clear) struct buf line = { 0 };
    TRY(buf_put(&line, buf_span(&made.first_line)));
    TRY(buf_put_u8(&line, '\n'));
    TRY(file_write(dirfd, KEYSTORE_NEW, buf_span(&line)));
    TRY(file_open_private(dirfd, KEYSTORE_NEW, O_RDWR, &made.fd));
    keystore_close(ks);
    *ks = made;
    made = keystore_none();
    return MLT_OK;
}

enum mlt_err keystore_publish(int dirfd)
{
    /* RENAME_NOREPLACE is not to be had on ZFS and NFS; nobody but us, who hold the lock, writes
     * here. */
    struct stat st;
    ENSURE(fstatat(dirfd, KEYSTORE_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0, MLT_ERR_EXISTS);
    int rc = renameat(dirfd, KEYSTORE_NEW, dirfd, KEYSTORE_FILE);
    ENSURE(rc == 0, errno == ENOENT ? MLT_ERR_MISSING : MLT_ERR_SYSTEM);
    ENSURE(fsync(dirfd) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err write_line(struct keystore *ks, struct span line)
{
    size_t done = 0;
    while (done < line.n) {
        ssize_t n = pwrite(ks->fd, line.p + done, line.n - done, ks->mark.size + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            /* A full disk: nothing counts yet, so the next append may try again. */
            ks->broken = ftruncate(ks->fd, ks->mark.size) != 0;
            return MLT_ERR_SYSTEM;
        }
        done += (size_t)n;
    }
    /* After a failed fsync nobody knows what is on the disk; asking again would lie. */
    ks->broken = fsync(ks->fd) != 0;
    return ks->broken ? MLT_ERR_SYSTEM : MLT_OK;
}

enum mlt_err keystore_append(struct keystore *ks, enum keystore_kind kind, struct span name,
                             struct span plain, struct keystore_mark *mark)
{
    ENSURE(!ks->broken && ks->chain.n > 0, MLT_ERR_STATE);
    struct keystore_mark next = { .count = ks->mark.count + 1, .offset = ks->mark.size };
    CLEANUP(buf_clear) struct buf line = { 0 };
    TRY(keystore_line_make(&ks->master, kind, name, plain, &line));
    TRY(keystore_line_mac(&ks->chain, ks->mark.head, buf_span(&line), next.head));
    TRY(buf_put_hex(&line, SPAN_OF(next.head)));
    TRY(buf_put_u8(&line, '\n'));
    ENSURE(line.len <= LIMIT_KEYSTORE_LINE, MLT_ERR_RANGE);
    next.size = ks->mark.size + (int64_t)line.len;
    ENSURE(next.size <= LIMIT_KEYSTORE, MLT_ERR_NOSPACE);
    TRY(write_line(ks, buf_span(&line)));
    *mark = next;
    return MLT_OK;
}

void keystore_adopt(struct keystore *ks, const struct keystore_mark *mark)
{
    ks->mark = *mark;
}

/* ---- the committed mark ---- */

enum mlt_err keystore_mark_store(struct database *db, const struct keystore_mark *mark)
{
    CLEANUP(buf_clear) struct buf value = { 0 };
    struct wire_out out = wire_out(&value);
    wire_put_u64(&out, mark->count);
    wire_put_bytes(&out, SPAN_OF(mark->head));
    TRY(wire_out_end(&out));
    return setting_set(db, mark_key, buf_span(&value));
}

enum mlt_err keystore_mark_load(struct database *db, struct keystore_mark *mark)
{
    CLEANUP(buf_clear) struct buf value = { 0 };
    TRY(setting_get(db, mark_key, &value));
    struct wire_in in = wire_in(buf_span(&value));
    struct keystore_mark got = { .count = wire_get_u64(&in) };
    wire_get_bytes(&in, got.head, HASH_LEN);
    ENSURE(wire_in_end(&in) == MLT_OK, MLT_ERR_DAMAGED);
    *mark = got;
    return MLT_OK;
}
