/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "cmd/maloted_config.h"

struct parsed {
    struct maloted_options o;
    struct buf why;
    enum mlt_err err;
};

static struct parsed parse(const char *text)
{
    struct parsed p = { 0 };
    maloted_options_init(&p.o);
    p.err = maloted_config_parse(span_str(text), &p.o, &p.why);
    return p;
}

static void clear(struct parsed *p)
{
    maloted_options_clear(&p->o);
    buf_clear(&p->why);
}

static void must_be_refused(const char *text, const char *reason)
{
    CLEANUP(clear) struct parsed p = parse(text);
    const char *why = NULL;
    assert_err(p.err, MLT_ERR_USAGE);
    assert_ok(buf_text(&p.why, &why));
    if (strstr(why, reason) == NULL)
        fail_msg("'%s' does not say '%s'", why, reason);
    /* Nothing of a refused file is taken. */
    assert_int_equal(p.o.listen_count, 0);
    for (size_t i = 0; i < KEY_COUNT; i++)
        assert_null(p.o.texts[i]);
}

static void every_key_of_the_command_line_is_read(void **state)
{
    (void)state;
    CLEANUP(clear)
    struct parsed p = parse("# comment\n\ndata = /srv/m\nlisten = 127.0.0.1:7\nlisten=[::1]:8\n"
                            "advertise = relay.example.org\nrealm = example.org\nenrol = open\n"
                            "passphrase-fd = 7\nuser-net = n\nuser-ca = 7\n"
                            "kdf-cost = 1024\nca-bits = 4096\ngroup = ffdhe2048\n"
                            "mailbox-messages = 7\nmailbox-bytes = 2G\nmailbox-share = 50\n"
                            "mailbox-life = 12h\n");
    assert_ok(p.err);
    assert_string_equal(p.o.texts[KEY_DATA], "/srv/m");
    assert_int_equal(p.o.listen_count, 2);
    assert_string_equal(p.o.listen[1], "[::1]:8");
    assert_string_equal(p.o.texts[KEY_ADVERTISE], "relay.example.org");
    assert_string_equal(p.o.texts[KEY_REALM], "example.org");
    assert_int_equal(p.o.mode, ENROL_OPEN);
    assert_int_equal(p.o.passphrase_fd, 7);
    assert_string_equal(p.o.texts[KEY_USER_NET], "n");
    assert_string_equal(p.o.texts[KEY_USER_CA], "7");
    assert_int_equal(p.o.kdf_cost, 1024);
    assert_int_equal(p.o.ca_bits, 4096);
    assert_int_equal(p.o.group, DH_FFDHE2048);
    assert_int_equal(p.o.mailbox_messages, 7);
    assert_int_equal(p.o.mailbox_bytes, (uint64_t)2 << 30);
    assert_int_equal(p.o.mailbox_share, 50);
    assert_int_equal(p.o.mailbox_life_s, 12 * 3600);
}

static void an_empty_file_leaves_the_defaults(void **state)
{
    (void)state;
    CLEANUP(clear) struct parsed p = parse("");
    assert_ok(p.err);
    assert_int_equal(p.o.mode, ENROL_INVITE);
    assert_int_equal(p.o.kdf_cost, LIMIT_KDF_COST);
    assert_int_equal(p.o.ca_bits, 2048);
    assert_int_equal(p.o.group, DH_FFDHE3072);
    assert_int_equal(p.o.mailbox_messages, LIMIT_MAILBOX_MESSAGES);
    assert_int_equal(p.o.mailbox_bytes, LIMIT_MAILBOX_BYTES);
    assert_int_equal(p.o.mailbox_share, LIMIT_MAILBOX_SHARE);
    assert_int_equal(p.o.mailbox_life_s, LIMIT_MAILBOX_TTL_S);
    assert_int_equal(p.o.passphrase_fd, -1);
}

static void an_unknown_key_refuses_the_file(void **state)
{
    (void)state;
    must_be_refused("realm = example.org\ncolour = blue\n", "line 2: there is no key 'colour'");
    must_be_refused("config = /etc/x\n", "no key 'config'");
    must_be_refused("Realm = example.org\n", "no key 'Realm'");
}

static void a_repeated_key_refuses_the_file(void **state)
{
    (void)state;
    must_be_refused("realm = a.b\nrealm = a.b\n", "line 2: realm is given twice");
}

static void two_ways_to_the_passphrase_refuse_the_file(void **state)
{
    (void)state;
    must_be_refused("passphrase-fd = 7\npassphrase-file = /p\n", "line 2: passphrase-fd and");
    must_be_refused("passphrase-file = /p\npassphrase-fd = 7\n", "line 2: passphrase-fd and");
}

static void a_section_refuses_the_file(void **state)
{
    (void)state;
    must_be_refused("[net]\nrealm = a.b\n", "line 1 has a section");
}

static void a_line_that_is_no_pair_refuses_the_file(void **state)
{
    (void)state;
    must_be_refused("realm = a.b\nrubbish\n", "line 2: it is not of the form");
}

static void a_line_inih_would_cut_refuses_the_file(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'x', sizeof(text));
    memcpy(text, "data = /", 8);
    text[LIMIT_CONFIG_LINE] = '\0';
    CLEANUP(clear) struct parsed longest = parse(text);
    assert_ok(longest.err);
    assert_int_equal(strlen(longest.o.texts[KEY_DATA]), LIMIT_CONFIG_LINE - 7);
    text[LIMIT_CONFIG_LINE] = 'x';
    text[LIMIT_CONFIG_LINE + 1] = '\0';
    must_be_refused(text, "line 1 is longer than 198 bytes");
}

static void a_line_inih_would_join_refuses_the_file(void **state)
{
    (void)state;
    must_be_refused("data = /a\n listen = :0\n", "line 2 starts with white space");
    must_be_refused("data = /a\n\t/b\n", "line 2 starts with white space");
}

static void a_comment_inih_would_cut_off_refuses_the_file(void **state)
{
    (void)state;
    must_be_refused("data = /srv/a ;b\n", "line 1 has a ';'");
    CLEANUP(clear) struct parsed p = parse("data = /srv/a;b\n");
    assert_ok(p.err);
    assert_string_equal(p.o.texts[KEY_DATA], "/srv/a;b");
}

static void bytes_that_hide_text_refuse_the_file(void **state)
{
    (void)state;
    must_be_refused("data = /a\r\n", "not printable ASCII");
    must_be_refused("data = /a\x1b[2J\n", "not printable ASCII");
    struct parsed p = { 0 };
    maloted_options_init(&p.o);
    const char nul[] = "data = /a\0\nlisten = :0\n";
    assert_err(maloted_config_parse(span_of(nul, sizeof(nul) - 1), &p.o, &p.why), MLT_ERR_USAGE);
    clear(&p);
}

static void a_value_outside_its_bounds_refuses_the_file(void **state)
{
    (void)state;
    must_be_refused("kdf-cost = 1023\n", "kdf-cost '1023'");
    must_be_refused("kdf-cost = 512\n", "power of two");
    must_be_refused("kdf-cost = 2097152\n", "power of two");
    must_be_refused("kdf-cost = 1024x\n", "power of two");
    must_be_refused("kdf-cost = -1024\n", "power of two");
    must_be_refused("ca-bits = 1024\n", "ca-bits");
    must_be_refused("group = ffdhe8192\n", "group");
    must_be_refused("enrol = everybody\n", "enrol");
    must_be_refused("realm = Example.org\n", "realm");
    must_be_refused("realm = -a.b\n", "realm");
    must_be_refused("listen = host:port\n", "listen");
    must_be_refused("listen = 127.0.0.1:65536\n", "listen");
    must_be_refused("advertise = :6256\n", "advertise");
    must_be_refused("advertise = host:0\n", "advertise");
    must_be_refused("passphrase-fd = x\n", "passphrase-fd");
    must_be_refused("data =\n", "data");
    must_be_refused("mailbox-messages = -1\n", "mailbox-messages");
    must_be_refused("mailbox-messages = 1000000001\n", "mailbox-messages");
    must_be_refused("mailbox-bytes = 131071\n", "mailbox-bytes");
    must_be_refused("mailbox-bytes = 1025G\n", "mailbox-bytes");
    must_be_refused("mailbox-bytes = G\n", "mailbox-bytes");
    must_be_refused("mailbox-bytes = 2T\n", "mailbox-bytes");
    must_be_refused("mailbox-bytes = 2GB\n", "mailbox-bytes");
    must_be_refused("mailbox-bytes = 99999999999G\n", "mailbox-bytes");
    must_be_refused("mailbox-share = 0\n", "mailbox-share");
    must_be_refused("mailbox-share = 101\n", "mailbox-share");
    must_be_refused("mailbox-life = 0s\n", "mailbox-life");
    must_be_refused("mailbox-life = 3651d\n", "mailbox-life");
    must_be_refused("mailbox-life = 30\n", "mailbox-life");
}

static void a_size_may_have_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = { { "mailbox-bytes = 131072\n", 131072 },
                  { "mailbox-bytes = 128K\n", 131072 },
                  { "mailbox-bytes = 512M\n", (uint64_t)512 << 20 },
                  { "mailbox-bytes = 1024G\n", (uint64_t)1024 << 30 } };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        CLEANUP(clear) struct parsed p = parse(sizes[i].text);
        assert_ok(p.err);
        assert_int_equal(p.o.mailbox_bytes, sizes[i].bytes);
    }
}

static void the_command_line_wins_over_the_file(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    CLEANUP(maloted_options_clear) struct maloted_options o;
    maloted_options_init(&o);
    assert_ok(maloted_options_set(&o, KEY_REALM, "line.example", &why));
    assert_ok(maloted_options_set(&o, KEY_LISTEN, "127.0.0.1:1", &why));
    assert_ok(maloted_options_set(&o, KEY_PASSPHRASE_FD, "3", &why));
    const char *file = "realm = file.example\nlisten = 127.0.0.1:2\npassphrase-file = /p\n"
                       "enrol = open\n";
    assert_ok(maloted_config_parse(span_str(file), &o, &why));
    assert_string_equal(o.texts[KEY_REALM], "line.example");
    assert_int_equal(o.listen_count, 1);
    assert_string_equal(o.listen[0], "127.0.0.1:1");
    assert_null(o.texts[KEY_PASSPHRASE_FILE]);
    assert_int_equal(o.mode, ENROL_OPEN);
}

static void a_missing_file_is_said(void **state)
{
    (void)state;
    struct parsed p = { 0 };
    maloted_options_init(&p.o);
    assert_err(maloted_config_read("/nowhere/at/all", &p.o, &p.why), MLT_ERR_SYSTEM);
    assert_span_equal(buf_span(&p.why), span_str("No such file or directory"));
    clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_the_command_line_is_read),
        cmocka_unit_test(an_empty_file_leaves_the_defaults),
        cmocka_unit_test(an_unknown_key_refuses_the_file),
        cmocka_unit_test(a_repeated_key_refuses_the_file),
        cmocka_unit_test(two_ways_to_the_passphrase_refuse_the_file),
        cmocka_unit_test(a_section_refuses_the_file),
        cmocka_unit_test(a_line_that_is_no_pair_refuses_the_file),
        cmocka_unit_test(a_line_inih_would_cut_refuses_the_file),
        cmocka_unit_test(a_line_inih_would_join_refuses_the_file),
        cmocka_unit_test(a_comment_inih_would_cut_off_refuses_the_file),
        cmocka_unit_test(bytes_that_hide_text_refuse_the_file),
        cmocka_unit_test(a_value_outside_its_bounds_refuses_the_file),
        cmocka_unit_test(a_size_may_have_a_unit),
        cmocka_unit_test(the_command_line_wins_over_the_file),
        cmocka_unit_test(a_missing_file_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
