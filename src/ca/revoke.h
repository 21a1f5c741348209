/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_REVOKE_H
#define MALOTE_CA_REVOKE_H

#include "ca/ca.h"
#include "pki/crl.h"

/*
 * Taking certificates back.  In one transaction every serial of a name that could still be used
 * or renewed becomes a row of `revocation`, and every key it was certified with is closed for
 * good.  From then on nothing here renews it, whatever happens to the CRL (crl_keep.h), which is
 * made right after, and by the next start if this one is killed in between.
 */

struct revoke_order {
    struct name name;
    enum crl_reason reason;
};

/*
 * A user, or "relay" (the server's own certificates).  The name stays taken: only reissue opens
 * it.  Once more is no error.  *count is how many certificates were taken back by this call, *done
 * that the transaction stands: then an error is that the CRL could not be made, or net not be told.
 * MLT_ERR_MISSING if the name was never given.
 */
MUST_CHECK enum mlt_err revoke_name(struct ca *ca, const struct revoke_order *order, size_t *count,
                                    bool *done);

/*
 * The part of it for a transaction of the caller's (reissue): rows and keys, no CRL, nobody told.
 * `closed`: the name itself is closed to invites; else it waits for a new key.
 */
MUST_CHECK enum mlt_err revoke_rows(struct ca *ca, const struct revoke_order *order, bool closed,
                                    size_t *count);

/* After that transaction: ca->events hear of what no CRL lists yet, of the name's own whatever the
 * clock says, and the next CRL is made. */
MUST_CHECK enum mlt_err revoke_publish(struct ca *ca, const struct name *name);

/*
 * A serial that a CRL shows as revoked and that this ledger may not even know (restored from a
 * backup that is older): it is in every CRL from the next on, until it must be past its life.
 * Within the caller's transaction.  Its key, where it is known here, is closed too.
 */
MUST_CHECK enum mlt_err revoke_carry(struct database *db, const struct crl_entry *entry,
                                     int64_t now_s);

/*
 * The key of a certificate, for good, and all that was issued for it, if that serial is revoked
 * here: for one that came to be known only after its revocation was carried over.  Within the
 * caller's transaction.
 */
MUST_CHECK enum mlt_err
revoke_close_key(struct database *db, const uint8_t serial[static CERT_SERIAL], struct span spki);

#endif
