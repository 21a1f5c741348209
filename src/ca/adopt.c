/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/adopt.h"

#include <string.h>

#include "base/hex.h"
#include "base/limits.h"
#include "base/log.h"
#include "ca/epochs.h"
#include "ca/members.h"
#include "pki/statement.h"

/* ---- entering ---- */

static enum mlt_err fill_issued(const struct certificate *c, uint64_t position, struct issued *out)
{
    out->role = c->role;
    out->name = c->name;
    out->issued_s = c->issued_s;
    out->not_after_s = c->not_after_s;
    out->position = position;
    memcpy(out->spki_hash, c->spki_hash, HASH_LEN);
    memcpy(out->serial, c->serial, CERT_SERIAL);
    return buf_put(&out->der, c->der);
}

enum mlt_err adopt_enter(struct database *db, const struct certificate *c, const struct cert *cert,
                         uint64_t *position)
{
    CLEANUP(issued_clear) struct issued issued = { 0 };
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    struct ledger_leaf leaf;
    uint64_t at = 0;
    TRY(profile_tbs(cert->x509, &tbs));
    TRY(issue_draw_leaf(&cert->fields, cert->spki_hash, buf_span(&tbs), &leaf));
    TRY(ledger_append(db, &leaf, &at));
    TRY(fill_issued(c, at, &issued));
    TRY(certificates_record(db, &issued));
    *position = at;
    return MLT_OK;
}

/* ---- facts ---- */

struct candidate {
    struct cert cert;
    struct certificate row; /* as it would stand here; der: the request's */
    struct adoption_facts facts;
};

static void candidate_clear(struct candidate *k)
{
    cert_clear(&k->cert);
}

/* One of the future is none: its leaf would set the floor of our own clock there.  But that may be
 * late by less than an hour: PROTOCOL.md 11.6. */
static enum mlt_err read_candidate(struct ca *ca, const struct ipc_renew *request,
                                   struct candidate *k)
{
    enum mlt_err err =
        cert_read_leaf_late(request->certificate, &ca->cert, CERT_CLIENT, ca_now_s(ca), &k->cert);
    if (err != MLT_OK && err != MLT_ERR_CERT_EXPIRED)
        return err_fault(err) == FAULT_PEER ? MLT_OK : err;
    const struct cert_fields *fields = &k->cert.fields;
    k->facts.ours = span_eq(SPAN_OF(fields->serial), SPAN_OF(request->serial));
    k->row = (struct certificate) { .role = CERT_CLIENT,
                                    .name = fields->name,
                                    .issued_s = fields->not_before_s + LIMIT_BACKDATE_S,
                                    .not_after_s = fields->not_after_s,
                                    .der = request->certificate };
    memcpy(k->row.spki_hash, k->cert.spki_hash, HASH_LEN);
    memcpy(k->row.serial, fields->serial, CERT_SERIAL);
    return MLT_OK;
}

static enum mlt_err look_at_proof(struct ca *ca, const struct ipc_renew *request,
                                  struct candidate *k)
{
    enum mlt_err err =
        statement_check_renewal(k->cert.key, &ca->cert, request->serial, request->signature);
    k->facts.proven = err == MLT_OK;
    return err == MLT_OK || err_fault(err) == FAULT_PEER ? MLT_OK : err;
}

static enum mlt_err look_at_holder(struct ca *ca, struct candidate *k)
{
    struct member member;
    struct certificate newest;
    CLEANUP(buf_clear) struct buf der = { 0 };
    bool found = false;
    TRY(members_find(&ca->db, &k->row.name, &member, &found));
    if (!found || !member.has_key || member.closed ||
        !span_eq(SPAN_OF(member.spki_hash), SPAN_OF(k->row.spki_hash)))
        return MLT_OK;
    TRY(certificates_newest(&ca->db, CERT_CLIENT, &k->row.name, &newest, &der));
    k->facts.current = span_eq(SPAN_OF(newest.spki_hash), SPAN_OF(k->row.spki_hash));
    /* Not below: with the root both may end at one time, and his is the one its owner keeps. */
    k->facts.later = k->row.not_after_s >= newest.not_after_s;
    return MLT_OK;
}

static enum mlt_err look_up(struct ca *ca, struct candidate *k)
{
    bool serial = false, key = false;
    struct epochs_loss loss;
    const struct policy_life life = { k->cert.fields.not_before_s, k->cert.fields.not_after_s };
    TRY(certificates_is_revoked(&ca->db, k->row.serial, &serial));
    TRY(certificates_key_is_revoked(&ca->db, k->row.spki_hash, &key));
    k->facts.revoked = serial || key;
    TRY(epochs_judge(&ca->db, &k->row, &loss));
    k->facts.in_doubt = loss.in_doubt;
    k->facts.witnessed = loss.lost && loss.witnessed;
    k->facts.over = policy_age(&life, ca_now_s(ca)) == POLICY_TOO_OLD;
    return look_at_holder(ca, k);
}

/* ---- deeds ---- */

static enum mlt_err enter(struct ca *ca, const struct candidate *k)
{
    uint64_t position = 0;
    char serial[2 * CERT_SERIAL + 1];
    hex_encode(SPAN_OF(k->row.serial), serial);
    TRY(ca_may_issue(ca));
    TRY(database_begin(&ca->db));
    TRY(database_end(&ca->db, adopt_enter(&ca->db, &k->row, &k->cert, &position)));
    log_warning("%s came with certificate %s, which this CA issued after the backup that was put "
                "back: entered anew, ledger position %llu",
                k->row.name.text, serial, (unsigned long long)position);
    return MLT_OK;
}

static void sound_alarm(struct ca *ca, const struct candidate *k)
{
    char serial[2 * CERT_SERIAL + 1];
    if (!ca_may_log(ca, CA_LOG_ALARM))
        return;
    hex_encode(SPAN_OF(k->row.serial), serial);
    log_error("ALARM: certificate %s of %s has this CA's signature and never was in its ledger: "
              "somebody else has the CA's key",
              serial, k->row.name.text);
}

enum mlt_err adopt_unknown(struct ca *ca, const struct ipc_renew *request,
                           enum policy_adoption *fate, struct name *name)
{
    CLEANUP(candidate_clear) struct candidate k = { 0 };
    TRY(read_candidate(ca, request, &k));
    if (k.facts.ours) {
        TRY(look_at_proof(ca, request, &k));
        TRY(look_up(ca, &k));
    }
    enum policy_adoption decided = policy_adopt(&k.facts);
    if (decided == POLICY_ADOPT)
        TRY(enter(ca, &k));
    if (decided == POLICY_FORGED)
        sound_alarm(ca, &k);
    if (decided != POLICY_FOREIGN)
        *name = k.row.name;
    *fate = decided;
    return MLT_OK;
}
