/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_reason.h"

#include <string.h>

static const struct {
    const char *word;
    enum crl_reason reason;
} reasons[] = {
    { "unspecified", CRL_UNSPECIFIED },
    { "key-compromise", CRL_KEY_COMPROMISE },
    { "affiliation-changed", CRL_AFFILIATION_CHANGED },
    { "superseded", CRL_SUPERSEDED },
    { "cessation", CRL_CESSATION },
};

bool reason_take(const char *word, enum crl_reason *reason)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (strcmp(reasons[i].word, word) == 0) {
            *reason = reasons[i].reason;
            return true;
        }
    }
    return false;
}

const char *reason_word(enum crl_reason reason)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (reasons[i].reason == reason)
            return reasons[i].word;
    }
    return "unknown";
}
