/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "ca/policy.h"

/* Every combination of facts is decided here, and the promises are checked over all of them. */

static const enum enrol_mode modes[] = { ENROL_INVITE, ENROL_OPEN, ENROL_APPROVE };
static const enum policy_holder holders[] = { POLICY_NOBODY,  POLICY_SAME_KEY, POLICY_OTHER_KEY,
                                              POLICY_WAITING, POLICY_CLOSED,   POLICY_HIDDEN };
static const enum invite_verdict invites[] = { INVITE_REFUSED, INVITE_FREE, INVITE_BOUND,
                                               INVITE_REPEATED };
static const enum policy_request requests[] = { POLICY_REQUEST_NONE, POLICY_REQUEST_KEPT,
                                                POLICY_REQUEST_REFUSED, POLICY_REQUEST_FULL };

static void for_all(void (*check)(const struct policy_facts *f, struct policy_decision d))
{
    for (unsigned n = 0; n < 3 * 6 * 4 * 4 * 32; n++) {
        unsigned i = n / 32;
        struct policy_facts f = { .reserved = n & 1,
                                  .key_revoked = n & 2,
                                  .key_elsewhere = n & 4,
                                  .expired = n & 8,
                                  .has_invite = n & 16 };
        f.mode = modes[i % 3];
        f.holder = holders[i / 3 % 6];
        f.invite = invites[i / 18 % 4];
        f.request = requests[i / 72 % 4];
        check(&f, policy_enrol(&f));
    }
}

static struct policy_facts newcomer(enum enrol_mode mode)
{
    return (struct policy_facts) { .mode = mode, .holder = POLICY_NOBODY };
}

static struct policy_facts invited(enum enrol_mode mode, enum invite_verdict verdict)
{
    struct policy_facts f = newcomer(mode);
    f.has_invite = true;
    f.invite = verdict;
    return f;
}

static void assert_action(const struct policy_facts *f, enum policy_action action)
{
    const struct policy_decision d = policy_enrol(f);
    assert_int_equal(d.action, action);
    assert_int_equal(d.reason, REFUSAL_NONE);
}

static void assert_refusal(const struct policy_facts *f, enum refusal reason)
{
    const struct policy_decision d = policy_enrol(f);
    assert_int_equal(d.action, POLICY_REFUSE);
    assert_int_equal(d.reason, reason);
}

static void check_reason(const struct policy_facts *f, struct policy_decision d)
{
    (void)f;
    assert_true((d.action == POLICY_REFUSE) == (d.reason != REFUSAL_NONE));
}

static void exactly_a_refusal_has_a_reason(void **state)
{
    (void)state;
    for_all(check_reason);
}

static void check_never_certified(const struct policy_facts *f, struct policy_decision d)
{
    if (f->reserved || f->key_revoked || f->key_elsewhere)
        assert_int_equal(d.action, POLICY_REFUSE);
}

static void reserved_names_revoked_keys_and_keys_of_others_never_pass(void **state)
{
    (void)state;
    for_all(check_never_certified);
}

static void check_never_moves(const struct policy_facts *f, struct policy_decision d)
{
    if (f->holder == POLICY_OTHER_KEY || f->holder == POLICY_CLOSED || f->holder == POLICY_HIDDEN)
        assert_int_equal(d.action, POLICY_REFUSE);
    if (f->holder == POLICY_WAITING && !(f->has_invite && f->invite == INVITE_BOUND))
        assert_int_equal(d.action, POLICY_REFUSE);
}

static void a_name_never_moves_to_another_key_but_by_reissue(void **state)
{
    (void)state;
    for_all(check_never_moves);
}

static void check_tells_strangers_nothing(const struct policy_facts *f, struct policy_decision d)
{
    bool stranger = !f->has_invite && f->mode == ENROL_INVITE && f->holder != POLICY_SAME_KEY;
    if (stranger && !f->reserved && !f->key_revoked && !f->key_elsewhere) {
        assert_int_equal(d.action, POLICY_REFUSE);
        assert_int_equal(d.reason, REFUSAL_INVITE_NEEDED);
    }
}

static void a_stranger_without_an_invite_learns_no_names(void **state)
{
    (void)state;
    for_all(check_tells_strangers_nothing);
}

static void check_bad_invite(const struct policy_facts *f, struct policy_decision d)
{
    if (f->has_invite && f->invite == INVITE_REFUSED)
        assert_int_equal(d.action, POLICY_REFUSE);
}

static void a_bad_invite_is_not_made_up_for_by_the_mode(void **state)
{
    (void)state;
    for_all(check_bad_invite);
}

static void check_return(const struct policy_facts *f, struct policy_decision d)
{
    if (d.action == POLICY_RETURN)
        assert_int_equal(f->holder, POLICY_SAME_KEY);
}

static void only_the_holder_gets_the_certificate_that_exists(void **state)
{
    (void)state;
    for_all(check_return);
}

static void check_issue_needs_leave(const struct policy_facts *f, struct policy_decision d)
{
    if (d.action != POLICY_ISSUE)
        return;
    bool by_invite = f->has_invite && (f->invite == INVITE_FREE || f->invite == INVITE_BOUND);
    assert_true(by_invite || (!f->has_invite && f->mode == ENROL_OPEN));
    /* An ENROL can be said again by whoever has heard it; an invite is used up by it. */
    if (f->holder == POLICY_SAME_KEY)
        assert_true(by_invite && f->expired);
}

static void nothing_is_issued_without_an_invite_but_in_mode_open(void **state)
{
    (void)state;
    for_all(check_issue_needs_leave);
}

static void a_valid_invite_is_honoured_in_every_mode(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct policy_facts f = invited(modes[i], INVITE_FREE);
        assert_action(&f, POLICY_ISSUE);
        f.request = POLICY_REQUEST_REFUSED;
        assert_action(&f, POLICY_ISSUE);
        f = invited(modes[i], INVITE_BOUND);
        assert_action(&f, POLICY_ISSUE);
        f.holder = POLICY_WAITING;
        assert_action(&f, POLICY_ISSUE);
    }
}

static void a_newcomer_without_invite_meets_the_mode(void **state)
{
    (void)state;
    struct policy_facts f = newcomer(ENROL_INVITE);
    assert_refusal(&f, REFUSAL_INVITE_NEEDED);
    f = newcomer(ENROL_OPEN);
    assert_action(&f, POLICY_ISSUE);
    f = newcomer(ENROL_APPROVE);
    assert_action(&f, POLICY_QUEUE);
    f.request = POLICY_REQUEST_KEPT;
    assert_action(&f, POLICY_WAIT);
    f.request = POLICY_REQUEST_REFUSED;
    assert_refusal(&f, REFUSAL_BY_ADMIN);
    f.request = POLICY_REQUEST_FULL;
    assert_refusal(&f, REFUSAL_BUSY);
}

static void a_lost_welcome_locks_nobody_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct policy_facts f = invited(modes[i], INVITE_REPEATED);
        f.holder = POLICY_SAME_KEY;
        assert_action(&f, POLICY_RETURN);
        f = newcomer(modes[i]);
        f.holder = POLICY_SAME_KEY;
        assert_action(&f, POLICY_RETURN);
    }
}

static void an_invite_used_by_a_key_is_nothing_once_the_name_waits(void **state)
{
    (void)state;
    struct policy_facts f = invited(ENROL_OPEN, INVITE_REPEATED);
    f.holder = POLICY_WAITING;
    assert_refusal(&f, REFUSAL_INVITE);
    f.holder = POLICY_NOBODY;
    assert_refusal(&f, REFUSAL_INVITE);
}

static void an_expired_holder_needs_what_a_newcomer_needs(void **state)
{
    (void)state;
    struct policy_facts f = newcomer(ENROL_INVITE);
    f.holder = POLICY_SAME_KEY;
    f.expired = true;
    assert_refusal(&f, REFUSAL_INVITE_NEEDED);
    f.mode = ENROL_APPROVE;
    assert_action(&f, POLICY_QUEUE);
    f.has_invite = true;
    f.invite = INVITE_FREE;
    assert_action(&f, POLICY_ISSUE);
}

/* A newcomer needs nothing where enrolment is open: then it is the owner's word, by RENEW, that
 * earns a new one. */
static void an_expired_holder_gets_the_old_one_where_enrolment_is_open(void **state)
{
    (void)state;
    struct policy_facts f = newcomer(ENROL_OPEN);
    f.holder = POLICY_SAME_KEY;
    f.expired = true;
    assert_action(&f, POLICY_RETURN);
    f.request = POLICY_REQUEST_REFUSED;
    assert_action(&f, POLICY_RETURN);
    f.has_invite = true;
    f.invite = INVITE_REPEATED;
    assert_action(&f, POLICY_RETURN);
    f.invite = INVITE_REFUSED;
    assert_refusal(&f, REFUSAL_INVITE);
}

/* ---- renewal ---- */

static const enum policy_age ages[] = { POLICY_TOO_OLD, POLICY_YOUNG, POLICY_DUE, POLICY_GRACE };

/* What PROTOCOL.md 11.5 says, written down a second time and in another order: from what is given
 * out backwards. */
static struct policy_decision renewal_by_the_book(const struct renewal_facts *f)
{
    bool has_right = f->known && f->proven && !f->revoked && f->current;
    bool in_time =
        f->age == POLICY_DUE || f->age == POLICY_GRACE || (f->age == POLICY_TOO_OLD && f->allowed);
    bool is_answered = f->replaced || (f->doubted && !(in_time && f->gains) &&
                                       (in_time || f->age == POLICY_YOUNG));
    if (has_right && is_answered)
        return (struct policy_decision) { POLICY_RETURN, REFUSAL_NONE };
    if (has_right && in_time && f->gains)
        return (struct policy_decision) { POLICY_ISSUE, REFUSAL_NONE };
    if (has_right && (in_time || f->age == POLICY_YOUNG))
        return (struct policy_decision) { POLICY_REFUSE, REFUSAL_NOT_DUE };
    if (has_right)
        return (struct policy_decision) { POLICY_REFUSE, REFUSAL_EXPIRED };
    bool is_stranger = !f->known || !f->proven;
    return (struct policy_decision) { POLICY_REFUSE,
                                      is_stranger ? REFUSAL_REQUEST : REFUSAL_REVOKED };
}

static void every_renewal_is_decided_by_the_book(void **state)
{
    (void)state;
    size_t issued = 0;
    for (unsigned n = 0; n < 4 * 256; n++) {
        const struct renewal_facts f = { .known = n & 1,
                                         .proven = n & 2,
                                         .revoked = n & 4,
                                         .current = n & 8,
                                         .allowed = n & 16,
                                         .gains = n & 32,
                                         .replaced = n & 64,
                                         .doubted = n & 128,
                                         .age = ages[n / 256] };
        const struct policy_decision got = policy_renew(&f), wanted = renewal_by_the_book(&f);
        assert_int_equal(got.action, wanted.action);
        assert_int_equal(got.reason, wanted.reason);
        assert_true((got.action == POLICY_REFUSE) == (got.reason != REFUSAL_NONE));
        if (got.action == POLICY_REFUSE)
            continue;
        /* The promises, each by itself. */
        assert_true(f.known && f.proven && !f.revoked && f.current);
        issued += got.action == POLICY_ISSUE;
    }
    /* DUE and GRACE with and without leave, TOO_OLD with it; all that in doubt and not. */
    assert_int_equal(issued, 2 * (2 + 2 + 1));
}

static void nothing_is_the_refusal_of_facts_that_nobody_filled_in(void **state)
{
    (void)state;
    const struct renewal_facts f = { 0 };
    const struct adoption_facts unknown = { 0 };
    assert_int_equal(policy_renew(&f).action, POLICY_REFUSE);
    assert_int_equal(policy_adopt(&unknown), POLICY_FOREIGN);
}

static void a_lost_certificate_is_adopted_for_exactly_one_set_of_facts(void **state)
{
    (void)state;
    size_t counts[POLICY_ADOPT + 1] = { 0 };
    for (unsigned n = 0; n < 256; n++) {
        const struct adoption_facts f = { .ours = n & 1,
                                          .proven = n & 2,
                                          .in_doubt = n & 4,
                                          .witnessed = n & 8,
                                          .revoked = n & 16,
                                          .current = n & 32,
                                          .over = n & 64,
                                          .later = n & 128 };
        enum policy_adoption fate = policy_adopt(&f);
        bool good =
            f.ours && f.proven && f.in_doubt && f.witnessed && !f.revoked && f.current && !f.over;
        counts[fate]++;
        assert_true((fate == POLICY_ADOPT) == (good && f.later));
        assert_true((fate == POLICY_OLDER) == (good && !f.later));
        assert_true((fate == POLICY_FORGED) == (f.ours && !f.in_doubt));
        assert_true((fate == POLICY_FOREIGN) == (!f.ours || (f.in_doubt && !f.proven)));
    }
    assert_int_equal(counts[POLICY_ADOPT], 1);
    assert_int_equal(counts[POLICY_OLDER], 1);
    assert_int_equal(counts[POLICY_SHUT], 32 - 2);
}

static void a_third_of_a_life_is_counted_from_its_issue(void **state)
{
    (void)state;
    static const int64_t lives_s[] = { 600, 3600, 86400, 90 * 86400, 7 };
    const int64_t issued_s = 1795361897;
    for (size_t i = 0; i < COUNT_OF(lives_s); i++) {
        const struct policy_life life = { issued_s - LIMIT_BACKDATE_S, issued_s + lives_s[i] };
        int64_t due_s = issued_s + lives_s[i] / 3, end_s = issued_s + lives_s[i];
        assert_int_equal(policy_age(&life, issued_s - 100000), POLICY_YOUNG);
        assert_int_equal(policy_age(&life, due_s - 1), POLICY_YOUNG);
        assert_int_equal(policy_age(&life, due_s), POLICY_DUE);
        assert_int_equal(policy_age(&life, end_s - 1), POLICY_DUE);
        assert_int_equal(policy_age(&life, end_s), POLICY_GRACE);
        assert_int_equal(policy_age(&life, end_s + LIMIT_GRACE_S), POLICY_GRACE);
        assert_int_equal(policy_age(&life, end_s + LIMIT_GRACE_S + 1), POLICY_TOO_OLD);
        assert_int_equal(policy_age(&life, INT64_MAX), POLICY_TOO_OLD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_a_refusal_has_a_reason),
        cmocka_unit_test(reserved_names_revoked_keys_and_keys_of_others_never_pass),
        cmocka_unit_test(a_name_never_moves_to_another_key_but_by_reissue),
        cmocka_unit_test(a_stranger_without_an_invite_learns_no_names),
        cmocka_unit_test(a_bad_invite_is_not_made_up_for_by_the_mode),
        cmocka_unit_test(only_the_holder_gets_the_certificate_that_exists),
        cmocka_unit_test(nothing_is_issued_without_an_invite_but_in_mode_open),
        cmocka_unit_test(a_valid_invite_is_honoured_in_every_mode),
        cmocka_unit_test(a_newcomer_without_invite_meets_the_mode),
        cmocka_unit_test(a_lost_welcome_locks_nobody_out),
        cmocka_unit_test(an_invite_used_by_a_key_is_nothing_once_the_name_waits),
        cmocka_unit_test(an_expired_holder_needs_what_a_newcomer_needs),
        cmocka_unit_test(an_expired_holder_gets_the_old_one_where_enrolment_is_open),
        cmocka_unit_test(every_renewal_is_decided_by_the_book),
        cmocka_unit_test(nothing_is_the_refusal_of_facts_that_nobody_filled_in),
        cmocka_unit_test(a_lost_certificate_is_adopted_for_exactly_one_set_of_facts),
        cmocka_unit_test(a_third_of_a_life_is_counted_from_its_issue),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
