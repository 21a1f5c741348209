/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "ca/backup_file.h"
#include "crypto/crypto.h"

/* The container of a backup: what was changed in any way does not come out of it. */

static const struct kdf_cost cheap = { 1024, 8, 1 };
static const uint8_t salt[LOCKBOX_SALT] = "thirty-two bytes of public salt";
static struct secret stretched, master;
static struct buf line;

static int start(void **state)
{
    (void)state;
    bool locked = false;
    assert_ok(secret_start(&locked));
    assert_ok(crypto_start());
    assert_ok(kdf_scrypt(span_str("passphrase"), SPAN_OF(salt), &cheap, &stretched));
    assert_ok(secret_copy(&master, span_str("a master key of thirty-two bytes")));
    assert_ok(lockbox_seal("keystore", &cheap, salt, &stretched, secret_span(&master), &line));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    secret_clear(&stretched);
    secret_clear(&master);
    buf_clear(&line);
    return 0;
}

static int file_of(struct span content)
{
    int fd = memfd_create("backup", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(file_write_all(fd, content));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void content_of(int fd, struct buf *out)
{
    off_t n = lseek(fd, 0, SEEK_END);
    uint8_t *at = NULL;
    assert_ok(buf_extend(out, (size_t)n, &at));
    assert_int_equal(pread(fd, at, (size_t)n, 0), n);
}

static void fill(struct buf *plain, size_t n)
{
    uint8_t *at = NULL;
    assert_ok(buf_extend(plain, n, &at));
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(i * 7 + i / 251);
}

static void make(struct span plain, struct buf *out)
{
    CLEANUP(file_close) int fd = file_of(span_of(NULL, 0));
    CLEANUP(backup_writer_clear) struct backup_writer w = { .fd = -1 };
    assert_ok(backup_write_start(&w, fd, buf_span(&line), &master));
    assert_ok(backup_write(&w, plain));
    assert_ok(backup_write_end(&w));
    buf_reset(out);
    content_of(fd, out);
}

/* What reading it to the end says; the plain bytes that came out before. */
static enum mlt_err read_with(struct span file, const struct secret *key, struct buf *plain)
{
    CLEANUP(file_close) int fd = file_of(file);
    CLEANUP(backup_reader_clear) struct backup_reader r = { .fd = -1 };
    TRY(backup_read_start(&r, fd));
    TRY(backup_read_unlock(&r, key));
    for (;;) {
        struct span piece;
        TRY(backup_read(&r, 100000, &piece));
        if (piece.n == 0)
            return MLT_OK;
        TRY(buf_put(plain, piece));
    }
}

static enum mlt_err read_back(struct span file)
{
    CLEANUP(buf_clear) struct buf plain = { 0 };
    return read_with(file, &stretched, &plain);
}

static void what_goes_in_comes_out_whatever_its_length(void **state)
{
    (void)state;
    static const size_t lengths[] = {
        1, 2, BACKUP_CHUNK - 1, BACKUP_CHUNK, BACKUP_CHUNK + 1, 2 * BACKUP_CHUNK, 200000
    };
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        CLEANUP(buf_clear) struct buf plain = { 0 };
        CLEANUP(buf_clear) struct buf file = { 0 };
        CLEANUP(buf_clear) struct buf back = { 0 };
        fill(&plain, lengths[i]);
        make(buf_span(&plain), &file);
        assert_ok(read_with(buf_span(&file), &stretched, &back));
        assert_true(span_eq(buf_span(&plain), buf_span(&back)));
    }
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf file = { 0 };
    fill(&plain, 100);
    make(buf_span(&plain), &file);
    for (size_t i = 0; i < 8 * file.len; i++) {
        file.p[i / 8] ^= (uint8_t)(1u << i % 8);
        enum mlt_err err = read_back(buf_span(&file));
        file.p[i / 8] ^= (uint8_t)(1u << i % 8);
        if (err == MLT_OK)
            fail_msg("bit %zu of byte %zu was taken", i % 8, i / 8);
        assert_true(err == MLT_ERR_DAMAGED || err == MLT_ERR_PASSPHRASE || err == MLT_ERR_NEWER);
    }
    assert_ok(read_back(buf_span(&file)));
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf file = { 0 };
    fill(&plain, 100);
    make(buf_span(&plain), &file);
    for (size_t n = 0; n < file.len; n++)
        assert_err(read_back(span_of(file.p, n)), MLT_ERR_DAMAGED);
}

/* ---- chunks, made without the writer, from PROTOCOL.md 9.5 alone ---- */

struct chunk {
    uint8_t last;
    size_t plain; /* bytes */
    uint64_t sequence;
};

static size_t preamble(struct buf *out)
{
    assert_ok(buf_put_str(out, "malote-backup 1\n"));
    assert_ok(buf_put(out, buf_span(&line)));
    assert_ok(buf_put_str(out, "\n"));
    assert_ok(buf_put_str(out, "the salt of this backup: 32 byte"));
    return out->len;
}

static void put_chunk(const struct chunk *c, struct etm *etm, struct buf *out)
{
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    size_t length = c->plain + ETM_TAG;
    const uint8_t header[4] = { c->last, (uint8_t)(length >> 16), (uint8_t)(length >> 8),
                                (uint8_t)length };
    fill(&plain, c->plain);
    assert_ok(etm_seal(etm, c->sequence, SPAN_OF(header), buf_span(&plain), &sealed));
    assert_ok(buf_put(out, SPAN_OF(header)));
    assert_ok(buf_put(out, buf_span(&sealed)));
}

static enum mlt_err read_chunks(const struct chunk *chunks, size_t count)
{
    CLEANUP(buf_clear) struct buf file = { 0 };
    CLEANUP(secret_clear) struct secret own = { 0 };
    CLEANUP(etm_clear) struct etm etm = { 0 };
    uint8_t context[HASH_LEN];
    preamble(&file);
    assert_ok(hash_sha256(buf_span(&file), context));
    assert_ok(kdf_expand_label(&master, "backup", SPAN_OF(context), KDF_LEN, &own));
    assert_ok(etm_init(&etm, &own));
    for (size_t i = 0; i < count; i++)
        put_chunk(&chunks[i], &etm, &file);
    return read_back(buf_span(&file));
}

#define READ_CHUNKS(...)                                                                           \
    read_chunks((const struct chunk[]) { __VA_ARGS__ },                                            \
                sizeof((const struct chunk[]) { __VA_ARGS__ }) / sizeof(struct chunk))

static void chunks_are_whole_and_the_last_says_so(void **state)
{
    (void)state;
    assert_ok(READ_CHUNKS({ 1, 5, 0 }));
    assert_ok(READ_CHUNKS({ 0, BACKUP_CHUNK, 0 }, { 0, BACKUP_CHUNK, 1 }, { 1, 1, 2 }));
    assert_ok(READ_CHUNKS({ 1, BACKUP_CHUNK, 0 }));
    /* short in the middle, too long, empty */
    assert_err(READ_CHUNKS({ 0, BACKUP_CHUNK - 1, 0 }, { 1, 1, 1 }), MLT_ERR_DAMAGED);
    assert_err(READ_CHUNKS({ 1, BACKUP_CHUNK + 1, 0 }), MLT_ERR_DAMAGED);
    assert_err(READ_CHUNKS({ 1, 0, 0 }), MLT_ERR_DAMAGED);
    assert_err(READ_CHUNKS({ 0, BACKUP_CHUNK, 0 }, { 1, 0, 1 }), MLT_ERR_DAMAGED);
    /* cut off between two, and none at all */
    assert_err(READ_CHUNKS({ 0, BACKUP_CHUNK, 0 }), MLT_ERR_DAMAGED);
    assert_err(read_chunks(NULL, 0), MLT_ERR_DAMAGED);
    /* one left out, twice, swapped; more behind the last; a word that is none */
    assert_err(READ_CHUNKS({ 0, BACKUP_CHUNK, 0 }, { 1, 1, 2 }), MLT_ERR_DAMAGED);
    assert_err(READ_CHUNKS({ 0, BACKUP_CHUNK, 0 }, { 0, BACKUP_CHUNK, 0 }, { 1, 1, 1 }),
               MLT_ERR_DAMAGED);
    assert_err(READ_CHUNKS({ 0, BACKUP_CHUNK, 1 }, { 0, BACKUP_CHUNK, 0 }, { 1, 1, 2 }),
               MLT_ERR_DAMAGED);
    assert_err(READ_CHUNKS({ 1, 5, 0 }, { 1, 5, 1 }), MLT_ERR_DAMAGED);
    assert_err(READ_CHUNKS({ 2, 5, 0 }), MLT_ERR_DAMAGED);
}

/* ---- pieces of several ---- */

static const size_t chunk_bytes = 4 + BACKUP_CHUNK + ETM_TAG;

static void at_every_chunk_edge_a_cut_and_a_stranger_are_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf one = { 0 };
    CLEANUP(buf_clear) struct buf two = { 0 };
    fill(&plain, 2 * BACKUP_CHUNK + 1000);
    make(buf_span(&plain), &one);
    make(buf_span(&plain), &two);
    size_t head = one.len - 2 * chunk_bytes - (4 + 1000 + ETM_TAG);
    for (size_t i = 0; i <= 2; i++) {
        size_t edge = head + i * chunk_bytes;
        for (size_t n = edge - 1; n <= edge + 5; n++)
            assert_err(read_back(span_of(one.p, n)), MLT_ERR_DAMAGED);
        /* the same plaintext, the same place, the same passphrase: another backup */
        CLEANUP(buf_clear) struct buf spliced = { 0 };
        assert_ok(buf_put(&spliced, span_of(one.p, edge)));
        assert_ok(buf_put(&spliced, span_from(buf_span(&two), edge)));
        assert_err(read_back(buf_span(&spliced)), MLT_ERR_DAMAGED);
    }
    assert_ok(buf_put_u8(&one, 0));
    assert_err(read_back(buf_span(&one)), MLT_ERR_DAMAGED);
}

static void another_passphrase_opens_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf file = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(secret_clear) struct secret other = { 0 };
    make(span_str("content"), &file);
    assert_ok(kdf_scrypt(span_str("passphrasE"), SPAN_OF(salt), &cheap, &other));
    assert_err(read_with(buf_span(&file), &other, &plain), MLT_ERR_PASSPHRASE);
    assert_int_equal(plain.len, 0);
}

static void what_is_no_backup_or_a_newer_one_is_told_apart(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf file = { 0 };
    make(span_str("content"), &file);
    assert_err(read_back(buf_span(&line)), MLT_ERR_DAMAGED);
    file.p[sizeof("malote-backup ") - 1] = '2';
    assert_err(read_back(buf_span(&file)), MLT_ERR_NEWER);
    file.p[sizeof("malote-backup ") - 1] = '0';
    assert_err(read_back(buf_span(&file)), MLT_ERR_DAMAGED);
}

/* ---- the manifest ---- */

static const struct backup_manifest good = { .realm = "casa.example",
                                             .ca_hash = { 1 },
                                             .made_s = 1795361897,
                                             .epoch = 1795000000,
                                             .base = 3,
                                             .size = 40,
                                             .root = { 2 },
                                             .crl_number = 7,
                                             .keystore_count = 12,
                                             .keystore_bytes = 30000,
                                             .ledger_bytes = 122880 };

static enum mlt_err decode(const struct buf *bytes)
{
    struct backup_manifest m;
    return backup_manifest_decode(buf_span(bytes), &m);
}

static void a_manifest_comes_back_and_is_bounded(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct backup_manifest m;
    assert_ok(backup_manifest_encode(&good, &bytes));
    assert_ok(backup_manifest_decode(buf_span(&bytes), &m));
    assert_memory_equal(&m, &good, sizeof(m));
    assert_ok(buf_put_u8(&bytes, 0));
    assert_err(decode(&bytes), MLT_ERR_TRAILING);
    for (size_t n = 0; n < bytes.len - 1; n++)
        assert_true(backup_manifest_decode(span_of(bytes.p, n), &m) != MLT_OK);
    struct backup_manifest bad[] = { good, good, good, good, good, good };
    bad[0].base = 41;
    bad[1].keystore_bytes = 0;
    bad[2].keystore_bytes = (uint64_t)LIMIT_KEYSTORE + 1;
    bad[3].ledger_bytes = 0;
    bad[4].ledger_bytes = (uint64_t)LIMIT_BACKUP_LEDGER + 1;
    bad[5].made_s = -1;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        buf_reset(&bytes);
        assert_ok(backup_manifest_encode(&bad[i], &bytes));
        assert_err(decode(&bytes), MLT_ERR_RANGE);
    }
    buf_reset(&bytes);
    assert_ok(backup_manifest_encode(&good, &bytes));
    bytes.p[2] = 'C'; /* of the realm */
    assert_err(decode(&bytes), MLT_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_whatever_its_length),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(chunks_are_whole_and_the_last_says_so),
        cmocka_unit_test(at_every_chunk_edge_a_cut_and_a_stranger_are_refused),
        cmocka_unit_test(another_passphrase_opens_nothing),
        cmocka_unit_test(what_is_no_backup_or_a_newer_one_is_told_apart),
        cmocka_unit_test(a_manifest_comes_back_and_is_bounded),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
