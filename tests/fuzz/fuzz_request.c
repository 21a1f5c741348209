/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "pki/request.h"

/* PKCS#10 from anyone who reaches the door.  What is accepted carries a name and a key of ours. */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    bool locked = false;
    if (secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(request_clear) struct request r = { 0 };
    if (request_read(span_of(data, size), &r) != MLT_OK)
        return 0;
    struct name again;
    uint8_t hash[HASH_LEN];
    if (name_parse(name_span(&r.name), &again) != MLT_OK || rsa_key_check(r.key, false) != MLT_OK ||
        rsa_public_hash(r.key, hash) != MLT_OK || !span_eq(SPAN_OF(hash), SPAN_OF(r.spki_hash)))
        abort();
    return 0;
}
