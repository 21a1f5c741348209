/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "ca/backup.h"
#include "ca/schema.h"
#include "crypto/crypto.h"

/*
 * A backup as an attacker leaves it, who may know its passphrase.  The first byte says what the
 * rest is: the file itself; edits (place u16, deed u8, byte u8) of a good one, which then must be
 * refused unless it is the same again; a list of chunks (last u8, length u16, sequence u8),
 * correctly sealed, which are read to the end if and only if they are what a writer makes; a stream
 * to be unpacked; a manifest, of which there is one encoding.
 */

static const struct kdf_cost cheap = { 1024, 8, 1 };
static const uint8_t salt[LOCKBOX_SALT] = "thirty-two bytes of public salt";
static struct secret stretched, master;
static struct buf line, good;
static char root[] = "/dev/shm/malote-fuzz-XXXXXX";
static int dir = -1;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static int file_of(struct span content)
{
    int fd = memfd_create("backup", MFD_CLOEXEC);
    must(fd >= 0 && file_write_all(fd, content) == MLT_OK && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static void seal_stream(struct span plain, struct buf *out)
{
    CLEANUP(file_close) int fd = file_of(span_of(NULL, 0));
    CLEANUP(backup_writer_clear) struct backup_writer w = { .fd = -1 };
    uint8_t *at = NULL;
    must(backup_write_start(&w, fd, buf_span(&line), &master) == MLT_OK);
    must(backup_write(&w, plain) == MLT_OK && backup_write_end(&w) == MLT_OK);
    off_t n = lseek(fd, 0, SEEK_END);
    must(buf_extend(out, (size_t)n, &at) == MLT_OK && pread(fd, at, (size_t)n, 0) == n);
}

static void remove_files(void)
{
    unlinkat(dir, KEYSTORE_FILE, 0);
    unlinkat(dir, SCHEMA_FILE, 0);
}

static void leave_nothing(void)
{
    remove_files();
    rmdir(root);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    bool locked = false;
    must(secret_start(&locked) == MLT_OK && crypto_start() == MLT_OK);
    must(mkdtemp(root) != NULL && file_open_dir(root, false, &dir) == MLT_OK);
    atexit(leave_nothing);
    must(kdf_scrypt(span_str("passphrase"), SPAN_OF(salt), &cheap, &stretched) == MLT_OK);
    must(secret_copy(&master, span_str("a master key of thirty-two bytes")) == MLT_OK);
    must(lockbox_seal("keystore", &cheap, salt, &stretched, secret_span(&master), &line) == MLT_OK);
    seal_stream(span_str("what is kept"), &good);
    return 0;
}

/* scrypt is skipped: its output is the good file's, whatever cost and salt the line claims. */
static enum mlt_err open_reader(struct backup_reader *r, int fd)
{
    TRY(backup_read_start(r, fd));
    return backup_read_unlock(r, &stretched);
}

static enum mlt_err read_all(struct span file)
{
    CLEANUP(file_close) int fd = file_of(file);
    CLEANUP(backup_reader_clear) struct backup_reader r = { .fd = -1 };
    TRY(open_reader(&r, fd));
    for (;;) {
        struct span piece;
        TRY(backup_read(&r, 4096, &piece));
        if (piece.n == 0)
            return MLT_OK;
    }
}

static void edit(struct buf *copy, const uint8_t step[static 4])
{
    size_t at = ((size_t)step[0] << 8 | step[1]) % copy->len;
    switch (step[2] % 3) {
    case 0:
        copy->p[at] ^= step[3];
        break;
    case 1:
        copy->p[at] = step[3];
        break;
    case 2:
        copy->len = at + 1;
        break;
    }
}

static void try_edits(struct span input)
{
    CLEANUP(buf_clear) struct buf copy = { 0 };
    must(buf_put(&copy, buf_span(&good)) == MLT_OK);
    for (size_t at = 0; at + 4 <= input.n && at < 64; at += 4)
        edit(&copy, input.p + at);
    bool same = span_eq(buf_span(&copy), buf_span(&good));
    must((read_all(buf_span(&copy)) == MLT_OK) == same);
}

/* ---- chunks ---- */

static void put_chunk(const uint8_t step[static 4], struct etm *etm, struct buf *out)
{
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    uint8_t *at = NULL;
    /* 65,535 stands for a whole chunk, which two bytes cannot say. */
    size_t n = (size_t)step[1] << 8 | step[2];
    n = n == UINT16_MAX ? BACKUP_CHUNK : n;
    size_t length = n + ETM_TAG;
    const uint8_t header[4] = { step[0], (uint8_t)(length >> 16), (uint8_t)(length >> 8),
                                (uint8_t)length };
    must(buf_extend(&plain, n, &at) == MLT_OK);
    must(etm_seal(etm, step[3], SPAN_OF(header), buf_span(&plain), &sealed) == MLT_OK);
    must(buf_put(out, SPAN_OF(header)) == MLT_OK && buf_put(out, buf_span(&sealed)) == MLT_OK);
}

static bool is_as_written(struct span steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *s = steps.p + 4 * i;
        bool last = i + 1 == count;
        bool whole = s[1] == 0xff && s[2] == 0xff;
        bool empty = s[1] == 0 && s[2] == 0;
        if (s[0] != (last ? 1 : 0) || s[3] != i || (last ? empty : !whole))
            return false;
    }
    return count > 0;
}

static void try_chunks(struct span steps)
{
    CLEANUP(buf_clear) struct buf file = { 0 };
    CLEANUP(secret_clear) struct secret own = { 0 };
    CLEANUP(etm_clear) struct etm etm = { 0 };
    uint8_t context[HASH_LEN];
    size_t count = steps.n / 4 < 5 ? steps.n / 4 : 5;
    must(buf_put_str(&file, "malote-backup 1\n") == MLT_OK);
    must(buf_put(&file, buf_span(&line)) == MLT_OK);
    must(buf_put_str(&file, "\nthe salt of this backup: 32 byte") == MLT_OK);
    must(hash_sha256(buf_span(&file), context) == MLT_OK);
    must(kdf_expand_label(&master, "backup", SPAN_OF(context), KDF_LEN, &own) == MLT_OK);
    must(etm_init(&etm, &own) == MLT_OK);
    for (size_t i = 0; i < count; i++)
        put_chunk(steps.p + 4 * i, &etm, &file);
    must((read_all(buf_span(&file)) == MLT_OK) == is_as_written(steps, count));
}

/* ---- what is inside ---- */

static void try_stream(struct span stream)
{
    CLEANUP(buf_clear) struct buf file = { 0 };
    CLEANUP(backup_reader_clear) struct backup_reader r = { .fd = -1 };
    struct backup_manifest m;
    if (stream.n == 0)
        return;
    seal_stream(stream, &file);
    CLEANUP(file_close) int fd = file_of(buf_span(&file));
    must(open_reader(&r, fd) == MLT_OK);
    remove_files();
    enum mlt_err err = backup_unpack(&r, dir, &m);
    must(err != MLT_OK || m.keystore_bytes + m.ledger_bytes < stream.n);
}

static void try_manifest(struct span bytes)
{
    CLEANUP(buf_clear) struct buf again = { 0 };
    struct backup_manifest m;
    if (backup_manifest_decode(bytes, &m) != MLT_OK)
        return;
    must(backup_manifest_encode(&m, &again) == MLT_OK);
    must(span_eq(buf_span(&again), bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span rest = span_of(data + 1, size - 1);
    switch (data[0] % 5) {
    case 0:
        (void)!read_all(rest);
        break;
    case 1:
        try_edits(rest);
        break;
    case 2:
        try_chunks(rest);
        break;
    case 3:
        try_stream(rest);
        break;
    case 4:
        try_manifest(rest);
        break;
    }
    return 0;
}
