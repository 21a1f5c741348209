/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/answer.h"

#include <string.h>

#include "base/hex.h"
#include "base/log.h"
#include "ca/explain.h"
#include "ca/invite.h"

/* ---- invites ---- */

static enum mlt_err emit_invite(void *ctx, const struct invite_row *row)
{
    struct admin_row out = { .kind = ADMIN_ROW_INVITE,
                             .at_s = row->made_s,
                             .not_after_s = row->expires_s,
                             .invite = row->state,
                             .used_by = row->used_by };
    if (row->bound)
        out.name = row->name;
    memcpy(out.invite_id, row->id, INVITE_ID);
    return answer_row(ctx, &out);
}

enum mlt_err answer_invites(struct answer *a)
{
    const struct invite_visit visit = { emit_invite, a };
    return invite_each(&a->ca->db, ca_now_s(a->ca), &visit);
}

/* ---- uninvite ---- */

enum mlt_err answer_uninvite(const struct answer *a)
{
    char id[2 * INVITE_ID + 1];
    struct name used_by;
    hex_encode(SPAN_OF(a->request->invite_id), id);
    enum mlt_err err = invite_withdraw(&a->ca->db, a->request->invite_id, &used_by);
    if (err == MLT_ERR_MISSING)
        return explain(a->why, err, TEXT_NO_SUCH_INVITE, id);
    if (err == MLT_ERR_EXISTS)
        return explain(a->why, err, TEXT_INVITE_USED, id, used_by.text, used_by.text);
    TRY(err);
    log_info("invite %s was withdrawn", id);
    return MLT_OK;
}
