/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_verify.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "ca/audit.h"
#include "cmd/malote_ca_ending.h"
#include "cmd/malote_ca_errand.h"
#include "cmd/malote_ca_input.h"
#include "cmd/say.h"

/* ---- a directory for it ---- */

/* It is taken away by a child of ours, which is there for nothing else: however we end, also by
 * Ctrl-C or killed, the CA that was unpacked does not stay. */
struct trial {
    char path[4096];
    int dir; /* -1: none */
    struct errand removal;
};

static void trial_clear(struct trial *t)
{
    file_close(&t->dir);
    errand_clear(&t->removal);
}

static void take_away(void *ctx)
{
    const struct trial *t = ctx;
    if (input_empty_dir(t->dir) != MLT_OK || rmdir(t->path) != 0)
        say_notice(TEXT_CA_TRIAL_LEFT, t->path);
}

static enum mlt_err make_dir(struct trial *t)
{
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] == '\0')
        parent = "/tmp";
    int n = snprintf(t->path, sizeof(t->path), "%s/malote-verify-XXXXXX", parent);
    ENSURE(n > 0 && (size_t)n < sizeof(t->path), MLT_ERR_RANGE);
    ENSURE(mkdtemp(t->path) != NULL, MLT_ERR_SYSTEM);
    enum mlt_err err = file_open_dir(t->path, false, &t->dir);
    if (err != MLT_OK)
        rmdir(t->path);
    return err;
}

/* Before the first secret is read; no signal may fall between the directory and its removal. */
static enum exit_code trial_start(struct trial *t)
{
    const struct errand_work work = { .otherwise = take_away, .ctx = t };
    sigset_t before;
    ending_hold(&before);
    enum mlt_err err = make_dir(t);
    enum exit_code code = EXIT_LOCAL;
    if (err != MLT_OK)
        say_error(TEXT_CA_TRIAL_FAILED, t->path, err_cause(err));
    else if ((code = errand_start(&t->removal, &work)) != EXIT_DONE)
        rmdir(t->path);
    ending_let_in(&before);
    return code;
}

static enum exit_code trial_enter(const struct trial *t)
{
    if (fchdir(t->dir) == 0)
        return EXIT_DONE;
    say_error(TEXT_CA_TRIAL_FAILED, t->path, strerror(errno));
    return EXIT_LOCAL;
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
    char ca[2 * HASH_LEN + 1], root[2 * HASH_LEN + 1];
    timefmt_rfc3339(m->made_s * 1000, made);
    timefmt_rfc3339((int64_t)m->epoch * 1000, epoch);
    hex_encode(SPAN_OF(m->ca_hash), ca);
    hex_encode(SPAN_OF(m->root), root);
    return malote_ca_put_json(json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I}", "type",
        "backup-verified", "file", path, "realm", m->realm, "ca", ca, "made", made, "epoch", epoch,
        "ledger", (json_int_t)m->size, "root", root, "crl", (json_int_t)m->crl_number, "keystore",
        (json_int_t)m->keystore_count, "names", (json_int_t)c->in.names, "revoked",
        (json_int_t)c->in.revoked, "faults", (json_int_t)c->faults));
}

static void put_page(const char *path, const struct backup_manifest *m, const struct contents *c)
{
    char made[TIMEFMT_RFC3339], epoch[TIMEFMT_RFC3339];
    char ca[2 * HASH_LEN + 1];
    timefmt_rfc3339(m->made_s * 1000, made);
    timefmt_rfc3339((int64_t)m->epoch * 1000, epoch);
    hex_encode(SPAN_OF(m->ca_hash), ca);
    printf("backup       %s\n", path);
    printf("realm        %s\n", m->realm);
    printf("CA           %s\n", ca);
    printf("made         %s\n", made);
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
    CLEANUP(trial_clear) struct trial trial = { .dir = -1, .removal = ERRAND_NONE };
    CLEANUP(ca_close) struct ca ca = ca_none();
    struct backup_manifest manifest;
    struct contents contents = { 0 };
    enum exit_code code = input_open(&in, path);
    if (code == EXIT_DONE)
        code = trial_start(&trial);
    if (code == EXIT_DONE)
        code = input_unlock(&in, options);
    if (code == EXIT_DONE)
        code = trial_enter(&trial);
    in.where = trial.path;
    if (code == EXIT_DONE)
        code = input_take(&in, &ca, &manifest);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = look(&ca, &contents);
    if (err == MLT_OK)
        return tell(options, path, &manifest, &contents);
    say_error(TEXT_CA_BACKUP_UNOPENED, path, err_cause(err));
    return EXIT_LOCAL;
}
