/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <string.h>
#include <unistd.h>

#include "authority.h"
#include "base/limits.h"
#include "ca/crl_keep.h"
#include "ca/ledger_tree.h"
#include "ca/net_link.h"
#include "ca/revoke.h"
#include "pki/request.h"
#include "pki/statement.h"

/* What net is told of the ledger, what it may ask of it, and what it may show. */

static const int patience_ms = 20000;

static struct authority a;
static struct net_link link_to_net;
static struct channel net = { .fd = -1 };
static struct buf packet, sent, head; /* head: the newest that net was told of */

/* What net was told may have been lost, and what is known of it, since it connected. */
static struct {
    struct ipc_epoch gaps[LIMIT_EPOCHS];
    struct ipc_known known[8];
    size_t gap_count, known_count;
} judged;

static void on_head(void *ctx)
{
    net_link_on_head(ctx);
}

static void receive(struct ipc_message *message)
{
    bool got = false;
    assert_ok(channel_receive(&net, patience_ms, &packet, message, &got));
    assert_true(got);
    if (message->type == IPC_EPOCH) {
        assert_true(judged.gap_count < COUNT_OF(judged.gaps));
        assert_ok(ipc_epoch_decode(message->body, &judged.gaps[judged.gap_count++]));
    } else if (message->type == IPC_KNOWN) {
        assert_true(judged.known_count < COUNT_OF(judged.known));
        assert_ok(ipc_known_decode(message->body, &judged.known[judged.known_count++]));
    }
    if (message->type != IPC_HEAD)
        return;
    buf_reset(&head);
    assert_ok(buf_put(&head, message->body));
}

/* Messages of other kinds are read over. */
static void wait_for(enum ipc_type type, struct ipc_message *message)
{
    do {
        receive(message);
    } while (message->type != type);
}

static void connect_net(void)
{
    struct ipc_message message;
    int fds[2];
    assert_ok(channel_pair(fds));
    channel_close(&net);
    channel_init(&net, fds[0], IPC_NET, IPC_CA);
    buf_reset(&head);
    judged.gap_count = judged.known_count = 0;
    net_link_start(&link_to_net, fds[1]);
    wait_for(IPC_SYNCED, &message);
}

static int start(void **state)
{
    (void)state;
    authority_start(&a, ENROL_OPEN);
    net_link_init(&link_to_net, &a.ca);
    a.ca.events.ctx = &link_to_net;
    a.ca.events.on_head = on_head;
    assert_ok(crl_keep_tend(&a.ca));
    connect_net();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    channel_close(&net);
    net_link_clear(&link_to_net);
    buf_clear(&packet);
    buf_clear(&sent);
    buf_clear(&head);
    authority_stop(&a);
    return 0;
}

static int libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

static void ask(enum ipc_type type, enum ipc_type answer, struct ipc_message *message)
{
    assert_ok(channel_send(&net, type, 7, buf_span(&sent)));
    net_link_read(&link_to_net);
    wait_for(answer, message);
    assert_int_equal(message->tag, 7);
}

static struct ledger_head told(void)
{
    struct ledger_head h;
    assert_ok(ledger_head_decode(buf_span(&head), &h));
    assert_ok(statement_check_head(&a.ca.cert, &h));
    return h;
}

static void grow(unsigned by)
{
    uint64_t position = 0;
    const struct ledger_leaf leaf = { .name = authority_name("maria"),
                                      .kind = LEDGER_CLIENT,
                                      .time_s = AUTHORITY_NOW_S };
    assert_ok(database_begin(&a.ca.db));
    for (unsigned i = 0; i < by; i++)
        assert_ok(ledger_append(&a.ca.db, &leaf, &position));
    assert_ok(database_end(&a.ca.db, MLT_OK));
}

static void a_new_net_is_told_the_newest_head(void **state)
{
    (void)state;
    assert_int_equal(told().size, 2);
    grow(3);
    connect_net();
    assert_int_equal(told().size, 5);
    assert_span_equal(buf_span(&head), head_newest(&a.ca));
}

static void a_head_that_is_signed_is_told(void **state)
{
    (void)state;
    struct ipc_message message;
    grow(1);
    a.ahead_ms += LIMIT_HEAD_MS;
    head_tick(&a.ca);
    wait_for(IPC_HEAD, &message);
    assert_int_equal(told().size, 3);
}

static enum mlt_err prove(uint64_t epoch, uint64_t from, uint64_t to, struct span *hashes)
{
    struct ipc_message message;
    struct ipc_proof proof;
    const struct ipc_proof_wanted wanted = { epoch, from, to };
    buf_reset(&sent);
    assert_ok(ipc_proof_wanted_encode(&wanted, &sent));
    ask(IPC_PROOF_WANTED, IPC_PROOF, &message);
    assert_ok(ipc_proof_decode(message.body, &proof));
    *hashes = proof.hashes;
    return proof.err;
}

static void a_proof_is_given_and_what_is_not_within_the_ledger_is_said(void **state)
{
    (void)state;
    struct span hashes;
    const struct ledger_head first = told();
    grow(100);
    connect_net();
    const struct ledger_head last = told();
    struct merkle_tree earlier = { .size = first.size }, later = { .size = last.size };
    memcpy(earlier.root, first.root, HASH_LEN);
    memcpy(later.root, last.root, HASH_LEN);
    assert_ok(prove(last.epoch, first.size, last.size, &hashes));
    assert_ok(merkle_check_consistency(&earlier, &later, hashes));
    assert_err(prove(last.epoch, last.size + 1, last.size + 1, &hashes), MLT_ERR_MISSING);
    assert_err(prove(last.epoch + 1, first.size, last.size, &hashes), MLT_ERR_MISSING);
    assert_err(prove(last.epoch, 3, 2, &hashes), MLT_ERR_RANGE);
    assert_int_equal(link_to_net.loss, NET_LINK_KEPT);
}

static size_t take_leaves(uint64_t first, struct merkle *tree)
{
    struct ipc_message message;
    struct ipc_leaves answer;
    const struct ipc_leaves_wanted wanted = { first };
    size_t count = 0;
    buf_reset(&sent);
    assert_ok(ipc_leaves_wanted_encode(&wanted, &sent));
    ask(IPC_LEAVES_WANTED, IPC_LEAVES, &message);
    assert_ok(ipc_leaves_decode(message.body, &answer));
    assert_ok(answer.err);
    assert_int_equal(answer.first, first);
    for (struct span rest = answer.leaves; rest.n > 0; count++) {
        uint8_t hash[HASH_LEN];
        assert_ok(merkle_leaf_hash(span_of(rest.p + 1, rest.p[0]), hash));
        assert_ok(merkle_add(tree, hash));
        rest = span_from(rest, 1 + (size_t)rest.p[0]);
    }
    return count;
}

static void all_leaves_are_read_in_pieces_and_give_the_signed_root(void **state)
{
    (void)state;
    struct merkle tree = { 0 };
    uint8_t root[HASH_LEN];
    unsigned pieces = 0;
    grow(2000);
    connect_net();
    while (take_leaves(tree.size, &tree) > 0)
        pieces++;
    assert_true(pieces > 1);
    assert_int_equal(tree.size, told().size);
    assert_ok(merkle_root(&tree, root));
    assert_memory_equal(root, told().root, HASH_LEN);
    assert_int_equal(take_leaves(1000000, &tree), 0);
}

static void sign(const struct ledger_head *made_up, EVP_PKEY *key)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ledger_head h = *made_up;
    assert_ok(statement_sign_head(key, &a.ca.cert, &h, &signature));
    h.signature = buf_span(&signature);
    buf_reset(&sent);
    assert_ok(ledger_head_encode(&h, &sent));
}

static void show(void)
{
    assert_ok(channel_send(&net, IPC_HEAD_SHOWN, 0, buf_span(&sent)));
    net_link_read(&link_to_net);
}

static struct ipc_enrolled enrol(const char *name, unsigned key)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    struct ipc_message message;
    struct ipc_enrolled answer;
    const struct ipc_enrol e = authority_ask(&a.ca.cert, name, authority_key(key), NULL, &request);
    buf_reset(&sent);
    assert_ok(ipc_enrol_encode(&e, &sent));
    ask(IPC_ENROL, IPC_ENROLLED, &message);
    assert_ok(ipc_enrolled_decode(message.body, &answer));
    return answer;
}

static void a_head_ahead_that_net_shows_stops_all_issuing(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    const struct name relay = authority_name("relay");
    struct ipc_message message;
    struct ipc_server_cert answer;
    struct ledger_head ahead = told();
    assert_int_equal(enrol("maria", 0).result, WELCOME_ISSUED);
    ahead.size += 10;
    sign(&ahead, a.ca.key);
    show();
    const struct ipc_enrolled refused = enrol("joao", 1);
    assert_int_equal(refused.result, WELCOME_REFUSED);
    assert_int_equal(refused.reason, REFUSAL_STOPPED);
    assert_int_equal(refused.certificate.n, 0);
    assert_ok(request_make(authority_key(3), &relay, &request));
    assert_ok(channel_send(&net, IPC_SERVER_REQUEST, 9, buf_span(&request)));
    net_link_read(&link_to_net);
    wait_for(IPC_SERVER_CERT, &message);
    assert_ok(ipc_server_cert_decode(message.body, &answer));
    assert_err(answer.err, MLT_ERR_STOPPED);
    /* What was there before is told and proven as before. */
    struct span hashes;
    assert_ok(prove(ahead.epoch, 1, 2, &hashes));
    connect_net();
    assert_int_equal(enrol("maria", 0).result, WELCOME_ISSUED);
    assert_int_equal(link_to_net.loss, NET_LINK_KEPT);
}

static void a_head_that_is_not_the_cas_ends_the_channel_and_stops_nothing(void **state)
{
    (void)state;
    struct ledger_head forged = told();
    forged.size += 10;
    sign(&forged, authority_key(0));
    show();
    assert_int_equal(link_to_net.loss, NET_LINK_MISBEHAVED);
    assert_int_equal(link_to_net.channel.fd, -1);
    assert_false(stopped_is(&a.ca));
    connect_net();
    assert_int_equal(enrol("maria", 0).result, WELCOME_ISSUED);
}

/* What is written to stderr meanwhile: its lines that have `text` in them. */
static size_t count_lines(void (*deed)(void), const char *text)
{
    CLEANUP(buf_clear) struct buf said = { 0 };
    int ends[2], kept = dup(STDERR_FILENO);
    size_t count = 0;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    deed();
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    close(kept);
    assert_ok(buf_reserve(&said, 65536));
    for (ssize_t n; (n = read(ends[0], said.p + said.len, said.cap - said.len - 1)) > 0;)
        said.len += (size_t)n;
    close(ends[0]);
    said.p[said.len] = '\0';
    for (const char *at = (const char *)said.p; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

/* What fails here is in a net that asks for what it may not have. */
static void ask_for_bad_server_certificates(void)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    const struct name maria = authority_name("maria");
    assert_ok(request_make(authority_key(3), &maria, &request));
    for (int i = 0; i < 10 * LIMIT_LOG_RATE; i++) {
        struct ipc_message message;
        struct ipc_server_cert answer;
        assert_ok(channel_send(&net, IPC_SERVER_REQUEST, 9, buf_span(&request)));
        net_link_read(&link_to_net);
        wait_for(IPC_SERVER_CERT, &message);
        assert_ok(ipc_server_cert_decode(message.body, &answer));
        assert_err(answer.err, MLT_ERR_REQUEST);
    }
}

static void a_flood_of_refused_server_requests_is_no_flood_of_lines(void **state)
{
    (void)state;
    size_t lines = count_lines(ask_for_bad_server_certificates, "no certificate for the server");
    assert_int_equal(lines, LIMIT_LOG_RATE);
}

/* A clock that cannot be believed: come again later, and nothing is signed. */
static void with_a_clock_that_jumped_net_is_told_busy(void **state)
{
    (void)state;
    uint64_t before = 0, after = 0;
    assert_ok(ledger_size(&a.ca.db, &before));
    a.jumped_ms = 2 * 3600 * 1000;
    const struct ipc_enrolled refused = enrol("maria", 0);
    assert_int_equal(refused.result, WELCOME_REFUSED);
    assert_int_equal(refused.reason, REFUSAL_BUSY);
    assert_ok(ledger_size(&a.ca.db, &after));
    assert_int_equal(before, after);
}

/* ---- what the ledger may have lost ---- */

/* Taken from the clock, as restore takes it. */
static void open_one(const struct ledger_opening *opening)
{
    assert_ok(database_begin(&a.ca.db));
    assert_ok(database_end(&a.ca.db, ledger_open_epoch(&a.ca.db, opening)));
}

static void open_epoch(uint64_t epoch, uint64_t base)
{
    const struct ledger_opening opening = { .epoch = epoch, .base = base, .whole = true };
    open_one(&opening);
}

static void read_serial(const struct ipc_enrolled *answer, uint8_t serial[static CERT_SERIAL])
{
    CLEANUP(cert_clear) struct cert cert = { 0 };
    assert_int_equal(answer->result, WELCOME_ISSUED);
    assert_ok(cert_read_leaf(answer->certificate, &a.ca.cert, CERT_CLIENT, a.now_ms / 1000, &cert));
    memcpy(serial, cert.fields.serial, CERT_SERIAL);
}

static void of_a_ca_that_lost_nothing_nobody_is_in_doubt(void **state)
{
    (void)state;
    assert_int_equal(judged.gap_count, 1);
    assert_int_equal(judged.gaps[0].from_s, 0);
    assert_int_equal(judged.gaps[0].until_s, AUTHORITY_NOW_S);
    assert_int_equal(enrol("maria", 0).result, WELCOME_ISSUED);
    connect_net();
    assert_int_equal(judged.gap_count, 1);
    assert_int_equal(judged.known_count, 0);
}

static void the_time_since_a_restored_ledger_ended_is_told_and_who_is_known(void **state)
{
    (void)state;
    uint8_t early[CERT_SERIAL], late[CERT_SERIAL];
    uint64_t base = 0;
    const struct ipc_enrolled first = enrol("maria", 0);
    read_serial(&first, early);
    a.now_ms += 10000 * 1000;
    const struct ipc_enrolled second = enrol("joao", 1);
    read_serial(&second, late);
    assert_ok(ledger_size(&a.ca.db, &base));
    const int64_t last_s = a.now_ms / 1000;
    a.now_ms += 500 * 1000;
    open_epoch((uint64_t)a.now_ms / 1000, base);
    connect_net();
    assert_int_equal(judged.gap_count, 2);
    assert_int_equal(judged.gaps[1].from_s, last_s - LIMIT_CLOCK_SLACK_S);
    assert_int_equal(judged.gaps[1].until_s, last_s + 500);
    assert_int_equal(judged.known_count, 1);
    assert_memory_equal(judged.known[0].serial, late, CERT_SERIAL);
    /* Nothing in common with what was before: everybody who is here is named. */
    open_epoch((uint64_t)a.now_ms / 1000 + 1, 0);
    connect_net();
    assert_int_equal(judged.gap_count, 1);
    assert_int_equal(judged.gaps[0].from_s, 0);
    assert_int_equal(judged.gaps[0].until_s, last_s + 501);
    assert_int_equal(judged.known_count, 2);
}

/* The second restore read all of the ledger that the first one had left. */
static void a_doubt_lasts_an_hour_whatever_is_restored_meanwhile(void **state)
{
    (void)state;
    struct ledger_opening blind = { .epoch = AUTHORITY_NOW_S + 60 };
    assert_ok(ledger_size(&a.ca.db, &blind.base));
    open_one(&blind);
    open_epoch(blind.epoch + 600, blind.base);
    connect_net();
    assert_int_equal(judged.gap_count, 1);
    assert_int_equal(judged.gaps[0].until_s, blind.epoch + 1 + LIMIT_CLOCK_SLACK_S);
}

static void what_is_issued_before_the_newest_epoch_is_known_before_its_owner_has_it(void **state)
{
    (void)state;
    uint8_t serial[CERT_SERIAL];
    uint64_t base = 0;
    assert_ok(ledger_size(&a.ca.db, &base));
    open_epoch(AUTHORITY_NOW_S + 60, base);
    connect_net();
    assert_int_equal(judged.known_count, 0);
    const struct ipc_enrolled answer = enrol("maria", 0);
    read_serial(&answer, serial);
    assert_int_equal(judged.known_count, 1);
    assert_memory_equal(judged.known[0].serial, serial, CERT_SERIAL);
    a.now_ms += 60 * 1000;
    assert_int_equal(enrol("joao", 1).result, WELCOME_ISSUED);
    assert_int_equal(judged.known_count, 1);
}

static void what_comes_back_is_known_before_its_owner_hears_that_it_is_good(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf lost = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ipc_message message;
    struct ipc_enrolled answer;
    struct ledger_opening opening = { .epoch = AUTHORITY_NOW_S + 60, .crl = 1 };
    const struct authority_lost hers = { .name = "maria",
                                         .key = authority_key(0),
                                         .issued_s = AUTHORITY_NOW_S + 30,
                                         .not_after_s = AUTHORITY_NOW_S + 30 + 90 * 86400 };
    assert_int_equal(enrol("maria", 0).result, WELCOME_ISSUED);
    assert_ok(ledger_size(&a.ca.db, &opening.base));
    a.now_ms += 60 * 1000;
    open_one(&opening);
    authority_sign_lost(&a, &hers, &lost);
    connect_net();
    judged.known_count = 0;
    for (unsigned i = 1; i <= 2; i++) { /* once adopted, once known */
        const struct ipc_renew request =
            authority_renew_lost(&a, buf_span(&lost), authority_key(0), &signature);
        buf_reset(&sent);
        assert_ok(ipc_renew_encode(&request, &sent));
        ask(IPC_RENEW, IPC_RENEWED, &message);
        assert_ok(ipc_enrolled_decode(message.body, &answer));
        assert_int_equal(answer.result, WELCOME_ISSUED);
        assert_span_equal(answer.certificate, buf_span(&lost));
        assert_int_equal(judged.known_count, i);
        assert_memory_equal(judged.known[i - 1].serial, request.serial, CERT_SERIAL);
    }
    /* Its successor is told it with all the others. */
    connect_net();
    assert_int_equal(judged.known_count, 2);
}

static void of_too_many_epochs_the_oldest_are_told_as_one(void **state)
{
    (void)state;
    const int64_t apart_s = 2 * LIMIT_CLOCK_SLACK_S;
    int64_t first_s = 0;
    for (unsigned i = 1; i <= LIMIT_EPOCHS; i++) {
        uint64_t base = 0, position = 0;
        const int64_t epoch_s = AUTHORITY_NOW_S + i * apart_s;
        const struct ledger_leaf leaf = { .name = authority_name("x"),
                                          .kind = LEDGER_CLIENT,
                                          .time_s = epoch_s - 1 };
        assert_ok(database_begin(&a.ca.db));
        assert_ok(ledger_append(&a.ca.db, &leaf, &position));
        assert_ok(ledger_size(&a.ca.db, &base));
        /* As only many restores of ever newer copies make them. */
        CLEANUP(query_end)
        struct query q = query_start(&a.ca.db, "INSERT INTO epoch(epoch, base, size, whole) "
                                               "VALUES(?1, ?2, ?2, 1)");
        query_put_int(&q, epoch_s);
        query_put_int(&q, (int64_t)base);
        assert_ok(query_run(&q));
        assert_ok(database_end(&a.ca.db, MLT_OK));
        first_s = i == 1 ? epoch_s : first_s;
    }
    a.now_ms += LIMIT_EPOCHS * apart_s * 1000;
    connect_net();
    assert_int_equal(judged.gap_count, LIMIT_EPOCHS);
    assert_int_equal(judged.gaps[0].from_s, 0);
    assert_int_equal(judged.gaps[0].until_s, first_s);
    assert_int_equal(judged.gaps[1].until_s, first_s + apart_s);
    assert_int_equal(judged.gaps[1].from_s, first_s + apart_s - 1 - LIMIT_CLOCK_SLACK_S);
}

static unsigned count_revoked(void)
{
    struct ipc_message message;
    unsigned revoked = 0;
    int fds[2];
    assert_ok(channel_pair(fds));
    channel_close(&net);
    channel_init(&net, fds[0], IPC_NET, IPC_CA);
    net_link_start(&link_to_net, fds[1]);
    do {
        receive(&message);
        revoked += message.type == IPC_REVOKED;
    } while (message.type != IPC_SYNCED);
    return revoked;
}

/* Else whoever was revoked is let in again as soon as net, with a right clock, starts anew. */
static void a_clock_that_jumped_ahead_hides_no_revocation_from_a_new_net(void **state)
{
    (void)state;
    const struct revoke_order order = { authority_name("maria"), CRL_KEY_COMPROMISE };
    size_t count = 0;
    bool done = false;
    assert_int_equal(enrol("maria", 0).result, WELCOME_ISSUED);
    assert_int_equal(count_revoked(), 0);
    assert_ok(revoke_name(&a.ca, &order, &count, &done));
    a.jumped_ms = (int64_t)3653 * 86400 * 1000;
    assert_int_equal(count_revoked(), 1);
    /* Past its end by what the CA has signed itself, it is told no more. */
    a.jumped_ms = 0;
    authority_restart(&a);
    a.now_ms += ((int64_t)(LIMIT_CERT_DAYS + 1) * 86400 + LIMIT_GRACE_S) * 1000;
    authority_restart(&a);
    assert_ok(crl_keep_tend(&a.ca));
    assert_int_equal(count_revoked(), 0);
}

#define WITH_NET(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_NET(a_new_net_is_told_the_newest_head),
        WITH_NET(a_head_that_is_signed_is_told),
        WITH_NET(a_proof_is_given_and_what_is_not_within_the_ledger_is_said),
        WITH_NET(all_leaves_are_read_in_pieces_and_give_the_signed_root),
        WITH_NET(a_head_ahead_that_net_shows_stops_all_issuing),
        WITH_NET(a_head_that_is_not_the_cas_ends_the_channel_and_stops_nothing),
        WITH_NET(a_flood_of_refused_server_requests_is_no_flood_of_lines),
        WITH_NET(with_a_clock_that_jumped_net_is_told_busy),
        WITH_NET(a_clock_that_jumped_ahead_hides_no_revocation_from_a_new_net),
        WITH_NET(of_a_ca_that_lost_nothing_nobody_is_in_doubt),
        WITH_NET(the_time_since_a_restored_ledger_ended_is_told_and_who_is_known),
        WITH_NET(a_doubt_lasts_an_hour_whatever_is_restored_meanwhile),
        WITH_NET(what_is_issued_before_the_newest_epoch_is_known_before_its_owner_has_it),
        WITH_NET(what_comes_back_is_known_before_its_owner_hears_that_it_is_good),
        WITH_NET(of_too_many_epochs_the_oldest_are_told_as_one),
    };
    return cmocka_run_group_tests_name("ca_link", tests, libraries, NULL);
}
