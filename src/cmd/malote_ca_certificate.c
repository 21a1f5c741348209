/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_certificate.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/timefmt.h"
#include "cmd/malote_ca_commands.h"
#include "cmd/malote_ca_reason.h"
#include "cmd/texts.h"
#include "cmd/when.h"
#include "pki/cert.h"

static const struct {
    enum cert_state state;
    const char *word;
    const char *text;
} states[] = {
    { CERT_STATE_VALID, "valid", "valid" },
    { CERT_STATE_LATE, "late", "valid, not renewed yet" },
    { CERT_STATE_GRACE, "grace", "expired, still renewed" },
    { CERT_STATE_EXPIRED, "expired", "expired" },
    { CERT_STATE_REVOKED, "revoked", "revoked" },
    { CERT_STATE_WAITS, "waiting", "waits for a new key" },
    { CERT_STATE_FUTURE, "future", "not yet valid" },
    { CERT_STATE_CLOSED, "closed", "closed" },
};

bool certificate_take_state(const char *word, enum cert_state *state)
{
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (strcmp(states[i].word, word) == 0) {
            *state = states[i].state;
            return true;
        }
    }
    return false;
}

static const char *state_word(enum cert_state state)
{
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (states[i].state == state)
            return states[i].word;
    }
    return "unknown";
}

const char *certificate_state_text(enum cert_state state)
{
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (states[i].state == state)
            return states[i].text;
    }
    return "unknown";
}

/* A row as texts. */
struct texts {
    char fingerprint[2 * HASH_LEN + 1];
    char serial[2 * CERT_SERIAL + 1];
    char issued[TIMEFMT_RFC3339];
    char expires[TIMEFMT_RFC3339];
};

static void make_texts(const struct admin_row *row, struct texts *t)
{
    hex_encode(SPAN_OF(row->fingerprint), t->fingerprint);
    hex_encode(SPAN_OF(row->serial), t->serial);
    timefmt_rfc3339(row->at_s * 1000, t->issued);
    timefmt_rfc3339(row->not_after_s * 1000, t->expires);
}

static bool is_revoked(const struct admin_row *row)
{
    return row->state == CERT_STATE_REVOKED || row->state == CERT_STATE_WAITS;
}

static enum mlt_err make_pem(const struct admin_row *row, struct buf *pem)
{
    return row->certificate.n == 0 ? MLT_OK : cert_pem_from_der(row->certificate, pem);
}

enum mlt_err certificate_put_json(const struct admin_row *row)
{
    struct texts t;
    make_texts(row, &t);
    CLEANUP(buf_clear) struct buf pem = { 0 };
    const char *text = NULL;
    TRY(make_pem(row, &pem));
    TRY(buf_text(&pem, &text));
    return malote_ca_put_json(json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o*, s:o*, s:s*, s:s*}", "type", "certificate",
        "name", row->name.text, "serial", t.serial, "fingerprint", t.fingerprint, "issued",
        t.issued, "expires", t.expires, "state", state_word(row->state), "ledger",
        (json_int_t)row->ledger_index, "seen", when_json(row->seen_s), "revoked",
        when_json(row->revoked_s), "reason", is_revoked(row) ? reason_word(row->reason) : NULL,
        "certificate", pem.len > 0 ? text : NULL));
}

enum mlt_err certificate_put_name_json(const struct admin_row *row)
{
    return malote_ca_put_json(json_pack("{s:s, s:s, s:s, s:o*, s:o*}", "type", "name", "name",
                                        row->name.text, "state", state_word(row->state), "seen",
                                        when_json(row->seen_s), "closed",
                                        when_json(row->revoked_s)));
}

static void put_seen(const struct admin_row *row)
{
    char when[WHEN_TEXT];
    if (row->seen_s == 0)
        return;
    when_text(row->seen_s, when);
    printf("last seen    %s\n", when);
}

void certificate_put_name_page(const struct admin_row *row)
{
    char when[WHEN_TEXT];
    printf("name         %s\n", row->name.text);
    printf("state        %s\n", certificate_state_text(row->state));
    if (row->revoked_s != 0) {
        when_text(row->revoked_s, when);
        printf("closed       %s\n", when);
    }
    put_seen(row);
    malote_ca_put_line(TEXT_CA_SHOW_NAME);
    if (row->state == CERT_STATE_CLOSED)
        malote_ca_put_line(TEXT_CA_SHOW_REISSUE, row->name.text);
}

enum mlt_err certificate_put_page(const struct admin_row *row)
{
    struct texts t;
    char when[WHEN_TEXT];
    make_texts(row, &t);
    CLEANUP(buf_clear) struct buf pem = { 0 };
    TRY(make_pem(row, &pem));
    printf("name         %s\n", row->name.text);
    printf("state        %s\n", certificate_state_text(row->state));
    printf("serial       %s\n", t.serial);
    printf("fingerprint  %s\n", t.fingerprint);
    when_text(row->at_s, when);
    printf("issued       %s\n", when);
    when_text(row->not_after_s, when);
    printf("expires      %s\n", when);
    put_seen(row);
    if (is_revoked(row)) {
        when_text(row->revoked_s, when);
        printf("revoked      %s, %s\n", when, reason_word(row->reason));
    }
    printf("ledger       position %llu\n", (unsigned long long)row->ledger_index);
    if (row->state == CERT_STATE_FUTURE && row->role == CERT_CLIENT)
        malote_ca_put_line(TEXT_CA_SHOW_FUTURE, row->name.text);
    printf("%.*s", (int)pem.len, (const char *)pem.p);
    return MLT_OK;
}
