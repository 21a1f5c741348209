/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

/* For Expand with an info of the caller's choice; kdf_expand_label writes its own. */
#include "crypto/kdf.c"

static enum mlt_err answer_extract(const struct buf *args, struct buf *out)
{
    CLEANUP(secret_clear) struct secret prk = { 0 };
    TRY(kdf_extract(buf_span(&args[0]), buf_span(&args[1]), &prk));
    return buf_put_hex(out, secret_span(&prk));
}

static enum mlt_err answer_expand(const struct buf *args, struct buf *out)
{
    uint32_t n = 0;
    CLEANUP(secret_clear) struct secret prk = { 0 };
    CLEANUP(secret_clear) struct secret okm = { 0 };
    TRY(oracle_number(&args[2], &n));
    TRY(secret_copy(&prk, buf_span(&args[0])));
    TRY(expand(&prk, buf_span(&args[1]), n, &okm));
    return buf_put_hex(out, secret_span(&okm));
}

static enum mlt_err answer_label(const struct buf *args, struct buf *out)
{
    uint32_t n = 0;
    const char *label = NULL;
    CLEANUP(buf_clear) struct buf text = { 0 };
    CLEANUP(secret_clear) struct secret prk = { 0 };
    CLEANUP(secret_clear) struct secret okm = { 0 };
    TRY(oracle_number(&args[3], &n));
    TRY(secret_copy(&prk, buf_span(&args[0])));
    TRY(buf_put(&text, buf_span(&args[1])));
    TRY(buf_text(&text, &label));
    TRY(kdf_expand_label(&prk, label, buf_span(&args[2]), n, &okm));
    return buf_put_hex(out, secret_span(&okm));
}

static enum mlt_err answer_scrypt(const struct buf *args, struct buf *out)
{
    struct kdf_cost cost;
    CLEANUP(secret_clear) struct secret made = { 0 };
    TRY(oracle_number(&args[2], &cost.n));
    TRY(oracle_number(&args[3], &cost.r));
    TRY(oracle_number(&args[4], &cost.p));
    TRY(kdf_scrypt(buf_span(&args[0]), buf_span(&args[1]), &cost, &made));
    return buf_put_hex(out, secret_span(&made));
}

const struct verb *oracle_kdf_verbs(size_t *count)
{
    static const struct verb verbs[] = {
        { "extract", 2, answer_extract },
        { "expand", 3, answer_expand },
        { "expand_label", 4, answer_label },
        { "scrypt", 5, answer_scrypt },
    };
    *count = COUNT_OF(verbs);
    return verbs;
}
