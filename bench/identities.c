/* SPDX-License-Identifier: Apache-2.0 */
#include "identities.h"

#include <openssl/x509.h>
#include <string.h>

#include "crypto/rsa.h"

static const unsigned key_bits = 2048;
static const char realm[] = "malote.internal";

static void free_x509(X509 **x509)
{
    X509_free(*x509);
}

static enum mlt_err describe(enum cert_role role, const char *name, struct cert_fields *fields)
{
    int64_t now_s = env_wall_ms(env_system()) / 1000;
    struct cert_fields f = {
        .role = role,
        .not_before_s = now_s - LIMIT_BACKDATE_S,
        .not_after_s = now_s + LIMIT_SERVER_CERT_HOURS * 3600 - LIMIT_BACKDATE_S,
    };
    memcpy(f.realm, realm, sizeof(realm));
    TRY(env_random(env_system(), f.serial, sizeof(f.serial)));
    f.serial[0] = (uint8_t)((f.serial[0] & 0x3f) | 0x40);
    if (name != NULL)
        TRY(name_parse(span_str(name), &f.name));
    *fields = f;
    return MLT_OK;
}

static enum mlt_err certify(const struct identities *ids, enum cert_role role, const char *name,
                            EVP_PKEY *key, struct buf *der)
{
    struct cert_fields fields;
    TRY(describe(role, name, &fields));
    CLEANUP(free_x509) X509 *x509 = X509_new();
    ENSURE(x509 != NULL, MLT_ERR_NOMEM);
    TRY(profile_build(&fields, key, role == CERT_CA ? NULL : ids->ca.x509, x509));
    TRY(profile_sign(x509, ids->ca_key));
    return cert_der(x509, der);
}

enum mlt_err identities_make(struct identities *ids)
{
    TRY(rsa_key_new(key_bits, &ids->ca_key));
    TRY(rsa_key_new(key_bits, &ids->server_key));
    TRY(rsa_key_new(key_bits, &ids->client_key));
    TRY(certify(ids, CERT_CA, NULL, ids->ca_key, &ids->ca_der));
    TRY(cert_read_ca(buf_span(&ids->ca_der), NULL, &ids->ca));
    TRY(certify(ids, CERT_SERVER, "relay", ids->server_key, &ids->server_der));
    return certify(ids, CERT_CLIENT, "maria", ids->client_key, &ids->client_der);
}

void identities_clear(struct identities *ids)
{
    rsa_key_free(&ids->ca_key);
    rsa_key_free(&ids->server_key);
    rsa_key_free(&ids->client_key);
    buf_clear(&ids->ca_der);
    buf_clear(&ids->server_der);
    buf_clear(&ids->client_der);
    cert_clear(&ids->ca);
}
