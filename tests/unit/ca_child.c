/* SPDX-License-Identifier: Apache-2.0 */
#include "ca_child.h"

#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/process.h"
#include "pki/crl.h"
#include "pki/statement.h"
#include "wire/join_url.h"

struct ca_child ca_child = { .pid = -1, .parent = { .fd = -1 }, .net = { .fd = -1 } };

void ca_child_receive(struct channel *c, enum ipc_type wanted, struct ipc_message *message)
{
    bool got = false;
    assert_ok(channel_receive(c, CA_CHILD_PATIENCE_MS, &ca_child.packet, message, &got));
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

void ca_child_spawn(void)
{
    int fds[2];
    int admin = listen_here();
    assert_ok(channel_pair(fds));
    ca_child.pid = fork();
    assert_true(ca_child.pid >= 0);
    if (ca_child.pid == 0) {
        struct channel c;
        close(fds[0]);
        channel_init(&c, fds[1], IPC_CA, IPC_PARENT);
        _exit(ca_process(&c, admin, getuid()));
    }
    close(fds[1]);
    close(admin);
    channel_init(&ca_child.parent, fds[0], IPC_PARENT, IPC_CA);
}

void ca_child_send_start(enum enrol_mode mode, const char *realm)
{
    const struct ipc_ca_start start = { .realm = span_str(realm),
                                        .mode = mode,
                                        .kdf_cost = 1024,
                                        .ca_bits = 2048,
                                        .advertise = span_str("127.0.0.1:6256") };
    buf_reset(&ca_child.sent);
    assert_ok(ipc_ca_start_encode(&start, &ca_child.sent));
    assert_ok(channel_send(&ca_child.parent, IPC_CA_START, 0, buf_span(&ca_child.sent)));
}

void ca_child_send_key(const char *passphrase)
{
    struct ipc_message message;
    CLEANUP(secret_clear) struct secret key = { 0 };
    ca_child_receive(&ca_child.parent, IPC_KEY_NEEDED, &message);
    assert_ok(ipc_key_needed_decode(message.body, &ca_child.need));
    authority_stretch(&ca_child.need, passphrase, &key);
    assert_ok(channel_send(&ca_child.parent, IPC_KEY, 0, secret_span(&key)));
}

void ca_child_give_net(void)
{
    int fds[2];
    assert_ok(channel_pair(fds));
    assert_ok(channel_send_fd(&ca_child.parent, IPC_PEER, fds[1]));
    close(fds[1]);
    channel_close(&ca_child.net);
    channel_init(&ca_child.net, fds[0], IPC_NET, IPC_CA);
}

/* What net is told at the start; how many members and revoked ones there were. */
void ca_child_sync(unsigned *members, unsigned *revoked)
{
    struct ipc_message message;
    struct ipc_ca_info info;
    ca_child_receive(&ca_child.net, IPC_CA_INFO, &message);
    assert_ok(ipc_ca_info_decode(message.body, &info));
    cert_clear(&ca_child.cert);
    assert_ok(cert_read_ca(info.ca_der, NULL, &ca_child.cert));
    for (*members = *revoked = 0;;) {
        bool got = false;
        assert_ok(
            channel_receive(&ca_child.net, CA_CHILD_PATIENCE_MS, &ca_child.packet, &message, &got));
        assert_true(got);
        if (message.type == IPC_SYNCED)
            return;
        *members += message.type == IPC_MEMBER;
        *revoked += message.type == IPC_REVOKED;
    }
}

void ca_child_open(enum enrol_mode mode)
{
    struct ipc_message message;
    struct ipc_ca_ready ready;
    struct join_url url = { 0 };
    unsigned members, revoked;
    ca_child_spawn();
    ca_child_send_start(mode, "");
    ca_child_send_key("passphrase");
    ca_child_receive(&ca_child.parent, IPC_CA_READY, &message);
    assert_ok(ipc_ca_ready_decode(message.body, &ready));
    if (ready.first_run) {
        assert_ok(join_url_parse(ready.join_url, &url));
        assert_int_equal(url.has_invite, mode == ENROL_INVITE);
        ca_child.first_invite = url.invite;
    }
    ca_child_give_net();
    ca_child_sync(&members, &revoked);
}

int ca_child_status(void)
{
    int status = 0;
    assert_int_equal(waitpid(ca_child.pid, &status, 0), ca_child.pid);
    ca_child.pid = -1;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int ca_child_close(void)
{
    channel_close(&ca_child.net);
    channel_close(&ca_child.parent);
    return ca_child.pid < 0 ? 0 : ca_child_status();
}

int ca_child_libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

int ca_child_start_invite(void **state)
{
    (void)state;
    authority_enter(&ca_child.a);
    ca_child_open(ENROL_INVITE);
    return 0;
}

int ca_child_start_approve(void **state)
{
    (void)state;
    authority_enter(&ca_child.a);
    ca_child_open(ENROL_APPROVE);
    return 0;
}

int ca_child_start_open(void **state)
{
    (void)state;
    authority_enter(&ca_child.a);
    ca_child_open(ENROL_OPEN);
    return 0;
}

int ca_child_start_none(void **state)
{
    (void)state;
    authority_enter(&ca_child.a);
    return 0;
}

int ca_child_end(void **state)
{
    (void)state;
    int status = ca_child_close();
    cert_clear(&ca_child.cert);
    buf_clear(&ca_child.packet);
    buf_clear(&ca_child.sent);
    authority_stop(&ca_child.a);
    return status;
}

/* Sends an ENROL and waits for its answer; MEMBERs and HEADs that come before are read over. */
struct ipc_enrolled ca_child_ask(const struct ipc_enrol *enrol, uint32_t tag)
{
    struct ipc_enrolled answer;
    struct ipc_message message;
    buf_reset(&ca_child.sent);
    assert_ok(ipc_enrol_encode(enrol, &ca_child.sent));
    assert_ok(channel_send(&ca_child.net, IPC_ENROL, tag, buf_span(&ca_child.sent)));
    do {
        bool got = false;
        assert_ok(
            channel_receive(&ca_child.net, CA_CHILD_PATIENCE_MS, &ca_child.packet, &message, &got));
        assert_true(got);
    } while (message.type == IPC_MEMBER || message.type == IPC_HEAD);
    assert_int_equal(message.type, IPC_ENROLLED);
    assert_int_equal(message.tag, tag);
    assert_ok(ipc_enrolled_decode(message.body, &answer));
    return answer;
}

struct ipc_enrolled ca_child_enrol(const char *name, unsigned key, const struct invite *invite)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    const struct ipc_enrol e =
        authority_ask(&ca_child.cert, name, authority_key(key), invite, &request);
    return ca_child_ask(&e, key + 1);
}

void ca_child_question(const struct admin_request *request, struct channel *c)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "ca.sock" };
    CLEANUP(buf_clear) struct buf body = { 0 };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    channel_init(c, fd, IPC_ADMIN, IPC_CA);
    assert_ok(admin_request_encode(request, &body));
    assert_ok(channel_send(c, IPC_ADMIN_REQUEST, 0, buf_span(&body)));
}

/* Counts the rows: those of what was asked for, not those of the CA itself. */
enum mlt_err ca_child_answer(struct channel *c, unsigned *rows)
{
    CLEANUP(buf_clear) struct buf in = { 0 };
    struct ipc_message message;
    struct admin_row row;
    struct admin_end end;
    for (*rows = 0;;) {
        bool got = false;
        assert_ok(channel_receive(c, CA_CHILD_PATIENCE_MS, &in, &message, &got));
        assert_true(got);
        if (message.type == IPC_ADMIN_END)
            break;
        assert_ok(admin_row_decode(message.body, &row));
        *rows += row.kind != ADMIN_ROW_AUTHORITY && row.kind != ADMIN_ROW_ALARM;
    }
    assert_ok(admin_end_decode(message.body, &end));
    channel_close(c);
    return end.err;
}

/* One question over ca.sock. */
enum mlt_err ca_child_administer(const struct admin_request *request, unsigned *rows)
{
    struct channel c;
    ca_child_question(request, &c);
    return ca_child_answer(&c, rows);
}

void ca_child_hear(enum ipc_type wanted, struct ipc_message *message)
{
    do {
        bool got = false;
        assert_ok(
            channel_receive(&ca_child.net, CA_CHILD_PATIENCE_MS, &ca_child.packet, message, &got));
        assert_true(got);
    } while (message->type == IPC_HEAD);
    assert_int_equal(message->type, wanted);
}

/* A CRL in one piece, and its notice; its number. */
uint64_t ca_child_hear_list(void)
{
    struct ipc_message message;
    struct ipc_crl_part part;
    struct revocation notice;
    CLEANUP(crl_clear) struct crl crl = { 0 };
    ca_child_hear(IPC_CRL_PART, &message);
    assert_ok(ipc_crl_part_decode(message.body, &part));
    assert_int_equal(part.bytes.n, part.total);
    assert_ok(crl_read(part.bytes, &ca_child.cert, &crl));
    assert_int_equal(crl.number, part.number);
    ca_child_hear(IPC_NOTICE, &message);
    assert_ok(revocation_decode(message.body, &notice));
    assert_ok(statement_check_revocation(&ca_child.cert, &notice));
    assert_int_equal(notice.number, crl.number);
    return crl.number;
}

void ca_child_say_taken(uint64_t number)
{
    const struct ipc_crl_taken taken = { number };
    buf_reset(&ca_child.sent);
    assert_ok(ipc_crl_taken_encode(&taken, &ca_child.sent));
    assert_ok(channel_send(&ca_child.net, IPC_CRL_TAKEN, 0, buf_span(&ca_child.sent)));
}
