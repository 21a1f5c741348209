/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authority.h"
#include "base/file.h"
#include "base/limits.h"
#include "ca/audit.h"
#include "ca/enrol.h"
#include "ca/ledger_tree.h"
#include "ca/proof.h"
#include "ca/schema.h"
#include "ca/setting.h"
#include "pki/request.h"
#include "pki/statement.h"

/* Signed heads of a CA's ledger, what is refused at its start, and the stop on a head ahead. */

static struct authority a;
static unsigned heads; /* that were told of */

static const int64_t minute_ms = 60000;

static int start(void **state)
{
    (void)state;
    heads = 0;
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

/* ---- a ledger and its heads ---- */

static struct ledger_head decoded(struct span bytes)
{
    struct ledger_head head;
    assert_ok(ledger_head_decode(bytes, &head));
    assert_ok(statement_check_head(&a.ca.cert, &head));
    return head;
}

static struct ledger_head newest(void)
{
    return decoded(head_newest(&a.ca));
}

static void enrol(const char *name, unsigned key)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_int_equal(authority_enrol(&a, name, authority_key(key), NULL, &der).result,
                     WELCOME_ISSUED);
}

static uint64_t size(void)
{
    uint64_t n = 0;
    assert_ok(ledger_size(&a.ca.db, &n));
    return n;
}

static void a_new_ca_has_an_epoch_and_a_head_over_its_own_certificate(void **state)
{
    (void)state;
    const struct ledger_head head = newest();
    uint8_t root[HASH_LEN];
    assert_int_equal(head.epoch, AUTHORITY_NOW_S);
    assert_int_equal(head.base, 0);
    assert_int_equal(head.size, 1);
    assert_int_equal(head.time_s, AUTHORITY_NOW_S);
    assert_ok(ledger_tree_root(&a.ca.db, 1, root));
    assert_memory_equal(head.root, root, HASH_LEN);
}

/* What another connection reads is committed. */
static void on_head(void *ctx)
{
    (void)ctx;
    CLEANUP(database_close) struct database other = { 0 };
    CLEANUP(buf_clear) struct buf kept = { 0 };
    const struct database_place place = { a.ca.dir, SCHEMA_FILE };
    bool fresh = false;
    heads++;
    assert_ok(database_open(&other, &schema_ledger, &place, false, &fresh));
    assert_ok(setting_get(&other, "head", &kept));
    assert_span_equal(buf_span(&kept), head_newest(&a.ca));
}

static void a_head_follows_the_ledger_once_a_second_and_is_on_disk_when_it_is_told(void **state)
{
    (void)state;
    a.ca.events.on_head = on_head;
    a.ahead_ms += LIMIT_HEAD_MS;
    assert_int_equal(head_timeout(&a.ca), -1);
    head_tick(&a.ca);
    assert_int_equal(heads, 0);
    enrol("maria", 0);
    assert_int_equal(head_timeout(&a.ca), 0);
    head_tick(&a.ca);
    assert_int_equal(heads, 1);
    assert_int_equal(newest().size, 2);
    enrol("joao", 1);
    /* However slow the test is, the second is not over. */
    a.ahead_ms -= minute_ms;
    int left_ms = head_timeout(&a.ca);
    assert_true(left_ms > 0 && left_ms <= LIMIT_HEAD_MS + minute_ms);
    head_tick(&a.ca);
    assert_int_equal(newest().size, 2);
    a.ahead_ms += minute_ms + LIMIT_HEAD_MS;
    head_tick(&a.ca);
    assert_int_equal(newest().size, 3);
    assert_int_equal(heads, 2);
    assert_int_equal(head_timeout(&a.ca), -1);
    /* When somebody is to be brought up to date it is signed at once. */
    enrol("ana", 2);
    assert_ok(head_sign(&a.ca));
    assert_int_equal(newest().size, 4);
    assert_ok(head_sign(&a.ca));
    assert_int_equal(heads, 3);
}

static void a_head_outlives_the_process_and_what_came_after_it_is_signed_next(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf before = { 0 };
    enrol("maria", 0);
    assert_ok(head_sign(&a.ca));
    assert_ok(buf_put(&before, head_newest(&a.ca)));
    enrol("joao", 1);
    authority_restart(&a);
    assert_span_equal(head_newest(&a.ca), buf_span(&before));
    a.ahead_ms += LIMIT_HEAD_MS;
    head_tick(&a.ca);
    assert_int_equal(newest().size, 3);
}

static void a_head_that_cannot_be_signed_is_tried_again_later(void **state)
{
    (void)state;
    enrol("maria", 0);
    a.ahead_ms += LIMIT_HEAD_MS;
    struct query q = query_start(&a.ca.db, "CREATE TEMP TRIGGER full BEFORE UPDATE ON meta "
                                           "BEGIN SELECT raise(ABORT, 'disk full'); END");
    assert_ok(query_run(&q));
    query_end(&q);
    head_tick(&a.ca);
    assert_int_equal(newest().size, 1);
    assert_true(head_timeout(&a.ca) > LIMIT_HEAD_MS);
    q = query_start(&a.ca.db, "DROP TRIGGER IF EXISTS full");
    assert_ok(query_run(&q));
    query_end(&q);
    a.ahead_ms += head_timeout(&a.ca);
    head_tick(&a.ca);
    assert_int_equal(newest().size, 2);
}

/* ---- what is refused at the start ---- */

static void run(struct database *db, const char *sql)
{
    CLEANUP(query_end) struct query q = query_start(db, sql);
    assert_ok(query_run(&q));
}

/* As somebody who can write the file: no trigger and no foreign key in his way. */
struct intruder {
    int dir;
    struct database db;
};

static void intruder_leave(struct intruder *i)
{
    database_close(&i->db);
    file_close(&i->dir);
}

static void intruder_enter(struct intruder *i)
{
    static const char *const free_hand[] = {
        "PRAGMA foreign_keys=OFF",           "DROP TRIGGER IF EXISTS leaf_is_final",
        "DROP TRIGGER IF EXISTS leaf_stays", "DROP TRIGGER IF EXISTS node_is_final",
        "DROP TRIGGER IF EXISTS node_stays",
    };
    bool fresh = false;
    i->dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct database_place place = { i->dir, SCHEMA_FILE };
    assert_ok(database_open(&i->db, &schema_ledger, &place, false, &fresh));
    for (size_t n = 0; n < COUNT_OF(free_hand); n++)
        run(&i->db, free_hand[n]);
}

static void tamper(const char *sql)
{
    CLEANUP(intruder_leave) struct intruder intruder = { 0 };
    ca_close(&a.ca);
    intruder_enter(&intruder);
    run(&intruder.db, sql);
}

static void assert_refused(const char *words)
{
    CLEANUP(buf_clear) struct buf why = { 0 };
    const char *text = NULL;
    assert_err(authority_open(&a, "", "passphrase", &why), MLT_ERR_LEDGER);
    assert_ok(buf_text(&why, &text));
    assert_non_null(strstr(text, words));
    assert_null(strchr(text, '\n'));
    ca_close(&a.ca);
}

static void three_members(void)
{
    enrol("maria", 0);
    enrol("joao", 1);
    enrol("ana", 2);
    assert_ok(head_sign(&a.ca));
}

static void a_changed_leaf_is_refused(void **state)
{
    (void)state;
    three_members();
    tamper("UPDATE leaf SET bytes = (SELECT bytes FROM leaf WHERE position = 1) "
           "WHERE position = 2");
    assert_refused("wrong leaves: 1, wrong nodes: 2");
}

static void a_changed_node_is_refused(void **state)
{
    (void)state;
    three_members();
    tamper("UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND idx = 1");
    assert_refused("wrong leaves: 0, wrong nodes: 1, the first at position 2");
}

/* Every leaf once more, in the order given; nodes as they follow. */
static void rewrite(const unsigned *order, size_t n)
{
    CLEANUP(intruder_leave) struct intruder intruder = { 0 };
    struct ledger_leaf leaves[8];
    ca_close(&a.ca);
    intruder_enter(&intruder);
    for (size_t i = 0; i < n; i++)
        assert_ok(ledger_read(&intruder.db, order[i], &leaves[i]));
    run(&intruder.db, "DELETE FROM leaf");
    run(&intruder.db, "DELETE FROM node");
    for (size_t i = 0; i < n; i++) {
        uint64_t position = 0;
        assert_ok(ledger_append(&intruder.db, &leaves[i], &position));
    }
}

static void leaves_and_nodes_changed_consistently_are_refused_by_the_signed_root(void **state)
{
    (void)state;
    static const unsigned same[] = { 0, 1, 2, 3 }, swapped[] = { 0, 1, 3, 2 };
    three_members();
    rewrite(same, 4);
    authority_restart(&a);
    rewrite(swapped, 4);
    assert_refused("the root of its first 4 leaves");
}

static void leaves_cut_off_with_their_certificates_are_refused(void **state)
{
    (void)state;
    static const unsigned fewer[] = { 0, 1, 2 };
    three_members();
    rewrite(fewer, 3);
    tamper("DELETE FROM certificate WHERE position = 3");
    assert_refused("speaks of 4 leaves, and it has 3");
}

static void a_head_whose_epoch_is_gone_or_another_is_refused(void **state)
{
    (void)state;
    static const char *const changes[] = { "UPDATE epoch SET epoch = epoch - 1",
                                           "UPDATE epoch SET base = 1, epoch = epoch + 1",
                                           "DELETE FROM epoch" };
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        tamper(changes[i]);
        assert_refused("the epoch of the newest signed head is not in it");
    }
}

static void a_head_of_anybody_else_is_refused(void **state)
{
    (void)state;
    three_members();
    for (unsigned round = 0; round < 2; round++) {
        CLEANUP(intruder_leave) struct intruder intruder = { 0 };
        CLEANUP(buf_clear) struct buf head = { 0 };
        ca_close(&a.ca);
        intruder_enter(&intruder);
        assert_ok(setting_get(&intruder.db, "head", &head));
        head.p[30] ^= 1; /* first of its root, then as it was, and of its signature */
        if (round > 0)
            head.p[head.len - 1] ^= 1;
        assert_ok(setting_set(&intruder.db, "head", buf_span(&head)));
        intruder_leave(&intruder);
        assert_refused("is not signed by this CA");
    }
    tamper("UPDATE meta SET value = x'00' WHERE key = 'head'");
    assert_refused("is not signed by this CA");
}

/* ---- a file of schema 2 ---- */

/* What such a version would have written. */
static void make_old(void)
{
    static const char copy[] =
        "ATTACH '" SCHEMA_FILE "' AS new;"
        "INSERT INTO meta SELECT key, value FROM new.meta WHERE key IN "
        "  ('realm', 'advertise', 'keystore');"
        "INSERT INTO leaf SELECT position, bytes, hash FROM new.leaf;"
        "INSERT INTO certificate SELECT serial, position, role, name, spki, issued_s, not_after_s,"
        "  NULL, der FROM new.certificate;"
        "INSERT INTO member SELECT name, spki, since_s, mailbox FROM new.member;"
        "DETACH new;";
    sqlite3 *old = NULL;
    ca_close(&a.ca);
    assert_int_equal(sqlite3_open("old.db", &old), SQLITE_OK);
    for (int64_t from = 0; from < 2; from++)
        assert_int_equal(sqlite3_exec(old, schema_ledger.step(from), NULL, NULL, NULL), SQLITE_OK);
    if (sqlite3_exec(old, copy, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(old));
    sqlite3_close(old);
    assert_int_equal(chmod("old.db", 0600), 0);
    assert_int_equal(rename("old.db", SCHEMA_FILE), 0);
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
    fail_msg("%.*s", (int)text.n, (const char *)text.p);
    return MLT_OK;
}

static void an_older_ca_opens_with_a_tree_an_epoch_and_a_head(void **state)
{
    (void)state;
    const struct audit_sink sink = { no_count, no_finding, NULL };
    uint8_t root[HASH_LEN], before[HASH_LEN];
    three_members();
    assert_ok(ledger_tree_root(&a.ca.db, 4, before));
    make_old();
    a.now_ms += 86400 * (int64_t)1000;
    authority_restart(&a);
    const struct ledger_head head = newest();
    assert_int_equal(head.epoch, AUTHORITY_NOW_S + 86400);
    assert_int_equal(head.base, 0);
    assert_int_equal(head.size, 4);
    assert_ok(ledger_tree_root(&a.ca.db, 4, root));
    assert_memory_equal(root, before, HASH_LEN);
    assert_ok(audit_run(&a.ca, &sink));
    enrol("rui", 3);
    authority_restart(&a);
    assert_int_equal(newest().epoch, AUTHORITY_NOW_S + 86400);
    assert_ok(audit_run(&a.ca, &sink));
}

/* Its clock has a floor too: the newest leaf. */
static void an_older_ca_with_a_clock_behind_its_leaves_does_not_open(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf why = { 0 };
    three_members();
    make_old();
    a.now_ms -= 86400 * (int64_t)1000;
    assert_err(authority_open(&a, "", "passphrase", &why), MLT_ERR_CLOCK);
}

/* ---- a head ahead ---- */

static void keep_copy(struct buf *ledger)
{
    ca_close(&a.ca);
    CLEANUP(file_close) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(file_read(dir, SCHEMA_FILE, 1 << 24, ledger));
    authority_restart(&a);
}

static void put_back(const struct buf *ledger)
{
    ca_close(&a.ca);
    CLEANUP(file_close) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(file_write(dir, SCHEMA_FILE, buf_span(ledger)));
    (void)unlink(SCHEMA_FILE "-wal");
    (void)unlink(SCHEMA_FILE "-shm");
    authority_restart(&a);
}

static void assert_stopped(void)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct ipc_enrolled answer;
    struct issuer issuer;
    const struct name relay = authority_name("relay");
    uint64_t before = size();
    assert_true(stopped_is(&a.ca));
    assert_err(ca_may_issue(&a.ca), MLT_ERR_STOPPED);
    assert_err(ca_issuer(&a.ca, &issuer), MLT_ERR_STOPPED);
    const struct ipc_enrol ask =
        authority_ask(&a.ca.cert, "nuno", authority_key(5), NULL, &request);
    assert_err(enrol_client(&a.ca, &ask, &answer, &der), MLT_ERR_STOPPED);
    buf_reset(&request);
    assert_ok(request_make(authority_key(4), &relay, &request));
    assert_err(enrol_server(&a.ca, buf_span(&request), &der), MLT_ERR_STOPPED);
    assert_int_equal(der.len, 0);
    assert_int_equal(size(), before);
    assert_int_equal(head_timeout(&a.ca), -1);
    assert_true(stopped_timeout(&a.ca) >= 0);
}

/* A head that is beyond an older copy, and that copy in place. */
static void go_back(struct buf *ahead)
{
    CLEANUP(buf_clear) struct buf older = { 0 };
    enrol("maria", 0);
    assert_ok(head_sign(&a.ca));
    keep_copy(&older);
    enrol("joao", 1);
    assert_ok(head_sign(&a.ca));
    assert_ok(buf_put(ahead, head_newest(&a.ca)));
    put_back(&older);
    assert_int_equal(size(), 2);
}

static void new_epoch(uint64_t epoch, uint64_t base)
{
    const struct ledger_opening opening = { .epoch = epoch, .base = base, .whole = true };
    assert_ok(database_begin(&a.ca.db));
    assert_ok(database_end(&a.ca.db, ledger_open_epoch(&a.ca.db, &opening)));
    authority_restart(&a);
}

static void a_larger_head_stops_the_ca_across_restarts_and_until_a_new_epoch(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf ahead = { 0 };
    CLEANUP(buf_clear) struct buf why = { 0 };
    const char *text = NULL;
    go_back(&ahead);
    assert_false(stopped_is(&a.ca));
    assert_ok(stopped_on_head(&a.ca, buf_span(&ahead)));
    assert_stopped();
    authority_restart(&a);
    assert_stopped();
    assert_ok(stopped_explain(&a.ca, &why));
    assert_ok(buf_text(&why, &text));
    assert_non_null(strstr(text, "with 3 leaves"));
    assert_non_null(strstr(text, "ledger has 2"));
    authority_restart(&a);
    assert_stopped();
    new_epoch(AUTHORITY_NOW_S + 60, 2);
    assert_false(stopped_is(&a.ca));
    const struct ledger_head head = newest();
    assert_int_equal(head.epoch, AUTHORITY_NOW_S + 60);
    assert_int_equal(head.base, 2);
    assert_int_equal(head.size, 2);
    enrol("nuno", 5);
    /* The head of the epoch that was lost is none of this one's. */
    assert_ok(stopped_on_head(&a.ca, buf_span(&ahead)));
    assert_false(stopped_is(&a.ca));
}

/* Both histories signed by the same key: the ledger was forked. */
static void a_head_of_the_same_size_with_another_root_stops_the_ca(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf ahead = { 0 };
    go_back(&ahead);
    enrol("ana", 2);
    assert_ok(head_sign(&a.ca));
    assert_int_equal(newest().size, 3);
    assert_ok(stopped_on_head(&a.ca, buf_span(&ahead)));
    assert_stopped();
}

static void a_smaller_head_with_another_root_stops_the_ca_as_well(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf ahead = { 0 };
    go_back(&ahead);
    enrol("ana", 2);
    enrol("rui", 3);
    assert_ok(head_sign(&a.ca));
    assert_ok(stopped_on_head(&a.ca, buf_span(&ahead)));
    assert_stopped();
}

static void sign_made_up(const struct ledger_head *head, struct buf *bytes)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ledger_head made = *head;
    assert_ok(statement_sign_head(a.ca.key, &a.ca.cert, head, &signature));
    made.signature = buf_span(&signature);
    buf_reset(bytes);
    assert_ok(ledger_head_encode(&made, bytes));
}

static void a_later_epoch_stops_the_ca_and_the_next_one_is_later_still(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_head head = newest();
    head.epoch += 1000;
    sign_made_up(&head, &bytes);
    assert_ok(stopped_on_head(&a.ca, buf_span(&bytes)));
    assert_stopped();
    /* Of several the furthest counts. */
    head.epoch += 1000;
    sign_made_up(&head, &bytes);
    assert_ok(stopped_on_head(&a.ca, buf_span(&bytes)));
    head.epoch -= 500;
    sign_made_up(&head, &bytes);
    assert_ok(stopped_on_head(&a.ca, buf_span(&bytes)));
    const struct ledger_opening low = { .epoch = AUTHORITY_NOW_S + 2000, .base = size() };
    assert_ok(database_begin(&a.ca.db));
    assert_err(database_end(&a.ca.db, ledger_open_epoch(&a.ca.db, &low)), MLT_ERR_RANGE);
    assert_stopped();
    new_epoch(AUTHORITY_NOW_S + 2001, 1);
    assert_false(stopped_is(&a.ca));
    assert_int_equal(newest().epoch, AUTHORITY_NOW_S + 2001);
}

/* Up to its base an epoch has what was before it, and signed heads say what that was. */
static void another_root_below_the_base_stops_the_ca_as_well(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    CLEANUP(buf_clear) struct buf true_one = { 0 };
    CLEANUP(buf_clear) struct buf why = { 0 };
    const char *text = NULL;
    three_members();
    struct ledger_head head = newest();
    assert_ok(buf_put(&true_one, head_newest(&a.ca)));
    new_epoch(AUTHORITY_NOW_S + 60, head.size);
    assert_ok(stopped_on_head(&a.ca, buf_span(&true_one)));
    assert_false(stopped_is(&a.ca));
    /* What was beyond it is gone, as everybody was told. */
    head.root[0] ^= 1;
    head.size++;
    sign_made_up(&head, &bytes);
    assert_ok(stopped_on_head(&a.ca, buf_span(&bytes)));
    assert_false(stopped_is(&a.ca));
    head.size--;
    sign_made_up(&head, &bytes);
    assert_ok(stopped_on_head(&a.ca, buf_span(&bytes)));
    assert_stopped();
    assert_ok(stopped_explain(&a.ca, &why));
    assert_ok(buf_text(&why, &text));
    assert_non_null(strstr(text, "two ledgers"));
}

/* Its root is ours: that epoch was opened twice. */
static void another_base_in_the_same_epoch_stops_the_ca_as_well(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_head head = newest();
    head.base = 1;
    sign_made_up(&head, &bytes);
    assert_ok(stopped_on_head(&a.ca, buf_span(&bytes)));
    assert_stopped();
}

static void a_head_that_is_within_the_ledger_stops_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf first = { 0 };
    assert_ok(buf_put(&first, head_newest(&a.ca)));
    three_members();
    assert_ok(stopped_on_head(&a.ca, buf_span(&first)));
    assert_ok(stopped_on_head(&a.ca, head_newest(&a.ca)));
    assert_false(stopped_is(&a.ca));
    /* Leaves that no head speaks of yet count as well. */
    CLEANUP(buf_clear) struct buf last = { 0 };
    assert_ok(buf_put(&last, head_newest(&a.ca)));
    enrol("rui", 3);
    assert_ok(stopped_on_head(&a.ca, buf_span(&last)));
    assert_false(stopped_is(&a.ca));
}

static void a_head_that_we_never_signed_is_refused_and_stops_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    assert_ok(buf_put(&bytes, head_newest(&a.ca)));
    for (size_t at = 1; at < bytes.len; at += 7) {
        bytes.p[at] ^= 1;
        assert_int_not_equal(stopped_on_head(&a.ca, buf_span(&bytes)), MLT_OK);
        bytes.p[at] ^= 1;
    }
    for (size_t n = 0; n < bytes.len; n += 5)
        assert_int_not_equal(stopped_on_head(&a.ca, span_of(bytes.p, n)), MLT_OK);
    struct ledger_head foreign = newest();
    CLEANUP(buf_clear) struct buf signature = { 0 };
    foreign.size = 1000;
    assert_ok(statement_sign_head(authority_key(0), &a.ca.cert, &foreign, &signature));
    foreign.signature = buf_span(&signature);
    buf_reset(&bytes);
    assert_ok(ledger_head_encode(&foreign, &bytes));
    assert_err(stopped_on_head(&a.ca, buf_span(&bytes)), MLT_ERR_LEDGER);
    assert_false(stopped_is(&a.ca));
}

/* Whoever asks again for what he has gets it: that signs nothing. */
static void a_stopped_ca_hands_out_what_it_has_signed_before(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf ahead = { 0 };
    go_back(&ahead);
    assert_ok(stopped_on_head(&a.ca, buf_span(&ahead)));
    enrol("maria", 0);
    assert_stopped();
}

/* ---- proofs for whoever asks ---- */

static enum mlt_err prove(uint64_t epoch, uint64_t from, uint64_t to, struct buf *hashes)
{
    const struct ipc_proof_wanted wanted = { epoch, from, to };
    buf_reset(hashes);
    return proof_answer(&a.ca, &wanted, hashes);
}

static void a_proof_leads_from_any_head_to_any_later_one(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf first = { 0 };
    CLEANUP(buf_clear) struct buf hashes = { 0 };
    assert_ok(buf_put(&first, head_newest(&a.ca)));
    three_members();
    const struct ledger_head from = decoded(buf_span(&first)), to = newest();
    struct merkle_tree earlier = { .size = from.size }, later = { .size = to.size };
    memcpy(earlier.root, from.root, HASH_LEN);
    memcpy(later.root, to.root, HASH_LEN);
    assert_ok(prove(from.epoch, from.size, to.size, &hashes));
    assert_ok(merkle_check_consistency(&earlier, &later, buf_span(&hashes)));
    assert_ok(prove(from.epoch, to.size, to.size, &hashes));
    assert_int_equal(hashes.len, 0);
}

static void a_head_that_is_not_within_the_ledger_has_no_proof(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf ahead = { 0 };
    CLEANUP(buf_clear) struct buf hashes = { 0 };
    go_back(&ahead);
    const struct ledger_head lost = decoded(buf_span(&ahead));
    assert_err(prove(lost.epoch, lost.size, 2, &hashes), MLT_ERR_MISSING);
    assert_err(prove(lost.epoch + 1, 1, 2, &hashes), MLT_ERR_MISSING);
    assert_err(prove(lost.epoch, 2, 1, &hashes), MLT_ERR_RANGE);
    assert_err(prove(lost.epoch, 0, 1, &hashes), MLT_ERR_RANGE);
    assert_err(prove(lost.epoch, 1, 3, &hashes), MLT_ERR_RANGE);
    /* In the next epoch the ledger is as large again, but it is another one. */
    new_epoch(AUTHORITY_NOW_S + 60, 2);
    three_members();
    assert_err(prove(lost.epoch, lost.size, size(), &hashes), MLT_ERR_MISSING);
    assert_ok(prove(lost.epoch, 2, size(), &hashes));
    assert_ok(prove(AUTHORITY_NOW_S + 60, 3, size(), &hashes));
    assert_int_equal(hashes.len % HASH_LEN, 0);
}

#define WITH_CA(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CA(a_new_ca_has_an_epoch_and_a_head_over_its_own_certificate),
        WITH_CA(a_head_follows_the_ledger_once_a_second_and_is_on_disk_when_it_is_told),
        WITH_CA(a_head_outlives_the_process_and_what_came_after_it_is_signed_next),
        WITH_CA(a_head_that_cannot_be_signed_is_tried_again_later),
        WITH_CA(a_changed_leaf_is_refused),
        WITH_CA(a_changed_node_is_refused),
        WITH_CA(leaves_and_nodes_changed_consistently_are_refused_by_the_signed_root),
        WITH_CA(leaves_cut_off_with_their_certificates_are_refused),
        WITH_CA(a_head_whose_epoch_is_gone_or_another_is_refused),
        WITH_CA(a_head_of_anybody_else_is_refused),
        WITH_CA(an_older_ca_opens_with_a_tree_an_epoch_and_a_head),
        WITH_CA(an_older_ca_with_a_clock_behind_its_leaves_does_not_open),
        WITH_CA(a_larger_head_stops_the_ca_across_restarts_and_until_a_new_epoch),
        WITH_CA(a_head_of_the_same_size_with_another_root_stops_the_ca),
        WITH_CA(a_smaller_head_with_another_root_stops_the_ca_as_well),
        WITH_CA(another_root_below_the_base_stops_the_ca_as_well),
        WITH_CA(another_base_in_the_same_epoch_stops_the_ca_as_well),
        WITH_CA(a_later_epoch_stops_the_ca_and_the_next_one_is_later_still),
        WITH_CA(a_head_that_is_within_the_ledger_stops_nothing),
        WITH_CA(a_head_that_we_never_signed_is_refused_and_stops_nothing),
        WITH_CA(a_stopped_ca_hands_out_what_it_has_signed_before),
        WITH_CA(a_proof_leads_from_any_head_to_any_later_one),
        WITH_CA(a_head_that_is_not_within_the_ledger_has_no_proof),
    };
    return cmocka_run_group_tests_name("head", tests, libraries, NULL);
}
