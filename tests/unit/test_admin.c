/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <stdlib.h>

#include "authority.h"
#include "base/limits.h"
#include "ca/admin.h"
#include "ca/enrol.h"
#include "wire/join_url.h"

static struct authority a;
static unsigned revoked, members, erased;

static void on_revoked(void *ctx, const struct certificate *c)
{
    (void)ctx;
    (void)c;
    revoked++;
}

static void on_erased(void *ctx, const struct name *name)
{
    (void)ctx;
    (void)name;
    erased++;
}

static void on_member(void *ctx, const struct name *name)
{
    (void)ctx;
    (void)name;
    members++;
}

static int libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

static int start(void **state)
{
    (void)state;
    authority_start(&a, ENROL_APPROVE);
    a.ca.events = (struct ca_events) { .on_member = on_member,
                                       .on_revoked = on_revoked,
                                       .on_erased = on_erased };
    revoked = members = erased = 0;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    authority_stop(&a);
    return 0;
}

/* What an answer brought: how many rows of a kind, and a copy of the last, the CA's own aside. */
struct rows {
    unsigned count, alarms;
    struct admin_row last, authority;
    struct buf url, der, crl, alarm;
};

static void rows_clear(struct rows *r)
{
    buf_clear(&r->url);
    buf_clear(&r->der);
    buf_clear(&r->crl);
    buf_clear(&r->alarm);
}

static enum mlt_err on_row(void *ctx, const struct admin_row *row)
{
    struct rows *r = ctx;
    if (row->kind == ADMIN_ROW_AUTHORITY) {
        r->authority = *row;
        return MLT_OK;
    }
    if (row->kind == ADMIN_ROW_ALARM) {
        r->alarms++;
        buf_reset(&r->alarm);
        return buf_put(&r->alarm, row->text);
    }
    if (row->kind == ADMIN_ROW_CRL)
        return buf_put(&r->crl, row->piece);
    r->count++;
    r->last = *row;
    buf_reset(&r->url);
    buf_reset(&r->der);
    TRY(buf_put(&r->url, row->url));
    return buf_put(&r->der, row->certificate);
}

/* Every refusal explains itself in one line. */
static enum mlt_err ask(const struct admin_request *request, struct rows *rows)
{
    CLEANUP(buf_clear) struct buf why = { 0 };
    const struct admin_sink sink = { on_row, rows };
    rows->count = rows->alarms = 0;
    buf_reset(&rows->crl);
    enum mlt_err err = admin_answer(&a.ca, request, &sink, &why);
    assert_true((err == MLT_OK) == (why.len == 0));
    assert_null(why.len > 0 ? memchr(why.p, '\n', why.len) : NULL);
    return err;
}

static struct admin_request request_for(enum admin_verb verb, const char *name)
{
    struct admin_request r = { .verb = verb, .count = 1, .expires_s = 3600 };
    r.has_name = name != NULL;
    if (name != NULL)
        r.name = authority_name(name);
    return r;
}

static struct admin_request approval(const char *name, EVP_PKEY *key)
{
    struct admin_request r = request_for(ADMIN_APPROVE, name);
    authority_fingerprint(key, r.fingerprint);
    return r;
}

static enum welcome_result enrol(const char *name, unsigned key, enum refusal *reason)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct ipc_enrolled answer = authority_enrol(&a, name, authority_key(key), NULL, &der);
    *reason = answer.reason;
    return answer.result;
}

static void an_invite_is_a_url_that_enrols(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct admin_request r = request_for(ADMIN_INVITE, "maria");
    struct join_url url;
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.last.at_s, AUTHORITY_NOW_S + 3600);
    assert_ok(join_url_parse(buf_span(&rows.url), &url));
    assert_string_equal(url.host, "relay.example");
    assert_int_equal(url.port, 6256);
    assert_memory_equal(url.ca_hash, a.ca.cert.spki_hash, HASH_LEN);
    assert_true(url.has_name && url.has_invite);
    assert_string_equal(url.name.text, "maria");
    const struct ipc_enrolled answer =
        authority_enrol(&a, "maria", authority_key(0), &url.invite, &der);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    assert_int_equal(members, 1);
}

static void a_fleet_gets_as_many_different_urls_as_asked(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    struct admin_request r = request_for(ADMIN_INVITE, NULL);
    r.count = 200;
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.count, 200);
    CLEANUP(query_end) struct query q = query_start(&a.ca.db, "SELECT count(*) FROM invite");
    bool row = false;
    assert_ok(query_next(&q, &row));
    assert_int_equal(query_int(&q, 0), 200);
}

static void an_invite_out_of_bounds_is_refused(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    struct admin_request r = request_for(ADMIN_INVITE, NULL);
    r.count = 0;
    assert_err(ask(&r, &rows), MLT_ERR_USAGE);
    r.count = LIMIT_INVITES_AT_ONCE + 1;
    assert_err(ask(&r, &rows), MLT_ERR_USAGE);
    r = request_for(ADMIN_INVITE, "maria");
    r.count = 2;
    assert_err(ask(&r, &rows), MLT_ERR_USAGE);
    r.count = 1;
    r.expires_s = 0;
    assert_err(ask(&r, &rows), MLT_ERR_USAGE);
    r.expires_s = INT64_MAX;
    assert_err(ask(&r, &rows), MLT_ERR_USAGE);
    r = request_for(ADMIN_INVITE, "root");
    assert_err(ask(&r, &rows), MLT_ERR_USAGE);
    assert_int_equal(rows.count, 0);
}

static void an_invite_for_somebody_enrolled_is_refused(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    enum refusal reason;
    assert_int_equal(enrol("maria", 0, &reason), WELCOME_PENDING);
    struct admin_request r = approval("maria", authority_key(0));
    assert_ok(ask(&r, &rows));
    r = request_for(ADMIN_INVITE, "maria");
    assert_err(ask(&r, &rows), MLT_ERR_EXISTS);
}

static void no_invite_is_made_while_no_address_is_known(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    const struct admin_request r = request_for(ADMIN_INVITE, NULL);
    a.ca.advertise[0] = '\0';
    assert_err(ask(&r, &rows), MLT_ERR_MISSING);
}

static void approving_names_the_key_and_certifies_it(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    enum refusal reason;
    assert_int_equal(enrol("maria", 0, &reason), WELCOME_PENDING);
    assert_int_equal(enrol("maria", 0, &reason), WELCOME_PENDING);
    assert_int_equal(enrol("maria", 1, &reason), WELCOME_PENDING);
    struct admin_request r = request_for(ADMIN_PENDING, NULL);
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.count, 2);
    r = approval("maria", authority_key(2));
    assert_err(ask(&r, &rows), MLT_ERR_MISSING);
    r = approval("mario", authority_key(0));
    assert_err(ask(&r, &rows), MLT_ERR_MISSING);
    r = approval("maria", authority_key(0));
    assert_ok(ask(&r, &rows));
    assert_int_equal(members, 1);
    assert_int_equal(enrol("maria", 0, &reason), WELCOME_ISSUED);
    /* The other one who asked for the name is out, and cannot be approved any more. */
    assert_int_equal(enrol("maria", 1, &reason), WELCOME_REFUSED);
    assert_int_equal(reason, REFUSAL_NAME_TAKEN);
    r = approval("maria", authority_key(1));
    assert_err(ask(&r, &rows), MLT_ERR_MISSING);
    r = request_for(ADMIN_PENDING, NULL);
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.count, 0);
}

static void who_was_refused_is_told_so(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    enum refusal reason;
    struct admin_request r = request_for(ADMIN_REFUSE, "joao");
    assert_err(ask(&r, &rows), MLT_ERR_MISSING);
    assert_int_equal(enrol("joao", 0, &reason), WELCOME_PENDING);
    assert_ok(ask(&r, &rows));
    assert_int_equal(enrol("joao", 0, &reason), WELCOME_REFUSED);
    assert_int_equal(reason, REFUSAL_BY_ADMIN);
    r = approval("joao", authority_key(0));
    assert_err(ask(&r, &rows), MLT_ERR_MISSING);
    r = request_for(ADMIN_PENDING, NULL);
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.count, 0);
}

static void one_key_waits_under_one_name(void **state)
{
    (void)state;
    enum refusal reason;
    assert_int_equal(enrol("maria", 0, &reason), WELCOME_PENDING);
    assert_int_equal(enrol("mario", 0, &reason), WELCOME_REFUSED);
    assert_int_equal(reason, REFUSAL_REQUEST);
    assert_int_equal(enrol("maria", 0, &reason), WELCOME_PENDING);
    assert_int_equal(enrol("mario", 1, &reason), WELCOME_PENDING);
}

static void fill_pending(unsigned count)
{
    assert_ok(database_begin(&a.ca.db));
    CLEANUP(query_end)
    struct query q = query_start(
        &a.ca.db, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
                  "INSERT INTO pending(name, spki, request, asked_s) "
                  "SELECT 'x' || i, randomblob(32), x'00', ? FROM n");
    query_put_int(&q, count);
    query_put_int(&q, AUTHORITY_NOW_S);
    assert_ok(database_end(&a.ca.db, query_run(&q)));
}

static void pending_requests_are_bounded_and_forgotten_in_time(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    enum refusal reason;
    assert_int_equal(enrol("maria", 0, &reason), WELCOME_PENDING);
    fill_pending(LIMIT_PENDING - 1);
    assert_int_equal(enrol("joao", 1, &reason), WELCOME_REFUSED);
    assert_int_equal(reason, REFUSAL_BUSY);
    /* Who waits already keeps waiting. */
    assert_int_equal(enrol("maria", 0, &reason), WELCOME_PENDING);
    /* A refused one makes room. */
    struct admin_request r = request_for(ADMIN_REFUSE, "x1");
    assert_ok(ask(&r, &rows));
    assert_int_equal(enrol("joao", 1, &reason), WELCOME_PENDING);
    a.now_ms += (LIMIT_PENDING_S + 1) * (int64_t)1000;
    r = request_for(ADMIN_PENDING, NULL);
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.count, 0);
    r = approval("maria", authority_key(0));
    assert_err(ask(&r, &rows), MLT_ERR_MISSING);
    assert_int_equal(enrol("joao", 1, &reason), WELCOME_PENDING);
}

static void list_and_show_tell_the_state(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    CLEANUP(cert_clear) struct cert c = { 0 };
    enum refusal reason;
    struct admin_request r = request_for(ADMIN_LIST, NULL);
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.count, 0);
    (void)enrol("maria", 0, &reason);
    r = approval("maria", authority_key(0));
    assert_ok(ask(&r, &rows));
    r = request_for(ADMIN_LIST, NULL);
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.last.state, CERT_STATE_VALID);
    r = request_for(ADMIN_SHOW, "maria");
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.last.ledger_index, 1);
    assert_ok(cert_read_leaf(buf_span(&rows.der), &a.ca.cert, CERT_CLIENT, AUTHORITY_NOW_S, &c));
    static const struct {
        int64_t day;
        enum cert_state state;
    } ages[] = { { 45, CERT_STATE_VALID },
                 { 46, CERT_STATE_LATE },
                 { LIMIT_CERT_DAYS, CERT_STATE_GRACE },
                 { LIMIT_CERT_DAYS + 7, CERT_STATE_GRACE },
                 { LIMIT_CERT_DAYS + 8, CERT_STATE_EXPIRED } };
    for (size_t i = 0; i < COUNT_OF(ages); i++) {
        a.now_ms = (AUTHORITY_NOW_S + ages[i].day * 86400) * 1000;
        assert_ok(ask(&r, &rows));
        assert_int_equal(rows.last.state, ages[i].state);
    }
    r = request_for(ADMIN_SHOW, "ninguem");
    assert_err(ask(&r, &rows), MLT_ERR_MISSING);
}

static void reissue_revokes_at_once_and_prints_a_bound_invite(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    enum refusal reason;
    struct join_url url;
    (void)enrol("maria", 0, &reason);
    struct admin_request r = approval("maria", authority_key(0));
    assert_ok(ask(&r, &rows));
    r = request_for(ADMIN_REISSUE, "maria");
    assert_ok(ask(&r, &rows));
    assert_int_equal(revoked, 1);
    assert_ok(join_url_parse(buf_span(&rows.url), &url));
    assert_string_equal(url.name.text, "maria");
    const struct admin_request show = request_for(ADMIN_SHOW, "maria");
    assert_ok(ask(&show, &rows));
    assert_int_equal(rows.last.state, CERT_STATE_WAITS);
    assert_int_equal(rows.last.reason, CRL_SUPERSEDED);
    assert_int_equal(enrol("maria", 0, &reason), WELCOME_REFUSED);
    assert_int_equal(reason, REFUSAL_REVOKED);
    /* Lost as well: the next one voids this one. */
    assert_ok(ask(&r, &rows));
    assert_int_equal(revoked, 1);
    struct ipc_enrolled answer = authority_enrol(&a, "maria", authority_key(1), &url.invite, &der);
    assert_int_equal(answer.reason, REFUSAL_INVITE);
    assert_ok(join_url_parse(buf_span(&rows.url), &url));
    answer = authority_enrol(&a, "maria", authority_key(1), &url.invite, &der);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    r = request_for(ADMIN_REISSUE, "ninguem");
    assert_err(ask(&r, &rows), MLT_ERR_MISSING);
}

static void an_erasure_is_of_a_member_and_of_what_is_there(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    enum refusal reason;
    const struct admin_request r = request_for(ADMIN_ERASE, "maria");
    assert_err(ask(&r, &rows), MLT_ERR_MISSING);
    assert_int_equal(enrol("maria", 0, &reason), WELCOME_PENDING);
    assert_err(ask(&r, &rows), MLT_ERR_MISSING);
    const struct admin_request yes = approval("maria", authority_key(0));
    assert_ok(ask(&yes, &rows));
    assert_ok(ask(&r, &rows)); /* no pair yet: nothing to erase, and nothing to tell */
    assert_int_equal(erased, 0);
    authority_fill_mailboxes(&a);
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.count, 0);
    assert_int_equal(erased, 1);
}

static void a_request_that_needs_a_name_and_has_none_is_refused(void **state)
{
    (void)state;
    static const enum admin_verb verbs[] = { ADMIN_APPROVE, ADMIN_REFUSE, ADMIN_SHOW, ADMIN_REISSUE,
                                             ADMIN_ERASE,   ADMIN_REVOKE, ADMIN_RENEW };
    CLEANUP(rows_clear) struct rows rows = { 0 };
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        const struct admin_request r = request_for(verbs[i], NULL);
        assert_err(ask(&r, &rows), MLT_ERR_USAGE);
    }
}

#define WITH_CA(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CA(an_invite_is_a_url_that_enrols),
        WITH_CA(a_fleet_gets_as_many_different_urls_as_asked),
        WITH_CA(an_invite_out_of_bounds_is_refused),
        WITH_CA(an_invite_for_somebody_enrolled_is_refused),
        WITH_CA(no_invite_is_made_while_no_address_is_known),
        WITH_CA(approving_names_the_key_and_certifies_it),
        WITH_CA(who_was_refused_is_told_so),
        WITH_CA(one_key_waits_under_one_name),
        WITH_CA(pending_requests_are_bounded_and_forgotten_in_time),
        WITH_CA(list_and_show_tell_the_state),
        WITH_CA(reissue_revokes_at_once_and_prints_a_bound_invite),
        WITH_CA(an_erasure_is_of_a_member_and_of_what_is_there),
        WITH_CA(a_request_that_needs_a_name_and_has_none_is_refused),
    };
    return cmocka_run_group_tests_name("admin", tests, libraries, NULL);
}
