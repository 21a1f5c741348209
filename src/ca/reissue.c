/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/reissue.h"

#include "base/log.h"
#include "ca/members.h"

static enum mlt_err revoke_and_invite(struct ca *ca, const struct member *member, int64_t expires_s,
                                      struct invite *invite)
{
    int64_t now_s = ca_now_s(ca);
    if (member->has_key) {
        TRY(certificates_revoke_key(&ca->db, member->spki_hash, now_s));
        TRY(members_drop_key(&ca->db, &member->name));
    }
    TRY(invite_forget_bound(&ca->db, &member->name));
    return invite_make(&ca->db, &ca->invite_key, &member->name, now_s, expires_s, invite);
}

static enum mlt_err tell_revoked(void *ctx, const struct certificate *c)
{
    const struct ca *ca = ctx;
    if (ca->events.on_revoked != NULL)
        ca->events.on_revoked(ca->events.ctx, c);
    return MLT_OK;
}

enum mlt_err reissue(struct ca *ca, const struct name *name, int64_t expires_s,
                     struct invite *invite)
{
    struct member member;
    bool found = false;
    TRY(members_find(&ca->db, name, &member, &found));
    ENSURE(found, MLT_ERR_MISSING);
    TRY(database_begin(&ca->db));
    TRY(database_end(&ca->db, revoke_and_invite(ca, &member, expires_s, invite)));
    if (!member.has_key)
        return MLT_OK;
    log_info("the key of %s was revoked: the name waits for a new one", name->text);
    const struct certificate_visit visit = { tell_revoked, ca };
    return certificates_of_key(&ca->db, member.spki_hash, ca_now_s(ca), &visit);
}
