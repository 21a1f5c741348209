/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/reissue.h"

#include "base/log.h"
#include "ca/members.h"
#include "ca/revoke.h"

/* What was revoked before, and for which reason, stays as it is. */
static enum mlt_err revoke_and_invite(struct ca *ca, const struct name *name, int64_t expires_s,
                                      struct invite *invite)
{
    const struct revoke_order order = { *name, CRL_SUPERSEDED };
    size_t count = 0;
    TRY(revoke_rows(ca, &order, false, &count));
    return invite_make(&ca->db, &ca->invite_key, name, ca_now_s(ca), expires_s, invite);
}

enum mlt_err reissue(struct ca *ca, const struct name *name, int64_t expires_s,
                     struct invite *invite)
{
    struct member member;
    bool found = false;
    TRY(members_find(&ca->db, name, &member, &found));
    ENSURE(found, MLT_ERR_MISSING);
    TRY(database_begin(&ca->db));
    TRY(database_end(&ca->db, revoke_and_invite(ca, name, expires_s, invite)));
    log_info("%s was reissued: the name waits for a new key", name->text);
    enum mlt_err err = revoke_publish(ca, name);
    if (err != MLT_OK)
        log_error("the revocation of the old key of %s is in no list yet: %s", name->text,
                  err_cause(err));
    return MLT_OK;
}
