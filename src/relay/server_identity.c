/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/server_identity.h"

#include "base/alloc.h"

static enum mlt_err read_parts(const struct server_identity_parts *parts, EVP_PKEY *key,
                               struct server_identity *made)
{
    TRY(buf_put(&made->ca_der, parts->ca_der));
    TRY(buf_put(&made->der, parts->der));
    TRY(cert_read_ca(buf_span(&made->ca_der), NULL, &made->ca));
    int64_t now_s = env_wall_ms(parts->env) / 1000;
    TRY(cert_read_leaf_late(buf_span(&made->der), &made->ca, CERT_SERVER, now_s, &made->cert));
    uint8_t hash[HASH_LEN];
    TRY(rsa_public_hash(key, hash));
    ENSURE(span_eq(SPAN_OF(hash), SPAN_OF(made->cert.spki_hash)), MLT_ERR_AUTH);
    return MLT_OK;
}

enum mlt_err server_identity_new(const struct server_identity_parts *parts, EVP_PKEY **key,
                                 struct server_identity **identity)
{
    CLEANUP(server_identity_drop) struct server_identity *made = NULL;
    TRY(ALLOC_NEW(&made));
    made->references = 1;
    TRY(read_parts(parts, *key, made));
    made->key = *key;
    *key = NULL;
    made->config = (struct hs_server_config) { .env = parts->env,
                                               .group = parts->group,
                                               .ca = &made->ca,
                                               .ca_der = buf_span(&made->ca_der),
                                               .server_der = buf_span(&made->der),
                                               .server_key = made->key };
    *identity = made;
    made = NULL;
    return MLT_OK;
}

struct server_identity *server_identity_share(struct server_identity *identity)
{
    identity->references++;
    return identity;
}

void server_identity_drop(struct server_identity **identity)
{
    struct server_identity *gone = *identity;
    *identity = NULL;
    if (gone == NULL || --gone->references > 0)
        return;
    rsa_key_free(&gone->key);
    cert_clear(&gone->ca);
    cert_clear(&gone->cert);
    buf_clear(&gone->ca_der);
    buf_clear(&gone->der);
    alloc_free(gone);
}

int64_t server_identity_due_ms(const struct server_identity *identity)
{
    const struct cert_fields *fields = &identity->cert.fields;
    return fields->not_before_s * 500 + fields->not_after_s * 500;
}

bool server_identity_is_due(const struct server_identity *identity, int64_t now_ms)
{
    return now_ms < identity->cert.fields.not_before_s * 1000 ||
           now_ms >= server_identity_due_ms(identity);
}
