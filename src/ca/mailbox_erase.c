/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/mailbox_erase.h"

#include "base/file.h"
#include "base/log.h"
#include "ca/erased.h"
#include "ca/keystore_rewrite.h"

static enum mlt_err record(struct ca *ca, const struct name *name,
                           const struct keystore_rewrite *rewrite)
{
    TRY(keystore_mark_store(&ca->db, &rewrite->mark));
    TRY(members_drop_mailbox(&ca->db, name));
    TRY(members_move_mailboxes(&ca->db, rewrite->offset, -rewrite->size));
    return erased_put(&ca->db, name, ca_now_s(ca));
}

static enum mlt_err commit(struct ca *ca, const struct name *name,
                           const struct keystore_rewrite *rewrite)
{
    TRY(database_begin(&ca->db));
    return database_end(&ca->db, record(ca, name, rewrite));
}

static enum mlt_err erase_at(struct ca *ca, const struct name *name, int64_t offset)
{
    struct keystore_rewrite rewrite;
    TRY(keystore_rewrite_start(&ca->keystore, ca->dir, offset, KEYSTORE_MAILBOX, name_span(name),
                               &rewrite));
    enum mlt_err err = commit(ca, name, &rewrite);
    /* A commit that may stand or not leaves both files, and the next start sees which. */
    if (err != MLT_OK && ca->db.broken)
        file_close(&rewrite.fd);
    else if (err != MLT_OK)
        keystore_rewrite_drop(ca->dir, &rewrite);
    TRY(err);
    mailbox_cache_clear(&ca->mailboxes);
    return keystore_rewrite_finish(&ca->keystore, ca->dir, &rewrite);
}

enum mlt_err mailbox_erase(struct ca *ca, const struct name *name)
{
    struct member member;
    bool found = false;
    TRY(members_find(&ca->db, name, &member, &found));
    ENSURE(found, MLT_ERR_MISSING);
    int64_t offset = 0;
    enum mlt_err err = members_mailbox(&ca->db, name, &offset);
    if (err == MLT_ERR_MISSING)
        return MLT_OK;
    TRY(err);
    TRY(erase_at(ca, name, offset));
    log_info("the mailbox pair of %s was erased: nothing stored for it can be opened any more",
             name->text);
    if (ca->events.on_erased != NULL)
        ca->events.on_erased(ca->events.ctx, name);
    return MLT_OK;
}
