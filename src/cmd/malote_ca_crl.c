/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/timefmt.h"
#include "cmd/malote_ca_footer.h"
#include "cmd/malote_ca_link.h"
#include "cmd/malote_ca_output.h"
#include "cmd/say.h"

/* crl [--out FILE] [--json]: the newest list of revoked certificates, for whoever checks them. */

struct crl_job {
    const char *out; /* NULL: stdout */
    struct output output;
    struct errand errand; /* writes it: on the files we become another user */
    struct admin_row authority;
    struct buf der;
};

static void clear_job(struct crl_job *job)
{
    errand_clear(&job->errand);
    output_close(&job->output);
    buf_clear(&job->der);
}

static enum exit_code take_words(struct malote_ca_options *options, int argc, char **argv,
                                 struct crl_job *job)
{
    static const struct option known[] = { { "out", required_argument, NULL, 'o' },
                                           { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'j')
            options->json = true;
        else if (c == 'o' && job->out == NULL)
            job->out = optarg;
        else
            return malote_ca_wrong_usage(argv[0]);
    }
    if (argc != optind)
        return malote_ca_wrong_usage(argv[0]);
    if (job->out != NULL && strcmp(job->out, "-") == 0)
        job->out = NULL;
    return EXIT_DONE;
}

static enum exit_code prepare(struct crl_job *job)
{
    const struct errand_work work = { .run = output_write, .ctx = &job->output };
    if (job->out == NULL)
        return EXIT_DONE;
    enum exit_code code = output_open(&job->output, OUTPUT_PUBLIC, job->out);
    return code == EXIT_DONE ? errand_start(&job->errand, &work) : code;
}

static enum mlt_err gather(struct ca_rows *rows, struct crl_job *job)
{
    struct admin_row row;
    while (ca_rows_next(rows, &row)) {
        if (row.kind == ADMIN_ROW_AUTHORITY)
            job->authority = row;
        else if (row.kind == ADMIN_ROW_ALARM)
            footer_say_alarm(&row);
        else if (row.kind == ADMIN_ROW_CRL)
            TRY(buf_put(&job->der, row.piece));
    }
    return MLT_OK;
}

static enum mlt_err put_json(const struct crl_job *job, struct span pem)
{
    char made[TIMEFMT_RFC3339];
    char until[TIMEFMT_RFC3339];
    timefmt_rfc3339(job->authority.at_s * 1000, made);
    timefmt_rfc3339(job->authority.next_s * 1000, until);
    bool to_file = job->out != NULL;
    return malote_ca_put_json(json_pack("{s:s, s:I, s:s, s:s, s:I, s:o*}", "type", "crl", "number",
                                        (json_int_t)job->authority.number, "this_update", made,
                                        "next_update", until, "revoked",
                                        (json_int_t)job->authority.count, "crl",
                                        to_file ? NULL : json_stringn((const char *)pem.p, pem.n)));
}

static enum exit_code show(const struct malote_ca_options *options, struct crl_job *job)
{
    CLEANUP(buf_clear) struct buf pem = { 0 };
    if (job->der.len == 0) {
        say_error(TEXT_CA_CRL_NONE);
        return EXIT_REFUSED;
    }
    enum mlt_err err = crl_pem(buf_span(&job->der), &pem);
    if (err != MLT_OK) {
        say_error(TEXT_CA_CRL_INCOMPLETE);
        return EXIT_LOCAL;
    }
    if (job->out != NULL) {
        enum exit_code code = output_hand(&job->errand, buf_span(&pem));
        if (code != EXIT_DONE)
            return code;
    }
    if (options->json)
        err = put_json(job, buf_span(&pem));
    else if (job->out == NULL)
        fwrite(pem.p, 1, pem.len, stdout);
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}

enum exit_code malote_ca_crl(struct malote_ca_options *options, int argc, char **argv)
{
    CLEANUP(clear_job) struct crl_job job = { .output = OUTPUT_NONE, .errand = ERRAND_NONE };
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    const struct admin_request request = { .verb = ADMIN_CRL };
    enum exit_code code = take_words(options, argc, argv, &job);
    if (code == EXIT_DONE)
        code = prepare(&job);
    if (code == EXIT_DONE)
        code = ca_link_ask_once(options, &request, &rows);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = gather(&rows, &job);
    return err == MLT_OK ? show(options, &job) : malote_ca_put_done(err);
}
