/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_key.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "crypto/rsa.h"

enum mlt_err mail_keys_init(struct mail_keys *keys, const struct env *env)
{
    TAILQ_INIT(&keys->by_use);
    return mail_map_init(&keys->by_name, env);
}

void mail_key_release(struct mail_key **key)
{
    struct mail_key *gone = *key;
    *key = NULL;
    if (gone == NULL || atomic_fetch_sub(&gone->users, 1) > 1)
        return;
    buf_clear(&gone->spki);
    rsa_key_free(&gone->key);
    alloc_free(gone);
}

static void forget(struct mail_keys *keys, struct mail_key *key)
{
    mail_map_remove(&keys->by_name, &key->entry);
    TAILQ_REMOVE(&keys->by_use, key, by_use);
    mail_key_release(&key);
}

void mail_keys_clear(struct mail_keys *keys)
{
    if (keys->by_name.buckets == NULL)
        return;
    while (!TAILQ_EMPTY(&keys->by_use))
        forget(keys, TAILQ_FIRST(&keys->by_use));
    mail_map_clear(&keys->by_name);
}

struct mail_key *mail_keys_find(const struct mail_keys *keys, const struct name *recipient)
{
    return (struct mail_key *)mail_map_find(&keys->by_name, 0, recipient);
}

void mail_keys_drop(struct mail_keys *keys, const struct name *recipient)
{
    struct mail_key *key = mail_keys_find(keys, recipient);
    if (key != NULL)
        forget(keys, key);
}

static enum mlt_err new_key(const struct name *recipient, struct span spki, struct mail_key **key)
{
    CLEANUP(mail_key_release) struct mail_key *made = NULL;
    TRY(ALLOC_NEW(&made));
    made->entry.name = *recipient;
    atomic_init(&made->users, 1);
    TRY(buf_put(&made->spki, spki));
    TRY(rsa_public_decode(spki, &made->key));
    *key = made;
    made = NULL;
    return MLT_OK;
}

/* Takes it over, also when it fails. */
static enum mlt_err add(struct mail_keys *keys, struct mail_key *key)
{
    enum mlt_err err = mail_map_put(&keys->by_name, &key->entry);
    if (err == MLT_OK)
        TAILQ_INSERT_HEAD(&keys->by_use, key, by_use);
    else
        mail_key_release(&key);
    return err;
}

enum mlt_err mail_keys_set(struct mail_keys *keys, const struct name *recipient, struct span spki)
{
    struct mail_key *known = mail_keys_find(keys, recipient);
    if (known != NULL && span_eq(buf_span(&known->spki), spki))
        return MLT_OK;
    struct mail_key *made = NULL;
    TRY(new_key(recipient, spki, &made));
    if (known != NULL)
        forget(keys, known);
    TRY(add(keys, made));
    if (keys->by_name.count > LIMIT_MAILBOX_KEYS)
        forget(keys, TAILQ_LAST(&keys->by_use, mail_key_list));
    return MLT_OK;
}

struct mail_key *mail_keys_use(struct mail_keys *keys, struct mail_key *key)
{
    TAILQ_REMOVE(&keys->by_use, key, by_use);
    TAILQ_INSERT_HEAD(&keys->by_use, key, by_use);
    atomic_fetch_add(&key->users, 1);
    return key;
}
