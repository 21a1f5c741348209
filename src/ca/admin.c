/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/answer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "ca/crl_keep.h"
#include "ca/enrol.h"
#include "ca/explain.h"
#include "ca/mailbox_erase.h"
#include "ca/members.h"
#include "ca/pending.h"
#include "ca/reissue.h"

static const int64_t longest_invite_s = (int64_t)3650 * 86400;

enum mlt_err answer_row(const struct answer *a, const struct admin_row *row)
{
    return a->sink->on_row(a->sink->ctx, row);
}

enum mlt_err answer_no_such_name(const struct answer *a)
{
    return explain(a->why, MLT_ERR_MISSING, TEXT_NO_SUCH_NAME, a->request->name.text);
}

static enum mlt_err emit_url(const struct answer *a, const struct invite *invite,
                             const struct name *name, int64_t expires_s)
{
    CLEANUP(buf_clear) struct buf url = { 0 };
    TRY(ca_join_url(a->ca, name, invite, &url));
    struct admin_row row = { .kind = ADMIN_ROW_URL, .at_s = expires_s, .url = buf_span(&url) };
    memcpy(row.invite_id, invite->id, INVITE_ID);
    if (name != NULL)
        row.name = *name;
    return answer_row(a, &row);
}

static enum mlt_err check_expires(const struct answer *a)
{
    int64_t asked = a->request->expires_s;
    if (asked < 1 || asked > longest_invite_s)
        return explain(a->why, MLT_ERR_USAGE, TEXT_EXPIRES_RANGE);
    return MLT_OK;
}

static enum mlt_err check_url(const struct answer *a)
{
    if (a->ca->advertise[0] == '\0')
        return explain(a->why, MLT_ERR_MISSING, TEXT_NO_ADDRESS);
    return MLT_OK;
}

/* ---- invite ---- */

static enum mlt_err check_invited_name(const struct answer *a)
{
    const struct name *name = &a->request->name;
    struct name checked;
    if (name_parse_user(name_span(name), &checked) != MLT_OK)
        return explain(a->why, MLT_ERR_USAGE, TEXT_NAME_RESERVED, name->text);
    if (a->request->count != 1)
        return explain(a->why, MLT_ERR_USAGE, TEXT_COUNT_AND_NAME);
    struct member member;
    bool found = false;
    TRY(members_find(&a->ca->db, name, &member, &found));
    if (found && member.has_key)
        return explain(a->why, MLT_ERR_EXISTS, TEXT_NAME_HAS_KEY, name->text, name->text);
    if (found && member.closed)
        return explain(a->why, MLT_ERR_EXISTS, TEXT_NAME_CLOSED, name->text, name->text);
    return MLT_OK;
}

static enum mlt_err make_invites(const struct answer *a, int64_t expires_s, struct buf *made)
{
    const struct admin_request *r = a->request;
    int64_t now_s = ca_now_s(a->ca);
    TRY(invite_purge(&a->ca->db, now_s));
    for (uint32_t i = 0; i < r->count; i++) {
        struct invite invite;
        TRY(invite_make(&a->ca->db, &a->ca->invite_key, r->has_name ? &r->name : NULL, now_s,
                        expires_s, &invite));
        enum mlt_err err = buf_put(made, span_of(&invite, sizeof(invite)));
        alloc_wipe(&invite, sizeof(invite));
        TRY(err);
    }
    return MLT_OK;
}

static enum mlt_err answer_invite(const struct answer *a)
{
    const struct admin_request *r = a->request;
    TRY(check_expires(a));
    TRY(check_url(a));
    if (r->count < 1 || r->count > LIMIT_INVITES_AT_ONCE)
        return explain(a->why, MLT_ERR_USAGE, TEXT_COUNT_RANGE,
                       (unsigned long long)LIMIT_INVITES_AT_ONCE);
    if (r->has_name)
        TRY(check_invited_name(a));
    int64_t expires_s = ca_now_s(a->ca) + r->expires_s;
    /* One transaction; shown only once it stands. */
    CLEANUP(buf_clear) struct buf made = { 0 };
    TRY(database_begin(&a->ca->db));
    TRY(database_end(&a->ca->db, make_invites(a, expires_s, &made)));
    for (size_t at = 0; at < made.len; at += sizeof(struct invite)) {
        struct invite invite;
        memcpy(&invite, made.p + at, sizeof(invite));
        enum mlt_err err = emit_url(a, &invite, r->has_name ? &r->name : NULL, expires_s);
        alloc_wipe(&invite, sizeof(invite));
        TRY(err);
    }
    return MLT_OK;
}

/* ---- pending, approve, refuse ---- */

static enum mlt_err emit_pending(void *ctx, const struct name *name,
                                 const uint8_t spki_hash[static HASH_LEN], int64_t asked_s)
{
    struct admin_row row = { .kind = ADMIN_ROW_PENDING, .name = *name, .at_s = asked_s };
    memcpy(row.fingerprint, spki_hash, HASH_LEN);
    return answer_row(ctx, &row);
}

static enum mlt_err answer_pending(struct answer *a)
{
    const struct pending_visit visit = { emit_pending, a };
    return pending_each(&a->ca->db, ca_now_s(a->ca), &visit);
}

static enum mlt_err answer_approve(const struct answer *a)
{
    const struct admin_request *r = a->request;
    enum refusal reason = REFUSAL_NONE;
    enum mlt_err err = enrol_approve(a->ca, &r->name, r->fingerprint, &reason);
    if (err == MLT_ERR_MISSING)
        return explain(a->why, err, TEXT_NOT_THAT_KEY, r->name.text);
    if (err == MLT_ERR_REFUSED && reason == REFUSAL_REVOKED)
        return explain(a->why, err, TEXT_KEY_REVOKED);
    if (err == MLT_ERR_REFUSED)
        return explain(a->why, err, TEXT_NAME_GONE, r->name.text);
    return err;
}

static enum mlt_err answer_refuse(const struct answer *a)
{
    enum mlt_err err = pending_refuse(&a->ca->db, &a->request->name);
    if (err == MLT_ERR_MISSING)
        return explain(a->why, err, TEXT_NOT_PENDING, a->request->name.text);
    return err;
}

/* ---- reissue ---- */

static enum mlt_err answer_reissue(const struct answer *a)
{
    const struct admin_request *r = a->request;
    TRY(check_expires(a));
    TRY(check_url(a));
    int64_t expires_s = ca_now_s(a->ca) + r->expires_s;
    struct invite invite;
    enum mlt_err err = reissue(a->ca, &r->name, expires_s, &invite);
    if (err == MLT_ERR_MISSING)
        return answer_no_such_name(a);
    TRY(err);
    err = emit_url(a, &invite, &r->name, expires_s);
    alloc_wipe(&invite, sizeof(invite));
    TRY(err);
    err = crl_keep_tend(a->ca);
    return err == MLT_OK ? MLT_OK : answer_unlisted(a, err);
}

/* ---- erase ---- */

static enum mlt_err answer_erase(const struct answer *a)
{
    enum mlt_err err = mailbox_erase(a->ca, &a->request->name);
    return err == MLT_ERR_MISSING ? answer_no_such_name(a) : err;
}

static bool needs_name(enum admin_verb verb)
{
    return verb == ADMIN_APPROVE || verb == ADMIN_REFUSE || verb == ADMIN_SHOW ||
           verb == ADMIN_REISSUE || verb == ADMIN_ERASE || verb == ADMIN_REVOKE ||
           verb == ADMIN_RENEW;
}

static enum mlt_err dispatch(struct answer *a)
{
    ENSURE(a->request->has_name || !needs_name(a->request->verb), MLT_ERR_USAGE);
    switch (a->request->verb) {
    case ADMIN_INVITE:
        return answer_invite(a);
    case ADMIN_INVITES:
        return answer_invites(a);
    case ADMIN_UNINVITE:
        return answer_uninvite(a);
    case ADMIN_PENDING:
        return answer_pending(a);
    case ADMIN_APPROVE:
        return answer_approve(a);
    case ADMIN_REFUSE:
        return answer_refuse(a);
    case ADMIN_LIST:
        return answer_list(a);
    case ADMIN_SHOW:
        return answer_show(a);
    case ADMIN_REISSUE:
        return answer_reissue(a);
    case ADMIN_ERASE:
        return answer_erase(a);
    case ADMIN_REVOKE:
        return answer_revoke(a);
    case ADMIN_RENEW:
        return answer_renew(a);
    case ADMIN_CRL:
        return answer_crl(a);
    case ADMIN_AUDIT:
        return answer_audit(a);
    case ADMIN_BACKUP: /* a file, not rows: whoever can hand one over answers it */
        break;
    }
    return MLT_ERR_UNEXPECTED;
}

enum mlt_err admin_answer(struct ca *ca, const struct admin_request *request,
                          const struct admin_sink *sink, struct buf *why)
{
    struct answer a = { .ca = ca, .request = request, .sink = sink, .why = why };
    buf_reset(why);
    enum mlt_err err = dispatch(&a);
    if (err == MLT_OK && request->verb != ADMIN_LIST && request->verb != ADMIN_CRL)
        err = answer_alarms(&a);
    if (err == MLT_ERR_STOPPED && why->len == 0 && stopped_is(ca)) {
        TRY(stopped_explain(ca, why));
        return err;
    }
    if (err != MLT_OK && why->len == 0)
        return explain(why, err, TEXT_ADMIN_FAILED, err_cause(err));
    return err;
}
