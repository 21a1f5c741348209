/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/mailbox_open.h"

#include "ca/mailbox.h"
#include "ca/mailbox_grant.h"
#include "crypto/rsa.h"
#include "wire/mailbox.h"

/* Borrowed until the next call. */
static enum mlt_err key_of(struct ca *ca, const struct name *name, EVP_PKEY **key)
{
    *key = mailbox_cache_find(&ca->mailboxes, name);
    if (*key != NULL)
        return MLT_OK;
    EVP_PKEY *loaded = NULL;
    TRY(mailbox_load(ca, name, &loaded));
    *key = loaded;
    mailbox_cache_put(&ca->mailboxes, name, &loaded);
    return MLT_OK;
}

enum mlt_err mailbox_open_public(struct ca *ca, const struct name *name, struct buf *spki)
{
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    TRY(mailbox_load(ca, name, &key));
    return rsa_public_encode(key, spki);
}

/*
 * "It does not open" makes net throw the mail away.  Memory that ran out looks the same, so the key
 * has to open something at that moment before its word is taken.
 */
static enum mlt_err unwrap(EVP_PKEY *key, struct span label, struct span wrapped,
                           struct secret *secret)
{
    enum mlt_err err = rsa_unwrap(key, label, wrapped, secret);
    if (err == MLT_ERR_AUTH)
        TRY(mailbox_pool_prove(key));
    return err;
}

enum mlt_err mailbox_open_segment(struct ca *ca, const struct ipc_unwrap *wanted,
                                  struct secret *secret)
{
    TRY(mailbox_grant_check(ca, &wanted->recipient, wanted->grant));
    EVP_PKEY *key = NULL;
    TRY(key_of(ca, &wanted->recipient, &key));
    CLEANUP(buf_clear) struct buf label = { 0 };
    TRY(mailbox_label(&wanted->recipient, wanted->segment, &label));
    CLEANUP(secret_clear) struct secret opened = { 0 };
    TRY(unwrap(key, buf_span(&label), wanted->wrapped, &opened));
    ENSURE(opened.n == HASH_LEN, MLT_ERR_AUTH);
    secret_move(secret, &opened);
    return MLT_OK;
}
