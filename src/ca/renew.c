/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/renew.h"

#include "base/limits.h"
#include "base/log.h"
#include "ca/adopt.h"
#include "ca/epochs.h"
#include "ca/members.h"
#include "crypto/rsa.h"
#include "pki/statement.h"

/* One RENEW on its way through. */
struct renewal {
    struct certificate old, newest; /* of one name and key; often the same */
    struct buf old_der, newest_der;
    struct cert cert; /* old_der, read */
    bool missing;     /* no certificate here has that serial */
    struct renewal_facts facts;
};

static void renewal_clear(struct renewal *r)
{
    buf_clear(&r->old_der);
    buf_clear(&r->newest_der);
    cert_clear(&r->cert);
}

/* ---- facts ---- */

static enum mlt_err look_up_old(struct ca *ca, const struct ipc_renew *request, struct renewal *r)
{
    enum mlt_err err = certificates_by_serial(&ca->db, request->serial, &r->old, &r->old_der);
    r->missing = err == MLT_ERR_MISSING;
    if (r->missing)
        return MLT_OK;
    TRY(err);
    r->facts.known = r->old.role == CERT_CLIENT;
    if (!r->facts.known)
        return MLT_OK;
    err = cert_read_leaf(buf_span(&r->old_der), &ca->cert, CERT_CLIENT, ca_now_s(ca), &r->cert);
    if (err == MLT_ERR_CERT_EXPIRED || err == MLT_ERR_CERT_NOT_YET)
        err = MLT_OK;
    TRY(err);
    err = statement_check_renewal(r->cert.key, &ca->cert, request->serial, request->signature);
    r->facts.proven = err == MLT_OK;
    return err == MLT_OK || err_fault(err) == FAULT_PEER ? MLT_OK : err;
}

static enum mlt_err look_up_key(struct ca *ca, struct renewal *r)
{
    struct member member;
    bool found = false, key_revoked = false, hidden = false;
    TRY(certificates_key_is_revoked(&ca->db, r->old.spki_hash, &key_revoked));
    r->facts.revoked = key_revoked || r->old.revoked_s != 0;
    TRY(members_find(&ca->db, &r->old.name, &member, &found));
    r->facts.current =
        found && member.has_key && span_eq(SPAN_OF(member.spki_hash), SPAN_OF(r->old.spki_hash));
    /* Leave that was given before the ledger was lost is none. */
    TRY(epochs_hide(&ca->db, &r->newest, &hidden));
    r->facts.allowed = found && !hidden && ca_now_s(ca) < member.renew_until_s;
    return MLT_OK;
}

static enum mlt_err look_up_successor(struct ca *ca, struct renewal *r)
{
    TRY(certificates_newest(&ca->db, CERT_CLIENT, &r->old.name, &r->newest, &r->newest_der));
    bool same_key = span_eq(SPAN_OF(r->newest.spki_hash), SPAN_OF(r->old.spki_hash));
    /* Of what a restore entered anew the place says nothing. */
    bool later = r->newest.position > r->old.position && r->newest.not_after_s > r->old.not_after_s;
    r->facts.replaced = same_key && later;
    return MLT_OK;
}

static void look_at_clock(struct ca *ca, struct renewal *r)
{
    const struct cert_fields *fields = &r->cert.fields;
    const struct policy_life life = { fields->not_before_s, fields->not_after_s };
    int64_t now_s = ca_now_s(ca), end_s = now_s + ca->cert_life_s;
    if (end_s > ca->cert.fields.not_after_s)
        end_s = ca->cert.fields.not_after_s;
    r->facts.age = policy_age(&life, now_s);
    r->facts.gains = end_s > fields->not_after_s;
}

static enum mlt_err look_up(struct ca *ca, const struct ipc_renew *request, struct renewal *r)
{
    TRY(look_up_old(ca, request, r));
    if (!r->facts.known || !r->facts.proven)
        return MLT_OK;
    TRY(look_up_successor(ca, r));
    TRY(look_up_key(ca, r));
    look_at_clock(ca, r);
    r->facts.doubted = request->certificate.n > 0;
    return MLT_OK;
}

/* ---- decisions ---- */

static enum mlt_err decide_known(struct ca *ca, const struct ipc_renew *request, struct renewal *r,
                                 struct policy_decision *decision)
{
    TRY(look_up(ca, request, r));
    *decision = policy_renew(&r->facts);
    return MLT_OK;
}

static enum mlt_err decide_unknown(struct ca *ca, const struct ipc_renew *request,
                                   struct renewal *r, struct policy_decision *decision)
{
    enum policy_adoption fate;
    TRY(adopt_unknown(ca, request, &fate, &r->old.name));
    r->facts.proven = fate != POLICY_FOREIGN;
    switch (fate) {
    case POLICY_FOREIGN:
        *decision = (struct policy_decision) { POLICY_REFUSE, REFUSAL_REQUEST };
        return MLT_OK;
    case POLICY_FORGED:
    case POLICY_SHUT:
        *decision = (struct policy_decision) { POLICY_REFUSE, REFUSAL_REVOKED };
        return MLT_OK;
    case POLICY_OLDER:
        *decision = (struct policy_decision) { POLICY_RETURN, REFUSAL_NONE };
        return certificates_newest(&ca->db, CERT_CLIENT, &r->old.name, &r->newest, &r->newest_der);
    case POLICY_ADOPT:
        break;
    }
    return decide_known(ca, request, r, decision);
}

static enum mlt_err decide(struct ca *ca, const struct ipc_renew *request, struct renewal *r,
                           struct policy_decision *decision)
{
    TRY(decide_known(ca, request, r, decision));
    if (r->missing && request->certificate.n > 0)
        return decide_unknown(ca, request, r, decision);
    return MLT_OK;
}

/* ---- deeds ---- */

static enum mlt_err record(struct ca *ca, const struct issued *issued)
{
    TRY(certificates_record(&ca->db, issued));
    return members_allow_renewal(&ca->db, &issued->name, 0);
}

static enum mlt_err issue(struct ca *ca, const struct renewal *r, struct buf *certificate)
{
    CLEANUP(issued_clear) struct issued issued = { 0 };
    struct issuer issuer;
    TRY(ca_issuer(ca, &issuer));
    TRY(issue_leaf(&issuer, CERT_CLIENT, &r->old.name, r->cert.key, &issued));
    TRY(database_begin(&ca->db));
    TRY(database_end(&ca->db, record(ca, &issued)));
    log_info("renewed %s, ledger position %llu", issued.name.text,
             (unsigned long long)issued.position);
    return buf_put(certificate, buf_span(&issued.der));
}

static void log_refused(struct ca *ca, const struct renewal *r, enum refusal reason)
{
    if (!ca_may_log(ca, (unsigned)reason))
        return;
    log_info("renewal of %s refused: %s", r->facts.proven ? r->old.name.text : "a certificate",
             refusal_text(reason));
}

enum mlt_err renew_client(struct ca *ca, const struct ipc_renew *request,
                          struct ipc_enrolled *answer, struct buf *certificate)
{
    CLEANUP(renewal_clear) struct renewal r = { 0 };
    struct policy_decision decision;
    TRY(decide(ca, request, &r, &decision));
    struct ipc_enrolled made = { .result = WELCOME_ISSUED };
    if (decision.action == POLICY_REFUSE) {
        TRY(clock_check(ca)); /* nobody is too late by a clock that is wrong */
        log_refused(ca, &r, decision.reason);
        made = (struct ipc_enrolled) { WELCOME_REFUSED, decision.reason, 0, { 0 } };
    } else if (decision.action == POLICY_RETURN) {
        TRY(buf_put(certificate, buf_span(&r.newest_der)));
    } else {
        TRY(issue(ca, &r, certificate));
    }
    made.certificate = buf_span(certificate);
    *answer = made;
    return MLT_OK;
}

static enum mlt_err check_not_hidden(struct ca *ca, const struct name *name)
{
    struct certificate newest;
    CLEANUP(buf_clear) struct buf der = { 0 };
    bool hidden = false;
    TRY(certificates_newest(&ca->db, CERT_CLIENT, name, &newest, &der));
    TRY(epochs_hide(&ca->db, &newest, &hidden));
    return hidden ? MLT_ERR_REFUSED : MLT_OK;
}

enum mlt_err renew_allow(struct ca *ca, const struct name *name)
{
    struct member member;
    bool found = false;
    TRY(members_find(&ca->db, name, &member, &found));
    ENSURE(found, MLT_ERR_MISSING);
    ENSURE(member.has_key, MLT_ERR_CERT_REVOKED);
    TRY(check_not_hidden(ca, name));
    TRY(members_allow_renewal(&ca->db, name, ca_now_s(ca) + LIMIT_RENEW_WINDOW_S));
    log_info("%s may renew an expired certificate within 7 days", name->text);
    return MLT_OK;
}
