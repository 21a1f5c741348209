/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>

#include "cmd/malote_ca_fresh.h"
#include "cmd/malote_ca_link.h"
#include "cmd/malote_ca_output.h"
#include "cmd/say.h"
#include "crypto/pkcs12.h"

/* export FILE: the CA's key and certificate as PKCS#12. */

struct wish {
    struct fresh fresh;
    struct secret passphrase; /* of the file */
};

static void wish_clear(struct wish *w)
{
    secret_clear(&w->passphrase);
}

static enum exit_code take_options(struct malote_ca_options *options, int argc, char **argv,
                                   struct wish *w)
{
    static const struct option known[] = {
        { "export-passphrase-fd", required_argument, NULL, FRESH_FD },
        { "export-passphrase-file", required_argument, NULL, FRESH_FILE },
        { "json", no_argument, NULL, 'j' },
        { NULL, 0, NULL, 0 }
    };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'j')
            options->json = true;
        else if ((c != FRESH_FD && c != FRESH_FILE) || !fresh_take(&w->fresh, c, optarg))
            return malote_ca_wrong_usage("export");
    }
    return argc - optind == 1 ? EXIT_DONE : malote_ca_wrong_usage("export");
}

static enum exit_code read_fresh(void *ctx)
{
    struct wish *w = ctx;
    return fresh_read(&w->fresh, &w->passphrase);
}

static enum mlt_err make_file(const struct ca *ca, const struct wish *w, struct buf *file)
{
    CLEANUP(buf_clear) struct buf label = { 0 };
    const char *text = NULL;
    /* Both are borrowed from the authority. */
    const struct pkcs12 p = { .key = ca->key, .certificate = ca->cert_der };
    TRY(buf_put_format(&label, "malote CA %s", ca->realm));
    TRY(buf_text(&label, &text));
    return pkcs12_make(&p, text, secret_span(&w->passphrase), file);
}

static enum exit_code write_out(const struct ca *ca, const struct wish *w, struct errand *errand)
{
    CLEANUP(buf_clear) struct buf file = { 0 };
    enum mlt_err err = make_file(ca, w, &file);
    if (err == MLT_OK)
        return output_hand(errand, buf_span(&file));
    say_error(TEXT_CA_EXPORT_FAILED, err_cause(err));
    return err == MLT_ERR_USAGE ? EXIT_USAGE : EXIT_LOCAL;
}

static enum exit_code tell(const struct malote_ca_options *options, const char *path)
{
    enum mlt_err err = MLT_OK;
    if (options->json)
        err = malote_ca_put_json(json_pack("{s:s, s:s}", "type", "export", "file", path));
    else
        malote_ca_put_line(TEXT_CA_EXPORT_DONE, path);
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}

enum exit_code malote_ca_export(struct malote_ca_options *options, int argc, char **argv)
{
    CLEANUP(wish_clear)
    struct wish w = { .fresh = { .source = { .fd = -1, .apart = true },
                                 .what = "export",
                                 .prompt = TEXT_CA_EXPORT_PASSPHRASE_PROMPT } };
    CLEANUP(output_close) struct output output = OUTPUT_NONE;
    CLEANUP(errand_clear) struct errand errand = ERRAND_NONE;
    CLEANUP(ca_link_close) struct ca_link link = CA_LINK_CLOSED;
    const struct errand_work work = { .run = output_write, .ctx = &output };
    const struct ca_link_before before = { read_fresh, &w };
    enum exit_code code = take_options(options, argc, argv, &w);
    if (code == EXIT_DONE)
        code = output_open(&output, OUTPUT_SECRET, argv[optind]);
    if (code == EXIT_DONE)
        code = errand_start(&errand, &work);
    if (code == EXIT_DONE)
        code = ca_link_open_files(options, &before, &link);
    if (code == EXIT_DONE)
        code = write_out(&link.ca, &w, &errand);
    return code == EXIT_DONE ? tell(options, argv[optind]) : code;
}
