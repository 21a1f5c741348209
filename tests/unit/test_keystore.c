/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "ca/keystore.h"
#include "crypto/crypto.h"

/* Attack row 30: whatever is done to the committed part of chaves.txt is noticed before use. */

static const struct kdf_cost cheap = { 1024, 8, 1 };
static const uint8_t salt[LOCKBOX_SALT] = "thirty-two bytes of public salt";

static char root[64];
static int dir = -1;
static struct secret stretched;
/* The sample: three own lines and how far they count. */
static struct buf sample;
static struct keystore_mark committed;
static int64_t maria_at;

static struct keystore_mark add(struct keystore *ks, enum keystore_kind kind, const char *name,
                                const char *content)
{
    struct keystore_mark mark;
    assert_ok(keystore_append(ks, kind, span_str(name), span_str(content), &mark));
    keystore_adopt(ks, &mark);
    return mark;
}

static void read_file(struct buf *out)
{
    buf_reset(out);
    assert_ok(file_read(dir, KEYSTORE_FILE, LIMIT_KEYSTORE_LINE * 64, out));
}

static void write_file(struct span content)
{
    int fd = openat(dir, KEYSTORE_FILE, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_ok(file_write_all(fd, content));
    close(fd);
}

static int start(void **state)
{
    (void)state;
    bool locked = false;
    assert_ok(secret_start(&locked));
    assert_ok(crypto_start());
    snprintf(root, sizeof(root), "/tmp/malote-keystore-XXXXXX");
    assert_non_null(mkdtemp(root));
    assert_ok(file_open_dir(root, false, &dir));
    assert_ok(kdf_scrypt(span_str("passphrase"), SPAN_OF(salt), &cheap, &stretched));
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    assert_ok(keystore_create(&ks, dir, &cheap, salt, &stretched));
    (void)add(&ks, KEYSTORE_CA_KEY, "ca", "the private key");
    (void)add(&ks, KEYSTORE_CA_CERTIFICATE, "ca", "the certificate");
    committed = add(&ks, KEYSTORE_MAILBOX, "maria", "a mailbox key");
    maria_at = committed.offset;
    assert_ok(keystore_publish(dir));
    read_file(&sample);
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int stop(void **state)
{
    (void)state;
    secret_clear(&stretched);
    buf_clear(&sample);
    close(dir);
    return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static unsigned seen;

static enum mlt_err count_entry(void *ctx, enum keystore_kind kind, struct span name,
                                int64_t offset)
{
    (void)ctx;
    (void)kind;
    (void)name;
    (void)offset;
    seen++;
    return MLT_OK;
}

/* Opens what is in the file; scrypt only runs where salt or cost are not the sample's. */
static enum mlt_err unlock(struct keystore *ks, const struct keystore_mark *mark)
{
    const struct keystore_visit visit = { count_entry, NULL };
    CLEANUP(secret_clear) struct secret own = { 0 };
    seen = 0;
    TRY(keystore_open(ks, dir, KEYSTORE_FILE));
    const struct lockbox *box = &ks->box;
    if (box->cost.n == cheap.n && span_eq(SPAN_OF(box->salt), SPAN_OF(salt)))
        TRY(secret_copy(&own, secret_span(&stretched)));
    else
        TRY(kdf_scrypt(span_str("passphrase"), SPAN_OF(box->salt), &box->cost, &own));
    return keystore_unlock(ks, dir, &own, mark, &visit);
}

static enum mlt_err try_file(struct span content)
{
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    write_file(content);
    return unlock(&ks, &committed);
}

static bool is_refusal(enum mlt_err err)
{
    return err == MLT_ERR_DAMAGED || err == MLT_ERR_PASSPHRASE;
}

/* The i-th line with its newline. */
static struct span line(unsigned i)
{
    struct span rest = buf_span(&sample);
    for (;;) {
        const uint8_t *end = memchr(rest.p, '\n', rest.n);
        assert_non_null(end);
        size_t n = (size_t)(end - rest.p) + 1;
        if (i-- == 0)
            return span_of(rest.p, n);
        rest = span_from(rest, n);
    }
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    CLEANUP(secret_clear) struct secret plain = { 0 };
    write_file(buf_span(&sample));
    assert_ok(unlock(&ks, &committed));
    assert_int_equal(seen, 3);
    assert_ok(keystore_read(&ks, maria_at, KEYSTORE_MAILBOX, span_str("maria"), &plain));
    assert_span_equal(secret_span(&plain), span_str("a mailbox key"));
}

static void a_line_is_not_read_as_another_kind_or_name(void **state)
{
    (void)state;
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    CLEANUP(secret_clear) struct secret plain = { 0 };
    write_file(buf_span(&sample));
    assert_ok(unlock(&ks, &committed));
    assert_err(keystore_read(&ks, maria_at, KEYSTORE_MAILBOX, span_str("joao"), &plain),
               MLT_ERR_DAMAGED);
    assert_err(keystore_read(&ks, maria_at, KEYSTORE_CA_KEY, span_str("maria"), &plain),
               MLT_ERR_DAMAGED);
    assert_err(keystore_read(&ks, maria_at + 1, KEYSTORE_MAILBOX, span_str("maria"), &plain),
               MLT_ERR_DAMAGED);
    assert_err(keystore_read(&ks, INT64_MAX, KEYSTORE_MAILBOX, span_str("maria"), &plain),
               MLT_ERR_DAMAGED);
    assert_null(plain.p);
}

static void no_secret_stands_in_the_file(void **state)
{
    (void)state;
    assert_null(memmem(sample.p, sample.len, "private key", 11));
    assert_null(memmem(sample.p, sample.len, "mailbox key", 11));
    CLEANUP(buf_clear) struct buf hex = { 0 };
    assert_ok(buf_put_hex(&hex, span_str("private key")));
    assert_null(memmem(sample.p, sample.len, hex.p, hex.len));
}

static void every_single_flipped_bit_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf copy = { 0 };
    assert_ok(buf_put(&copy, buf_span(&sample)));
    for (size_t bit = 0; bit < 8 * copy.len; bit++) {
        copy.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum mlt_err err = try_file(buf_span(&copy));
        if (!is_refusal(err))
            fail_msg("bit %zu of byte %zu: %s", bit % 8, bit / 8, err_name(err));
        copy.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_ok(try_file(buf_span(&copy)));
}

static void every_cut_within_the_committed_part_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < sample.len; n++) {
        enum mlt_err err = try_file(span_of(sample.p, n));
        if (!is_refusal(err))
            fail_msg("cut at %zu: %s", n, err_name(err));
    }
}

static void put_lines(struct buf *out, const int *order, size_t count)
{
    buf_reset(out);
    for (size_t i = 0; i < count; i++)
        assert_ok(buf_put(out, line((unsigned)order[i])));
}

static void every_other_order_of_lines_is_refused(void **state)
{
    (void)state;
    static const int orders[][6] = {
        { 0, 2, 1, 3, -1, -1 },  { 0, 3, 2, 1, -1, -1 },  { 0, 1, 3, 2, -1, -1 },
        { 0, 2, 3, -1, -1, -1 }, { 0, 1, 3, -1, -1, -1 }, { 0, 1, 2, -1, -1, -1 },
        { 0, 1, 1, 2, 3, -1 },   { 0, 1, 2, 2, 3, -1 },   { 1, 2, 3, -1, -1, -1 },
        { 1, 0, 2, 3, -1, -1 },  { 0, 0, 1, 2, 3, -1 },   { 0, 1, 2, 1, -1, -1 },
    };
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        CLEANUP(buf_clear) struct buf mixed = { 0 };
        size_t count = 0;
        while (count < 6 && orders[i][count] >= 0)
            count++;
        put_lines(&mixed, orders[i], count);
        if (!is_refusal(try_file(buf_span(&mixed))))
            fail_msg("order %zu was taken", i);
    }
}

/* Both open with the same passphrase and the same salt; the master keys differ. */
static void a_line_of_another_keystore_is_refused(void **state)
{
    (void)state;
    CLEANUP(keystore_close) struct keystore other = keystore_none();
    assert_ok(keystore_create(&other, dir, &cheap, salt, &stretched));
    (void)add(&other, KEYSTORE_CA_KEY, "ca", "the private key");
    CLEANUP(buf_clear) struct buf theirs = { 0 };
    assert_ok(file_read(dir, KEYSTORE_NEW, LIMIT_KEYSTORE_LINE * 4, &theirs));
    assert_ok(file_remove(dir, KEYSTORE_NEW));
    const uint8_t *end = memchr(theirs.p, '\n', theirs.len);
    struct span their_line = span_from(buf_span(&theirs), (size_t)(end - theirs.p) + 1);
    CLEANUP(buf_clear) struct buf mixed = { 0 };
    assert_ok(buf_put(&mixed, line(0)));
    assert_ok(buf_put(&mixed, their_line));
    assert_ok(buf_put(&mixed, line(2)));
    assert_ok(buf_put(&mixed, line(3)));
    assert_err(try_file(buf_span(&mixed)), MLT_ERR_DAMAGED);
}

/* Letters that look the same to a parser but are other bytes. */
static void there_is_one_encoding_only(void **state)
{
    (void)state;
    static const char *const tails[] = { "\r\n", " \n", "\t\n", "\n\n" };
    struct span last = line(3);
    for (size_t i = 0; i < COUNT_OF(tails); i++) {
        CLEANUP(buf_clear) struct buf odd = { 0 };
        assert_ok(buf_put(&odd, span_of(sample.p, sample.len - last.n)));
        /* "\n\n" is an empty line before the last one. */
        if (i == 3)
            assert_ok(buf_put_u8(&odd, '\n'));
        assert_ok(buf_put(&odd, span_of(last.p, last.n - 1)));
        assert_ok(buf_put_str(&odd, i == 3 ? "\n" : tails[i]));
        assert_true(is_refusal(try_file(buf_span(&odd))));
    }
    CLEANUP(buf_clear) struct buf upper = { 0 };
    assert_ok(buf_put(&upper, buf_span(&sample)));
    for (size_t i = sample.len - last.n; i < upper.len; i++)
        if (upper.p[i] >= 'a' && upper.p[i] <= 'f' && i > sample.len - 66)
            upper.p[i] = (uint8_t)(upper.p[i] - 32);
    assert_err(try_file(buf_span(&upper)), MLT_ERR_DAMAGED);
}

static void a_wrong_passphrase_is_one_clear_error(void **state)
{
    (void)state;
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    CLEANUP(secret_clear) struct secret wrong = { 0 };
    const struct keystore_visit visit = { count_entry, NULL };
    write_file(buf_span(&sample));
    assert_ok(keystore_open(&ks, dir, KEYSTORE_FILE));
    assert_ok(kdf_scrypt(span_str("Passphrase"), SPAN_OF(salt), &cheap, &wrong));
    seen = 0;
    assert_err(keystore_unlock(&ks, dir, &wrong, &committed, &visit), MLT_ERR_PASSPHRASE);
    assert_int_equal(seen, 0);
    struct keystore_mark mark;
    assert_err(keystore_append(&ks, KEYSTORE_MAILBOX, span_str("joao"), span_str("x"), &mark),
               MLT_ERR_STATE);
}

static void a_torn_tail_is_cut_and_the_file_grows_on(void **state)
{
    (void)state;
    static const char *const tails[] = { "m", "mailbox joao 00", "\n", "garbage\nand more\n" };
    for (size_t i = 0; i < COUNT_OF(tails); i++) {
        CLEANUP(keystore_close) struct keystore ks = keystore_none();
        CLEANUP(buf_clear) struct buf torn = { 0 };
        assert_ok(buf_put(&torn, buf_span(&sample)));
        assert_ok(buf_put_str(&torn, tails[i]));
        write_file(buf_span(&torn));
        assert_ok(unlock(&ks, &committed));
        read_file(&torn);
        assert_span_equal(buf_span(&torn), buf_span(&sample));
        const struct keystore_mark next = add(&ks, KEYSTORE_MAILBOX, "joao", "his key");
        assert_ok(unlock(&ks, &next));
        assert_int_equal(seen, 4);
    }
}

/* An old ledger.db was put back alone: cutting would destroy what it does not know. */
static void more_whole_lines_than_a_crash_leaves_are_kept_and_refused(void **state)
{
    (void)state;
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    CLEANUP(buf_clear) struct buf before = { 0 };
    CLEANUP(buf_clear) struct buf after = { 0 };
    write_file(buf_span(&sample));
    assert_ok(unlock(&ks, &committed));
    (void)add(&ks, KEYSTORE_MAILBOX, "joao", "his key");
    const struct keystore_mark newest = add(&ks, KEYSTORE_MAILBOX, "ana", "her key");
    read_file(&before);
    assert_err(unlock(&ks, &committed), MLT_ERR_DAMAGED);
    assert_int_equal(ks.beyond, 2);
    read_file(&after);
    assert_span_equal(buf_span(&after), buf_span(&before));
    assert_ok(unlock(&ks, &newest));
}

/* The one file that a cut line was moved to, and forgets it. */
static void take_cut(struct buf *out)
{
    char name[sizeof(KEYSTORE_CUT) + 16] = "";
    DIR *all = opendir(root);
    assert_non_null(all);
    for (const struct dirent *one = readdir(all); one != NULL; one = readdir(all)) {
        if (strncmp(one->d_name, KEYSTORE_CUT, sizeof(KEYSTORE_CUT) - 1) != 0)
            continue;
        assert_string_equal(name, "");
        assert_int_equal(strlen(one->d_name), sizeof(name) - 1);
        memcpy(name, one->d_name, sizeof(name));
    }
    closedir(all);
    struct stat st;
    assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_ok(file_read(dir, name, LIMIT_KEYSTORE_LINE, out));
    assert_ok(file_remove(dir, name));
}

/* It may be the residue of a crash, or ledger.db is older by one entry and this a good key. */
static void a_whole_line_that_ledger_db_does_not_know_is_moved_and_can_be_put_back(void **state)
{
    (void)state;
    static const char *const tails[] = { "", "mailbox ana 00" };
    for (size_t i = 0; i < COUNT_OF(tails); i++) {
        CLEANUP(keystore_close) struct keystore ks = keystore_none();
        CLEANUP(secret_clear) struct secret plain = { 0 };
        CLEANUP(buf_clear) struct buf torn = { 0 };
        CLEANUP(buf_clear) struct buf after = { 0 };
        write_file(buf_span(&sample));
        assert_ok(unlock(&ks, &committed));
        const struct keystore_mark newest = add(&ks, KEYSTORE_MAILBOX, "joao", "his key");
        read_file(&torn);
        assert_ok(buf_put_str(&torn, tails[i]));
        write_file(buf_span(&torn));
        assert_ok(unlock(&ks, &committed));
        read_file(&after);
        assert_span_equal(buf_span(&after), buf_span(&sample));
        take_cut(&after);
        write_file(buf_span(&after));
        assert_ok(unlock(&ks, &newest));
        assert_ok(keystore_read(&ks, newest.offset, KEYSTORE_MAILBOX, span_str("joao"), &plain));
        assert_span_equal(secret_span(&plain), span_str("his key"));
    }
}

/* Nothing is cut that could not be moved. */
static void a_whole_line_is_not_cut_where_it_cannot_be_written(void **state)
{
    (void)state;
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    CLEANUP(buf_clear) struct buf before = { 0 };
    CLEANUP(buf_clear) struct buf after = { 0 };
    write_file(buf_span(&sample));
    assert_ok(unlock(&ks, &committed));
    (void)add(&ks, KEYSTORE_MAILBOX, "joao", "his key");
    read_file(&before);
    struct rlimit most, none = { 0 };
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &most), 0);
    none.rlim_max = most.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    enum mlt_err err = unlock(&ks, &committed);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &most), 0);
    assert_err(err, MLT_ERR_SYSTEM);
    read_file(&after);
    assert_span_equal(buf_span(&after), buf_span(&before));
}

/* Written and synced, but the transaction that needs it never was: it does not count. */
static void a_whole_line_that_was_never_committed_is_cut(void **state)
{
    (void)state;
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    CLEANUP(buf_clear) struct buf after = { 0 };
    struct keystore_mark never;
    write_file(buf_span(&sample));
    assert_ok(unlock(&ks, &committed));
    assert_ok(keystore_append(&ks, KEYSTORE_MAILBOX, span_str("joao"), span_str("lost"), &never));
    const struct keystore_mark next = add(&ks, KEYSTORE_MAILBOX, "ana", "a longer content");
    assert_ok(unlock(&ks, &next));
    assert_int_equal(seen, 4);
    assert_ok(unlock(&ks, &committed));
    read_file(&after);
    assert_span_equal(buf_span(&after), buf_span(&sample));
    take_cut(&after);
}

static void damage_to_the_first_line_is_said_to_be_there(void **state)
{
    (void)state;
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    CLEANUP(buf_clear) struct buf changed = { 0 };
    assert_ok(buf_put(&changed, buf_span(&sample)));
    const uint8_t *newline = memchr(changed.p, '\n', changed.len);
    changed.p[newline - changed.p - 3] = 'z';
    write_file(buf_span(&changed));
    assert_err(unlock(&ks, &committed), MLT_ERR_DAMAGED);
    assert_int_equal(ks.bad_line, 1);
}

static void a_keystore_never_takes_the_place_of_another(void **state)
{
    (void)state;
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    CLEANUP(buf_clear) struct buf after = { 0 };
    write_file(buf_span(&sample));
    assert_ok(keystore_create(&ks, dir, &cheap, salt, &stretched));
    assert_err(keystore_publish(dir), MLT_ERR_EXISTS);
    read_file(&after);
    assert_span_equal(buf_span(&after), buf_span(&sample));
    assert_ok(file_remove(dir, KEYSTORE_NEW));
    assert_ok(file_remove(dir, KEYSTORE_FILE));
    assert_err(keystore_publish(dir), MLT_ERR_MISSING);
}

static void a_file_older_than_its_ledger_is_refused(void **state)
{
    (void)state;
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    write_file(buf_span(&sample));
    assert_ok(unlock(&ks, &committed));
    const struct keystore_mark next = add(&ks, KEYSTORE_MAILBOX, "joao", "his key");
    write_file(buf_span(&sample));
    assert_err(unlock(&ks, &next), MLT_ERR_DAMAGED);
    assert_int_equal(ks.bad_line, 5);
    struct keystore_mark other = committed;
    other.head[31] ^= 1;
    assert_err(unlock(&ks, &other), MLT_ERR_DAMAGED);
    /* A ledger that is behind takes nothing of what it does not know. */
    other = committed;
    other.count--;
    assert_err(unlock(&ks, &other), MLT_ERR_DAMAGED);
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    write_file(buf_span(&sample));
    assert_int_equal(fchmodat(dir, KEYSTORE_FILE, 0640, 0), 0);
    assert_err(unlock(&ks, &committed), MLT_ERR_PERMISSION);
    assert_int_equal(fchmodat(dir, KEYSTORE_FILE, 0600, 0), 0);
    assert_int_equal(linkat(dir, KEYSTORE_FILE, dir, "second", 0), 0);
    assert_err(unlock(&ks, &committed), MLT_ERR_PERMISSION);
    assert_int_equal(unlinkat(dir, KEYSTORE_FILE, 0), 0);
    assert_int_equal(symlinkat("second", dir, KEYSTORE_FILE), 0);
    assert_err(unlock(&ks, &committed), MLT_ERR_PERMISSION);
    assert_int_equal(unlinkat(dir, KEYSTORE_FILE, 0), 0);
    assert_int_equal(unlinkat(dir, "second", 0), 0);
}

/* What the kernel counted for this process: bytes and calls, read and written. */
struct io {
    long long rchar, wchar, syscr, syscw;
};

static bool count_io(struct io *io)
{
    FILE *f = fopen("/proc/self/io", "re");
    if (f == NULL)
        return false;
    int n = fscanf(f, "rchar: %lld\nwchar: %lld\nsyscr: %lld\nsyscw: %lld", &io->rchar, &io->wchar,
                   &io->syscr, &io->syscw);
    fclose(f);
    return n == 4;
}

static void measure_append(struct keystore *ks, struct io *cost)
{
    struct io before, after;
    assert_true(count_io(&before));
    (void)add(ks, KEYSTORE_MAILBOX, "joao", "always the same content");
    assert_true(count_io(&after));
    *cost = (struct io) { after.rchar - before.rchar, after.wchar - before.wchar,
                          after.syscr - before.syscr, after.syscw - before.syscw };
}

static void an_append_costs_the_same_at_any_size(void **state)
{
    (void)state;
    struct io first, last;
    if (!count_io(&first))
        skip();
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    write_file(buf_span(&sample));
    assert_ok(unlock(&ks, &committed));
    measure_append(&ks, &first);
    measure_append(&ks, &first);
    for (unsigned i = 0; i < 500; i++)
        (void)add(&ks, KEYSTORE_MAILBOX, "joao", "always the same content");
    measure_append(&ks, &last);
    assert_int_equal(first.syscw, 1);
    assert_int_equal(last.syscw, first.syscw);
    assert_int_equal(last.wchar, first.wchar);
    assert_int_equal(last.syscr, first.syscr);
}

static void a_line_that_would_be_too_long_is_not_written(void **state)
{
    (void)state;
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    CLEANUP(buf_clear) struct buf after = { 0 };
    static uint8_t large[LIMIT_KEYSTORE_LINE / 2];
    struct keystore_mark mark;
    write_file(buf_span(&sample));
    assert_ok(unlock(&ks, &committed));
    assert_err(keystore_append(&ks, KEYSTORE_MAILBOX, span_str("joao"), SPAN_OF(large), &mark),
               MLT_ERR_RANGE);
    read_file(&after);
    assert_span_equal(buf_span(&after), buf_span(&sample));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(a_line_is_not_read_as_another_kind_or_name),
        cmocka_unit_test(no_secret_stands_in_the_file),
        cmocka_unit_test(every_single_flipped_bit_is_refused),
        cmocka_unit_test(every_cut_within_the_committed_part_is_refused),
        cmocka_unit_test(every_other_order_of_lines_is_refused),
        cmocka_unit_test(a_line_of_another_keystore_is_refused),
        cmocka_unit_test(there_is_one_encoding_only),
        cmocka_unit_test(a_wrong_passphrase_is_one_clear_error),
        cmocka_unit_test(more_whole_lines_than_a_crash_leaves_are_kept_and_refused),
        cmocka_unit_test(a_torn_tail_is_cut_and_the_file_grows_on),
        cmocka_unit_test(a_whole_line_that_ledger_db_does_not_know_is_moved_and_can_be_put_back),
        cmocka_unit_test(a_whole_line_is_not_cut_where_it_cannot_be_written),
        cmocka_unit_test(a_whole_line_that_was_never_committed_is_cut),
        cmocka_unit_test(damage_to_the_first_line_is_said_to_be_there),
        cmocka_unit_test(a_keystore_never_takes_the_place_of_another),
        cmocka_unit_test(a_file_older_than_its_ledger_is_refused),
        cmocka_unit_test(a_file_that_others_may_read_is_refused),
        cmocka_unit_test(an_append_costs_the_same_at_any_size),
        cmocka_unit_test(a_line_that_would_be_too_long_is_not_written),
    };
    return cmocka_run_group_tests_name("keystore", tests, start, stop);
}
