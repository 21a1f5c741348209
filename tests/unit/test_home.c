/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "client/identity.h"
#include "crypto/rsa.h"
#include "pair.h"

static char scratch[64];

static int start(void **state)
{
    (void)state;
    pair_house();
    snprintf(scratch, sizeof(scratch), "/tmp/malote-test-home-XXXXXX");
    return mkdtemp(scratch) != NULL ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    char command[128];
    static const char *const names[] = { "h/key",  "h/server", "h/ca.pem", "h/certificate.pem",
                                         "h/lock", "h/target", "h",        "open",
                                         "real",   "link",     "a/b/c",    "a/b",
                                         "a" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(command, sizeof(command), "%s/%s", scratch, names[i]);
        if (unlink(command) != 0)
            rmdir(command);
    }
    return rmdir(scratch);
}

static void path_of(const char *name, char out[static 128])
{
    snprintf(out, 128, "%s/%s", scratch, name);
}

static void open_home(struct home *home)
{
    char path[128];
    path_of("h", path);
    assert_ok(home_open(path, true, home));
}

static const char good[] = "malote-server 1\n"
                           "state joining\n"
                           "host relay.example.org\n"
                           "port 6256\n"
                           "ca 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
                           "name maria.silva\n"
                           "group ffdhe3072\n"
                           "invite 0102030405060708aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb\n";

static void a_server_file_reads_and_writes_the_same_text(void **state)
{
    (void)state;
    struct server_file file;
    assert_ok(server_file_parse(span_str(good), &file));
    assert_int_equal(file.state, SERVER_JOINING);
    assert_string_equal(file.host, "relay.example.org");
    assert_int_equal(file.port, 6256);
    assert_int_equal(file.pin[31], 0x1f);
    assert_string_equal(file.name.text, "maria.silva");
    assert_int_equal(file.min_group, DH_FFDHE3072);
    assert_true(file.has_invite);
    assert_int_equal(file.invite.id[7], 8);
    assert_int_equal(file.invite.token[15], 0xbb);
    CLEANUP(buf_clear) struct buf again = { 0 };
    assert_ok(server_file_put(&file, &again));
    assert_span_equal(buf_span(&again), span_str(good));
}

static void every_truncation_of_a_server_file_is_refused(void **state)
{
    (void)state;
    struct server_file file;
    size_t without_invite = (size_t)(strstr(good, "invite") - good);
    for (size_t n = 0; n < sizeof(good) - 1; n++) {
        enum mlt_err err = server_file_parse(span_of(good, n), &file);
        if (n == without_invite)
            assert_ok(err);
        else
            assert_err(err, MLT_ERR_DAMAGED);
    }
}

static void a_server_file_has_one_text_per_value(void **state)
{
    (void)state;
    static const char *const edits[][2] = {
        { "port 6256", "port 06256" },
        { "port 6256", "port 65536" },
        { "port 6256", "port 0" },
        { "port 6256", "port  6256" },
        { "port 6256", "port +625" },
        { "state joining", "state Joining" },
        { "joining", "joined" }, /* joined, and still an invite */
        { "000102", "00010G" },
        { "000102", "00010A" },
        { "maria.silva", "Maria" },
        { "maria.silva", "maria..silva" },
        { "ffdhe3072", "ffdhe1024" },
        { "relay.example.org", "relay example" },
        { "relay.example.org", "r\x1b[2J" },
        { "bbbb\n", "bbbb\n\n" },
        { "bbbb\n", "bbbb\ninvite x\n" },
        { "bbbb\n", "bbbb\r\n" },
    };
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        const char *at = strstr(good, edits[i][0]);
        assert_non_null(at);
        char text[700];
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, edits[i][1],
                 at + strlen(edits[i][0]));
        struct server_file file = { .port = 99 };
        assert_err(server_file_parse(span_str(text), &file), MLT_ERR_DAMAGED);
        assert_int_equal(file.port, 99);
    }
}

static void a_server_file_of_a_later_version_is_told_apart(void **state)
{
    (void)state;
    struct server_file file;
    char text[sizeof(good)];
    memcpy(text, good, sizeof(good));
    *strstr(text, "1\n") = '2';
    assert_err(server_file_parse(span_str(text), &file), MLT_ERR_NEWER);
}

static void what_could_not_be_read_back_is_not_written(void **state)
{
    (void)state;
    struct server_file file;
    CLEANUP(buf_clear) struct buf text = { 0 };
    assert_ok(server_file_parse(span_str(good), &file));
    snprintf(file.host, sizeof(file.host), "two\nlines");
    assert_err(server_file_put(&file, &text), MLT_ERR_USAGE);
    assert_int_equal(text.len, 0);
}

static void the_home_is_where_it_was_told(void **state)
{
    (void)state;
    CLEANUP(alloc_free_text) char *path = NULL;
    setenv("HOME", "/root-of/ana", 1);
    unsetenv("XDG_DATA_HOME");
    unsetenv("MALOTE_HOME");
    assert_ok(home_locate(NULL, &path));
    assert_string_equal(path, "/root-of/ana/.local/share/malote");
    alloc_free_text(&path);
    setenv("XDG_DATA_HOME", "/data", 1);
    assert_ok(home_locate(NULL, &path));
    assert_string_equal(path, "/data/malote");
    alloc_free_text(&path);
    setenv("XDG_DATA_HOME", "not/absolute", 1);
    assert_ok(home_locate(NULL, &path));
    assert_string_equal(path, "/root-of/ana/.local/share/malote");
    alloc_free_text(&path);
    setenv("MALOTE_HOME", "/mine", 1);
    assert_ok(home_locate(NULL, &path));
    assert_string_equal(path, "/mine");
    alloc_free_text(&path);
    assert_ok(home_locate("here", &path));
    assert_string_equal(path, "here");
    alloc_free_text(&path);
    unsetenv("MALOTE_HOME");
    unsetenv("XDG_DATA_HOME");
    unsetenv("HOME");
    path = NULL;
    assert_err(home_locate(NULL, &path), MLT_ERR_MISSING);
}

static void a_home_is_made_private_whatever_the_umask(void **state)
{
    (void)state;
    char path[128];
    struct stat st;
    path_of("a/b/c", path);
    CLEANUP(home_close) struct home home = HOME_CLOSED;
    assert_err(home_open(path, false, &home), MLT_ERR_MISSING);
    mode_t before = umask(0);
    assert_ok(home_open(path, true, &home));
    umask(before);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

/* Attack row 39. */
static void a_home_open_to_others_or_behind_a_link_is_refused(void **state)
{
    (void)state;
    char path[128];
    char link_path[128];
    CLEANUP(home_close) struct home home = HOME_CLOSED;
    path_of("open", path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0750), 0);
    assert_err(home_open(path, true, &home), MLT_ERR_PERMISSION);
    path_of("real", path);
    path_of("link", link_path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(symlink(path, link_path), 0);
    assert_err(home_open(link_path, true, &home), MLT_ERR_PERMISSION);
}

static void a_plain_key_comes_back_and_is_closed_to_others(void **state)
{
    (void)state;
    CLEANUP(home_close) struct home home = HOME_CLOSED;
    CLEANUP(key_file_clear) struct key_file file = { 0 };
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    uint8_t made[HASH_LEN], read[HASH_LEN];
    struct stat st;
    open_home(&home);
    mode_t before = umask(0);
    assert_ok(key_file_write(&home, pair_house()->client_key, NULL));
    umask(before);
    assert_int_equal(fstatat(home.dirfd, "key", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_ok(key_file_read(&home, &file));
    assert_false(file.is_protected);
    assert_ok(key_file_open(&file, NULL, &key));
    assert_ok(rsa_public_hash(pair_house()->client_key, made));
    assert_ok(rsa_public_hash(key, read));
    assert_memory_equal(made, read, HASH_LEN);
}

/* Attack row 39. */
static void a_key_that_others_could_read_or_replace_is_refused(void **state)
{
    (void)state;
    CLEANUP(home_close) struct home home = HOME_CLOSED;
    CLEANUP(key_file_clear) struct key_file file = { 0 };
    open_home(&home);
    assert_ok(key_file_write(&home, pair_house()->client_key, NULL));
    assert_int_equal(fchmodat(home.dirfd, "key", 0640, 0), 0);
    assert_err(key_file_read(&home, &file), MLT_ERR_PERMISSION);
    assert_int_equal(fchmodat(home.dirfd, "key", 0600, 0), 0);
    assert_int_equal(linkat(home.dirfd, "key", home.dirfd, "target", 0), 0);
    assert_err(key_file_read(&home, &file), MLT_ERR_PERMISSION);
    assert_int_equal(unlinkat(home.dirfd, "key", 0), 0);
    assert_int_equal(symlinkat("target", home.dirfd, "key"), 0);
    assert_err(key_file_read(&home, &file), MLT_ERR_PERMISSION);
    assert_int_equal(unlinkat(home.dirfd, "key", 0), 0);
    assert_err(key_file_read(&home, &file), MLT_ERR_MISSING);
    assert_int_equal(unlinkat(home.dirfd, "target", 0), 0);
}

static void a_protected_key_opens_with_its_passphrase_alone(void **state)
{
    (void)state;
    CLEANUP(home_close) struct home home = HOME_CLOSED;
    CLEANUP(key_file_clear) struct key_file file = { 0 };
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    CLEANUP(secret_clear) struct secret right = { 0 };
    CLEANUP(secret_clear) struct secret wrong = { 0 };
    assert_ok(secret_copy(&right, span_str("correct horse")));
    assert_ok(secret_copy(&wrong, span_str("correct hors")));
    open_home(&home);
    assert_ok(key_file_write(&home, pair_house()->client_key, &right));
    assert_ok(key_file_read(&home, &file));
    assert_true(file.is_protected);
    assert_err(key_file_open(&file, NULL, &key), MLT_ERR_PASSPHRASE);
    assert_err(key_file_open(&file, &wrong, &key), MLT_ERR_PASSPHRASE);
    assert_null(key);
    assert_ok(key_file_open(&file, &right, &key));
    assert_non_null(key);
}

static void a_damaged_plain_key_is_refused(void **state)
{
    (void)state;
    CLEANUP(home_close) struct home home = HOME_CLOSED;
    CLEANUP(key_file_clear) struct key_file file = { 0 };
    open_home(&home);
    assert_ok(key_file_write(&home, pair_house()->client_key, NULL));
    assert_ok(key_file_read(&home, &file));
    struct span whole = buf_span(&file.content);
    for (size_t n = 0; n < whole.n; n += 61) {
        CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
        struct key_file part = { .content = { 0 } };
        assert_ok(buf_put(&part.content, span_of(whole.p, n)));
        assert_err(key_file_open(&part, NULL, &key), MLT_ERR_DAMAGED);
        key_file_clear(&part);
    }
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    assert_ok(buf_put_u8(&file.content, '\n'));
    assert_err(key_file_open(&file, NULL, &key), MLT_ERR_DAMAGED);
}

/* A joined home over the keys of the pair. */
static void write_joined(const struct home *home, EVP_PKEY *key)
{
    struct pair_house *house = pair_house();
    struct identity me = { 0 };
    assert_ok(server_file_parse(span_str(good), &me.server));
    memcpy(me.server.pin, house->ca.spki_hash, HASH_LEN);
    assert_ok(key_file_write(home, key, NULL));
    assert_ok(home_write_server(home, &me.server));
    assert_ok(rsa_public_hash(house->client_key, me.key_hash));
    assert_ok(identity_keep_issued(home, &me, buf_span(&house->ca_der),
                                   buf_span(&house->client_der), house->clock.wall_ms / 1000));
    identity_clear(&me);
}

static enum mlt_err load(const struct home *home, int64_t now_s, struct identity *me)
{
    CLEANUP(key_file_clear) struct key_file file = { 0 };
    TRY(key_file_read(home, &file));
    return identity_load(home, &file, NULL, now_s, me);
}

static void a_joined_identity_is_loaded_without_its_invite(void **state)
{
    (void)state;
    int64_t now_s = pair_house()->clock.wall_ms / 1000;
    CLEANUP(home_close) struct home home = HOME_CLOSED;
    CLEANUP(identity_clear) struct identity me = { 0 };
    open_home(&home);
    write_joined(&home, pair_house()->client_key);
    assert_ok(load(&home, now_s, &me));
    assert_int_equal(me.server.state, SERVER_JOINED);
    assert_false(me.server.has_invite);
    assert_string_equal(me.own.fields.name.text, PAIR_USER);
    assert_string_equal(me.ca.fields.realm, PAIR_REALM);
    assert_ok(me.verdict);
}

static void a_cleared_identity_holds_nothing(void **state)
{
    (void)state;
    static const struct server_file none = { 0 };
    struct identity me = { .server.has_invite = true };
    memset(&me.server.invite, 0xaa, sizeof(me.server.invite));
    memset(me.key_hash, 0xaa, sizeof(me.key_hash));
    assert_ok(rsa_key_share(pair_house()->client_key, &me.key));
    assert_ok(buf_put_str(&me.own_der, "der"));
    identity_clear(&me);
    assert_memory_equal(&me.server, &none, sizeof(none));
    assert_int_equal(me.key_hash[0], 0);
    assert_null(me.key);
    assert_null(me.own_der.p);
    identity_clear(&me);
}

static void an_expired_identity_is_loaded_and_said_to_be_expired(void **state)
{
    (void)state;
    int64_t later_s = pair_house()->clock.wall_ms / 1000 + INT64_C(400) * 86400;
    CLEANUP(home_close) struct home home = HOME_CLOSED;
    CLEANUP(identity_clear) struct identity me = { 0 };
    open_home(&home);
    write_joined(&home, pair_house()->client_key);
    assert_ok(load(&home, later_s, &me));
    assert_err(me.verdict, MLT_ERR_CERT_EXPIRED);
}

static void files_that_do_not_belong_together_are_refused(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    int64_t now_s = house->clock.wall_ms / 1000;
    CLEANUP(home_close) struct home home = HOME_CLOSED;
    CLEANUP(identity_clear) struct identity me = { 0 };
    open_home(&home);
    write_joined(&home, house->other_key);
    assert_err(load(&home, now_s, &me), MLT_ERR_CERT_FOREIGN);
    assert_ok(key_file_write(&home, house->client_key, NULL));
    assert_ok(load(&home, now_s, &me));
    struct server_file server = me.server;
    snprintf(server.name.text, sizeof(server.name.text), "joao");
    assert_ok(home_write_server(&home, &server));
    assert_err(load(&home, now_s, &me), MLT_ERR_CERT_FOREIGN);
    server = me.server;
    server.pin[0] ^= 1;
    assert_ok(home_write_server(&home, &server));
    assert_err(load(&home, now_s, &me), MLT_ERR_PIN);
}

static void a_certificate_for_another_name_or_key_is_not_kept(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    int64_t now_s = house->clock.wall_ms / 1000;
    CLEANUP(home_close) struct home home = HOME_CLOSED;
    CLEANUP(identity_clear) struct identity me = { 0 };
    CLEANUP(buf_clear) struct buf other_name = { 0 };
    CLEANUP(buf_clear) struct buf other_key = { 0 };
    open_home(&home);
    assert_ok(server_file_parse(span_str(good), &me.server));
    memcpy(me.server.pin, house->ca.spki_hash, HASH_LEN);
    assert_ok(home_write_server(&home, &me.server));
    assert_ok(rsa_public_hash(house->client_key, me.key_hash));
    pair_issue(CERT_CLIENT, "joao", house->client_key, now_s - 60, now_s + 600, &other_name);
    pair_issue(CERT_CLIENT, PAIR_USER, house->other_key, now_s - 60, now_s + 600, &other_key);
    struct span ca = buf_span(&house->ca_der);
    assert_err(identity_keep_issued(&home, &me, ca, buf_span(&other_name), now_s),
               MLT_ERR_CERT_FOREIGN);
    assert_err(identity_keep_issued(&home, &me, ca, buf_span(&other_key), now_s),
               MLT_ERR_CERT_FOREIGN);
    /* Nor one that has ended. */
    assert_err(identity_keep_issued(&home, &me, ca, buf_span(&other_key), now_s + 600),
               MLT_ERR_CERT_FOREIGN);
    struct server_file server;
    assert_ok(home_read_server(&home, &server));
    assert_int_equal(server.state, SERVER_JOINING);
}

static void one_process_at_a_time_may_join(void **state)
{
    (void)state;
    CLEANUP(home_close) struct home home = HOME_CLOSED;
    CLEANUP(file_close) int first = -1;
    CLEANUP(file_close) int second = -1;
    open_home(&home);
    assert_ok(home_lock(&home, &first));
    assert_err(home_lock(&home, &second), MLT_ERR_LOCKED);
    file_close(&first);
    assert_ok(home_lock(&home, &second));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_file_reads_and_writes_the_same_text),
        cmocka_unit_test(every_truncation_of_a_server_file_is_refused),
        cmocka_unit_test(a_server_file_has_one_text_per_value),
        cmocka_unit_test(a_server_file_of_a_later_version_is_told_apart),
        cmocka_unit_test(what_could_not_be_read_back_is_not_written),
        cmocka_unit_test(the_home_is_where_it_was_told),
        cmocka_unit_test(a_home_is_made_private_whatever_the_umask),
        cmocka_unit_test(a_home_open_to_others_or_behind_a_link_is_refused),
        cmocka_unit_test(a_plain_key_comes_back_and_is_closed_to_others),
        cmocka_unit_test(a_key_that_others_could_read_or_replace_is_refused),
        cmocka_unit_test(a_protected_key_opens_with_its_passphrase_alone),
        cmocka_unit_test(a_damaged_plain_key_is_refused),
        cmocka_unit_test(a_joined_identity_is_loaded_without_its_invite),
        cmocka_unit_test(a_cleared_identity_holds_nothing),
        cmocka_unit_test(an_expired_identity_is_loaded_and_said_to_be_expired),
        cmocka_unit_test(files_that_do_not_belong_together_are_refused),
        cmocka_unit_test(a_certificate_for_another_name_or_key_is_not_kept),
        cmocka_unit_test(one_process_at_a_time_may_join),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
