/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authority.h"
#include "base/limits.h"
#include "ca/process.h"
#include "crypto/rsa.h"
#include "ipc/admin.h"
#include "pki/request.h"
#include "wire/join_url.h"

/*
 * A taken-over net against the real ca process, over real IPC.  It may refuse service; it gets no
 * certificate for a name it has no invite for, nor one for another key than the invite's user's.
 */

static const int patience_ms = 20000;

static struct authority a; /* its directory; its ca is the child's */
static pid_t child = -1;
static struct channel parent = { .fd = -1 };
static struct channel net = { .fd = -1 };
static struct buf packet, sent;
static struct ipc_key_needed need;
static struct cert ca_cert;
static struct invite first_invite;

/* ---- the parent's part ---- */

static void receive(struct channel *c, enum ipc_type wanted, struct ipc_message *message)
{
    bool got = false;
    assert_ok(channel_receive(c, patience_ms, &packet, message, &got));
    assert_true(got);
    assert_int_equal(message->type, wanted);
}

static int listen_here(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "ca.sock" };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)unlink("ca.sock");
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static void spawn(void)
{
    int fds[2];
    int admin = listen_here();
    assert_ok(channel_pair(fds));
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct channel c;
        close(fds[0]);
        channel_init(&c, fds[1], IPC_CA, IPC_PARENT);
        _exit(ca_process(&c, admin, getuid()));
    }
    close(fds[1]);
    close(admin);
    channel_init(&parent, fds[0], IPC_PARENT, IPC_CA);
}

static void send_start(enum enrol_mode mode, const char *realm)
{
    const struct ipc_ca_start start = { .realm = span_str(realm),
                                        .mode = mode,
                                        .kdf_cost = 1024,
                                        .ca_bits = 2048,
                                        .advertise = span_str("127.0.0.1:6256") };
    buf_reset(&sent);
    assert_ok(ipc_ca_start_encode(&start, &sent));
    assert_ok(channel_send(&parent, IPC_CA_START, 0, buf_span(&sent)));
}

static void send_key(const char *passphrase)
{
    struct ipc_message message;
    CLEANUP(secret_clear) struct secret key = { 0 };
    receive(&parent, IPC_KEY_NEEDED, &message);
    assert_ok(ipc_key_needed_decode(message.body, &need));
    authority_stretch(&need, passphrase, &key);
    assert_ok(channel_send(&parent, IPC_KEY, 0, secret_span(&key)));
}

static void give_peer(void)
{
    int fds[2];
    assert_ok(channel_pair(fds));
    assert_ok(channel_send_fd(&parent, IPC_PEER, fds[1]));
    close(fds[1]);
    channel_close(&net);
    channel_init(&net, fds[0], IPC_NET, IPC_CA);
}

/* What net is told at the start; how many members and revoked ones there were. */
static void sync_net(unsigned *members, unsigned *revoked)
{
    struct ipc_message message;
    struct ipc_ca_info info;
    receive(&net, IPC_CA_INFO, &message);
    assert_ok(ipc_ca_info_decode(message.body, &info));
    cert_clear(&ca_cert);
    assert_ok(cert_read_ca(info.ca_der, NULL, &ca_cert));
    for (*members = *revoked = 0;;) {
        bool got = false;
        assert_ok(channel_receive(&net, patience_ms, &packet, &message, &got));
        assert_true(got);
        if (message.type == IPC_SYNCED)
            return;
        *members += message.type == IPC_MEMBER;
        *revoked += message.type == IPC_REVOKED;
    }
}

static void open_ca(enum enrol_mode mode)
{
    struct ipc_message message;
    struct ipc_ca_ready ready;
    struct join_url url = { 0 };
    unsigned members, revoked;
    spawn();
    send_start(mode, "");
    send_key("passphrase");
    receive(&parent, IPC_CA_READY, &message);
    assert_ok(ipc_ca_ready_decode(message.body, &ready));
    if (ready.first_run) {
        assert_ok(join_url_parse(ready.join_url, &url));
        assert_int_equal(url.has_invite, mode == ENROL_INVITE);
        first_invite = url.invite;
    }
    give_peer();
    sync_net(&members, &revoked);
}

static int exit_status(void)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    child = -1;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int close_ca(void)
{
    channel_close(&net);
    channel_close(&parent);
    return child < 0 ? 0 : exit_status();
}

static int libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

static int start_invite(void **state)
{
    (void)state;
    authority_enter(&a);
    open_ca(ENROL_INVITE);
    return 0;
}

static int start_approve(void **state)
{
    (void)state;
    authority_enter(&a);
    open_ca(ENROL_APPROVE);
    return 0;
}

static int start_open(void **state)
{
    (void)state;
    authority_enter(&a);
    open_ca(ENROL_OPEN);
    return 0;
}

static int start_nothing(void **state)
{
    (void)state;
    authority_enter(&a);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    int status = close_ca();
    cert_clear(&ca_cert);
    buf_clear(&packet);
    buf_clear(&sent);
    authority_stop(&a);
    return status;
}

/* ---- net's part ---- */

/* Sends an ENROL and waits for its answer; MEMBERs that come before it are read over. */
static struct ipc_enrolled ask(const struct ipc_enrol *enrol, uint32_t tag)
{
    struct ipc_enrolled answer;
    struct ipc_message message;
    buf_reset(&sent);
    assert_ok(ipc_enrol_encode(enrol, &sent));
    assert_ok(channel_send(&net, IPC_ENROL, tag, buf_span(&sent)));
    do {
        bool got = false;
        assert_ok(channel_receive(&net, patience_ms, &packet, &message, &got));
        assert_true(got);
    } while (message.type == IPC_MEMBER);
    assert_int_equal(message.type, IPC_ENROLLED);
    assert_int_equal(message.tag, tag);
    assert_ok(ipc_enrolled_decode(message.body, &answer));
    return answer;
}

static struct ipc_enrolled enrol(const char *name, unsigned key, const struct invite *invite)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    const struct ipc_enrol e = authority_ask(&ca_cert, name, authority_key(key), invite, &request);
    return ask(&e, key + 1);
}

static void assert_refused(struct ipc_enrolled answer, enum refusal reason)
{
    assert_int_equal(answer.result, WELCOME_REFUSED);
    assert_int_equal(answer.reason, reason);
    assert_int_equal(answer.certificate.n, 0);
}

/* One question over ca.sock; counts the rows. */
static enum mlt_err administer(const struct admin_request *request, unsigned *rows)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "ca.sock" };
    struct channel c;
    CLEANUP(buf_clear) struct buf body = { 0 };
    CLEANUP(buf_clear) struct buf in = { 0 };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    channel_init(&c, fd, IPC_ADMIN, IPC_CA);
    assert_ok(admin_request_encode(request, &body));
    assert_ok(channel_send(&c, IPC_ADMIN_REQUEST, 0, buf_span(&body)));
    struct ipc_message message;
    struct admin_end end;
    for (*rows = 0;; (*rows)++) {
        bool got = false;
        assert_ok(channel_receive(&c, patience_ms, &in, &message, &got));
        assert_true(got);
        if (message.type == IPC_ADMIN_END)
            break;
    }
    assert_ok(admin_end_decode(message.body, &end));
    channel_close(&c);
    return end.err;
}

static void an_honest_newcomer_is_certified(void **state)
{
    (void)state;
    CLEANUP(cert_clear) struct cert c = { 0 };
    struct ipc_enrolled answer = enrol("maria", 0, &first_invite);
    assert_int_equal(answer.result, WELCOME_ISSUED);
    int64_t now_s = env_wall_ms(env_system()) / 1000;
    assert_ok(cert_read_leaf(answer.certificate, &ca_cert, CERT_CLIENT, now_s, &c));
    assert_string_equal(c.fields.name.text, "maria");
}

enum { WISH_OF_MARIA = 1, WISH_OF_JOAO };

static void send_wish(uint32_t tag)
{
    const struct ipc_mailbox_name wanted = { authority_name(tag == WISH_OF_JOAO ? "joao"
                                                                                : "maria") };
    buf_reset(&sent);
    assert_ok(ipc_mailbox_name_encode(&wanted, &sent));
    assert_ok(channel_send(&net, IPC_MAILBOX_WANTED, tag, buf_span(&sent)));
}

/* The next answer to a wish; others are read over. */
static enum mlt_err take_mailbox(uint32_t *tag)
{
    struct ipc_message message;
    struct ipc_mailbox mailbox;
    do {
        bool got = false;
        assert_ok(channel_receive(&net, patience_ms, &packet, &message, &got));
        assert_true(got);
    } while (message.type != IPC_MAILBOX);
    assert_ok(ipc_mailbox_decode(message.body, &mailbox));
    *tag = message.tag;
    return mailbox.err;
}

static void wait_for_pair_of_maria(void)
{
    enum mlt_err err = MLT_ERR_MISSING;
    int64_t until_ms = env_mono_ms(env_system()) + patience_ms;
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
    assert_int_equal(enrol("maria", 0, NULL).result, WELCOME_ISSUED);
    wait_for_pair_of_maria();
    const struct ipc_enrol joao = authority_ask(&ca_cert, "joao", authority_key(1), NULL, &request);
    assert_ok(ipc_enrol_encode(&joao, &body));
    for (int i = 0; i < LIMIT_ENROL_WINDOW; i++)
        send_wish(WISH_OF_MARIA);
    assert_ok(channel_send(&net, IPC_ENROL, 1, buf_span(&body)));
    int64_t until_ms = env_mono_ms(env_system()) + patience_ms;
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
    assert_err(administer(&request, &rows), MLT_ERR_MISSING);
    assert_int_equal(enrol("maria", 0, NULL).result, WELCOME_ISSUED);
    wait_for_pair_of_maria();
    assert_ok(administer(&request, &rows));
    receive(&net, IPC_MAILBOX_ERASED, &message);
    assert_ok(ipc_mailbox_name_decode(message.body, &erased));
    assert_string_equal(erased.name.text, "maria");
}

/* Design 2: "a certificate for a name it was not invited for". */
static void a_name_without_an_invite_is_refused(void **state)
{
    (void)state;
    assert_refused(enrol("maria", 0, NULL), REFUSAL_INVITE_NEEDED);
    struct invite made_up = { { 1 }, { 2 } };
    assert_refused(enrol("maria", 0, &made_up), REFUSAL_INVITE);
    struct invite wrong_token = first_invite;
    wrong_token.token[0] ^= 1;
    assert_refused(enrol("maria", 0, &wrong_token), REFUSAL_INVITE);
}

/* Net holds what an honest client sent, and puts its own key or name into it. */
static void a_proof_carried_over_to_another_key_or_name_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf honest_der = { 0 };
    CLEANUP(buf_clear) struct buf other_der = { 0 };
    const struct ipc_enrol honest =
        authority_ask(&ca_cert, "maria", authority_key(0), &first_invite, &honest_der);
    struct ipc_enrol forged =
        authority_ask(&ca_cert, "maria", authority_key(1), &first_invite, &other_der);
    memcpy(forged.proof, honest.proof, INVITE_PROOF);
    assert_refused(ask(&forged, 1), REFUSAL_INVITE);
    forged = authority_ask(&ca_cert, "mallory", authority_key(1), &first_invite, &other_der);
    memcpy(forged.proof, honest.proof, INVITE_PROOF);
    assert_refused(ask(&forged, 2), REFUSAL_INVITE);
    /* The PKCS#10 of one, the name of another. */
    forged = honest;
    forged.name = authority_name("mallory");
    assert_refused(ask(&forged, 3), REFUSAL_REQUEST);
    assert_int_equal(ask(&honest, 4).result, WELCOME_ISSUED);
}

static void a_used_invite_is_refused_to_another_key(void **state)
{
    (void)state;
    assert_int_equal(enrol("maria", 0, &first_invite).result, WELCOME_ISSUED);
    assert_refused(enrol("maria", 1, &first_invite), REFUSAL_INVITE);
    assert_refused(enrol("joao", 1, &first_invite), REFUSAL_INVITE);
    assert_refused(enrol("joao", 0, &first_invite), REFUSAL_REQUEST);
    assert_int_equal(enrol("maria", 0, &first_invite).result, WELCOME_ISSUED);
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
    assert_int_equal(enrol("maria", 1, NULL).result, WELCOME_PENDING);
    assert_err(administer(&approve, &rows), MLT_ERR_MISSING);
    assert_int_equal(enrol("maria", 0, NULL).result, WELCOME_PENDING);
    assert_ok(administer(&approve, &rows));
    assert_refused(enrol("maria", 1, NULL), REFUSAL_NAME_TAKEN);
    assert_int_equal(enrol("maria", 0, NULL).result, WELCOME_ISSUED);
}

static enum mlt_err ask_server(const char *name, unsigned key, struct cert *c)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    struct ipc_message message;
    struct ipc_server_cert answer;
    const struct name subject = authority_name(name);
    assert_ok(request_make(authority_key(key), &subject, &request));
    assert_ok(channel_send(&net, IPC_SERVER_REQUEST, 9, buf_span(&request)));
    receive(&net, IPC_SERVER_CERT, &message);
    assert_int_equal(message.tag, 9);
    assert_ok(ipc_server_cert_decode(message.body, &answer));
    if (answer.err == MLT_OK)
        assert_ok(cert_read_leaf(answer.certificate, &ca_cert, CERT_SERVER,
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
    assert_refused(enrol("maria", 2, &first_invite), REFUSAL_REQUEST);
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
        err = channel_receive(&net, patience_ms, &packet, &message, &got);
    while (err == MLT_OK && got);
    assert_err(err, MLT_ERR_CUT);
    struct ipc_peer_lost lost = { false };
    receive(&parent, IPC_PEER_LOST, &message);
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
        assert_int_equal(send(net.fd, raw, 5 + packets[i].n, MSG_NOSIGNAL), 5 + packets[i].n);
        assert_dropped();
        give_peer();
        sync_net(&members, &revoked);
        assert_int_equal(members, 0);
    }
    assert_int_equal(send(net.fd, "x", 1, MSG_NOSIGNAL), 1);
    assert_dropped();
    give_peer();
    unsigned members, revoked;
    sync_net(&members, &revoked);
    assert_int_equal(enrol("maria", 0, &first_invite).result, WELCOME_ISSUED);
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
        assert_int_equal(send(net.fd, raw, 5 + n, MSG_NOSIGNAL), 5 + n);
        if (raw[0] == IPC_SERVER_REQUEST && n >= 64) {
            struct ipc_message message;
            struct ipc_server_cert answer;
            receive(&net, IPC_SERVER_CERT, &message);
            assert_ok(ipc_server_cert_decode(message.body, &answer));
            assert_true(answer.err != MLT_OK);
            continue;
        }
        unsigned members, revoked;
        assert_dropped();
        give_peer();
        sync_net(&members, &revoked);
        assert_int_equal(members + revoked, 0);
    }
    assert_int_equal(enrol("maria", 0, &first_invite).result, WELCOME_ISSUED);
}

static void net_is_told_of_members_and_of_revoked_keys(void **state)
{
    (void)state;
    unsigned members, revoked, rows;
    assert_int_equal(enrol("maria", 0, &first_invite).result, WELCOME_ISSUED);
    give_peer();
    sync_net(&members, &revoked);
    assert_int_equal(members, 1);
    assert_int_equal(revoked, 0);
    struct admin_request reissue = { .verb = ADMIN_REISSUE, .has_name = true, .expires_s = 60 };
    reissue.name = authority_name("maria");
    assert_ok(administer(&reissue, &rows));
    assert_int_equal(rows, 1);
    struct ipc_message message;
    struct ipc_revoked told;
    receive(&net, IPC_REVOKED, &message);
    assert_ok(ipc_revoked_decode(message.body, &told));
    assert_string_equal(told.name.text, "maria");
    uint8_t hash[HASH_LEN];
    authority_fingerprint(authority_key(0), hash);
    assert_memory_equal(told.spki_hash, hash, HASH_LEN);
    give_peer();
    sync_net(&members, &revoked);
    assert_int_equal(revoked, 1);
}

static void a_killed_ca_opens_again_with_the_same_salt(void **state)
{
    (void)state;
    uint8_t salt[LOCKBOX_SALT];
    memcpy(salt, need.salt, sizeof(salt));
    assert_int_equal(enrol("maria", 0, &first_invite).result, WELCOME_ISSUED);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    channel_close(&parent);
    open_ca(ENROL_INVITE);
    assert_false(need.fresh);
    assert_memory_equal(salt, need.salt, sizeof(salt));
    assert_int_equal(enrol("maria", 0, &first_invite).result, WELCOME_ISSUED);
}

static void a_wrong_passphrase_is_told_to_the_parent_in_one_line(void **state)
{
    (void)state;
    struct ipc_message message;
    struct ipc_ca_failed failed;
    assert_int_equal(close_ca(), 0);
    spawn();
    send_start(ENROL_INVITE, "");
    send_key("wrong");
    receive(&parent, IPC_CA_FAILED, &message);
    assert_ok(ipc_ca_failed_decode(message.body, &failed));
    assert_int_equal(failed.err, MLT_ERR_PASSPHRASE);
    assert_null(memchr(failed.text.p, '\n', failed.text.n));
    assert_int_equal(exit_status(), 1);
    spawn();
    send_start(ENROL_INVITE, "other.example");
    receive(&parent, IPC_CA_FAILED, &message);
    assert_ok(ipc_ca_failed_decode(message.body, &failed));
    assert_non_null(memmem(failed.text.p, failed.text.n, CA_DEFAULT_REALM, 15));
    assert_int_equal(exit_status(), 1);
}

static void it_ends_with_its_parent(void **state)
{
    (void)state;
    spawn();
    channel_close(&parent);
    assert_int_equal(exit_status(), 0);
    spawn();
    assert_ok(channel_send(&parent, IPC_STOP, 0, span_of(NULL, 0)));
    assert_int_equal(exit_status(), 0);
}

/* Waits until the keystore has so many lines. */
static void wait_for_lines(unsigned wanted)
{
    for (int i = 0; i < 400; i++) {
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
    assert_int_equal(enrol("maria", 0, &first_invite).result, WELCOME_ISSUED);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    channel_close(&parent);
    open_ca(ENROL_INVITE);
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
    assert_int_equal(enrol("maria", 0, &first_invite).result, WELCOME_ISSUED);
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        close(fds[i]);
    unsigned rows = 0;
    const struct admin_request list = { .verb = ADMIN_LIST };
    assert_ok(administer(&list, &rows));
    assert_int_equal(rows, 1);
}

#define INVITED(test)  cmocka_unit_test_setup_teardown(test, start_invite, stop)
#define APPROVED(test) cmocka_unit_test_setup_teardown(test, start_approve, stop)
#define OPEN(test)     cmocka_unit_test_setup_teardown(test, start_open, stop)
#define UNBORN(test)   cmocka_unit_test_setup_teardown(test, start_nothing, stop)

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
        OPEN(a_member_gets_a_pair_though_net_asks_without_a_pause),
        OPEN(net_hears_of_an_erased_mailbox),
    };
    return cmocka_run_group_tests_name("ca_process", tests, libraries, NULL);
}
