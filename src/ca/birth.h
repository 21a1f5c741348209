/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_BIRTH_H
#define MALOTE_CA_BIRTH_H

#include "ca/ca.h"

/* The first run: keystore, CA key, root certificate and ledger come to be together or not at all.
 */

/* Names under which ledger.db keeps what is fixed at birth, or told at each start. */
#define CA_META_REALM     "realm"
#define CA_META_ADVERTISE "advertise"
#define CA_META_CERT_LIFE "certificate life"

/* The name in the keystore's lines of the CA itself: reserved, so that no user has it. */
#define CA_KEYSTORE_NAME "ca"

/* A fresh salt and the cost: what the passphrase is to be stretched with. */
MUST_CHECK enum mlt_err birth_prepare(uint32_t kdf_cost, struct ipc_key_needed *need);

/*
 * Order, so that a kill at any point leaves either nothing or everything: KEYSTORE_NEW complete
 * and synced; one transaction in ledger.db that holds all the rest; the rename to KEYSTORE_FILE
 * (which the next start makes up for).
 */
MUST_CHECK enum mlt_err birth(struct ca *ca, const struct secret *stretched);

/*
 * The same around a key and a root certificate that are there already (malote-ca import):
 * ca->fresh, and the realm is the certificate's.  The ledger begins anew, and so does an epoch; the
 * first CRL gets the epoch's number, which is above whatever the CA has counted to before.
 * MLT_ERR_PIN where the certificate is not the key's, else what cert_read_ca says;
 * MLT_ERR_CERT_NOT_YET or CERT_EXPIRED, and *why says both times, where the clock is outside the
 * root's time.
 */
MUST_CHECK enum mlt_err birth_import(struct ca *ca, const struct secret *stretched, EVP_PKEY *key,
                                     struct span certificate, struct buf *why);

/*
 * The first join URL, appended: with an invite for LIMIT_FIRST_INVITE_S in mode invite, without
 * one where none is needed.  Nothing is appended while no address is known.
 */
MUST_CHECK enum mlt_err birth_first_url(struct ca *ca, struct buf *url);

#endif
