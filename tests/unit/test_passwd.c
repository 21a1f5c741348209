/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authority.h"
#include "base/file.h"
#include "ca/audit.h"
#include "ca/keystore_line.h"
#include "ca/keystore_lines.h"
#include "ca/mailbox.h"
#include "ca/members.h"
#include "ca/passwd.h"
#include "crypto/rsa.h"

/* Another passphrase, and another master key, for everything a CA keeps. */

enum { PEOPLE = 2 };
static const char *const names[PEOPLE] = { "joao", "maria" };

static struct authority a;
static uint8_t prints[PEOPLE][HASH_LEN];
static struct invite invite;

static enum mlt_err load(const char *text, uint8_t print[static HASH_LEN])
{
    const struct name name = authority_name(text);
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    TRY(mailbox_load(&a.ca, &name, &key));
    authority_fingerprint(key, print);
    return MLT_OK;
}

static int make_world(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    authority_libraries();
    authority_start(&a, ENROL_OPEN);
    for (unsigned i = 0; i < PEOPLE; i++)
        (void)authority_enrol(&a, names[i], authority_key(i), NULL, &der);
    authority_fill_mailboxes(&a);
    for (unsigned i = 0; i < PEOPLE; i++)
        assert_ok(load(names[i], prints[i]));
    invite = authority_invite(&a, "paulo");
    return 0;
}

static int end_world(void **state)
{
    (void)state;
    authority_stop(&a);
    return 0;
}

static struct keystore_renewal renewal_of(const char *passphrase, uint32_t cost, bool rotate,
                                          struct secret *stretched)
{
    struct keystore_renewal r = { .cost = { cost, 8, 1 }, .rotate = rotate };
    assert_ok(env_random(env_system(), r.salt, sizeof(r.salt)));
    assert_ok(kdf_scrypt(span_str(passphrase), SPAN_OF(r.salt), &r.cost, stretched));
    r.stretched = stretched;
    return r;
}

static void change(const char *passphrase, uint32_t cost, bool rotate)
{
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    const struct keystore_renewal r = renewal_of(passphrase, cost, rotate, &stretched);
    assert_ok(passwd(&a.ca, &r));
}

static enum mlt_err reopen(const char *passphrase)
{
    CLEANUP(buf_clear) struct buf why = { 0 };
    ca_close(&a.ca);
    return authority_open(&a, "", passphrase, &why);
}

static enum mlt_err count_finding(void *ctx, struct span text)
{
    (void)ctx;
    print_message("%.*s\n", (int)text.n, (const char *)text.p);
    return MLT_ERR_DAMAGED;
}

static enum mlt_err no_count(void *ctx, uint64_t count, struct span what)
{
    (void)ctx;
    (void)count;
    (void)what;
    return MLT_OK;
}

/* Everything that hangs on the master key or on a line's place. */
static void all_is_there(void)
{
    uint8_t print[HASH_LEN];
    for (unsigned i = 0; i < PEOPLE; i++) {
        assert_ok(load(names[i], print));
        assert_memory_equal(print, prints[i], HASH_LEN);
    }
    const struct audit_sink sink = { no_count, count_finding, NULL };
    assert_ok(audit_run(&a.ca, &sink));
}

static bool is_here(const char *name)
{
    struct stat st;
    return lstat(name, &st) == 0;
}

static void the_new_passphrase_opens_and_the_old_does_not(void **state)
{
    (void)state;
    change("segunda", 1024, false);
    all_is_there();
    assert_err(reopen("passphrase"), MLT_ERR_PASSPHRASE);
    assert_ok(reopen("segunda"));
    all_is_there();
    assert_false(is_here(KEYSTORE_NEXT));
}

static void a_first_line_of_another_length_moves_all_lines(void **state)
{
    (void)state;
    change("terceira", 16384, false);
    all_is_there();
    assert_ok(reopen("terceira"));
    assert_int_equal(a.ca.keystore.box.cost.n, 16384);
    all_is_there();
    change("passphrase", 1024, false);
    assert_ok(reopen("passphrase"));
    all_is_there();
}

static void count_common_words(const struct buf *one, const struct buf *two, unsigned *common)
{
    struct span rest = buf_span(one), word;
    *common = 0;
    while (span_next_word(&rest, &word))
        if (word.n >= 64 && memmem(two->p, two->len, word.p, word.n) != NULL)
            ++*common;
}

static void rotation_leaves_no_sealed_word_as_it_was(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf before = { 0 };
    CLEANUP(buf_clear) struct buf after = { 0 };
    CLEANUP(secret_clear) struct secret old_master = { 0 };
    unsigned common = 0;
    assert_ok(secret_copy(&old_master, secret_span(&a.ca.keystore.master)));
    assert_ok(file_read(a.ca.dir, KEYSTORE_FILE, (size_t)1 << 20, &before));
    change("quarta", 1024, false);
    assert_true(secret_eq(secret_span(&old_master), secret_span(&a.ca.keystore.master)));
    assert_ok(file_read(a.ca.dir, KEYSTORE_FILE, (size_t)1 << 20, &after));
    count_common_words(&before, &after, &common);
    assert_true(common > 0); /* without --rotate the seals stay */
    change("quinta", 1024, true);
    assert_false(secret_eq(secret_span(&old_master), secret_span(&a.ca.keystore.master)));
    buf_reset(&after);
    assert_ok(file_read(a.ca.dir, KEYSTORE_FILE, (size_t)1 << 20, &after));
    count_common_words(&before, &after, &common);
    assert_int_equal(common, 0);
    all_is_there();
    assert_ok(reopen("quinta"));
    all_is_there();
    change("passphrase", 1024, true);
    assert_ok(reopen("passphrase"));
}

static void an_invite_given_out_before_a_rotation_still_works(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    change("sexta", 1024, true);
    assert_ok(reopen("sexta"));
    a.ca.mode = ENROL_INVITE;
    struct ipc_enrolled got = authority_enrol(&a, "paulo", authority_key(2), &invite, &der);
    assert_true(der.len > 0);
    assert_int_equal(got.result, WELCOME_ISSUED);
    change("passphrase", 1024, true);
    assert_ok(reopen("passphrase"));
}

/* ---- killed on the way ---- */

static void killed_before_the_commit_the_old_one_opens(void **state)
{
    (void)state;
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    CLEANUP(keystore_close) struct keystore made = keystore_none();
    int64_t shift = 0;
    const struct keystore_renewal r = renewal_of("nunca", 1024, true, &stretched);
    assert_ok(keystore_rewrite_renew(&a.ca.keystore, a.ca.dir, &r, &made, &shift));
    assert_true(is_here(KEYSTORE_NEXT));
    assert_err(reopen("nunca"), MLT_ERR_PASSPHRASE);
    assert_ok(reopen("passphrase"));
    assert_false(is_here(KEYSTORE_NEXT));
    all_is_there();
}

static void killed_between_commit_and_rename_the_new_one_opens(void **state)
{
    (void)state;
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    CLEANUP(keystore_close) struct keystore made = keystore_none();
    int64_t shift = 0;
    const struct keystore_renewal r = renewal_of("sempre", 1024, false, &stretched);
    assert_ok(keystore_rewrite_renew(&a.ca.keystore, a.ca.dir, &r, &made, &shift));
    assert_int_equal(shift, 0);
    assert_ok(database_begin(&a.ca.db));
    assert_ok(database_end(&a.ca.db, keystore_mark_store(&a.ca.db, &made.mark)));
    assert_err(reopen("passphrase"), MLT_ERR_PASSPHRASE);
    assert_ok(reopen("sempre"));
    all_is_there();
    change("passphrase", 1024, false);
    assert_ok(reopen("passphrase"));
}

static void what_cannot_be_written_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    const struct keystore_renewal r = renewal_of("nunca", 1024, true, &stretched);
    assert_int_equal(mkdir(KEYSTORE_NEXT, 0700), 0);
    assert_err(passwd(&a.ca, &r), MLT_ERR_SYSTEM);
    assert_int_equal(rmdir(KEYSTORE_NEXT), 0);
    all_is_there();
    assert_ok(reopen("passphrase"));
    all_is_there();
}

static void run(const char *sql)
{
    CLEANUP(query_end) struct query q = query_start(&a.ca.db, sql);
    assert_ok(query_run(&q));
}

static void what_cannot_be_committed_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    const struct keystore_renewal r = renewal_of("nunca", 1024, true, &stretched);
    (void)authority_invite(&a, "rosa");
    run("UPDATE invite SET sealed = zeroblob(48) WHERE name = 'rosa'");
    assert_err(passwd(&a.ca, &r), MLT_ERR_DAMAGED);
    assert_false(is_here(KEYSTORE_NEXT));
    run("DELETE FROM invite WHERE name = 'rosa'");
    all_is_there();
    assert_ok(reopen("passphrase"));
    all_is_there();
}

static void a_damaged_line_gets_no_good_mac(void **state)
{
    (void)state;
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    const struct keystore_renewal r = renewal_of("nunca", 1024, false, &stretched);
    uint8_t byte;
    int64_t place = a.ca.keystore.mark.size - 200; /* in the last line */
    assert_int_equal(pread(a.ca.keystore.fd, &byte, 1, place), 1);
    byte = byte == '0' ? '1' : '0';
    assert_int_equal(pwrite(a.ca.keystore.fd, &byte, 1, place), 1);
    assert_err(passwd(&a.ca, &r), MLT_ERR_DAMAGED);
    assert_false(is_here(KEYSTORE_NEXT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_line_of_another_length_moves_all_lines),
        cmocka_unit_test(rotation_leaves_no_sealed_word_as_it_was),
        cmocka_unit_test(an_invite_given_out_before_a_rotation_still_works),
        cmocka_unit_test(killed_before_the_commit_the_old_one_opens),
        cmocka_unit_test(killed_between_commit_and_rename_the_new_one_opens),
        cmocka_unit_test(what_cannot_be_written_changes_nothing),
        cmocka_unit_test(what_cannot_be_committed_changes_nothing),
        cmocka_unit_test(the_new_passphrase_opens_and_the_old_does_not),
        cmocka_unit_test(a_damaged_line_gets_no_good_mac),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
