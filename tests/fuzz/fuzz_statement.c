/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/crypto.h"
#include "fuzz_cert_ca.h"
#include "pki/statement.h"
#include "wire/renew.h"

/*
 * What says it is signed by the CA, or by a member.  The first byte says which statement.  No
 * input has a good signature: nobody has that key any more.
 */

static struct cert ca;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    bool locked = false;
    if (secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK ||
        cert_read_ca(SPAN_OF(fuzz_cert_ca), NULL, &ca) != MLT_OK)
        abort();
    return 0;
}

static enum mlt_err check(unsigned which, struct span input)
{
    struct ledger_head head;
    struct revocation revocation;
    struct renew renew;
    switch (which) {
    case 0:
        TRY(ledger_head_decode(input, &head));
        return statement_check_head(&ca, &head);
    case 1:
        TRY(revocation_decode(input, &revocation));
        return statement_check_revocation(&ca, &revocation);
    default:
        TRY(renew_decode(input, &renew));
        return statement_check_renewal(ca.key, &ca, renew.serial, renew.signature);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (check(data[0] % 3, span_of(data + 1, size - 1)) == MLT_OK)
        abort();
    return 0;
}
