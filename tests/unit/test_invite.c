/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "authority.h"
#include "base/limits.h"
#include "ca/invite.h"

static struct authority a;

static int start(void **state)
{
    (void)state;
    authority_libraries();
    authority_start(&a, ENROL_INVITE);
    return 0;
}

static int start_anew(void **state)
{
    (void)state;
    authority_start(&a, ENROL_INVITE);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    authority_stop(&a);
    return 0;
}

static void assert_issued(const struct ipc_enrolled *answer)
{
    assert_int_equal(answer->result, WELCOME_ISSUED);
    assert_int_equal(answer->reason, REFUSAL_NONE);
    assert_true(answer->certificate.n > 0);
}

static void assert_refused(const struct ipc_enrolled *answer, enum refusal reason)
{
    assert_int_equal(answer->result, WELCOME_REFUSED);
    assert_int_equal(answer->reason, reason);
    assert_int_equal(answer->certificate.n, 0);
}

static void an_invite_certifies_once_and_the_same_key_again(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf first = { 0 };
    CLEANUP(buf_clear) struct buf again = { 0 };
    const struct invite invite = authority_invite(&a, NULL);
    struct ipc_enrolled answer = authority_enrol(&a, "maria", authority_key(0), &invite, &first);
    assert_issued(&answer);
    answer = authority_enrol(&a, "maria", authority_key(0), &invite, &again);
    assert_issued(&answer);
    assert_span_equal(buf_span(&first), buf_span(&again));
}

static void a_used_invite_is_nothing_to_another_key_or_name(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct invite invite = authority_invite(&a, NULL);
    struct ipc_enrolled answer = authority_enrol(&a, "joao", authority_key(1), &invite, &der);
    assert_issued(&answer);
    answer = authority_enrol(&a, "joao", authority_key(2), &invite, &der);
    assert_refused(&answer, REFUSAL_INVITE);
    answer = authority_enrol(&a, "pedro", authority_key(2), &invite, &der);
    assert_refused(&answer, REFUSAL_INVITE);
}

static void an_invite_bound_to_a_name_certifies_no_other(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct invite invite = authority_invite(&a, "ana");
    struct ipc_enrolled answer = authority_enrol(&a, "eva", authority_key(3), &invite, &der);
    assert_refused(&answer, REFUSAL_INVITE);
    answer = authority_enrol(&a, "ana", authority_key(3), &invite, &der);
    assert_issued(&answer);
}

/* The proof names the key: whoever carries it to the CA cannot put another in its place. */
static void a_proof_made_for_another_key_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf stolen = { 0 };
    const struct invite invite = authority_invite(&a, NULL);
    struct ipc_enrol honest = authority_ask(&a.ca.cert, "rui", authority_key(4), &invite, &request);
    struct ipc_enrol thief = authority_ask(&a.ca.cert, "rui", authority_key(5), &invite, &stolen);
    memcpy(thief.proof, honest.proof, INVITE_PROOF);
    enum invite_verdict verdict;
    uint8_t hash[HASH_LEN];
    authority_fingerprint(authority_key(5), hash);
    struct invite_claim claim = { thief.invite_id, thief.proof,         a.ca.cert.spki_hash, hash,
                                  &thief.name,     span_str(a.ca.realm) };
    assert_ok(invite_judge(&a.ca.db, &a.ca.invite_key, &claim, AUTHORITY_NOW_S, &verdict));
    assert_int_equal(verdict, INVITE_REFUSED);
    authority_fingerprint(authority_key(4), hash);
    assert_ok(invite_judge(&a.ca.db, &a.ca.invite_key, &claim, AUTHORITY_NOW_S, &verdict));
    assert_int_equal(verdict, INVITE_FREE);
}

static void every_flipped_bit_of_a_proof_or_id_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    const struct invite invite = authority_invite(&a, NULL);
    struct ipc_enrol ask = authority_ask(&a.ca.cert, "bit", authority_key(4), &invite, &request);
    uint8_t hash[HASH_LEN];
    authority_fingerprint(authority_key(4), hash);
    struct invite_claim claim = { ask.invite_id, ask.proof, a.ca.cert.spki_hash,
                                  hash,          &ask.name, span_str(a.ca.realm) };
    enum invite_verdict verdict;
    for (size_t bit = 0; bit < 8 * INVITE_PROOF; bit++) {
        ask.proof[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_ok(invite_judge(&a.ca.db, &a.ca.invite_key, &claim, AUTHORITY_NOW_S, &verdict));
        assert_int_equal(verdict, INVITE_REFUSED);
        ask.proof[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * INVITE_ID; bit++) {
        ask.invite_id[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_ok(invite_judge(&a.ca.db, &a.ca.invite_key, &claim, AUTHORITY_NOW_S, &verdict));
        assert_int_equal(verdict, INVITE_REFUSED);
        ask.invite_id[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void an_expired_invite_is_refused_at_its_second(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct invite invite = authority_invite(&a, NULL);
    a.now_ms += (int64_t)LIMIT_INVITE_S * 1000;
    struct ipc_enrolled answer = authority_enrol(&a, "tarde", authority_key(5), &invite, &der);
    assert_refused(&answer, REFUSAL_INVITE);
    a.now_ms -= 1000;
    answer = authority_enrol(&a, "tarde", authority_key(5), &invite, &der);
    assert_issued(&answer);
    a.now_ms = (int64_t)AUTHORITY_NOW_S * 1000;
}

static void an_invite_of_another_ca_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    const struct invite invite = authority_invite(&a, NULL);
    struct cert twin = a.ca.cert;
    twin.spki_hash[0] ^= 1;
    const struct ipc_enrol ask = authority_ask(&twin, "luis", authority_key(4), &invite, &request);
    uint8_t hash[HASH_LEN];
    authority_fingerprint(authority_key(4), hash);
    const struct invite_claim claim = { ask.invite_id, ask.proof, a.ca.cert.spki_hash,
                                        hash,          &ask.name, span_str(a.ca.realm) };
    enum invite_verdict verdict;
    assert_ok(invite_judge(&a.ca.db, &a.ca.invite_key, &claim, AUTHORITY_NOW_S, &verdict));
    assert_int_equal(verdict, INVITE_REFUSED);
}

/* ledger.db alone must not be able to widen an invite. */
static void a_name_or_expiry_changed_in_the_database_is_damage(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE invite SET name = 'mallory' WHERE id = ?",
        "UPDATE invite SET name = NULL WHERE id = ?",
        "UPDATE invite SET expires_s = expires_s + 1 WHERE id = ?",
        "UPDATE invite SET salt = zeroblob(32) WHERE id = ?",
    };
    uint8_t hash[HASH_LEN];
    authority_fingerprint(authority_key(4), hash);
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        CLEANUP(buf_clear) struct buf request = { 0 };
        const struct invite invite = authority_invite(&a, "nuno");
        const struct ipc_enrol ask =
            authority_ask(&a.ca.cert, "nuno", authority_key(4), &invite, &request);
        CLEANUP(query_end) struct query q = query_start(&a.ca.db, changes[i]);
        query_put_span(&q, SPAN_OF(invite.id));
        assert_ok(query_run(&q));
        const struct invite_claim claim = { ask.invite_id, ask.proof, a.ca.cert.spki_hash,
                                            hash,          &ask.name, span_str(a.ca.realm) };
        enum invite_verdict verdict;
        assert_err(invite_judge(&a.ca.db, &a.ca.invite_key, &claim, AUTHORITY_NOW_S, &verdict),
                   MLT_ERR_DAMAGED);
    }
}

/* Wiped on use: what is left in the file opens nothing. */
static void a_used_token_is_gone_from_the_database(void **state)
{
    (void)state;
    CLEANUP(query_end)
    struct query q =
        query_start(&a.ca.db, "SELECT count(*), sum(sealed IS NOT NULL OR salt IS NOT NULL) "
                              "FROM invite WHERE proof IS NOT NULL");
    bool row = false;
    assert_ok(query_next(&q, &row));
    assert_true(row);
    assert_true(query_int(&q, 0) >= 3);
    assert_int_equal(query_int(&q, 1), 0);
}

static void expired_invites_are_forgotten_and_used_ones_kept_a_while(void **state)
{
    (void)state;
    (void)authority_invite(&a, "nunca");
    a.now_ms += (int64_t)(LIMIT_INVITE_S + 60) * 1000;
    assert_ok(invite_purge(&a.ca.db, ca_now_s(&a.ca)));
    CLEANUP(query_end)
    struct query q = query_start(&a.ca.db, "SELECT sum(proof IS NULL), sum(proof IS NOT NULL) "
                                           "FROM invite");
    bool row = false;
    assert_ok(query_next(&q, &row));
    assert_int_equal(query_int(&q, 0), 0);
    assert_true(query_int(&q, 1) >= 3);
    a.now_ms = (int64_t)AUTHORITY_NOW_S * 1000;
}

/* ---- seen and withdrawn ---- */

/* The one with this id, or all of them counted by state. */
struct look {
    const uint8_t *id;
    bool found;
    struct invite_row row;
    unsigned count[INVITE_STATE_EXPIRED + 1];
    int64_t last_made_s;
};

static enum mlt_err on_invite(void *ctx, const struct invite_row *row)
{
    struct look *look = ctx;
    assert_true(row->made_s >= look->last_made_s);
    look->last_made_s = row->made_s;
    look->count[row->state]++;
    if (look->id != NULL && span_eq(span_of(look->id, INVITE_ID), SPAN_OF(row->id))) {
        look->found = true;
        look->row = *row;
    }
    return MLT_OK;
}

static struct look look_for(const struct invite *invite)
{
    struct look look = { .id = invite != NULL ? invite->id : NULL };
    const struct invite_visit visit = { on_invite, &look };
    assert_ok(invite_each(&a.ca.db, ca_now_s(&a.ca), &visit));
    return look;
}

static void assert_state(const struct invite *invite, enum invite_state state)
{
    const struct look look = look_for(invite);
    assert_true(look.found);
    assert_int_equal(look.row.state, state);
}

static void an_invite_is_open_until_it_is_used_or_over(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct invite bound = authority_invite(&a, "rita");
    a.now_ms += 1000;
    const struct invite free_one = authority_invite(&a, NULL);
    struct look look = look_for(&bound);
    assert_true(look.found && look.row.bound);
    assert_string_equal(look.row.name.text, "rita");
    assert_int_equal(look.row.made_s, AUTHORITY_NOW_S);
    assert_int_equal(look.row.expires_s, AUTHORITY_NOW_S + LIMIT_INVITE_S);
    assert_int_equal(look.row.state, INVITE_STATE_OPEN);
    look = look_for(&free_one);
    assert_true(look.found && !look.row.bound);
    const struct ipc_enrolled answer =
        authority_enrol(&a, "olga", authority_key(2), &free_one, &der);
    assert_issued(&answer);
    a.now_ms = (int64_t)(AUTHORITY_NOW_S + LIMIT_INVITE_S - 1) * 1000;
    assert_state(&bound, INVITE_STATE_OPEN);
    a.now_ms += 1000;
    assert_state(&bound, INVITE_STATE_EXPIRED);
    a.now_ms += 1000;
    look = look_for(&free_one);
    assert_int_equal(look.row.state, INVITE_STATE_USED);
    assert_string_equal(look.row.used_by.text, "olga");
    a.now_ms = (int64_t)AUTHORITY_NOW_S * 1000;
}

static void a_withdrawn_invite_is_an_unknown_one(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct name used_by;
    const struct invite bound = authority_invite(&a, "vera");
    const struct invite free_one = authority_invite(&a, NULL);
    const struct invite other = authority_invite(&a, NULL);
    assert_ok(invite_withdraw(&a.ca.db, bound.id, &used_by));
    assert_ok(invite_withdraw(&a.ca.db, free_one.id, &used_by));
    authority_restart(&a);
    assert_false(look_for(&bound).found || look_for(&free_one).found);
    struct ipc_enrolled answer = authority_enrol(&a, "vera", authority_key(4), &bound, &der);
    assert_refused(&answer, REFUSAL_INVITE);
    answer = authority_enrol(&a, "vera", authority_key(4), &free_one, &der);
    assert_refused(&answer, REFUSAL_INVITE);
    assert_err(invite_withdraw(&a.ca.db, bound.id, &used_by), MLT_ERR_MISSING);
    /* And nothing else went with them. */
    assert_state(&other, INVITE_STATE_OPEN);
}

static void an_id_that_is_none_withdraws_nothing(void **state)
{
    (void)state;
    struct name used_by;
    const struct invite invite = authority_invite(&a, NULL);
    for (size_t bit = 0; bit < 8 * INVITE_ID; bit++) {
        struct invite near = invite;
        near.id[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_err(invite_withdraw(&a.ca.db, near.id, &used_by), MLT_ERR_MISSING);
    }
    assert_state(&invite, INVITE_STATE_OPEN);
}

static void a_used_invite_is_not_withdrawn(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct name used_by = { 0 };
    const struct invite invite = authority_invite(&a, NULL);
    struct ipc_enrolled answer = authority_enrol(&a, "ivo", authority_key(4), &invite, &der);
    assert_issued(&answer);
    assert_err(invite_withdraw(&a.ca.db, invite.id, &used_by), MLT_ERR_EXISTS);
    assert_string_equal(used_by.text, "ivo");
    assert_state(&invite, INVITE_STATE_USED);
    answer = authority_enrol(&a, "ivo", authority_key(4), &invite, &der);
    assert_issued(&answer);
}

static void an_expired_invite_is_withdrawn_as_well(void **state)
{
    (void)state;
    struct name used_by;
    const struct invite invite = authority_invite(&a, NULL);
    a.now_ms += (int64_t)LIMIT_INVITE_S * 1000;
    assert_state(&invite, INVITE_STATE_EXPIRED);
    assert_ok(invite_withdraw(&a.ca.db, invite.id, &used_by));
    a.now_ms = (int64_t)AUTHORITY_NOW_S * 1000;
    assert_false(look_for(&invite).found);
}

/* Whoever writes ledger.db reaches no terminal by it. */
static void what_is_no_name_in_the_database_is_damage(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE invite SET name = char(27) || '[2J' WHERE id = ?",
        "UPDATE invite SET proof = zeroblob(32), used_name = 'a' || char(10) WHERE id = ?",
        "UPDATE invite SET proof = zeroblob(32), used_name = NULL WHERE id = ?",
    };
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct look look = { 0 };
        const struct invite_visit visit = { on_invite, &look };
        const struct invite invite = authority_invite(&a, NULL);
        CLEANUP(query_end) struct query q = query_start(&a.ca.db, changes[i]);
        query_put_span(&q, SPAN_OF(invite.id));
        assert_ok(query_run(&q));
        assert_err(invite_each(&a.ca.db, ca_now_s(&a.ca), &visit), MLT_ERR_DAMAGED);
        CLEANUP(query_end)
        struct query out = query_start(&a.ca.db, "DELETE FROM invite WHERE id = ?");
        query_put_span(&out, SPAN_OF(invite.id));
        assert_ok(query_run(&out));
    }
}

#define WITH_CA(test) cmocka_unit_test_setup_teardown(test, start_anew, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invite_certifies_once_and_the_same_key_again),
        cmocka_unit_test(a_used_invite_is_nothing_to_another_key_or_name),
        cmocka_unit_test(an_invite_bound_to_a_name_certifies_no_other),
        cmocka_unit_test(a_proof_made_for_another_key_is_refused),
        cmocka_unit_test(every_flipped_bit_of_a_proof_or_id_is_refused),
        cmocka_unit_test(an_expired_invite_is_refused_at_its_second),
        cmocka_unit_test(an_invite_of_another_ca_is_refused),
        cmocka_unit_test(a_name_or_expiry_changed_in_the_database_is_damage),
        cmocka_unit_test(a_used_token_is_gone_from_the_database),
        cmocka_unit_test(expired_invites_are_forgotten_and_used_ones_kept_a_while),
    };
    const struct CMUnitTest seen[] = {
        WITH_CA(an_invite_is_open_until_it_is_used_or_over),
        WITH_CA(a_withdrawn_invite_is_an_unknown_one),
        WITH_CA(an_id_that_is_none_withdraws_nothing),
        WITH_CA(a_used_invite_is_not_withdrawn),
        WITH_CA(an_expired_invite_is_withdrawn_as_well),
        WITH_CA(what_is_no_name_in_the_database_is_damage),
    };
    int failed = cmocka_run_group_tests_name("invite", tests, start, stop);
    return failed + cmocka_run_group_tests_name("invites", seen, NULL, NULL);
}
