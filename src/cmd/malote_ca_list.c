/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>

#include "base/env.h"
#include "base/hex.h"
#include "base/timefmt.h"
#include "cmd/malote_ca_link.h"
#include "pki/cert.h"

/* list, show NAME. */

/* A certificate's row as texts. */
struct texts {
    char fingerprint[2 * HASH_LEN + 1];
    char serial[2 * CERT_SERIAL + 1];
    char issued[TIMEFMT_RFC3339];
    char expires[TIMEFMT_RFC3339];
    char expires_in[TIMEFMT_RELATIVE];
    const char *state;
};

static const char *state_text(enum cert_state state)
{
    switch (state) {
    case CERT_STATE_VALID:
        return "valid";
    case CERT_STATE_EXPIRED:
        return "expired";
    case CERT_STATE_REVOKED:
        return "revoked";
    }
    return "unknown";
}

static void make_texts(const struct admin_row *row, struct texts *t)
{
    hex_encode(SPAN_OF(row->fingerprint), t->fingerprint);
    hex_encode(SPAN_OF(row->serial), t->serial);
    timefmt_rfc3339(row->at_s * 1000, t->issued);
    timefmt_rfc3339(row->not_after_s * 1000, t->expires);
    timefmt_relative(row->not_after_s * 1000, env_wall_ms(env_system()), t->expires_in);
    t->state = state_text(row->state);
}

static enum mlt_err make_pem(const struct admin_row *row, struct buf *pem)
{
    return row->certificate.n == 0 ? MLT_OK : cert_pem_from_der(row->certificate, pem);
}

static enum mlt_err put_json(const struct admin_row *row)
{
    struct texts t;
    make_texts(row, &t);
    CLEANUP(buf_clear) struct buf pem = { 0 };
    const char *text = NULL;
    TRY(make_pem(row, &pem));
    TRY(buf_text(&pem, &text));
    return malote_ca_put_json(
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s*}", "type", "certificate", "name",
                  row->name.text, "serial", t.serial, "fingerprint", t.fingerprint, "issued",
                  t.issued, "expires", t.expires, "state", t.state, "ledger",
                  (json_int_t)row->ledger_index, "certificate", pem.len > 0 ? text : NULL));
}

static void put_line(const struct admin_row *row)
{
    struct texts t;
    make_texts(row, &t);
    printf("%-32s  %s  %-16s  %s\n", row->name.text, t.serial, t.expires_in, t.state);
}

static enum mlt_err put_page(const struct admin_row *row)
{
    struct texts t;
    make_texts(row, &t);
    CLEANUP(buf_clear) struct buf pem = { 0 };
    TRY(make_pem(row, &pem));
    printf("name         %s\n", row->name.text);
    printf("state        %s\n", t.state);
    printf("serial       %s\n", t.serial);
    printf("fingerprint  %s\n", t.fingerprint);
    printf("issued       %s\n", t.issued);
    printf("expires      %s (%s)\n", t.expires, t.expires_in);
    printf("ledger       %llu\n", (unsigned long long)row->ledger_index);
    printf("%.*s", (int)pem.len, (const char *)pem.p);
    return MLT_OK;
}

enum exit_code malote_ca_list(struct malote_ca_options *options, int argc, char **argv)
{
    int first = 0;
    enum exit_code code = malote_ca_words(options, argc, argv, 0, 0, &first);
    if (code != EXIT_DONE)
        return code;
    const struct admin_request request = { .verb = ADMIN_LIST };
    CLEANUP(ca_rows_clear) struct ca_rows rows = { 0 };
    code = ca_link_ask_once(options, &request, &rows);
    if (code == EXIT_DONE && !options->json)
        printf("%-32s  %-32s  %-16s  %s\n", "NAME", "SERIAL", "EXPIRES", "STATE");
    struct admin_row row;
    while (code == EXIT_DONE && ca_rows_next(&rows, &row)) {
        if (options->json)
            code = malote_ca_put_done(put_json(&row));
        else
            put_line(&row);
    }
    return code == EXIT_DONE ? malote_ca_flush() : code;
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
    struct admin_row row;
    while (code == EXIT_DONE && ca_rows_next(&rows, &row))
        code = malote_ca_put_done(options->json ? put_json(&row) : put_page(&row));
    return code == EXIT_DONE ? malote_ca_flush() : code;
}
