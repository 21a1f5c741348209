/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/net_link.h"

#include <string.h>

#include "base/log.h"
#include "ca/enrol.h"
#include "ca/members.h"

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

/* ---- what net asks ---- */

static enum mlt_err answer_enrol(struct net_link *link, const struct ipc_message *message)
{
    struct ipc_enrol request;
    TRY(ipc_enrol_decode(message->body, &request));
    CLEANUP(buf_clear) struct buf certificate = { 0 };
    struct ipc_enrolled answer;
    enum mlt_err err = enrol_client(link->ca, &request, &answer, &certificate);
    if (err != MLT_OK) {
        /* Our own trouble: nothing was given out, and asking again later is right. */
        log_error("enrolment of %s failed: %s", request.name.text, err_text(err));
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
        log_error("no certificate for the server: %s", err_text(answer.err));
    else
        answer.certificate = buf_span(&certificate);
    buf_reset(&link->sent);
    TRY(ipc_server_cert_encode(&answer, &link->sent));
    return send(link, IPC_SERVER_CERT, message->tag);
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
