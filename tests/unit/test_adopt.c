/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <unistd.h>

#include "authority.h"
#include "base/limits.h"
#include "base/log.h"
#include "ca/adopt.h"
#include "ca/audit.h"
#include "ca/enrol.h"
#include "ca/epochs.h"
#include "ca/members.h"
#include "ca/pending.h"
#include "ca/reissue.h"
#include "ca/renew.h"
#include "ca/revoke.h"
#include "pki/request.h"
#include "pki/statement.h"
#include "wire/ledger_head.h"

/*
 * maria's first certificate is in the ledger; the one that she got for it at half its life was lost
 * with all that came after, and an older ledger was put back 1,000 seconds later.
 */

enum { LIFE_S = LIMIT_CERT_DAYS * 86400, RENEWED_S = LIFE_S / 2, EPOCH_S = RENEWED_S + 1000 };

static struct authority a;
static struct buf lost; /* hers */

static int libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

static int start(void **state)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    (void)state;
    authority_start(&a, ENROL_OPEN);
    assert_int_equal(authority_enrol(&a, "maria", authority_key(0), NULL, &der).result,
                     WELCOME_ISSUED);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    buf_clear(&lost);
    authority_stop(&a);
    return 0;
}

static void at(int64_t seconds)
{
    a.now_ms = (AUTHORITY_NOW_S + seconds) * 1000;
}

static struct authority_lost renewed(void)
{
    return (struct authority_lost) { .name = "maria",
                                     .key = authority_key(0),
                                     .serial = 1,
                                     .issued_s = AUTHORITY_NOW_S + RENEWED_S,
                                     .not_after_s = AUTHORITY_NOW_S + RENEWED_S + LIFE_S };
}

static void sign(const struct authority_lost *which)
{
    buf_reset(&lost);
    authority_sign_lost(&a, which, &lost);
}

static void open_epoch(int64_t seconds, bool whole, uint64_t crl)
{
    struct ledger_opening o = { .epoch = (uint64_t)(AUTHORITY_NOW_S + seconds),
                                .whole = whole,
                                .crl = crl };
    assert_ok(ledger_size(&a.ca.db, &o.base));
    assert_ok(database_begin(&a.ca.db));
    assert_ok(database_end(&a.ca.db, ledger_open_epoch(&a.ca.db, &o)));
}

/* As it was told, by a restore that saw a CRL; hers is `lost`. */
static void lose(void)
{
    const struct authority_lost hers = renewed();
    at(EPOCH_S);
    open_epoch(EPOCH_S, false, 7);
    sign(&hers);
}

static uint64_t leaves(void)
{
    uint64_t size = 0;
    assert_ok(ledger_size(&a.ca.db, &size));
    return size;
}

static struct ipc_enrolled ask(EVP_PKEY *by, struct buf *der)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ipc_enrolled answer;
    const struct ipc_renew request = authority_renew_lost(&a, buf_span(&lost), by, &signature);
    buf_reset(der);
    assert_ok(renew_client(&a.ca, &request, &answer, der));
    return answer;
}

static void assert_refused_by(EVP_PKEY *by, enum refusal reason)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    uint64_t before = leaves();
    const struct ipc_enrolled answer = ask(by, &der);
    assert_int_equal(answer.result, WELCOME_REFUSED);
    assert_int_equal(answer.reason, reason);
    assert_int_equal(der.len, 0);
    assert_int_equal(leaves(), before);
}

static void assert_refused(enum refusal reason)
{
    assert_refused_by(authority_key(0), reason);
}

static void assert_adopted(void)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    uint64_t before = leaves();
    const struct ipc_enrolled answer = ask(authority_key(0), &der);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    assert_span_equal(answer.certificate, buf_span(&lost));
    assert_int_equal(leaves(), before + 1);
}

static enum mlt_err no_count(void *ctx, uint64_t count, struct span what)
{
    (void)ctx;
    (void)count;
    (void)what;
    return MLT_OK;
}

static enum mlt_err no_finding(void *ctx, struct span text)
{
    (void)ctx;
    print_message("%.*s\n", (int)text.n, (const char *)text.p);
    return MLT_ERR_DAMAGED;
}

static void assert_audit(void)
{
    const struct audit_sink sink = { no_count, no_finding, NULL };
    assert_ok(audit_run(&a.ca, &sink));
}

/* ---- entered anew ---- */

static void it_is_entered_anew_and_is_itself_the_answer(void **state)
{
    (void)state;
    struct certificate c;
    struct ledger_leaf leaf;
    CLEANUP(buf_clear) struct buf der = { 0 };
    const struct name maria = authority_name("maria");
    lose();
    uint64_t position = leaves();
    assert_adopted();
    assert_ok(certificates_newest(&a.ca.db, CERT_CLIENT, &maria, &c, &der));
    assert_span_equal(buf_span(&der), buf_span(&lost));
    assert_int_equal(c.position, position);
    assert_int_equal(c.issued_s, AUTHORITY_NOW_S + RENEWED_S);
    assert_int_equal(c.not_after_s, AUTHORITY_NOW_S + RENEWED_S + LIFE_S);
    assert_ok(ledger_read(&a.ca.db, position, &leaf));
    assert_int_equal(leaf.kind, LEDGER_CLIENT);
    assert_span_equal(SPAN_OF(leaf.serial), SPAN_OF(c.serial));
    assert_audit();
    /* Once: who lost the answer gets it again, also from a ca that has started anew. */
    authority_restart(&a);
    buf_reset(&der);
    assert_int_equal(ask(authority_key(0), &der).result, WELCOME_ISSUED);
    assert_span_equal(buf_span(&der), buf_span(&lost));
    assert_int_equal(leaves(), position + 1);
}

static void one_that_is_due_or_in_its_grace_is_renewed_at_once(void **state)
{
    (void)state;
    static const int64_t ages_s[] = { LIFE_S / 3, LIFE_S + LIMIT_GRACE_S };
    for (size_t i = 0; i < COUNT_OF(ages_s); i++) {
        CLEANUP(buf_clear) struct buf der = { 0 };
        CLEANUP(cert_clear) struct cert next = { 0 };
        if (i > 0) {
            stop(NULL);
            start(NULL);
        }
        lose();
        at(RENEWED_S + ages_s[i]);
        uint64_t before = leaves();
        assert_int_equal(ask(authority_key(0), &der).result, WELCOME_ISSUED);
        assert_ok(cert_read_leaf(buf_span(&der), &a.ca.cert, CERT_CLIENT, a.now_ms / 1000, &next));
        assert_int_equal(next.fields.not_after_s, a.now_ms / 1000 + LIFE_S);
        assert_int_equal(leaves(), before + 2);
        assert_audit();
    }
}

static void past_its_grace_it_is_not_whatever_the_administrator_allows(void **state)
{
    (void)state;
    const struct name maria = authority_name("maria");
    lose();
    at(RENEWED_S + LIFE_S + LIMIT_GRACE_S + 1);
    assert_refused(REFUSAL_REVOKED);
    assert_ok(renew_allow(&a.ca, &maria));
    assert_refused(REFUSAL_REVOKED);
}

static void of_one_that_ends_earlier_the_newest_known_is_the_answer(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf first = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct certificate c;
    const struct name maria = authority_name("maria");
    struct authority_lost earlier = renewed();
    lose();
    assert_ok(certificates_newest(&a.ca.db, CERT_CLIENT, &maria, &c, &first));
    earlier.not_after_s = AUTHORITY_NOW_S + LIFE_S - 1;
    sign(&earlier);
    uint64_t before = leaves();
    assert_int_equal(ask(authority_key(0), &der).result, WELCOME_ISSUED);
    assert_span_equal(buf_span(&der), buf_span(&first));
    assert_int_equal(leaves(), before);
    earlier.not_after_s++; /* as with the root's end */
    sign(&earlier);
    assert_adopted();
}

/* The clock was ahead when the last common leaf was signed. */
static void after_a_leaf_of_the_future_all_of_before_is_in_doubt(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct epochs_loss loss;
    const struct certificate hers = { .issued_s = AUTHORITY_NOW_S + RENEWED_S,
                                      .not_after_s = AUTHORITY_NOW_S + RENEWED_S + LIFE_S };
    at(EPOCH_S + 2 * 86400);
    assert_int_equal(authority_enrol(&a, "paulo", authority_key(1), NULL, &der).result,
                     WELCOME_ISSUED);
    at(EPOCH_S);
    open_epoch(EPOCH_S, false, 7);
    assert_ok(epochs_judge(&a.ca.db, &hers, &loss));
    assert_true(loss.in_doubt && loss.lost && loss.witnessed);
}

static bool is_in_doubt_after(int64_t seconds)
{
    struct epochs_loss loss;
    const int64_t issued_s = AUTHORITY_NOW_S + EPOCH_S + seconds;
    const struct certificate one = { .issued_s = issued_s, .not_after_s = issued_s + LIFE_S };
    assert_ok(epochs_judge(&a.ca.db, &one, &loss));
    return loss.in_doubt;
}

/* The ledger that was lost may have grown in that second, and by a clock that was right. */
static void so_is_the_second_of_the_epoch_and_an_hour_where_something_is_lost(void **state)
{
    (void)state;
    at(EPOCH_S);
    open_epoch(EPOCH_S, true, 0);
    assert_true(is_in_doubt_after(-1));
    assert_false(is_in_doubt_after(0));
    a.now_ms += 1000;
    open_epoch(EPOCH_S + 1, false, 0);
    assert_true(is_in_doubt_after(1 + LIMIT_CLOCK_SLACK_S));
    assert_false(is_in_doubt_after(2 + LIMIT_CLOCK_SLACK_S));
}

/* As a restore does with all that an old ledger.db has: its place says nothing of its end. */
static void one_that_was_entered_later_and_ends_earlier_succeeds_nobody(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(cert_clear) struct cert cert = { 0 };
    CLEANUP(cert_clear) struct cert next = { 0 };
    struct certificate first, row = { .role = CERT_CLIENT, .name = authority_name("maria") };
    struct authority_lost earlier = renewed();
    struct ipc_enrolled answer;
    uint64_t position = 0;
    earlier.issued_s = AUTHORITY_NOW_S;
    earlier.not_after_s = AUTHORITY_NOW_S + LIFE_S - 1;
    sign(&earlier);
    assert_ok(certificates_newest(&a.ca.db, CERT_CLIENT, &row.name, &first, &der));
    buf_reset(&der);
    assert_ok(cert_read_leaf(buf_span(&lost), &a.ca.cert, CERT_CLIENT, AUTHORITY_NOW_S, &cert));
    row.issued_s = earlier.issued_s;
    row.not_after_s = earlier.not_after_s;
    row.der = buf_span(&lost);
    memcpy(row.serial, cert.fields.serial, CERT_SERIAL);
    memcpy(row.spki_hash, cert.spki_hash, HASH_LEN);
    assert_ok(database_begin(&a.ca.db));
    assert_ok(database_end(&a.ca.db, adopt_enter(&a.ca.db, &row, &cert, &position)));
    at(LIFE_S / 2);
    assert_ok(statement_sign_renewal(authority_key(0), &a.ca.cert, first.serial, &signature));
    struct ipc_renew request = { .signature = buf_span(&signature) };
    memcpy(request.serial, first.serial, CERT_SERIAL);
    assert_ok(renew_client(&a.ca, &request, &answer, &der));
    assert_int_equal(answer.result, WELCOME_ISSUED);
    assert_ok(cert_read_leaf(answer.certificate, &a.ca.cert, CERT_CLIENT, a.now_ms / 1000, &next));
    assert_int_equal(next.fields.not_after_s, a.now_ms / 1000 + LIFE_S);
}

/* ---- whose it is not ---- */

static void nobody_else_brings_it_back(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct ipc_enrolled answer;
    lose();
    assert_refused_by(authority_key(1), REFUSAL_REQUEST);
    struct ipc_renew request =
        authority_renew_lost(&a, buf_span(&lost), authority_key(0), &signature);
    const uint64_t before = leaves();
    /* Signed over her serial, shown for another one. */
    request.serial[CERT_SERIAL - 1] ^= 1;
    assert_ok(renew_client(&a.ca, &request, &answer, &der));
    assert_int_equal(answer.reason, REFUSAL_REQUEST);
    /* Signed over that one, and hers shown to it. */
    buf_reset(&signature);
    assert_ok(statement_sign_renewal(authority_key(0), &a.ca.cert, request.serial, &signature));
    request.signature = buf_span(&signature);
    assert_ok(renew_client(&a.ca, &request, &answer, &der));
    assert_int_equal(answer.reason, REFUSAL_REQUEST);
    assert_int_equal(leaves(), before);
    request = authority_renew_lost(&a, buf_span(&lost), authority_key(0), &signature);
    /* Not the bytes that the CA has signed. */
    for (size_t i = 0; i < lost.len; i += 13) {
        lost.p[i] ^= 4;
        assert_ok(renew_client(&a.ca, &request, &answer, &der));
        assert_int_equal(answer.result, WELCOME_REFUSED);
        assert_int_equal(answer.reason, REFUSAL_REQUEST);
        lost.p[i] ^= 4;
    }
    assert_int_equal(leaves(), before);
    assert_adopted();
}

static void a_name_that_is_not_its_keys_gets_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct authority_lost which = renewed();
    (void)authority_enrol(&a, "joao", authority_key(1), NULL, &der);
    lose();
    which.name = "joao"; /* and her key */
    sign(&which);
    assert_refused(REFUSAL_REVOKED);
    which.name = "rui"; /* nobody */
    sign(&which);
    assert_refused(REFUSAL_REVOKED);
    which.name = "maria";
    which.key = authority_key(1);
    sign(&which);
    assert_refused_by(authority_key(1), REFUSAL_REVOKED);
}

static void one_that_begins_within_the_hour_is_adopted(void **state)
{
    (void)state;
    struct authority_lost which = renewed();
    lose();
    which.issued_s = AUTHORITY_NOW_S + EPOCH_S + LIMIT_CLOCK_SLACK_S;
    which.not_after_s = which.issued_s + LIFE_S;
    sign(&which);
    assert_adopted();
}

static void a_servers_certificate_or_one_of_the_future_is_none(void **state)
{
    (void)state;
    struct authority_lost which = renewed();
    int64_t floor_s = 0, after_s = 0;
    lose();
    open_epoch(10 * LIFE_S, false, 7);
    assert_ok(clock_floor(&a.ca.db, &floor_s));
    which.issued_s = AUTHORITY_NOW_S + EPOCH_S + LIMIT_CLOCK_SLACK_S + 1;
    which.not_after_s = which.issued_s + LIFE_S;
    sign(&which);
    assert_refused(REFUSAL_REQUEST);
    assert_ok(clock_floor(&a.ca.db, &after_s));
    assert_int_equal(floor_s, after_s);
}

static void what_was_revoked_stays_so(void **state)
{
    (void)state;
    struct crl_entry entry = { .reason = CRL_KEY_COMPROMISE, .revoked_s = AUTHORITY_NOW_S };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    size_t count = 0;
    bool done = false;
    lose();
    /* By its serial alone, as a CRL carried it over. */
    const struct ipc_renew request =
        authority_renew_lost(&a, buf_span(&lost), authority_key(0), &signature);
    memcpy(entry.serial, request.serial, CERT_SERIAL);
    assert_ok(revoke_carry(&a.ca.db, &entry, a.now_ms / 1000));
    assert_refused(REFUSAL_REVOKED);
    /* By its key and name. */
    stop(NULL);
    start(NULL);
    lose();
    const struct revoke_order order = { authority_name("maria"), CRL_KEY_COMPROMISE };
    assert_ok(revoke_name(&a.ca, &order, &count, &done));
    assert_refused(REFUSAL_REVOKED);
    /* By its key alone. */
    stop(NULL);
    start(NULL);
    lose();
    uint8_t hash[HASH_LEN];
    authority_fingerprint(authority_key(0), hash);
    CLEANUP(query_end)
    struct query q = query_start(&a.ca.db, "INSERT INTO revoked_key(spki, revoked_s) VALUES(?, 1)");
    query_put_span(&q, SPAN_OF(hash));
    assert_ok(query_run(&q));
    assert_refused(REFUSAL_REVOKED);
}

/* ---- when the ledger lost something ---- */

static void a_ledger_that_was_read_or_no_list_brings_nothing_back(void **state)
{
    (void)state;
    static const struct {
        bool whole;
        uint64_t crl;
    } rows[] = { { true, 0 }, { true, 7 }, { false, 0 } };
    const struct authority_lost hers = renewed();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        at(EPOCH_S);
        open_epoch(EPOCH_S, rows[i].whole, rows[i].crl);
        sign(&hers);
        assert_refused(REFUSAL_REVOKED);
        stop(NULL);
        start(NULL);
    }
}

static void every_loss_since_has_to_have_a_list(void **state)
{
    (void)state;
    lose();
    open_epoch(EPOCH_S + 10, true, 0);
    assert_adopted();
    stop(NULL);
    start(NULL);
    lose();
    open_epoch(EPOCH_S + 10, false, 8);
    assert_adopted();
    stop(NULL);
    start(NULL);
    lose();
    open_epoch(EPOCH_S + 10, false, 0);
    assert_refused(REFUSAL_REVOKED);
}

/* Such a list was signed by a clock that was ahead: she may have been revoked by then. */
static void a_list_says_nothing_of_one_that_was_over_when_it_was_seen(void **state)
{
    (void)state;
    enum { OVER_S = RENEWED_S + LIFE_S + LIMIT_GRACE_S };
    lose();
    open_epoch(OVER_S, false, 8);
    assert_refused(REFUSAL_REVOKED);
    stop(NULL);
    start(NULL);
    lose();
    open_epoch(OVER_S - 1, false, 8);
    assert_adopted();
}

/* What was said on stderr meanwhile. */
static size_t alarms_of(EVP_PKEY *by, unsigned times)
{
    CLEANUP(buf_clear) struct buf said = { 0 };
    int ends[2], kept = dup(STDERR_FILENO);
    size_t count = 0;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    for (unsigned i = 0; i < times; i++) {
        CLEANUP(buf_clear) struct buf der = { 0 };
        const struct ipc_enrolled answer = ask(by, &der);
        if (answer.result != WELCOME_REFUSED || answer.reason != REFUSAL_REVOKED)
            count = 1000;
    }
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    close(kept);
    assert_ok(buf_reserve(&said, 65536));
    for (ssize_t n; (n = read(ends[0], said.p + said.len, said.cap - said.len - 1)) > 0;)
        said.len += (size_t)n;
    close(ends[0]);
    said.p[said.len] = '\0';
    for (const char *at = (const char *)said.p; (at = strstr(at, "ALARM: certificate 41")) != NULL;
         at++)
        count++;
    return count;
}

static void one_of_a_time_when_nothing_was_lost_is_an_alarm(void **state)
{
    (void)state;
    /* The last leaf in common is of a moment of its own; the CA began with the first epoch. */
    const int64_t last_s = 20000, doubt_s = last_s - LIMIT_CLOCK_SLACK_S;
    const int64_t until_s = EPOCH_S + 1 + LIMIT_CLOCK_SLACK_S;
    const struct {
        int64_t issued_s;
        size_t alarms;
    } rows[] = { { -10, 0 }, { 0, 1 }, { doubt_s, 1 }, { until_s, 1 } };
    struct authority_lost which = renewed();
    CLEANUP(buf_clear) struct buf der = { 0 };
    at(last_s);
    assert_int_equal(authority_enrol(&a, "joao", authority_key(1), NULL, &der).result,
                     WELCOME_ISSUED);
    lose();
    at(until_s);
    const uint64_t before = leaves();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        which.serial++;
        which.issued_s = AUTHORITY_NOW_S + rows[i].issued_s;
        which.not_after_s = which.issued_s + LIFE_S;
        sign(&which);
        a.now_ms += 2000;
        assert_int_equal(alarms_of(authority_key(0), 1), rows[i].alarms);
    }
    /* So many a second. */
    a.now_ms += 2000;
    const int64_t from_s = env_mono_ms(&a.env) / 1000;
    const size_t said = alarms_of(authority_key(0), 50);
    const int64_t seconds = env_mono_ms(&a.env) / 1000 - from_s + 1;
    assert_in_range(said, 1, LIMIT_LOG_RATE * seconds);
    assert_int_equal(leaves(), before);
    which.serial++;
    which.issued_s = AUTHORITY_NOW_S + doubt_s + 1;
    which.not_after_s = AUTHORITY_NOW_S + LIFE_S + 1;
    sign(&which);
    assert_int_equal(ask(authority_key(0), &der).result, WELCOME_ISSUED);
    assert_int_equal(leaves(), before + 2); /* it is due */
}

static void a_ca_that_signs_nothing_adopts_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    CLEANUP(buf_clear) struct buf head_signature = { 0 };
    struct ipc_enrolled answer;
    lose();
    uint64_t before = leaves();
    const struct ipc_renew request =
        authority_renew_lost(&a, buf_span(&lost), authority_key(0), &signature);
    a.jumped_ms = 2 * 3600 * 1000;
    assert_err(renew_client(&a.ca, &request, &answer, &der), MLT_ERR_CLOCK);
    a.jumped_ms = 0;
    authority_restart(&a);
    struct ledger_head head = { .epoch = AUTHORITY_NOW_S + EPOCH_S + 50, .size = 100 };
    assert_ok(statement_sign_head(a.ca.key, &a.ca.cert, &head, &head_signature));
    head.signature = buf_span(&head_signature);
    assert_ok(ledger_head_encode(&head, &bytes));
    assert_ok(stopped_on_head(&a.ca, buf_span(&bytes)));
    before = leaves();
    assert_err(renew_client(&a.ca, &request, &answer, &der), MLT_ERR_STOPPED);
    assert_int_equal(leaves(), before);
}

/* ---- names that may have been revoked without a trace ---- */

/* Her first certificate could not be renewed any more when the older ledger was put back. */
enum { LATE_S = LIFE_S + LIMIT_GRACE_S };

static enum refusal try_to_enrol(const struct invite *invite)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    return authority_enrol(&a, "maria", authority_key(0), invite, &der).reason;
}

static void of_a_hidden_name_nothing_is_certified_but_by_reissue(void **state)
{
    (void)state;
    struct invite invite;
    uint8_t hash[HASH_LEN];
    enum refusal reason = REFUSAL_NONE;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf request = { 0 };
    const struct name maria = authority_name("maria");
    at(LATE_S);
    assert_ok(renew_allow(&a.ca, &maria)); /* before the loss */
    open_epoch(LATE_S, false, 7);
    at(LATE_S + 10);
    assert_int_equal(try_to_enrol(NULL), REFUSAL_NAME_TAKEN);
    invite = authority_invite(&a, NULL);
    assert_int_equal(try_to_enrol(&invite), REFUSAL_NAME_TAKEN);
    a.ca.mode = ENROL_INVITE;
    assert_int_equal(try_to_enrol(NULL), REFUSAL_INVITE_NEEDED);
    a.ca.mode = ENROL_APPROVE;
    assert_int_equal(try_to_enrol(NULL), REFUSAL_NAME_TAKEN);
    authority_fingerprint(authority_key(0), hash);
    assert_ok(request_make(authority_key(0), &maria, &request));
    assert_ok(pending_put(&a.ca.db, &maria, hash, buf_span(&request), a.now_ms / 1000));
    assert_err(enrol_approve(&a.ca, &maria, hash, &reason), MLT_ERR_REFUSED);
    assert_int_equal(reason, REFUSAL_NAME_TAKEN);
    assert_err(renew_allow(&a.ca, &maria), MLT_ERR_REFUSED);
    /* Nor by the leave that she had. */
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct certificate c;
    struct ipc_enrolled answer;
    assert_ok(certificates_newest(&a.ca.db, CERT_CLIENT, &maria, &c, &der));
    assert_ok(statement_sign_renewal(authority_key(0), &a.ca.cert, c.serial, &signature));
    struct ipc_renew renew = { .signature = buf_span(&signature) };
    memcpy(renew.serial, c.serial, CERT_SERIAL);
    assert_ok(renew_client(&a.ca, &renew, &answer, &der));
    assert_int_equal(answer.reason, REFUSAL_EXPIRED);
    /* A new key has nothing to hide. */
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 3600, &invite));
    a.ca.mode = ENROL_INVITE;
    assert_int_equal(authority_enrol(&a, "maria", authority_key(1), &invite, &der).result,
                     WELCOME_ISSUED);
    assert_ok(renew_allow(&a.ca, &maria));
}

static void who_was_in_time_or_of_a_loss_that_was_read_hides_nothing(void **state)
{
    (void)state;
    at(LATE_S - 1);
    open_epoch(LATE_S - 1, false, 7); /* a list of that day names her first one */
    at(LATE_S + 10);
    open_epoch(LATE_S + 10, true, 0);
    assert_int_equal(try_to_enrol(NULL), REFUSAL_NONE);
    /* An epoch that a wrong clock opened ahead of its time. */
    stop(NULL);
    authority_start(&a, ENROL_OPEN);
    open_epoch(LATE_S, false, 7);
    assert_int_equal(try_to_enrol(NULL), REFUSAL_NONE);
    at(LATE_S + 10);
    assert_int_equal(try_to_enrol(NULL), REFUSAL_NONE);
}

static void a_lost_certificate_that_comes_back_ends_the_doubt(void **state)
{
    (void)state;
    const struct name maria = authority_name("maria");
    const struct authority_lost hers = renewed();
    at(LATE_S);
    open_epoch(LATE_S, false, 7);
    at(LATE_S + 10);
    assert_err(renew_allow(&a.ca, &maria), MLT_ERR_REFUSED);
    sign(&hers);
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_int_equal(ask(authority_key(0), &der).result, WELCOME_ISSUED);
    assert_ok(renew_allow(&a.ca, &maria));
}

#define WITH_CA(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CA(it_is_entered_anew_and_is_itself_the_answer),
        WITH_CA(one_that_is_due_or_in_its_grace_is_renewed_at_once),
        WITH_CA(past_its_grace_it_is_not_whatever_the_administrator_allows),
        WITH_CA(of_one_that_ends_earlier_the_newest_known_is_the_answer),
        WITH_CA(after_a_leaf_of_the_future_all_of_before_is_in_doubt),
        WITH_CA(so_is_the_second_of_the_epoch_and_an_hour_where_something_is_lost),
        WITH_CA(one_that_was_entered_later_and_ends_earlier_succeeds_nobody),
        WITH_CA(nobody_else_brings_it_back),
        WITH_CA(a_name_that_is_not_its_keys_gets_nothing),
        WITH_CA(one_that_begins_within_the_hour_is_adopted),
        WITH_CA(a_servers_certificate_or_one_of_the_future_is_none),
        WITH_CA(what_was_revoked_stays_so),
        WITH_CA(a_ledger_that_was_read_or_no_list_brings_nothing_back),
        WITH_CA(every_loss_since_has_to_have_a_list),
        WITH_CA(a_list_says_nothing_of_one_that_was_over_when_it_was_seen),
        WITH_CA(one_of_a_time_when_nothing_was_lost_is_an_alarm),
        WITH_CA(a_ca_that_signs_nothing_adopts_nothing),
        WITH_CA(of_a_hidden_name_nothing_is_certified_but_by_reissue),
        WITH_CA(who_was_in_time_or_of_a_loss_that_was_read_hides_nothing),
        WITH_CA(a_lost_certificate_that_comes_back_ends_the_doubt),
    };
    return cmocka_run_group_tests_name("adopt", tests, libraries, NULL);
}
