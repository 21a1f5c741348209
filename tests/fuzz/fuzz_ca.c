/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authority.h"
#include "base/limits.h"
#include "ca/admin.h"
#include "ca/invite.h"
#include "ca/mailbox_grant.h"
#include "ca/mailbox_open.h"
#include "ca/net_link.h"
#include "crypto/rsa.h"
#include "login.h"
#include "pki/statement.h"
#include "signed_oracle.h"
#include "wire/cursor.h"

/*
 * A real CA behind its two doors.  Steps of kind u8, vec16: a packet from net (type u8, tag u32,
 * body), a good ENROL with edits (place u16, byte u8), an administrator's request, a good proof of
 * a login or a good wish to unwrap, both with edits, at a CA with a member, a good RENEW with
 * edits, at one whose member's certificate is due, or one of a certificate that was lost, with
 * edits, at one whose ledger was put back.  net may be taken over: whatever it sends, nobody is
 * certified without an invite, whose token it never sees, nothing is renewed but what its holder
 * has signed for, no mail is opened for anything but what was proven, and what is out of order ends
 * its channel.  Requests come from root or the owner: they may be nonsense, and are answered in one
 * line.
 */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct authority authority, with_member, with_due;
static int here;
static struct buf good_enrol, good_renew, good_return, certificate, wrapped;
static uint8_t good_invite[INVITE_ID];
static const uint8_t secret[HASH_LEN] = "what nobody gets by guessing it";

static void must(bool cond)
{
    if (!cond)
        abort();
}

/* An authority works in its own directory, and looks there whether its files have their names;
 * the corpora are named from the first one. */
static void enter(const struct authority *a)
{
    must(fchdir(a != NULL ? a->ca.dir : here) == 0);
}

static void take_away(void)
{
    enter(&authority);
    authority_stop(&authority);
    enter(&with_member);
    authority_stop(&with_member);
    enter(&with_due);
    authority_stop(&with_due);
    buf_clear(&good_enrol);
    buf_clear(&good_renew);
    buf_clear(&good_return);
    buf_clear(&certificate);
    buf_clear(&wrapped);
}

/* Ana, her mailbox pair, and a secret wrapped for it. */
static void start_with_member(void)
{
    authority_start(&with_member, ENROL_OPEN);
    (void)authority_enrol(&with_member, "ana", authority_key(1), NULL, &certificate);
    authority_fill_mailboxes(&with_member);
    CLEANUP(buf_clear) struct buf spki = { 0 };
    CLEANUP(buf_clear) struct buf label = { 0 };
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    const struct name ana = authority_name("ana");
    static const uint8_t segment[MAIL_SEGMENT] = { 0 };
    must(mailbox_open_public(&with_member.ca, &ana, &spki) == MLT_OK);
    must(rsa_public_decode(buf_span(&spki), &key) == MLT_OK);
    must(mailbox_label(&ana, segment, &label) == MLT_OK);
    must(rsa_wrap(key, buf_span(&label), SPAN_OF(secret), &wrapped) == MLT_OK);
}

/* Rui, half of whose certificate's life is over. */
static void start_with_due(void)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct certificate c;
    const struct name rui = authority_name("rui");
    authority_start(&with_due, ENROL_INVITE);
    const struct invite invite = authority_invite(&with_due, "rui");
    (void)authority_enrol(&with_due, "rui", authority_key(2), &invite, &der);
    must(certificates_newest(&with_due.ca.db, CERT_CLIENT, &rui, &c, &der) == MLT_OK);
    must(statement_sign_renewal(authority_key(2), &with_due.ca.cert, c.serial, &signature) ==
         MLT_OK);
    struct ipc_renew ask = { .signature = buf_span(&signature) };
    memcpy(ask.serial, c.serial, CERT_SERIAL);
    must(ipc_renew_encode(&ask, &good_renew) == MLT_OK);
    with_due.now_ms += (int64_t)LIMIT_CERT_DAYS * 86400 * 1000 / 2;
}

/* What Ana had renewed, before the ledger was put back that knows her first one. */
static void lose_one_of_members(void)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    const int64_t now_s = with_member.now_ms / 1000;
    struct ledger_opening opening = { .epoch = (uint64_t)now_s + 60, .crl = 1 };
    const struct authority_lost lost = { .name = "ana",
                                         .key = authority_key(1),
                                         .issued_s = now_s + 30,
                                         .not_after_s =
                                             now_s + 30 + (int64_t)LIMIT_CERT_DAYS * 86400 };
    must(ledger_size(&with_member.ca.db, &opening.base) == MLT_OK);
    must(database_begin(&with_member.ca.db) == MLT_OK);
    must(database_end(&with_member.ca.db, ledger_open_epoch(&with_member.ca.db, &opening)) ==
         MLT_OK);
    with_member.now_ms += 60000;
    authority_sign_lost(&with_member, &lost, &der);
    const struct ipc_renew ask =
        authority_renew_lost(&with_member, buf_span(&der), authority_key(1), &signature);
    must(ipc_renew_encode(&ask, &good_return) == MLT_OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    uint8_t byte;
    (void)argc;
    (void)argv;
    /* Before the secure heap, where the leak sanitizer would not find what hangs on them. */
    must(RAND_bytes(&byte, 1) == 1 && RAND_priv_bytes(&byte, 1) == 1);
    authority_libraries();
    here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    must(here >= 0);
    start_with_member();
    lose_one_of_members();
    start_with_due();
    authority_start(&authority, ENROL_INVITE);
    CLEANUP(buf_clear) struct buf request = { 0 };
    const struct invite invite = authority_invite(&authority, "maria");
    memcpy(good_invite, invite.id, INVITE_ID);
    const struct ipc_enrol ask =
        authority_ask(&authority.ca.cert, "maria", authority_key(0), &invite, &request);
    must(ipc_enrol_encode(&ask, &good_enrol) == MLT_OK);
    must(atexit(take_away) == 0);
    enter(NULL);
    return 0;
}

/* ---- net ---- */

static enum mlt_err check_certificates(const struct ipc_message *message)
{
    if (message->type == IPC_ENROLLED) {
        struct ipc_enrolled answer = { 0 };
        must(ipc_enrolled_decode(message->body, &answer) == MLT_OK);
        must(answer.result == WELCOME_REFUSED && answer.certificate.n == 0);
        return MLT_ERR_REFUSED;
    }
    struct ipc_server_cert answer = { 0 };
    must(message->type == IPC_SERVER_CERT);
    must(ipc_server_cert_decode(message->body, &answer) == MLT_OK);
    must(answer.err != MLT_OK && answer.certificate.n == 0);
    return answer.err;
}

/* It is Rui's, for his key, and all else is within the table. */
static enum mlt_err check_renewed(const struct ipc_message *message)
{
    struct ipc_enrolled answer = { 0 };
    must(message->type == IPC_RENEWED);
    must(ipc_enrolled_decode(message->body, &answer) == MLT_OK);
    if (answer.result != WELCOME_ISSUED)
        return MLT_ERR_REFUSED;
    const uint8_t *at = answer.certificate.p;
    X509 *x = d2i_X509(NULL, &at, (long)answer.certificate.n);
    const struct signed_wanted wanted = { .ca = with_due.ca.cert.x509,
                                          .realm = with_due.ca.realm,
                                          .name = "rui",
                                          .key = authority_key(2) };
    must(x != NULL && signed_complaint(x, &wanted) == NULL);
    X509_free(x);
    return MLT_OK;
}

/* What ca answers: well-formed, of the type that answers this one; its verdict. */
static enum mlt_err check_answer(enum ipc_type asked, const struct ipc_message *message)
{
    struct ipc_nonces nonces;
    struct ipc_mailbox mailbox;
    struct ipc_login_grant grant;
    struct ipc_unwrapped unwrapped;
    struct ipc_proof proof;
    struct ipc_leaves leaves;
    switch (asked) {
    case IPC_NONCES_WANTED:
        must(message->type == IPC_NONCES);
        must(ipc_nonces_decode(message->body, &nonces) == MLT_OK);
        return MLT_ERR_REFUSED; /* anybody may have them */
    case IPC_MAILBOX_WANTED:
    case IPC_MAILBOX_GONE:
        must(message->type == IPC_MAILBOX);
        must(ipc_mailbox_decode(message->body, &mailbox) == MLT_OK);
        return mailbox.err;
    case IPC_LOGIN_PROOF:
        must(message->type == IPC_LOGIN_GRANT);
        must(ipc_login_grant_decode(message->body, &grant) == MLT_OK);
        return grant.err;
    case IPC_UNWRAP:
        must(message->type == IPC_UNWRAPPED);
        must(ipc_unwrapped_decode(message->body, &unwrapped) == MLT_OK);
        must(unwrapped.err != MLT_OK || secret_eq(SPAN_OF(unwrapped.secret), SPAN_OF(secret)));
        return unwrapped.err;
    case IPC_PROOF_WANTED:
        must(message->type == IPC_PROOF);
        must(ipc_proof_decode(message->body, &proof) == MLT_OK);
        return MLT_ERR_REFUSED; /* the ledger is everybody's */
    case IPC_LEAVES_WANTED:
        must(message->type == IPC_LEAVES);
        must(ipc_leaves_decode(message->body, &leaves) == MLT_OK);
        return MLT_ERR_REFUSED;
    case IPC_RENEW:
        return check_renewed(message);
    default:
        return check_certificates(message);
    }
}

/* Taken, and not answered. */
static bool is_report(unsigned type)
{
    return type == IPC_CRL_TAKEN || type == IPC_SEEN || type == IPC_HEAD_SHOWN;
}

/* MLT_ERR_CUT: ca ended the channel. */
static enum mlt_err read_answer(struct channel *net, enum ipc_type asked, uint32_t tag)
{
    CLEANUP(buf_clear) struct buf received = { 0 };
    struct ipc_message message = { 0 };
    bool got = false;
    enum mlt_err err = channel_receive(net, 0, &received, &message, &got);
    must(err == MLT_ERR_CUT || (err == MLT_OK && got == !is_report(asked)));
    if (!got)
        return err == MLT_OK ? MLT_ERR_REFUSED : err;
    must(message.tag == tag);
    return check_answer(asked, &message);
}

static bool is_asked_by_net(unsigned type)
{
    return type == IPC_ENROL || type == IPC_SERVER_REQUEST || type == IPC_NONCES_WANTED ||
           type == IPC_MAILBOX_WANTED || type == IPC_MAILBOX_GONE || type == IPC_LOGIN_PROOF ||
           type == IPC_UNWRAP || type == IPC_RENEW || type == IPC_PROOF_WANTED ||
           type == IPC_LEAVES_WANTED || is_report(type);
}

/* A link without the greeting of net_link_start: who is a member was told to net long ago. */
static enum mlt_err from_net(struct authority *to, unsigned type, uint32_t tag, struct span body)
{
    enum mlt_err verdict = MLT_ERR_REFUSED;
    int fds[2];
    struct net_link link;
    struct channel net;
    must(channel_pair(fds) == MLT_OK);
    net_link_init(&link, &to->ca);
    channel_init(&link.channel, fds[0], IPC_CA, IPC_NET);
    channel_init(&net, fds[1], IPC_NET, IPC_CA);
    /* What the permit table refuses is fuzz_channel's business. */
    if (channel_send(&net, (enum ipc_type)type, tag, body) == MLT_OK) {
        net_link_read(&link);
        must(is_asked_by_net(type) || link.channel.fd < 0);
        must(link.loss == (link.channel.fd < 0 ? NET_LINK_MISBEHAVED : 0));
        verdict = read_answer(&net, (enum ipc_type)type, tag);
    }
    channel_close(&net);
    net_link_clear(&link);
    return verdict;
}

static void from_net_packet(struct span packet)
{
    struct wire_in in = wire_in(packet);
    unsigned type = wire_get_u8(&in);
    uint32_t tag = wire_get_u32(&in);
    struct span body = wire_get_rest(&in);
    if (wire_in_end(&in) == MLT_OK)
        must(from_net(&authority, type, tag, body) != MLT_OK);
}

static void edit(struct span edits, const struct buf *good, struct buf *copy)
{
    must(buf_put(copy, buf_span(good)) == MLT_OK);
    for (; edits.n >= 3; edits = span_from(edits, 3))
        copy->p[((size_t)edits.p[0] << 8 | edits.p[1]) % copy->len] ^= edits.p[2];
    copy->len -= edits.n;
}

static void from_net_edited(struct span edits)
{
    CLEANUP(buf_clear) struct buf copy = { 0 };
    edit(edits, &good_enrol, &copy);
    if (!span_eq(buf_span(&copy), buf_span(&good_enrol)))
        must(from_net(&authority, IPC_ENROL, 1, buf_span(&copy)) != MLT_OK);
}

static void from_net_renew(struct span edits)
{
    CLEANUP(buf_clear) struct buf copy = { 0 };
    edit(edits, &good_renew, &copy);
    enum mlt_err err = from_net(&with_due, IPC_RENEW, 1, buf_span(&copy));
    must((err == MLT_OK) == span_eq(buf_span(&copy), buf_span(&good_renew)));
}

/* Not as it is: it would be known from then on, whatever bytes came with its serial. */
static void from_net_return(struct span edits)
{
    CLEANUP(buf_clear) struct buf copy = { 0 };
    uint64_t before = 0, after = 0;
    edit(edits, &good_return, &copy);
    if (span_eq(buf_span(&copy), buf_span(&good_return)))
        return;
    must(ledger_size(&with_member.ca.db, &before) == MLT_OK);
    must(from_net(&with_member, IPC_RENEW, 1, buf_span(&copy)) != MLT_OK);
    must(ledger_size(&with_member.ca.db, &after) == MLT_OK && after == before);
}

/* What net may have kept of a login of Ana's a moment ago. */
static void make_proof(struct buf *good)
{
    CLEANUP(buf_clear) struct buf nonce = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(login_transcript_clear) struct login_transcript t = { 0 };
    must(mailbox_grant_nonces(&with_member.ca, 1, &nonce) == MLT_OK);
    const struct login login = { CLIENT_AUTH_RECEIVE, buf_span(&nonce), buf_span(&certificate),
                                 buf_span(&certificate) };
    login_make(&login, &t);
    login_sign(authority_key(1), buf_span(&t.bytes), &signature);
    const struct ipc_login_proof proof = { buf_span(&t.bytes), buf_span(&signature) };
    must(ipc_login_proof_encode(&proof, good) == MLT_OK);
}

static void from_net_proof(struct span edits)
{
    CLEANUP(buf_clear) struct buf good = { 0 };
    CLEANUP(buf_clear) struct buf copy = { 0 };
    make_proof(&good);
    edit(edits, &good, &copy);
    enum mlt_err err = from_net(&with_member, IPC_LOGIN_PROOF, 1, buf_span(&copy));
    must((err == MLT_OK) == span_eq(buf_span(&copy), buf_span(&good)));
}

static void make_unwrap(struct buf *good)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct ipc_login_proof proof;
    struct ipc_login_grant grant;
    make_proof(&body);
    must(ipc_login_proof_decode(buf_span(&body), &proof) == MLT_OK);
    must(mailbox_grant_judge(&with_member.ca, &proof, &grant) == MLT_OK);
    struct ipc_unwrap wanted = { .recipient = { "ana" }, .wrapped = buf_span(&wrapped) };
    memcpy(wanted.grant, grant.grant, MAILBOX_GRANT);
    must(ipc_unwrap_encode(&wanted, good) == MLT_OK);
}

static void from_net_unwrap(struct span edits)
{
    CLEANUP(buf_clear) struct buf good = { 0 };
    CLEANUP(buf_clear) struct buf copy = { 0 };
    make_unwrap(&good);
    edit(edits, &good, &copy);
    enum mlt_err err = from_net(&with_member, IPC_UNWRAP, 1, buf_span(&copy));
    must((err == MLT_OK) == span_eq(buf_span(&copy), buf_span(&good)));
}

/* ---- an administrator ---- */

/* What was asked, and how many URLs came. */
struct heard {
    enum admin_verb verb;
    size_t urls;
};

static enum mlt_err on_row(void *ctx, const struct admin_row *row)
{
    struct heard *heard = ctx;
    CLEANUP(buf_clear) struct buf encoded = { 0 };
    struct admin_row again = { 0 };
    must(admin_row_encode(row, &encoded) == MLT_OK);
    must(admin_row_decode(buf_span(&encoded), &again) == MLT_OK && again.kind == row->kind);
    must(row->kind != ADMIN_ROW_PENDING && row->kind != ADMIN_ROW_CERT);
    must(row->kind != ADMIN_ROW_FINDING);
    must(row->kind != ADMIN_ROW_INVITE || heard->verb == ADMIN_INVITES);
    must(row->kind != ADMIN_ROW_INVITE || row->invite == INVITE_STATE_OPEN);
    heard->urls += row->kind == ADMIN_ROW_URL; /* nobody waits here, and nobody is certified */
    return MLT_OK;
}

/* Of all that were made the good one stays, or a list would take longer and longer. */
static void forget_invites(size_t urls)
{
    static size_t made;
    made += urls;
    if (made < 100)
        return;
    made = 0;
    CLEANUP(query_end)
    struct query q = query_start(&authority.ca.db, "DELETE FROM invite WHERE id <> ?");
    query_put_span(&q, SPAN_OF(good_invite));
    must(query_run(&q) == MLT_OK);
}

static void from_admin(struct span body)
{
    struct admin_request request = { 0 };
    CLEANUP(buf_clear) struct buf why = { 0 };
    struct heard heard = { 0 };
    const struct admin_sink sink = { on_row, &heard };
    if (admin_request_decode(body, &request) != MLT_OK)
        return;
    heard.verb = request.verb;
    if (request.verb == ADMIN_INVITE && request.count > 3 && request.count <= LIMIT_INVITES_AT_ONCE)
        request.count = 3; /* thousands only take longer */
    enum mlt_err err = admin_answer(&authority.ca, &request, &sink, &why);
    must((err == MLT_OK) == (why.len == 0));
    must(err != MLT_OK || request.verb != ADMIN_INVITE || heard.urls == request.count);
    must(heard.urls == 0 || request.verb == ADMIN_INVITE || request.verb == ADMIN_REISSUE);
    forget_invites(heard.urls);
    must(why.len <= 1000);
    for (size_t i = 0; i < why.len; i++)
        must(why.p[i] >= 0x20 && why.p[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct wire_in in = wire_in(span_of(data, n));
    for (int step = 0; step < 4; step++) {
        unsigned kind = wire_get_u8(&in);
        struct span what = wire_get_vec16(&in, 0, 65535);
        if (in.err != MLT_OK)
            return 0;
        enter(kind % 7 < 3 ? &authority : kind % 7 == 5 ? &with_due : &with_member);
        switch (kind % 7) {
        case 0:
            from_net_packet(what);
            break;
        case 1:
            from_net_edited(what);
            break;
        case 2:
            from_admin(what);
            break;
        case 3:
            from_net_proof(what);
            break;
        case 4:
            from_net_unwrap(what);
            break;
        case 5:
            from_net_renew(what);
            break;
        case 6:
            from_net_return(what);
            break;
        }
        enter(NULL);
    }
    return 0;
}
