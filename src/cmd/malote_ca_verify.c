/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/hex.h"
#include "base/timefmt.h"
#include "ca/audit.h"
#include "cmd/malote_ca_input.h"
#include "cmd/say.h"

/* ---- a directory for it ---- */

struct trial {
    char path[4096];
    int dir, before; /* -1: none */
};

static void trial_clear(struct trial *t)
{
    if (t->dir < 0)
        return;
    if (t->before >= 0 && fchdir(t->before) != 0)
        say_notice(TEXT_CA_TRIAL_LEFT, t->path);
    if (input_empty_dir(t->dir) != MLT_OK || rmdir(t->path) != 0)
        say_notice(TEXT_CA_TRIAL_LEFT, t->path);
    file_close(&t->dir);
    file_close(&t->before);
}

static enum mlt_err trial_start(struct trial *t)
{
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] == '\0')
        parent = "/tmp";
    int n = snprintf(t->path, sizeof(t->path), "%s/malote-verify-XXXXXX", parent);
    ENSURE(n > 0 && (size_t)n < sizeof(t->path), MLT_ERR_RANGE);
    t->before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ENSURE(mkdtemp(t->path) != NULL, MLT_ERR_SYSTEM);
    TRY(file_open_dir(t->path, false, &t->dir));
    ENSURE(fchdir(t->dir) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

/* ---- what is in it ---- */

struct contents {
    struct backup_contents in;
    uint64_t faults;
};

static enum mlt_err skip_count(void *ctx, uint64_t count, struct span what)
{
    (void)ctx;
    (void)count;
    (void)what;
    return MLT_OK;
}

static enum mlt_err say_fault(void *ctx, struct span text)
{
    struct contents *c = ctx;
    c->faults++;
    say_error("%.*s", (int)text.n, (const char *)text.p);
    return MLT_OK;
}

static enum mlt_err look(struct ca *ca, struct contents *c)
{
    const struct audit_sink sink = { skip_count, say_fault, c };
    TRY(backup_contents(ca, &c->in));
    return audit_run(ca, &sink);
}

/* ---- telling ---- */

static enum mlt_err put_json(const char *path, const struct backup_manifest *m,
                             const struct contents *c)
{
    char made[TIMEFMT_RFC3339], epoch[TIMEFMT_RFC3339];
    CLEANUP(buf_clear) struct buf ca = { 0 };
    CLEANUP(buf_clear) struct buf root = { 0 };
    const char *ca_text = NULL, *root_text = NULL;
    timefmt_rfc3339(m->made_s * 1000, made);
    timefmt_rfc3339((int64_t)m->epoch * 1000, epoch);
    TRY(buf_put_hex(&ca, SPAN_OF(m->ca_hash)));
    TRY(buf_put_hex(&root, SPAN_OF(m->root)));
    TRY(buf_text(&ca, &ca_text));
    TRY(buf_text(&root, &root_text));
    return malote_ca_put_json(json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I}", "type",
        "backup-verified", "file", path, "realm", m->realm, "ca", ca_text, "made", made, "epoch",
        epoch, "ledger", (json_int_t)m->size, "root", root_text, "crl", (json_int_t)m->crl_number,
        "keystore", (json_int_t)m->keystore_count, "names", (json_int_t)c->in.names, "revoked",
        (json_int_t)c->in.revoked, "faults", (json_int_t)c->faults));
}

static void put_page(const char *path, const struct backup_manifest *m, const struct contents *c)
{
    char made[TIMEFMT_RFC3339], epoch[TIMEFMT_RFC3339];
    timefmt_rfc3339(m->made_s * 1000, made);
    timefmt_rfc3339((int64_t)m->epoch * 1000, epoch);
    printf("backup       %s\n", path);
    printf("realm        %s\n", m->realm);
    printf("CA           ");
    for (size_t i = 0; i < HASH_LEN; i++)
        printf("%02x", m->ca_hash[i]);
    printf("\nmade         %s\n", made);
    printf("ledger       %llu entries, epoch %s\n", (unsigned long long)m->size, epoch);
    printf("CRL number   %llu\n", (unsigned long long)m->crl_number);
    printf("keystore     %llu entries\n", (unsigned long long)m->keystore_count);
    printf("names        %llu\n", (unsigned long long)c->in.names);
    printf("revoked      %llu\n", (unsigned long long)c->in.revoked);
    printf("%s\n", c->faults == 0 ? TEXT_CA_VERIFY_WHOLE : TEXT_CA_VERIFY_FAULTS);
}

static enum exit_code tell(const struct malote_ca_options *options, const char *path,
                           const struct backup_manifest *m, const struct contents *c)
{
    enum mlt_err err = MLT_OK;
    if (options->json)
        err = put_json(path, m, c);
    else
        put_page(path, m, c);
    enum exit_code code = err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
    return code == EXIT_DONE && c->faults > 0 ? EXIT_TRUST : code;
}

enum exit_code malote_ca_verify(struct malote_ca_options *options, const char *path)
{
    log_start("malote-ca", LOG_LEVEL_WARNING);
    CLEANUP(input_close) struct input in = INPUT_NONE;
    CLEANUP(trial_clear) struct trial trial = { .dir = -1, .before = -1 };
    CLEANUP(ca_close) struct ca ca = ca_none();
    struct backup_manifest manifest;
    struct contents contents = { 0 };
    enum exit_code code = input_open(&in, path);
    if (code == EXIT_DONE)
        code = input_unlock(&in, options);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = trial_start(&trial);
    if (err != MLT_OK) {
        say_error(TEXT_CA_TRIAL_FAILED, trial.path, err_cause(err));
        return EXIT_LOCAL;
    }
    code = input_take(&in, &ca, &manifest);
    if (code != EXIT_DONE)
        return code;
    err = look(&ca, &contents);
    if (err == MLT_OK)
        return tell(options, path, &manifest, &contents);
    say_error(TEXT_CA_BACKUP_UNOPENED, path, err_cause(err));
    return EXIT_LOCAL;
}
