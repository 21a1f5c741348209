/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <malote/client.h>

#include "base/limits.h"
#include "test_base.h"

/* Joining by the public header, as far as it goes without a server: what the home holds before,
 * in between and after an interruption. */

#define PIN    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define INVITE "000102030405060708090a0b0c0d0e0f1011121314151617"

static const char url[] = "malote://127.0.0.1:6256/" PIN "/" INVITE;
static const char bound_url[] = "malote://maria@127.0.0.1:6256/" PIN "/" INVITE;
static const char other_ca[] = "malote://127.0.0.1:6256/" INVITE "0011223344556677/" INVITE;

static char home[64];
static struct mlt_client *client;

static void path_of(const char *name, char out[static 128])
{
    snprintf(out, 128, "%s/%s", home, name);
}

static int begin(void **state)
{
    (void)state;
    snprintf(home, sizeof(home), "/tmp/malote-test-joining-XXXXXX");
    return mkdtemp(home) != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    static const char *const names[] = { "key", "server", "lock", "notes.new" };
    char path[128];
    mlt_close(&client);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        path_of(names[i], path);
        unlink(path);
    }
    return rmdir(home);
}

static void open_home(struct mlt_client **one)
{
    mlt_close(one);
    assert_int_equal(mlt_open(home, 0, one), MLT_ERROR_NONE);
}

static struct mlt_membership as(const char *name)
{
    struct mlt_membership wanted = MLT_MEMBERSHIP_INIT;
    wanted.url = url;
    wanted.name = name;
    return wanted;
}

static void expect_plan(const struct mlt_membership *wanted, enum mlt_join_plan expected)
{
    enum mlt_join_plan plan;
    assert_int_equal(mlt_plan_join(client, wanted, &plan), MLT_ERROR_NONE);
    assert_int_equal(plan, expected);
}

static void join_as(const char *name, const char *passphrase)
{
    struct mlt_membership wanted = as(name);
    size_t n = passphrase != NULL ? strlen(passphrase) : 0;
    assert_int_equal(mlt_join(client, &wanted, passphrase, n), MLT_ERROR_NONE);
}

static void read_text(const char *name, char out[static 1024])
{
    char path[128];
    path_of(name, path);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    out[fread(out, 1, 1023, f)] = '\0';
    fclose(f);
}

/* Turns the file `server` into what the server's answer would make of it. */
static void write_state(const char *from, const char *to)
{
    char path[128];
    char text[1024];
    read_text("server", text);
    char *at = strstr(text, from);
    assert_non_null(at);
    path_of("server", path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    fclose(f);
}

static void an_interrupted_join_is_taken_up_with_its_key(void **state)
{
    (void)state;
    char fingerprint[65];
    struct mlt_membership wanted = as("maria");
    open_home(&client);
    expect_plan(&wanted, MLT_PLAN_NEW);
    join_as("maria", NULL);
    assert_int_equal(mlt_state(client), MLT_STATE_JOINING);
    assert_string_equal(mlt_name(client), "maria");
    assert_string_equal(mlt_minimum_group(client), "ffdhe3072");
    assert_string_equal(mlt_ca_fingerprint(client), PIN);
    assert_string_equal(mlt_realm(client), "");
    snprintf(fingerprint, sizeof(fingerprint), "%s", mlt_key_fingerprint(client));
    assert_int_equal(strlen(fingerprint), 64);

    open_home(&client);
    wanted.minimum_group = MLT_GROUP_FFDHE4096;
    expect_plan(&wanted, MLT_PLAN_TAKE_UP);
    assert_int_equal(mlt_join(client, &wanted, NULL, 0), MLT_ERROR_NONE);
    assert_string_equal(mlt_key_fingerprint(client), fingerprint);
    assert_string_equal(mlt_minimum_group(client), "ffdhe4096");

    /* For another name or CA nothing is taken up. */
    wanted = as("joao");
    expect_plan(&wanted, MLT_PLAN_NEW);
    wanted = as("maria");
    wanted.url = other_ca;
    expect_plan(&wanted, MLT_PLAN_NEW);
}

static void a_protected_key_is_taken_up_with_its_passphrase_alone(void **state)
{
    (void)state;
    char before[1024];
    char after[1024];
    bool is_protected = false;
    struct mlt_membership wanted = as("maria");
    open_home(&client);
    join_as("maria", "segredo");
    assert_int_equal(mlt_key_is_protected(client, &is_protected), MLT_ERROR_NONE);
    assert_true(is_protected);
    open_home(&client);
    expect_plan(&wanted, MLT_PLAN_TAKE_UP_PROTECTED);
    read_text("server", before);
    wanted.minimum_group = MLT_GROUP_FFDHE4096;
    assert_int_equal(mlt_join(client, &wanted, "falso", 5), MLT_ERROR_PASSPHRASE);
    assert_int_equal(mlt_join(client, &wanted, NULL, 0), MLT_ERROR_PASSPHRASE);
    assert_int_equal(mlt_join(client, &wanted, "", 0), MLT_ERROR_PASSPHRASE);
    read_text("server", after);
    assert_string_equal(after, before);
    assert_int_equal(mlt_join(client, &wanted, "segredo", 7), MLT_ERROR_NONE);
    assert_int_equal(mlt_load(client, "falso", 5), MLT_ERROR_PASSPHRASE);
    assert_int_equal(mlt_load(client, "segredo", 7), MLT_ERROR_NONE);
}

/* Its key is what the administrator will approve. */
static void what_waits_for_approval_is_never_thrown_away(void **state)
{
    (void)state;
    struct mlt_membership maria = as("maria");
    struct mlt_membership joao = as("joao");
    open_home(&client);
    join_as("maria", NULL);
    write_state("state joining", "state pending");
    open_home(&client);
    expect_plan(&joao, MLT_PLAN_WAITS);
    assert_int_equal(mlt_join(client, &joao, NULL, 0), MLT_ERROR_EXISTS);
    /* Taking it up, and failing to reach the server then, changes nothing about that. */
    expect_plan(&maria, MLT_PLAN_TAKE_UP);
    join_as("maria", NULL);
    assert_int_equal(mlt_state(client), MLT_STATE_PENDING);
    open_home(&client);
    expect_plan(&joao, MLT_PLAN_WAITS);
}

static void a_joined_home_joins_no_more(void **state)
{
    (void)state;
    struct mlt_membership wanted = as("maria");
    open_home(&client);
    join_as("maria", NULL);
    write_state("state joining", "state joined");
    write_state("invite " INVITE "\n", "");
    open_home(&client);
    expect_plan(&wanted, MLT_PLAN_JOINED);
    assert_int_equal(mlt_join(client, &wanted, NULL, 0), MLT_ERROR_EXISTS);
    assert_int_equal(mlt_state(client), MLT_STATE_JOINED);
}

static void a_wish_that_makes_no_sense_is_refused(void **state)
{
    (void)state;
    enum mlt_join_plan plan;
    struct mlt_membership wanted = as(NULL);
    open_home(&client);
    assert_int_equal(mlt_plan_join(client, &wanted, &plan), MLT_ERROR_USAGE);
    wanted.url = bound_url;
    expect_plan(&wanted, MLT_PLAN_NEW);
    wanted.name = "joao";
    assert_int_equal(mlt_plan_join(client, &wanted, &plan), MLT_ERROR_USAGE);
    wanted = as("root");
    assert_int_equal(mlt_plan_join(client, &wanted, &plan), MLT_ERROR_NAME);
    wanted = as("maria");
    wanted.key_bits = 1024;
    assert_int_equal(mlt_join(client, &wanted, NULL, 0), MLT_ERROR_USAGE);
    wanted = as("maria");
    wanted.minimum_group = (enum mlt_group)7;
    assert_int_equal(mlt_join(client, &wanted, NULL, 0), MLT_ERROR_USAGE);
    wanted = as("maria");
    wanted.size--;
    assert_int_equal(mlt_join(client, &wanted, NULL, 0), MLT_ERROR_USAGE);
    wanted = as("maria");
    wanted.url = "malote://";
    assert_int_equal(mlt_join(client, &wanted, NULL, 0), MLT_ERROR_ENCODING);
    assert_int_equal(mlt_look(client), MLT_ERROR_NONE);
    assert_int_equal(mlt_state(client), MLT_STATE_EMPTY);
}

static void two_cannot_join_from_one_home(void **state)
{
    (void)state;
    struct mlt_client *other = NULL;
    enum mlt_join_plan plan;
    struct mlt_membership wanted = as("maria");
    open_home(&client);
    join_as("maria", NULL);
    open_home(&other);
    assert_int_equal(mlt_plan_join(other, &wanted, &plan), MLT_ERROR_LOCKED);
    assert_int_equal(mlt_load(other, NULL, 0), MLT_ERROR_NONE);
    struct mlt_connection how = MLT_CONNECTION_INIT;
    how.kind = MLT_KIND_JOIN;
    assert_int_equal(mlt_connect(other, &how), MLT_ERROR_LOCKED);

    /* Begun anew meanwhile: what the other one loaded must not ask for a certificate any more, or
     * it would be put beside a key it does not belong to. */
    join_as("joao", NULL);
    mlt_close(&client);
    assert_int_equal(mlt_connect(other, &how), MLT_ERROR_LOCKED);
    assert_int_equal(mlt_load(other, NULL, 0), MLT_ERROR_NONE);
    assert_string_equal(mlt_name(other), "joao");
    assert_int_equal(mlt_connect(other, &how), MLT_ERROR_NONE);
    mlt_close(&other);
}

static void make_file(const char *name)
{
    char path[128];
    path_of(name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static bool is_there(const char *name)
{
    char path[128];
    struct stat st;
    path_of(name, path);
    return stat(path, &st) == 0;
}

/* Whoever was killed while it wrote the key left a copy of it. */
static void a_half_written_key_does_not_lie_around(void **state)
{
    (void)state;
    struct mlt_membership wanted = as("maria");
    make_file(".key.4242.new");
    make_file(".certificate.pem.1.new");
    make_file("notes.new");
    open_home(&client);
    assert_true(is_there(".key.4242.new"));
    expect_plan(&wanted, MLT_PLAN_NEW);
    assert_false(is_there(".key.4242.new"));
    assert_false(is_there(".certificate.pem.1.new"));
    assert_true(is_there("notes.new"));
}

static void a_home_is_found_where_it_was_told(void **state)
{
    (void)state;
    char path[128];
    assert_int_equal(mlt_find_home(home, path, sizeof(path)), MLT_ERROR_NONE);
    assert_string_equal(path, home);
    assert_int_equal(mlt_find_home(home, path, strlen(home)), MLT_ERROR_NOSPACE);
    assert_int_equal(mlt_find_home(home, path, strlen(home) + 1), MLT_ERROR_NONE);
    assert_int_equal(mlt_find_home("", path, sizeof(path)), MLT_ERROR_MISSING);
    path_of("nowhere", path);
    assert_int_equal(mlt_open(path, 0, &client), MLT_ERROR_MISSING);
    assert_null(client);
    assert_int_equal(mlt_open(path, MLT_OPEN_CREATE, &client), MLT_ERROR_NONE);
    assert_string_equal(mlt_home(client), path);
    mlt_close(&client);
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        T(an_interrupted_join_is_taken_up_with_its_key),
        T(a_protected_key_is_taken_up_with_its_passphrase_alone),
        T(what_waits_for_approval_is_never_thrown_away),
        T(a_joined_home_joins_no_more),
        T(a_wish_that_makes_no_sense_is_refused),
        T(two_cannot_join_from_one_home),
        T(a_half_written_key_does_not_lie_around),
        T(a_home_is_found_where_it_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
