/* SPDX-License-Identifier: Apache-2.0 */
#include "ca_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "crypto/rsa.h"
#include "pki/request.h"
#include "wire/join_url.h"

/*
 * A taken-over net against the real ca process, over real IPC.  It may refuse service; it gets no
 * certificate for a name it has no invite for, nor one for another key than the invite's user's.
 */

static void assert_refused(struct ipc_enrolled answer, enum refusal reason)
{
    assert_int_equal(answer.result, WELCOME_REFUSED);
    assert_int_equal(answer.reason, reason);
    assert_int_equal(answer.certificate.n, 0);
}

static void an_honest_newcomer_is_certified(void **state)
{
    (void)state;
    CLEANUP(cert_clear) struct cert c = { 0 };
    struct ipc_enrolled answer = ca_child_enrol("maria", 0, &ca_child.first_invite);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    int64_t now_s = env_wall_ms(env_system()) / 1000;
    assert_ok(cert_read_leaf(answer.certificate, &ca_child.cert, CERT_CLIENT, now_s, &c));
    assert_string_equal(c.fields.name.text, "maria");
}

enum { WISH_OF_MARIA = 1, WISH_OF_JOAO };

static void send_wish(uint32_t tag)
{
    const struct ipc_mailbox_name wanted = { authority_name(tag == WISH_OF_JOAO ? "joao"
                                                                                : "maria") };
    buf_reset(&ca_child.sent);
    assert_ok(ipc_mailbox_name_encode(&wanted, &ca_child.sent));
    assert_ok(channel_send(&ca_child.net, IPC_MAILBOX_WANTED, tag, buf_span(&ca_child.sent)));
}

/* The next answer to a wish; others are read over. */
static enum mlt_err take_mailbox(uint32_t *tag)
{
    struct ipc_message message;
    struct ipc_mailbox mailbox;
    do {
        bool got = false;
        assert_ok(
            channel_receive(&ca_child.net, CA_CHILD_PATIENCE_MS, &ca_child.packet, &message, &got));
        assert_true(got);
    } while (message.type != IPC_MAILBOX);
    assert_ok(ipc_mailbox_decode(message.body, &mailbox));
    *tag = message.tag;
    return mailbox.err;
}

static void wait_for_pair_of_maria(void)
{
    enum mlt_err err = MLT_ERR_MISSING;
    int64_t until_ms = env_mono_ms(env_system()) + CA_CHILD_PATIENCE_MS;
    while (err == MLT_ERR_MISSING) {
        uint32_t tag;
        usleep(20000);
        send_wish(WISH_OF_MARIA);
        err = take_mailbox(&tag);
        assert_true(env_mono_ms(env_system()) < until_ms);
    }
    assert_ok(err);
}

/* More questions than ca can answer lie there at any moment: each of them loads a key. */
static void a_member_gets_a_pair_though_net_asks_without_a_pause(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    assert_int_equal(ca_child_enrol("maria", 0, NULL).result, WELCOME_ISSUED);
    wait_for_pair_of_maria();
    const struct ipc_enrol joao =
        authority_ask(&ca_child.cert, "joao", authority_key(1), NULL, &request);
    assert_ok(ipc_enrol_encode(&joao, &body));
    for (int i = 0; i < LIMIT_ENROL_WINDOW; i++)
        send_wish(WISH_OF_MARIA);
    assert_ok(channel_send(&ca_child.net, IPC_ENROL, 1, buf_span(&body)));
    int64_t until_ms = env_mono_ms(env_system()) + CA_CHILD_PATIENCE_MS;
    uint32_t tag = WISH_OF_MARIA;
    for (unsigned turn = 0; take_mailbox(&tag) != MLT_OK || tag != WISH_OF_JOAO; turn++) {
        send_wish(turn % LIMIT_ENROL_WINDOW == 0 ? WISH_OF_JOAO : WISH_OF_MARIA);
        assert_true(env_mono_ms(env_system()) < until_ms);
    }
}

static void net_hears_of_an_erased_mailbox(void **state)
{
    (void)state;
    struct ipc_message message;
    struct ipc_mailbox_name erased;
    unsigned rows = 0;
    const struct admin_request request = { .verb = ADMIN_ERASE,
                                           .has_name = true,
                                           .name = authority_name("maria") };
    assert_err(ca_child_administer(&request, &rows), MLT_ERR_MISSING);
    assert_int_equal(ca_child_enrol("maria", 0, NULL).result, WELCOME_ISSUED);
    wait_for_pair_of_maria();
    assert_ok(ca_child_administer(&request, &rows));
    ca_child_hear(IPC_MAILBOX_ERASED, &message);
    assert_ok(ipc_mailbox_name_decode(message.body, &erased));
    assert_string_equal(erased.name.text, "maria");
}

/* Design 2: "a certificate for a name it was not invited for". */
static void a_name_without_an_invite_is_refused(void **state)
{
    (void)state;
    assert_refused(ca_child_enrol("maria", 0, NULL), REFUSAL_INVITE_NEEDED);
    struct invite made_up = { { 1 }, { 2 } };
    assert_refused(ca_child_enrol("maria", 0, &made_up), REFUSAL_INVITE);
    struct invite wrong_token = ca_child.first_invite;
    wrong_token.token[0] ^= 1;
    assert_refused(ca_child_enrol("maria", 0, &wrong_token), REFUSAL_INVITE);
}

/* Net holds what an honest client sent, and puts its own key or name into it. */
static void a_proof_carried_over_to_another_key_or_name_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf honest_der = { 0 };
    CLEANUP(buf_clear) struct buf other_der = { 0 };
    const struct ipc_enrol honest = authority_ask(&ca_child.cert, "maria", authority_key(0),
                                                  &ca_child.first_invite, &honest_der);
    struct ipc_enrol forged = authority_ask(&ca_child.cert, "maria", authority_key(1),
                                            &ca_child.first_invite, &other_der);
    memcpy(forged.proof, honest.proof, INVITE_PROOF);
    assert_refused(ca_child_ask(&forged, 1), REFUSAL_INVITE);
    forged = authority_ask(&ca_child.cert, "mallory", authority_key(1), &ca_child.first_invite,
                           &other_der);
    memcpy(forged.proof, honest.proof, INVITE_PROOF);
    assert_refused(ca_child_ask(&forged, 2), REFUSAL_INVITE);
    /* The PKCS#10 of one, the name of another. */
    forged = honest;
    forged.name = authority_name("mallory");
    assert_refused(ca_child_ask(&forged, 3), REFUSAL_REQUEST);
    assert_int_equal(ca_child_ask(&honest, 4).result, WELCOME_ISSUED);
}

static void a_used_invite_is_refused_to_another_key(void **state)
{
    (void)state;
    assert_int_equal(ca_child_enrol("maria", 0, &ca_child.first_invite).result, WELCOME_ISSUED);
    assert_refused(ca_child_enrol("maria", 1, &ca_child.first_invite), REFUSAL_INVITE);
    assert_refused(ca_child_enrol("joao", 1, &ca_child.first_invite), REFUSAL_INVITE);
    assert_refused(ca_child_enrol("joao", 0, &ca_child.first_invite), REFUSAL_REQUEST);
    assert_int_equal(ca_child_enrol("maria", 0, &ca_child.first_invite).result, WELCOME_ISSUED);
}

/* Design 2: "approve NAME FINGERPRINT names the key the user's client displays". */
static void an_approval_is_not_moved_to_another_key(void **state)
{
    (void)state;
    unsigned rows = 0;
    struct admin_request approve = { .verb = ADMIN_APPROVE, .has_name = true };
    approve.name = authority_name("maria");
    authority_fingerprint(authority_key(0), approve.fingerprint);
    /* Net passes its own key on in place of the user's: there is nothing to approve. */
    assert_int_equal(ca_child_enrol("maria", 1, NULL).result, WELCOME_PENDING);
    assert_err(ca_child_administer(&approve, &rows), MLT_ERR_MISSING);
    assert_int_equal(ca_child_enrol("maria", 0, NULL).result, WELCOME_PENDING);
    assert_ok(ca_child_administer(&approve, &rows));
    assert_refused(ca_child_enrol("maria", 1, NULL), REFUSAL_NAME_TAKEN);
    assert_int_equal(ca_child_enrol("maria", 0, NULL).result, WELCOME_ISSUED);
}

static enum mlt_err ask_server(const char *name, unsigned key, struct cert *c)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    struct ipc_message message;
    struct ipc_server_cert answer;
    const struct name subject = authority_name(name);
    assert_ok(request_make(authority_key(key), &subject, &request));
    assert_ok(channel_send(&ca_child.net, IPC_SERVER_REQUEST, 9, buf_span(&request)));
    ca_child_hear(IPC_SERVER_CERT, &message);
    assert_int_equal(message.tag, 9);
    assert_ok(ipc_server_cert_decode(message.body, &answer));
    if (answer.err == MLT_OK)
        assert_ok(cert_read_leaf(answer.certificate, &ca_child.cert, CERT_SERVER,
                                 env_wall_ms(env_system()) / 1000, c));
    return answer.err;
}

static void a_server_certificate_has_the_subject_the_ca_chose(void **state)
{
    (void)state;
    CLEANUP(cert_clear) struct cert c = { 0 };
    assert_err(ask_server("maria", 2, &c), MLT_ERR_REQUEST);
    assert_err(ask_server("admin", 2, &c), MLT_ERR_REQUEST);
    assert_ok(ask_server("relay", 2, &c));
    assert_string_equal(c.fields.name.text, "relay");
    /* And its key is no user's from now on. */
    assert_refused(ca_child_enrol("maria", 2, &ca_child.first_invite), REFUSAL_REQUEST);
}

static void server_certificates_are_rationed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LIMIT_SERVER_CERTS_PER_HOUR; i++) {
        CLEANUP(cert_clear) struct cert c = { 0 };
        assert_ok(ask_server("relay", 2, &c));
    }
    struct cert none;
    assert_err(ask_server("relay", 2, &none), MLT_ERR_TOO_MANY);
}

/* What the ca closed can be read to its end. */
static void assert_dropped(void)
{
    struct ipc_message message;
    bool got = true;
    enum mlt_err err;
    do
        err =
            channel_receive(&ca_child.net, CA_CHILD_PATIENCE_MS, &ca_child.packet, &message, &got);
    while (err == MLT_OK && got);
    assert_err(err, MLT_ERR_CUT);
    struct ipc_peer_lost lost = { false };
    ca_child_receive(&ca_child.parent, IPC_PEER_LOST, &message);
    assert_ok(ipc_peer_lost_decode(message.body, &lost));
    assert_true(lost.misbehaved);
}

static void malformed_or_unpermitted_messages_end_the_pair_and_nothing_else(void **state)
{
    (void)state;
    static const uint8_t zeros[70];
    static const struct {
        uint8_t type;
        size_t n;
    } packets[] = {
        { IPC_ENROL, 64 },         /* does not decode */
        { IPC_ENROL, 3 },          /* below its bounds */
        { IPC_KEY, 32 },           /* the parent's to send */
        { IPC_CA_START, 20 },      /* the parent's to send */
        { IPC_STOP, 0 },           /* the parent's to send */
        { IPC_ENROLLED, 20 },      /* the ca's to send */
        { IPC_ADMIN_REQUEST, 60 }, /* malote-ca's to send */
        { 0, 0 },
        { 255, 70 },
    };
    for (size_t i = 0; i < COUNT_OF(packets); i++) {
        uint8_t raw[5 + sizeof(zeros)] = { packets[i].type };
        unsigned members, revoked;
        assert_int_equal(send(ca_child.net.fd, raw, 5 + packets[i].n, MSG_NOSIGNAL),
                         5 + packets[i].n);
        assert_dropped();
        ca_child_give_net();
        ca_child_sync(&members, &revoked);
        assert_int_equal(members, 0);
    }
    assert_int_equal(send(ca_child.net.fd, "x", 1, MSG_NOSIGNAL), 1);
    assert_dropped();
    ca_child_give_net();
    unsigned members, revoked;
    ca_child_sync(&members, &revoked);
    assert_int_equal(ca_child_enrol("maria", 0, &ca_child.first_invite).result, WELCOME_ISSUED);
}

/* splitmix64: the same packets every time. */
static uint64_t draw(void)
{
    static uint64_t seed = 49;
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* Row 49; what is well-formed and wrong is for test_ca_requests, which knows who may have what. */
static void row_49_packets_of_nonsense_get_nothing_signed(void **state)
{
    (void)state;
    for (int round = 0; round < 500; round++) {
        uint8_t raw[5 + 600];
        size_t n = draw() % 600;
        for (size_t i = 0; i < 5 + n; i++)
            raw[i] = (uint8_t)draw();
        if (round % 2 == 0)
            raw[0] = (uint8_t)(IPC_SERVER_REQUEST + draw() % 4);
        assert_int_equal(send(ca_child.net.fd, raw, 5 + n, MSG_NOSIGNAL), 5 + n);
        if (raw[0] == IPC_SERVER_REQUEST && n >= 64) {
            struct ipc_message message;
            struct ipc_server_cert answer;
            ca_child_hear(IPC_SERVER_CERT, &message);
            assert_ok(ipc_server_cert_decode(message.body, &answer));
            assert_true(answer.err != MLT_OK);
            continue;
        }
        unsigned members, revoked;
        assert_dropped();
        ca_child_give_net();
        ca_child_sync(&members, &revoked);
        assert_int_equal(members + revoked, 0);
    }
    assert_int_equal(ca_child_enrol("maria", 0, &ca_child.first_invite).result, WELCOME_ISSUED);
}

static void net_is_told_of_members_and_of_revoked_keys(void **state)
{
    (void)state;
    unsigned members, revoked, rows;
    struct channel c;
    struct ipc_message message;
    struct ipc_revoked told;
    uint8_t first[8192];
    assert_int_equal(ca_child_enrol("maria", 0, &ca_child.first_invite).result, WELCOME_ISSUED);
    ca_child_give_net();
    ca_child_sync(&members, &revoked);
    assert_int_equal(members, 1);
    assert_int_equal(revoked, 0);
    struct admin_request reissue = { .verb = ADMIN_REISSUE, .has_name = true, .expires_s = 60 };
    reissue.name = authority_name("maria");
    ca_child_question(&reissue, &c);
    ca_child_hear(IPC_REVOKED, &message);
    assert_ok(ipc_revoked_decode(message.body, &told));
    assert_string_equal(told.name.text, "maria");
    uint8_t hash[HASH_LEN];
    authority_fingerprint(authority_key(0), hash);
    assert_memory_equal(told.spki_hash, hash, HASH_LEN);
    uint64_t number = ca_child_hear_list();
    assert_int_equal(number, 2);
    /* The administrator's answer ends when net has it, and with the number that it has. */
    ca_child_say_taken(number - 1);
    assert_int_equal(ca_child_enrol("joao", 1, NULL).result,
                     WELCOME_REFUSED); /* nobody else waits */
    assert_int_equal(recv(c.fd, first, sizeof(first), MSG_DONTWAIT) > 0, 1);
    assert_int_equal(first[0], IPC_ADMIN_ROW);
    assert_int_equal(recv(c.fd, first, sizeof(first), MSG_DONTWAIT), -1);
    ca_child_say_taken(number);
    assert_ok(ca_child_answer(&c, &rows));
    assert_int_equal(rows, 0);
    ca_child_give_net();
    ca_child_sync(&members, &revoked);
    assert_int_equal(revoked, 1);
}

static void a_killed_ca_opens_again_with_the_same_salt(void **state)
{
    (void)state;
    uint8_t salt[LOCKBOX_SALT];
    memcpy(salt, ca_child.need.salt, sizeof(salt));
    assert_int_equal(ca_child_enrol("maria", 0, &ca_child.first_invite).result, WELCOME_ISSUED);
    assert_int_equal(kill(ca_child.pid, SIGKILL), 0);
    assert_int_equal(waitpid(ca_child.pid, NULL, 0), ca_child.pid);
    channel_close(&ca_child.parent);
    ca_child_open(ENROL_INVITE);
    assert_false(ca_child.need.fresh);
    assert_memory_equal(salt, ca_child.need.salt, sizeof(salt));
    assert_int_equal(ca_child_enrol("maria", 0, &ca_child.first_invite).result, WELCOME_ISSUED);
}

static void a_wrong_passphrase_is_told_to_the_parent_in_one_line(void **state)
{
    (void)state;
    struct ipc_message message;
    struct ipc_ca_failed failed;
    assert_int_equal(ca_child_close(), 0);
    ca_child_spawn();
    ca_child_send_start(ENROL_INVITE, "");
    ca_child_send_key("wrong");
    ca_child_receive(&ca_child.parent, IPC_CA_FAILED, &message);
    assert_ok(ipc_ca_failed_decode(message.body, &failed));
    assert_int_equal(failed.err, MLT_ERR_PASSPHRASE);
    assert_null(memchr(failed.text.p, '\n', failed.text.n));
    assert_int_equal(ca_child_status(), 1);
    ca_child_spawn();
    ca_child_send_start(ENROL_INVITE, "other.example");
    ca_child_receive(&ca_child.parent, IPC_CA_FAILED, &message);
    assert_ok(ipc_ca_failed_decode(message.body, &failed));
    assert_non_null(memmem(failed.text.p, failed.text.n, CA_DEFAULT_REALM, 15));
    assert_int_equal(ca_child_status(), 1);
}

static void it_ends_with_its_parent(void **state)
{
    (void)state;
    ca_child_spawn();
    channel_close(&ca_child.parent);
    assert_int_equal(ca_child_status(), 0);
    ca_child_spawn();
    assert_ok(channel_send(&ca_child.parent, IPC_STOP, 0, span_of(NULL, 0)));
    assert_int_equal(ca_child_status(), 0);
}

/* Waits until the keystore has so many lines.  Nobody asks for that pair, so it is made when the
 * machine has nothing else to do. */
static void wait_for_lines(unsigned wanted)
{
    for (int i = 0; i < 3000; i++) {
        FILE *f = fopen(KEYSTORE_FILE, "re");
        unsigned lines = 0;
        for (int c; f != NULL && (c = getc(f)) != EOF;)
            lines += c == '\n';
        if (f != NULL)
            fclose(f);
        if (lines >= wanted)
            return;
        usleep(50000);
    }
    fail_msg("the mailbox pair was never saved");
}

/* S7 */
static void a_mailbox_pair_follows_the_certificate_and_is_made_up_for_after_a_crash(void **state)
{
    (void)state;
    assert_int_equal(ca_child_enrol("maria", 0, &ca_child.first_invite).result, WELCOME_ISSUED);
    assert_int_equal(kill(ca_child.pid, SIGKILL), 0);
    assert_int_equal(waitpid(ca_child.pid, NULL, 0), ca_child.pid);
    channel_close(&ca_child.parent);
    ca_child_open(ENROL_INVITE);
    wait_for_lines(4);
}

static void a_silent_administrator_does_not_hold_the_ca(void **state)
{
    (void)state;
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "ca.sock" };
    int fds[LIMIT_ADMIN_CONNECTIONS + 4];
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fds[i], (const struct sockaddr *)&address, sizeof(address)), 0);
    }
    assert_int_equal(ca_child_enrol("maria", 0, &ca_child.first_invite).result, WELCOME_ISSUED);
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        close(fds[i]);
    unsigned rows = 0;
    const struct admin_request list = { .verb = ADMIN_LIST };
    assert_ok(ca_child_administer(&list, &rows));
    assert_int_equal(rows, 1);
}

/* So many at once as net lets wait, again and again: six keys want one name. */
static void of_a_hundred_that_want_one_name_exactly_one_key_gets_it(void **state)
{
    (void)state;
    enum { ASKED = 100 };
    CLEANUP(buf_clear) struct buf won = { 0 };
    struct buf requests[AUTHORITY_KEYS] = { 0 };
    struct ipc_enrol asks[AUTHORITY_KEYS];
    unsigned answered = 0, issued = 0, winner = AUTHORITY_KEYS;
    for (unsigned i = 0; i < AUTHORITY_KEYS; i++)
        asks[i] = authority_ask(&ca_child.cert, "maria", authority_key(i), NULL, &requests[i]);
    for (unsigned asked = 0; answered < ASKED;) {
        for (; asked < ASKED && asked < answered + LIMIT_ENROL_WINDOW; asked++) {
            buf_reset(&ca_child.sent);
            assert_ok(ipc_enrol_encode(&asks[asked % AUTHORITY_KEYS], &ca_child.sent));
            assert_ok(channel_send(&ca_child.net, IPC_ENROL, asked, buf_span(&ca_child.sent)));
        }
        struct ipc_message message;
        struct ipc_enrolled answer;
        bool got = false;
        assert_ok(
            channel_receive(&ca_child.net, CA_CHILD_PATIENCE_MS, &ca_child.packet, &message, &got));
        assert_true(got);
        if (message.type != IPC_ENROLLED)
            continue;
        assert_ok(ipc_enrolled_decode(message.body, &answer));
        answered++;
        if (answer.result != WELCOME_ISSUED) {
            assert_int_equal(answer.reason, REFUSAL_NAME_TAKEN);
            continue;
        }
        if (issued++ == 0) {
            winner = message.tag % AUTHORITY_KEYS;
            assert_ok(buf_put(&won, answer.certificate));
        }
        assert_int_equal(message.tag % AUTHORITY_KEYS, winner);
        assert_span_equal(answer.certificate, buf_span(&won));
    }
    for (unsigned i = 0; i < AUTHORITY_KEYS; i++)
        buf_clear(&requests[i]);
    assert_int_equal(issued, ASKED / AUTHORITY_KEYS + (winner < ASKED % AUTHORITY_KEYS));
}

#define INVITED(test)  cmocka_unit_test_setup_teardown(test, ca_child_start_invite, ca_child_end)
#define APPROVED(test) cmocka_unit_test_setup_teardown(test, ca_child_start_approve, ca_child_end)
#define OPEN(test)     cmocka_unit_test_setup_teardown(test, ca_child_start_open, ca_child_end)
#define UNBORN(test)   cmocka_unit_test_setup_teardown(test, ca_child_start_none, ca_child_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INVITED(an_honest_newcomer_is_certified),
        INVITED(a_name_without_an_invite_is_refused),
        INVITED(a_proof_carried_over_to_another_key_or_name_is_refused),
        INVITED(a_used_invite_is_refused_to_another_key),
        APPROVED(an_approval_is_not_moved_to_another_key),
        INVITED(a_server_certificate_has_the_subject_the_ca_chose),
        INVITED(server_certificates_are_rationed),
        INVITED(malformed_or_unpermitted_messages_end_the_pair_and_nothing_else),
        INVITED(row_49_packets_of_nonsense_get_nothing_signed),
        INVITED(net_is_told_of_members_and_of_revoked_keys),
        INVITED(a_killed_ca_opens_again_with_the_same_salt),
        INVITED(a_wrong_passphrase_is_told_to_the_parent_in_one_line),
        UNBORN(it_ends_with_its_parent),
        INVITED(a_mailbox_pair_follows_the_certificate_and_is_made_up_for_after_a_crash),
        INVITED(a_silent_administrator_does_not_hold_the_ca),
        OPEN(of_a_hundred_that_want_one_name_exactly_one_key_gets_it),
        OPEN(a_member_gets_a_pair_though_net_asks_without_a_pause),
        OPEN(net_hears_of_an_erased_mailbox),
    };
    return cmocka_run_group_tests_name("ca_process", tests, ca_child_libraries, NULL);
}
