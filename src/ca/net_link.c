/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/net_link.h"

#include <string.h>

#include "base/log.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "ca/enrol.h"
#include "ca/erased.h"
#include "ca/mailbox_grant.h"
#include "ca/mailbox_open.h"

void net_link_init(struct net_link *link, struct ca *ca)
{
    *link = (struct net_link) { .ca = ca, .channel = { .fd = -1 } };
}

void net_link_clear(struct net_link *link)
{
    channel_close(&link->channel);
    buf_clear(&link->received);
    buf_clear(&link->sent);
}

static void drop(struct net_link *link, enum mlt_err err)
{
    if (err == MLT_ERR_CUT) {
        log_info("net closed its channel");
    } else if (err_fault(err) == FAULT_PEER && err != MLT_ERR_TIMEOUT) {
        log_error("net sent what it may not send (%s): its channel is dropped", err_text(err));
        link->loss = NET_LINK_MISBEHAVED;
    } else {
        log_error("the channel to net failed (%s) and is dropped", err_text(err));
        link->loss = NET_LINK_LOST;
    }
    channel_close(&link->channel);
}

static enum mlt_err send(struct net_link *link, enum ipc_type type, uint32_t tag)
{
    return channel_send(&link->channel, type, tag, buf_span(&link->sent));
}

/* ---- what net is told ---- */

static enum mlt_err send_member(void *ctx, const struct name *name)
{
    struct net_link *link = ctx;
    const struct ipc_member m = { *name };
    buf_reset(&link->sent);
    TRY(ipc_member_encode(&m, &link->sent));
    return send(link, IPC_MEMBER, 0);
}

static enum mlt_err send_revoked(void *ctx, const struct certificate *c)
{
    struct net_link *link = ctx;
    struct ipc_revoked m = { .name = c->name };
    memcpy(m.serial, c->serial, CERT_SERIAL);
    memcpy(m.spki_hash, c->spki_hash, HASH_LEN);
    buf_reset(&link->sent);
    TRY(ipc_revoked_encode(&m, &link->sent));
    return send(link, IPC_REVOKED, 0);
}

static enum mlt_err send_erased(void *ctx, const struct name *name)
{
    struct net_link *link = ctx;
    const struct ipc_mailbox_name m = { *name };
    buf_reset(&link->sent);
    TRY(ipc_mailbox_name_encode(&m, &link->sent));
    return send(link, IPC_MAILBOX_ERASED, 0);
}

static enum mlt_err send_everything(struct net_link *link)
{
    const struct ipc_ca_info info = { buf_span(&link->ca->cert_der) };
    buf_reset(&link->sent);
    TRY(ipc_ca_info_encode(&info, &link->sent));
    TRY(send(link, IPC_CA_INFO, 0));
    const struct member_visit members = { send_member, link };
    TRY(members_each(&link->ca->db, &members));
    const struct certificate_visit revoked = { send_revoked, link };
    TRY(certificates_revoked(&link->ca->db, ca_now_s(link->ca), &revoked));
    const struct member_visit erased = { send_erased, link };
    TRY(erased_each(&link->ca->db, &erased));
    buf_reset(&link->sent);
    return send(link, IPC_SYNCED, 0);
}

void net_link_start(struct net_link *link, int fd)
{
    channel_close(&link->channel);
    channel_init(&link->channel, fd, IPC_CA, IPC_NET);
    enum mlt_err err = send_everything(link);
    if (err != MLT_OK)
        drop(link, err);
}

void net_link_on_member(void *ctx, const struct name *name)
{
    struct net_link *link = ctx;
    if (link->channel.fd < 0)
        return;
    enum mlt_err err = send_member(link, name);
    if (err != MLT_OK)
        drop(link, err);
}

/* A net that did not get it must not go on: its next one is told everything anew. */
void net_link_on_revoked(void *ctx, const struct certificate *certificate)
{
    struct net_link *link = ctx;
    if (link->channel.fd < 0)
        return;
    enum mlt_err err = send_revoked(link, certificate);
    if (err != MLT_OK)
        drop(link, err);
}

void net_link_on_erased(void *ctx, const struct name *name)
{
    struct net_link *link = ctx;
    if (link->channel.fd < 0)
        return;
    enum mlt_err err = send_erased(link, name);
    if (err != MLT_OK)
        drop(link, err);
}

/* ---- what net asks ---- */

/* Beside the classes of enrol.c. */
static bool may_log(const struct net_link *link, enum mlt_err err)
{
    return log_rate_take(&link->ca->log_rate, LOG_RATE_CLASSES / 2 + (unsigned)err,
                         env_mono_ms(link->ca->env));
}

static enum mlt_err answer_enrol(struct net_link *link, const struct ipc_message *message)
{
    struct ipc_enrol request;
    TRY(ipc_enrol_decode(message->body, &request));
    CLEANUP(buf_clear) struct buf certificate = { 0 };
    struct ipc_enrolled answer;
    enum mlt_err err = enrol_client(link->ca, &request, &answer, &certificate);
    if (err != MLT_OK) {
        /* Our own trouble: nothing was given out, and asking again later is right. */
        if (may_log(link, err))
            log_error("enrolment of %s failed: %s", request.name.text, err_cause(err));
        answer = (struct ipc_enrolled) { WELCOME_REFUSED, REFUSAL_BUSY, 0, { 0 } };
    }
    buf_reset(&link->sent);
    TRY(ipc_enrolled_encode(&answer, &link->sent));
    return send(link, IPC_ENROLLED, message->tag);
}

static enum mlt_err answer_server_request(struct net_link *link, const struct ipc_message *message)
{
    CLEANUP(buf_clear) struct buf certificate = { 0 };
    struct ipc_server_cert answer = { .err = enrol_server(link->ca, message->body, &certificate) };
    if (answer.err != MLT_OK)
        log_error("no certificate for the server: %s", err_cause(answer.err));
    else
        answer.certificate = buf_span(&certificate);
    buf_reset(&link->sent);
    TRY(ipc_server_cert_encode(&answer, &link->sent));
    return send(link, IPC_SERVER_CERT, message->tag);
}

static enum mlt_err answer_nonces(struct net_link *link, const struct ipc_message *message)
{
    CLEANUP(buf_clear) struct buf nonces = { 0 };
    TRY(mailbox_grant_nonces(link->ca, LIMIT_NONCES, &nonces));
    const struct ipc_nonces answer = { buf_span(&nonces) };
    buf_reset(&link->sent);
    TRY(ipc_nonces_encode(&answer, &link->sent));
    return send(link, IPC_NONCES, message->tag);
}

static enum mlt_err confirm_erasure(struct net_link *link, const struct name *name)
{
    bool freed = false;
    TRY(erased_forget(&link->ca->db, name, &freed));
    link->pair_is_due |= freed;
    return MLT_OK;
}

/* MAILBOX_WANTED and MAILBOX_GONE. */
static enum mlt_err answer_mailbox(struct net_link *link, const struct ipc_message *message)
{
    struct ipc_mailbox_name wanted;
    TRY(ipc_mailbox_name_decode(message->body, &wanted));
    CLEANUP(buf_clear) struct buf spki = { 0 };
    struct ipc_mailbox answer = { .err = MLT_OK };
    if (message->type == IPC_MAILBOX_GONE)
        answer.err = confirm_erasure(link, &wanted.name);
    if (answer.err == MLT_OK)
        answer.err = mailbox_open_public(link->ca, &wanted.name, &spki);
    if (answer.err == MLT_OK)
        answer.spki = buf_span(&spki);
    else if (answer.err != MLT_ERR_MISSING && may_log(link, answer.err))
        log_error("mailbox key of %s: %s", wanted.name.text, err_cause(answer.err));
    buf_reset(&link->sent);
    TRY(ipc_mailbox_encode(&answer, &link->sent));
    return send(link, IPC_MAILBOX, message->tag);
}

/* A refusal is net's to say in its log, beside whose login it was. */
static enum mlt_err answer_login_proof(struct net_link *link, const struct ipc_message *message)
{
    struct ipc_login_proof proof;
    TRY(ipc_login_proof_decode(message->body, &proof));
    struct ipc_login_grant answer = { 0 };
    answer.err = mailbox_grant_judge(link->ca, &proof, &answer);
    buf_reset(&link->sent);
    TRY(ipc_login_grant_encode(&answer, &link->sent));
    return send(link, IPC_LOGIN_GRANT, message->tag);
}

static enum mlt_err send_unwrapped(struct net_link *link, uint32_t tag, enum mlt_err err,
                                   const struct secret *secret)
{
    struct ipc_unwrapped answer = { .err = err };
    if (err == MLT_OK)
        memcpy(answer.secret, secret->p, sizeof(answer.secret));
    buf_reset(&link->sent);
    err = ipc_unwrapped_encode(&answer, &link->sent);
    alloc_wipe(&answer, sizeof(answer));
    if (err == MLT_OK)
        err = send(link, IPC_UNWRAPPED, tag);
    buf_reset(&link->sent); /* wiped */
    return err;
}

static enum mlt_err answer_unwrap(struct net_link *link, const struct ipc_message *message)
{
    struct ipc_unwrap wanted;
    TRY(ipc_unwrap_decode(message->body, &wanted));
    CLEANUP(secret_clear) struct secret secret = { 0 };
    enum mlt_err err = mailbox_open_segment(link->ca, &wanted, &secret);
    if (err != MLT_OK && err != MLT_ERR_STATE && may_log(link, err))
        log_error("stored mail of %s could not be opened: %s", wanted.recipient.text,
                  err_cause(err));
    return send_unwrapped(link, message->tag, err, &secret);
}

static enum mlt_err read_one(struct net_link *link)
{
    struct ipc_message message;
    bool got = false;
    TRY(channel_receive(&link->channel, 0, &link->received, &message, &got));
    if (!got)
        return MLT_OK;
    switch (message.type) {
    case IPC_ENROL:
        return answer_enrol(link, &message);
    case IPC_SERVER_REQUEST:
        return answer_server_request(link, &message);
    case IPC_NONCES_WANTED:
        return answer_nonces(link, &message);
    case IPC_MAILBOX_WANTED:
    case IPC_MAILBOX_GONE:
        return answer_mailbox(link, &message);
    case IPC_LOGIN_PROOF:
        return answer_login_proof(link, &message);
    case IPC_UNWRAP:
        return answer_unwrap(link, &message);
    default:
        return MLT_ERR_UNEXPECTED;
    }
}

void net_link_read(struct net_link *link)
{
    enum mlt_err err = read_one(link);
    if (err != MLT_OK)
        drop(link, err);
}
