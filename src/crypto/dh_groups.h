/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CRYPTO_DH_GROUPS_H
#define MALOTE_CRYPTO_DH_GROUPS_H

#include "crypto/dh.h"

/* The primes of RFC 7919 appendix A, for this folder only. */
struct dh_group_row {
    const char *name;
    struct span p;
};

/* NULL for DH_NONE and anything unknown; static storage. */
const struct dh_group_row *dh_group_row(enum dh_group group);

#endif
