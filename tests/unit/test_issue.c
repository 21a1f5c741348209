/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authority.h"
#include "base/limits.h"
#include "ca/enrol.h"
#include "ca/explain.h"
#include "ca/mailbox.h"
#include "ca/members.h"
#include "ca/reissue.h"
#include "ca/schema.h"
#include "crypto/rsa.h"
#include "pki/request.h"

/* The authority as a whole: its birth, its opening, and what it signs. */

static struct authority a;

static int start(void **state)
{
    (void)state;
    authority_start(&a, ENROL_OPEN);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    authority_stop(&a);
    return 0;
}

static int libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

static void read_leaf(const struct buf *der, enum cert_role role, struct cert *c)
{
    assert_ok(cert_read_leaf(buf_span(der), &a.ca.cert, role, AUTHORITY_NOW_S, c));
}

static void a_client_gets_its_name_its_key_and_ninety_days(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(cert_clear) struct cert c = { 0 };
    struct ipc_enrolled answer = authority_enrol(&a, "maria", authority_key(0), NULL, &der);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    read_leaf(&der, CERT_CLIENT, &c);
    assert_string_equal(c.fields.name.text, "maria");
    assert_string_equal(c.fields.realm, CA_DEFAULT_REALM);
    uint8_t hash[HASH_LEN];
    authority_fingerprint(authority_key(0), hash);
    assert_memory_equal(c.spki_hash, hash, HASH_LEN);
    assert_int_equal(c.fields.not_before_s, AUTHORITY_NOW_S - LIMIT_BACKDATE_S);
    assert_int_equal(c.fields.not_after_s, AUTHORITY_NOW_S + LIMIT_CERT_DAYS * 86400);
}

/* The leaf hashes exactly the bytes that were signed, and stands before the certificate does. */
static void every_certificate_has_its_leaf(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    CLEANUP(cert_clear) struct cert c = { 0 };
    uint64_t before = 0, after = 0;
    assert_ok(ledger_size(&a.ca.db, &before));
    (void)authority_enrol(&a, "joao", authority_key(1), NULL, &der);
    assert_ok(ledger_size(&a.ca.db, &after));
    assert_int_equal(after, before + 1);
    read_leaf(&der, CERT_CLIENT, &c);
    struct ledger_leaf leaf;
    assert_ok(ledger_read(&a.ca.db, before, &leaf));
    assert_ok(profile_tbs(c.x509, &tbs));
    uint8_t hash[HASH_LEN];
    assert_ok(hash_sha256(buf_span(&tbs), hash));
    assert_memory_equal(leaf.tbs_hash, hash, HASH_LEN);
    assert_memory_equal(leaf.spki_hash, c.spki_hash, HASH_LEN);
    assert_memory_equal(leaf.serial, c.fields.serial, CERT_SERIAL);
    assert_string_equal(leaf.name.text, "joao");
    assert_int_equal(leaf.kind, LEDGER_CLIENT);
}

static void nothing_is_signed_when_the_leaf_cannot_be_written(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(query_end)
    struct query q = query_start(&a.ca.db, "CREATE TEMP TRIGGER full BEFORE INSERT ON leaf "
                                           "BEGIN SELECT raise(ABORT, 'disk full'); END");
    assert_ok(query_run(&q));
    const struct ipc_enrol ask =
        authority_ask(&a.ca.cert, "nuno", authority_key(2), NULL, &request);
    struct ipc_enrolled answer;
    assert_err(enrol_client(&a.ca, &ask, &answer, &der), MLT_ERR_DATABASE);
    assert_int_equal(der.len, 0);
    struct member member;
    bool found = true;
    assert_ok(members_find(&a.ca.db, &ask.name, &member, &found));
    assert_false(found);
}

static void no_revocation_list_is_signed_when_its_leaf_cannot_be_written(void **state)
{
    (void)state;
    CLEANUP(crl_clear) struct crl crl = { .number = 1 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct issuer issuer;
    uint64_t position = 0;
    assert_ok(ca_issuer(&a.ca, &issuer));
    struct query q = query_start(&a.ca.db, "CREATE TEMP TRIGGER full BEFORE INSERT ON leaf "
                                           "BEGIN SELECT raise(ABORT, 'disk full'); END");
    assert_ok(query_run(&q));
    query_end(&q);
    assert_err(issue_crl(&issuer, &crl, &position, &der), MLT_ERR_DATABASE);
    assert_int_equal(der.len, 0);
    q = query_start(&a.ca.db, "DROP TRIGGER full");
    assert_ok(query_run(&q));
    query_end(&q);
    assert_ok(issue_crl(&issuer, &crl, &position, &der));
    struct ledger_leaf leaf;
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    uint8_t hash[HASH_LEN];
    assert_ok(ledger_read(&a.ca.db, position, &leaf));
    assert_ok(crl_tbs_of(buf_span(&der), &tbs));
    assert_ok(hash_sha256(buf_span(&tbs), hash));
    assert_int_equal(leaf.kind, LEDGER_CRL);
    assert_memory_equal(leaf.tbs_hash, hash, HASH_LEN);
    assert_memory_equal(leaf.spki_hash, a.ca.cert.spki_hash, HASH_LEN);
    assert_string_equal(leaf.name.text, "");
}

static void a_certificate_that_cannot_be_recorded_is_not_given_out(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct invite invite = authority_invite(&a, NULL);
    struct query q = query_start(&a.ca.db, "CREATE TEMP TRIGGER full BEFORE INSERT ON certificate "
                                           "BEGIN SELECT raise(ABORT, 'disk full'); END");
    assert_ok(query_run(&q));
    query_end(&q);
    const struct ipc_enrol ask =
        authority_ask(&a.ca.cert, "nuno", authority_key(2), &invite, &request);
    struct ipc_enrolled answer;
    assert_err(enrol_client(&a.ca, &ask, &answer, &der), MLT_ERR_DATABASE);
    assert_int_equal(der.len, 0);
    q = query_start(&a.ca.db, "DROP TRIGGER full");
    assert_ok(query_run(&q));
    query_end(&q);
    /* The invite was not used up by it. */
    assert_ok(enrol_client(&a.ca, &ask, &answer, &der));
    assert_int_equal(answer.result, WELCOME_ISSUED);
}

static void the_server_gets_its_own_name_and_one_day(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(cert_clear) struct cert c = { 0 };
    const struct name relay = authority_name("relay");
    assert_ok(request_make(authority_key(3), &relay, &request));
    assert_ok(enrol_server(&a.ca, buf_span(&request), &der));
    read_leaf(&der, CERT_SERVER, &c);
    assert_string_equal(c.fields.name.text, "relay");
    assert_int_equal(c.fields.not_after_s - AUTHORITY_NOW_S, LIMIT_SERVER_CERT_HOURS * 3600);
    struct cert none;
    assert_err(cert_read_leaf(buf_span(&der), &a.ca.cert, CERT_CLIENT, AUTHORITY_NOW_S, &none),
               MLT_ERR_CERT_ROLE);
}

static void a_server_request_under_another_name_is_refused(void **state)
{
    (void)state;
    static const char *const others[] = { "maria", "admin", "relay2" };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        CLEANUP(buf_clear) struct buf request = { 0 };
        CLEANUP(buf_clear) struct buf der = { 0 };
        const struct name name = authority_name(others[i]);
        assert_ok(request_make(authority_key(3), &name, &request));
        assert_err(enrol_server(&a.ca, buf_span(&request), &der), MLT_ERR_REQUEST);
        assert_int_equal(der.len, 0);
    }
}

static void too_many_server_certificates_an_hour_are_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct name relay = authority_name("relay");
    assert_ok(request_make(authority_key(3), &relay, &request));
    for (unsigned i = 0; i < LIMIT_SERVER_CERTS_PER_HOUR; i++)
        assert_ok(enrol_server(&a.ca, buf_span(&request), &der));
    assert_err(enrol_server(&a.ca, buf_span(&request), &der), MLT_ERR_TOO_MANY);
    /* A clock set back wins nothing, an hour does. */
    a.now_ms -= (int64_t)LIMIT_CLOCK_SLACK_S * 1000;
    assert_err(enrol_server(&a.ca, buf_span(&request), &der), MLT_ERR_TOO_MANY);
    a.now_ms -= (int64_t)86400 * 1000;
    assert_err(enrol_server(&a.ca, buf_span(&request), &der), MLT_ERR_CLOCK);
    a.now_ms += (LIMIT_CLOCK_SLACK_S + 86400 + 3601) * (int64_t)1000;
    assert_ok(enrol_server(&a.ca, buf_span(&request), &der));
}

static void a_key_has_one_name_and_one_role(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct name relay = authority_name("relay");
    struct ipc_enrolled answer = authority_enrol(&a, "maria", authority_key(0), NULL, &der);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    answer = authority_enrol(&a, "mario", authority_key(0), NULL, &der);
    assert_int_equal(answer.reason, REFUSAL_REQUEST);
    assert_ok(request_make(authority_key(0), &relay, &request));
    assert_err(enrol_server(&a.ca, buf_span(&request), &der), MLT_ERR_REQUEST);
}

static void a_request_for_another_name_than_asked_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct ipc_enrol ask = authority_ask(&a.ca.cert, "maria", authority_key(0), NULL, &request);
    struct ipc_enrolled answer;
    ask.name = authority_name("joana");
    assert_ok(enrol_client(&a.ca, &ask, &answer, &der));
    assert_int_equal(answer.reason, REFUSAL_REQUEST);
    ask.name = authority_name("maria");
    request.p[request.len - 1] ^= 1;
    assert_ok(enrol_client(&a.ca, &ask, &answer, &der));
    assert_int_equal(answer.reason, REFUSAL_REQUEST);
}

static void a_reissued_name_moves_and_its_old_key_never_comes_back(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct name maria = authority_name("maria");
    struct ipc_enrolled answer = authority_enrol(&a, "maria", authority_key(0), NULL, &der);
    const struct invite older = authority_invite(&a, "maria");
    struct invite fresh;
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 3600, &fresh));
    /* Nobody takes the name meanwhile, and no invite that was about before. */
    answer = authority_enrol(&a, "maria", authority_key(1), NULL, &der);
    assert_int_equal(answer.reason, REFUSAL_NAME_TAKEN);
    answer = authority_enrol(&a, "maria", authority_key(1), &older, &der);
    assert_int_equal(answer.reason, REFUSAL_INVITE);
    answer = authority_enrol(&a, "maria", authority_key(0), &fresh, &der);
    assert_int_equal(answer.reason, REFUSAL_REVOKED);
    answer = authority_enrol(&a, "maria", authority_key(1), &fresh, &der);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    answer = authority_enrol(&a, "outra", authority_key(0), NULL, &der);
    assert_int_equal(answer.reason, REFUSAL_REVOKED);
    const struct name nobody = authority_name("ninguem");
    assert_err(reissue(&a.ca, &nobody, a.now_ms / 1000 + 3600, &fresh), MLT_ERR_MISSING);
}

static void an_expired_certificate_is_not_handed_out_again(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf first = { 0 };
    CLEANUP(buf_clear) struct buf second = { 0 };
    (void)authority_enrol(&a, "maria", authority_key(0), NULL, &first);
    a.now_ms += ((int64_t)LIMIT_CERT_DAYS * 86400 - 1) * 1000;
    (void)authority_enrol(&a, "maria", authority_key(0), NULL, &second);
    assert_span_equal(buf_span(&first), buf_span(&second));
    a.now_ms += 1000;
    const struct invite invite = authority_invite(&a, NULL);
    struct ipc_enrolled answer = authority_enrol(&a, "maria", authority_key(0), &invite, &second);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    assert_false(span_eq(buf_span(&first), buf_span(&second)));
}

/* Whoever has heard an ENROL can say it again: it earns nothing that its owner did not ask for. */
static void an_enrol_said_again_earns_nothing_however_late(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf first = { 0 };
    struct ipc_enrolled answer;
    uint64_t before = 0, after = 0;
    const struct ipc_enrol ask =
        authority_ask(&a.ca.cert, "maria", authority_key(0), NULL, &request);
    assert_ok(enrol_client(&a.ca, &ask, &answer, &first));
    assert_ok(ledger_size(&a.ca.db, &before));
    for (int i = 0; i < 3; i++) {
        a.now_ms += ((int64_t)LIMIT_CERT_DAYS * 86400 + LIMIT_GRACE_S) * 1000;
        buf_reset(&der);
        assert_ok(enrol_client(&a.ca, &ask, &answer, &der));
        assert_span_equal(buf_span(&first), buf_span(&der));
    }
    assert_ok(ledger_size(&a.ca.db, &after));
    assert_int_equal(before, after);
}

/* One that was shown while the certificate is good is not kept for when it has ended. */
static void an_invite_that_earned_the_certificate_that_exists_is_used_up(void **state)
{
    (void)state;
    static const char *const bound[] = { NULL, "maria" };
    a.ca.mode = ENROL_INVITE;
    const struct invite joining = authority_invite(&a, NULL);
    CLEANUP(buf_clear) struct buf first = { 0 };
    (void)authority_enrol(&a, "maria", authority_key(0), &joining, &first);
    for (size_t i = 0; i < COUNT_OF(bound); i++) {
        CLEANUP(buf_clear) struct buf der = { 0 };
        const struct invite second = authority_invite(&a, bound[i]);
        struct ipc_enrolled answer = authority_enrol(&a, "maria", authority_key(0), &second, &der);
        assert_int_equal(answer.result, WELCOME_ISSUED);
        assert_span_equal(buf_span(&first), buf_span(&der));
        struct name used_by;
        assert_err(invite_withdraw(&a.ca.db, second.id, &used_by), MLT_ERR_EXISTS);
        assert_string_equal(used_by.text, "maria");
        /* Nobody else has it any more, and she gets the same for it, also after the end. */
        answer = authority_enrol(&a, "joao", authority_key(1), &second, &der);
        assert_int_equal(answer.reason, REFUSAL_INVITE);
        int64_t now_ms = a.now_ms;
        for (int late = 0; late < 2; late++) {
            answer = authority_enrol(&a, "maria", authority_key(0), &second, &der);
            assert_int_equal(answer.result, WELCOME_ISSUED);
            assert_span_equal(buf_span(&first), buf_span(&der));
            a.now_ms += (int64_t)LIMIT_CERT_DAYS * 86400 * 1000;
        }
        a.now_ms = now_ms;
    }
}

static void nothing_outlives_the_root(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(cert_clear) struct cert c = { 0 };
    a.now_ms = (a.ca.cert.fields.not_after_s - 86400) * 1000;
    struct ipc_enrolled answer = authority_enrol(&a, "tarde", authority_key(0), NULL, &der);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    assert_ok(cert_read_leaf(buf_span(&der), &a.ca.cert, CERT_CLIENT, a.now_ms / 1000, &c));
    assert_int_equal(c.fields.not_after_s, a.ca.cert.fields.not_after_s);
    a.now_ms += 86400 * (int64_t)1000;
    const struct ipc_enrol ask =
        authority_ask(&a.ca.cert, "depois", authority_key(1), NULL, &request);
    assert_err(enrol_client(&a.ca, &ask, &answer, &der), MLT_ERR_CERT_EXPIRED);
}

static void nothing_is_issued_before_the_root_begins(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf request = { 0 };
    struct ipc_enrolled answer;
    const struct ipc_enrol ask =
        authority_ask(&a.ca.cert, "cedo", authority_key(1), NULL, &request);
    a.now_ms = (a.ca.cert.fields.not_before_s - 1) * 1000;
    assert_err(enrol_client(&a.ca, &ask, &answer, &der), MLT_ERR_CERT_NOT_YET);
}

/* ---- birth and opening ---- */

static void what_was_made_opens_again_and_nothing_else_does(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf again = { 0 };
    CLEANUP(buf_clear) struct buf why = { 0 };
    (void)authority_enrol(&a, "maria", authority_key(0), NULL, &der);
    uint8_t hash[HASH_LEN];
    memcpy(hash, a.ca.cert.spki_hash, HASH_LEN);
    authority_restart(&a);
    assert_memory_equal(a.ca.cert.spki_hash, hash, HASH_LEN);
    assert_string_equal(a.ca.advertise, "relay.example:6256");
    (void)authority_enrol(&a, "maria", authority_key(0), NULL, &again);
    assert_span_equal(buf_span(&der), buf_span(&again));
    ca_close(&a.ca);
    assert_err(authority_open(&a, "", "other", &why), MLT_ERR_PASSPHRASE);
    assert_true(why.len > 0);
}

static void the_realm_is_chosen_once(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    const char *text = NULL;
    ca_close(&a.ca);
    assert_err(authority_open(&a, "other.example", "passphrase", &why), MLT_ERR_USAGE);
    assert_ok(buf_text(&why, &text));
    assert_non_null(strstr(text, CA_DEFAULT_REALM));
    assert_ok(authority_open(&a, CA_DEFAULT_REALM, "passphrase", &why));
}

static void assert_says(struct buf *why, const char *word)
{
    const char *text = NULL;
    assert_ok(buf_text(why, &text));
    assert_non_null(strstr(text, word));
    assert_null(strchr(text, '\n'));
}

static void one_file_without_the_other_is_refused_and_nothing_is_made(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    struct stat st;
    ca_close(&a.ca);
    assert_int_equal(rename(KEYSTORE_FILE, "aside"), 0);
    assert_err(authority_open(&a, "", "passphrase", &why), MLT_ERR_MISSING);
    assert_says(&why, KEYSTORE_FILE " is missing");
    assert_int_not_equal(stat(KEYSTORE_FILE, &st), 0);
    assert_int_equal(rename("aside", KEYSTORE_FILE), 0);
    assert_int_equal(rename(SCHEMA_FILE, "aside"), 0);
    assert_err(authority_open(&a, "", "passphrase", &why), MLT_ERR_MISSING);
    assert_says(&why, SCHEMA_FILE " is missing");
    assert_int_not_equal(stat(SCHEMA_FILE, &st), 0);
    /* An empty file is no ledger either. */
    FILE *f = fopen(SCHEMA_FILE, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(chmod(SCHEMA_FILE, 0600), 0);
    assert_err(authority_open(&a, "", "passphrase", &why), MLT_ERR_MISSING);
    assert_int_equal(rename("aside", SCHEMA_FILE), 0);
    assert_ok(authority_open(&a, "", "passphrase", &why));
}

/* Killed after the commit, before the rename. */
static void a_first_run_cut_before_the_rename_is_taken_up(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    ca_close(&a.ca);
    assert_int_equal(rename(KEYSTORE_FILE, KEYSTORE_NEW), 0);
    assert_ok(authority_open(&a, "", "passphrase", &why));
    assert_int_equal(access(KEYSTORE_FILE, F_OK), 0);
}

/* Killed before the commit: there is no CA yet, and the next first run makes one. */
static void a_first_run_cut_before_the_commit_starts_over(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    ca_close(&a.ca);
    assert_int_equal(rename(KEYSTORE_FILE, KEYSTORE_NEW), 0);
    assert_int_equal(truncate(SCHEMA_FILE, 0), 0);
    (void)unlink(SCHEMA_FILE "-wal");
    (void)unlink(SCHEMA_FILE "-shm");
    assert_ok(authority_open(&a, "", "passphrase", &why));
    assert_non_null(a.ca.key);
}

static void a_newer_database_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    struct query q = query_start(&a.ca.db, "PRAGMA user_version = 99");
    assert_ok(query_run(&q));
    query_end(&q);
    ca_close(&a.ca);
    assert_err(authority_open(&a, "", "passphrase", &why), MLT_ERR_NEWER);
    assert_says(&why, "newer");
}

static void a_database_that_others_may_read_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    ca_close(&a.ca);
    assert_int_equal(chmod(SCHEMA_FILE, 0644), 0);
    assert_err(authority_open(&a, "", "passphrase", &why), MLT_ERR_PERMISSION);
    assert_int_equal(chmod(SCHEMA_FILE, 0600), 0);
    assert_int_equal(rename(SCHEMA_FILE, "aside"), 0);
    assert_int_equal(symlink("aside", SCHEMA_FILE), 0);
    assert_err(authority_open(&a, "", "passphrase", &why), MLT_ERR_PERMISSION);
}

static void every_file_is_private_under_any_umask(void **state)
{
    (void)state;
    static const char *const files[] = { KEYSTORE_FILE, SCHEMA_FILE, SCHEMA_FILE "-wal",
                                         SCHEMA_FILE "-shm" };
    struct authority b;
    mode_t before = umask(0);
    authority_start(&b, ENROL_INVITE);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct stat st;
        assert_int_equal(stat(files[i], &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    umask(before);
    authority_stop(&b);
    assert_int_equal(chdir(a.dir), 0);
}

static void the_keystore_of_another_ca_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    struct authority b;
    ca_close(&a.ca);
    authority_start(&b, ENROL_INVITE);
    ca_close(&b.ca);
    char theirs[128];
    snprintf(theirs, sizeof(theirs), "%s/" KEYSTORE_FILE, b.dir);
    assert_int_equal(chdir(a.dir), 0);
    assert_int_equal(rename(theirs, KEYSTORE_FILE), 0);
    assert_err(authority_open(&a, "", "passphrase", &why), MLT_ERR_DAMAGED);
    authority_stop(&b);
    assert_int_equal(chdir(a.dir), 0);
}

/* ---- mailbox pairs ---- */

static void every_member_gets_a_mailbox_pair_of_his_own(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    static const char *const names[] = { "maria", "joao", "ana" };
    EVP_PKEY *keys[3] = { NULL };
    for (unsigned i = 0; i < 3; i++) {
        const struct name name = authority_name(names[i]);
        (void)authority_enrol(&a, names[i], authority_key(i), NULL, &der);
        assert_err(mailbox_load(&a.ca, &name, &keys[i]), MLT_ERR_MISSING);
    }
    authority_fill_mailboxes(&a);
    authority_restart(&a);
    uint8_t hashes[4][HASH_LEN];
    for (unsigned i = 0; i < 3; i++) {
        const struct name name = authority_name(names[i]);
        assert_ok(mailbox_load(&a.ca, &name, &keys[i]));
        authority_fingerprint(keys[i], hashes[i]);
        authority_fingerprint(authority_key(i), hashes[3]);
        assert_memory_not_equal(hashes[i], hashes[3], HASH_LEN);
        rsa_key_free(&keys[i]);
    }
    assert_memory_not_equal(hashes[0], hashes[1], HASH_LEN);
    assert_memory_not_equal(hashes[1], hashes[2], HASH_LEN);
    assert_memory_not_equal(hashes[0], hashes[2], HASH_LEN);
}

#define WITH_CA(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CA(a_client_gets_its_name_its_key_and_ninety_days),
        WITH_CA(every_certificate_has_its_leaf),
        WITH_CA(nothing_is_signed_when_the_leaf_cannot_be_written),
        WITH_CA(no_revocation_list_is_signed_when_its_leaf_cannot_be_written),
        WITH_CA(a_certificate_that_cannot_be_recorded_is_not_given_out),
        WITH_CA(the_server_gets_its_own_name_and_one_day),
        WITH_CA(a_server_request_under_another_name_is_refused),
        WITH_CA(too_many_server_certificates_an_hour_are_refused),
        WITH_CA(a_key_has_one_name_and_one_role),
        WITH_CA(a_request_for_another_name_than_asked_is_refused),
        WITH_CA(a_reissued_name_moves_and_its_old_key_never_comes_back),
        WITH_CA(an_expired_certificate_is_not_handed_out_again),
        WITH_CA(an_enrol_said_again_earns_nothing_however_late),
        WITH_CA(an_invite_that_earned_the_certificate_that_exists_is_used_up),
        WITH_CA(nothing_outlives_the_root),
        WITH_CA(nothing_is_issued_before_the_root_begins),
        WITH_CA(what_was_made_opens_again_and_nothing_else_does),
        WITH_CA(the_realm_is_chosen_once),
        WITH_CA(one_file_without_the_other_is_refused_and_nothing_is_made),
        WITH_CA(a_first_run_cut_before_the_rename_is_taken_up),
        WITH_CA(a_first_run_cut_before_the_commit_starts_over),
        WITH_CA(a_newer_database_is_refused),
        WITH_CA(a_database_that_others_may_read_is_refused),
        WITH_CA(every_file_is_private_under_any_umask),
        WITH_CA(the_keystore_of_another_ca_is_refused),
        WITH_CA(every_member_gets_a_mailbox_pair_of_his_own),
    };
    return cmocka_run_group_tests_name("issue", tests, libraries, NULL);
}
