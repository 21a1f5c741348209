/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "cmd/malote_ca_footer.h"
#include "cmd/malote_ca_link.h"
#include "cmd/say.h"

/* audit: how much was looked at, what is not as it should be, and the verdict. */

static enum mlt_err put_text(const char *text, const struct admin_row *row, bool json)
{
    unsigned long long count = row->count;
    if (json && row->kind == ADMIN_ROW_COUNT)
        return malote_ca_put_json(json_pack("{s:s, s:I, s:s}", "type", "count", "count",
                                            (json_int_t)count, "what", text));
    if (json)
        return malote_ca_put_json(json_pack("{s:s, s:s}", "type", "finding", "text", text));
    if (row->kind == ADMIN_ROW_COUNT)
        malote_ca_put_line(TEXT_CA_AUDIT_COUNT, text, count);
    else
        malote_ca_put_line(TEXT_CA_AUDIT_FINDING, text);
    return MLT_OK;
}

static enum mlt_err put_row(const struct admin_row *row, bool json)
{
    CLEANUP(buf_clear) struct buf safe = { 0 };
    const char *text = NULL;
    if (row->kind == ADMIN_ROW_AUTHORITY)
        return footer_put_authority(row, json);
    if (row->kind != ADMIN_ROW_COUNT && row->kind != ADMIN_ROW_FINDING)
        return MLT_OK;
    TRY(text_put_safe(&safe, row->text, false));
    TRY(buf_text(&safe, &text));
    return put_text(text, row, json);
}

static enum mlt_err put_verdict(unsigned long long findings, bool json)
{
    if (json)
        return malote_ca_put_json(json_pack("{s:s, s:b, s:I}", "type", "audit", "ok", findings == 0,
                                            "findings", (json_int_t)findings));
    if (findings == 0)
        printf("%s\n", TEXT_CA_AUDIT_GOOD);
    else if (findings == 1)
        printf("%s\n", TEXT_CA_AUDIT_BAD_ONE);
    else
        malote_ca_put_line(TEXT_CA_AUDIT_BAD, findings);
    return MLT_OK;
}

static enum mlt_err put_all(struct ca_rows *rows, bool json, unsigned long long *findings)
{
    struct admin_row row;
    while (ca_rows_next(rows, &row)) {
        if (row.kind == ADMIN_ROW_FINDING)
            (*findings)++;
        TRY(put_row(&row, json));
    }
    return put_verdict(*findings, json);
}

enum exit_code malote_ca_audit(struct malote_ca_options *options, int argc, char **argv)
{
    int first = 0;
    const struct admin_request request = { .verb = ADMIN_AUDIT };
    enum exit_code code = malote_ca_words(options, argc, argv, 0, 0, &first);
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    if (code == EXIT_DONE)
        code = ca_link_ask_once(options, &request, &rows);
    if (code != EXIT_DONE)
        return code;
    unsigned long long findings = 0;
    enum mlt_err err = put_all(&rows, options->json, &findings);
    code = err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
    return code == EXIT_DONE && findings > 0 ? EXIT_TRUST : code;
}
