/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/enrol.h"

#include "base/hex.h"
#include "base/limits.h"
#include "base/log.h"
#include "ca/epochs.h"
#include "ca/members.h"
#include "ca/pending.h"
#include "ca/policy.h"
#include "pki/request.h"

/* One ENROL on its way through: what was asked, what was proven, what is known. */
struct application {
    struct name name;
    struct request request; /* the PKCS#10, checked */
    struct span request_der;
    bool has_invite;
    struct invite_claim claim;
    struct policy_facts facts;
    struct certificate newest; /* when holder is SAME_KEY */
    struct buf newest_der;
};

static void application_clear(struct application *a)
{
    request_clear(&a->request);
    buf_clear(&a->newest_der);
}

/* ---- facts ---- */

static enum mlt_err look_up_holder(struct ca *ca, struct application *a)
{
    struct member member;
    bool found = false;
    TRY(members_find(&ca->db, &a->name, &member, &found));
    a->facts.holder = POLICY_NOBODY;
    if (!found)
        return MLT_OK;
    a->facts.holder = member.closed ? POLICY_CLOSED : POLICY_WAITING;
    if (!member.has_key)
        return MLT_OK;
    a->facts.holder = POLICY_OTHER_KEY;
    if (!span_eq(SPAN_OF(member.spki_hash), SPAN_OF(a->request.spki_hash)))
        return MLT_OK;
    a->facts.holder = POLICY_SAME_KEY;
    TRY(certificates_newest(&ca->db, CERT_CLIENT, &a->name, &a->newest, &a->newest_der));
    a->facts.expired = a->newest.not_after_s <= ca_now_s(ca);
    bool hidden = false;
    TRY(epochs_hide(&ca->db, &a->newest, &hidden));
    if (hidden)
        a->facts.holder = POLICY_HIDDEN;
    return MLT_OK;
}

static enum mlt_err look_up_request(struct ca *ca, struct application *a)
{
    enum pending_state state;
    bool room = false;
    TRY(pending_has_room(&ca->db, ca_now_s(ca), &room));
    TRY(pending_state(&ca->db, &a->name, a->request.spki_hash, &state));
    if (state == PENDING_WAITING)
        a->facts.request = POLICY_REQUEST_KEPT;
    else if (state == PENDING_REFUSED)
        a->facts.request = POLICY_REQUEST_REFUSED;
    else
        a->facts.request = room ? POLICY_REQUEST_NONE : POLICY_REQUEST_FULL;
    return MLT_OK;
}

static enum mlt_err look_up(struct ca *ca, struct application *a)
{
    struct name checked;
    a->facts.mode = ca->mode;
    a->facts.reserved = name_parse_user(name_span(&a->name), &checked) != MLT_OK;
    TRY(certificates_key_is_revoked(&ca->db, a->request.spki_hash, &a->facts.key_revoked));
    TRY(certificates_key_is_used(&ca->db, a->request.spki_hash, CERT_CLIENT, &a->name,
                                 &a->facts.key_elsewhere));
    if (!a->facts.key_elsewhere)
        TRY(pending_key_is_elsewhere(&ca->db, &a->name, a->request.spki_hash,
                                     &a->facts.key_elsewhere));
    TRY(look_up_holder(ca, a));
    TRY(look_up_request(ca, a));
    a->facts.has_invite = a->has_invite;
    if (!a->has_invite)
        return MLT_OK;
    return invite_judge(&ca->db, &ca->invite_key, &a->claim, ca_now_s(ca), &a->facts.invite);
}

/* ---- the log ---- */

static void log_refused(struct ca *ca, const struct name *name, enum refusal reason)
{
    if (ca_may_log(ca, (unsigned)reason))
        log_info("enrolment of %s refused: %s", name->text, refusal_text(reason));
}

static void log_asked(struct ca *ca, const struct name *name)
{
    if (ca_may_log(ca, REFUSAL_NONE))
        log_info("%s asks to be enrolled: see 'malote-ca pending'", name->text);
}

/* ---- deeds ---- */

static enum mlt_err record(struct ca *ca, const struct application *a, const struct issued *issued)
{
    TRY(certificates_record(&ca->db, issued));
    TRY(members_put(&ca->db, &a->name, a->request.spki_hash, issued->issued_s));
    TRY(pending_forget(&ca->db, &a->name));
    return a->has_invite ? invite_use(&ca->db, &a->claim) : MLT_OK;
}

static void tell_issued(const struct ca *ca, const struct issued *issued)
{
    char fingerprint[2 * HASH_LEN + 1];
    hex_encode(SPAN_OF(issued->spki_hash), fingerprint);
    log_info("certified %s, key %s, ledger position %llu", issued->name.text, fingerprint,
             (unsigned long long)issued->position);
    if (issued->role == CERT_CLIENT && ca->events.on_member != NULL)
        ca->events.on_member(ca->events.ctx, &issued->name);
}

static enum mlt_err issue(struct ca *ca, const struct application *a, struct buf *certificate)
{
    CLEANUP(issued_clear) struct issued issued = { 0 };
    struct issuer issuer;
    TRY(ca_issuer(ca, &issuer));
    TRY(issue_leaf(&issuer, CERT_CLIENT, &a->name, a->request.key, &issued));
    TRY(database_begin(&ca->db));
    TRY(database_end(&ca->db, record(ca, a, &issued)));
    tell_issued(ca, &issued);
    return buf_put(certificate, buf_span(&issued.der));
}

/* The certificate that exists.  Its invite is used up by it, or whoever kept the proof could spend
 * it once that certificate has ended. */
static enum mlt_err give_again(struct ca *ca, const struct application *a, struct buf *certificate)
{
    bool unused = a->has_invite && a->facts.invite != INVITE_REPEATED;
    if (unused)
        TRY(invite_use(&ca->db, &a->claim));
    return buf_put(certificate, buf_span(&a->newest_der));
}

static enum mlt_err carry_out(struct ca *ca, const struct application *a,
                              const struct policy_decision *decision, struct ipc_enrolled *answer,
                              struct buf *certificate)
{
    struct ipc_enrolled made = { .result = WELCOME_ISSUED };
    switch (decision->action) {
    case POLICY_ISSUE:
        TRY(issue(ca, a, certificate));
        break;
    case POLICY_RETURN:
        TRY(give_again(ca, a, certificate));
        break;
    case POLICY_QUEUE:
        TRY(pending_put(&ca->db, &a->name, a->request.spki_hash, a->request_der, ca_now_s(ca)));
        log_asked(ca, &a->name);
        made = (struct ipc_enrolled) { WELCOME_PENDING, REFUSAL_NONE, LIMIT_RETRY_S, { 0 } };
        break;
    case POLICY_WAIT:
        made = (struct ipc_enrolled) { WELCOME_PENDING, REFUSAL_NONE, LIMIT_RETRY_S, { 0 } };
        break;
    case POLICY_REFUSE:
        if (decision->reason == REFUSAL_INVITE)
            TRY(clock_check(ca)); /* no invite has expired by a clock that is wrong */
        log_refused(ca, &a->name, decision->reason);
        made = (struct ipc_enrolled) { WELCOME_REFUSED, decision->reason, 0, { 0 } };
        break;
    }
    made.certificate = buf_span(certificate);
    *answer = made;
    return MLT_OK;
}

static enum mlt_err refuse_request(struct ca *ca, const struct name *name,
                                   struct ipc_enrolled *answer)
{
    log_refused(ca, name, REFUSAL_REQUEST);
    *answer = (struct ipc_enrolled) { WELCOME_REFUSED, REFUSAL_REQUEST, 0, { 0 } };
    return MLT_OK;
}

enum mlt_err enrol_client(struct ca *ca, const struct ipc_enrol *request,
                          struct ipc_enrolled *answer, struct buf *certificate)
{
    CLEANUP(application_clear)
    struct application a = { .name = request->name,
                             .request_der = request->request,
                             .has_invite = request->has_invite };
    enum mlt_err err = request_read(request->request, &a.request);
    if (err != MLT_OK && err_fault(err) == FAULT_PEER)
        return refuse_request(ca, &a.name, answer);
    TRY(err);
    if (!name_eq(&a.request.name, &a.name))
        return refuse_request(ca, &a.name, answer);
    a.claim = (struct invite_claim) { .id = request->invite_id,
                                      .proof = request->proof,
                                      .ca_hash = ca->cert.spki_hash,
                                      .client_hash = a.request.spki_hash,
                                      .name = &a.name,
                                      .realm = span_str(ca->realm) };
    TRY(look_up(ca, &a));
    const struct policy_decision decision = policy_enrol(&a.facts);
    return carry_out(ca, &a, &decision, answer, certificate);
}

enum mlt_err enrol_approve(struct ca *ca, const struct name *name,
                           const uint8_t spki_hash[static HASH_LEN], enum refusal *reason)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    TRY(pending_get(&ca->db, name, spki_hash, ca_now_s(ca), &der));
    CLEANUP(application_clear) struct application a = { .name = *name };
    TRY(request_read(buf_span(&der), &a.request));
    ENSURE(name_eq(&a.request.name, name), MLT_ERR_DAMAGED);
    ENSURE(span_eq(SPAN_OF(a.request.spki_hash), span_of(spki_hash, HASH_LEN)), MLT_ERR_DAMAGED);
    TRY(look_up(ca, &a));
    /* The administrator's word stands in for an invite to whoever asked. */
    a.facts.has_invite = true;
    a.facts.invite = INVITE_FREE;
    const struct policy_decision decision = policy_enrol(&a.facts);
    if (decision.action == POLICY_REFUSE) {
        *reason = decision.reason;
        return MLT_ERR_REFUSED;
    }
    CLEANUP(buf_clear) struct buf certificate = { 0 };
    return decision.action == POLICY_ISSUE ? issue(ca, &a, &certificate)
                                           : pending_forget(&ca->db, name);
}

/* ---- the server ---- */

static enum mlt_err check_server_key(struct ca *ca, const struct request *r)
{
    bool revoked = false, elsewhere = false;
    TRY(certificates_key_is_revoked(&ca->db, r->spki_hash, &revoked));
    ENSURE(!revoked, MLT_ERR_CERT_REVOKED);
    TRY(certificates_key_is_used(&ca->db, r->spki_hash, CERT_SERVER, &r->name, &elsewhere));
    ENSURE(!elsewhere, MLT_ERR_REQUEST);
    uint64_t count = 0;
    TRY(certificates_count_hour(&ca->db, CERT_SERVER, ca_now_s(ca), &count));
    ENSURE(count < LIMIT_SERVER_CERTS_PER_HOUR, MLT_ERR_TOO_MANY);
    return MLT_OK;
}

enum mlt_err enrol_server(struct ca *ca, struct span request, struct buf *certificate)
{
    CLEANUP(request_clear) struct request r = { 0 };
    TRY(request_read(request, &r));
    ENSURE(issue_role_of(&r.name) == CERT_SERVER, MLT_ERR_REQUEST);
    TRY(check_server_key(ca, &r));
    CLEANUP(issued_clear) struct issued issued = { 0 };
    struct issuer issuer;
    TRY(ca_issuer(ca, &issuer));
    TRY(issue_leaf(&issuer, CERT_SERVER, &r.name, r.key, &issued));
    TRY(certificates_record(&ca->db, &issued));
    tell_issued(ca, &issued);
    return buf_put(certificate, buf_span(&issued.der));
}
