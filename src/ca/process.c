/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ca/admin_door.h"
#include "ca/birth.h"
#include "ca/ca.h"
#include "ca/mailbox.h"
#include "ca/members.h"
#include "ca/net_link.h"
#include "crypto/crypto.h"
#include "ipc/sandbox.h"

static const int64_t mailbox_retry_ms = 10000;
static const int64_t no_fill = INT64_MAX;
static const int64_t longest_wait_ms = 100;

struct process {
    struct channel *parent;
    struct buf received, sent;
    struct ca ca;
    struct net_link net;
    struct admin_door door;
    struct mailbox_pool *pool;
    int64_t fill_at_ms; /* when to look for a member without a mailbox pair, monotonic */
    int64_t idle_ms;    /* when there was nothing else to do, or that was done all the same */
    bool stop;
    bool reported; /* why we end: the parent says it, or the log */
};

static void process_clear(struct process *p)
{
    admin_door_clear(&p->door);
    net_link_clear(&p->net);
    ca_close(&p->ca);
    /* After the files: a pair that is being made may take until the parent's patience is over. */
    mailbox_pool_stop(&p->pool);
    buf_clear(&p->received);
    buf_clear(&p->sent);
}

/* ---- start ---- */

/* The parent decides when we stop, so that Ctrl-C does not leave it with a dead child. */
static void ignore_terminal_signals(void)
{
    static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
    for (size_t i = 0; i < COUNT_OF(ignored); i++)
        signal(ignored[i], SIG_IGN);
}

static enum mlt_err enter_sandbox(void)
{
    bool locked = false;
    TRY(secret_start(&locked));
    if (!locked)
        log_warning("memory for keys could not be locked: raise RLIMIT_MEMLOCK");
    TRY(crypto_start());
    umask(077);
    CLEANUP(file_close) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ENSURE(dir >= 0, MLT_ERR_SYSTEM);
    struct sandbox_report report = { 0 };
    TRY(sandbox_enter(dir, &report));
    if (!report.landlock)
        log_warning("this kernel has no Landlock: the ca process is not confined to its files");
    if (!report.seccomp)
        log_warning("no seccomp here: the ca process is not kept from sockets and other processes");
    return MLT_OK;
}

static void adopt_net(struct process *p, int fd)
{
    /* What the old channel's end did is not its successor's to answer for. */
    p->net.loss = NET_LINK_KEPT;
    net_link_start(&p->net, fd);
    p->fill_at_ms = 0;
}

/* The parent's next message, which must be `wanted`; *stop where it wants us to end. */
static enum mlt_err wait_for(struct process *p, enum ipc_type wanted, struct ipc_message *message)
{
    for (;;) {
        bool got = false;
        TRY(channel_receive(p->parent, -1, &p->received, message, &got));
        if (!got)
            continue;
        if (message->type == IPC_STOP)
            return MLT_ERR_CUT;
        return message->type == wanted ? MLT_OK : MLT_ERR_UNEXPECTED;
    }
}

static enum mlt_err send_to_parent(struct process *p, enum ipc_type type)
{
    return channel_send(p->parent, type, 0, buf_span(&p->sent));
}

static enum mlt_err report_failure(struct process *p, enum mlt_err err, const struct buf *why)
{
    struct ipc_ca_failed failed = { .err = err, .text = buf_span(why) };
    if (why->len == 0)
        failed.text = span_str(err_cause(err));
    buf_reset(&p->sent);
    TRY(ipc_ca_failed_encode(&failed, &p->sent));
    TRY(send_to_parent(p, IPC_CA_FAILED));
    p->reported = true;
    return MLT_OK;
}

static enum mlt_err ask_for_key(struct process *p, const struct ipc_key_needed *need,
                                struct secret *stretched)
{
    buf_reset(&p->sent);
    TRY(ipc_key_needed_encode(need, &p->sent));
    TRY(send_to_parent(p, IPC_KEY_NEEDED));
    struct ipc_message message;
    TRY(wait_for(p, IPC_KEY, &message));
    TRY(secret_copy(stretched, message.body));
    buf_reset(&p->received);
    return MLT_OK;
}

/* From CA_START to an opened authority; what fails on disk or by the passphrase is *why. */
static enum mlt_err open_authority(struct process *p, struct ipc_ca_ready *ready, struct buf *url,
                                   struct buf *why)
{
    struct ipc_message message;
    struct ipc_ca_start start;
    TRY(wait_for(p, IPC_CA_START, &message));
    TRY(ipc_ca_start_decode(message.body, &start));
    struct ipc_key_needed need;
    TRY(ca_open(&p->ca, env_system(), &start, &need, why));
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    TRY(ask_for_key(p, &need, &stretched));
    bool fresh = p->ca.fresh;
    TRY(ca_unlock(&p->ca, &stretched, why));
    /* An invite is good once; the URL without one says the same at every start. */
    if (fresh || p->ca.mode != ENROL_INVITE)
        TRY(birth_first_url(&p->ca, url));
    *ready = (struct ipc_ca_ready) { .first_run = fresh,
                                     .created = fresh,
                                     .realm = span_str(p->ca.realm),
                                     .join_url = buf_span(url) };
    return MLT_OK;
}

static enum mlt_err start(struct process *p)
{
    struct ipc_ca_ready ready;
    CLEANUP(buf_clear) struct buf url = { 0 };
    CLEANUP(buf_clear) struct buf why = { 0 };
    enum mlt_err err = open_authority(p, &ready, &url, &why);
    if (err == MLT_ERR_CUT)
        return err;
    if (err != MLT_OK) {
        TRY(report_failure(p, err, &why));
        return err;
    }
    TRY(mailbox_pool_start(LIMIT_MAILBOX_POOL, &p->pool));
    buf_reset(&p->sent);
    TRY(ipc_ca_ready_encode(&ready, &p->sent));
    return send_to_parent(p, IPC_CA_READY);
}

/* ---- the loop ---- */

static enum mlt_err read_parent(struct process *p)
{
    struct ipc_message message;
    bool got = false;
    TRY(channel_receive(p->parent, 0, &p->received, &message, &got));
    if (!got)
        return MLT_OK;
    switch (message.type) {
    case IPC_PEER:
        adopt_net(p, message.passed_fd);
        return MLT_OK;
    case IPC_STOP:
        p->stop = true;
        return MLT_OK;
    default:
        return MLT_ERR_UNEXPECTED;
    }
}

/* A net that broke the rules is ended by the parent, which then makes a new pair. */
static enum mlt_err report_loss(struct process *p)
{
    if (p->net.loss == NET_LINK_KEPT)
        return MLT_OK;
    const struct ipc_peer_lost lost = { p->net.loss == NET_LINK_MISBEHAVED };
    p->net.loss = NET_LINK_KEPT;
    buf_reset(&p->sent);
    TRY(ipc_peer_lost_encode(&lost, &p->sent));
    return send_to_parent(p, IPC_PEER_LOST);
}

static void on_member(void *ctx, const struct name *name)
{
    struct process *p = ctx;
    p->fill_at_ms = 0;
    net_link_on_member(&p->net, name);
}

static void on_revoked(void *ctx, const struct certificate *certificate)
{
    struct process *p = ctx;
    net_link_on_revoked(&p->net, certificate);
}

static void on_crl(void *ctx, uint64_t before)
{
    struct process *p = ctx;
    net_link_on_crl(&p->net, before);
}

static void on_erased(void *ctx, const struct name *name)
{
    struct process *p = ctx;
    net_link_on_erased(&p->net, name);
}

static void on_head(void *ctx)
{
    struct process *p = ctx;
    net_link_on_head(&p->net);
}

/* At most one pair, and first whoever waits for an answer: certificates come first. */
static void fill_one_mailbox(struct process *p)
{
    bool saved = false;
    p->idle_ms = env_mono_ms(p->ca.env);
    enum mlt_err err = mailbox_fill(&p->ca, p->pool, &p->net.pairs_wanted, &saved);
    if (err != MLT_OK) {
        log_error("a mailbox pair could not be saved in ca/: %s; next try in %d s", err_cause(err),
                  (int)(mailbox_retry_ms / 1000));
        p->fill_at_ms = env_mono_ms(p->ca.env) + mailbox_retry_ms;
        return;
    }
    p->fill_at_ms = saved ? 0 : no_fill;
}

static int fill_timeout(const struct process *p)
{
    if (p->fill_at_ms == no_fill)
        return -1;
    int64_t now_ms = env_mono_ms(p->ca.env);
    return p->fill_at_ms > now_ms ? (int)(p->fill_at_ms - now_ms) : 0;
}

static int timeout(struct process *p)
{
    int fill_ms = fill_timeout(p);
    int own_ms = ca_timeout(&p->ca);
    if (fill_ms < 0 || own_ms < 0)
        return fill_ms < 0 ? own_ms : fill_ms;
    return fill_ms < own_ms ? fill_ms : own_ms;
}

/* Nor may a busy net keep new members without one for good. */
static void fill_if_overdue(struct process *p)
{
    if (fill_timeout(p) == 0 && env_mono_ms(p->ca.env) - p->idle_ms >= longest_wait_ms)
        fill_one_mailbox(p);
}

enum { POLL_PARENT, POLL_POOL, POLL_NET, POLL_DOOR };

static enum mlt_err turn(struct process *p)
{
    struct pollfd polls[POLL_DOOR + ADMIN_DOOR_POLLS] = {
        [POLL_PARENT] = { p->parent->fd, POLLIN, 0 },
        [POLL_POOL] = { mailbox_pool_fd(p->pool), POLLIN, 0 },
        [POLL_NET] = { p->net.channel.fd, POLLIN, 0 }, /* -1 is skipped by poll */
    };
    int timeout_ms = timeout(p);
    size_t guests = admin_door_poll(&p->door, polls + POLL_DOOR, &timeout_ms);
    int n = poll(polls, POLL_DOOR + guests, timeout_ms);
    ENSURE(n >= 0 || errno == EINTR, MLT_ERR_SYSTEM);
    if (n <= 0) {
        p->idle_ms = env_mono_ms(p->ca.env);
        admin_door_serve(&p->door, NULL, 0);
        if (fill_timeout(p) == 0)
            fill_one_mailbox(p);
        return MLT_OK;
    }
    eventfd_t made;
    bool filled =
        polls[POLL_POOL].revents != 0 && eventfd_read(mailbox_pool_fd(p->pool), &made) == 0;
    if (filled && p->fill_at_ms == no_fill) /* a pair that could not be saved has its own time */
        p->fill_at_ms = 0;
    if (polls[POLL_NET].revents != 0)
        net_link_read(&p->net);
    if (p->net.pair_is_due)
        p->fill_at_ms = 0;
    p->net.pair_is_due = false;
    if (p->net.pairs_wanted.count > 0)
        mailbox_pool_hurry(p->pool);
    fill_if_overdue(p);
    admin_door_serve(&p->door, polls + POLL_DOOR, guests);
    return polls[POLL_PARENT].revents != 0 ? read_parent(p) : MLT_OK;
}

static enum mlt_err note_member(void *ctx, const struct name *name)
{
    bool *any = ctx;
    (void)name;
    *any = true;
    return MLT_OK;
}

/* The first join URL may have been lost: by a kill, a full disk, a closed stdout. */
static enum mlt_err hint_if_empty(struct process *p)
{
    bool any = false;
    const struct member_visit visit = { note_member, &any };
    TRY(members_each(&p->ca.db, &visit));
    if (!any)
        log_info("nobody is enrolled yet: 'malote-ca invite NAME' prints a join URL");
    return MLT_OK;
}

/* After a failed fsync only a restart knows again what is on the disk. */
static enum mlt_err check_files(struct process *p)
{
    if (!p->ca.keystore.broken && !p->ca.db.broken)
        return MLT_OK;
    log_error("the disk under ca/ failed: the ca process starts anew, to see what is on it");
    p->reported = true;
    return MLT_ERR_SYSTEM;
}

static enum mlt_err run(struct process *p)
{
    TRY(start(p));
    p->ca.events = (struct ca_events) { .ctx = p,
                                        .on_member = on_member,
                                        .on_revoked = on_revoked,
                                        .on_erased = on_erased,
                                        .on_head = on_head,
                                        .on_crl = on_crl };
    log_info("the CA of %s is open", p->ca.realm);
    TRY(hint_if_empty(p));
    ca_tick(&p->ca); /* the first net is to hear of a CRL that is up to date */
    while (!p->stop) {
        TRY(turn(p));
        ca_tick(&p->ca);
        TRY(report_loss(p));
        TRY(check_files(p));
    }
    head_catch_up(&p->ca); /* the next start finds all of the ledger signed */
    return MLT_OK;
}

int ca_process(struct channel *parent, int admin_fd, uid_t owner)
{
    log_start("maloted[ca]", LOG_LEVEL_INFO);
    ignore_terminal_signals();
    CLEANUP(process_clear) struct process p = { .parent = parent, .ca = ca_none() };
    net_link_init(&p.net, &p.ca);
    admin_door_init(&p.door, &p.ca, admin_fd, owner);
    enum mlt_err err = enter_sandbox();
    p.ca.env = env_system();
    if (err == MLT_OK)
        err = run(&p);
    /* A parent that is gone takes its children with it: that is no failure. */
    if (err == MLT_OK || err == MLT_ERR_CUT)
        return 0;
    if (!p.reported)
        log_error("the ca process ends: %s", err_cause(err));
    return 1;
}
