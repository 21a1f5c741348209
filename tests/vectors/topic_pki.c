/* SPDX-License-Identifier: Apache-2.0 */
#include "topics.h"

#include <openssl/x509.h>

#include "crypto/rsa.h"
#include "must.h"
#include "pki/merkle.h"
#include "pki/request.h"
#include "sheet.h"
#include "steps.h"

void topic_keys(const struct given *g)
{
    sheet_open("keys", "Keys",
               "RSA keys made for these vectors and published with them: they protect nothing.\n"
               "\"private key\" is PKCS#8 DER, \"fingerprint\" the SHA-256 of the public one.");
    for (int i = 0; i < KEY_COUNT; i++) {
        CLEANUP(secret_clear) struct secret private = { 0 };
        CLEANUP(buf_clear) struct buf public = { 0 };
        uint8_t hash[HASH_LEN];
        uint8_t checked[HASH_LEN];
        must_ok(rsa_private_encode(g->keys[i], &private));
        must_ok(rsa_public_encode(g->keys[i], &public));
        must_ok(rsa_public_hash(g->keys[i], hash));
        must(span_eq(step_hash(buf_span(&public), checked), SPAN_OF(hash)));
        sheet_case(given_key_names[i], "");
        sheet_hex_elsewhere("private key", secret_span(&private), "in tests/vectors/keys.json");
        sheet_hex("SubjectPublicKeyInfo", buf_span(&public));
        sheet_hex("fingerprint", SPAN_OF(hash));
        sheet_case_end();
    }
    sheet_close();
}

static struct span bits_of(const ASN1_BIT_STRING *bits)
{
    return span_of(bits->data, (size_t)bits->length);
}

/* Salt and signature, after checking that it stands under those bytes. */
static void put_signature(EVP_PKEY *key, const ASN1_BIT_STRING *bits)
{
    uint8_t salt[HASH_LEN];
    struct span signature = bits_of(bits);
    step_pss_salt(key, signature, salt);
    sheet_hex("salt", SPAN_OF(salt));
    sheet_hex("signature", signature);
}

void topic_request(struct span der, EVP_PKEY *key)
{
    const uint8_t *at = der.p;
    const ASN1_BIT_STRING *bits = NULL;
    CLEANUP(request_clear) struct request request = { 0 };
    CLEANUP(buf_clear) struct buf info = { 0 };
    uint8_t *where = NULL;
    must_ok(request_read(der, &request));
    X509_REQ *r = d2i_X509_REQ(NULL, &at, (long)der.n);
    must(r != NULL);
    must_ok(buf_extend(&info, (size_t)i2d_re_X509_REQ_tbs(r, NULL), &where));
    must(i2d_re_X509_REQ_tbs(r, &where) == (int)info.len);
    X509_REQ_get0_signature(r, &bits, NULL);
    sheet_group("request", "PKCS#10, 11.3.");
    sheet_hex("CertificationRequestInfo", buf_span(&info));
    put_signature(key, bits);
    sheet_hex("DER", der);
    sheet_group_end();
    X509_REQ_free(r);
}

static void put_certificate(const struct given *g, const char *name, const char *comment,
                            enum given_key key, const struct issued *issued)
{
    const uint8_t *at = issued->der.p;
    const ASN1_BIT_STRING *bits = NULL;
    struct cert_fields fields;
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    CLEANUP(buf_clear) struct buf public = { 0 };
    char where[64];
    X509 *x = d2i_X509(NULL, &at, (long)issued->der.len);
    must(x != NULL);
    must_ok(profile_check(x, issued->role, &fields));
    must_ok(profile_tbs(x, &tbs));
    must(X509_verify(x, g->keys[KEY_CA]) == 1);
    X509_get0_signature(&bits, NULL, x);
    must_ok(rsa_public_encode(g->keys[key], &public));

    snprintf(where, sizeof where, "14.1, %s", given_key_names[key]);
    sheet_case(name, comment);
    sheet_int("role", (uint64_t)issued->role);
    sheet_text("name", fields.name.text);
    sheet_text("realm", fields.realm);
    sheet_hex("serial", SPAN_OF(fields.serial));
    sheet_int("notBefore, s", (uint64_t)fields.not_before_s);
    sheet_int("notAfter, s", (uint64_t)fields.not_after_s);
    sheet_hex_elsewhere("SubjectPublicKeyInfo", buf_span(&public), where);
    sheet_hex_elsewhere("TBSCertificate", buf_span(&tbs), "what DER holds first");
    put_signature(g->keys[KEY_CA], bits);
    sheet_hex("DER", buf_span(&issued->der));
    sheet_case_end();
    X509_free(x);
}

void topic_certificates(const struct given *g)
{
    sheet_open("certificates", "Certificates",
               "Issued at 1795359274 s after 1970, signed with the key \"ca\". Roles are the kinds "
               "of\nsection 10: 1 CA, 2 server, 3 client.");
    put_certificate(g, "CA", "", KEY_CA, &g->root);
    put_certificate(g, "server", "", KEY_SERVER, &g->server);
    put_certificate(g, "client", "", KEY_CLIENT, &g->client);
    put_certificate(g, "enrolled", "What ENROL (14.4) is answered with.", KEY_ENROLLING,
                    &g->enrolled);
    sheet_close();
}

static const struct issued *issued_at(const struct given *g, uint64_t position)
{
    const struct issued *const all[] = { &g->root, &g->server, &g->client, &g->enrolled };
    must(position < COUNT_OF(all) && all[position]->position == position);
    return all[position];
}

static void put_leaf(const struct given *g, const char *name, uint64_t position)
{
    struct database db = g->db;
    struct ledger_leaf leaf;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    uint8_t hash[HASH_LEN];
    const struct issued *issued = issued_at(g, position);
    must_ok(ledger_read(&db, position, &leaf));
    must_ok(ledger_leaf_encode(&leaf, &bytes));
    must_ok(merkle_leaf_hash(buf_span(&bytes), hash));
    must(span_eq(SPAN_OF(leaf.serial), SPAN_OF(issued->serial)));
    must(span_eq(SPAN_OF(leaf.spki_hash), SPAN_OF(issued->spki_hash)));

    sheet_case(name, "");
    sheet_int("position", position);
    sheet_hex("TBSCertificate SHA-256", SPAN_OF(leaf.tbs_hash));
    sheet_text("name", leaf.name.text);
    sheet_hex("key fingerprint", SPAN_OF(leaf.spki_hash));
    sheet_int("kind", (uint64_t)leaf.kind);
    sheet_hex("serial", SPAN_OF(leaf.serial));
    sheet_int("time, s", (uint64_t)leaf.time_s);
    sheet_hex("leaf", buf_span(&bytes));
    sheet_hex("leaf hash", SPAN_OF(hash));
    sheet_case_end();
}

void topic_leaf(const struct given *g)
{
    sheet_open("leaf", "Ledger leaf",
               "The leaves of the certificates of 14.2, read back from "
               "ledger.db. \"leaf hash\" is SHA-256(00, leaf).");
    put_leaf(g, "root", 0);
    put_leaf(g, "server", 1);
    put_leaf(g, "client", 2);
    sheet_close();
}
