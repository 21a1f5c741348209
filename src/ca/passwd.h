/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_PASSWD_H
#define MALOTE_CA_PASSWD_H

#include "ca/ca.h"
#include "ca/keystore_rewrite.h"

/*
 * Another passphrase for an opened authority, with `rotate` another master key as well.  One
 * transaction in ledger.db decides: killed before it the old passphrase opens, after it the new.
 * Copies made earlier (a backup, chaves.txt itself) open with the old one for good.
 */
MUST_CHECK enum mlt_err passwd(struct ca *ca, const struct keystore_renewal *renewal);

#endif
