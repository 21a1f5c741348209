/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/net_link.h"

#include <string.h>

#include "base/log.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "ca/clock.h"
#include "ca/crl_keep.h"
#include "ca/enrol.h"
#include "ca/erased.h"
#include "ca/mailbox_grant.h"
#include "ca/mailbox_open.h"
#include "ca/members.h"
#include "ca/net_crl.h"
#include "ca/net_epochs.h"
#include "ca/proof.h"
#include "ca/renew.h"
#include "ca/seen.h"

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

static void forget(struct net_link *link)
{
    channel_close(&link->channel);
    link->ca->net = (struct ca_net) { 0 };
}

static void drop(struct net_link *link, enum mlt_err err)
{
    if (err == MLT_ERR_CUT) {
        log_info("net closed its channel");
    } else if (err == MLT_ERR_TIMEOUT && channel_is_out_of_patience(&link->channel)) {
        log_error("net reads too slowly, and keeps ca from its work: its channel is dropped");
        link->loss = NET_LINK_MISBEHAVED;
    } else if (err_fault(err) == FAULT_PEER && err != MLT_ERR_TIMEOUT) {
        log_error("net sent what it may not send (%s): its channel is dropped", err_text(err));
        link->loss = NET_LINK_MISBEHAVED;
    } else {
        log_error("the channel to net failed (%s) and is dropped", err_text(err));
        link->loss = NET_LINK_LOST;
    }
    forget(link);
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

static enum mlt_err send_head(struct net_link *link)
{
    buf_reset(&link->sent);
    TRY(buf_put(&link->sent, head_newest(link->ca)));
    return send(link, IPC_HEAD, 0);
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
    int64_t earliest_s = 0;
    TRY(clock_earliest(link->ca, &earliest_s));
    TRY(certificates_revoked(&link->ca->db, earliest_s, &revoked));
    TRY(net_epochs_send(&link->channel, &link->ca->db, &link->sent));
    TRY(net_crl_send(&link->channel, &link->ca->db, 0, &link->sent));
    TRY(send_head(link));
    const struct member_visit erased = { send_erased, link };
    TRY(erased_each(&link->ca->db, &erased));
    buf_reset(&link->sent);
    return send(link, IPC_SYNCED, 0);
}

void net_link_start(struct net_link *link, int fd)
{
    forget(link);
    head_catch_up(link->ca);
    channel_init(&link->channel, fd, IPC_CA, IPC_NET);
    channel_bound_waiting(&link->channel, LIMIT_SYNC_MS);
    link->ca->net.is_here = true;
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

void net_link_on_crl(void *ctx, uint64_t before)
{
    struct net_link *link = ctx;
    if (link->channel.fd < 0)
        return;
    enum mlt_err err = net_crl_send(&link->channel, &link->ca->db, before, &link->sent);
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

void net_link_on_head(void *ctx)
{
    struct net_link *link = ctx;
    if (link->channel.fd < 0)
        return;
    enum mlt_err err = send_head(link);
    if (err != MLT_OK)
        drop(link, err);
}

/* ---- what net asks ---- */

static bool may_log(const struct net_link *link, enum mlt_err err)
{
    return ca_may_log(link->ca, CA_LOG_ERRORS + (unsigned)err);
}

static enum refusal refusal_of(enum mlt_err err)
{
    return err == MLT_ERR_STOPPED ? REFUSAL_STOPPED : REFUSAL_BUSY;
}

/* Before the answer: its owner may come with the certificate as soon as he has it. */
static enum mlt_err send_issued(struct net_link *link, enum ipc_type type, uint32_t tag,
                                const struct ipc_enrolled *answer)
{
    if (answer->result == WELCOME_ISSUED)
        TRY(net_epochs_send_issued(&link->channel, link->ca, answer->certificate, &link->sent));
    buf_reset(&link->sent);
    TRY(ipc_enrolled_encode(answer, &link->sent));
    return send(link, type, tag);
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
        answer = (struct ipc_enrolled) { WELCOME_REFUSED, refusal_of(err), 0, { 0 } };
    }
    return send_issued(link, IPC_ENROLLED, message->tag, &answer);
}

static enum mlt_err answer_renew(struct net_link *link, const struct ipc_message *message)
{
    struct ipc_renew request;
    TRY(ipc_renew_decode(message->body, &request));
    CLEANUP(buf_clear) struct buf certificate = { 0 };
    struct ipc_enrolled answer;
    enum mlt_err err = renew_client(link->ca, &request, &answer, &certificate);
    if (err != MLT_OK) {
        if (may_log(link, err))
            log_error("a renewal failed: %s", err_cause(err));
        enum refusal reason = refusal_of(err);
        uint32_t again_s = reason == REFUSAL_BUSY ? LIMIT_RETRY_S : 0;
        answer = (struct ipc_enrolled) { WELCOME_REFUSED, reason, again_s, { 0 } };
    }
    return send_issued(link, IPC_RENEWED, message->tag, &answer);
}

static enum mlt_err answer_server_request(struct net_link *link, const struct ipc_message *message)
{
    CLEANUP(buf_clear) struct buf certificate = { 0 };
    struct ipc_server_cert answer = { .err = enrol_server(link->ca, message->body, &certificate) };
    if (answer.err == MLT_OK)
        answer.certificate = buf_span(&certificate);
    else if (may_log(link, answer.err))
        log_error("no certificate for the server: %s", err_cause(answer.err));
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

/* MLT_ERR_MISSING: it is not made yet.  Net may ask for anybody. */
static enum mlt_err want_pair(struct net_link *link, const struct name *name)
{
    bool lacks = false;
    TRY(members_lacks_mailbox(&link->ca->db, name, &lacks));
    if (lacks)
        mailbox_queue_add(&link->pairs_wanted, name);
    return MLT_ERR_MISSING;
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
    if (answer.err == MLT_ERR_MISSING && message->type == IPC_MAILBOX_WANTED)
        answer.err = want_pair(link, &wanted.name);
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

/* ---- what net reports ---- */

static enum mlt_err take_confirmation(struct net_link *link, const struct ipc_message *message)
{
    struct ipc_crl_taken taken;
    TRY(ipc_crl_taken_decode(message->body, &taken));
    /* What was never sent has not arrived: else one word now would confirm all that is to come. */
    struct crl_facts newest;
    if (crl_keep_facts(&link->ca->db, &newest) == MLT_OK && taken.number <= newest.number)
        link->ca->net.crl_taken = taken.number;
    return MLT_OK;
}

static enum mlt_err take_seen(struct net_link *link, const struct ipc_message *message)
{
    struct ipc_seen seen;
    TRY(ipc_seen_decode(message->body, &seen));
    enum mlt_err err = seen_take(link->ca, &seen);
    if (err != MLT_OK && may_log(link, err))
        log_error("who was seen could not be written down: %s", err_cause(err));
    return MLT_OK;
}

/* ---- the ledger ---- */

static enum mlt_err answer_proof(struct net_link *link, const struct ipc_message *message)
{
    struct ipc_proof_wanted wanted;
    CLEANUP(buf_clear) struct buf hashes = { 0 };
    TRY(ipc_proof_wanted_decode(message->body, &wanted));
    struct ipc_proof answer = { .err = proof_answer(link->ca, &wanted, &hashes) };
    if (answer.err == MLT_OK)
        answer.hashes = buf_span(&hashes);
    else if (err_fault(answer.err) == FAULT_LOCAL && answer.err != MLT_ERR_MISSING &&
             may_log(link, answer.err))
        log_error("no proof of the ledger: %s", err_cause(answer.err));
    buf_reset(&link->sent);
    TRY(ipc_proof_encode(&answer, &link->sent));
    return send(link, IPC_PROOF, message->tag);
}

static enum mlt_err answer_leaves(struct net_link *link, const struct ipc_message *message)
{
    struct ipc_leaves_wanted wanted;
    CLEANUP(buf_clear) struct buf leaves = { 0 };
    TRY(ipc_leaves_wanted_decode(message->body, &wanted));
    struct ipc_leaves answer = { .err = proof_leaves(link->ca, wanted.first, &leaves),
                                 .first = wanted.first };
    if (answer.err == MLT_ERR_MISSING) /* there are none from there on */
        answer.err = MLT_OK;
    else if (answer.err != MLT_OK && may_log(link, answer.err))
        log_error("no leaves of the ledger: %s", err_cause(answer.err));
    if (answer.err == MLT_OK)
        answer.leaves = buf_span(&leaves);
    buf_reset(&link->sent);
    TRY(ipc_leaves_encode(&answer, &link->sent));
    return send(link, IPC_LEAVES, message->tag);
}

/* Net has checked the signature: one that is not ours says what net is, and no more. */
static enum mlt_err take_head(struct net_link *link, const struct ipc_message *message)
{
    enum mlt_err err = stopped_on_head(link->ca, message->body);
    if (err == MLT_OK || err_fault(err) == FAULT_PEER)
        return err;
    log_error("the stop of the CA could not be written down: %s", err_cause(err));
    return MLT_OK;
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
    case IPC_RENEW:
        return answer_renew(link, &message);
    case IPC_CRL_TAKEN:
        return take_confirmation(link, &message);
    case IPC_SEEN:
        return take_seen(link, &message);
    case IPC_PROOF_WANTED:
        return answer_proof(link, &message);
    case IPC_LEAVES_WANTED:
        return answer_leaves(link, &message);
    case IPC_HEAD_SHOWN:
        return take_head(link, &message);
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
