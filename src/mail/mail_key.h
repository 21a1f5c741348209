/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_MAIL_KEY_H
#define MALOTE_MAIL_KEY_H

#include <openssl/types.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "mail/mail_map.h"

/* The public halves of mailbox pairs, as ca named them: LIMIT_MAILBOX_KEYS at most, those that were
 * not used for longest give way. */

struct mail_key {
    struct mail_entry entry;
    TAILQ_ENTRY(mail_key) by_use; /* the newest first */
    atomic_uint users;            /* a put that waits keeps its key, on whichever thread */
    struct buf spki;              /* never changed, nor is the key made of it */
    EVP_PKEY *key;
};

TAILQ_HEAD(mail_key_list, mail_key);

struct mail_keys {
    struct mail_map by_name;
    struct mail_key_list by_use;
};

MUST_CHECK enum mlt_err mail_keys_init(struct mail_keys *keys, const struct env *env);
void mail_keys_clear(struct mail_keys *keys);

/* Borrowed; NULL if there is none. */
struct mail_key *mail_keys_find(const struct mail_keys *keys, const struct name *recipient);

/* The one that is there stays if it says the same.  MLT_ERR_DAMAGED: that is no such key. */
MUST_CHECK enum mlt_err mail_keys_set(struct mail_keys *keys, const struct name *recipient,
                                      struct span spki);
void mail_keys_drop(struct mail_keys *keys, const struct name *recipient);

/* For a put: released by mail_key_release, from any thread. */
struct mail_key *mail_keys_use(struct mail_keys *keys, struct mail_key *key);
void mail_key_release(struct mail_key **key);

#endif
