/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cmd/malote_ca_link.h"
#include "cmd/malote_ca_output.h"
#include "cmd/malote_ca_verify.h"
#include "cmd/say.h"

/* backup FILE, and backup --verify FILE (malote_ca_verify.h). */

static enum exit_code take_options(struct malote_ca_options *options, int argc, char **argv,
                                   bool *verify)
{
    static const struct option known[] = { { "verify", no_argument, NULL, 'v' },
                                           { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'v')
            *verify = true;
        else if (c == 'j')
            options->json = true;
        else
            return malote_ca_wrong_usage("backup");
    }
    return argc - optind == 1 ? EXIT_DONE : malote_ca_wrong_usage("backup");
}

static enum exit_code tell(const struct malote_ca_options *options, const char *path, int fd)
{
    struct stat st;
    enum mlt_err err = MLT_OK;
    long long bytes = fstat(fd, &st) == 0 ? (long long)st.st_size : 0;
    if (options->json)
        err = malote_ca_put_json(json_pack("{s:s, s:s, s:I}", "type", "backup", "file", path,
                                           "bytes", (json_int_t)bytes));
    else
        malote_ca_put_line(TEXT_CA_BACKUP_DONE, path, bytes);
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}

static enum exit_code make(struct malote_ca_options *options, struct errand *errand,
                           const char *path)
{
    const struct admin_request request = { .verb = ADMIN_BACKUP };
    CLEANUP(ca_link_close) struct ca_link link = CA_LINK_CLOSED;
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    enum exit_code code = ca_link_open(options, &link);
    if (code == EXIT_DONE)
        code = ca_link_ask(&link, &request, &rows);
    if (code == EXIT_DONE && link.file < 0) {
        say_error(TEXT_CA_NO_ANSWER, err_text(MLT_ERR_UNEXPECTED));
        code = EXIT_UNREACHABLE;
    }
    if (code == EXIT_DONE)
        code = errand_run(errand, link.file);
    return code == EXIT_DONE ? tell(options, path, link.file) : code;
}

enum exit_code malote_ca_backup(struct malote_ca_options *options, int argc, char **argv)
{
    bool verify = false;
    enum exit_code code = take_options(options, argc, argv, &verify);
    if (code != EXIT_DONE)
        return code;
    if (verify)
        return malote_ca_verify(options, argv[optind]);
    CLEANUP(output_close) struct output output = OUTPUT_NONE;
    CLEANUP(errand_clear) struct errand errand = ERRAND_NONE;
    const struct errand_work work = { .run = output_write, .ctx = &output };
    code = output_open(&output, OUTPUT_SECRET, argv[optind]);
    if (code == EXIT_DONE)
        code = errand_start(&errand, &work);
    return code == EXIT_DONE ? make(options, &errand, argv[optind]) : code;
}
