/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/net.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "pki/request.h"

static const unsigned identity_bits = 2048; /* a day's key */
static const int64_t retry_ms = 60000;      /* within LIMIT_SERVER_CERTS_PER_HOUR */
static const int64_t overdue_ms = 5 * 60000;
static const int64_t warn_again_ms = 3600000;
static const int messages_per_turn = 256; /* a long synchronisation delays nobody */

static void lose(struct net *net);

/* The parent makes a new pair; whoever misbehaved ends before that. */
static void ask_for_new_pair(struct net *net, bool misbehaved)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct ipc_peer_lost lost = { misbehaved };
    enum mlt_err err = ipc_peer_lost_encode(&lost, &body);
    if (err == MLT_OK)
        err = channel_send(&net->parent, IPC_PEER_LOST, 0, buf_span(&body));
    if (err != MLT_OK)
        log_error("parent: could not be told that ca is lost: %s", err_text(err));
}

/* ---- our own certificate ---- */

struct key_making {
    struct net *net;
    EVP_PKEY *key;
    struct buf request;
    enum mlt_err err;
};

static enum mlt_err make_key(struct key_making *making)
{
    struct name relay = { .text = "relay" };
    TRY(rsa_key_new(identity_bits, &making->key));
    return request_make(making->key, &relay, &making->request);
}

static void make_key_on_worker(void *ctx)
{
    struct key_making *making = ctx;
    making->err = make_key(making);
}

static void ask_for_certificate(struct net *net, struct key_making *making)
{
    struct net_ca *ca = &net->ca;
    if (making->err == MLT_OK && ca->channel.fd >= 0) {
        uint32_t tag = net_asks_tag(&ca->asks);
        struct span request = buf_span(&making->request);
        making->err = channel_send(&ca->channel, IPC_SERVER_REQUEST, tag, request);
        if (making->err == MLT_OK) {
            rsa_key_free(&ca->new_key);
            ca->new_key = making->key;
            making->key = NULL;
            ca->key_tag = tag;
        }
    }
    if (making->err != MLT_OK)
        log_error("no request for a server certificate: %s", err_text(making->err));
}

static void on_key_made(void *ctx)
{
    struct key_making *making = ctx;
    making->net->ca.making_key = false;
    ask_for_certificate(making->net, making);
    rsa_key_free(&making->key);
    buf_clear(&making->request);
    alloc_free(making);
}

static void start_key(struct net *net)
{
    struct key_making *making = NULL;
    enum mlt_err err = ALLOC_NEW(&making);
    if (err == MLT_OK) {
        making->net = net;
        const struct net_task task = { making, NULL, make_key_on_worker, on_key_made };
        err = net_work_add(&net->work, &task);
    }
    net->ca.making_key = err == MLT_OK;
    if (err != MLT_OK) {
        alloc_free(making);
        log_warning("no new server key now: %s", err_text(err));
    }
}

static void renew_if_due(struct net *net)
{
    struct net_ca *ca = &net->ca;
    int64_t now = env_mono_ms(net->env);
    if (!ca->synced || net->stopping || ca->making_key || ca->key_tag != 0 || now < ca->next_try_ms)
        return;
    if (net->identity != NULL && !server_identity_is_due(net->identity, env_wall_ms(net->env)))
        return;
    ca->next_try_ms = now + retry_ms;
    start_key(net);
}

static void warn_of_end(const struct server_identity *own, int64_t now_ms)
{
    char due[TIMEFMT_RFC3339], end[TIMEFMT_RFC3339];
    int64_t end_ms = own->cert.fields.not_after_s * 1000;
    timefmt_rfc3339(server_identity_due_ms(own), due);
    timefmt_rfc3339(end_ms, end);
    if (now_ms < end_ms)
        log_warning("our server certificate is due for renewal since %s, and ca gives no new one: "
                    "from %s on NOBODY CAN LOG IN; see what ca says in this log, and start maloted "
                    "anew",
                    due, end);
    else
        log_error("our server certificate ended at %s, and ca gives no new one: NOBODY CAN LOG IN; "
                  "see what ca says in this log, and start maloted anew",
                  end);
}

/* Clients refuse it once it has ended, and then their users know before the administrator does. */
static void warn_if_overdue(struct net *net)
{
    struct net_ca *ca = &net->ca;
    int64_t wall_ms = env_wall_ms(net->env), now_ms = env_mono_ms(net->env);
    if (net->identity == NULL || wall_ms < server_identity_due_ms(net->identity)) {
        ca->warn_ms = 0;
        return;
    }
    if (ca->warn_ms ==
        0) /* as it falls due it is asked for; a machine that slept comes late to it */
        ca->warn_ms = now_ms + overdue_ms;
    if (now_ms < ca->warn_ms)
        return;
    ca->warn_ms = now_ms + warn_again_ms;
    warn_of_end(net->identity, wall_ms);
}

static enum mlt_err handle_server_cert(struct net *net, const struct ipc_message *message)
{
    struct ipc_server_cert answer = { 0 };
    TRY(ipc_server_cert_decode(message->body, &answer));
    ENSURE(net->ca.key_tag != 0 && message->tag == net->ca.key_tag, MLT_ERR_UNEXPECTED);
    net->ca.key_tag = 0;
    struct server_identity_parts parts = { .env = net->env,
                                           .group = net->group,
                                           .ca_der = buf_span(&net->ca.ca_der),
                                           .der = answer.certificate };
    struct server_identity *made = NULL;
    enum mlt_err err = answer.err;
    if (err == MLT_OK)
        err = server_identity_new(&parts, &net->ca.new_key, &made);
    rsa_key_free(&net->ca.new_key);
    if (err != MLT_OK) {
        log_error("ca: no server certificate: %s; %s, next try in %d s", err_text(err),
                  net->serving ? "the old one stays in use" : "not listening yet",
                  (int)(retry_ms / 1000));
        return MLT_OK;
    }
    server_identity_drop(&net->identity);
    net->identity = made;
    log_info("server certificate of this key is in use, until half its life");
    net_serve(net);
    return MLT_OK;
}

/* ---- who is who ---- */

static enum mlt_err handle_ca_info(struct net *net, const struct ipc_message *message)
{
    struct ipc_ca_info info = { 0 };
    TRY(ipc_ca_info_decode(message->body, &info));
    struct cert root = { 0 };
    TRY(cert_read_ca(info.ca_der, NULL, &root));
    cert_clear(&net->ca.root);
    net->ca.root = root;
    buf_reset(&net->ca.ca_der);
    TRY(buf_put(&net->ca.ca_der, info.ca_der));
    net->ca.synced = false;
    net_crl_root_is_known(net);
    net_ledger_root_is_known(net);
    return router_sync_begin(net->router);
}

static enum mlt_err handle_member(struct net *net, const struct ipc_message *message)
{
    struct ipc_member member = { 0 };
    TRY(ipc_member_decode(message->body, &member));
    return router_member(net->router, &member.name);
}

/* Nobody may take the key for ours any more: a new one is asked for, and until it is there whoever
 * connects is sent away.  Sessions stand on keys of their own. */
static void check_own(struct net *net, const struct router_revocation *what)
{
    const struct server_identity *own = net->identity;
    if (own == NULL || !(span_eq(SPAN_OF(own->cert.fields.serial), what->serial) ||
                         span_eq(SPAN_OF(own->cert.spki_hash), what->spki_hash)))
        return;
    log_warning("our server certificate was revoked: a new key is made");
    server_identity_drop(&net->identity);
    net->ca.next_try_ms = 0;
    struct net_conn *next = NULL;
    for (struct net_conn *conn = TAILQ_FIRST(&net->connections); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, of_all);
        net_handshake_revoke(conn);
    }
    renew_if_due(net);
}

static enum mlt_err handle_revoked(struct net *net, const struct ipc_message *message)
{
    struct ipc_revoked revoked = { 0 };
    TRY(ipc_revoked_decode(message->body, &revoked));
    struct router_revocation what = { .name = revoked.name,
                                      .serial = SPAN_OF(revoked.serial),
                                      .spki_hash = SPAN_OF(revoked.spki_hash) };
    check_own(net, &what);
    return router_revoked(net->router, &what);
}

static enum mlt_err handle_epoch(struct net *net, const struct ipc_message *message)
{
    struct ipc_epoch epoch = { 0 };
    TRY(ipc_epoch_decode(message->body, &epoch));
    return router_gap(net->router, epoch.from_s, epoch.until_s);
}

static enum mlt_err handle_known(struct net *net, const struct ipc_message *message)
{
    struct ipc_known known = { 0 };
    TRY(ipc_known_decode(message->body, &known));
    return router_known(net->router, SPAN_OF(known.serial));
}

static enum mlt_err handle_synced(struct net *net)
{
    ENSURE(net->ca.ca_der.len > 0, MLT_ERR_UNEXPECTED);
    router_sync_end(net->router);
    net->ca.synced = true;
    renew_if_due(net);
    net_mail_ca_is_here(net);
    return MLT_OK;
}

static enum mlt_err handle(struct net *net, const struct ipc_message *message)
{
    switch (message->type) {
    case IPC_CA_INFO:
        return handle_ca_info(net, message);
    case IPC_MEMBER:
        return handle_member(net, message);
    case IPC_REVOKED:
        return handle_revoked(net, message);
    case IPC_EPOCH:
        return handle_epoch(net, message);
    case IPC_KNOWN:
        return handle_known(net, message);
    case IPC_SYNCED:
        return handle_synced(net);
    case IPC_SERVER_CERT:
        return handle_server_cert(net, message);
    case IPC_CRL_PART:
        return net_crl_part(net, message->body);
    case IPC_NOTICE:
        return net_crl_notice(net, message->body);
    case IPC_HEAD:
        return net_ledger_head(net, message->body);
    case IPC_MAILBOX_ERASED:
        return net_mail_erased(net, message->body);
    case IPC_ENROLLED:
    case IPC_NONCES:
    case IPC_MAILBOX:
    case IPC_LOGIN_GRANT:
    case IPC_UNWRAPPED:
    case IPC_RENEWED:
    case IPC_PROOF:
    case IPC_LEAVES:
        return net_asks_answer(&net->ca.asks, message);
    default:
        return MLT_ERR_UNEXPECTED;
    }
}

/* ---- the channel ---- */

static void free_poll(uv_handle_t *handle)
{
    alloc_free(handle);
}

/* Everything that hung on this channel is over; logins and messages go on without it. */
static void lose(struct net *net)
{
    struct net_ca *ca = &net->ca;
    if (ca->poll != NULL) {
        uv_poll_stop(ca->poll);
        uv_close((uv_handle_t *)ca->poll, free_poll);
        ca->poll = NULL;
    }
    channel_close(&ca->channel);
    ca->synced = false;
    ca->key_tag = 0;
    ca->next_try_ms = 0;
    rsa_key_free(&ca->new_key);
    net_mail_ca_is_lost(net);
    net_asks_lose(&ca->asks);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct net *net = poll->data;
    (void)events;
    (void)status; /* an error shows when we read */
    for (int i = 0; i < messages_per_turn && net->ca.poll == poll; i++) {
        struct ipc_message message = { 0 };
        bool got = false;
        enum mlt_err err = channel_receive(&net->ca.channel, 0, &net->ca.received, &message, &got);
        if (err == MLT_OK && !got)
            return;
        if (err == MLT_OK)
            err = handle(net, &message);
        buf_reset(&net->ca.received); /* it may hold a key */
        if (err == MLT_OK)
            continue;
        if (err == MLT_ERR_CUT && net->stopping)
            log_debug("ca: gone");
        else if (err == MLT_ERR_CUT)
            log_warning("ca: gone; enrolments are refused until it is back");
        else
            log_error("ca: bad message, channel dropped: %s", err_text(err));
        lose(net);
        if (err != MLT_ERR_CUT)
            ask_for_new_pair(net, err_fault(err) == FAULT_PEER && err != MLT_ERR_TIMEOUT);
    }
}

void net_ca_connect(struct net *net, int fd)
{
    lose(net);
    channel_init(&net->ca.channel, fd, IPC_NET, IPC_CA);
    uv_poll_t *poll = NULL;
    enum mlt_err err = ALLOC_NEW(&poll);
    if (err == MLT_OK && uv_poll_init(&net->loop, poll, fd) != 0) {
        alloc_free(poll);
        err = MLT_ERR_SYSTEM;
    }
    if (err != MLT_OK) {
        log_error("ca: channel could not be watched: %s", err_text(err));
        channel_close(&net->ca.channel);
        ask_for_new_pair(net, false);
        return;
    }
    poll->data = net;
    net->ca.poll = poll;
    if (uv_poll_start(poll, UV_READABLE, on_readable) == 0)
        return;
    lose(net);
    ask_for_new_pair(net, false);
}

void net_ca_turn(struct net *net)
{
    struct net_ca *ca = &net->ca;
    if (ca->channel.fd < 0) {
        net_asks_lose(&ca->asks);
        return;
    }
    enum mlt_err err = net_asks_send(&ca->asks, &ca->channel, &net->body);
    buf_reset(&net->body);
    if (err == MLT_OK)
        return;
    log_error("ca: could not be asked: %s", err_text(err));
    lose(net);
    ask_for_new_pair(net, false);
}

void net_ca_tick(struct net *net)
{
    renew_if_due(net);
    warn_if_overdue(net);
}

void net_ca_clear(struct net *net)
{
    lose(net);
    buf_clear(&net->ca.received);
    buf_clear(&net->ca.ca_der);
    cert_clear(&net->ca.root);
}

/* ---- for renewal, revocation and ledger ---- */

void net_authority_welcome(const struct net *net, struct welcome *w)
{
    w->ledger_head = buf_span(&net->ledger.witness.bytes);
    w->crl_number = crl_newest(&net->crl.held, &net->crl.notices);
}

void net_authority_tell_ca(struct net *net, enum ipc_type type, struct span body)
{
    struct net_ca *ca = &net->ca;
    if (ca->channel.fd < 0)
        return;
    enum mlt_err err = channel_send(&ca->channel, type, 0, body);
    if (err != MLT_OK)
        log_error("ca: could not be told: %s", err_text(err));
}
