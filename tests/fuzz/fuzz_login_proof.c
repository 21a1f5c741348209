/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/limits.h"
#include "wire/login_proof.h"

/*
 * What net says a client signed.  Whatever passes is a login, all of it was looked at (one byte
 * less or more does not pass), and nothing is borrowed from elsewhere.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool cond)
{
    if (!cond)
        abort();
}

static void must_lie_within(struct span part, struct span whole)
{
    must(part.n <= whole.n);
    must(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct login_proof proof = { 0 }, other;
    struct span whole = span_of(data, n);
    enum mlt_err err = login_proof_decode(whole, &proof);
    if (err != MLT_OK) {
        must(err_fault(err) == FAULT_PEER);
        must(proof.client_auth.kind == 0 && proof.server_hello.p.n == 0);
        return 0;
    }
    must(n <= LIMIT_TRANSCRIPT);
    must(proof.client_auth.kind == CLIENT_AUTH_RECEIVE ||
         proof.client_auth.kind == CLIENT_AUTH_SEND);
    must(proof.client_auth.certificate.n > 0);
    must(proof.client_hello.dh_public.n == proof.server_hello.p.n);
    must_lie_within(proof.client_auth.certificate, whole);
    must_lie_within(proof.server_hello.list.entries, whole);
    must_lie_within(proof.client_hello.list.entries, whole);
    must_lie_within(proof.server_auth.certificate, whole);
    must(login_proof_decode(span_of(data, n - 1), &other) != MLT_OK);
    CLEANUP(buf_clear) struct buf longer = { 0 };
    must(buf_put(&longer, whole) == MLT_OK && buf_put_u8(&longer, 0) == MLT_OK);
    must(login_proof_decode(buf_span(&longer), &other) != MLT_OK);
    return 0;
}
