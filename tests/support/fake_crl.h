/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_FAKE_CRL_H
#define MALOTE_TESTS_SUPPORT_FAKE_CRL_H

#include "fake.h"

/*
 * Revocation lists as they must be, and every way they must not be, made with libcrypto's calls
 * and none of src/pki/crl.c.  Anything that fails here ends the program.
 */

/* Number, two revoked serials (the first with a reason), a life of 7 days; not signed.  Owned. */
#define FAKE_CRL_NUMBER 258
X509_CRL *fake_crl_draft(struct fake *f);

void fake_crl_serial(unsigned last, uint8_t serial[static CERT_SERIAL]);

/* Appends the DER. */
void fake_crl_der(X509_CRL *crl, struct buf *out);

/* A good one, signed: appended. */
void fake_crl_good(struct fake *f, struct buf *out);

/* Something that is no list of the CA's, and what crl_read says; appended to an empty buf. */
struct fake_crl_defect {
    const char *name;
    enum mlt_err wanted;
    void (*change)(struct fake *f, X509_CRL *crl);   /* before the signature, or NULL */
    void (*damage)(struct fake *f, struct buf *der); /* after it, or NULL */
    void (*sign)(struct fake *f, X509_CRL *crl);     /* NULL: as the CA does */
};
const struct fake_crl_defect *fake_crl_defects(size_t *count);
void fake_crl_make(struct fake *f, const struct fake_crl_defect *defect, struct buf *out);

#endif
