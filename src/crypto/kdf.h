/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_KDF_H
#define MALOTE_CRYPTO_KDF_H

#include "base/secret.h"

/* Key derivation: HKDF-SHA-256 (RFC 5869) with labels, and scrypt (RFC 7914). */

#define KDF_LEN 32

/* HKDF-Extract into a fresh 32-byte secret. */
MUST_CHECK enum mlt_err kdf_extract(struct span salt, struct span ikm, struct secret *out);

/*
 * HKDF-Expand with info = u16 length, vec8 ("malote v1 " label), vec8 context, as TLS 1.3 does
 * with its own prefix.  `label` at most 32 bytes, `context` at most 255, n at most 255.
 */
MUST_CHECK enum mlt_err kdf_expand_label(const struct secret *prk, const char *label,
                                         struct span context, size_t n, struct secret *out);

/* Cost of scrypt; N a power of two, bounds checked by kdf_scrypt (MLT_ERR_RANGE). */
struct kdf_cost {
    uint32_t n;
    uint32_t r;
    uint32_t p;
};

/* 32 bytes from a passphrase; memory 128 * N * r. */
MUST_CHECK enum mlt_err kdf_scrypt(struct span passphrase, struct span salt,
                                   const struct kdf_cost *cost, struct secret *out);

#endif
