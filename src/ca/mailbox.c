/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/mailbox.h"

#include "base/log.h"
#include "ca/members.h"
#include "crypto/rsa.h"

static enum mlt_err commit(struct ca *ca, const struct name *name, const struct keystore_mark *mark)
{
    TRY(keystore_mark_store(&ca->db, mark));
    return members_set_mailbox(&ca->db, name, mark->offset);
}

static enum mlt_err save(struct ca *ca, const struct name *name, EVP_PKEY *key)
{
    CLEANUP(secret_clear) struct secret der = { 0 };
    TRY(rsa_private_encode(key, &der));
    struct keystore_mark mark;
    TRY(keystore_append(&ca->keystore, KEYSTORE_MAILBOX, name_span(name), secret_span(&der),
                        &mark));
    TRY(database_begin(&ca->db));
    TRY(database_end(&ca->db, commit(ca, name, &mark)));
    keystore_adopt(&ca->keystore, &mark);
    return MLT_OK;
}

enum mlt_err mailbox_fill(struct ca *ca, struct mailbox_pool *pool, bool *saved)
{
    struct name name;
    bool found = false;
    TRY(members_without_mailbox(&ca->db, &name, &found));
    EVP_PKEY *key = NULL;
    if (!found || !mailbox_pool_take(pool, &key)) {
        *saved = false;
        return MLT_OK;
    }
    enum mlt_err err = save(ca, &name, key);
    if (err != MLT_OK)
        mailbox_pool_give_back(pool, &key);
    rsa_key_free(&key);
    TRY(err);
    log_debug("mailbox pair of %s saved", name.text);
    *saved = true;
    return MLT_OK;
}

enum mlt_err mailbox_hurry(struct ca *ca, struct mailbox_pool *pool)
{
    struct name name;
    bool found = false;
    TRY(members_without_mailbox(&ca->db, &name, &found));
    if (found) /* net may ask for anybody */
        mailbox_pool_hurry(pool);
    return MLT_OK;
}

enum mlt_err mailbox_load(struct ca *ca, const struct name *name, EVP_PKEY **key)
{
    int64_t offset = 0;
    TRY(members_mailbox(&ca->db, name, &offset));
    CLEANUP(secret_clear) struct secret der = { 0 };
    TRY(keystore_read(&ca->keystore, offset, KEYSTORE_MAILBOX, name_span(name), &der));
    CLEANUP(rsa_key_free) EVP_PKEY *made = NULL;
    TRY(rsa_private_decode(secret_span(&der), &made));
    TRY(mailbox_pool_prove(made));
    *key = made;
    made = NULL;
    return MLT_OK;
}
