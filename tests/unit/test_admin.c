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

/* The row of the invite that a URL holds. */
struct wanted {
    struct rows *rows;
    const uint8_t *id;
    struct admin_row row;
};

static enum mlt_err on_invite(void *ctx, const struct admin_row *row)
{
    struct wanted *wanted = ctx;
    CLEANUP(buf_clear) struct buf encoded = { 0 };
    struct admin_row again = { 0 };
    assert_ok(admin_row_encode(row, &encoded));
    assert_ok(admin_row_decode(buf_span(&encoded), &again));
    assert_int_equal(again.kind, ADMIN_ROW_INVITE);
    assert_int_equal(again.url.n, 0);
    wanted->rows->count++;
    if (span_eq(SPAN_OF(again.invite_id), span_of(wanted->id, INVITE_ID)))
        wanted->row = again;
    return MLT_OK;
}

/* How many invites there are in all. */
static struct admin_row look_for(const uint8_t id[static INVITE_ID], struct rows *rows)
{
    CLEANUP(buf_clear) struct buf why = { 0 };
    struct wanted wanted = { .rows = rows, .id = id };
    const struct admin_request r = request_for(ADMIN_INVITES, NULL);
    const struct admin_sink sink = { on_invite, &wanted };
    rows->count = 0;
    assert_ok(admin_answer(&a.ca, &r, &sink, &why));
    return wanted.row;
}

static struct admin_request withdrawal(const uint8_t id[static INVITE_ID])
{
    struct admin_request r = request_for(ADMIN_UNINVITE, NULL);
    memcpy(r.invite_id, id, INVITE_ID);
    return r;
}

static void invites_are_seen_and_withdrawn(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct admin_request r = request_for(ADMIN_INVITE, "maria");
    struct join_url bound, free_one;
    assert_ok(ask(&r, &rows));
    assert_ok(join_url_parse(buf_span(&rows.url), &bound));
    /* Which one it is, the URL's own row says. */
    assert_memory_equal(rows.last.invite_id, bound.invite.id, INVITE_ID);
    r = request_for(ADMIN_INVITE, NULL);
    assert_ok(ask(&r, &rows));
    assert_ok(join_url_parse(buf_span(&rows.url), &free_one));
    struct admin_row row = look_for(bound.invite.id, &rows);
    assert_int_equal(rows.count, 2);
    assert_string_equal(row.name.text, "maria");
    assert_int_equal(row.invite, INVITE_STATE_OPEN);
    assert_int_equal(row.at_s, AUTHORITY_NOW_S);
    assert_int_equal(row.not_after_s, AUTHORITY_NOW_S + 3600);
    assert_int_equal(authority_enrol(&a, "joao", authority_key(1), &free_one.invite, &der).result,
                     WELCOME_ISSUED);
    row = look_for(free_one.invite.id, &rows);
    assert_string_equal(row.name.text, "");
    assert_int_equal(row.invite, INVITE_STATE_USED);
    assert_string_equal(row.used_by.text, "joao");
    r = withdrawal(bound.invite.id);
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.count, 0);
    (void)look_for(free_one.invite.id, &rows);
    assert_int_equal(rows.count, 1);
    const struct ipc_enrolled answer =
        authority_enrol(&a, "maria", authority_key(0), &bound.invite, &der);
    assert_int_equal(answer.result, WELCOME_REFUSED);
    assert_int_equal(answer.reason, REFUSAL_INVITE);
    /* Again: nothing is there; and what was used is used. */
    assert_err(ask(&r, &rows), MLT_ERR_MISSING);
    r = withdrawal(free_one.invite.id);
    assert_err(ask(&r, &rows), MLT_ERR_EXISTS);
}

/* With as many as can be made at once, all are listed, none is shown twice, and one is found. */
static void ten_thousand_invites_are_listed(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    struct admin_request r = request_for(ADMIN_INVITE, NULL);
    r.count = LIMIT_INVITES_AT_ONCE;
    assert_ok(ask(&r, &rows));
    uint8_t id[INVITE_ID];
    memcpy(id, rows.last.invite_id, INVITE_ID);
    assert_int_equal(look_for(id, &rows).invite, INVITE_STATE_OPEN);
    assert_int_equal(rows.count, LIMIT_INVITES_AT_ONCE);
    r = withdrawal(id);
    assert_ok(ask(&r, &rows));
    assert_int_equal(look_for(id, &rows).invite, 0);
    assert_int_equal(rows.count, LIMIT_INVITES_AT_ONCE - 1);
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
    /* The clock was ahead when it was made, and has been set right. */
    a.now_ms = INT64_C(1000) * (AUTHORITY_NOW_S - LIMIT_BACKDATE_S);
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.last.state, CERT_STATE_VALID);
    a.now_ms -= 1000;
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.last.state, CERT_STATE_FUTURE);
    a.now_ms = INT64_C(1000) * AUTHORITY_NOW_S;
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

/* As of a revocation: the invite is there, and so is that no list has the old key yet. */
static void a_reissue_that_no_list_has_yet_is_said_beside_its_invite(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    CLEANUP(buf_clear) struct buf why = { 0 };
    struct join_url url;
    enum refusal reason;
    const char *text = NULL;
    (void)enrol("maria", 0, &reason);
    struct admin_request r = approval("maria", authority_key(0));
    assert_ok(ask(&r, &rows));
    a.jumped_ms = (int64_t)3653 * 86400 * 1000;
    r = request_for(ADMIN_REISSUE, "maria");
    const struct admin_sink sink = { on_row, &rows };
    rows_clear(&rows);
    assert_err(admin_answer(&a.ca, &r, &sink, &why), MLT_ERR_CLOCK);
    assert_ok(buf_text(&why, &text));
    assert_non_null(strstr(text, "the invite for maria is good, and the old key is revoked"));
    assert_non_null(strstr(text, "no new revocation list could be signed: clock is wrong"));
    assert_ok(join_url_parse(buf_span(&rows.url), &url));
    assert_string_equal(url.name.text, "maria");
    a.jumped_ms = 0;
}

/* As restore_accept_loss leaves one of whom the backup did not know. */
static void lose(const char *name)
{
    CLEANUP(query_end)
    struct query q = query_start(&a.ca.db, "INSERT INTO member(name, since_s, closed_s) "
                                           "VALUES(?1, ?2, ?2)");
    query_put_text(&q, name);
    query_put_int(&q, AUTHORITY_NOW_S - 60);
    assert_ok(query_run(&q));
}

static void expect_name(const struct rows *rows, enum cert_state state, int64_t closed_s)
{
    assert_int_equal(rows->count, 1);
    assert_int_equal(rows->last.kind, ADMIN_ROW_NAME);
    assert_string_equal(rows->last.name.text, "paulo");
    assert_int_equal(rows->last.state, state);
    assert_int_equal(rows->last.revoked_s, closed_s);
}

static void a_name_whose_certificates_were_lost_is_listed_shown_and_closed(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    const struct admin_request list = request_for(ADMIN_LIST, NULL);
    const struct admin_request show = request_for(ADMIN_SHOW, "paulo");
    const struct admin_request revoke = request_for(ADMIN_REVOKE, "paulo");
    const struct admin_request reissue = request_for(ADMIN_REISSUE, "paulo");
    assert_err(ask(&show, &rows), MLT_ERR_MISSING);
    assert_err(ask(&revoke, &rows), MLT_ERR_MISSING);
    lose("paulo");
    assert_ok(ask(&list, &rows));
    expect_name(&rows, CERT_STATE_CLOSED, AUTHORITY_NOW_S - 60);
    assert_ok(ask(&show, &rows));
    expect_name(&rows, CERT_STATE_CLOSED, AUTHORITY_NOW_S - 60);
    lose("rita"); /* another one, who is in none of these answers */
    assert_ok(ask(&show, &rows));
    expect_name(&rows, CERT_STATE_CLOSED, AUTHORITY_NOW_S - 60);
    /* It is closed since then, and not since somebody said it again. */
    assert_ok(ask(&revoke, &rows));
    expect_name(&rows, CERT_STATE_CLOSED, AUTHORITY_NOW_S - 60);
    assert_true(rows.last.unchanged);
    assert_ok(ask(&reissue, &rows));
    assert_ok(ask(&show, &rows));
    expect_name(&rows, CERT_STATE_WAITS, 0);
    assert_ok(ask(&revoke, &rows));
    expect_name(&rows, CERT_STATE_CLOSED, AUTHORITY_NOW_S);
    assert_false(rows.last.unchanged);
}

static void who_was_revoked_before_keeps_the_first_reason_and_that_is_said(void **state)
{
    (void)state;
    CLEANUP(rows_clear) struct rows rows = { 0 };
    enum refusal reason;
    (void)enrol("maria", 0, &reason);
    struct admin_request r = approval("maria", authority_key(0));
    assert_ok(ask(&r, &rows));
    r = request_for(ADMIN_REVOKE, "maria");
    r.reason = CRL_KEY_COMPROMISE;
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.last.reason, CRL_KEY_COMPROMISE);
    assert_false(rows.last.unchanged);
    a.now_ms += 60000;
    r.reason = CRL_CESSATION;
    assert_ok(ask(&r, &rows));
    assert_int_equal(rows.last.reason, CRL_KEY_COMPROMISE);
    assert_int_equal(rows.last.revoked_s, AUTHORITY_NOW_S);
    assert_true(rows.last.unchanged);
    /* Reissued it waits: then the name is closed, though no certificate is taken back by it. */
    const struct admin_request reissue = request_for(ADMIN_REISSUE, "maria");
    assert_ok(ask(&reissue, &rows));
    assert_ok(ask(&r, &rows));
    assert_false(rows.last.unchanged);
    assert_int_equal(rows.last.reason, CRL_KEY_COMPROMISE);
    assert_ok(ask(&r, &rows));
    assert_true(rows.last.unchanged);
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
        WITH_CA(invites_are_seen_and_withdrawn),
        WITH_CA(ten_thousand_invites_are_listed),
        WITH_CA(approving_names_the_key_and_certifies_it),
        WITH_CA(who_was_refused_is_told_so),
        WITH_CA(one_key_waits_under_one_name),
        WITH_CA(pending_requests_are_bounded_and_forgotten_in_time),
        WITH_CA(list_and_show_tell_the_state),
        WITH_CA(reissue_revokes_at_once_and_prints_a_bound_invite),
        WITH_CA(a_reissue_that_no_list_has_yet_is_said_beside_its_invite),
        WITH_CA(a_name_whose_certificates_were_lost_is_listed_shown_and_closed),
        WITH_CA(who_was_revoked_before_keeps_the_first_reason_and_that_is_said),
        WITH_CA(an_erasure_is_of_a_member_and_of_what_is_there),
        WITH_CA(a_request_that_needs_a_name_and_has_none_is_refused),
    };
    return cmocka_run_group_tests_name("admin", tests, libraries, NULL);
}
