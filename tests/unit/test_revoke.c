/* SPDX-License-Identifier: Apache-2.0 */
#include "revoke_scene.h"

#include "base/limits.h"
#include "ca/crl_keep.h"
#include "ca/enrol.h"
#include "ca/members.h"
#include "ca/reissue.h"
#include "pki/request.h"

/* Revocation: what is closed, what is listed, and what of another list is carried over. */

/* ---- revoking ---- */

static void a_revoked_name_is_in_the_next_list_with_its_reason_and_nobody_else_is(void **state)
{
    (void)state;
    enrol("maria", 0);
    enrol("joao", 1);
    assert_int_equal(tend(), 1);
    check_list(1, 0, true);
    assert_int_equal(take_back("maria", CRL_KEY_COMPROMISE), 1);
    assert_int_equal(told, 1);
    assert_int_equal(lists, 2);
    assert_int_equal(told_before, 1);
    check_list(2, 1, true);
    assert_int_equal(reason_of("maria"), CRL_KEY_COMPROMISE);
    assert_int_equal(reason_of("joao"), -1);
    check_notices(1, 1, 1);
    check_notices(2, 0, 0);
}

static void every_reason_is_in_the_list_as_it_was_given(void **state)
{
    (void)state;
    static const enum crl_reason reasons[] = { CRL_UNSPECIFIED, CRL_KEY_COMPROMISE,
                                               CRL_AFFILIATION_CHANGED, CRL_SUPERSEDED,
                                               CRL_CESSATION };
    static const char *const names[] = { "a", "b", "c", "d", "e" };
    for (unsigned i = 0; i < COUNT_OF(reasons); i++) {
        enrol(names[i], i);
        take_back(names[i], reasons[i]);
    }
    for (unsigned i = 0; i < COUNT_OF(reasons); i++)
        assert_int_equal(reason_of(names[i]), reasons[i]);
    check_list(5, 5, true);
}

static void a_revoked_key_and_its_name_are_closed_for_good(void **state)
{
    (void)state;
    enrol("maria", 0);
    take_back("maria", CRL_UNSPECIFIED);
    assert_int_equal(refusal_of("maria", 0), REFUSAL_REVOKED);
    assert_int_equal(refusal_of("other", 0), REFUSAL_REVOKED);
    assert_int_equal(refusal_of("maria", 1), REFUSAL_NAME_TAKEN);
    /* An invite that names it opens nothing either: reissue alone does. */
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct invite invite = authority_invite(&a, "maria");
    assert_int_equal(authority_enrol(&a, "maria", authority_key(1), &invite, &der).reason,
                     REFUSAL_NAME_TAKEN);
    const struct name maria = authority_name("maria");
    uint8_t hash[HASH_LEN];
    authority_fingerprint(authority_key(1), hash);
    assert_err(members_put(&a.ca.db, &maria, hash, a.now_ms / 1000), MLT_ERR_REFUSED);
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 60, &invite));
    assert_int_equal(authority_enrol(&a, "maria", authority_key(1), &invite, &der).result,
                     WELCOME_ISSUED);
    assert_int_equal(refusal_of("maria", 0), REFUSAL_REVOKED);
    assert_int_equal(ask_database("SELECT count(*) FROM revocation"), 1);
}

/* By a clock that is ten years ahead everything is over, and nothing can be signed. */
static void a_revocation_is_told_whatever_the_clock_says(void **state)
{
    (void)state;
    static const char *const names[] = { "maria", "joao" };
    size_t count = 0;
    bool done = false;
    enrol("maria", 0);
    enrol("joao", 1);
    tend();
    a.jumped_ms = (int64_t)3653 * 86400 * 1000;
    for (unsigned i = 0; i < COUNT_OF(names); i++) {
        const struct revoke_order order = { authority_name(names[i]), CRL_KEY_COMPROMISE };
        done = false;
        assert_err(revoke_name(&a.ca, &order, &count, &done), MLT_ERR_CLOCK);
        assert_true(done);
        assert_int_equal(count, 1);
        /* The one before is in no list yet, and is told once more. */
        assert_int_equal(told, i == 0 ? 1 : 3);
    }
    a.jumped_ms = 0;
    authority_restart(&a);
    revoke_scene_watch();
    check_list(tend(), 2, true);
}

/* Never listed, so its row stays open: with its own name it is told, with others no more. */
static void what_was_over_when_it_was_revoked_is_told_once(void **state)
{
    (void)state;
    enrol("maria", 0);
    pass((int64_t)LIMIT_CERT_DAYS * 86400 + LIMIT_GRACE_S + 3600);
    enrol("joao", 1);
    assert_int_equal(take_back("maria", CRL_UNSPECIFIED), 1);
    assert_int_equal(told, 1);
    take_back("joao", CRL_UNSPECIFIED);
    assert_int_equal(told, 2);
}

static void revoking_forgets_the_invites_that_name_it(void **state)
{
    (void)state;
    enrol("maria", 0);
    const struct name maria = authority_name("maria");
    struct invite invite;
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 60, &invite));
    assert_int_equal(take_back("maria", CRL_CESSATION), 0);
    assert_int_equal(authority_enrol(&a, "maria", authority_key(1), &invite, &der).reason,
                     REFUSAL_INVITE);
}

static void once_more_changes_nothing(void **state)
{
    (void)state;
    enrol("maria", 0);
    assert_int_equal(take_back("maria", CRL_KEY_COMPROMISE), 1);
    unsigned before = lists;
    pass(100);
    assert_int_equal(take_back("maria", CRL_CESSATION), 0);
    assert_int_equal(lists, before);
    assert_int_equal(told, 1);
    check_list(1, 1, false);
    assert_int_equal(reason_of("maria"), CRL_KEY_COMPROMISE);
}

static void a_name_that_was_never_given_cannot_be_revoked(void **state)
{
    (void)state;
    const struct revoke_order order = { authority_name("ninguem"), CRL_UNSPECIFIED };
    size_t count = 0;
    bool done = true;
    assert_err(revoke_name(&a.ca, &order, &count, &done), MLT_ERR_MISSING);
    assert_false(done);
    assert_int_equal(lists, 0);
}

static enum mlt_err ask_as_server(unsigned key)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct name relay = authority_name("relay");
    assert_ok(request_make(authority_key(key), &relay, &request));
    return enrol_server(&a.ca, buf_span(&request), &der);
}

static void
the_servers_own_certificates_can_be_revoked_and_it_gets_one_for_another_key(void **state)
{
    (void)state;
    assert_ok(ask_as_server(2));
    pass(3600);
    assert_ok(ask_as_server(2));
    assert_int_equal(take_back("relay", CRL_KEY_COMPROMISE), 2);
    assert_int_equal(told, 2);
    assert_int_equal(reason_of("relay"), CRL_KEY_COMPROMISE);
    check_list(1, 2, true);
    assert_err(ask_as_server(2), MLT_ERR_CERT_REVOKED);
    assert_ok(ask_as_server(3));
    assert_int_equal(reason_of("relay"), -1);
}

static void a_reissue_is_a_revocation_as_superseded(void **state)
{
    (void)state;
    enrol("maria", 0);
    const struct name maria = authority_name("maria");
    struct invite invite;
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 60, &invite));
    assert_int_equal(reason_of("maria"), CRL_SUPERSEDED);
    check_list(1, 1, true);
    assert_int_equal(told, 1);
}

/* ---- what restore needs ---- */

static void what_another_list_revoked_is_carried_over(void **state)
{
    (void)state;
    enrol("maria", 0);
    enrol("joao", 1);
    tend();
    struct certificate c;
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct name maria = authority_name("maria");
    assert_ok(certificates_newest(&a.ca.db, CERT_CLIENT, &maria, &c, &der));
    struct crl_entry known = { .reason = CRL_KEY_COMPROMISE, .revoked_s = AUTHORITY_NOW_S + 5 };
    struct crl_entry unknown = { .serial = { 0x41, 1 }, .revoked_s = AUTHORITY_NOW_S + 6 };
    memcpy(known.serial, c.serial, CERT_SERIAL);
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(database_begin(&a.ca.db));
        assert_ok(revoke_carry(&a.ca.db, &known, a.now_ms / 1000));
        assert_ok(revoke_carry(&a.ca.db, &unknown, a.now_ms / 1000));
        assert_ok(crl_keep_skip_to(&a.ca.db, 1000));
        assert_ok(database_end(&a.ca.db, MLT_OK));
    }
    check_notices(0, 0, 0);
    assert_int_equal(tend(), 1000);
    check_list(1000, 2, true);
    assert_int_equal(reason_of("maria"), CRL_KEY_COMPROMISE);
    assert_int_equal(reason_of("joao"), -1);
    check_notices(0, 1, 2);
    assert_int_equal(refusal_of("maria", 0), REFUSAL_REVOKED);
    assert_int_equal(refusal_of("maria", 2), REFUSAL_NAME_TAKEN);
    pass(LIMIT_CRL_RENEW_S);
    assert_int_equal(tend(), 1001);
    /* What nobody knows the end of stays for the longest life there is. */
    pass((int64_t)LIMIT_CERT_DAYS * 86400 + LIMIT_GRACE_S - LIMIT_CRL_RENEW_S - 1);
    tend();
    check_list(1002, 2, true);
}

static void a_stopped_ca_revokes_and_signs_no_list(void **state)
{
    (void)state;
    enrol("maria", 0);
    tend();
    assert_ok(buf_put_u8(&a.ca.stopped.head, 1));
    const struct revoke_order order = { authority_name("maria"), CRL_UNSPECIFIED };
    size_t count = 0;
    bool done = false;
    assert_err(revoke_name(&a.ca, &order, &count, &done), MLT_ERR_STOPPED);
    assert_true(done);
    assert_int_equal(count, 1);
    assert_int_equal(told, 1);
    assert_int_equal(reason_of("maria"), -1);
    buf_clear(&a.ca.stopped.head);
    assert_int_equal(tend(), 2);
    assert_int_equal(reason_of("maria"), CRL_UNSPECIFIED);
}

static void an_older_file_tells_of_all_that_it_revoked(void **state)
{
    (void)state;
    /* As step 2 -> 3 leaves it: rows that no list has told of, and no list. */
    enrol("maria", 0);
    change_database(
        "INSERT INTO revocation(serial, revoked_s, reason, until_s) "
        "SELECT serial, issued_s, 0, not_after_s + 604800 FROM certificate WHERE role = 3");
    assert_int_equal(tend(), 1);
    check_list(1, 1, true);
    check_notices(0, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REVOKE_TEST(a_revoked_name_is_in_the_next_list_with_its_reason_and_nobody_else_is),
        REVOKE_TEST(every_reason_is_in_the_list_as_it_was_given),
        REVOKE_TEST(a_revoked_key_and_its_name_are_closed_for_good),
        REVOKE_TEST(a_revocation_is_told_whatever_the_clock_says),
        REVOKE_TEST(what_was_over_when_it_was_revoked_is_told_once),
        REVOKE_TEST(revoking_forgets_the_invites_that_name_it),
        REVOKE_TEST(once_more_changes_nothing),
        REVOKE_TEST(a_name_that_was_never_given_cannot_be_revoked),
        REVOKE_TEST(the_servers_own_certificates_can_be_revoked_and_it_gets_one_for_another_key),
        REVOKE_TEST(a_reissue_is_a_revocation_as_superseded),
        REVOKE_TEST(what_another_list_revoked_is_carried_over),
        REVOKE_TEST(a_stopped_ca_revokes_and_signs_no_list),
        REVOKE_TEST(an_older_file_tells_of_all_that_it_revoked),
    };
    return cmocka_run_group_tests_name("revoke", tests, revoke_scene_libraries, NULL);
}
