/* SPDX-License-Identifier: Apache-2.0 */
#include "requests_of_admin.h"

#include <openssl/x509v3.h>

#include "ca/crl_keep.h"
#include "ca/enrol.h"
#include "ca/renew.h"
#include "ca/revoke.h"
#include "signed_oracle.h"

/* ---- what is taken back ---- */

static const struct known_certificate *find_serial(const struct world *w, const uint8_t *serial)
{
    for (size_t i = 0; i < w->certificate_count; i++)
        if (span_eq(SPAN_OF(w->certificates[i].serial), span_of(serial, CERT_SERIAL)))
            return &w->certificates[i];
    return NULL;
}

/* The newest list, taken apart with libcrypto's calls: what the model has taken back and that could
 * still be renewed when it was signed is in it, with its reason, and nothing else. */
static void check_list(struct world *w)
{
    uint64_t number = 0;
    X509_CRL *crl = newest_list(w, &number);
    const struct signed_list wanted = { w->ca, number };
    const char *complaint = signed_list_complaint(crl, &wanted);
    if (complaint != NULL)
        fail_msg("seed %llu: a list: %s", (unsigned long long)w->seed, complaint);
    int64_t signed_s = signed_seconds(X509_CRL_get0_lastUpdate(crl));
    size_t listed = 0, count = 0;
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
        X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);
        const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(entry);
        assert_int_equal(ASN1_STRING_length(serial), CERT_SERIAL);
        const struct known_certificate *c = find_serial(w, ASN1_STRING_get0_data(serial));
        /* One that an administrator approved was never shown to net. */
        listed += c != NULL;
        if (c != NULL)
            assert_int_equal(signed_seconds(X509_REVOKED_get0_revocationDate(entry)), c->revoked_s);
        ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
        if (c != NULL)
            assert_int_equal(reason != NULL ? ASN1_ENUMERATED_get(reason) : 0, c->reason);
        ASN1_ENUMERATED_free(reason);
    }
    for (size_t i = 0; i < w->certificate_count; i++)
        count += w->certificates[i].revoked_s != 0 &&
                 w->certificates[i].end_s + LIMIT_GRACE_S > signed_s;
    assert_int_equal(listed, count);
    w->lists++;
    X509_CRL_free(crl);
}

static void close_key(struct world *w, int key, unsigned reason)
{
    w->revoked[key] = true;
    for (size_t i = 0; i < w->certificate_count; i++) {
        struct known_certificate *c = &w->certificates[i];
        if (c->key != key || c->revoked_s != 0)
            continue;
        c->revoked_s = now_s(w);
        c->reason = reason;
    }
}

static void choose_server_key(struct world *w)
{
    for (size_t key = 0; key < KEYS; key++)
        if (!w->revoked[key] && w->name_of[key] < 0)
            w->server_key = key;
}

void take_back(struct world *w)
{
    static const enum crl_reason reasons[] = { CRL_UNSPECIFIED, CRL_KEY_COMPROMISE, CRL_CESSATION };
    size_t name = below(w, NAMES), count = 0;
    bool done = false;
    const struct revoke_order order = { authority_name(names[name]), reasons[below(w, 3)] };
    enum mlt_err err = revoke_name(&w->a.ca, &order, &count, &done);
    bool is_server = strcmp(names[name], "relay") == 0;
    if (err == MLT_ERR_MISSING) {
        assert_true(!done && !is_server && w->holder[name] == NOBODY);
        return;
    }
    assert_ok(err);
    for (int key = 0; key < KEYS; key++) {
        if (is_server ? w->of_server[key] : w->name_of[key] == (int)name)
            close_key(w, key, order.reason);
    }
    if (is_server)
        choose_server_key(w);
    else
        w->holder[name] = CLOSED;
    check_list(w);
}

void let_renew(struct world *w)
{
    size_t name = below(w, NAMES);
    const struct name who = authority_name(names[name]);
    enum mlt_err err = renew_allow(&w->a.ca, &who);
    if (err == MLT_OK)
        w->window_s[name] = now_s(w) + LIMIT_RENEW_WINDOW_S;
    else
        assert_true(w->holder[name] < 0);
}

/* ---- all else ---- */

void let_time_pass(struct world *w)
{
    static const int64_t steps_s[] = { 1, 60, 600, 3600, 86400, 8 * 86400, 91 * 86400 };
    w->a.now_ms += 1000 * steps_s[below(w, below(w, 4) == 0 ? COUNT_OF(steps_s) : 4)];
    assert_ok(crl_keep_tend(&w->a.ca));
    check_list(w);
}

void approve(struct world *w)
{
    size_t name = below(w, NAMES), key = below(w, 3) == 0 ? below(w, KEYS) : name;
    const struct name who = authority_name(names[name]);
    uint8_t hash[HASH_LEN];
    enum refusal reason = REFUSAL_NONE;
    authority_fingerprint(key_of(key), hash);
    enum mlt_err err = enrol_approve(&w->a.ca, &who, hash, &reason);
    if (err != MLT_OK)
        return;
    assert_true(w->waits[name][key] && is_free_name(name));
    assert_true(w->holder[name] == NOBODY || w->holder[name] == (int)key);
    assert_false(w->revoked[key]);
    w->approved[name][key] = true;
    w->holder[name] = (int)key;
    w->name_of[key] = (int)name;
}
