/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_RSA_WEAK_H
#define MALOTE_CRYPTO_RSA_WEAK_H

#include <openssl/types.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * Keys of a broken generator, as far as the modulus alone shows it: a factor below 752 (NIST SP
 * 800-89 5.3.3), or the form of ROCA (CVE-2017-15361).  For a key that somebody asks the CA to
 * certify: what a certificate says of its owner is worth no more than the key.  MLT_ERR_DAMAGED.
 */
MUST_CHECK enum mlt_err rsa_weak_check(EVP_PKEY *key);

#endif
