/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_PUBLIC_ORACLE_H
#define MALOTE_TESTS_PUBLIC_ORACLE_H

#include "base/buf.h"
#include "base/err.h"

/*
 * What other people's test vectors are asked of: our wrappers, over a pipe.  A question is a line,
 * a verb and its arguments in hex ("-" is empty); the answer is a line too: "ok", perhaps with
 * bytes, or the name of an error.  Public vectors go below what the headers of src/crypto offer
 * (a message without our prefix, a key without our schedule); three parts therefore include the
 * wrapper's source itself instead of asking the product for an interface that only tests need.
 */

struct verb {
    const char *name;
    size_t count; /* of arguments */
    enum mlt_err (*answer)(const struct buf *args, struct buf *out);
};

/* The verbs of each part; static storage. */
const struct verb *oracle_hash_verbs(size_t *count);
const struct verb *oracle_kdf_verbs(size_t *count);
const struct verb *oracle_etm_verbs(size_t *count);
const struct verb *oracle_rsa_verbs(size_t *count);
const struct verb *oracle_dh_verbs(size_t *count);
const struct verb *oracle_pki_verbs(size_t *count);

/* A number of at most four bytes, big-endian. */
MUST_CHECK enum mlt_err oracle_number(const struct buf *arg, uint32_t *number);

#endif
