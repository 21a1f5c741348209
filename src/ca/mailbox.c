/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/mailbox.h"

#include <string.h>

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

void mailbox_queue_add(struct mailbox_queue *queue, const struct name *name)
{
    for (size_t i = 0; i < queue->count; i++)
        if (name_eq(&queue->names[i], name))
            return;
    if (queue->count < COUNT_OF(queue->names))
        queue->names[queue->count++] = *name;
}

static void leave_queue(struct mailbox_queue *queue)
{
    queue->count--;
    memmove(queue->names, queue->names + 1, queue->count * sizeof(queue->names[0]));
}

/* Net may ask for anybody: who is no member, or has a pair by now, is nobody's turn. */
static enum mlt_err choose(struct ca *ca, struct mailbox_queue *queue, struct name *name,
                           bool *found)
{
    while (queue->count > 0) {
        TRY(members_lacks_mailbox(&ca->db, &queue->names[0], found));
        if (*found) {
            *name = queue->names[0];
            return MLT_OK;
        }
        leave_queue(queue);
    }
    return members_without_mailbox(&ca->db, name, found);
}

static enum mlt_err give(struct ca *ca, struct mailbox_pool *pool, const struct name *name,
                         bool *saved)
{
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    *saved = false;
    if (!mailbox_pool_take(pool, &key))
        return MLT_OK;
    enum mlt_err err = save(ca, name, key);
    if (err != MLT_OK)
        mailbox_pool_give_back(pool, &key);
    TRY(err);
    log_debug("mailbox pair of %s saved", name->text);
    *saved = true;
    return MLT_OK;
}

enum mlt_err mailbox_fill(struct ca *ca, struct mailbox_pool *pool, struct mailbox_queue *queue,
                          bool *saved)
{
    struct name name;
    bool found = false;
    *saved = false;
    TRY(choose(ca, queue, &name, &found));
    if (found)
        TRY(give(ca, pool, &name, saved));
    if (queue->count > 0 && *saved)
        leave_queue(queue);
    if (queue->count > 0)
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
