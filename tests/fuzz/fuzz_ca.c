/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authority.h"
#include "base/limits.h"
#include "ca/admin.h"
#include "ca/invite.h"
#include "ca/net_link.h"
#include "wire/cursor.h"

/*
 * A real CA behind its two doors.  Steps of kind u8, vec16: a packet from net (type u8, tag u32,
 * body), a good ENROL with edits (place u16, byte u8), or an administrator's request.  net may be
 * taken over: whatever it sends, nobody is certified without an invite, whose token it never sees,
 * and what is out of order ends its channel.  Requests come from root or the owner: they may be
 * nonsense, and are answered in one line.
 */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct authority authority;
static struct buf good_enrol;

static void must(bool cond)
{
    if (!cond)
        abort();
}

static void take_away(void)
{
    authority_stop(&authority);
    buf_clear(&good_enrol);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    uint8_t byte;
    (void)argc;
    (void)argv;
    /* Before the secure heap, where the leak sanitizer would not find what hangs on them. */
    must(RAND_bytes(&byte, 1) == 1 && RAND_priv_bytes(&byte, 1) == 1);
    authority_libraries();
    /* The authority has its own working directory; the corpora are named from this one. */
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    authority_start(&authority, ENROL_INVITE);
    must(here >= 0 && fchdir(here) == 0 && close(here) == 0);
    CLEANUP(buf_clear) struct buf request = { 0 };
    const struct invite invite = authority_invite(&authority, "maria");
    const struct ipc_enrol ask =
        authority_ask(&authority.ca.cert, "maria", authority_key(0), &invite, &request);
    must(ipc_enrol_encode(&ask, &good_enrol) == MLT_OK);
    must(atexit(take_away) == 0);
    return 0;
}

/* ---- net ---- */

/* What ca answers: one of its two answers, well-formed, to this tag, and a refusal. */
static void read_answer(struct channel *net, uint32_t tag)
{
    CLEANUP(buf_clear) struct buf received = { 0 };
    struct ipc_message message = { 0 };
    bool got = false;
    enum mlt_err err = channel_receive(net, 0, &received, &message, &got);
    must(err == MLT_OK || err == MLT_ERR_CUT);
    if (!got)
        return;
    must(message.tag == tag);
    if (message.type == IPC_ENROLLED) {
        struct ipc_enrolled answer = { 0 };
        must(ipc_enrolled_decode(message.body, &answer) == MLT_OK);
        must(answer.result == WELCOME_REFUSED && answer.certificate.n == 0);
    } else {
        struct ipc_server_cert answer = { 0 };
        must(message.type == IPC_SERVER_CERT);
        must(ipc_server_cert_decode(message.body, &answer) == MLT_OK);
        must(answer.err != MLT_OK && answer.certificate.n == 0);
    }
}

/* A link without the greeting of net_link_start: who is a member was told to net long ago. */
static void from_net(unsigned type, uint32_t tag, struct span body)
{
    int fds[2];
    struct net_link link;
    struct channel net;
    must(channel_pair(fds) == MLT_OK);
    net_link_init(&link, &authority.ca);
    channel_init(&link.channel, fds[0], IPC_CA, IPC_NET);
    channel_init(&net, fds[1], IPC_NET, IPC_CA);
    /* What the permit table refuses is fuzz_channel's business. */
    if (channel_send(&net, (enum ipc_type)type, tag, body) == MLT_OK) {
        net_link_read(&link);
        must(type == IPC_ENROL || type == IPC_SERVER_REQUEST || link.channel.fd < 0);
        must(link.loss == (link.channel.fd < 0 ? NET_LINK_MISBEHAVED : 0));
        read_answer(&net, tag);
    }
    channel_close(&net);
    net_link_clear(&link);
}

static void from_net_packet(struct span packet)
{
    struct wire_in in = wire_in(packet);
    unsigned type = wire_get_u8(&in);
    uint32_t tag = wire_get_u32(&in);
    struct span body = wire_get_rest(&in);
    if (wire_in_end(&in) == MLT_OK)
        from_net(type, tag, body);
}

static void from_net_edited(struct span edits)
{
    CLEANUP(buf_clear) struct buf copy = { 0 };
    must(buf_put(&copy, buf_span(&good_enrol)) == MLT_OK);
    for (; edits.n >= 3; edits = span_from(edits, 3))
        copy.p[((size_t)edits.p[0] << 8 | edits.p[1]) % copy.len] ^= edits.p[2];
    copy.len -= edits.n;
    if (!span_eq(buf_span(&copy), buf_span(&good_enrol)))
        from_net(IPC_ENROL, 1, buf_span(&copy));
}

/* ---- an administrator ---- */

static enum mlt_err on_row(void *ctx, const struct admin_row *row)
{
    size_t *rows = ctx;
    CLEANUP(buf_clear) struct buf encoded = { 0 };
    struct admin_row again = { 0 };
    must(admin_row_encode(row, &encoded) == MLT_OK);
    must(admin_row_decode(buf_span(&encoded), &again) == MLT_OK && again.kind == row->kind);
    must(row->kind == ADMIN_ROW_URL); /* nobody waits here, and nobody is certified */
    (*rows)++;
    return MLT_OK;
}

static void from_admin(struct span body)
{
    struct admin_request request = { 0 };
    CLEANUP(buf_clear) struct buf why = { 0 };
    size_t rows = 0;
    const struct admin_sink sink = { on_row, &rows };
    if (admin_request_decode(body, &request) != MLT_OK)
        return;
    if (request.verb == ADMIN_INVITE && request.count > 3 && request.count <= LIMIT_INVITES_AT_ONCE)
        request.count = 3; /* thousands only take longer */
    enum mlt_err err = admin_answer(&authority.ca, &request, &sink, &why);
    must((err == MLT_OK) == (why.len == 0));
    must(err != MLT_OK || request.verb != ADMIN_INVITE || rows == request.count);
    must(rows == 0 || request.verb == ADMIN_INVITE || request.verb == ADMIN_REISSUE);
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
        switch (kind % 3) {
        case 0:
            from_net_packet(what);
            break;
        case 1:
            from_net_edited(what);
            break;
        case 2:
            from_admin(what);
            break;
        }
    }
    return 0;
}
