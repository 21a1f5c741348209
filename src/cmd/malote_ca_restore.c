/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/limits.h"
#include "base/timefmt.h"
#include "ca/crl_keep.h"
#include "ca/restore.h"
#include "cmd/malote_ca_input.h"
#include "cmd/malote_ca_site.h"
#include "cmd/malote_ca_witness.h"
#include "cmd/say.h"

/* restore FILE [--accept-loss]. */

struct restoring {
    struct malote_ca_options *options;
    bool accept;
    struct input in;
    struct site site;
    struct ca ca;
    struct restore restore;
    struct backup_manifest manifest;
    struct witness witness;
    bool has_ca;     /* that is replaced */
    int old_ledger;  /* a copy of the ledger.db that is replaced; -1: none */
    bool blind;      /* there is one that cannot be read */
    struct buf told; /* what is said once it is true */
    struct restore_sum sum;
};

static void restoring_clear(struct restoring *r)
{
    restore_clear(&r->restore);
    ca_close(&r->ca);
    site_close(&r->site);
    input_close(&r->in);
    file_close(&r->old_ledger);
    witness_clear(&r->witness);
    buf_clear(&r->told);
}

/* ---- witnesses ---- */

/* In ca/, and back; by now as the user whose files they are. */
static enum mlt_err copy_old_ledger(struct restoring *r)
{
    ENSURE(fchdir(r->site.old) == 0, MLT_ERR_SYSTEM);
    enum mlt_err err = restore_copy_ledger(&r->old_ledger);
    int kept = errno;
    ENSURE(fchdir(r->site.fresh) == 0, MLT_ERR_SYSTEM);
    errno = kept;
    return err;
}

static void go_blind(struct restoring *r, enum mlt_err err)
{
    say_notice(TEXT_CA_RESTORE_BLIND, r->site.path,
               err == MLT_ERR_MISSING ? TEXT_CA_RESTORE_BLIND_EMPTY : err_cause(err));
    r->blind = true;
}

static enum mlt_err hear_witnesses(struct restoring *r, bool *foreign)
{
    *foreign = false;
    TRY(restore_start(&r->restore, &r->ca));
    witness_hear(&r->witness, &r->restore);
    if (r->old_ledger < 0)
        return MLT_OK;
    enum mlt_err err = restore_see_ledger(&r->restore, r->old_ledger);
    *foreign = err == MLT_ERR_CERT_FOREIGN;
    if (err != MLT_OK && !*foreign)
        go_blind(r, err);
    return MLT_OK;
}

/* ---- behind ---- */

static enum exit_code refuse(const struct restoring *r)
{
    const struct restore *s = &r->restore;
    if (s->forked) {
        say_error(TEXT_CA_RESTORE_FORKED, r->in.path);
        return EXIT_REFUSED;
    }
    say_error(TEXT_CA_RESTORE_BEHIND, r->in.path, (unsigned long long)s->facts.size,
              (unsigned long long)s->facts.crl_number,
              (unsigned long long)r->ca.keystore.mark.count, (unsigned long long)s->seen.size,
              (unsigned long long)s->seen_crl, (unsigned long long)s->seen_entries,
              (unsigned long long)s->unknown_certs, (unsigned long long)s->unknown_revoked);
    return EXIT_REFUSED;
}

static enum mlt_err note_json(struct restoring *r, const char *name, const char *serial,
                              const char *fate)
{
    return buf_put_format(&r->told,
                          "{\"type\":\"certificate\",\"name\":\"%s\",\"serial\":\"%s\","
                          "\"fate\":\"%s\"}\n",
                          name, serial, fate);
}

static enum mlt_err note_certificate(void *ctx, const struct certificate *c, enum restore_fate fate)
{
    struct restoring *r = ctx;
    char serial[2 * CERT_SERIAL + 1];
    hex_encode(SPAN_OF(c->serial), serial);
    bool lost = fate == RESTORE_LOST;
    if (r->options->json)
        return note_json(r, c->name.text, serial, lost ? "lost" : "kept");
    if (lost)
        TRY(buf_put_format(&r->told, TEXT_CA_RESTORE_LOST, c->name.text, serial, c->name.text));
    else
        TRY(buf_put_format(&r->told, TEXT_CA_RESTORE_KEPT, c->name.text, serial));
    return buf_put_u8(&r->told, '\n');
}

/* The first head of the new epoch, and the CRL with what was carried over. */
static enum exit_code sign(struct restoring *r)
{
    restore_clear(&r->restore);
    ca_close(&r->ca);
    enum exit_code code = input_reopen(&r->in, &r->ca);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = crl_keep_tend(&r->ca);
    if (err == MLT_OK)
        return EXIT_DONE;
    const char *cause = r->ca.crl_care.drops ? TEXT_CA_ALARM_CRL_DROPS : err_cause(err);
    say_error(TEXT_CA_RESTORE_FAILED, r->site.path, cause);
    return EXIT_LOCAL;
}

static enum exit_code accept_loss(struct restoring *r)
{
    const struct restore_sink sink = { note_certificate, r };
    enum mlt_err err = restore_accept_loss(&r->restore, &sink, &r->sum);
    if (err == MLT_OK)
        return sign(r);
    say_error(TEXT_CA_RESTORE_FAILED, r->site.path, err_cause(err));
    return EXIT_LOCAL;
}

static enum exit_code carry_unwritten(struct restoring *r)
{
    size_t count = 0;
    bool unseen = restore_has_no_witness(&r->restore);
    enum mlt_err err = restore_carry_unwritten(&r->restore, &count);
    if (err == MLT_OK && unseen)
        err = restore_note_unseen(&r->restore);
    if (err != MLT_OK) {
        say_error(TEXT_CA_RESTORE_FAILED, r->site.path, err_cause(err));
        return EXIT_LOCAL;
    }
    if (unseen)
        say_notice(TEXT_CA_RESTORE_UNSEEN);
    if (count > 0)
        say_notice(TEXT_CA_RESTORE_WITHDRAWN, count);
    return EXIT_DONE;
}

static enum exit_code judge(struct restoring *r)
{
    bool foreign = false, behind = false;
    enum mlt_err err = hear_witnesses(r, &foreign);
    if (err == MLT_OK && foreign) {
        say_error(TEXT_CA_RESTORE_OTHER_CA, r->site.path, r->in.path);
        return EXIT_REFUSED;
    }
    if (err == MLT_OK)
        err = restore_is_behind(&r->restore, &behind);
    if (err != MLT_OK) {
        say_error(TEXT_CA_RESTORE_FAILED, r->site.path, err_cause(err));
        return EXIT_LOCAL;
    }
    if (r->accept)
        return accept_loss(r);
    if (behind)
        return refuse(r);
    if (!r->blind)
        return carry_unwritten(r);
    say_error(TEXT_CA_RESTORE_UNSURE, r->in.path);
    return EXIT_REFUSED;
}

/* ---- telling ---- */

static enum mlt_err tell_json(const struct restoring *r)
{
    char made[TIMEFMT_RFC3339], epoch[TIMEFMT_RFC3339];
    const char *kept = r->has_ca ? r->site.kept : NULL;
    timefmt_rfc3339(r->manifest.made_s * 1000, made);
    timefmt_rfc3339((int64_t)r->sum.epoch * 1000, epoch);
    return malote_ca_put_json(json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:I}", "type", "restored",
                                        "file", r->in.path, "made", made, "old", kept, "epoch",
                                        r->accept ? epoch : NULL, "revocations",
                                        (json_int_t)r->sum.revocations));
}

static void tell_page(const struct restoring *r)
{
    char made[TIMEFMT_RFC3339], epoch[TIMEFMT_RFC3339];
    timefmt_rfc3339(r->manifest.made_s * 1000, made);
    timefmt_rfc3339((int64_t)r->sum.epoch * 1000, epoch);
    malote_ca_put_line(TEXT_CA_RESTORE_DONE, r->manifest.realm, made, r->site.path);
    if (r->has_ca)
        malote_ca_put_line(TEXT_CA_RESTORE_OLD, r->site.kept);
    if (!r->accept)
        return;
    malote_ca_put_line(TEXT_CA_RESTORE_EPOCH, (unsigned long long)r->sum.revocations, epoch);
    malote_ca_put_line(TEXT_CA_RESTORE_INVITES);
}

static enum exit_code tell(const struct restoring *r)
{
    enum mlt_err err = MLT_OK;
    if (r->accept && !r->sum.listed)
        say_notice(TEXT_CA_RESTORE_NO_LIST);
    printf("%.*s", (int)r->told.len, (const char *)r->told.p);
    if (r->options->json)
        err = tell_json(r);
    else
        tell_page(r);
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}

/* ---- the whole ---- */

static enum exit_code take_options(struct restoring *r, int argc, char **argv)
{
    static const struct option known[] = { { "accept-loss", no_argument, NULL, 'a' },
                                           { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'a')
            r->accept = true;
        else if (c == 'j')
            r->options->json = true;
        else
            return malote_ca_wrong_usage("restore");
    }
    return argc - optind == 1 ? EXIT_DONE : malote_ca_wrong_usage("restore");
}

static enum exit_code build(struct restoring *r)
{
    r->has_ca = site_has_ca(&r->site);
    enum exit_code code = witness_read(&r->witness, &r->site);
    if (code == EXIT_DONE)
        code = site_enter(&r->site);
    enum mlt_err err = code == EXIT_DONE && r->has_ca ? copy_old_ledger(r) : MLT_OK;
    if (err != MLT_OK)
        go_blind(r, err);
    r->in.where = r->site.path;
    if (code == EXIT_DONE)
        code = input_take(&r->in, &r->ca, &r->manifest);
    if (code == EXIT_DONE)
        code = judge(r);
    restore_clear(&r->restore);
    ca_close(&r->ca);
    return code;
}

enum exit_code malote_ca_restore(struct malote_ca_options *options, int argc, char **argv)
{
    log_start("malote-ca", LOG_LEVEL_WARNING);
    CLEANUP(restoring_clear)
    struct restoring r = {
        .options = options, .in = INPUT_NONE, .site = SITE_NONE, .ca = ca_none(), .old_ledger = -1
    };
    enum exit_code code = take_options(&r, argc, argv);
    if (code == EXIT_DONE)
        code = input_open(&r.in, argv[optind]);
    if (code == EXIT_DONE)
        code = site_open(&r.site, options);
    if (code == EXIT_DONE)
        code = input_unlock(&r.in, options);
    if (code == EXIT_DONE)
        code = site_lock(&r.site);
    if (code == EXIT_DONE)
        code = build(&r);
    if (code == EXIT_DONE)
        code = site_publish(&r.site);
    return code == EXIT_DONE ? tell(&r) : code;
}
