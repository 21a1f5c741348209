/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "authority.h"
#include "base/limits.h"
#include "ca/enrol.h"
#include "ca/members.h"
#include "ca/renew.h"
#include "ca/revoke.h"
#include "ca/roster.h"
#include "ca/seen.h"
#include "pki/request.h"
#include "pki/statement.h"

/* Renewal over the real database; what policy_renew decides is test_policy's. */

static struct authority a;

enum { LIFE_S = LIMIT_CERT_DAYS * 86400 };

static int libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

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

static void at(int64_t seconds)
{
    a.now_ms = (AUTHORITY_NOW_S + seconds) * 1000;
}

/* A certificate on its holder's side. */
struct held {
    uint8_t serial[CERT_SERIAL];
    int64_t from_s, end_s;
};

static struct held read_held(struct span der)
{
    CLEANUP(cert_clear) struct cert c = { 0 };
    struct held held;
    enum mlt_err err = cert_read_leaf(der, &a.ca.cert, CERT_CLIENT, a.now_ms / 1000, &c);
    assert_true(err == MLT_OK || err == MLT_ERR_CERT_EXPIRED);
    memcpy(held.serial, c.fields.serial, CERT_SERIAL);
    held.from_s = c.fields.not_before_s + LIMIT_BACKDATE_S;
    held.end_s = c.fields.not_after_s;
    return held;
}

static struct held enrol(const char *name, unsigned key)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct ipc_enrolled answer = authority_enrol(&a, name, authority_key(key), NULL, &der);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    return read_held(answer.certificate);
}

static struct ipc_enrolled ask(const uint8_t serial[static CERT_SERIAL], EVP_PKEY *key,
                               struct buf *der)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ipc_enrolled answer;
    assert_ok(statement_sign_renewal(key, &a.ca.cert, serial, &signature));
    struct ipc_renew request = { .signature = buf_span(&signature) };
    memcpy(request.serial, serial, CERT_SERIAL);
    buf_reset(der);
    assert_ok(renew_client(&a.ca, &request, &answer, der));
    return answer;
}

static struct held renew(const struct held *held, unsigned key)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct ipc_enrolled answer = ask(held->serial, authority_key(key), &der);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    return read_held(answer.certificate);
}

static void assert_refused(const struct held *held, unsigned key, enum refusal reason)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct ipc_enrolled answer = ask(held->serial, authority_key(key), &der);
    assert_int_equal(answer.result, WELCOME_REFUSED);
    assert_int_equal(answer.reason, reason);
    assert_int_equal(answer.certificate.n, 0);
    assert_int_equal(der.len, 0);
}

static bool same(const struct held *x, const struct held *y)
{
    return span_eq(SPAN_OF(x->serial), SPAN_OF(y->serial));
}

static uint64_t leaves(void)
{
    uint64_t size = 0;
    assert_ok(ledger_size(&a.ca.db, &size));
    return size;
}

/* ---- when ---- */

static void a_certificate_is_renewed_from_a_third_of_its_life(void **state)
{
    (void)state;
    const struct held first = enrol("maria", 0);
    at(LIFE_S / 3 - 1);
    assert_refused(&first, 0, REFUSAL_NOT_DUE);
    at(LIFE_S / 3);
    const struct held second = renew(&first, 0);
    assert_false(same(&first, &second));
    assert_int_equal(second.from_s, AUTHORITY_NOW_S + LIFE_S / 3);
    assert_int_equal(second.end_s, second.from_s + LIFE_S);
    assert_refused(&second, 0, REFUSAL_NOT_DUE);
}

static void who_asks_again_gets_the_same_certificate(void **state)
{
    (void)state;
    const struct held first = enrol("maria", 0);
    at(LIFE_S / 2);
    const struct held second = renew(&first, 0);
    uint64_t size = leaves();
    for (int i = 0; i < 3; i++) {
        const struct held again = renew(&first, 0);
        assert_true(same(&again, &second));
        a.now_ms += 10000;
    }
    authority_restart(&a);
    const struct held again = renew(&first, 0);
    assert_true(same(&again, &second));
    /* Also once that is due itself: it is renewed over its own serial. */
    at(LIFE_S);
    const struct held later = renew(&first, 0);
    assert_true(same(&later, &second));
    assert_int_equal(leaves(), size);
    const struct held third = renew(&second, 0);
    assert_false(same(&third, &second));
    const struct held newest = renew(&first, 0);
    assert_true(same(&newest, &third));
}

static void an_expired_one_is_renewed_within_its_grace(void **state)
{
    (void)state;
    const struct held first = enrol("maria", 0);
    const struct held other = enrol("joao", 1);
    at(LIFE_S + LIMIT_GRACE_S);
    const struct held second = renew(&first, 0);
    assert_int_equal(second.from_s, a.now_ms / 1000);
    a.now_ms += 1000;
    assert_refused(&other, 1, REFUSAL_EXPIRED);
}

static void an_administrator_opens_a_window_for_one_renewal(void **state)
{
    (void)state;
    const struct name maria = authority_name("maria"), ninguem = authority_name("ninguem");
    const struct held first = enrol("maria", 0);
    const struct held other = enrol("joao", 1);
    at(2 * LIFE_S);
    assert_refused(&first, 0, REFUSAL_EXPIRED);
    assert_err(renew_allow(&a.ca, &ninguem), MLT_ERR_MISSING);
    assert_ok(renew_allow(&a.ca, &maria));
    assert_refused(&other, 1, REFUSAL_EXPIRED);
    a.now_ms += (int64_t)LIMIT_RENEW_WINDOW_S * 1000;
    assert_refused(&first, 0, REFUSAL_EXPIRED);
    assert_ok(renew_allow(&a.ca, &maria));
    a.now_ms += (int64_t)(LIMIT_RENEW_WINDOW_S - 1) * 1000;
    const struct held second = renew(&first, 0);
    at(5 * LIFE_S);
    assert_refused(&second, 0, REFUSAL_EXPIRED);
}

/* Whoever kept the first signature, which the taken-over net of another day may have, gets what
 * came of it then and nothing else; its owner, who lost the answer, goes on from there. */
static void a_kept_signature_earns_nothing_new(void **state)
{
    (void)state;
    const struct held first = enrol("maria", 0);
    a.ca.cert_life_s = 600;
    at(LIFE_S + 1);
    const struct held second = renew(&first, 0);
    a.now_ms += 601 * 1000;
    uint64_t size = leaves();
    const struct held again = renew(&first, 0);
    assert_true(same(&again, &second));
    assert_int_equal(leaves(), size);
    const struct held third = renew(&second, 0);
    assert_false(same(&third, &second));
    assert_true(third.end_s > a.now_ms / 1000);
}

static void leave_is_used_up_by_the_renewal(void **state)
{
    (void)state;
    const struct name maria = authority_name("maria");
    const struct held first = enrol("maria", 0);
    a.ca.cert_life_s = 600;
    at(2 * LIFE_S);
    assert_ok(renew_allow(&a.ca, &maria));
    struct member member;
    bool found = false;
    assert_ok(members_find(&a.ca.db, &maria, &member, &found));
    assert_true(found && member.renew_until_s > a.now_ms / 1000);
    (void)renew(&first, 0);
    assert_ok(members_find(&a.ca.db, &maria, &member, &found));
    assert_int_equal(member.renew_until_s, 0);
}

static void nothing_is_renewed_for_less_than_it_has(void **state)
{
    (void)state;
    const struct held first = enrol("maria", 0);
    a.ca.cert_life_s = 3600;
    at(LIFE_S / 2);
    assert_refused(&first, 0, REFUSAL_NOT_DUE);
    at(LIFE_S - 3600);
    assert_refused(&first, 0, REFUSAL_NOT_DUE);
    at(LIFE_S - 3599);
    const struct held second = renew(&first, 0);
    assert_int_equal(second.end_s, first.end_s + 1);
}

static void what_ends_with_the_root_is_not_due(void **state)
{
    (void)state;
    int64_t root_s = a.ca.cert.fields.not_after_s - AUTHORITY_NOW_S;
    at(root_s - LIFE_S / 2);
    const struct held last = enrol("maria", 0);
    assert_int_equal(last.end_s, a.ca.cert.fields.not_after_s);
    at(root_s - 100);
    assert_refused(&last, 0, REFUSAL_NOT_DUE);
}

static void a_short_life_is_what_the_start_said(void **state)
{
    (void)state;
    a.ca.cert_life_s = 600;
    const struct held first = enrol("maria", 0);
    assert_int_equal(first.end_s, AUTHORITY_NOW_S + 600);
    at(199);
    assert_refused(&first, 0, REFUSAL_NOT_DUE);
    at(200);
    const struct held second = renew(&first, 0);
    assert_int_equal(second.end_s, AUTHORITY_NOW_S + 800);
}

/* ---- who ---- */

static void only_its_own_key_renews_a_certificate(void **state)
{
    (void)state;
    const struct held maria = enrol("maria", 0);
    const struct held joao = enrol("joao", 1);
    at(LIFE_S / 2);
    uint64_t size = leaves();
    assert_refused(&maria, 1, REFUSAL_REQUEST);
    assert_refused(&joao, 0, REFUSAL_REQUEST);
    assert_refused(&maria, 5, REFUSAL_REQUEST);
    struct held unknown = maria;
    unknown.serial[3] ^= 1;
    assert_refused(&unknown, 0, REFUSAL_REQUEST);
    assert_int_equal(leaves(), size);
}

static void a_signature_for_another_serial_or_use_renews_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct held first = enrol("maria", 0);
    at(LIFE_S / 2);
    const struct held second = renew(&first, 0);
    at(LIFE_S);
    struct ipc_enrolled answer;
    struct ipc_renew request = { 0 };
    assert_ok(statement_sign_renewal(authority_key(0), &a.ca.cert, first.serial, &signature));
    memcpy(request.serial, second.serial, CERT_SERIAL);
    request.signature = buf_span(&signature);
    assert_ok(renew_client(&a.ca, &request, &answer, &der));
    assert_int_equal(answer.reason, REFUSAL_REQUEST);
    for (size_t i = 0; i < signature.len; i += 37) {
        memcpy(request.serial, first.serial, CERT_SERIAL);
        signature.p[i] ^= 1;
        assert_ok(renew_client(&a.ca, &request, &answer, &der));
        assert_int_equal(answer.reason, REFUSAL_REQUEST);
        signature.p[i] ^= 1;
    }
}

static void the_servers_certificate_is_not_renewed_like_this(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct name relay = authority_name("relay");
    struct certificate c;
    assert_ok(request_make(authority_key(2), &relay, &request));
    assert_ok(enrol_server(&a.ca, buf_span(&request), &der));
    assert_ok(certificates_newest(&a.ca.db, CERT_SERVER, &relay, &c, &der));
    struct held held = { 0 };
    memcpy(held.serial, c.serial, CERT_SERIAL);
    at(43200);
    assert_refused(&held, 2, REFUSAL_REQUEST);
}

static void a_revoked_or_superseded_key_is_never_renewed(void **state)
{
    (void)state;
    const struct held first = enrol("maria", 0);
    at(LIFE_S / 2);
    const struct held second = renew(&first, 0);
    at(LIFE_S);
    const struct revoke_order order = { authority_name("maria"), CRL_UNSPECIFIED };
    const struct name maria = authority_name("maria");
    size_t count = 0;
    bool done = false;
    assert_ok(revoke_name(&a.ca, &order, &count, &done));
    assert_int_equal(count, 2); /* the older one is in its grace */
    assert_refused(&first, 0, REFUSAL_REVOKED);
    assert_refused(&second, 0, REFUSAL_REVOKED);
    assert_err(renew_allow(&a.ca, &maria), MLT_ERR_CERT_REVOKED);
}

/* One certificate of a key that is good otherwise: each place is looked at by itself. */
static void a_revoked_serial_of_a_good_key_is_not_renewed(void **state)
{
    (void)state;
    const struct held first = enrol("maria", 0);
    at(LIFE_S / 2);
    CLEANUP(query_end)
    struct query q = query_start(&a.ca.db, "INSERT INTO revocation(serial, revoked_s, reason, "
                                           "until_s) VALUES(?, 1, 0, 1)");
    query_put_span(&q, SPAN_OF(first.serial));
    assert_ok(query_run(&q));
    assert_refused(&first, 0, REFUSAL_REVOKED);
}

/* ---- what people see of it ---- */

struct roll {
    unsigned rows;
    struct roster_row last;
};

static enum mlt_err on_row(void *ctx, const struct roster_row *row)
{
    struct roll *roll = ctx;
    roll->rows++;
    roll->last = *row;
    return MLT_OK;
}

static struct roll call_roll(void)
{
    struct roll roll = { 0 };
    const struct roster_visit visit = { on_row, &roll };
    assert_ok(roster_each(&a.ca.db, &visit));
    return roll;
}

static void the_roster_shows_the_newest_of_each_name(void **state)
{
    (void)state;
    const struct held first = enrol("maria", 0);
    assert_int_equal(call_roll().rows, 1);
    at(LIFE_S / 2);
    const struct held second = renew(&first, 0);
    (void)enrol("ana", 1);
    struct roll roll = call_roll();
    assert_int_equal(roll.rows, 2);
    assert_string_equal(roll.last.newest.name.text, "maria");
    assert_memory_equal(roll.last.newest.serial, second.serial, CERT_SERIAL);
    assert_int_equal(roster_state(&roll.last, a.now_ms / 1000), CERT_STATE_VALID);
}

static void say_seen(const char *const *names, size_t count)
{
    CLEANUP(buf_clear) struct buf list = { 0 };
    for (size_t i = 0; i < count; i++) {
        const struct name name = authority_name(names[i]);
        assert_ok(ipc_seen_add(&list, &name));
    }
    const struct ipc_seen seen = { buf_span(&list) };
    assert_ok(seen_take(&a.ca, &seen));
}

static void who_was_seen_is_in_the_roster_and_strangers_are_not_kept(void **state)
{
    (void)state;
    static const char *const names[] = { "ninguem", "maria", "relay" };
    (void)enrol("maria", 0);
    assert_int_equal(call_roll().last.seen_s, 0);
    say_seen(names, COUNT_OF(names));
    assert_int_equal(call_roll().last.seen_s, AUTHORITY_NOW_S);
    CLEANUP(query_end)
    struct query q = query_start(&a.ca.db, "SELECT count(*) FROM seen");
    bool row = false;
    assert_ok(query_next(&q, &row));
    assert_int_equal(query_int(&q, 0), 1);
}

static void reports_that_come_too_often_cost_nothing(void **state)
{
    (void)state;
    static const char *const names[] = { "maria" };
    (void)enrol("maria", 0);
    say_seen(names, 1);
    a.now_ms += 1000;
    say_seen(names, 1);
    assert_int_equal(call_roll().last.seen_s, AUTHORITY_NOW_S);
    a.now_ms += LIMIT_SEEN_MS;
    say_seen(names, 1);
    assert_int_equal(call_roll().last.seen_s, a.now_ms / 1000);
}

static int64_t seen_after(int64_t ms)
{
    static const char *const names[] = { "maria" };
    a.now_ms += ms;
    say_seen(names, 1);
    return call_roll().last.seen_s;
}

static void who_was_seen_is_not_moved_by_a_wrong_clock(void **state)
{
    (void)state;
    const int64_t minute_ms = LIMIT_SEEN_MS, years_ms = (int64_t)3653 * 86400 * 1000;
    (void)enrol("maria", 0);
    int64_t first_s = seen_after(minute_ms);
    /* Set back by a little: that is believed, and takes nothing back. */
    a.jumped_ms = -30 * 60000;
    authority_restart(&a);
    assert_int_equal(seen_after(minute_ms), first_s);
    a.jumped_ms = 0;
    authority_restart(&a);
    int64_t last_s = seen_after(minute_ms);
    assert_int_equal(last_s, a.now_ms / 1000);
    /* A jump is not believed, in either direction. */
    a.jumped_ms = years_ms;
    assert_int_equal(seen_after(minute_ms), last_s);
    a.jumped_ms = 0;
    authority_restart(&a);
    a.jumped_ms = -years_ms;
    assert_int_equal(seen_after(minute_ms), last_s);
    /* What a clock that was ahead has left is made good. */
    a.jumped_ms = 0;
    authority_restart(&a);
    CLEANUP(query_end)
    struct query q = query_start(&a.ca.db, "UPDATE seen SET seen_s = 9999999999");
    assert_ok(query_run(&q));
    query_again(&q);
    last_s = seen_after(minute_ms);
    assert_int_equal(last_s, a.now_ms / 1000);
}

#define WITH_CA(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CA(a_certificate_is_renewed_from_a_third_of_its_life),
        WITH_CA(who_asks_again_gets_the_same_certificate),
        WITH_CA(an_expired_one_is_renewed_within_its_grace),
        WITH_CA(an_administrator_opens_a_window_for_one_renewal),
        WITH_CA(a_kept_signature_earns_nothing_new),
        WITH_CA(leave_is_used_up_by_the_renewal),
        WITH_CA(nothing_is_renewed_for_less_than_it_has),
        WITH_CA(what_ends_with_the_root_is_not_due),
        WITH_CA(a_short_life_is_what_the_start_said),
        WITH_CA(only_its_own_key_renews_a_certificate),
        WITH_CA(a_signature_for_another_serial_or_use_renews_nothing),
        WITH_CA(the_servers_certificate_is_not_renewed_like_this),
        WITH_CA(a_revoked_or_superseded_key_is_never_renewed),
        WITH_CA(a_revoked_serial_of_a_good_key_is_not_renewed),
        WITH_CA(the_roster_shows_the_newest_of_each_name),
        WITH_CA(who_was_seen_is_in_the_roster_and_strangers_are_not_kept),
        WITH_CA(reports_that_come_too_often_cost_nothing),
        WITH_CA(who_was_seen_is_not_moved_by_a_wrong_clock),
    };
    return cmocka_run_group_tests_name("renew", tests, libraries, NULL);
}
