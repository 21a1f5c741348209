/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/net.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "ipc/messages.h"
#include "ipc/sandbox.h"
#include "relay/process.h"

static const uint64_t tick_ms = 250;
static const int backlog = 4096;

static void leave_loop(struct net *net, int status)
{
    net->status = status;
    uv_stop(&net->loop);
}

void net_give_up(struct net *net)
{
    leave_loop(net, 1);
}

/* ---- listening ---- */

static void on_connection(uv_stream_t *listener, int status)
{
    struct net *net = listener->data;
    if (status == 0 && !net->stopping)
        net_conn_accept(net, listener);
}

void net_serve(struct net *net)
{
    if (net->serving || net->identity == NULL || !net->mail.ready || !net->crl.loaded)
        return;
    for (size_t i = 0; i < net->listener_count; i++) {
        int rc = uv_listen((uv_stream_t *)&net->listeners[i], backlog, on_connection);
        if (rc != 0) {
            log_error("cannot listen: %s", uv_strerror(rc));
            leave_loop(net, 1);
            return;
        }
    }
    net->serving = true;
    enum mlt_err err = channel_send(&net->parent, IPC_NET_READY, 0, (struct span) { 0 });
    if (err != MLT_OK)
        leave_loop(net, 1);
}

/* ---- time ---- */

static void log_held(struct net *net)
{
    int64_t now = env_mono_ms(net->env);
    for (unsigned class = 0; class < LOG_RATE_CLASSES; class ++) {
        uint64_t held = log_rate_held(&net->log_rate, class, now);
        if (held > 0)
            log_info("more lines about %s that were left out: %" PRIu64,
                     err_name((enum mlt_err) class), held);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct net *net = timer->data;
    net_conn_tick_all(net);
    router_tick(net->router, env_wall_ms(net->env));
    router_expire(net->router, env_mono_ms(net->env));
    net_ca_tick(net);
    net_crl_tick(net);
    net_ledger_tick(net);
    net_seen_tick(net);
    net_mail_tick(net);
    log_held(net);
    net_check_stopped(net);
}

/* Before the loop sleeps: what one of these gives to another is not left lying. */
static void on_turn(uv_prepare_t *prepare)
{
    struct net *net = prepare->data;
    net_crl_turn(net);
    do {
        net_mail_turn(net);
        net_conn_flush_all(net);
        net_ca_turn(net);
    } while (!TAILQ_EMPTY(&net->touched));
    if (net_mail_is_pending(net) || net_crl_is_pending(net))
        uv_async_send(&net->mail.wake);
}

/* ---- the parent ---- */

/* Half of the time is for the disk and the answers to senders, half for the farewell. */
void net_check_stopped(struct net *net)
{
    if (!net->stopping)
        return;
    int64_t now = env_mono_ms(net->env);
    bool kept = router_putting(net->router) == 0;
    if (!net->told && (kept || now >= net->tell_ms)) {
        net->told = true;
        net_conn_stop_all(net);
    }
    if ((net->told && kept && TAILQ_EMPTY(&net->connections)) || now >= net->stop_ms)
        leave_loop(net, 0);
}

static void stop(struct net *net)
{
    if (net->stopping)
        return;
    net->stopping = true;
    net->stop_ms = env_mono_ms(net->env) + LIMIT_FLUSH_MS;
    net->tell_ms = net->stop_ms - LIMIT_FLUSH_MS / 2;
    router_stop(net->router);
    net_check_stopped(net);
}

static enum mlt_err handle(struct net *net, const struct ipc_message *message)
{
    struct ipc_net_start start = { 0 };
    switch (message->type) {
    case IPC_NET_START:
        TRY(ipc_net_start_decode(message->body, &start));
        ENSURE(net->group == DH_NONE, MLT_ERR_UNEXPECTED);
        net->group = (enum dh_group)start.group;
        net_work_set_group(&net->work, net->group);
        net_mail_configure(net, &start);
        return MLT_OK;
    case IPC_PEER:
        net_ca_connect(net, message->passed_fd);
        return MLT_OK;
    case IPC_STOP:
        stop(net);
        return MLT_OK;
    default:
        return MLT_ERR_UNEXPECTED;
    }
}

static void on_parent(uv_poll_t *poll, int status, int events)
{
    struct net *net = poll->data;
    (void)status;
    (void)events;
    CLEANUP(buf_clear) struct buf received = { 0 };
    struct ipc_message message = { 0 };
    bool got = false;
    enum mlt_err err = channel_receive(&net->parent, 0, &received, &message, &got);
    if (err == MLT_OK && got)
        err = handle(net, &message);
    if (err == MLT_OK)
        return;
    if (err != MLT_ERR_CUT)
        log_error("parent: bad message: %s", err_text(err));
    leave_loop(net, 1);
}

/* ---- start and end ---- */

static size_t raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return LIMIT_CONNECTIONS / 100;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return LIMIT_CONNECTIONS / 100;
    rlim_t most = limit.rlim_cur / 4 * 3;
    return most < LIMIT_CONNECTIONS ? (size_t)most : LIMIT_CONNECTIONS;
}

static enum mlt_err open_listeners(struct net *net, const int *fds, size_t count)
{
    TRY(ALLOC_ARRAY(count, &net->listeners));
    for (size_t i = 0; i < count; i++) {
        ENSURE(uv_tcp_init(&net->loop, &net->listeners[i]) == 0, MLT_ERR_SYSTEM);
        ENSURE(uv_tcp_open(&net->listeners[i], fds[i]) == 0, MLT_ERR_SYSTEM);
        net->listeners[i].data = net;
        net->listener_count++;
    }
    return MLT_OK;
}

/* Everything that needs files or the system's counters comes before the sandbox. */
static enum mlt_err enter_sandbox(void)
{
    CLEANUP(file_close) int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ENSURE(here >= 0, MLT_ERR_SYSTEM);
    struct sandbox_report report = { 0 };
    TRY(sandbox_enter(here, &report));
    if (!report.landlock)
        log_warning("this kernel has no Landlock: files are kept from this process by its user "
                    "alone");
    if (!report.seccomp)
        log_warning(
            "no seccomp here: the net process is not kept from sockets and other processes");
    return MLT_OK;
}

static enum mlt_err start_handles(struct net *net)
{
    net->flush.data = net->tick.data = net->parent_poll.data = net;
    ENSURE(uv_prepare_init(&net->loop, &net->flush) == 0, MLT_ERR_SYSTEM);
    ENSURE(uv_prepare_start(&net->flush, on_turn) == 0, MLT_ERR_SYSTEM);
    ENSURE(uv_timer_init(&net->loop, &net->tick) == 0, MLT_ERR_SYSTEM);
    ENSURE(uv_timer_start(&net->tick, on_tick, tick_ms, tick_ms) == 0, MLT_ERR_SYSTEM);
    ENSURE(uv_poll_init(&net->loop, &net->parent_poll, net->parent.fd) == 0, MLT_ERR_SYSTEM);
    ENSURE(uv_poll_start(&net->parent_poll, UV_READABLE, on_parent) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err start(struct net *net, const int *listeners, size_t count)
{
    bool locked = false;
    TRY(secret_start_large(&locked));
    if (!locked)
        log_warning("memory for keys could not be locked (RLIMIT_MEMLOCK)");
    TRY(crypto_start());
    ENSURE(uv_loop_init(&net->loop) == 0, MLT_ERR_SYSTEM);
    net_work_init(&net->work, &net->loop);
    net->connection_most = raise_file_limit();
    TRY(alloc_bytes(NET_READ_SPACE, &net->read_space));
    struct router_out out = { .ctx = net,
                              .deliver = net_session_on_deliver,
                              .outcome = net_session_on_outcome,
                              .end = net_session_on_end,
                              .put = net_mail_on_put,
                              .read = net_mail_on_read,
                              .remove = net_mail_on_remove,
                              .tell = net_mail_on_tell,
                              .noted = net_mail_on_noted,
                              .read_notices = net_mail_on_read_notices };
    TRY(router_new(net->env, &out, &net->router));
    TRY(net_mail_init(net));
    TRY(net_seen_init(net));
    net_crl_init(net);
    net->dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ENSURE(net->dir >= 0, MLT_ERR_SYSTEM);
    net_ledger_load(net);
    TRY(open_listeners(net, listeners, count));
    TRY(start_handles(net));
    return enter_sandbox();
}

int net_process(const struct env *env, struct channel *parent, const int *listeners, size_t count)
{
    /* The process ends with its loop; what it holds ends with it. */
    static struct net net;
    log_start("maloted[net]", LOG_LEVEL_INFO);
    signal(SIGPIPE, SIG_IGN);
    net.env = env;
    net.parent = *parent;
    net.ca.channel.fd = -1;
    TAILQ_INIT(&net.connections);
    TAILQ_INIT(&net.half_open);
    TAILQ_INIT(&net.touched);
    net_asks_init(&net.ca.asks);
    enum mlt_err err = start(&net, listeners, count);
    if (err != MLT_OK) {
        log_error("cannot start: %s", err_cause(err));
        return 1;
    }
    uv_run(&net.loop, UV_RUN_DEFAULT);
    /* A worker inside libcrypto must not outlive what exit() takes down. */
    net_work_clear(&net.work);
    while (net.work.running > 0)
        uv_run(&net.loop, UV_RUN_ONCE);
    net_ca_clear(&net);
    net_mail_close(&net);
    net_ledger_close(&net);
    net_crl_clear(&net);
    net_seen_clear(&net);
    return net.status;
}
