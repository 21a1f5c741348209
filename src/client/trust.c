/* SPDX-License-Identifier: Apache-2.0 */
#include "client/trust.h"

static bool is_same_realm(const struct cert *a, const struct cert *b)
{
    return span_eq(span_str(a->fields.realm), span_str(b->fields.realm));
}

static bool is_time_error(enum mlt_err err)
{
    return err == MLT_ERR_CERT_EXPIRED || err == MLT_ERR_CERT_NOT_YET;
}

enum mlt_err trust_own(struct span der, const struct cert *ca, const struct trust_self *self,
                       int64_t now_s, struct cert *own)
{
    CLEANUP(cert_clear) struct cert got = { 0 };
    enum mlt_err verdict = cert_read_leaf_late(der, ca, CERT_CLIENT, now_s, &got);
    ENSURE(verdict == MLT_OK || is_time_error(verdict), verdict);
    ENSURE(name_eq(&got.fields.name, self->name), MLT_ERR_CERT_FOREIGN);
    ENSURE(is_same_realm(&got, ca), MLT_ERR_CERT_FOREIGN);
    struct span hash = SPAN_OF(got.spki_hash);
    ENSURE(span_eq(hash, span_of(self->key_hash, HASH_LEN)), MLT_ERR_CERT_FOREIGN);
    *own = got;
    got = (struct cert) { 0 };
    return verdict;
}

enum mlt_err trust_realm(const struct cert *ca, const struct cert *own)
{
    return is_same_realm(ca, own) ? MLT_OK : MLT_ERR_CERT_FOREIGN;
}
