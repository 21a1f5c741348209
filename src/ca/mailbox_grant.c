/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/mailbox_grant.h"

#include <string.h>

#include "base/limits.h"
#include "ca/members.h"
#include "crypto/rsa.h"
#include "wire/cursor.h"
#include "wire/login_proof.h"

/* A nonce: random, time of issue, mac.  A grant: expiry, mac.  Times are monotonic milliseconds. */
#define NONCE_RANDOM 16
#define NONCE_MAC    16
#define TIME         8

static void put_time(int64_t ms, uint8_t out[static TIME])
{
    for (size_t i = 0; i < TIME; i++)
        out[i] = (uint8_t)((uint64_t)ms >> (8 * (TIME - 1 - i)));
}

static int64_t get_time(const uint8_t in[static TIME])
{
    uint64_t ms = 0;
    for (size_t i = 0; i < TIME; i++)
        ms = ms << 8 | in[i];
    return (int64_t)ms;
}

/* ---- nonces ---- */

static enum mlt_err mac_nonce(const struct ca *ca, const uint8_t nonce[static MAILBOX_NONCE],
                              uint8_t mac[static HASH_LEN])
{
    const struct span parts[] = { span_str("nonce"), span_of(nonce, NONCE_RANDOM + TIME) };
    return hash_hmac(secret_span(&ca->boot_key), parts, COUNT_OF(parts), mac);
}

static enum mlt_err make_nonce(struct ca *ca, uint8_t nonce[static MAILBOX_NONCE])
{
    uint8_t mac[HASH_LEN];
    TRY(env_random(ca->env, nonce, NONCE_RANDOM));
    put_time(env_mono_ms(ca->env), nonce + NONCE_RANDOM);
    TRY(mac_nonce(ca, nonce, mac));
    memcpy(nonce + NONCE_RANDOM + TIME, mac, NONCE_MAC);
    return MLT_OK;
}

enum mlt_err mailbox_grant_nonces(struct ca *ca, size_t count, struct buf *nonces)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t *nonce = NULL;
        TRY(buf_extend(nonces, MAILBOX_NONCE, &nonce));
        TRY(make_nonce(ca, nonce));
    }
    return MLT_OK;
}

static enum mlt_err find_nonce(const struct server_hello *hello, struct span *nonce)
{
    struct typed_list list = hello->list;
    struct typed_entry entry;
    while (typed_list_next(&list, &entry)) {
        if (entry.type != SERVER_HELLO_MAILBOX_NONCE)
            continue;
        ENSURE(entry.value.n == MAILBOX_NONCE, MLT_ERR_RANGE);
        *nonce = entry.value;
        return MLT_OK;
    }
    return MLT_ERR_UNEXPECTED;
}

static enum mlt_err check_nonce(const struct ca *ca, const struct server_hello *hello)
{
    struct span nonce = { 0 };
    TRY(find_nonce(hello, &nonce));
    uint8_t mac[HASH_LEN];
    TRY(mac_nonce(ca, nonce.p, mac));
    ENSURE(secret_eq(span_of(mac, NONCE_MAC), span_from(nonce, NONCE_RANDOM + TIME)), MLT_ERR_AUTH);
    int64_t age = env_mono_ms(ca->env) - get_time(nonce.p + NONCE_RANDOM);
    return age <= LIMIT_NONCE_MS ? MLT_OK : MLT_ERR_TIMEOUT;
}

/* ---- who he is ---- */

/* The key that a name has now. */
static enum mlt_err find_key(struct ca *ca, const struct name *name, bool *found,
                             uint8_t spki_hash[static HASH_LEN])
{
    struct member member = { 0 };
    bool is_member = false, revoked = true;
    TRY(members_find(&ca->db, name, &member, &is_member));
    if (is_member && member.has_key)
        TRY(certificates_key_is_revoked(&ca->db, member.spki_hash, &revoked));
    *found = !revoked;
    memcpy(spki_hash, member.spki_hash, HASH_LEN);
    return MLT_OK;
}

/* Of a certificate of ours whose key is not the name's: a ledger.db that was put back may be older
 * than it. */
static enum mlt_err why_not_his(struct ca *ca, const struct cert *cert)
{
    bool known = false, revoked = false;
    TRY(certificates_is_known(&ca->db, cert->fields.serial, &known));
    TRY(certificates_key_is_revoked(&ca->db, cert->spki_hash, &revoked));
    return known || revoked ? MLT_ERR_CERT_REVOKED : MLT_ERR_MISSING;
}

static enum mlt_err check_holder(struct ca *ca, const struct cert *cert)
{
    uint8_t spki_hash[HASH_LEN];
    bool found = false, revoked = false;
    TRY(find_key(ca, &cert->fields.name, &found, spki_hash));
    if (!found || !span_eq(SPAN_OF(spki_hash), SPAN_OF(cert->spki_hash)))
        return why_not_his(ca, cert);
    TRY(certificates_is_revoked(&ca->db, cert->fields.serial, &revoked));
    return revoked ? MLT_ERR_CERT_REVOKED : MLT_OK;
}

/* ---- grants ---- */

/* The key is in it: a grant ends when its holder's does, even if the name gets a new one. */
static enum mlt_err mac_grant(const struct ca *ca, const struct name *name,
                              const uint8_t spki_hash[static HASH_LEN],
                              const uint8_t expiry[static TIME], uint8_t mac[static HASH_LEN])
{
    const uint8_t length = (uint8_t)name_span(name).n;
    const struct span parts[] = { span_str("grant"), span_of(&length, 1), name_span(name),
                                  span_of(spki_hash, HASH_LEN), span_of(expiry, TIME) };
    return hash_hmac(secret_span(&ca->boot_key), parts, COUNT_OF(parts), mac);
}

static enum mlt_err give(const struct ca *ca, const struct cert *cert,
                         struct ipc_login_grant *grant)
{
    struct ipc_login_grant made = { .err = MLT_OK, .lasts_s = LIMIT_GRANT_S };
    put_time(env_mono_ms(ca->env) + (int64_t)LIMIT_GRANT_S * 1000, made.grant);
    TRY(mac_grant(ca, &cert->fields.name, cert->spki_hash, made.grant, made.grant + TIME));
    *grant = made;
    return MLT_OK;
}

enum mlt_err mailbox_grant_judge(struct ca *ca, const struct ipc_login_proof *proof,
                                 struct ipc_login_grant *grant)
{
    struct login_proof login;
    TRY(login_proof_decode(proof->transcript, &login));
    ENSURE(login.client_auth.kind == CLIENT_AUTH_RECEIVE, MLT_ERR_UNEXPECTED);
    TRY(check_nonce(ca, &login.server_hello));
    CLEANUP(cert_clear) struct cert cert = { 0 };
    TRY(cert_read_leaf_late(login.client_auth.certificate, &ca->cert, CERT_CLIENT, ca_now_s(ca),
                            &cert));
    TRY(check_holder(ca, &cert));
    uint8_t digest[HASH_LEN];
    TRY(hash_sha256(proof->transcript, digest));
    TRY(rsa_verify(cert.key, RSA_CLIENT_HANDSHAKE, digest, proof->signature));
    return give(ca, &cert, grant);
}

enum mlt_err mailbox_grant_check(struct ca *ca, const struct name *name,
                                 const uint8_t grant[static MAILBOX_GRANT])
{
    uint8_t spki_hash[HASH_LEN], mac[HASH_LEN];
    bool found = false;
    TRY(find_key(ca, name, &found, spki_hash));
    ENSURE(found, MLT_ERR_STATE);
    TRY(mac_grant(ca, name, spki_hash, grant, mac));
    ENSURE(secret_eq(SPAN_OF(mac), span_of(grant + TIME, HASH_LEN)), MLT_ERR_STATE);
    return env_mono_ms(ca->env) < get_time(grant) ? MLT_OK : MLT_ERR_STATE;
}
