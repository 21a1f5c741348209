/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/answer.h"

#include <string.h>

#include "ca/alarm.h"
#include "ca/crl_keep.h"
#include "ca/roster.h"

/* ---- certificates ---- */

/* Of a clock that was ahead: it was before now. */
static int64_t until_now(const struct answer *a, int64_t seen_s)
{
    int64_t now_s = ca_now_s(a->ca);
    return seen_s < now_s ? seen_s : now_s;
}

static enum mlt_err emit_certificate(const struct answer *a, const struct roster_row *row,
                                     struct span der)
{
    const struct certificate *c = &row->newest;
    struct admin_row out = { .kind = ADMIN_ROW_CERT,
                             .name = c->name,
                             .at_s = c->issued_s,
                             .role = c->role,
                             .state = roster_state(row, ca_now_s(a->ca)),
                             .not_after_s = c->not_after_s,
                             .ledger_index = c->position,
                             .certificate = der,
                             .seen_s = until_now(a, row->seen_s),
                             .revoked_s = c->revoked_s,
                             .reason = c->reason,
                             .unchanged = a->unchanged };
    memcpy(out.fingerprint, c->spki_hash, HASH_LEN);
    memcpy(out.serial, c->serial, CERT_SERIAL);
    return answer_row(a, &out);
}

static enum mlt_err emit_listed(void *ctx, const struct roster_row *row)
{
    return emit_certificate(ctx, row, (struct span) { 0 });
}

struct naming {
    const struct answer *a;
    size_t count;
};

static enum mlt_err emit_name(void *ctx, const struct roster_name *name)
{
    struct naming *naming = ctx;
    bool closed = name->closed_s != 0;
    const struct admin_row out = { .kind = ADMIN_ROW_NAME,
                                   .name = name->name,
                                   .state = closed ? CERT_STATE_CLOSED : CERT_STATE_WAITS,
                                   .seen_s = until_now(naming->a, name->seen_s),
                                   .revoked_s = name->closed_s,
                                   .unchanged = naming->a->unchanged };
    naming->count++;
    return answer_row(naming->a, &out);
}

static enum mlt_err answer_name(const struct answer *a)
{
    struct naming naming = { .a = a };
    const struct roster_name_visit visit = { emit_name, &naming };
    TRY(roster_names(&a->ca->db, &a->request->name, &visit));
    return naming.count > 0 ? MLT_OK : answer_no_such_name(a);
}

static enum mlt_err emit_older(void *ctx, const struct roster_row *row)
{
    const struct answer *a = ctx;
    struct roster_row older = *row;
    older.replaced = true;
    older.seen_s = 0;
    return emit_certificate(a, &older, (struct span) { 0 });
}

/* *row: only if it is found; a name without a certificate is answered as well. */
static enum mlt_err emit_newest(const struct answer *a, bool whole, struct roster_row *row,
                                bool *found)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    enum mlt_err err = roster_newest(&a->ca->db, &a->request->name, row, &der);
    *found = err == MLT_OK;
    if (err == MLT_ERR_MISSING)
        return answer_name(a);
    TRY(err);
    return emit_certificate(a, row, whole ? buf_span(&der) : (struct span) { 0 });
}

enum mlt_err answer_show(struct answer *a)
{
    struct roster_row row;
    bool found = false;
    TRY(emit_newest(a, true, &row, &found));
    const struct roster_visit older = { emit_older, a };
    return found ? roster_older(&a->ca->db, &row, &older) : MLT_OK;
}

enum mlt_err answer_newest(struct answer *a)
{
    struct roster_row row;
    bool found = false;
    return emit_newest(a, false, &row, &found);
}

/* ---- the CA itself ---- */

static enum mlt_err emit_authority(const struct answer *a)
{
    struct crl_facts crl;
    uint64_t size = 0;
    TRY(crl_keep_facts(&a->ca->db, &crl));
    TRY(ledger_size(&a->ca->db, &size));
    const struct admin_row row = { .kind = ADMIN_ROW_AUTHORITY,
                                   .at_s = crl.this_update_s,
                                   .next_s = crl.next_update_s,
                                   .number = crl.number,
                                   .count = crl.entries,
                                   .not_after_s = a->ca->cert.fields.not_after_s,
                                   .ledger_index = size };
    return answer_row(a, &row);
}

static enum mlt_err emit_alarm(void *ctx, const struct alarm *alarm)
{
    const struct admin_row row = {
        .kind = ADMIN_ROW_ALARM, .alarm = alarm->kind, .at_s = alarm->since_s, .text = alarm->text
    };
    return answer_row(ctx, &row);
}

static enum mlt_err emit_if_nothing_is_signed(void *ctx, const struct alarm *alarm)
{
    bool concerns_all = alarm->kind == ADMIN_ALARM_STOPPED || alarm->kind == ADMIN_ALARM_CLOCK ||
                        alarm->kind == ADMIN_ALARM_CRL_DROPS;
    return concerns_all ? emit_alarm(ctx, alarm) : MLT_OK;
}

static enum mlt_err emit_state(struct answer *a)
{
    TRY(emit_authority(a));
    const struct alarm_visit alarms = { emit_alarm, a };
    return alarm_each(a->ca, &alarms);
}

enum mlt_err answer_alarms(struct answer *a)
{
    const struct alarm_visit alarms = { emit_if_nothing_is_signed, a };
    return alarm_each(a->ca, &alarms);
}

enum mlt_err answer_list(struct answer *a)
{
    const struct roster_visit rows = { emit_listed, a };
    struct naming naming = { .a = a };
    const struct roster_name_visit names = { emit_name, &naming };
    TRY(roster_each(&a->ca->db, &rows));
    TRY(roster_names(&a->ca->db, NULL, &names));
    return emit_state(a);
}

enum mlt_err answer_crl(struct answer *a)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    uint64_t number = 0;
    TRY(emit_state(a));
    enum mlt_err err = crl_keep_der(&a->ca->db, &number, &der);
    if (err == MLT_ERR_MISSING)
        return MLT_OK;
    TRY(err);
    for (size_t at = 0; at < der.len;) {
        size_t left = der.len - at, n = left < ADMIN_PIECE_MAX ? left : ADMIN_PIECE_MAX;
        const struct admin_row row = { .kind = ADMIN_ROW_CRL, .piece = span_of(der.p + at, n) };
        TRY(answer_row(a, &row));
        at += n;
    }
    return MLT_OK;
}
