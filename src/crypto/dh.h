/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_DH_H
#define MALOTE_CRYPTO_DH_H

#include <openssl/types.h>

#include "base/buf.h"
#include "base/secret.h"

/* Finite-field Diffie-Hellman over the groups of RFC 7919, and no others. */

enum dh_group { DH_NONE, DH_FFDHE2048, DH_FFDHE3072, DH_FFDHE4096 };

#define DH_PUBLIC_MIN 256
#define DH_PUBLIC_MAX 512

/* "ffdhe3072" and back; MLT_ERR_GROUP. */
const char *dh_group_name(enum dh_group group);
MUST_CHECK enum mlt_err dh_group_parse(const char *name, enum dh_group *group);

/* |p| in bytes: the length of every public value and of Z. */
size_t dh_group_size(enum dh_group group);

/* Prime and generator, big-endian, static storage. */
void dh_group_params(enum dh_group group, struct span *p, struct span *g);

/* Byte equality with a known group decides: no arithmetic on what a peer sent.  MLT_ERR_GROUP. */
MUST_CHECK enum mlt_err dh_group_from_params(struct span p, struct span g, enum dh_group *group);

/* A fresh one-use pair; *key is owned by the caller (dh_key_free). */
MUST_CHECK enum mlt_err dh_key_new(enum dh_group group, EVP_PKEY **key);
void dh_key_free(EVP_PKEY **key);

/* Appends the public value, left-padded to |p|. */
MUST_CHECK enum mlt_err dh_key_public(EVP_PKEY *key, enum dh_group group, struct buf *out);

/* Exactly |p| bytes, 2 <= y <= p-2, and a quadratic residue (so of order q).  MLT_ERR_DH_VALUE. */
MUST_CHECK enum mlt_err dh_check_public(enum dh_group group, struct span y);

/* dh_check_public, then Z left-padded to |p|. */
MUST_CHECK enum mlt_err dh_derive(EVP_PKEY *key, enum dh_group group, struct span y,
                                  struct secret *z);

#endif
