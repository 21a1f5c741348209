/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_MEMBERS_H
#define MALOTE_CA_MEMBERS_H

#include "db/database.h"
#include "crypto/hash.h"
#include "wire/name.h"

/* Who owns which name: one key a name, and one name a key. */

struct member {
    struct name name;
    bool has_key; /* false: revoked or reissued */
    uint8_t spki_hash[HASH_LEN];
    int64_t since_s;
    bool closed;           /* revoked: nobody gets the name until it is reissued */
    int64_t renew_until_s; /* what expired long ago may be renewed; 0: never */
};

MUST_CHECK enum mlt_err members_find(struct database *db, const struct name *name,
                                     struct member *member, bool *found);

/* A new member, or the new key of a reissued one.  MLT_ERR_REFUSED while the name is closed. */
MUST_CHECK enum mlt_err members_put(struct database *db, const struct name *name,
                                    const uint8_t spki_hash[static HASH_LEN], int64_t now_s);

/* The name stays taken, without a key: closed since then (unless it was before), or (0) waiting for
 * a new one.  MLT_ERR_MISSING. */
MUST_CHECK enum mlt_err members_drop_key(struct database *db, const struct name *name,
                                         int64_t closed_s);

/* The administrator's leave to renew; MLT_ERR_MISSING. */
MUST_CHECK enum mlt_err members_allow_renewal(struct database *db, const struct name *name,
                                              int64_t until_s);

struct member_visit {
    enum mlt_err (*on_member)(void *ctx, const struct name *name);
    void *ctx;
};

MUST_CHECK enum mlt_err members_each(struct database *db, const struct member_visit *visit);

/* The member who has waited longest for a mailbox pair, none that erased.h holds back; *found is
 * false when nobody waits. */
MUST_CHECK enum mlt_err members_without_mailbox(struct database *db, struct name *name,
                                                bool *found);
/* Whether this one is such a member; false for no member at all. */
MUST_CHECK enum mlt_err members_lacks_mailbox(struct database *db, const struct name *name,
                                              bool *lacks);
/* Where its pair stands in the keystore. */
MUST_CHECK enum mlt_err members_set_mailbox(struct database *db, const struct name *name,
                                            int64_t offset);
/* It stands there no more. */
MUST_CHECK enum mlt_err members_drop_mailbox(struct database *db, const struct name *name);
/* Those behind this offset stand so many bytes further back; negative: further ahead. */
MUST_CHECK enum mlt_err members_move_mailboxes(struct database *db, int64_t behind, int64_t by);
/* MLT_ERR_MISSING while there is none. */
MUST_CHECK enum mlt_err members_mailbox(struct database *db, const struct name *name,
                                        int64_t *offset);

#endif
