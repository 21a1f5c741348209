/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/statement.h"

#include "crypto/rsa.h"

static enum mlt_err digest(const struct cert *ca, struct span statement,
                           uint8_t out[static HASH_LEN])
{
    CLEANUP(hash_run_clear) struct hash_run run = { 0 };
    TRY(hash_run_init(&run));
    TRY(hash_run_add(&run, SPAN_OF(ca->spki_hash)));
    TRY(hash_run_add(&run, statement));
    return hash_run_peek(&run, out);
}

static enum mlt_err digest_head(const struct cert *ca, const struct ledger_head *head,
                                uint8_t out[static HASH_LEN])
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    TRY(ledger_head_put_signed(head, &bytes));
    return digest(ca, buf_span(&bytes), out);
}

static enum mlt_err digest_revocation(const struct cert *ca, const struct revocation *revocation,
                                      uint8_t out[static HASH_LEN])
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    TRY(revocation_put_signed(revocation, &bytes));
    return digest(ca, buf_span(&bytes), out);
}

enum mlt_err statement_sign_head(EVP_PKEY *key, const struct cert *ca,
                                 const struct ledger_head *head, struct buf *signature)
{
    uint8_t hash[HASH_LEN];
    TRY(digest_head(ca, head, hash));
    return rsa_sign(key, RSA_LEDGER_HEAD, hash, signature);
}

enum mlt_err statement_check_head(const struct cert *ca, const struct ledger_head *head)
{
    uint8_t hash[HASH_LEN];
    TRY(digest_head(ca, head, hash));
    return rsa_verify(ca->key, RSA_LEDGER_HEAD, hash, head->signature);
}

enum mlt_err statement_sign_revocation(EVP_PKEY *key, const struct cert *ca,
                                       const struct revocation *revocation, struct buf *signature)
{
    uint8_t hash[HASH_LEN];
    TRY(digest_revocation(ca, revocation, hash));
    return rsa_sign(key, RSA_REVOCATION, hash, signature);
}

enum mlt_err statement_check_revocation(const struct cert *ca, const struct revocation *revocation)
{
    uint8_t hash[HASH_LEN];
    TRY(digest_revocation(ca, revocation, hash));
    return rsa_verify(ca->key, RSA_REVOCATION, hash, revocation->signature);
}

enum mlt_err statement_sign_renewal(EVP_PKEY *key, const struct cert *ca,
                                    const uint8_t serial[static CERT_SERIAL], struct buf *signature)
{
    uint8_t hash[HASH_LEN];
    TRY(digest(ca, span_of(serial, CERT_SERIAL), hash));
    return rsa_sign(key, RSA_RENEWAL, hash, signature);
}

enum mlt_err statement_check_renewal(EVP_PKEY *key, const struct cert *ca,
                                     const uint8_t serial[static CERT_SERIAL],
                                     struct span signature)
{
    uint8_t hash[HASH_LEN];
    TRY(digest(ca, span_of(serial, CERT_SERIAL), hash));
    return rsa_verify(key, RSA_RENEWAL, hash, signature);
}
