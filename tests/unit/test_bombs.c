/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "bombs.h"
#include "ca/keystore.h"
#include "ca/keystore_line.h"
#include "client/server_file.h"
#include "cmd/maloted_config.h"
#include "crypto/key_pem.h"
#include "crypto/pkcs12.h"
#include "crypto/rsa.h"
#include "pair.h"
#include "pki/crl.h"
#include "pki/ledger_leaf.h"
#include "pki/request.h"
#include "wire/join_url.h"

/*
 * Row 52: every input of bombs.h given to everything that reads what others wrote.  Each is
 * refused, and what it may cost is bounded by counting, not by a clock: how often libcrypto asks
 * for memory and for how much, against the size of the input, in a process whose memory and
 * processor time are limited as well.
 */

/* ---- what libcrypto asks for ---- */

static size_t asked_times, asked_bytes;

static void *count_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    asked_times++;
    asked_bytes += n;
    return malloc(n);
}

static void *count_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    asked_times++;
    asked_bytes += n;
    return realloc(p, n);
}

static void count_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* ---- everything that reads ---- */

static enum mlt_err read_ca(struct span s)
{
    CLEANUP(cert_clear) struct cert c = { 0 };
    return cert_read_ca(s, NULL, &c);
}

static enum mlt_err read_server(struct span s)
{
    CLEANUP(cert_clear) struct cert c = { 0 };
    struct pair_house *h = pair_house();
    return cert_read_leaf(s, &h->ca, CERT_SERVER, h->clock.wall_ms / 1000, &c);
}

static enum mlt_err read_client(struct span s)
{
    CLEANUP(cert_clear) struct cert c = { 0 };
    struct pair_house *h = pair_house();
    return cert_read_leaf(s, &h->ca, CERT_CLIENT, h->clock.wall_ms / 1000, &c);
}

static enum mlt_err read_pem(struct span s)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    return cert_der_from_pem(s, &der);
}

static enum mlt_err read_request(struct span s)
{
    CLEANUP(request_clear) struct request r = { 0 };
    return request_read(s, &r);
}

static enum mlt_err read_crl(struct span s)
{
    CLEANUP(crl_clear) struct crl crl = { 0 };
    return crl_read(s, &pair_house()->ca, &crl);
}

static enum mlt_err read_pkcs12(struct span s)
{
    CLEANUP(pkcs12_clear) struct pkcs12 p = { 0 };
    return pkcs12_read(s, span_str("passphrase"), &p);
}

static enum mlt_err read_leaf(struct span s)
{
    struct ledger_leaf leaf;
    return ledger_leaf_decode(s, &leaf);
}

static enum mlt_err read_key(struct span s)
{
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    return rsa_private_decode(s, &key);
}

static enum mlt_err read_key_pem(struct span s)
{
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    return key_pem_decode(s, &key);
}

static enum mlt_err read_name(struct span s)
{
    struct name name;
    return name_parse(s, &name);
}

static enum mlt_err read_url(struct span s)
{
    struct join_url url;
    return join_url_parse(s, &url);
}

static enum mlt_err read_host(struct span s)
{
    char host[256];
    uint16_t port = 0;
    return host_port_parse(s, host, &port) == MLT_OK && port != 0 ? MLT_OK : MLT_ERR_RANGE;
}

static enum mlt_err read_server_file(struct span s)
{
    struct server_file file;
    return server_file_parse(s, &file);
}

static enum mlt_err read_lockbox(struct span s)
{
    struct lockbox box;
    if (s.n > 0 && s.p[s.n - 1] == '\n') /* as who read the line would hand it over */
        s.n--;
    return lockbox_parse("keystore", s, &box);
}

static enum mlt_err read_keystore_line(struct span s)
{
    struct keystore_line line;
    return keystore_line_parse(s, &line);
}

static enum mlt_err read_config(struct span s)
{
    CLEANUP(buf_clear) struct buf why = { 0 };
    struct maloted_options o;
    maloted_options_init(&o);
    enum mlt_err err = maloted_config_parse(s, &o, &why);
    maloted_options_clear(&o);
    return err;
}

static int dir = -1;

static enum mlt_err read_keystore(struct span s)
{
    struct keystore ks = keystore_none();
    int fd = openat(dir, KEYSTORE_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    enum mlt_err err = fd >= 0 ? file_write_all(fd, s) : MLT_ERR_SYSTEM;
    close(fd);
    if (err == MLT_OK)
        err = keystore_open(&ks, dir, KEYSTORE_FILE);
    keystore_close(&ks);
    return err;
}

/* Text of others, made fit for a terminal: never refused, and never longer than four times. */
static enum mlt_err show_safely(struct span s)
{
    CLEANUP(buf_clear) struct buf out = { 0 };
    enum mlt_err err = text_put_safe(&out, s, false);
    bool bounded = out.len <= 10 * s.n + 16 && text_is_utf8(buf_span(&out));
    return err == MLT_OK && bounded ? MLT_ERR_REFUSED : MLT_OK;
}

static const struct reader {
    const char *name;
    enum mlt_err (*read)(struct span s);
} readers[] = {
    { "CA certificate", read_ca },
    { "server certificate", read_server },
    { "client certificate", read_client },
    { "PEM certificate", read_pem },
    { "request", read_request },
    { "CRL", read_crl },
    { "PKCS#12", read_pkcs12 },
    { "ledger leaf", read_leaf },
    { "PKCS#8", read_key },
    { "PEM key", read_key_pem },
    { "name", read_name },
    { "join URL", read_url },
    { "host and port", read_host },
    { "server file", read_server_file },
    { "lockbox", read_lockbox },
    { "keystore line", read_keystore_line },
    { "keystore", read_keystore },
    { "configuration", read_config },
    { "terminal", show_safely },
};

/* ---- bounds ---- */

/* Of the right form: the length of a line is bounded by who reads the file. */
static bool is_legal(const struct bomb *bomb, const struct reader *reader)
{
    return reader->read == read_keystore_line && strcmp(bomb->name, "keystore_of_a_long_line") == 0;
}

/* Room for this much more than there is now; a hang is ended by the kernel. */
static void limit_process(void)
{
#ifndef IS_SANITIZED
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    const struct rlimit memory = { .rlim_cur = pages * 4096 + (64u << 20),
                                   .rlim_max = pages * 4096 + (64u << 20) };
    assert_int_equal(setrlimit(RLIMIT_AS, &memory), 0);
#endif
    const struct rlimit seconds = { .rlim_cur = 60, .rlim_max = 60 };
    const struct rlimit core = { 0, 0 };
    assert_int_equal(setrlimit(RLIMIT_CPU, &seconds), 0);
    assert_int_equal(setrlimit(RLIMIT_CORE, &core), 0);
}

/* In a child: 0, or the number of the reader (from 1) that did not keep to it. */
static int defuse(const struct bomb *bomb)
{
    CLEANUP(buf_clear) struct buf input = { 0 };
    bomb->put(&input);
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        asked_times = asked_bytes = 0;
        enum mlt_err err = readers[i].read(buf_span(&input));
        bool refused = err != MLT_OK && err != MLT_ERR_NOMEM && err != MLT_ERR_SYSTEM;
        bool cheap = asked_bytes <= 64 * input.len + (1 << 20) && asked_times <= 20000;
        if ((refused || is_legal(bomb, &readers[i])) && cheap)
            continue;
        fprintf(stderr, "%s as %s: %s, asked %zu times for %zu bytes\n", bomb->name,
                readers[i].name, err_name(err), asked_times, asked_bytes);
        return (int)i + 1;
    }
    return 0;
}

static void row_52_every_bomb_is_refused_at_a_bounded_cost(void **state)
{
    (void)state;
    size_t count = 0;
    const struct bomb *all = bombs(&count);
    (void)pair_house();
    assert_true(count > 50);
    for (size_t i = 0; i < count; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            limit_process();
            _exit(defuse(&all[i]));
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (status != 0)
            fail_msg("%s: wait status %x", all[i].name, (unsigned)status);
    }
}

/* The counter counts and the limit limits, or the test above says nothing. */
static void what_is_counted_and_limited_is(void **state)
{
    (void)state;
    asked_times = asked_bytes = 0;
    OPENSSL_free(OPENSSL_malloc(12345));
    assert_int_equal(asked_times, 1);
    assert_int_equal(asked_bytes, 12345);
    asked_times = 0;
    const struct pair_house *h = pair_house();
    CLEANUP(cert_clear) struct cert c = { 0 };
    asked_times = 0;
    assert_ok(cert_read_ca(buf_span(&h->ca_der), NULL, &c));
    assert_in_range(asked_times, 50, 20000);
#ifndef IS_SANITIZED
    pid_t child = fork();
    if (child == 0) {
        CLEANUP(buf_clear) struct buf b = { 0 };
        limit_process();
        _exit(buf_reserve(&b, 128u << 20) == MLT_ERR_NOMEM ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
#endif
}

static char root[] = "/tmp/malote-bombs-XXXXXX";

static int start(void **state)
{
    (void)state;
    log_start("test", LOG_LEVEL_ERROR);
    return mkdtemp(root) != NULL && file_open_dir(root, false, &dir) == MLT_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    (void)unlinkat(dir, KEYSTORE_FILE, 0);
    close(dir);
    return rmdir(root);
}

int main(void)
{
    /* Before libcrypto asks for its first byte. */
    if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_counted_and_limited_is),
        cmocka_unit_test(row_52_every_bomb_is_refused_at_a_bounded_cost),
    };
    return cmocka_run_group_tests_name("bombs", tests, start, stop);
}
