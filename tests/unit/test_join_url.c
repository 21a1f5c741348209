/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "wire/join_url.h"

#define HASH   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define INVITE "0102030405060708a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

static void check(const char *text, const char *host, uint16_t port)
{
    struct join_url url = { 0 };
    assert_ok(join_url_parse(span_str(text), &url));
    assert_string_equal(url.host, host);
    assert_int_equal(url.port, port);
    assert_int_equal(url.ca_hash[1], 0x11);

    /* What is printed is read as the same. */
    CLEANUP(buf_clear) struct buf printed = { 0 };
    struct join_url again;
    const char *printed_text = NULL;
    assert_ok(join_url_put(&url, &printed));
    assert_ok(buf_text(&printed, &printed_text));
    assert_ok(join_url_parse(span_str(printed_text), &again));
    assert_memory_equal(&again, &url, sizeof(url));
    assert_null(strpbrk(printed_text, " '\"\\$&;|<>()[]{}*?!#~`\n"));
}

static void good_urls_are_read(void **state)
{
    (void)state;
    check("malote://relay.example:6256/" HASH, "relay.example", 6256);
    check("malote://10.0.0.1:1/" HASH "/" INVITE, "10.0.0.1", 1);
    check("malote://maria@localhost:65535/" HASH "/" INVITE, "localhost", 65535);
    check("malote://::1:6256/" HASH, "::1", 6256);
    check("malote://[::1]:6256/" HASH, "::1", 6256);
    check("malote://2001:db8::5:6256/" HASH, "2001:db8::5", 6256);
    check("malote://maria@fe80::1%eth0:6256/" HASH, "fe80::1%eth0", 6256);
}

static void name_and_invite_come_out(void **state)
{
    (void)state;
    struct join_url url;
    assert_ok(join_url_parse(span_str("malote://maria@h:1/" HASH "/" INVITE), &url));
    assert_true(url.has_name);
    assert_string_equal(url.name.text, "maria");
    assert_true(url.has_invite);
    assert_int_equal(url.invite.id[7], 8);
    assert_int_equal(url.invite.token[0], 0xa0);
    assert_int_equal(url.invite.token[15], 0xaf);
    assert_ok(join_url_parse(span_str("malote://h:1/" HASH), &url));
    assert_false(url.has_name);
    assert_false(url.has_invite);
}

static void bad_urls_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "malote://",
        "malote:///" HASH,
        "http://h:1/" HASH,
        "MALOTE://h:1/" HASH,
        "malote://h/" HASH, /* no port */
        "malote://h:/" HASH,
        "malote://h:0/" HASH,
        "malote://h:65536/" HASH,
        "malote://h:01/" HASH,
        "malote://h:+1/" HASH,
        "malote://h:1 /" HASH,
        "malote://:1/" HASH,
        "malote://@h:1/" HASH,
        "malote://h:1",
        "malote://h:1/",
        "malote://h:1/" HASH "0",
        "malote://h:1/" HASH "/",
        "malote://h:1/" HASH "/" INVITE "/",
        "malote://h:1/" HASH "/" INVITE "/x",
        "malote://h:1/" HASH "/" INVITE "00",
        "malote://h:1/" HASH "/0102",
        "malote://h:1/" HASH " ",
        " malote://h:1/" HASH,
        "malote://h:1/" HASH "\n",
        "malote://h;id:1/" HASH,
        "malote://h$x:1/" HASH,
        "malote://h\x1b[2J:1/" HASH,
        "malote://[h]:1/" HASH,
        "malote://[::1:1/" HASH,
        "malote://[::1]x:1/" HASH,
        "malote://[]:1/" HASH,
        "malote://1:2:3:1/" HASH,
        "malote://h%eth0:1/" HASH,
        "malote://::1%:1/" HASH,
        "malote://2001:db8::::1/" HASH,
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct join_url url = { .port = 77 };
        enum mlt_err err = join_url_parse(span_str(bad[i]), &url);
        if (err == MLT_OK)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err_fault(err), FAULT_PEER);
        assert_int_equal(url.port, 77);
    }
}

static void hex_is_lower_case_only(void **state)
{
    (void)state;
    struct join_url url;
    char text[] = "malote://h:1/" HASH;
    char *digit = strchr(text, 'a');
    digit = strchr(digit + 1, 'a'); /* past the scheme's own */
    while (digit != NULL && digit < text + sizeof("malote://h:1/") - 1)
        digit = strchr(digit + 1, 'a');
    assert_non_null(digit);
    *digit = 'A';
    assert_err(join_url_parse(span_str(text), &url), MLT_ERR_ENCODING);
}

static void names_that_nobody_may_have_are_refused(void **state)
{
    (void)state;
    struct join_url url;
    assert_err(join_url_parse(span_str("malote://Maria@h:1/" HASH), &url), MLT_ERR_NAME);
    assert_err(join_url_parse(span_str("malote://relay@h:1/" HASH), &url), MLT_ERR_NAME);
    assert_err(join_url_parse(span_str("malote://a@b@h:1/" HASH), &url), MLT_ERR_ENCODING);
}

static void every_truncation_is_refused_or_lacks_only_the_invite(void **state)
{
    (void)state;
    static const char text[] = "malote://maria@relay.example:6256/" HASH "/" INVITE;
    size_t without_invite = strlen(text) - strlen("/" INVITE);
    for (size_t n = 0; n < strlen(text); n++) {
        struct join_url url;
        enum mlt_err err = join_url_parse(span_of(text, n), &url);
        assert_int_equal(err == MLT_OK, n == without_invite);
    }
}

static void nul_bytes_are_refused(void **state)
{
    (void)state;
    char text[] = "malote://ab:1/" HASH;
    struct join_url url;
    text[10] = '\0';
    assert_err(join_url_parse(span_of(text, sizeof(text) - 1), &url), MLT_ERR_ENCODING);
}

static void a_host_longer_than_its_place_is_refused(void **state)
{
    (void)state;
    for (size_t n = 254; n <= 260; n++) {
        CLEANUP(buf_clear) struct buf text = { 0 };
        uint8_t *host = NULL;
        char got[256];
        uint16_t port = 5;
        assert_ok(buf_extend(&text, n, &host));
        memset(host, 'h', n);
        enum mlt_err wanted = n <= 255 ? MLT_OK : MLT_ERR_ENCODING;
        assert_int_equal(host_port_parse(buf_span(&text), got, &port), wanted);
    }
}

static void hosts_and_ports_are_split(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port;
    } rows[] = { { "h", "h", 6256 },
                 { "h:1", "h", 1 },
                 { "[::1]", "::1", 6256 },
                 { "[::1]:0", "::1", 0 },
                 { "::1:22", "::1", 22 },
                 { "[::]:6256", "::", 6256 },
                 { ":0", "", 0 },
                 { "0.0.0.0:0", "0.0.0.0", 0 },
                 { "_x-y.z:9", "_x-y.z", 9 } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char host[256] = "unchanged";
        uint16_t port = 6256;
        assert_ok(host_port_parse(span_str(rows[i].text), host, &port));
        assert_string_equal(host, rows[i].host);
        assert_int_equal(port, rows[i].port);
    }
    static const char *const bad[] = {
        "", "::1", "fe80::1", "h:", "h:1:2", "[::1", "[::1]1", "h h"
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char host[256] = "unchanged";
        uint16_t port = 6256;
        assert_err(host_port_parse(span_str(bad[i]), host, &port), MLT_ERR_ENCODING);
        assert_string_equal(host, "unchanged");
        assert_int_equal(port, 6256);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_urls_are_read),
        cmocka_unit_test(name_and_invite_come_out),
        cmocka_unit_test(bad_urls_are_refused),
        cmocka_unit_test(hex_is_lower_case_only),
        cmocka_unit_test(names_that_nobody_may_have_are_refused),
        cmocka_unit_test(every_truncation_is_refused_or_lacks_only_the_invite),
        cmocka_unit_test(nul_bytes_are_refused),
        cmocka_unit_test(a_host_longer_than_its_place_is_refused),
        cmocka_unit_test(hosts_and_ports_are_split),
    };
    return cmocka_run_group_tests_name("join_url", tests, NULL, NULL);
}
