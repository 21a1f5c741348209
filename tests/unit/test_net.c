/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/messages.h"
#include "pair.h"
#include "pki/request.h"
#include "relay/process.h"
#include "wire/envelope.h"
#include "wire/outcome.h"
#include "wire/welcome.h"

/* The net process as it is, in a process of its own; the test is its parent, its ca, its peers. */

struct rig {
    char dir[64];
    pid_t pid;
    struct channel parent, ca;
    struct sockaddr_in address;
    struct buf received;
    struct ipc_message message;
    rlim_t most_files; /* of net; 0: as it is */
};

/* For the rig that is started next. */
static rlim_t next_most_files;

static const int patience_ms = 10000;

static int64_t now_s(void)
{
    return env_wall_ms(env_system()) / 1000;
}

/* ---- as the parent ---- */

static int open_listener(struct rig *rig)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    rig->address = (struct sockaddr_in) { .sin_family = AF_INET };
    rig->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t n = sizeof(rig->address);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&rig->address, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&rig->address, &n), 0);
    return fd;
}

static void be_net(struct rig *rig, int fd, int listener)
{
    struct channel parent;
    channel_close(&rig->parent);
    channel_init(&parent, fd, IPC_NET, IPC_PARENT);
    if (chdir(rig->dir) != 0)
        _exit(99);
    const struct rlimit files = { rig->most_files, rig->most_files };
    if (rig->most_files > 0 && setrlimit(RLIMIT_NOFILE, &files) != 0)
        _exit(99);
    _exit(net_process(&parent, &listener, 1));
}

static void introduce(struct rig *rig)
{
    int pair[2];
    assert_ok(channel_pair(pair));
    channel_close(&rig->ca);
    channel_init(&rig->ca, pair[0], IPC_CA, IPC_NET);
    assert_ok(channel_send_fd(&rig->parent, IPC_PEER, pair[1]));
    close(pair[1]);
}

static void start(struct rig *rig)
{
    *rig = (struct rig) { .dir = "/tmp/malote-net-XXXXXX",
                          .ca.fd = -1,
                          .most_files = next_most_files };
    next_most_files = 0;
    assert_non_null(mkdtemp(rig->dir));
    int listener = open_listener(rig);
    int pair[2];
    assert_ok(channel_pair(pair));
    channel_init(&rig->parent, pair[0], IPC_PARENT, IPC_NET);
    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0)
        be_net(rig, pair[1], listener);
    close(pair[1]);
    close(listener);
    const uint8_t group[] = { DH_FFDHE2048 };
    assert_ok(channel_send(&rig->parent, IPC_NET_START, 0, SPAN_OF(group)));
    introduce(rig);
}

static int status_of_net(struct rig *rig)
{
    int status = 0;
    for (int i = 0; i < patience_ms / 10; i++) {
        if (waitpid(rig->pid, &status, WNOHANG) == rig->pid) {
            rig->pid = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        poll(NULL, 0, 10);
    }
    return -2;
}

static void stop(struct rig *rig)
{
    channel_close(&rig->parent);
    channel_close(&rig->ca);
    if (rig->pid > 0) {
        kill(rig->pid, SIGKILL);
        waitpid(rig->pid, NULL, 0);
    }
    buf_clear(&rig->received);
    rmdir(rig->dir);
}

static bool hear(struct rig *rig, struct channel *from, int timeout_ms)
{
    bool got = false;
    enum mlt_err err = channel_receive(from, timeout_ms, &rig->received, &rig->message, &got);
    assert_ok(err);
    return got;
}

static void hear_from_ca_side(struct rig *rig, enum ipc_type type)
{
    assert_true(hear(rig, &rig->ca, patience_ms));
    assert_int_equal(rig->message.type, type);
}

/* ---- as ca ---- */

static void tell(struct rig *rig, enum ipc_type type, uint32_t tag, struct buf *body)
{
    assert_ok(channel_send(&rig->ca, type, tag, buf_span(body)));
    buf_clear(body);
}

static void synchronise(struct rig *rig)
{
    struct buf body = { 0 };
    const struct ipc_ca_info info = { buf_span(&pair_house()->ca_der) };
    const struct ipc_member joao = { .name = { "joao" } };
    assert_ok(ipc_ca_info_encode(&info, &body));
    tell(rig, IPC_CA_INFO, 0, &body);
    assert_ok(ipc_member_encode(&joao, &body));
    tell(rig, IPC_MEMBER, 0, &body);
    tell(rig, IPC_SYNCED, 0, &body);
}

/* Answers the SERVER_REQUEST with a certificate of this key, or of the one asked for. */
static void certify(struct rig *rig, EVP_PKEY *instead)
{
    hear_from_ca_side(rig, IPC_SERVER_REQUEST);
    CLEANUP(request_clear) struct request request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_ok(request_read(rig->message.body, &request));
    assert_string_equal(request.name.text, "relay");
    EVP_PKEY *key = instead != NULL ? instead : request.key;
    pair_issue(CERT_SERVER, "relay", key, now_s() - 300, now_s() + 86400, &der);
    const struct ipc_server_cert answer = { MLT_OK, buf_span(&der) };
    struct buf body = { 0 };
    assert_ok(ipc_server_cert_encode(&answer, &body));
    tell(rig, IPC_SERVER_CERT, rig->message.tag, &body);
}

static void start_serving(struct rig *rig)
{
    start(rig);
    synchronise(rig);
    certify(rig, NULL);
    assert_true(hear(rig, &rig->parent, patience_ms));
    assert_int_equal(rig->message.type, IPC_NET_READY);
}

static void revoke_cert(struct rig *rig, const struct cert *cert)
{
    struct buf body = { 0 };
    struct ipc_revoked revoked = { .name = cert->fields.name };
    memcpy(revoked.serial, cert->fields.serial, CERT_SERIAL);
    memcpy(revoked.spki_hash, cert->spki_hash, HASH_LEN);
    assert_ok(ipc_revoked_encode(&revoked, &body));
    tell(rig, IPC_REVOKED, 0, &body);
}

static bool is_dropped(struct channel *c)
{
    CLEANUP(buf_clear) struct buf received = { 0 };
    struct ipc_message message;
    bool got = false;
    for (int i = 0; i < 20; i++)
        if (channel_receive(c, 500, &received, &message, &got) == MLT_ERR_CUT)
            return true;
    return false;
}

/* ---- as a client ---- */

struct client {
    int fd;
    struct hs_client_config config;
    struct handshake *hs;
    struct session session;
    struct buf certificate, in, out, plain;
    struct welcome welcome;
};

static void client_clear(struct client *c)
{
    file_close(&c->fd);
    hs_free(&c->hs);
    session_clear(&c->session);
    buf_clear(&c->certificate);
    buf_clear(&c->in);
    buf_clear(&c->out);
    buf_clear(&c->plain);
}

static void flush(struct client *c)
{
    assert_ok(file_write_all(c->fd, buf_span(&c->out)));
    buf_reset(&c->out);
}

/* False at the end of the stream, or when nothing comes. */
static bool read_more(struct client *c)
{
    struct pollfd p = { .fd = c->fd, .events = POLLIN };
    if (poll(&p, 1, patience_ms) != 1)
        return false;
    assert_ok(buf_reserve(&c->in, 65536));
    ssize_t n = read(c->fd, c->in.p + c->in.len, 65536);
    if (n <= 0)
        return false;
    c->in.len += (size_t)n;
    return true;
}

static void prepare(struct client *c, struct rig *rig, enum client_auth_kind kind)
{
    const struct pair_house *house = pair_house();
    *c = (struct client) { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    assert_int_equal(connect(c->fd, (struct sockaddr *)&rig->address, sizeof(rig->address)), 0);
    c->config = (struct hs_client_config) { .env = env_system(),
                                            .min_group = DH_FFDHE2048,
                                            .pin = house->ca.spki_hash,
                                            .key = house->client_key,
                                            .kind = kind,
                                            .name = { "maria" } };
}

static void hold_certificate(struct client *c, int64_t from_s, int64_t until_s)
{
    const char *name = c->config.name.text;
    pair_issue(CERT_CLIENT, name, c->config.key, from_s, until_s, &c->certificate);
    c->config.certificate = buf_span(&c->certificate);
}

static void step(struct client *c)
{
    size_t used = 0;
    if (hs_want(c->hs) != HS_WANT_INPUT) {
        hs_work(c->hs);
        assert_ok(hs_worked(c->hs, &c->out));
        flush(c);
        return;
    }
    assert_ok(hs_input(c->hs, buf_span(&c->in), &used, &c->out));
    buf_drop(&c->in, used);
    flush(c);
    if (used == 0 && hs_want(c->hs) == HS_WANT_INPUT)
        assert_true(read_more(c));
}

/* Up to ClientAuth: the server has all it needs. */
static void ask(struct client *c)
{
    assert_ok(hs_client_new(&c->config, &c->hs));
    while (hs_want(c->hs) != HS_WANT_SIGN)
        step(c);
    step(c);
}

/* The next record; 0 at an authenticated end. */
static enum record_kind next_record(struct client *c)
{
    for (;;) {
        size_t used = 0;
        enum record_kind kind = 0;
        assert_ok(session_open(&c->session, buf_span(&c->in), &used, &kind, &c->plain, &c->out));
        buf_drop(&c->in, used);
        if (kind != 0)
            return kind;
        if (c->session.receive_closed)
            return 0;
        if (used == 0)
            assert_true(read_more(c));
    }
}

/* Its answer: the first record, Welcome. */
static void get_welcome(struct client *c)
{
    while (hs_want(c->hs) != HS_WANT_SESSION)
        step(c);
    CLEANUP(hs_result_clear) struct hs_result result = { 0 };
    assert_ok(hs_take_result(c->hs, &result));
    assert_ok(session_init(&c->session, env_system(), &session_default_limits, &result.send,
                           &result.receive));
    assert_int_equal(next_record(c), RECORD_WELCOME);
    assert_ok(welcome_decode(buf_span(&c->plain), &c->welcome));
}

static void log_in(struct client *c, struct rig *rig, enum client_auth_kind kind)
{
    prepare(c, rig, kind);
    hold_certificate(c, now_s() - 300, now_s() + 86400);
    ask(c);
    get_welcome(c);
    assert_int_equal(c->welcome.result, WELCOME_LOGGED_IN);
}

static void must_close(struct client *c, enum close_reason reason)
{
    assert_int_equal(next_record(c), 0);
    assert_int_equal(c->session.close_reason, reason);
}

/* ---- logins ---- */

static void a_revoked_session_ends_within_a_second(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    start_serving(&rig);
    log_in(&maria, &rig, CLIENT_AUTH_RECEIVE);
    CLEANUP(cert_clear) struct cert cert = { 0 };
    assert_ok(cert_read_leaf(buf_span(&maria.certificate), &pair_house()->ca, CERT_CLIENT, now_s(),
                             &cert));
    int64_t before = env_mono_ms(env_system());
    revoke_cert(&rig, &cert);
    must_close(&maria, CLOSE_REVOKED);
    assert_in_range(env_mono_ms(env_system()) - before, 0, 1000);

    /* And nobody comes back with it. */
    CLEANUP(client_clear) struct client again;
    prepare(&again, &rig, CLIENT_AUTH_RECEIVE);
    assert_ok(buf_put(&again.certificate, buf_span(&maria.certificate)));
    again.config.certificate = buf_span(&again.certificate);
    ask(&again);
    get_welcome(&again);
    assert_int_equal(again.welcome.result, WELCOME_REFUSED);
    assert_int_equal(again.welcome.reason, REFUSAL_REVOKED);
    must_close(&again, CLOSE_DONE);
}

static void an_expired_certificate_is_refused_with_that_reason(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    start_serving(&rig);
    prepare(&maria, &rig, CLIENT_AUTH_SEND);
    hold_certificate(&maria, now_s() - 7200, now_s() - 3600);
    ask(&maria);
    get_welcome(&maria);
    assert_int_equal(maria.welcome.result, WELCOME_REFUSED);
    assert_int_equal(maria.welcome.reason, REFUSAL_EXPIRED);
}

static void a_session_ends_when_its_certificate_expires(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    start_serving(&rig);
    prepare(&maria, &rig, CLIENT_AUTH_RECEIVE);
    hold_certificate(&maria, now_s() - 300, now_s() + 2);
    ask(&maria);
    get_welcome(&maria);
    assert_int_equal(maria.welcome.result, WELCOME_LOGGED_IN);
    must_close(&maria, CLOSE_EXPIRED);
}

static void the_older_receive_login_is_told_that_it_was_replaced(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client older;
    CLEANUP(client_clear) struct client newer;
    start_serving(&rig);
    log_in(&older, &rig, CLIENT_AUTH_RECEIVE);
    log_in(&newer, &rig, CLIENT_AUTH_RECEIVE);
    must_close(&older, CLOSE_REPLACED);
    assert_ok(session_seal(&newer.session, RECORD_PING, span_str(""), &newer.out));
    flush(&newer);
    assert_int_equal(next_record(&newer), RECORD_PONG);
}

static void a_record_only_the_server_sends_ends_the_session(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    start_serving(&rig);
    log_in(&maria, &rig, CLIENT_AUTH_SEND);
    const uint8_t outcome[18] = { 0 };
    assert_ok(session_seal(&maria.session, RECORD_OUTCOME, SPAN_OF(outcome), &maria.out));
    flush(&maria);
    size_t used = 0;
    enum record_kind kind = 0;
    while (maria.in.len < FRAME_HEADER)
        assert_true(read_more(&maria));
    assert_err(
        session_open(&maria.session, buf_span(&maria.in), &used, &kind, &maria.plain, &maria.out),
        MLT_ERR_ALERT);
    assert_int_equal(maria.session.peer_alert, ALERT_PROTOCOL);
}

static void send_large(struct client *c, const char *to, uint8_t id)
{
    static uint8_t body[LIMIT_BODY];
    struct envelope e = { .recipient = { .kind = ADDRESS_USER },
                          .id = { id, 1 },
                          .number = 1,
                          .body_kind = BODY_PLAIN,
                          .body = SPAN_OF(body) };
    CLEANUP(buf_clear) struct buf record = { 0 };
    assert_ok(name_parse(span_str(to), &e.recipient.name));
    assert_ok(envelope_encode_send(&e, &record));
    assert_ok(session_seal(&c->session, RECORD_SEND, buf_span(&record), &c->out));
    flush(c);
}

static struct outcome take_outcome(struct client *c)
{
    struct outcome o = { 0 };
    assert_int_equal(next_record(c), RECORD_OUTCOME);
    assert_ok(outcome_decode(buf_span(&c->plain), &o));
    return o;
}

/* Row 26: 16 MiB for somebody who reads nothing.  He is busy, not thrown out; net keeps no more
 * than LIMIT_IN_FLIGHT_BYTES for him; what was under way ends as unknown with his session. */
static void a26_a_peer_that_never_reads_is_busy_and_his_senders_are_told(void **state)
{
    (void)state;
    static const unsigned under_way = LIMIT_IN_FLIGHT_BYTES / LIMIT_BODY;
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client joao;
    static struct client senders[4];
    start_serving(&rig);
    prepare(&joao, &rig, CLIENT_AUTH_RECEIVE);
    joao.config.key = pair_house()->other_key;
    joao.config.name = (struct name) { "joao" };
    hold_certificate(&joao, now_s() - 300, now_s() + 86400);
    ask(&joao);
    get_welcome(&joao);
    for (size_t s = 0; s < COUNT_OF(senders); s++) {
        log_in(&senders[s], &rig, CLIENT_AUTH_SEND);
        for (unsigned i = 0; i < LIMIT_SEND_WINDOW; i++)
            send_large(&senders[s], "joao", (uint8_t)(s * LIMIT_SEND_WINDOW + i));
    }
    unsigned busy = 0;
    for (unsigned i = 0; i < LIMIT_SEND_WINDOW - under_way; i++)
        busy += take_outcome(&senders[0]).reason == OUTCOME_REASON_BUSY;
    for (size_t s = 1; s < COUNT_OF(senders); s++)
        for (unsigned i = 0; i < LIMIT_SEND_WINDOW; i++)
            busy += take_outcome(&senders[s]).reason == OUTCOME_REASON_BUSY;
    assert_int_equal(busy, COUNT_OF(senders) * LIMIT_SEND_WINDOW - under_way);
    file_close(&joao.fd);
    for (unsigned i = 0; i < under_way; i++)
        assert_int_equal(take_outcome(&senders[0]).state, OUTCOME_UNKNOWN);
    for (size_t s = 0; s < COUNT_OF(senders); s++)
        client_clear(&senders[s]);
}

static void a_name_gets_so_many_sessions_and_others_still_get_in(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    static struct client sessions[LIMIT_SESSIONS_OF_ONE];
    CLEANUP(client_clear) struct client one_more;
    CLEANUP(client_clear) struct client joao;
    start_serving(&rig);
    for (size_t i = 0; i < COUNT_OF(sessions); i++)
        log_in(&sessions[i], &rig, CLIENT_AUTH_SEND);
    prepare(&one_more, &rig, CLIENT_AUTH_SEND);
    hold_certificate(&one_more, now_s() - 300, now_s() + 86400);
    ask(&one_more);
    get_welcome(&one_more);
    assert_int_equal(one_more.welcome.result, WELCOME_REFUSED);
    assert_int_equal(one_more.welcome.reason, REFUSAL_BUSY);
    prepare(&joao, &rig, CLIENT_AUTH_SEND);
    joao.config.key = pair_house()->other_key;
    joao.config.name = (struct name) { "joao" };
    hold_certificate(&joao, now_s() - 300, now_s() + 86400);
    ask(&joao);
    get_welcome(&joao);
    assert_int_equal(joao.welcome.result, WELCOME_LOGGED_IN);
    for (size_t i = 0; i < COUNT_OF(sessions); i++)
        client_clear(&sessions[i]);
}

static int closed_by_net(const int *fds, size_t count)
{
    int closed = 0;
    uint8_t hello[2048];
    for (size_t i = 0; i < count; i++) {
        ssize_t n = 1;
        while (n > 0)
            n = recv(fds[i], hello, sizeof(hello), MSG_DONTWAIT);
        closed += n == 0 || errno == ECONNRESET;
    }
    return closed;
}

/* Row 26: the strangers beyond the bound make room, the oldest first. */
static void a26_silent_strangers_keep_nobody_out(void **state)
{
    (void)state;
    static int strangers[LIMIT_HALF_OPEN + 100];
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 2 * COUNT_OF(strangers))
        skip();
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    start_serving(&rig);
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        strangers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(
            connect(strangers[i], (struct sockaddr *)&rig.address, sizeof(rig.address)), 0);
    }
    int64_t before = env_mono_ms(env_system());
    log_in(&maria, &rig, CLIENT_AUTH_SEND);
    assert_in_range(env_mono_ms(env_system()) - before, 0, 3000);
    assert_true(closed_by_net(strangers, 50) == 50);
    assert_true(closed_by_net(strangers + COUNT_OF(strangers) - 50, 50) == 0);
    for (size_t i = 0; i < COUNT_OF(strangers); i++)
        file_close(&strangers[i]);
}

/* ---- enrolments and ca ---- */

static int stranger_from(const struct rig *rig, const char *address)
{
    struct sockaddr_in from = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&rig->address, sizeof(rig->address)), 0);
    return fd;
}

/* Row 27: a host that opens connections without end, against one slow stranger from elsewhere. */
static void a26_one_address_crowds_out_only_itself(void **state)
{
    (void)state;
    static int flood[LIMIT_HALF_OPEN_OF_ONE + 50];
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    start_serving(&rig);
    int slow = stranger_from(&rig, "127.0.0.2");
    for (size_t i = 0; i < COUNT_OF(flood); i++)
        flood[i] = stranger_from(&rig, "127.0.0.3");
    log_in(&maria, &rig, CLIENT_AUTH_SEND);
    assert_int_equal(closed_by_net(flood, 50), 50);
    assert_int_equal(closed_by_net(flood + 50, COUNT_OF(flood) - 50), 0);
    assert_int_equal(closed_by_net(&slow, 1), 0);
    for (size_t i = 0; i < COUNT_OF(flood); i++)
        file_close(&flood[i]);
    file_close(&slow);
}

static void a26_whoever_talks_ahead_too_much_is_ended(void **state)
{
    (void)state;
    static const uint8_t junk[4 * LIMIT_EARLY];
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    start_serving(&rig);
    prepare(&maria, &rig, CLIENT_AUTH_SEND);
    hold_certificate(&maria, now_s() - 300, now_s() + 86400);
    assert_ok(hs_client_new(&maria.config, &maria.hs));
    while (hs_want(maria.hs) != HS_WANT_EPHEMERAL)
        step(&maria);
    hs_work(maria.hs);
    assert_ok(hs_worked(maria.hs, &maria.out));
    assert_ok(buf_put(&maria.out, SPAN_OF(junk)));
    flush(&maria);
    /* The end comes instead of ServerAuth, whose header would be the first byte 3. */
    buf_reset(&maria.in);
    while (read_more(&maria))
        continue;
    assert_true(maria.in.len == 0 || maria.in.p[0] != 3);
}

/* Row 34: every descriptor taken by strangers of several addresses; they make room one by one. */
static void a34_a_full_table_makes_room_for_whoever_comes_next(void **state)
{
    (void)state;
    static int strangers[600];
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    next_most_files = 300; /* 225 connections */
    start_serving(&rig);
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        char address[16];
        snprintf(address, sizeof(address), "127.0.1.%zu", i % 5 + 1);
        strangers[i] = stranger_from(&rig, address);
    }
    log_in(&maria, &rig, CLIENT_AUTH_SEND);
    assert_int_equal(closed_by_net(strangers, 300), 300);
    /* And once more, with sessions among them. */
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        file_close(&strangers[i]);
        strangers[i] = stranger_from(&rig, "127.0.2.1");
    }
    CLEANUP(client_clear) struct client again;
    log_in(&again, &rig, CLIENT_AUTH_SEND);
    for (size_t i = 0; i < COUNT_OF(strangers); i++)
        file_close(&strangers[i]);
}

static void an_enrolment_goes_to_ca_and_its_answer_back(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    start_serving(&rig);
    prepare(&maria, &rig, CLIENT_AUTH_ENROL);
    ask(&maria);
    hear_from_ca_side(&rig, IPC_ENROL);
    struct ipc_enrol enrol = { 0 };
    assert_ok(ipc_enrol_decode(rig.message.body, &enrol));
    assert_string_equal(enrol.name.text, "maria");
    assert_false(enrol.has_invite);
    const struct ipc_enrolled answer = { .result = WELCOME_PENDING, .retry_after_s = 10 };
    struct buf body = { 0 };
    assert_ok(ipc_enrolled_encode(&answer, &body));
    tell(&rig, IPC_ENROLLED, rig.message.tag, &body);
    get_welcome(&maria);
    assert_int_equal(maria.welcome.result, WELCOME_PENDING);
    assert_int_equal(maria.welcome.retry_after_s, 10);
    must_close(&maria, CLOSE_DONE);
}

static void an_enrolment_under_way_is_told_busy_when_ca_dies(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    start_serving(&rig);
    prepare(&maria, &rig, CLIENT_AUTH_ENROL);
    ask(&maria);
    hear_from_ca_side(&rig, IPC_ENROL);
    channel_close(&rig.ca);
    get_welcome(&maria);
    assert_int_equal(maria.welcome.result, WELCOME_REFUSED);
    assert_int_equal(maria.welcome.reason, REFUSAL_BUSY);
}

static void without_ca_logins_work_and_enrolments_are_told_busy(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    CLEANUP(client_clear) struct client newcomer;
    start_serving(&rig);
    channel_close(&rig.ca);
    log_in(&maria, &rig, CLIENT_AUTH_SEND);
    prepare(&newcomer, &rig, CLIENT_AUTH_ENROL);
    ask(&newcomer);
    get_welcome(&newcomer);
    assert_int_equal(newcomer.welcome.reason, REFUSAL_BUSY);
}

static void a_bad_message_from_ca_drops_that_channel_and_nothing_else(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    start_serving(&rig);
    const struct ipc_enrolled unasked = { .result = WELCOME_PENDING };
    struct buf body = { 0 };
    assert_ok(ipc_enrolled_encode(&unasked, &body));
    tell(&rig, IPC_ENROLLED, 7, &body);
    assert_true(is_dropped(&rig.ca));
    assert_true(hear(&rig, &rig.parent, patience_ms));
    assert_int_equal(rig.message.type, IPC_PEER_LOST);
    struct ipc_peer_lost lost = { false };
    assert_ok(ipc_peer_lost_decode(rig.message.body, &lost));
    assert_true(lost.misbehaved);
    log_in(&maria, &rig, CLIENT_AUTH_SEND);
    /* A new pair works again. */
    introduce(&rig);
    synchronise(&rig);
    CLEANUP(client_clear) struct client newcomer;
    prepare(&newcomer, &rig, CLIENT_AUTH_ENROL);
    ask(&newcomer);
    hear_from_ca_side(&rig, IPC_ENROL);
}

static void a_certificate_for_another_key_is_not_used(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    start(&rig);
    synchronise(&rig);
    certify(&rig, pair_house()->other_key);
    assert_false(hear(&rig, &rig.parent, 500));
}

/* ---- the end ---- */

static void stopping_is_told_to_everybody(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    CLEANUP(client_clear) struct client maria;
    start_serving(&rig);
    log_in(&maria, &rig, CLIENT_AUTH_RECEIVE);
    assert_ok(channel_send(&rig.parent, IPC_STOP, 0, span_str("")));
    must_close(&maria, CLOSE_SHUTDOWN);
    file_close(&maria.fd);
    assert_int_equal(status_of_net(&rig), 0);
}

static void net_ends_with_its_parent(void **state)
{
    (void)state;
    CLEANUP(stop) struct rig rig;
    start_serving(&rig);
    channel_close(&rig.parent);
    assert_int_equal(status_of_net(&rig), 1);
}

static int quiet(void **state)
{
    (void)state;
    log_start("test", LOG_LEVEL_ERROR);
    return pair_house() != NULL ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revoked_session_ends_within_a_second),
        cmocka_unit_test(an_expired_certificate_is_refused_with_that_reason),
        cmocka_unit_test(a_session_ends_when_its_certificate_expires),
        cmocka_unit_test(the_older_receive_login_is_told_that_it_was_replaced),
        cmocka_unit_test(a_record_only_the_server_sends_ends_the_session),
        cmocka_unit_test(a26_a_peer_that_never_reads_is_busy_and_his_senders_are_told),
        cmocka_unit_test(a_name_gets_so_many_sessions_and_others_still_get_in),
        cmocka_unit_test(a26_one_address_crowds_out_only_itself),
        cmocka_unit_test(a26_whoever_talks_ahead_too_much_is_ended),
        cmocka_unit_test(a26_silent_strangers_keep_nobody_out),
        cmocka_unit_test(a34_a_full_table_makes_room_for_whoever_comes_next),
        cmocka_unit_test(an_enrolment_goes_to_ca_and_its_answer_back),
        cmocka_unit_test(an_enrolment_under_way_is_told_busy_when_ca_dies),
        cmocka_unit_test(without_ca_logins_work_and_enrolments_are_told_busy),
        cmocka_unit_test(a_bad_message_from_ca_drops_that_channel_and_nothing_else),
        cmocka_unit_test(a_certificate_for_another_key_is_not_used),
        cmocka_unit_test(stopping_is_told_to_everybody),
        cmocka_unit_test(net_ends_with_its_parent),
    };
    return cmocka_run_group_tests(tests, quiet, NULL);
}
