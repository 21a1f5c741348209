/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/malote_ca_certificate.h"
#include "cmd/malote_ca_link.h"

/* show NAME: its certificates, the newest first; or why there is none. */

static enum mlt_err put_name(const struct admin_row *row, bool json)
{
    if (json)
        return certificate_put_name_json(row);
    certificate_put_name_page(row);
    return MLT_OK;
}

static enum mlt_err put_rows(struct ca_rows *rows, bool json)
{
    struct admin_row row;
    for (bool first = true; ca_rows_next(rows, &row);) {
        if (row.kind == ADMIN_ROW_NAME)
            return put_name(&row, json);
        if (row.kind != ADMIN_ROW_CERT)
            continue;
        if (json) {
            TRY(certificate_put_json(&row));
            continue;
        }
        if (!first)
            putchar('\n');
        first = false;
        TRY(certificate_put_page(&row));
    }
    return MLT_OK;
}

enum exit_code malote_ca_show(struct malote_ca_options *options, int argc, char **argv)
{
    int first = 0;
    struct admin_request request = { .verb = ADMIN_SHOW, .has_name = true };
    enum exit_code code = malote_ca_words(options, argc, argv, 1, 1, &first);
    if (code == EXIT_DONE)
        code = malote_ca_name(argv[first], true, &request.name);
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    if (code == EXIT_DONE)
        code = ca_link_ask_once(options, &request, &rows);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = put_rows(&rows, options->json);
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}
