/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "ca/keystore.h"
#include "ca/keystore_line.h"
#include "crypto/crypto.h"

/*
 * chaves.txt as an attacker leaves it.  The input is taken twice: as the file itself, and as a
 * list of edits (place u16, deed u8, byte u8) to a good file.  Whatever opens must be the good
 * file, byte for byte; nothing may crash; and a line that parses must be text of one form.
 */

static const struct kdf_cost cheap = { 1024, 8, 1 };
static const uint8_t salt[LOCKBOX_SALT] = "thirty-two bytes of public salt";

/* Memory first: a disk is a dozen times slower. */
static char places[][32] = { "/dev/shm/malote-fuzz-XXXXXX", "/tmp/malote-fuzz-XXXXXX" };
static const char *root;
static int dir = -1;
static struct secret stretched;
static struct buf good;
static struct keystore_mark committed;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void add(struct keystore *ks, enum keystore_kind kind, const char *name)
{
    must(keystore_append(ks, kind, span_str(name), span_str("content"), &committed) == MLT_OK);
    keystore_adopt(ks, &committed);
}

static void leave_nothing(void)
{
    unlinkat(dir, KEYSTORE_FILE, 0);
    rmdir(root);
}

static void make_good(void)
{
    struct keystore ks = keystore_none();
    must(kdf_scrypt(span_str("passphrase"), SPAN_OF(salt), &cheap, &stretched) == MLT_OK);
    must(keystore_create(&ks, dir, &cheap, salt, &stretched) == MLT_OK);
    add(&ks, KEYSTORE_CA_KEY, "ca");
    add(&ks, KEYSTORE_CA_CERTIFICATE, "ca");
    add(&ks, KEYSTORE_MAILBOX, "maria");
    must(keystore_publish(dir) == MLT_OK);
    must(file_read(dir, KEYSTORE_FILE, LIMIT_KEYSTORE_LINE * 8, &good) == MLT_OK);
    keystore_close(&ks);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    bool locked = false;
    must(secret_start(&locked) == MLT_OK && crypto_start() == MLT_OK);
    for (size_t i = 0; i < COUNT_OF(places) && root == NULL; i++)
        root = mkdtemp(places[i]);
    must(root != NULL && file_open_dir(root, false, &dir) == MLT_OK);
    atexit(leave_nothing);
    make_good();
    return 0;
}

static enum mlt_err nothing(void *ctx, enum keystore_kind kind, struct span name, int64_t offset)
{
    (void)ctx;
    (void)kind;
    (void)name;
    (void)offset;
    return MLT_OK;
}

static void put_file(struct span content)
{
    int fd = openat(dir, KEYSTORE_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && file_write_all(fd, content) == MLT_OK);
    close(fd);
}

/* scrypt is skipped: its output is the good file's, whatever cost and salt the line claims. */
static void try_file(struct span content)
{
    struct keystore ks = keystore_none();
    const struct keystore_visit visit = { nothing, NULL };
    put_file(content);
    if (keystore_open(&ks, dir, KEYSTORE_FILE) == MLT_OK &&
        keystore_unlock(&ks, dir, &stretched, &committed, &visit) == MLT_OK)
        must(content.n >= good.len && span_eq(span_of(content.p, good.len), buf_span(&good)));
    keystore_close(&ks);
}

static void edit(struct buf *copy, const uint8_t step[static 4])
{
    size_t at = ((size_t)step[0] << 8 | step[1]) % copy->len;
    switch (step[2] % 4) {
    case 0:
        copy->p[at] ^= step[3];
        break;
    case 1:
        copy->p[at] = step[3];
        break;
    case 2:
        copy->len = at + 1;
        break;
    case 3: { /* the line from here on goes to the front */
        CLEANUP(buf_clear) struct buf turned = { 0 };
        must(buf_put(&turned, span_from(buf_span(copy), at)) == MLT_OK);
        must(buf_put(&turned, span_of(copy->p, at)) == MLT_OK);
        buf_reset(copy);
        must(buf_put(copy, buf_span(&turned)) == MLT_OK);
        break;
    }
    }
}

static void check_line(struct span text)
{
    struct keystore_line line;
    if (keystore_line_parse(text, &line) != MLT_OK)
        return;
    CLEANUP(buf_clear) struct buf again = { 0 };
    must(buf_put(&again, line.chained) == MLT_OK);
    must(buf_put_hex(&again, SPAN_OF(line.mac)) == MLT_OK);
    must(span_eq(buf_span(&again), text));
    struct secret plain = { 0 };
    must(keystore_line_open(&stretched, &line, &plain) != MLT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    check_line(input);
    try_file(input);
    CLEANUP(buf_clear) struct buf copy = { 0 };
    must(buf_put(&copy, buf_span(&good)) == MLT_OK);
    for (size_t at = 0; at + 4 <= size && at < 64; at += 4)
        edit(&copy, data + at);
    try_file(buf_span(&copy));
    return 0;
}
