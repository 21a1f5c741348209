/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>

#include "base/file.h"
#include "base/log.h"
#include "base/limits.h"
#include "base/timefmt.h"
#include "ca/birth.h"
#include "ca/crl_keep.h"
#include "cmd/malote_ca_fresh.h"
#include "cmd/malote_ca_input.h"
#include "cmd/malote_ca_link.h"
#include "cmd/malote_ca_site.h"
#include "cmd/malote_ca_witness.h"
#include "cmd/say.h"
#include "crypto/pkcs12.h"

/* import FILE: a CA around the key and certificate of an export, where there is none. */

struct importing {
    struct malote_ca_options *options;
    uint32_t cost;
    struct fresh fresh;        /* how to get the file's passphrase */
    struct secret file_secret; /* that one */
    struct secret own_secret;  /* of the keystore to be */
    struct buf file;
    struct pkcs12 content;
    struct site site;
    struct witness witness;
    struct ca ca;
    bool has_list; /* what was revoked before is known */
    struct restore_sum sum;
};

static void importing_clear(struct importing *i)
{
    ca_close(&i->ca);
    site_close(&i->site);
    witness_clear(&i->witness);
    pkcs12_clear(&i->content);
    buf_clear(&i->file);
    secret_clear(&i->file_secret);
    secret_clear(&i->own_secret);
}

static enum exit_code take_options(struct importing *i, int argc, char **argv)
{
    static const struct option known[] = {
        { "export-passphrase-fd", required_argument, NULL, FRESH_FD },
        { "export-passphrase-file", required_argument, NULL, FRESH_FILE },
        { "kdf-cost", required_argument, NULL, 'k' },
        { "json", no_argument, NULL, 'j' },
        { NULL, 0, NULL, 0 }
    };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'j')
            i->options->json = true;
        else if (c == 'k' && malote_ca_take_cost(optarg, &i->cost))
            continue;
        else if ((c != FRESH_FD && c != FRESH_FILE) || !fresh_take(&i->fresh, c, optarg))
            return malote_ca_wrong_usage("import");
    }
    return argc - optind == 1 ? EXIT_DONE : malote_ca_wrong_usage("import");
}

/* ---- what is brought ---- */

static enum exit_code say_file(const char *path, enum mlt_err err)
{
    switch (err) {
    case MLT_ERR_RANGE: /* longer than any */
    case MLT_ERR_DAMAGED:
        say_error(TEXT_CA_IMPORT_FOREIGN, path);
        return EXIT_LOCAL;
    case MLT_ERR_REFUSED:
        say_error(TEXT_CA_IMPORT_ALGORITHMS, path);
        return EXIT_LOCAL;
    case MLT_ERR_PASSPHRASE:
        say_error(TEXT_CA_IMPORT_PASSPHRASE, path);
        return EXIT_TRUST;
    default:
        say_error(TEXT_CA_FILE_UNREADABLE, path, err_cause(err));
        return EXIT_LOCAL;
    }
}

static enum exit_code open_file(struct importing *i, const char *path)
{
    CLEANUP(file_close) int fd = -1;
    enum exit_code code = input_open_file(path, &fd);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = file_read_all(fd, LIMIT_PKCS12, &i->file);
    return err == MLT_OK ? EXIT_DONE : say_file(path, err);
}

static enum exit_code unlock_file(struct importing *i, const char *path)
{
    enum exit_code code = fresh_read(&i->fresh, &i->file_secret);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = pkcs12_read(buf_span(&i->file), secret_span(&i->file_secret), &i->content);
    return err == MLT_OK ? EXIT_DONE : say_file(path, err);
}

static enum exit_code choose_own_secret(struct importing *i)
{
    const struct fresh own = { .source = i->options->passphrase,
                               .what = "keystore",
                               .prompt = TEXT_CA_NEW_PASSPHRASE_PROMPT };
    return fresh_read(&own, &i->own_secret);
}

/* ---- the CA to be ---- */

static enum mlt_err create(struct importing *i, struct buf *why)
{
    const struct ipc_ca_start start = { .mode = ENROL_INVITE, .kdf_cost = i->cost };
    struct ipc_key_needed need;
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    CLEANUP(ca_close) struct ca ca = ca_none();
    TRY(ca_open(&ca, env_system(), &start, &need, why));
    TRY(kdf_scrypt(secret_span(&i->own_secret), SPAN_OF(need.salt), &need.cost, &stretched));
    return birth_import(&ca, &stretched, i->content.key, buf_span(&i->content.certificate), why);
}

static enum mlt_err nobody(void *ctx, const struct certificate *c, enum restore_fate fate)
{
    (void)ctx;
    (void)c;
    (void)fate;
    return MLT_OK;
}

/* What net still has of the CA goes on to hold: its revocations, and that its heads are older. */
static enum mlt_err carry(struct importing *i)
{
    const struct restore_sink sink = { nobody, NULL };
    CLEANUP(restore_clear) struct restore restore = { 0 };
    TRY(restore_start(&restore, &i->ca));
    witness_hear(&i->witness, &restore);
    i->has_list = restore.crl.number > 0;
    return restore_accept_loss(&restore, &sink, &i->sum);
}

/* Opened anew each time, with everything that is looked at then. */
static enum mlt_err make(struct importing *i, struct buf *why)
{
    TRY(create(i, why));
    TRY(ca_link_unlock(&i->ca, &i->own_secret, why));
    TRY(carry(i));
    ca_close(&i->ca);
    TRY(ca_link_unlock(&i->ca, &i->own_secret, why));
    TRY(crl_keep_tend(&i->ca));
    ca_close(&i->ca);
    return MLT_OK;
}

static enum exit_code build(struct importing *i, const char *path)
{
    CLEANUP(buf_clear) struct buf why = { 0 };
    const char *text = NULL;
    enum mlt_err err = make(i, &why);
    if (err == MLT_OK)
        return EXIT_DONE;
    if (why.len == 0 || buf_text(&why, &text) != MLT_OK)
        text = err_cause(err);
    say_error(TEXT_CA_IMPORT_FAILED, path, text);
    bool is_time = err == MLT_ERR_CERT_NOT_YET || err == MLT_ERR_CERT_EXPIRED;
    return is_time ? EXIT_TRUST : EXIT_LOCAL;
}

static enum exit_code tell(const struct importing *i, const char *path)
{
    char epoch[TIMEFMT_RFC3339];
    enum mlt_err err = MLT_OK;
    timefmt_rfc3339((int64_t)i->sum.epoch * 1000, epoch);
    if (!i->has_list)
        say_notice(TEXT_CA_IMPORT_NO_LIST, i->site.path);
    if (i->options->json)
        err = malote_ca_put_json(json_pack("{s:s, s:s, s:s, s:I}", "type", "imported", "file", path,
                                           "epoch", epoch, "revocations",
                                           (json_int_t)i->sum.revocations));
    else
        malote_ca_put_line(TEXT_CA_IMPORT_DONE, i->site.path, epoch,
                           (unsigned long long)i->sum.revocations);
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}

static enum exit_code check_absent(const struct importing *i)
{
    if (!site_has_ca(&i->site))
        return EXIT_DONE;
    say_error(TEXT_CA_IMPORT_THERE, i->site.path);
    return EXIT_REFUSED;
}

static enum exit_code run(struct importing *i, const char *path)
{
    enum exit_code code = open_file(i, path);
    if (code == EXIT_DONE)
        code = site_open(&i->site, i->options);
    if (code == EXIT_DONE)
        code = check_absent(i);
    if (code == EXIT_DONE)
        code = unlock_file(i, path);
    if (code == EXIT_DONE)
        code = choose_own_secret(i);
    if (code == EXIT_DONE)
        code = site_lock(&i->site);
    if (code == EXIT_DONE)
        code = check_absent(i);
    if (code == EXIT_DONE)
        code = witness_read(&i->witness, &i->site);
    if (code == EXIT_DONE)
        code = site_enter(&i->site);
    if (code == EXIT_DONE)
        code = build(i, path);
    if (code == EXIT_DONE)
        code = site_publish(&i->site);
    return code == EXIT_DONE ? tell(i, path) : code;
}

enum exit_code malote_ca_import(struct malote_ca_options *options, int argc, char **argv)
{
    log_start("malote-ca", LOG_LEVEL_WARNING);
    CLEANUP(importing_clear)
    struct importing i = { .options = options,
                           .cost = LIMIT_KDF_COST,
                           .fresh = { .source = { .fd = -1, .apart = true },
                                      .what = "export",
                                      .prompt = TEXT_CA_IMPORT_PASSPHRASE_PROMPT,
                                      .known = true },
                           .site = SITE_NONE,
                           .ca = ca_none() };
    enum exit_code code = take_options(&i, argc, argv);
    return code == EXIT_DONE ? run(&i, argv[optind]) : code;
}
