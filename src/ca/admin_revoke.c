/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/answer.h"

#include "ca/audit.h"
#include "ca/explain.h"
#include "ca/members.h"
#include "ca/renew.h"
#include "ca/revoke.h"

/* ---- revoke ---- */

/* Net was told before the list was tried, unless there is none, or its channel broke. */
enum mlt_err answer_unlisted(const struct answer *a, enum mlt_err err)
{
    const char *name = a->request->name.text;
    const char *cause = a->ca->crl_care.drops ? TEXT_CRL_DROPS : err_cause(err);
    bool told = a->ca->net.is_here;
    if (a->request->verb == ADMIN_REISSUE && told)
        return explain(a->why, err, TEXT_REISSUED_UNLISTED, name, cause);
    if (a->request->verb == ADMIN_REISSUE)
        return explain(a->why, err, TEXT_REISSUED_UNTOLD, name, cause);
    if (told)
        return explain(a->why, err, TEXT_REVOKED_UNLISTED, name, cause);
    return explain(a->why, err, TEXT_REVOKED_UNTOLD, name, cause);
}

/* The server is no member, and its name nobody's to close. */
static enum mlt_err is_closed(const struct answer *a, bool *closed)
{
    struct member member;
    bool found = false;
    TRY(members_find(&a->ca->db, &a->request->name, &member, &found));
    *closed = !found || member.closed;
    return MLT_OK;
}

enum mlt_err answer_revoke(struct answer *a)
{
    const struct revoke_order order = { a->request->name, a->request->reason };
    size_t count = 0;
    bool done = false, was_closed = false;
    TRY(is_closed(a, &was_closed));
    enum mlt_err err = revoke_name(a->ca, &order, &count, &done);
    if (err == MLT_ERR_MISSING && !done)
        return answer_no_such_name(a);
    if (err != MLT_OK && done)
        return answer_unlisted(a, err);
    TRY(err);
    a->unchanged = was_closed && count == 0;
    return answer_newest(a);
}

/* ---- renew ---- */

enum mlt_err answer_renew(struct answer *a)
{
    const struct name *name = &a->request->name;
    enum mlt_err err = renew_allow(a->ca, name);
    if (err == MLT_ERR_MISSING)
        return answer_no_such_name(a);
    if (err == MLT_ERR_CERT_REVOKED)
        return explain(a->why, err, TEXT_RENEW_REVOKED, name->text, name->text);
    if (err == MLT_ERR_REFUSED)
        return explain(a->why, err, TEXT_RENEW_HIDDEN, name->text, name->text);
    TRY(err);
    return answer_newest(a);
}

/* ---- audit ---- */

static enum mlt_err emit_count(void *ctx, uint64_t count, struct span what)
{
    const struct admin_row row = { .kind = ADMIN_ROW_COUNT, .count = count, .text = what };
    return answer_row(ctx, &row);
}

static enum mlt_err emit_finding(void *ctx, struct span text)
{
    const struct admin_row row = { .kind = ADMIN_ROW_FINDING, .text = text };
    return answer_row(ctx, &row);
}

enum mlt_err answer_audit(struct answer *a)
{
    const struct audit_sink sink = { emit_count, emit_finding, a };
    return audit_run(a->ca, &sink);
}
