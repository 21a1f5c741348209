/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_PENDING_H
#define MALOTE_CA_PENDING_H

#include "db/database.h"
#include "crypto/hash.h"
#include "wire/name.h"

/*
 * Requests that wait for the administrator, by name AND key: an approval names the key that the
 * user's client displays, so it cannot be moved to another one that asks for the same name.
 * Bounded (LIMIT_PENDING, refused ones included) and forgotten after LIMIT_PENDING_S.
 */

enum pending_state { PENDING_NONE = 0, PENDING_WAITING, PENDING_REFUSED };

MUST_CHECK enum mlt_err pending_state(struct database *db, const struct name *name,
                                      const uint8_t spki_hash[static HASH_LEN],
                                      enum pending_state *state);

/* Does this key wait under another name?  A key has one name. */
MUST_CHECK enum mlt_err pending_key_is_elsewhere(struct database *db, const struct name *name,
                                                 const uint8_t spki_hash[static HASH_LEN],
                                                 bool *elsewhere);

/* Whether one more may be kept; forgets what is too old first, then the oldest refused one. */
MUST_CHECK enum mlt_err pending_has_room(struct database *db, int64_t now_s, bool *room);

/* Keeps the PKCS#10, so that approving needs nobody to be there. */
MUST_CHECK enum mlt_err pending_put(struct database *db, const struct name *name,
                                    const uint8_t spki_hash[static HASH_LEN], struct span request,
                                    int64_t now_s);

/* The request that waits under this name and key, appended.  MLT_ERR_MISSING, also when it is
 * too old. */
MUST_CHECK enum mlt_err pending_get(struct database *db, const struct name *name,
                                    const uint8_t spki_hash[static HASH_LEN], int64_t now_s,
                                    struct buf *request);

/* Everything that waits under the name is refused; MLT_ERR_MISSING if nothing does. */
MUST_CHECK enum mlt_err pending_refuse(struct database *db, const struct name *name);

/* The name was given: nothing waits under it any more. */
MUST_CHECK enum mlt_err pending_forget(struct database *db, const struct name *name);

/* Nobody waits any more: whoever still wants to asks anew. */
MUST_CHECK enum mlt_err pending_forget_all(struct database *db);

struct pending_visit {
    enum mlt_err (*on_pending)(void *ctx, const struct name *name,
                               const uint8_t spki_hash[static HASH_LEN], int64_t asked_s);
    void *ctx;
};

/* Those that wait, oldest first. */
MUST_CHECK enum mlt_err pending_each(struct database *db, int64_t now_s,
                                     const struct pending_visit *visit);

#endif
