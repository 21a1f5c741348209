/* SPDX-License-Identifier: Apache-2.0 */
#include "client/public.h"

static const enum mlt_error numbers[] = {
    [MLT_OK] = MLT_ERROR_NONE,
    [MLT_ERR_TRUNCATED] = MLT_ERROR_TRUNCATED,
    [MLT_ERR_TRAILING] = MLT_ERROR_TRAILING,
    [MLT_ERR_RANGE] = MLT_ERROR_RANGE,
    [MLT_ERR_UNEXPECTED] = MLT_ERROR_UNEXPECTED,
    [MLT_ERR_VERSION] = MLT_ERROR_VERSION,
    [MLT_ERR_GROUP] = MLT_ERROR_GROUP,
    [MLT_ERR_DH_VALUE] = MLT_ERROR_DH_VALUE,
    [MLT_ERR_AUTH] = MLT_ERROR_AUTH,
    [MLT_ERR_REKEY] = MLT_ERROR_REKEY,
    [MLT_ERR_NAME] = MLT_ERROR_NAME,
    [MLT_ERR_ENCODING] = MLT_ERROR_ENCODING,
    [MLT_ERR_CERT_PROFILE] = MLT_ERROR_CERT_PROFILE,
    [MLT_ERR_CERT_FOREIGN] = MLT_ERROR_CERT_FOREIGN,
    [MLT_ERR_CERT_SIGNATURE] = MLT_ERROR_CERT_SIGNATURE,
    [MLT_ERR_CERT_ROLE] = MLT_ERROR_CERT_ROLE,
    [MLT_ERR_CERT_EXPIRED] = MLT_ERROR_CERT_EXPIRED,
    [MLT_ERR_CERT_NOT_YET] = MLT_ERROR_CERT_NOT_YET,
    [MLT_ERR_CERT_REVOKED] = MLT_ERROR_CERT_REVOKED,
    [MLT_ERR_STALE] = MLT_ERROR_STALE,
    [MLT_ERR_LEDGER] = MLT_ERROR_LEDGER,
    [MLT_ERR_NOT_DUE] = MLT_ERROR_NOT_DUE,
    [MLT_ERR_CRL] = MLT_ERROR_CRL,
    [MLT_ERR_CRL_FOREIGN] = MLT_ERROR_CRL_FOREIGN,
    [MLT_ERR_CRL_SIGNATURE] = MLT_ERROR_CRL_SIGNATURE,
    [MLT_ERR_PIN] = MLT_ERROR_PIN,
    [MLT_ERR_REQUEST] = MLT_ERROR_REQUEST,
    [MLT_ERR_PROOF] = MLT_ERROR_PROOF,
    [MLT_ERR_ALERT] = MLT_ERROR_ALERT,
    [MLT_ERR_CUT] = MLT_ERROR_CUT,
    [MLT_ERR_TIMEOUT] = MLT_ERROR_TIMEOUT,
    [MLT_ERR_REFUSED] = MLT_ERROR_REFUSED,
    [MLT_ERR_TOO_MANY] = MLT_ERROR_TOO_MANY,
    [MLT_ERR_NOMEM] = MLT_ERROR_NOMEM,
    [MLT_ERR_NOSPACE] = MLT_ERROR_NOSPACE,
    [MLT_ERR_SYSTEM] = MLT_ERROR_SYSTEM,
    [MLT_ERR_CRYPTO] = MLT_ERROR_CRYPTO,
    [MLT_ERR_DATABASE] = MLT_ERROR_DATABASE,
    [MLT_ERR_NEWER] = MLT_ERROR_NEWER,
    [MLT_ERR_DAMAGED] = MLT_ERROR_DAMAGED,
    [MLT_ERR_PASSPHRASE] = MLT_ERROR_PASSPHRASE,
    [MLT_ERR_PERMISSION] = MLT_ERROR_PERMISSION,
    [MLT_ERR_MISSING] = MLT_ERROR_MISSING,
    [MLT_ERR_EXISTS] = MLT_ERROR_EXISTS,
    [MLT_ERR_LOCKED] = MLT_ERROR_LOCKED,
    [MLT_ERR_UNREACHABLE] = MLT_ERROR_UNREACHABLE,
    [MLT_ERR_UNKNOWN_HOST] = MLT_ERROR_UNKNOWN_HOST,
    [MLT_ERR_CLOCK] = MLT_ERROR_CLOCK,
    [MLT_ERR_STOPPED] = MLT_ERROR_STOPPED,
    [MLT_ERR_SANDBOX] = MLT_ERROR_SANDBOX,
    [MLT_ERR_USAGE] = MLT_ERROR_USAGE,
    [MLT_ERR_STATE] = MLT_ERROR_STATE,
};

#define X(name, fault, text) +1
_Static_assert(COUNT_OF(numbers) == 0
#include "base/err.def"
               ,
               "an error of err.def has no public number");
#undef X

enum mlt_error public_error(enum mlt_err err)
{
    return (size_t)err < COUNT_OF(numbers) ? numbers[err] : MLT_ERROR_STATE;
}

/* False for a number this library does not know. */
static bool find(enum mlt_error error, enum mlt_err *err)
{
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        if (numbers[i] != error)
            continue;
        *err = (enum mlt_err)i;
        return true;
    }
    return false;
}

const char *mlt_error_text(enum mlt_error error)
{
    enum mlt_err err;
    return find(error, &err) ? err_text(err) : "unknown error";
}

enum mlt_blame mlt_error_blame(enum mlt_error error)
{
    enum mlt_err err;
    if (!find(error, &err))
        return MLT_BLAME_CALLER;
    switch (err_fault(err)) {
    case FAULT_NOBODY:
        return MLT_BLAME_NOBODY;
    case FAULT_PEER:
        return MLT_BLAME_SERVER;
    case FAULT_LOCAL:
        return MLT_BLAME_LOCAL;
    default:
        return MLT_BLAME_CALLER;
    }
}

const char *mlt_version(void)
{
    return MALOTE_VERSION;
}
