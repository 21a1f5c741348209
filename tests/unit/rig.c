/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "rig.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "crypto/rsa.h"
#include "ipc/messages.h"
#include "pki/request.h"
#include "relay/process.h"

int64_t rig_now_s(void)
{
    return env_wall_ms(env_system()) / 1000;
}

int rig_quiet(void **state)
{
    (void)state;
    log_start("test", LOG_LEVEL_ERROR);
    return pair_house() != NULL ? 0 : -1;
}

/* ---- its clock ---- */

/* Shared with the net process, which has its own copy of `env`. */
struct rig_clock {
    struct env env;
    atomic_llong wall_ms, mono_ms; /* ahead of the system's */
    atomic_llong held_ms;          /* what the system's monotonic one is taken for; 0: as it is */
};

static struct rig_clock *clock;

static int64_t show_wall(void *ctx)
{
    (void)ctx;
    return env_wall_ms(env_system()) + atomic_load(&clock->wall_ms);
}

static int64_t show_mono(void *ctx)
{
    (void)ctx;
    int64_t held_ms = atomic_load(&clock->held_ms);
    return (held_ms != 0 ? held_ms : env_mono_ms(env_system())) + atomic_load(&clock->mono_ms);
}

static enum mlt_err draw(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return env_random(env_system(), out, n);
}

static void set_clock(void)
{
    if (clock == NULL) {
        clock =
            mmap(NULL, sizeof(*clock), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(clock != MAP_FAILED);
        clock->env = (struct env) { NULL, show_wall, show_mono, draw };
    }
    atomic_store(&clock->wall_ms, 0);
    atomic_store(&clock->mono_ms, 0);
    atomic_store(&clock->held_ms, 0);
}

void rig_pass(int64_t wall_s, int64_t mono_s)
{
    atomic_fetch_add(&clock->wall_ms, wall_s * 1000);
    atomic_fetch_add(&clock->mono_ms, mono_s * 1000);
}

void rig_hold(void)
{
    atomic_store(&clock->held_ms, env_mono_ms(env_system()));
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
    channel_close(&rig->ca);
    channel_init(&parent, fd, IPC_NET, IPC_PARENT);
    if (chdir(rig->dir) != 0)
        _exit(99);
    const struct rlimit files = { rig->options.most_files, rig->options.most_files };
    if (rig->options.most_files > 0 && setrlimit(RLIMIT_NOFILE, &files) != 0)
        _exit(99);
    _exit(net_process(&clock->env, &parent, &listener, 1));
}

void rig_introduce(struct rig *rig)
{
    int pair[2];
    assert_ok(channel_pair(pair));
    channel_close(&rig->ca);
    channel_init(&rig->ca, pair[0], IPC_CA, IPC_NET);
    assert_ok(channel_send_fd(&rig->parent, IPC_PEER, pair[1]));
    close(pair[1]);
}

static void start_net(struct rig *rig)
{
    const struct rig_options *options = &rig->options;
    int listener = open_listener(rig);
    int pair[2];
    assert_ok(channel_pair(pair));
    channel_close(&rig->parent);
    channel_init(&rig->parent, pair[0], IPC_PARENT, IPC_NET);
    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0)
        be_net(rig, pair[1], listener);
    close(pair[1]);
    close(listener);
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct ipc_net_start start = {
        .group = DH_FFDHE2048,
        .mailbox_messages = options->no_mailboxes ? 0 : LIMIT_MAILBOX_MESSAGES,
        .mailbox_bytes = LIMIT_MAILBOX_BYTES,
        .mailbox_share = 100,
        .mailbox_ttl_s = options->ttl_s > 0 ? (uint64_t)options->ttl_s : LIMIT_MAILBOX_TTL_S
    };
    assert_ok(ipc_net_start_encode(&start, &body));
    assert_ok(channel_send(&rig->parent, IPC_NET_START, 0, buf_span(&body)));
    rig_introduce(rig);
}

void rig_start_as(struct rig *rig, const struct rig_options *options)
{
    *rig = (struct rig) { .dir = "/tmp/malote-net-XXXXXX", .options = *options };
    rig->parent.fd = rig->ca.fd = -1;
    assert_non_null(mkdtemp(rig->dir));
    set_clock();
    start_net(rig);
}

void rig_start(struct rig *rig)
{
    const struct rig_options none = { 0 };
    rig_start_as(rig, &none);
}

int rig_status(struct rig *rig)
{
    int status = 0;
    for (int i = 0; i < rig_patience_ms / 10; i++) {
        if (waitpid(rig->pid, &status, WNOHANG) == rig->pid) {
            rig->pid = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        poll(NULL, 0, 10);
    }
    return -2;
}

static void end_child(pid_t *pid)
{
    if (*pid > 0) {
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

void rig_kill_ca(struct rig *rig)
{
    end_child(&rig->ca_pid);
    channel_close(&rig->ca);
}

void rig_stop(struct rig *rig)
{
    static const char *const files[] = { "mail.db", "mail.db-wal", "mail.db-shm", "crl.der",
                                         "head" };
    rig_kill_ca(rig);
    channel_close(&rig->parent);
    end_child(&rig->pid);
    buf_clear(&rig->received);
    CLEANUP(file_close) int dir = open(rig->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < COUNT_OF(files); i++)
        unlinkat(dir, files[i], 0);
    rmdir(rig->dir);
    if (rig->fake != NULL)
        munmap(rig->fake, sizeof(*rig->fake));
}

bool rig_hear(struct rig *rig, struct channel *from, int timeout_ms)
{
    bool got = false;
    enum mlt_err err = channel_receive(from, timeout_ms, &rig->received, &rig->message, &got);
    assert_ok(err);
    return got;
}

/* ---- as ca ---- */

static enum mlt_err give_nonces(struct channel *ca, uint32_t tag)
{
    static const uint8_t nonces[8 * MAILBOX_NONCE] = { 0xca };
    const struct ipc_nonces m = { SPAN_OF(nonces) };
    CLEANUP(buf_clear) struct buf body = { 0 };
    TRY(ipc_nonces_encode(&m, &body));
    return channel_send(ca, IPC_NONCES, tag, buf_span(&body));
}

static void note_taken(struct rig *rig)
{
    struct ipc_crl_taken taken = { 0 };
    assert_ok(ipc_crl_taken_decode(rig->message.body, &taken));
    rig->taken = taken.number;
}

static void hear_ca_within(struct rig *rig, enum ipc_type type, int ms)
{
    int64_t until = env_mono_ms(env_system()) + ms;
    for (;;) {
        int64_t left = until - env_mono_ms(env_system());
        assert_true(left > 0 && rig_hear(rig, &rig->ca, (int)left));
        if (rig->message.type == type)
            return;
        if (rig->message.type == IPC_NONCES_WANTED)
            assert_ok(give_nonces(&rig->ca, rig->message.tag));
        else if (rig->message.type == IPC_CRL_TAKEN)
            note_taken(rig);
        else if (rig->message.type != IPC_SEEN)
            assert_int_equal(rig->message.type, IPC_LOGIN_PROOF);
    }
}

void rig_hear_ca(struct rig *rig, enum ipc_type type)
{
    bool makes_key = type == IPC_SERVER_REQUEST;
    hear_ca_within(rig, type, makes_key ? rig_key_patience_ms : rig_patience_ms);
}

void rig_tell(struct rig *rig, enum ipc_type type, uint32_t tag, struct buf *body)
{
    assert_ok(channel_send(&rig->ca, type, tag, buf_span(body)));
    buf_clear(body);
}

void rig_say_ca(struct rig *rig)
{
    struct buf body = { 0 };
    const struct ipc_ca_info info = { buf_span(&pair_house()->ca_der) };
    assert_ok(ipc_ca_info_encode(&info, &body));
    rig_tell(rig, IPC_CA_INFO, 0, &body);
}

static void say_members(struct rig *rig)
{
    struct buf body = { 0 };
    const struct ipc_member joao = { .name = { "joao" } };
    rig_say_ca(rig);
    assert_ok(ipc_member_encode(&joao, &body));
    rig_tell(rig, IPC_MEMBER, 0, &body);
}

static void say_synced(struct rig *rig)
{
    struct buf none = { 0 };
    rig_tell(rig, IPC_SYNCED, 0, &none);
}

void rig_synchronise(struct rig *rig)
{
    say_members(rig);
    say_synced(rig);
}

void rig_make_ready(struct rig *rig)
{
    say_synced(rig);
    rig_certify(rig, NULL);
    assert_true(rig_hear(rig, &rig->parent, rig_patience_ms));
    assert_int_equal(rig->message.type, IPC_NET_READY);
}

/* Answers the SERVER_REQUEST with a certificate of this key, or of the one asked for. */
void rig_certify(struct rig *rig, EVP_PKEY *instead)
{
    rig_hear_ca(rig, IPC_SERVER_REQUEST);
    rig_certify_heard(rig, instead);
}

void rig_certify_heard(struct rig *rig, EVP_PKEY *instead)
{
    CLEANUP(request_clear) struct request request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    assert_ok(request_read(rig->message.body, &request));
    assert_string_equal(request.name.text, "relay");
    EVP_PKEY *key = instead != NULL ? instead : request.key;
    pair_issue(CERT_SERVER, "relay", key, rig_now_s() - 300, rig_now_s() + 86400, &der);
    const struct ipc_server_cert answer = { MLT_OK, buf_span(&der) };
    struct buf body = { 0 };
    assert_ok(ipc_server_cert_encode(&answer, &body));
    rig_tell(rig, IPC_SERVER_CERT, rig->message.tag, &body);
}

static void serve(struct rig *rig)
{
    say_members(rig);
    rig_make_ready(rig);
}

void rig_start_serving_as(struct rig *rig, const struct rig_options *options)
{
    rig_start_as(rig, options);
    serve(rig);
}

void rig_start_serving(struct rig *rig)
{
    const struct rig_options none = { 0 };
    rig_start_serving_as(rig, &none);
}

void rig_kill_net(struct rig *rig)
{
    end_child(&rig->pid);
    rig_kill_ca(rig);
}

void rig_start_again(struct rig *rig)
{
    start_net(rig);
}

void rig_restart(struct rig *rig)
{
    rig_kill_net(rig);
    start_net(rig);
    serve(rig);
    rig_start_ca(rig);
}

/* ---- a ca that opens mailboxes, in a process of its own ---- */

static EVP_PKEY *mailbox_key(void)
{
    static EVP_PKEY *key;
    if (key == NULL)
        assert_ok(rsa_key_new(2048, &key));
    return key;
}

static enum mlt_err name_key(struct rig_fake_ca *fake, struct buf *body)
{
    CLEANUP(buf_clear) struct buf spki = { 0 };
    struct ipc_mailbox m = { .err = fake->mailbox_err };
    TRY(rsa_public_encode(mailbox_key(), &spki));
    if (m.err == MLT_OK)
        m.spki = buf_span(&spki);
    fake->keys_wanted++;
    return ipc_mailbox_encode(&m, body);
}

static bool signed_by(EVP_PKEY *key, const struct ipc_login_proof *proof)
{
    uint8_t digest[HASH_LEN];
    return hash_sha256(proof->transcript, digest) == MLT_OK &&
           rsa_verify(key, RSA_CLIENT_HANDSHAKE, digest, proof->signature) == MLT_OK;
}

static enum mlt_err grant(struct rig_fake_ca *fake, struct span asked, struct buf *body)
{
    struct ipc_login_proof proof = { 0 };
    struct ipc_login_grant m = { .err = fake->grant_err, .grant = { 'g' }, .lasts_s = 60 };
    const struct pair_house *house = pair_house();
    TRY(ipc_login_proof_decode(asked, &proof));
    if (!signed_by(house->client_key, &proof) && !signed_by(house->other_key, &proof))
        m.err = MLT_ERR_AUTH;
    m.grant[1] = fake->era;
    fake->proofs++;
    return ipc_login_grant_encode(&m, body);
}

static enum mlt_err unwrap(struct rig_fake_ca *fake, struct span asked, struct buf *body)
{
    struct ipc_unwrap got = { 0 };
    struct ipc_unwrapped m = { .err = fake->unwrap_err };
    CLEANUP(buf_clear) struct buf label = { 0 };
    CLEANUP(secret_clear) struct secret secret = { 0 };
    TRY(ipc_unwrap_decode(asked, &got));
    TRY(mailbox_label(&got.recipient, got.segment, &label));
    if (got.grant[0] != 'g' || got.grant[1] != fake->era)
        m.err = MLT_ERR_STATE;
    if (m.err == MLT_OK)
        m.err = rsa_unwrap(mailbox_key(), buf_span(&label), got.wrapped, &secret);
    if (m.err == MLT_OK)
        memcpy(m.secret, secret_span(&secret).p, sizeof(m.secret));
    fake->unwraps++;
    return ipc_unwrapped_encode(&m, body);
}

static enum mlt_err answer(struct rig *rig, const struct ipc_message *asked)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct rig_fake_ca *fake = rig->fake;
    switch (asked->type) {
    case IPC_NONCES_WANTED:
        return give_nonces(&rig->ca, asked->tag);
    case IPC_MAILBOX_WANTED:
    case IPC_MAILBOX_GONE:
        TRY(name_key(fake, &body));
        return channel_send(&rig->ca, IPC_MAILBOX, asked->tag, buf_span(&body));
    case IPC_LOGIN_PROOF:
        TRY(grant(fake, asked->body, &body));
        return channel_send(&rig->ca, IPC_LOGIN_GRANT, asked->tag, buf_span(&body));
    case IPC_UNWRAP:
        TRY(unwrap(fake, asked->body, &body));
        return channel_send(&rig->ca, IPC_UNWRAPPED, asked->tag, buf_span(&body));
    case IPC_SEEN:
        return MLT_OK;
    default:
        return MLT_ERR_UNEXPECTED;
    }
}

static void be_ca(struct rig *rig)
{
    struct ipc_message message = { 0 };
    bool got = false;
    channel_close(&rig->parent);
    for (;;) {
        if (channel_receive(&rig->ca, -1, &rig->received, &message, &got) != MLT_OK)
            _exit(0);
        if (got && answer(rig, &message) != MLT_OK)
            _exit(1);
    }
}

void rig_start_ca(struct rig *rig)
{
    (void)mailbox_key(); /* made once, for all of them */
    if (rig->fake == NULL) {
        rig->fake = mmap(NULL, sizeof(*rig->fake), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(rig->fake != MAP_FAILED);
    }
    rig->ca_pid = fork();
    assert_true(rig->ca_pid >= 0);
    if (rig->ca_pid == 0)
        be_ca(rig);
    channel_close(&rig->ca);
}

void rig_new_ca(struct rig *rig)
{
    rig_kill_ca(rig);
    rig->fake->era++;
    rig_introduce(rig);
    rig_synchronise(rig);
    rig_start_ca(rig);
}

bool rig_is_dropped(struct channel *c)
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

void rig_client_clear(struct rig_client *c)
{
    file_close(&c->fd);
    hs_free(&c->hs);
    session_clear(&c->session);
    buf_clear(&c->certificate);
    buf_clear(&c->in);
    buf_clear(&c->out);
    buf_clear(&c->plain);
    cert_clear(&c->server);
}

void rig_flush(struct rig_client *c)
{
    assert_ok(file_write_all(c->fd, buf_span(&c->out)));
    buf_reset(&c->out);
}

/* False at the end of the stream, or when nothing comes. */
bool rig_read_more(struct rig_client *c)
{
    return rig_read_more_within(c, rig_patience_ms);
}

bool rig_read_more_within(struct rig_client *c, int ms)
{
    struct pollfd p = { .fd = c->fd, .events = POLLIN };
    if (poll(&p, 1, ms) != 1)
        return false;
    assert_ok(buf_reserve(&c->in, 65536));
    ssize_t n = read(c->fd, c->in.p + c->in.len, 65536);
    if (n <= 0)
        return false;
    c->in.len += (size_t)n;
    return true;
}

void rig_prepare(struct rig_client *c, struct rig *rig, enum client_auth_kind kind)
{
    const struct pair_house *house = pair_house();
    *c = (struct rig_client) { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    assert_int_equal(connect(c->fd, (struct sockaddr *)&rig->address, sizeof(rig->address)), 0);
    c->config = (struct hs_client_config) { .env = env_system(),
                                            .min_group = DH_FFDHE2048,
                                            .pin = house->ca.spki_hash,
                                            .key = house->client_key,
                                            .kind = kind,
                                            .name = { "maria" } };
}

void rig_hold_certificate(struct rig_client *c, int64_t from_s, int64_t until_s)
{
    const char *name = c->config.name.text;
    pair_issue(CERT_CLIENT, name, c->config.key, from_s, until_s, &c->certificate);
    c->config.certificate = buf_span(&c->certificate);
}

void rig_step(struct rig_client *c)
{
    size_t used = 0;
    if (hs_want(c->hs) != HS_WANT_INPUT) {
        hs_work(c->hs);
        assert_ok(hs_worked(c->hs, &c->out));
        rig_flush(c);
        return;
    }
    assert_ok(hs_input(c->hs, buf_span(&c->in), &used, &c->out));
    buf_drop(&c->in, used);
    rig_flush(c);
    if (used == 0 && hs_want(c->hs) == HS_WANT_INPUT)
        assert_true(rig_read_more(c));
}

/* Up to ClientAuth: the server has all it needs. */
void rig_ask(struct rig_client *c)
{
    assert_ok(hs_client_new(&c->config, &c->hs));
    while (hs_want(c->hs) != HS_WANT_SIGN)
        rig_step(c);
    rig_step(c);
}

/* The next record; 0 at an authenticated end. */
enum record_kind rig_next_record(struct rig_client *c)
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
            assert_true(rig_read_more(c));
    }
}

/* Its answer: the first record, Welcome. */
void rig_get_welcome(struct rig_client *c)
{
    while (hs_want(c->hs) != HS_WANT_SESSION)
        rig_step(c);
    CLEANUP(hs_result_clear) struct hs_result result = { 0 };
    assert_ok(hs_take_result(c->hs, &result));
    assert_ok(session_init(&c->session, env_system(), &session_default_limits, &result.send,
                           &result.receive));
    c->server = result.peer;
    result.peer = (struct cert) { 0 };
    assert_int_equal(rig_next_record(c), RECORD_WELCOME);
    assert_ok(welcome_decode(buf_span(&c->plain), &c->welcome));
}

void rig_must_be_refused(struct rig_client *c, enum refusal reason)
{
    rig_ask(c);
    rig_get_welcome(c);
    assert_int_equal(c->welcome.result, WELCOME_REFUSED);
    assert_int_equal(c->welcome.reason, reason);
}

static void be_welcome(struct rig_client *c)
{
    rig_hold_certificate(c, rig_now_s() - 300, rig_now_s() + 86400);
    rig_ask(c);
    rig_get_welcome(c);
    assert_int_equal(c->welcome.result, WELCOME_LOGGED_IN);
}

void rig_log_in(struct rig_client *c, struct rig *rig, enum client_auth_kind kind)
{
    rig_prepare(c, rig, kind);
    be_welcome(c);
}

void rig_log_in_joao(struct rig_client *c, struct rig *rig, enum client_auth_kind kind)
{
    rig_prepare(c, rig, kind);
    c->config.key = pair_house()->other_key;
    c->config.name = (struct name) { "joao" };
    be_welcome(c);
}

void rig_ping(struct rig_client *c)
{
    assert_ok(session_seal(&c->session, RECORD_PING, span_str(""), &c->out));
    rig_flush(c);
    assert_int_equal(rig_next_record(c), RECORD_PONG);
}

void rig_must_close(struct rig_client *c, enum close_reason reason)
{
    assert_int_equal(rig_next_record(c), 0);
    assert_int_equal(c->session.close_reason, reason);
}

void rig_must_fail(struct rig_client *c, enum alert alert)
{
    size_t used = 0;
    enum record_kind kind = 0;
    while (c->in.len < FRAME_HEADER)
        assert_true(rig_read_more(c));
    assert_err(session_open(&c->session, buf_span(&c->in), &used, &kind, &c->plain, &c->out),
               MLT_ERR_ALERT);
    assert_int_equal(c->session.peer_alert, alert);
}

/* ---- messages ---- */

void rig_write(struct rig_client *c, const struct rig_message *m)
{
    static uint8_t body[LIMIT_BODY];
    struct envelope e = { .recipient = { .kind = ADDRESS_USER },
                          .id = { 1 },
                          .epoch = 1,
                          .number = m->number,
                          .body_kind = BODY_PLAIN,
                          .body = span_of(body, m->size) };
    CLEANUP(buf_clear) struct buf record = { 0 };
    memcpy(e.id + 8, &m->number, sizeof(m->number));
    memcpy(e.id + 1, c->config.name.text, 6);
    memset(body, (int)m->number, m->size);
    assert_ok(name_parse(span_str(m->to), &e.recipient.name));
    assert_ok(envelope_encode_send(&e, &record));
    assert_ok(session_seal(&c->session, RECORD_SEND, buf_span(&record), &c->out));
}

void rig_send(struct rig_client *c, const struct rig_message *m)
{
    rig_write(c, m);
    rig_flush(c);
}

uint64_t rig_number(const uint8_t id[static ENVELOPE_ID])
{
    uint64_t number = 0;
    memcpy(&number, id + 8, sizeof(number));
    return number;
}

struct outcome rig_take_outcome(struct rig_client *c)
{
    struct outcome o = { 0 };
    assert_int_equal(rig_next_record(c), RECORD_OUTCOME);
    assert_ok(outcome_decode(buf_span(&c->plain), &o));
    return o;
}

void rig_must_hear(struct rig_client *c, uint64_t number, enum outcome_state state)
{
    struct outcome o = rig_take_outcome(c);
    assert_int_equal(rig_number(o.id), number);
    assert_int_equal(o.state, state);
}

void rig_must_hear_refusal(struct rig_client *c, uint64_t number, enum outcome_reason reason)
{
    struct outcome o = rig_take_outcome(c);
    assert_int_equal(rig_number(o.id), number);
    assert_int_equal(o.state, OUTCOME_REFUSED);
    assert_int_equal(o.reason, reason);
}

struct envelope rig_take_delivery(struct rig_client *c)
{
    struct envelope e = { 0 };
    assert_int_equal(rig_next_record(c), RECORD_DELIVER);
    assert_ok(envelope_decode_deliver(buf_span(&c->plain), &e));
    return e;
}

void rig_confirm(struct rig_client *c, const struct envelope *e)
{
    struct receipt receipt = { .sender = e->sender, .state = OUTCOME_DELIVERED };
    CLEANUP(buf_clear) struct buf record = { 0 };
    memcpy(receipt.id, e->id, ENVELOPE_ID);
    assert_ok(receipt_encode(&receipt, &record));
    assert_ok(session_seal(&c->session, RECORD_RECEIPT, buf_span(&record), &c->out));
    rig_flush(c);
}
