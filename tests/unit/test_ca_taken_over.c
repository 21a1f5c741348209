/* SPDX-License-Identifier: Apache-2.0 */
#include "ca_child.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "ca/members.h"
#include "ca/schema.h"
#include "pki/statement.h"

/*
 * Rows 48 and 49, what came with renewals and revocation: a taken-over net against the real ca
 * process, over real IPC.  It renews nobody, stops nothing, hides no revocation that it has not
 * been told of, and its floods cost nobody else an answer.  (What it gets signed, over thousands of
 * requests and with time passing, is for test_ca_requests.)
 */

/* An empty body, to be filled and said. */
static struct buf *body(void)
{
    buf_reset(&ca_child.sent);
    return &ca_child.sent;
}

static void say(enum ipc_type type, uint32_t tag)
{
    assert_ok(channel_send(&ca_child.net, type, tag, buf_span(&ca_child.sent)));
}

/* The answer of this kind; what net is told unasked is read over. */
static void hear(enum ipc_type wanted, struct ipc_message *message)
{
    do {
        bool got = false;
        assert_ok(
            channel_receive(&ca_child.net, CA_CHILD_PATIENCE_MS, &ca_child.packet, message, &got));
        assert_true(got);
    } while (message->type != wanted);
}

static enum refusal renew(const uint8_t serial[static CERT_SERIAL], struct span signature)
{
    struct ipc_renew asked = { .signature = signature };
    struct ipc_message message;
    struct ipc_enrolled answer;
    memcpy(asked.serial, serial, CERT_SERIAL);
    assert_ok(ipc_renew_encode(&asked, body()));
    say(IPC_RENEW, 7);
    hear(IPC_RENEWED, &message);
    assert_int_equal(message.tag, 7);
    assert_ok(ipc_enrolled_decode(message.body, &answer));
    assert_int_equal(answer.result, WELCOME_REFUSED);
    assert_int_equal(answer.certificate.n, 0);
    return answer.reason;
}

static void certify(const char *name, unsigned key, struct cert *c)
{
    struct ipc_enrolled answer = ca_child_enrol(name, key, NULL);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    assert_ok(cert_read_leaf(answer.certificate, &ca_child.cert, CERT_CLIENT,
                             env_wall_ms(env_system()) / 1000, c));
}

static void nobody_is_renewed_without_his_own_word(void **state)
{
    (void)state;
    CLEANUP(cert_clear) struct cert maria = { 0 };
    CLEANUP(cert_clear) struct cert mallory = { 0 };
    CLEANUP(buf_clear) struct buf own = { 0 };
    CLEANUP(buf_clear) struct buf others = { 0 };
    CLEANUP(buf_clear) struct buf kept = { 0 };
    static const uint8_t zeros[256], nobodys[CERT_SERIAL] = { 1 };
    certify("maria", 0, &maria);
    certify("mallory", 1, &mallory);
    const uint8_t *serial = maria.fields.serial;
    assert_int_equal(renew(serial, SPAN_OF(zeros)), REFUSAL_REQUEST);
    assert_ok(statement_sign_renewal(authority_key(1), &ca_child.cert, serial, &others));
    assert_int_equal(renew(serial, buf_span(&others)), REFUSAL_REQUEST);
    assert_ok(
        statement_sign_renewal(authority_key(0), &ca_child.cert, mallory.fields.serial, &kept));
    assert_int_equal(renew(serial, buf_span(&kept)), REFUSAL_REQUEST);
    assert_int_equal(renew(mallory.fields.serial, buf_span(&kept)), REFUSAL_REQUEST);
    assert_int_equal(renew(nobodys, buf_span(&kept)), REFUSAL_REQUEST);
    /* Her own word is good, and it is not the time for it. */
    assert_ok(statement_sign_renewal(authority_key(0), &ca_child.cert, serial, &own));
    assert_int_equal(renew(serial, buf_span(&own)), REFUSAL_NOT_DUE);
}

/* ---- heads ---- */

static void show(EVP_PKEY *key, const struct ledger_head *head)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ledger_head shown = *head;
    assert_ok(statement_sign_head(key, &ca_child.cert, head, &signature));
    shown.signature = buf_span(&signature);
    assert_ok(ledger_head_encode(&shown, body()));
    say(IPC_HEAD_SHOWN, 0);
}

static void drop_and_come_back(void)
{
    struct ipc_message message;
    unsigned members, revoked;
    bool got = true;
    enum mlt_err err;
    do
        err =
            channel_receive(&ca_child.net, CA_CHILD_PATIENCE_MS, &ca_child.packet, &message, &got);
    while (err == MLT_OK && got);
    assert_err(err, MLT_ERR_CUT);
    ca_child_receive(&ca_child.parent, IPC_PEER_LOST, &message);
    ca_child_give_net();
    ca_child_sync(&members, &revoked);
}

/* The newest head that net was told of. */
static void hear_head(struct ledger_head *head, struct buf *bytes)
{
    struct ipc_message message;
    hear(IPC_HEAD, &message);
    buf_reset(bytes);
    assert_ok(buf_put(bytes, message.body));
    assert_ok(ledger_head_decode(buf_span(bytes), head));
}

static void a_head_that_the_ca_never_signed_stops_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_head head;
    assert_int_equal(ca_child_enrol("maria", 0, NULL).result, WELCOME_ISSUED);
    hear_head(&head, &bytes);
    /* One of its own, of now or of before, is no news. */
    assert_ok(buf_put(body(), buf_span(&bytes)));
    say(IPC_HEAD_SHOWN, 0);
    assert_int_equal(ca_child_enrol("joao", 1, NULL).result, WELCOME_ISSUED);
    assert_ok(buf_put(body(), buf_span(&bytes)));
    say(IPC_HEAD_SHOWN, 0);
    /* One that net made up is net's end. */
    struct ledger_head longer = head;
    longer.size += 1000;
    show(authority_key(5), &longer);
    drop_and_come_back();
    longer = head;
    longer.epoch += 1000;
    show(authority_key(5), &longer);
    drop_and_come_back();
    /* And so is a good one with a bit turned. */
    bytes.p[bytes.len - 1] ^= 1;
    assert_ok(buf_put(body(), buf_span(&bytes)));
    say(IPC_HEAD_SHOWN, 0);
    drop_and_come_back();
    assert_int_equal(ca_child_enrol("ana", 2, NULL).result, WELCOME_ISSUED);
}

/* ---- confirmations ---- */

static bool has_answer(const struct channel *c)
{
    uint8_t byte[8192];
    return recv(c->fd, byte, sizeof(byte), MSG_DONTWAIT | MSG_PEEK) > 0 && byte[0] == IPC_ADMIN_END;
}

/* What net says it has before it was sent anything does not count for what it is sent. */
static void a_list_confirmed_in_advance_is_not_confirmed(void **state)
{
    (void)state;
    struct admin_request revoke = { .verb = ADMIN_REVOKE, .has_name = true };
    struct ipc_message message;
    struct channel c;
    uint8_t row[8192];
    unsigned rows = 0;
    revoke.name = authority_name("maria");
    assert_int_equal(ca_child_enrol("maria", 0, NULL).result, WELCOME_ISSUED);
    ca_child_say_taken(INT64_MAX);
    ca_child_say_taken(3);
    ca_child_question(&revoke, &c);
    hear(IPC_REVOKED, &message);
    uint64_t number = ca_child_hear_list();
    /* The ca has done all that it does before it is told more. */
    assert_int_equal(ca_child_enrol("joao", 1, NULL).result, WELCOME_ISSUED);
    while (recv(c.fd, row, sizeof(row), MSG_DONTWAIT | MSG_PEEK) > 0 && !has_answer(&c))
        assert_true(recv(c.fd, row, sizeof(row), 0) > 0);
    assert_false(has_answer(&c));
    ca_child_say_taken(number);
    assert_ok(ca_child_answer(&c, &rows));
}

/* ---- floods ---- */

static long child_kib(void)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)ca_child.pid);
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (sscanf(line, "VmRSS: %ld kB", &kib) == 1)
            break;
    if (f != NULL)
        fclose(f);
    return kib;
}

enum { ROUNDS = 400 };

/* A question of each kind, and reads of the answers, so that neither side's socket fills up. */
static void ask_one_of_each(unsigned round)
{
    struct ipc_message message;
    static const uint8_t zeros[256], serial[CERT_SERIAL] = { 9 };
    const struct ipc_proof_wanted proof = { .epoch = round, .from = 1, .to = UINT64_MAX - round };
    const struct ipc_leaves_wanted leaves = { .first = round % 3 };
    const struct ipc_renew asked = { .signature = SPAN_OF(zeros) };
    struct ipc_renew renewal = asked;
    memcpy(renewal.serial, serial, CERT_SERIAL);
    assert_ok(ipc_proof_wanted_encode(&proof, body()));
    say(IPC_PROOF_WANTED, 1);
    assert_ok(ipc_leaves_wanted_encode(&leaves, body()));
    say(IPC_LEAVES_WANTED, 2);
    assert_ok(ipc_renew_encode(&renewal, body()));
    say(IPC_RENEW, 3);
    ca_child_say_taken(round);
    for (unsigned answers = 0; answers < 3;) {
        bool got = false;
        assert_ok(
            channel_receive(&ca_child.net, CA_CHILD_PATIENCE_MS, &ca_child.packet, &message, &got));
        assert_true(got);
        answers +=
            message.type == IPC_PROOF || message.type == IPC_LEAVES || message.type == IPC_RENEWED;
    }
    buf_reset(&ca_child.sent);
}

static void say_who_was_seen(unsigned round)
{
    CLEANUP(buf_clear) struct buf names = { 0 };
    for (unsigned i = 0; i < LIMIT_SEEN; i++) {
        struct name name = { 0 };
        snprintf(name.text, sizeof(name.text), "n%u-%u", round, i);
        assert_ok(ipc_seen_add(&names, &name));
    }
    const struct ipc_seen seen = { buf_span(&names) };
    assert_ok(ipc_seen_encode(&seen, body()));
    say(IPC_SEEN, 0);
}

static void floods_of_every_question_leave_the_ca_as_it_was(void **state)
{
    (void)state;
    unsigned rows = 0;
    const struct admin_request list = { .verb = ADMIN_LIST };
    assert_int_equal(ca_child_enrol("maria", 0, NULL).result, WELCOME_ISSUED);
    for (unsigned i = 0; i < 20; i++)
        ask_one_of_each(i);
    long before = child_kib();
    for (unsigned i = 0; i < ROUNDS; i++) {
        ask_one_of_each(i);
        if (i % 8 == 0)
            say_who_was_seen(i);
    }
    /* An administrator and a newcomer are answered; nobody who does not exist was written down. */
    assert_ok(ca_child_administer(&list, &rows));
    assert_int_equal(rows, 1);
    assert_int_equal(ca_child_enrol("joao", 1, NULL).result, WELCOME_ISSUED);
    assert_true(before > 0);
#ifndef IS_SANITIZED
    assert_true(child_kib() < before + 8192);
#endif
}

/* ---- slowness ---- */

/* So many that a net is not told all of them without reading on. */
static void found_members(unsigned count)
{
    struct database db = { 0 };
    bool fresh = false;
    CLEANUP(file_close) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct database_place place = { dir, SCHEMA_FILE };
    assert_int_equal(ca_child_close(), 0);
    assert_ok(database_open(&db, &schema_ledger, &place, false, &fresh));
    assert_ok(database_begin(&db));
    for (unsigned i = 0; i < count; i++) {
        uint8_t hash[HASH_LEN] = { 0 };
        char text[16];
        snprintf(text, sizeof(text), "m%u", i);
        memcpy(hash, &i, sizeof(i));
        const struct name name = authority_name(text);
        assert_ok(members_put(&db, &name, hash, AUTHORITY_NOW_S));
    }
    assert_ok(database_end(&db, MLT_OK));
    database_close(&db);
    ca_child_open(ENROL_OPEN);
}

/* How often net may read a message before the administrator is answered; read at all, if it does.
 */
static unsigned read_until_answered(const struct channel *c, unsigned most, bool reads)
{
    struct ipc_message message;
    struct pollfd p = { .fd = c->fd, .events = POLLIN };
    unsigned count = 0;
    while (count < most && poll(&p, 1, 400) == 0) {
        bool got = false;
        if (reads)
            assert_ok(channel_receive(&ca_child.net, 0, &ca_child.packet, &message, &got));
        count++;
    }
    return count;
}

static void hear_of_loss(bool misbehaved)
{
    struct ipc_message message;
    struct ipc_peer_lost lost = { !misbehaved };
    ca_child_receive(&ca_child.parent, IPC_PEER_LOST, &message);
    assert_ok(ipc_peer_lost_decode(message.body, &lost));
    assert_int_equal(lost.misbehaved, misbehaved);
}

/* It reads one just before each would be too late: for so many members, a quarter of an hour. */
static void a_net_that_reads_slowly_does_not_keep_the_administrator_waiting(void **state)
{
    (void)state;
    const unsigned members = 2000, most = 100; /* 40 s, for a wait of 5 */
    const struct admin_request list = { .verb = ADMIN_LIST };
    struct channel c;
    unsigned rows = 0, synced = 0, revoked = 0;
    assert_int_equal(ca_child_enrol("maria", 0, NULL).result, WELCOME_ISSUED);
    found_members(members);
    for (int reads = 0; reads < 2; reads++) {
        ca_child_give_net();
        ca_child_question(&list, &c);
        assert_true(read_until_answered(&c, most, reads == 1) < most);
        assert_ok(ca_child_answer(&c, &rows));
        assert_int_equal(rows, members + 1);
        hear_of_loss(reads == 1);
    }
    /* Its successor, which reads on, hears of everybody. */
    ca_child_give_net();
    ca_child_sync(&synced, &revoked);
    assert_int_equal(synced, members + 1);
}

static void a_net_that_is_busy_but_reads_on_is_told_everything(void **state)
{
    (void)state;
    const unsigned members = 20000;
    struct ipc_message message = { 0 };
    unsigned told = 0;
    found_members(members);
    ca_child_give_net();
    for (unsigned i = 1; message.type != IPC_SYNCED; i++) {
        bool got = false;
        assert_ok(
            channel_receive(&ca_child.net, CA_CHILD_PATIENCE_MS, &ca_child.packet, &message, &got));
        assert_true(got);
        told += message.type == IPC_MEMBER;
        if (i % 100 == 0)
            poll(NULL, 0, 1); /* at other work */
    }
    assert_int_equal(told, members);
    assert_int_equal(ca_child_enrol("maria", 0, NULL).result, WELCOME_ISSUED);
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, ca_child_start_open, ca_child_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(nobody_is_renewed_without_his_own_word),
        OPEN(a_head_that_the_ca_never_signed_stops_nothing),
        OPEN(a_list_confirmed_in_advance_is_not_confirmed),
        OPEN(floods_of_every_question_leave_the_ca_as_it_was),
        OPEN(a_net_that_reads_slowly_does_not_keep_the_administrator_waiting),
        OPEN(a_net_that_is_busy_but_reads_on_is_told_everything),
    };
    return cmocka_run_group_tests_name("ca_taken_over", tests, ca_child_libraries, NULL);
}
