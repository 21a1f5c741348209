/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "ca/ledger.h"
#include "ca/schema.h"
#include "wire/cursor.h"

static const char container[] = "backup.new";
static const size_t piece_bytes = BACKUP_CHUNK;

void backup_tidy(int dirfd)
{
    unlinkat(dirfd, BACKUP_COPY, 0);
    unlinkat(dirfd, BACKUP_COPY "-journal", 0);
    unlinkat(dirfd, container, 0);
}

/* ---- making one ---- */

static enum mlt_err size_of(int fd, uint64_t *size)
{
    struct stat st;
    ENSURE(fstat(fd, &st) == 0, MLT_ERR_SYSTEM);
    *size = (uint64_t)st.st_size;
    return MLT_OK;
}

/* Twice what is copied is on the disk at once; who sends mail and enrols shall not notice. */
static enum mlt_err check_room(const struct ca *ca)
{
    struct stat st;
    struct statvfs disk;
    ENSURE(fstatat(ca->dir, SCHEMA_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0, MLT_ERR_SYSTEM);
    ENSURE(fstatvfs(ca->dir, &disk) == 0, MLT_ERR_SYSTEM);
    uint64_t all = (uint64_t)disk.f_blocks * disk.f_frsize;
    uint64_t spare = all / 8 < LIMIT_STORE_SPARE ? all / 8 : LIMIT_STORE_SPARE;
    uint64_t needed = 2 * (uint64_t)st.st_size + (uint64_t)ca->keystore.mark.size + spare;
    errno = ENOSPC;
    ENSURE((uint64_t)disk.f_bavail * disk.f_frsize >= needed, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err copy_ledger(struct ca *ca, int *fd)
{
    const struct database_place place = { ca->dir, BACKUP_COPY };
    TRY(database_copy(&ca->db, &place));
    *fd = openat(ca->dir, BACKUP_COPY, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int kept = errno;
    unlinkat(ca->dir, BACKUP_COPY, 0);
    errno = kept;
    return *fd >= 0 ? MLT_OK : MLT_ERR_SYSTEM;
}

static enum mlt_err make_container(int dirfd, int *fd)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    *fd = openat(dirfd, container, flags, 0600);
    ENSURE(*fd >= 0, MLT_ERR_SYSTEM);
    ENSURE(unlinkat(dirfd, container, 0) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err describe(struct ca *ca, int ledger, struct backup_manifest *m)
{
    struct ledger_facts facts;
    struct backup_manifest made = { .made_s = ca_now_s(ca) };
    TRY(ledger_facts_read(&ca->db, &facts));
    memcpy(made.realm, ca->realm, sizeof(made.realm));
    memcpy(made.ca_hash, ca->cert.spki_hash, HASH_LEN);
    made.epoch = facts.epoch;
    made.base = facts.base;
    made.size = facts.size;
    memcpy(made.root, facts.root, HASH_LEN);
    made.crl_number = facts.crl_number;
    made.keystore_count = ca->keystore.mark.count;
    made.keystore_bytes = (uint64_t)ca->keystore.mark.size;
    TRY(size_of(ledger, &made.ledger_bytes));
    *m = made;
    return MLT_OK;
}

static enum mlt_err write_manifest(struct backup_writer *w, const struct backup_manifest *m)
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    CLEANUP(buf_clear) struct buf framed = { 0 };
    TRY(backup_manifest_encode(m, &bytes));
    struct wire_out out = wire_out(&framed);
    wire_put_vec16(&out, buf_span(&bytes), 1, UINT16_MAX);
    TRY(wire_out_end(&out));
    return backup_write(w, buf_span(&framed));
}

/* pread: the keystore's descriptor is at work elsewhere. */
static enum mlt_err write_file(struct backup_writer *w, int fd, uint64_t size)
{
    CLEANUP(buf_clear) struct buf piece = { 0 };
    TRY(buf_reserve(&piece, piece_bytes));
    for (uint64_t at = 0; at < size; at += piece.len) {
        uint64_t left = size - at;
        size_t n = left < piece_bytes ? (size_t)left : piece_bytes;
        ssize_t got = pread(fd, piece.p, n, (off_t)at);
        ENSURE(got >= 0 || errno == EINTR, MLT_ERR_SYSTEM);
        ENSURE(got != 0, MLT_ERR_DAMAGED);
        piece.len = got > 0 ? (size_t)got : 0;
        TRY(backup_write(w, buf_span(&piece)));
    }
    return MLT_OK;
}

static enum mlt_err fill(struct ca *ca, int ledger, int fd, struct backup_manifest *m)
{
    TRY(describe(ca, ledger, m));
    const struct keystore *ks = &ca->keystore;
    CLEANUP(backup_writer_clear) struct backup_writer w = { .fd = -1 };
    TRY(backup_write_start(&w, fd, buf_span(&ks->first_line), &ks->master));
    TRY(write_manifest(&w, m));
    TRY(write_file(&w, ks->fd, m->keystore_bytes));
    TRY(write_file(&w, ledger, m->ledger_bytes));
    TRY(backup_write_end(&w));
    ENSURE(lseek(fd, 0, SEEK_SET) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

enum mlt_err backup_make(struct ca *ca, int *fd, struct backup_manifest *manifest)
{
    CLEANUP(file_close) int ledger = -1;
    CLEANUP(file_close) int made = -1;
    struct backup_manifest m;
    /* After a failed fsync nobody knows what is on the disk. */
    ENSURE(!ca->keystore.broken && !ca->db.broken, MLT_ERR_STATE);
    backup_tidy(ca->dir);
    TRY(check_room(ca));
    TRY(copy_ledger(ca, &ledger));
    TRY(make_container(ca->dir, &made));
    TRY(fill(ca, ledger, made, &m));
    *manifest = m;
    *fd = made;
    made = -1;
    return MLT_OK;
}

/* ---- taking one apart ---- */

static enum mlt_err unpack_file(struct backup_reader *reader, int dirfd, const char *name,
                                uint64_t size)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    CLEANUP(file_close) int fd = openat(dirfd, name, flags, 0600);
    ENSURE(fd >= 0, MLT_ERR_SYSTEM);
    while (size > 0) {
        struct span piece;
        size_t most = size < piece_bytes ? (size_t)size : piece_bytes;
        TRY(backup_read(reader, most, &piece));
        ENSURE(piece.n > 0, MLT_ERR_DAMAGED);
        TRY(file_write_all(fd, piece));
        size -= piece.n;
    }
    ENSURE(fsync(fd) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err expect_end(struct backup_reader *reader)
{
    struct span piece;
    TRY(backup_read(reader, 1, &piece));
    return piece.n == 0 ? MLT_OK : MLT_ERR_DAMAGED;
}

/* The first line outside is the one that scrypt was run for: it has to be the one inside. */
static enum mlt_err check_first_line(const struct backup_reader *reader, int dirfd)
{
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    TRY(keystore_open(&ks, dirfd, KEYSTORE_FILE));
    ENSURE(span_eq(buf_span(&ks.first_line), buf_span(&reader->first_line)), MLT_ERR_DAMAGED);
    return MLT_OK;
}

enum mlt_err backup_unpack(struct backup_reader *reader, int dirfd,
                           struct backup_manifest *manifest)
{
    struct backup_manifest m;
    TRY(backup_read_manifest(reader, &m));
    TRY(unpack_file(reader, dirfd, KEYSTORE_FILE, m.keystore_bytes));
    TRY(unpack_file(reader, dirfd, SCHEMA_FILE, m.ledger_bytes));
    TRY(expect_end(reader));
    TRY(check_first_line(reader, dirfd));
    ENSURE(fsync(dirfd) == 0, MLT_ERR_SYSTEM);
    *manifest = m;
    return MLT_OK;
}

enum mlt_err backup_contents(struct ca *ca, struct backup_contents *contents)
{
    CLEANUP(query_end)
    struct query q = query_start(&ca->db, "SELECT (SELECT count(*) FROM member), "
                                          "(SELECT count(*) FROM revocation)");
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_DATABASE);
    *contents = (struct backup_contents) { (uint64_t)query_int(&q, 0), (uint64_t)query_int(&q, 1) };
    return MLT_OK;
}
