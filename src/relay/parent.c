/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/parent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/env.h"
#include "base/file.h"
#include "base/log.h"
#include "relay/parent_child.h"

static const int messages_per_turn = 64;

struct parent {
    const struct parent_config *config;
    const struct env *env;
    struct child ca, net;
    int signals;
    struct ipc_key_needed key_for; /* which question `stretched` answers */
    struct secret stretched;       /* scrypt's output: to start ca again without asking */
    struct buf join_url;
    bool announced;
    bool accepted;        /* a ca has taken the clock as it is: --accept-clock is for once */
    int64_t introduce_ms; /* when net and ca get a new pair; -1: no need */
    struct child_pairing pairing;
    bool stopping;
    int64_t kill_ms; /* when stopping: patience ends */
    enum mlt_err result;
};

/* ---- the end ---- */

static void stop(struct parent *p, enum mlt_err result)
{
    if (p->stopping)
        return;
    p->stopping = true;
    p->result = result;
    p->kill_ms = env_mono_ms(p->env) + LIMIT_STOP_MS;
    child_stop(&p->net);
    child_stop(&p->ca);
}

static void stop_by(struct parent *p, int signal)
{
    if (!p->stopping)
        log_info("stopping: SIG%s", sigabbrev_np(signal));
    stop(p, MLT_OK);
}

static void complain(struct parent *p, const char *text, enum mlt_err result)
{
    p->config->complain(p->config->ctx, text);
    stop(p, result);
}

/* ---- introductions ---- */

/* A fresh pair of ends, one for each: whatever of the old one is left in them is void. */
static void introduce(struct parent *p)
{
    p->introduce_ms = -1;
    if (!p->ca.ready || p->net.pid == 0 || p->stopping)
        return;
    p->pairing.last_ms = env_mono_ms(p->env);
    int pair[2];
    enum mlt_err err = channel_pair(pair);
    if (err != MLT_OK) {
        log_error("net and ca cannot be connected: %s", err_cause(err));
        stop(p, err);
        return;
    }
    CLEANUP(file_close) int for_ca = pair[0];
    CLEANUP(file_close) int for_net = pair[1];
    if (channel_send_fd(&p->ca.channel, IPC_PEER, for_ca) != MLT_OK)
        child_kill(&p->ca);
    if (channel_send_fd(&p->net.channel, IPC_PEER, for_net) != MLT_OK)
        child_kill(&p->net);
}

static enum mlt_err start_net(struct parent *p)
{
    TRY(child_start(&p->net));
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct parent_config *config = p->config;
    const struct ipc_net_start start = { .group = (uint8_t)config->group,
                                         .mailbox_messages = config->mailbox_messages,
                                         .mailbox_bytes = config->mailbox_bytes,
                                         .mailbox_share = (uint8_t)config->mailbox_share,
                                         .mailbox_ttl_s = (uint64_t)config->mailbox_life_s };
    TRY(ipc_net_start_encode(&start, &body));
    TRY(channel_send(&p->net.channel, IPC_NET_START, 0, buf_span(&body)));
    introduce(p);
    return MLT_OK;
}

static enum mlt_err start_ca(struct parent *p)
{
    TRY(child_start(&p->ca));
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct parent_config *config = p->config;
    struct ipc_ca_start start = { .mode = config->mode,
                                  .kdf_cost = config->kdf_cost,
                                  .ca_bits = config->ca_bits,
                                  .advertise = span_str(config->advertise),
                                  .cert_life_s = (uint32_t)config->cert_life_s,
                                  .accept_clock = config->accept_clock && !p->accepted };
    if (config->realm != NULL)
        start.realm = span_str(config->realm);
    TRY(ipc_ca_start_encode(&start, &body));
    return channel_send(&p->ca.channel, IPC_CA_START, 0, buf_span(&body));
}

/* ---- from ca ---- */

static void announce(struct parent *p)
{
    if (p->announced || !p->net.ready)
        return;
    p->announced = true;
    const struct parent_config *config = p->config;
    for (size_t i = 0; i < config->listeners->count; i++) {
        CLEANUP(buf_clear) struct buf line = { 0 };
        const char *text = NULL;
        if (buf_put_str(&line, "listening on ") == MLT_OK &&
            listen_describe(&config->listeners->addresses[i], &line) == MLT_OK &&
            buf_text(&line, &text) == MLT_OK)
            config->announce(config->ctx, text);
    }
    const char *url = NULL;
    if (p->join_url.len > 0 && buf_text(&p->join_url, &url) == MLT_OK) {
        config->announce(config->ctx, config->mode == ENROL_INVITE ? "join URL for the first user:"
                                                                   : "join URL for everybody:");
        config->announce(config->ctx, url);
    }
    buf_clear(&p->join_url);
}

/* Ctrl-C at the prompt must reach the prompt, not wait in the signalfd. */
static enum mlt_err ask_passphrase(struct parent *p, bool fresh, struct secret *passphrase)
{
    sigset_t open, before;
    sigemptyset(&open);
    sigaddset(&open, SIGINT);
    sigaddset(&open, SIGTERM);
    sigaddset(&open, SIGHUP);
    ENSURE(sigprocmask(SIG_UNBLOCK, &open, &before) == 0, MLT_ERR_SYSTEM);
    enum mlt_err err = p->config->passphrase(p->config->ctx, fresh, passphrase);
    ENSURE(sigprocmask(SIG_SETMASK, &before, NULL) == 0, MLT_ERR_SYSTEM);
    return err;
}

static bool is_known(const struct parent *p, const struct ipc_key_needed *needed)
{
    return p->stretched.n > 0 && p->key_for.cost.n == needed->cost.n &&
           p->key_for.cost.r == needed->cost.r && p->key_for.cost.p == needed->cost.p &&
           span_eq(SPAN_OF(p->key_for.salt), SPAN_OF(needed->salt));
}

static enum mlt_err stretch(struct parent *p, const struct ipc_key_needed *needed)
{
    CLEANUP(secret_clear) struct secret passphrase = { 0 };
    TRY(ask_passphrase(p, needed->fresh, &passphrase));
    TRY(kdf_scrypt(secret_span(&passphrase), SPAN_OF(needed->salt), &needed->cost, &p->stretched));
    p->key_for = *needed;
    return MLT_OK;
}

static enum mlt_err handle_key_needed(struct parent *p, struct span body)
{
    struct ipc_key_needed needed = { 0 };
    TRY(ipc_key_needed_decode(body, &needed));
    if (!is_known(p, &needed)) {
        enum mlt_err err = stretch(p, &needed);
        if (err != MLT_OK) {
            stop(p, err);
            return MLT_OK;
        }
    }
    return channel_send(&p->ca.channel, IPC_KEY, 0, secret_span(&p->stretched));
}

static bool is_printable(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= 0x20 || text.p[i] >= 0x7f)
            return false;
    return true;
}

static enum mlt_err handle_ca_ready(struct parent *p, struct span body)
{
    struct ipc_ca_ready ready = { 0 };
    TRY(ipc_ca_ready_decode(body, &ready));
    ENSURE(is_printable(ready.join_url), MLT_ERR_ENCODING);
    ENSURE(!p->ca.ready, MLT_ERR_UNEXPECTED);
    p->ca.ready = true;
    p->accepted = true;
    bool for_everybody = p->config->mode != ENROL_INVITE;
    if (!p->announced && (ready.first_run || for_everybody)) {
        buf_reset(&p->join_url);
        TRY(buf_put(&p->join_url, ready.join_url));
    }
    if (p->net.pid == 0 && p->net.start_ms < 0)
        p->net.start_ms = 0; /* the first time: now there is something to serve */
    introduce(p);
    return MLT_OK;
}

static enum mlt_err handle_ca_failed(struct parent *p, struct span body)
{
    struct ipc_ca_failed failed = { 0 };
    TRY(ipc_ca_failed_decode(body, &failed));
    CLEANUP(buf_clear) struct buf line = { 0 };
    TRY(buf_put(&line, failed.text));
    if (line.len == 0)
        TRY(buf_put_str(&line, err_text(failed.err)));
    const char *text = NULL;
    TRY(buf_text(&line, &text));
    complain(p, text, failed.err);
    return MLT_OK;
}

/* Whoever broke the rules of ipc.def is not the program we started; its successor is introduced. */
static enum mlt_err handle_peer_lost(struct parent *p, const struct child *c, struct span body)
{
    struct ipc_peer_lost lost = { 0 };
    TRY(ipc_peer_lost_decode(body, &lost));
    struct child *other = c == &p->ca ? &p->net : &p->ca;
    if (!lost.misbehaved) {
        if (p->introduce_ms < 0)
            p->introduce_ms = child_pair_again(&p->pairing, env_mono_ms(p->env));
        return MLT_OK;
    }
    log_error("%s broke the rules between our processes, says %s: killed", other->name, c->name);
    child_kill(other);
    return MLT_OK;
}

static enum mlt_err handle(struct parent *p, struct child *c, const struct ipc_message *message)
{
    switch (message->type) {
    case IPC_KEY_NEEDED:
        return handle_key_needed(p, message->body);
    case IPC_CA_READY:
        return handle_ca_ready(p, message->body);
    case IPC_CA_FAILED:
        return handle_ca_failed(p, message->body);
    case IPC_NET_READY:
        c->ready = true;
        announce(p);
        return MLT_OK;
    case IPC_PEER_LOST:
        return handle_peer_lost(p, c, message->body);
    default:
        return MLT_ERR_UNEXPECTED;
    }
}

/* What the child has said so far; a child that never stops talking must not drown the signals. */
static void hear(struct parent *p, struct child *c)
{
    CLEANUP(buf_clear) struct buf received = { 0 };
    for (int i = 0; i < messages_per_turn && c->channel.fd >= 0; i++) {
        struct ipc_message message = { 0 };
        bool got = false;
        enum mlt_err err = channel_receive(&c->channel, 0, &received, &message, &got);
        if (err == MLT_OK && !got)
            return;
        if (err == MLT_OK && !p->stopping)
            err = handle(p, c, &message);
        if (err == MLT_OK)
            continue;
        /* Its end (CUT) is told by SIGCHLD; anything else is no child of ours any more. */
        if (err != MLT_ERR_CUT)
            log_error("%s: bad message, killed: %s", c->name, err_text(err));
        channel_close(&c->channel);
        child_kill(c);
    }
}

/* ---- deaths ---- */

static void log_death(const struct child *c, pid_t pid, int status)
{
    if (WIFSIGNALED(status))
        log_error("%s (process %d) was killed by signal %d", c->name, pid, WTERMSIG(status));
    else
        log_error("%s (process %d) ended with status %d", c->name, pid, WEXITSTATUS(status));
}

static void bury(struct parent *p, struct child *c, int status)
{
    /* Reaped: the number may be somebody else's by now, and must not be killed. */
    pid_t pid = c->pid;
    c->pid = 0;
    hear(p, c);
    if (!p->stopping)
        log_death(c, pid, status);
    enum mlt_err err = child_died(c, env_mono_ms(p->env));
    if (p->stopping)
        return;
    if (err == MLT_OK) {
        log_info("%s is started again in %lld ms", c->name,
                 (long long)(c->start_ms - env_mono_ms(p->env)));
        return;
    }
    complain(p,
             c == &p->ca ? "the ca process keeps dying: giving up, see the log"
                         : "the net process keeps dying: giving up, see the log",
             MLT_ERR_REFUSED);
}

static void reap(struct parent *p)
{
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == p->ca.pid)
            bury(p, &p->ca, status);
        else if (pid == p->net.pid)
            bury(p, &p->net, status);
    }
}

static void start_due(struct parent *p, struct child *c, enum mlt_err (*start)(struct parent *p))
{
    if (p->stopping || c->pid > 0 || c->start_ms < 0 || c->start_ms > env_mono_ms(p->env))
        return;
    c->start_ms = -1;
    enum mlt_err err = start(p);
    if (err == MLT_OK)
        return;
    log_error("%s could not be started: %s", c->name, err_cause(err));
    if (c->pid > 0)
        child_kill(c);
    else if (child_died(c, env_mono_ms(p->env)) != MLT_OK)
        complain(p, "a child process cannot be started: giving up, see the log", MLT_ERR_REFUSED);
}

/* ---- the loop ---- */

static void take_signals(struct parent *p)
{
    struct signalfd_siginfo info;
    bool ended = false;
    while (read(p->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            ended = true;
        else
            stop_by(p, (int)info.ssi_signo);
    }
    if (ended)
        reap(p);
}

static int wait_ms(const struct parent *p)
{
    const int64_t due[] = { p->ca.start_ms, p->net.start_ms, p->introduce_ms };
    int64_t now = env_mono_ms(p->env);
    int64_t next = p->stopping ? p->kill_ms : -1;
    for (size_t i = 0; i < COUNT_OF(due) && !p->stopping; i++)
        if (due[i] >= 0 && (next < 0 || due[i] < next))
            next = due[i];
    if (next < 0)
        return -1;
    return next > now ? (int)(next - now) : 0;
}

static void turn(struct parent *p)
{
    struct pollfd fds[3] = { { .fd = p->signals, .events = POLLIN },
                             { .fd = p->ca.channel.fd, .events = POLLIN },
                             { .fd = p->net.channel.fd, .events = POLLIN } };
    if (poll(fds, COUNT_OF(fds), wait_ms(p)) < 0 && errno != EINTR) {
        log_error("poll: %s", strerror(errno));
        stop(p, MLT_ERR_SYSTEM);
    }
    hear(p, &p->ca);
    hear(p, &p->net);
    take_signals(p);
    start_due(p, &p->ca, start_ca);
    start_due(p, &p->net, start_net);
    if (p->introduce_ms >= 0 && env_mono_ms(p->env) >= p->introduce_ms)
        introduce(p);
    if (p->stopping && env_mono_ms(p->env) >= p->kill_ms) {
        child_kill(&p->net);
        child_kill(&p->ca);
        p->kill_ms = env_mono_ms(p->env) + LIMIT_STOP_MS;
    }
}

static enum mlt_err watch_signals(struct parent *p)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGCHLD);
    /* Under nohup a lost terminal is no reason to stop. */
    struct sigaction hangup;
    ENSURE(sigaction(SIGHUP, NULL, &hangup) == 0, MLT_ERR_SYSTEM);
    if (hangup.sa_handler != SIG_IGN)
        sigaddset(&ours, SIGHUP);
    ENSURE(sigprocmask(SIG_BLOCK, &ours, NULL) == 0, MLT_ERR_SYSTEM);
    ENSURE(signal(SIGPIPE, SIG_IGN) != SIG_ERR, MLT_ERR_SYSTEM);
    p->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    ENSURE(p->signals >= 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static void describe_children(struct parent *p)
{
    const struct parent_config *config = p->config;
    p->ca = (struct child) { .name = "ca", .end = IPC_CA, .start_ms = 0 };
    p->net = (struct child) { .name = "net", .end = IPC_NET, .start_ms = -1 };
    p->ca.channel.fd = p->net.channel.fd = -1;
    p->ca.spawn = (struct spawn) { .name = "maloted: ca",
                                   .directory = config->data->ca,
                                   .uid = config->users->ca.uid,
                                   .gid = config->users->ca.gid };
    p->ca.fds[1] = config->data->socket;
    p->ca.spawn.fd_count = 2;
    p->net.spawn = (struct spawn) { .name = "maloted: net",
                                    .directory = config->data->net,
                                    .uid = config->users->net.uid,
                                    .gid = config->users->net.gid };
    for (size_t i = 0; i < config->listeners->count; i++)
        p->net.fds[1 + i] = config->listeners->fds[i];
    p->net.spawn.fd_count = 1 + config->listeners->count;
    p->ca.spawn.program = p->net.spawn.program = config->program;
    p->ca.spawn.drop_user = p->net.spawn.drop_user = config->users->drop;
}

enum mlt_err parent_run(const struct parent_config *config)
{
    struct parent p = { .config = config, .env = env_system(), .signals = -1, .introduce_ms = -1 };
    describe_children(&p);
    TRY(watch_signals(&p));
    while (!p.stopping || p.ca.pid > 0 || p.net.pid > 0)
        turn(&p);
    if (p.result == MLT_OK)
        log_info("stopped");
    secret_clear(&p.stretched);
    buf_clear(&p.join_url);
    file_close(&p.signals);
    return p.result;
}
