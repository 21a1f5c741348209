/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authority.h"
#include "base/file.h"
#include "base/limits.h"
#include "ca/erased.h"
#include "ca/keystore_line.h"
#include "ca/keystore_rewrite.h"
#include "ca/mailbox.h"
#include "ca/mailbox_erase.h"
#include "ca/mailbox_open.h"
#include "ca/members.h"
#include "ca/net_link.h"
#include "ca/schema.h"
#include "crypto/rsa.h"

/* A mailbox pair is taken out of the keystore for good; everybody else's stays. */

enum { PEOPLE = 3 };
static const char *const names[PEOPLE] = { "ana", "joao", "maria" };

static struct authority a;
static struct buf before, ledger_before; /* both files, with all pairs */
static uint8_t prints[PEOPLE][HASH_LEN];

static void read_keystore(struct buf *out)
{
    buf_reset(out);
    assert_ok(file_read(a.ca.dir, KEYSTORE_FILE, (size_t)1 << 20, out));
}

static void write_file(const char *name, const struct buf *content)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_ok(file_write_all(fd, buf_span(content)));
    close(fd);
}

static bool is_here(const char *name)
{
    struct stat st;
    return lstat(name, &st) == 0;
}

static enum mlt_err load(const char *text, uint8_t print[static HASH_LEN])
{
    const struct name name = authority_name(text);
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    TRY(mailbox_load(&a.ca, &name, &key));
    authority_fingerprint(key, print);
    return MLT_OK;
}

static enum mlt_err erase(const char *text)
{
    const struct name name = authority_name(text);
    return mailbox_erase(&a.ca, &name);
}

/* The world is made once, and put back before every test. */
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
    read_keystore(&before);
    database_close(&a.ca.db); /* all of it is in the file now */
    assert_ok(file_read(a.ca.dir, SCHEMA_FILE, (size_t)1 << 20, &ledger_before));
    return 0;
}

static int start(void **state)
{
    (void)state;
    ca_close(&a.ca);
    write_file(KEYSTORE_FILE, &before);
    write_file(SCHEMA_FILE, &ledger_before);
    static const char *const gone[] = { KEYSTORE_NEXT, SCHEMA_FILE "-wal", SCHEMA_FILE "-shm" };
    for (size_t i = 0; i < COUNT_OF(gone); i++)
        (void)unlink(gone[i]);
    authority_restart(&a);
    return 0;
}

static int end_world(void **state)
{
    (void)state;
    buf_clear(&before);
    buf_clear(&ledger_before);
    authority_stop(&a);
    return 0;
}

/* Who has the pair he had at first; `gone` has none. */
static void check_pairs(int gone)
{
    for (int i = 0; i < PEOPLE; i++) {
        uint8_t print[HASH_LEN];
        enum mlt_err err = load(names[i], print);
        if (i == gone)
            assert_err(err, MLT_ERR_MISSING);
        else
            assert_ok(err);
        if (i != gone)
            assert_memory_equal(print, prints[i], HASH_LEN);
    }
}

static bool contains(const struct buf *file, const char *word)
{
    CLEANUP(buf_clear) struct buf copy = { 0 };
    const char *text = NULL;
    assert_ok(buf_put(&copy, buf_span(file)));
    assert_ok(buf_text(&copy, &text));
    return strstr(text, word) != NULL;
}

/* First, middle and last of the pairs. */
static void an_erased_pair_is_gone_and_the_others_stay(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf after = { 0 };
    for (int gone = 0; gone < PEOPLE; gone++) {
        char word[32];
        snprintf(word, sizeof(word), "\nmailbox %s ", names[gone]);
        assert_true(contains(&before, word));
        assert_ok(erase(names[gone]));
        check_pairs(gone);
        read_keystore(&after);
        assert_false(contains(&after, word));
        assert_false(is_here(KEYSTORE_NEXT));
        authority_restart(&a);
        check_pairs(gone);
        /* What is appended now finds its place, and so does another erasure. */
        CLEANUP(buf_clear) struct buf der = { 0 };
        char guest[8];
        snprintf(guest, sizeof(guest), "guest%d", gone);
        (void)authority_enrol(&a, guest, authority_key(5), NULL, &der);
        authority_fill_mailboxes(&a);
        authority_restart(&a);
        check_pairs(gone);
        assert_int_equal(start(NULL), 0);
    }
}

static void every_pair_may_be_erased_one_after_the_other(void **state)
{
    (void)state;
    uint8_t print[HASH_LEN];
    for (unsigned i = 0; i < PEOPLE; i++)
        assert_ok(erase(names[(i + 1) % PEOPLE]));
    authority_restart(&a);
    for (unsigned i = 0; i < PEOPLE; i++)
        assert_err(load(names[i], print), MLT_ERR_MISSING);
    assert_non_null(a.ca.key);
}

static void erasing_again_is_fine_and_a_stranger_is_missing(void **state)
{
    (void)state;
    assert_ok(erase("joao"));
    assert_ok(erase("joao"));
    assert_err(erase("nobody"), MLT_ERR_MISSING);
    check_pairs(1);
}

/* ---- net ---- */

struct told {
    unsigned count;
    struct name last;
};

static void on_erased(void *ctx, const struct name *name)
{
    struct told *told = ctx;
    told->count++;
    told->last = *name;
}

static void net_is_told_once_it_stands(void **state)
{
    (void)state;
    struct told told = { 0 };
    a.ca.events = (struct ca_events) { .ctx = &told, .on_erased = on_erased };
    assert_ok(erase("joao"));
    assert_int_equal(told.count, 1);
    assert_string_equal(told.last.text, "joao");
    assert_err(erase("nobody"), MLT_ERR_MISSING);
    assert_ok(erase("joao"));
    assert_int_equal(told.count, 1);
}

/* How often net hears of it in the greeting of a new link. */
static unsigned told_in_greeting(void)
{
    int fds[2];
    struct net_link link;
    struct channel net;
    CLEANUP(buf_clear) struct buf packet = { 0 };
    assert_ok(channel_pair(fds));
    net_link_init(&link, &a.ca);
    channel_init(&net, fds[1], IPC_NET, IPC_CA);
    net_link_start(&link, fds[0]);
    struct ipc_message message = { 0 };
    unsigned count = 0;
    while (message.type != IPC_SYNCED) {
        bool got = false;
        struct ipc_mailbox_name m;
        assert_ok(channel_receive(&net, 0, &packet, &message, &got));
        assert_true(got);
        if (message.type != IPC_MAILBOX_ERASED)
            continue;
        assert_ok(ipc_mailbox_name_decode(message.body, &m));
        assert_string_equal(m.name.text, "joao");
        count++;
    }
    channel_close(&net);
    net_link_clear(&link);
    return count;
}

/* What ca answers net. */
static enum mlt_err told_by_net(enum ipc_type type, const struct name *name)
{
    int fds[2];
    struct net_link link;
    struct channel net;
    struct ipc_message message = { 0 };
    struct ipc_mailbox answer;
    bool got = false;
    const struct ipc_mailbox_name said = { *name };
    CLEANUP(buf_clear) struct buf packet = { 0 };
    assert_ok(channel_pair(fds));
    net_link_init(&link, &a.ca);
    channel_init(&link.channel, fds[0], IPC_CA, IPC_NET);
    channel_init(&net, fds[1], IPC_NET, IPC_CA);
    assert_ok(ipc_mailbox_name_encode(&said, &packet));
    assert_ok(channel_send(&net, type, 1, buf_span(&packet)));
    net_link_read(&link);
    assert_int_equal(link.pair_is_due, type == IPC_MAILBOX_GONE);
    assert_ok(channel_receive(&net, 0, &packet, &message, &got));
    assert_true(got);
    assert_int_equal(message.type, IPC_MAILBOX);
    assert_ok(ipc_mailbox_decode(message.body, &answer));
    channel_close(&net);
    net_link_clear(&link);
    return answer.err;
}

static void net_is_told_at_every_start_until_it_confirms_and_no_pair_is_made_before(void **state)
{
    (void)state;
    const struct name joao = authority_name("joao");
    CLEANUP(buf_clear) struct buf spki = { 0 };
    uint8_t print[HASH_LEN];
    assert_int_equal(told_in_greeting(), 0);
    assert_ok(erase("joao"));
    for (int i = 0; i < 2; i++) {
        authority_restart(&a);
        authority_fill_mailboxes(&a);
        assert_err(load("joao", print), MLT_ERR_MISSING);
        assert_int_equal(told_in_greeting(), 1);
    }
    /* To ask for the new key confirms nothing. */
    assert_int_equal(told_by_net(IPC_MAILBOX_WANTED, &joao), MLT_ERR_MISSING);
    authority_fill_mailboxes(&a);
    assert_err(mailbox_open_public(&a.ca, &joao, &spki), MLT_ERR_MISSING);
    assert_int_equal(told_in_greeting(), 1);
    assert_int_equal(told_by_net(IPC_MAILBOX_GONE, &joao), MLT_ERR_MISSING);
    assert_int_equal(told_in_greeting(), 0);
    authority_fill_mailboxes(&a);
    assert_ok(mailbox_open_public(&a.ca, &joao, &spki));
    assert_ok(load("joao", print));
    assert_memory_not_equal(print, prints[1], HASH_LEN);
}

static void a_key_in_the_cache_is_erased_too(void **state)
{
    (void)state;
    const struct name joao = authority_name("joao");
    EVP_PKEY *key = NULL;
    assert_ok(mailbox_load(&a.ca, &joao, &key));
    mailbox_cache_put(&a.ca.mailboxes, &joao, &key);
    assert_non_null(mailbox_cache_find(&a.ca.mailboxes, &joao));
    assert_ok(erase("joao"));
    assert_null(mailbox_cache_find(&a.ca.mailboxes, &joao));
}

/* ---- crashes ---- */

static struct keystore_rewrite rewrite_joao(void)
{
    const struct name joao = authority_name("joao");
    struct keystore_rewrite rewrite;
    int64_t offset = 0;
    assert_ok(members_mailbox(&a.ca.db, &joao, &offset));
    assert_ok(keystore_rewrite_start(&a.ca.keystore, a.ca.dir, offset, KEYSTORE_MAILBOX,
                                     name_span(&joao), &rewrite));
    return rewrite;
}

static void a_rewriting_that_was_not_committed_never_was(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf now = { 0 };
    struct keystore_rewrite rewrite = rewrite_joao();
    file_close(&rewrite.fd);
    assert_true(is_here(KEYSTORE_NEXT));
    authority_restart(&a);
    assert_false(is_here(KEYSTORE_NEXT));
    check_pairs(-1);
    read_keystore(&now);
    assert_span_equal(buf_span(&now), buf_span(&before));
    /* Nor one that was torn. */
    rewrite = rewrite_joao();
    assert_int_equal(ftruncate(rewrite.fd, 700), 0);
    file_close(&rewrite.fd);
    authority_restart(&a);
    assert_false(is_here(KEYSTORE_NEXT));
    check_pairs(-1);
}

static void a_rewriting_that_was_committed_is_finished_at_the_next_start(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf after = { 0 };
    assert_ok(erase("joao"));
    read_keystore(&after);
    /* As it was between the commit and the rename. */
    write_file(KEYSTORE_NEXT, &after);
    write_file(KEYSTORE_FILE, &before);
    authority_restart(&a);
    assert_false(is_here(KEYSTORE_NEXT));
    check_pairs(1);
    CLEANUP(buf_clear) struct buf now = { 0 };
    read_keystore(&now);
    assert_span_equal(buf_span(&now), buf_span(&after));
}

static void a_next_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    struct keystore_rewrite rewrite = rewrite_joao();
    assert_int_equal(fchmod(rewrite.fd, 0644), 0);
    file_close(&rewrite.fd);
    ca_close(&a.ca);
    assert_err(authority_open(&a, "", "passphrase", &why), MLT_ERR_PERMISSION);
    assert_int_equal(chmod(KEYSTORE_NEXT, 0600), 0);
    assert_ok(authority_open(&a, "", "passphrase", &why));
}

static void what_was_erased_does_not_come_back_with_an_old_keystore(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    CLEANUP(buf_clear) struct buf after = { 0 };
    assert_ok(erase("joao"));
    read_keystore(&after);
    ca_close(&a.ca);
    write_file(KEYSTORE_FILE, &before);
    assert_err(authority_open(&a, "", "passphrase", &why), MLT_ERR_DAMAGED);
    write_file(KEYSTORE_FILE, &after);
    assert_ok(authority_open(&a, "", "passphrase", &why));
}

/* Written in place: the file that is open. */
static void put_keystore(const struct buf *content)
{
    int fd = open(KEYSTORE_FILE, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, content->p, content->len, 0), (ssize_t)content->len);
    close(fd);
}

/* In the seal of a line, and in a mac that a new one would replace. */
static void a_damaged_keystore_is_not_chained_anew(void **state)
{
    (void)state;
    const struct name joao = authority_name("joao");
    const char *text = NULL;
    assert_ok(buf_text(&before, &text));
    size_t line = (size_t)(strstr(text, "\nmailbox maria ") - text) + 1;
    size_t end = (size_t)(strchr(text + line, '\n') - text);
    const size_t places[] = { line + 200, end - 1 };
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        uint8_t *at = before.p + places[i], right = *at;
        int64_t offset = 0;
        *at = right == '0' ? '1' : '0';
        put_keystore(&before);
        *at = right;
        assert_err(erase("joao"), MLT_ERR_DAMAGED);
        assert_false(is_here(KEYSTORE_NEXT));
        assert_ok(members_mailbox(&a.ca.db, &joao, &offset));
    }
    put_keystore(&before);
    assert_ok(erase("joao"));
}

static void nothing_is_erased_when_the_commit_fails(void **state)
{
    (void)state;
    CLEANUP(query_end)
    struct query q = query_start(&a.ca.db, "CREATE TEMP TRIGGER no BEFORE INSERT ON erased "
                                           "BEGIN SELECT raise(ABORT, 'no'); END");
    assert_ok(query_run(&q));
    query_end(&q);
    assert_err(erase("joao"), MLT_ERR_DATABASE);
    assert_false(is_here(KEYSTORE_NEXT));
    check_pairs(-1);
    authority_restart(&a);
    check_pairs(-1);
    assert_ok(erase("joao"));
    check_pairs(1);
}

/* The blocks of the old file, seen through a second name. */
static void the_old_line_is_overwritten(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf old = { 0 };
    assert_int_equal(link(KEYSTORE_FILE, "second-name"), 0);
    assert_ok(erase("joao"));
    int fd = open("second-name", O_RDONLY | O_CLOEXEC);
    uint8_t *at = NULL;
    assert_true(fd >= 0);
    assert_ok(buf_extend(&old, before.len, &at));
    assert_int_equal(read(fd, at, before.len), (ssize_t)before.len);
    close(fd);
    const char *text = NULL;
    assert_ok(buf_text(&before, &text));
    size_t from = (size_t)(strstr(text, "\nmailbox joao ") - text) + 1;
    size_t to = (size_t)(strchr(text + from, '\n') - text);
    for (size_t i = 0; i < before.len; i++)
        if (old.p[i] != (i >= from && i <= to ? 0 : before.p[i]))
            fail_msg("byte %zu", i);
}

#define WITH_PAIRS(test) cmocka_unit_test_setup(test, start)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIRS(an_erased_pair_is_gone_and_the_others_stay),
        WITH_PAIRS(every_pair_may_be_erased_one_after_the_other),
        WITH_PAIRS(erasing_again_is_fine_and_a_stranger_is_missing),
        WITH_PAIRS(net_is_told_once_it_stands),
        WITH_PAIRS(net_is_told_at_every_start_until_it_confirms_and_no_pair_is_made_before),
        WITH_PAIRS(a_key_in_the_cache_is_erased_too),
        WITH_PAIRS(a_rewriting_that_was_not_committed_never_was),
        WITH_PAIRS(a_rewriting_that_was_committed_is_finished_at_the_next_start),
        WITH_PAIRS(a_next_file_that_others_may_read_is_refused),
        WITH_PAIRS(what_was_erased_does_not_come_back_with_an_old_keystore),
        WITH_PAIRS(a_damaged_keystore_is_not_chained_anew),
        WITH_PAIRS(nothing_is_erased_when_the_commit_fails),
        WITH_PAIRS(the_old_line_is_overwritten),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
