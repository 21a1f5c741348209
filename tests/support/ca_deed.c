/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ca/audit.h"
#include "ca/ca.h"
#include "ca/crl_keep.h"
#include "ca/enrol.h"
#include "ca/renew.h"
#include "ca/revoke.h"
#include "crypto/crypto.h"
#include "crypto/key_pem.h"
#include "crypto/rsa.h"
#include "pki/request.h"
#include "pki/statement.h"

/*
 * One deed of a CA on its files (the working directory, DATA/ca), so that it can be killed at each
 * of its system calls and looked at afterwards.
 *
 *   ca_deed DAYS_AGO PASSPHRASE_FILE DEED [NAME]
 *
 * open (makes it where there is none), enrol NAME, renew NAME, revoke NAME, tend (what a running ca
 * does at its start), audit.  A name's key is ../NAME.pem, made by its first enrolment.  Says
 * "deed" on stderr before it begins, and on stdout what came of it.
 */

static int64_t ago_ms;

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return env_wall_ms(env_system()) - ago_ms;
}

static int64_t mono_ms(void *ctx)
{
    (void)ctx;
    return env_mono_ms(env_system());
}

static enum mlt_err fill(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return env_random(env_system(), out, n);
}

static const struct env env = { NULL, wall_ms, mono_ms, fill };

static enum mlt_err open_here(const char *passphrase_file, struct ca *ca)
{
    const struct ipc_ca_start start = { .mode = ENROL_OPEN,
                                        .kdf_cost = 1024,
                                        .ca_bits = 2048,
                                        .advertise = span_str("127.0.0.1:6256") };
    CLEANUP(buf_clear) struct buf passphrase = { 0 };
    CLEANUP(buf_clear) struct buf why = { 0 };
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    struct ipc_key_needed need;
    TRY(file_read(AT_FDCWD, passphrase_file, 1024, &passphrase));
    while (passphrase.len > 0 && passphrase.p[passphrase.len - 1] == '\n')
        passphrase.len--;
    enum mlt_err err = ca_open(ca, &env, &start, &need, &why);
    if (err == MLT_OK)
        err = kdf_scrypt(buf_span(&passphrase), SPAN_OF(need.salt), &need.cost, &stretched);
    if (err == MLT_OK)
        err = ca_unlock(ca, &stretched, &why);
    if (err != MLT_OK)
        fprintf(stderr, "%.*s\n", (int)why.len, (const char *)why.p);
    return err;
}

static enum mlt_err load_key(const struct name *name, EVP_PKEY **key)
{
    char path[64];
    CLEANUP(buf_clear) struct buf pem = { 0 };
    CLEANUP(secret_clear) struct secret made = { 0 };
    snprintf(path, sizeof(path), "../%s.pem", name->text);
    if (file_read(AT_FDCWD, path, 8192, &pem) == MLT_OK)
        return key_pem_decode(buf_span(&pem), key);
    TRY(rsa_key_new(2048, key));
    TRY(key_pem_encode(*key, &made));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ENSURE(fd >= 0, MLT_ERR_SYSTEM);
    bool whole = write(fd, made.p, made.n) == (ssize_t)made.n;
    file_close(&fd);
    return whole ? MLT_OK : MLT_ERR_SYSTEM;
}

static enum mlt_err say(const struct ipc_enrolled *answer)
{
    printf("result %d reason %d\n", (int)answer->result, (int)answer->reason);
    return answer->result == WELCOME_ISSUED ? MLT_OK : MLT_ERR_REFUSED;
}

static enum mlt_err enrol(struct ca *ca, const struct name *name, EVP_PKEY *key)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf certificate = { 0 };
    struct ipc_enrolled answer;
    TRY(request_make(key, name, &request));
    const struct ipc_enrol ask = { .name = *name, .request = buf_span(&request) };
    TRY(enrol_client(ca, &ask, &answer, &certificate));
    return say(&answer);
}

/* Over the oldest certificate: whatever came after it is the answer. */
static enum mlt_err renew(struct ca *ca, const struct name *name, EVP_PKEY *key)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf certificate = { 0 };
    struct ipc_enrolled answer;
    struct ipc_renew ask = { 0 };
    CLEANUP(query_end)
    struct query q = query_start(&ca->db, "SELECT serial FROM certificate WHERE role = 3 "
                                          "AND name = ? ORDER BY position LIMIT 1");
    bool row = false;
    query_put_text(&q, name->text);
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_MISSING);
    TRY(query_bytes(&q, 0, ask.serial, CERT_SERIAL));
    query_end(&q);
    q = (struct query) { 0 };
    TRY(statement_sign_renewal(key, &ca->cert, ask.serial, &signature));
    ask.signature = buf_span(&signature);
    TRY(renew_client(ca, &ask, &answer, &certificate));
    return say(&answer);
}

static enum mlt_err take_back(struct ca *ca, const struct name *name)
{
    const struct revoke_order order = { *name, CRL_KEY_COMPROMISE };
    size_t count = 0;
    bool done = false;
    TRY(revoke_name(ca, &order, &count, &done));
    printf("revoked %zu\n", count);
    return MLT_OK;
}

static enum mlt_err on_count(void *ctx, uint64_t count, struct span what)
{
    (void)ctx;
    printf("%llu %.*s\n", (unsigned long long)count, (int)what.n, (const char *)what.p);
    return MLT_OK;
}

static enum mlt_err on_finding(void *ctx, struct span text)
{
    bool *any = ctx;
    *any = true;
    printf("FINDING %.*s\n", (int)text.n, (const char *)text.p);
    return MLT_OK;
}

static enum mlt_err audit(struct ca *ca)
{
    bool any = false;
    const struct audit_sink sink = { on_count, on_finding, &any };
    TRY(audit_run(ca, &sink));
    return any ? MLT_ERR_DAMAGED : MLT_OK;
}

static enum mlt_err do_deed(struct ca *ca, const char *deed, const struct name *name, EVP_PKEY *key)
{
    if (strcmp(deed, "enrol") == 0)
        return enrol(ca, name, key);
    if (strcmp(deed, "renew") == 0)
        return renew(ca, name, key);
    if (strcmp(deed, "revoke") == 0)
        return take_back(ca, name);
    if (strcmp(deed, "tend") == 0)
        return crl_keep_tend(ca);
    if (strcmp(deed, "audit") == 0)
        return audit(ca);
    return strcmp(deed, "open") == 0 ? MLT_OK : MLT_ERR_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 5)
        return 2;
    bool locked = false;
    struct name name = { 0 };
    EVP_PKEY *key = NULL;
    CLEANUP(ca_close) struct ca ca = ca_none();
    ago_ms = strtoll(argv[1], NULL, 10) * 86400 * 1000;
    log_start("ca_deed", LOG_LEVEL_ERROR);
    enum mlt_err err = secret_start(&locked);
    if (err == MLT_OK)
        err = crypto_start();
    if (err == MLT_OK && argc == 5)
        err = name_parse_user(span_str(argv[4]), &name);
    if (err == MLT_OK && argc == 5)
        err = load_key(&name, &key);
    if (err == MLT_OK)
        err = open_here(argv[2], &ca);
    fputs("deed\n", stderr);
    if (err == MLT_OK)
        err = do_deed(&ca, argv[3], &name, key);
    rsa_key_free(&key);
    if (err != MLT_OK)
        fprintf(stderr, "%s: %s\n", argv[3], err_text(err));
    return err == MLT_OK ? 0 : 1;
}
