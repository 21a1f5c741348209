/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/passwd.h"

#include <unistd.h>

#include "ca/invite.h"
#include "ca/members.h"

static enum mlt_err record(struct ca *ca, const struct keystore *made, int64_t shift,
                           const struct secret *invite_key)
{
    TRY(keystore_mark_store(&ca->db, &made->mark));
    TRY(members_move_mailboxes(&ca->db, 0, shift));
    return invite_reseal(&ca->db, &ca->invite_key, invite_key);
}

static enum mlt_err commit(struct ca *ca, const struct keystore *made, int64_t shift,
                           const struct secret *invite_key)
{
    TRY(database_begin(&ca->db));
    return database_end(&ca->db, record(ca, made, shift, invite_key));
}

enum mlt_err passwd(struct ca *ca, const struct keystore_renewal *renewal)
{
    CLEANUP(keystore_close) struct keystore made = keystore_none();
    CLEANUP(secret_clear) struct secret invite_key = { 0 };
    int64_t shift = 0;
    TRY(keystore_rewrite_renew(&ca->keystore, ca->dir, renewal, &made, &shift));
    enum mlt_err err = invite_derive_key(&made.master, &invite_key);
    if (err == MLT_OK)
        err = commit(ca, &made, shift, &invite_key);
    /* A commit that may stand or not leaves both files, and the next start sees which. */
    if (err != MLT_OK && !ca->db.broken)
        unlinkat(ca->dir, KEYSTORE_NEXT, 0);
    TRY(err);
    secret_move(&ca->invite_key, &invite_key);
    mailbox_cache_clear(&ca->mailboxes);
    return keystore_rewrite_renewed(&ca->keystore, ca->dir, &made);
}
