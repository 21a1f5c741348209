/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "papers.h"
#include "relay/net.h"
#include "wire/cursor.h"

/*
 * The other direction: what net makes of packets from ca.  Steps of type u8, tag u8, vec16; the
 * pieces that only a CA could make stand for themselves: an empty CA_INFO is followed by a good
 * certificate, an empty SERVER_CERT by one for the key that waits, an empty REVOKED by one that
 * revokes that, an empty CRL_PART by a whole list, an empty NOTICE and HEAD by what the CA signed;
 * their tag says which of several.  A bad packet ends the channel and the parent is told why; net
 * serves only under a certificate of its own key, and neither list nor head goes back.
 */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define PAPERS 4

static struct pair_house *house;
static struct buf lists[PAPERS], notices[PAPERS], heads[PAPERS];
static const uint8_t awaited_tag = 7;

static void must(bool cond)
{
    if (!cond)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    house = pair_house();
    for (uint8_t i = 0; i < PAPERS; i++) {
        const uint8_t serials[1][CERT_SERIAL] = { { 1, i } };
        const struct papers_list list = { i + UINT64_C(1), 1000, 2000, serials, 1 };
        const struct papers_ledger ledger = { .epoch = 1, .size = 2u + i };
        papers_crl(&list, &lists[i]);
        papers_notice(&list, &notices[i]);
        papers_head(&ledger, 1000, &heads[i]);
    }
    return 0;
}

static void on_deliver(void *ctx, void *link, const struct envelope *e)
{
    (void)ctx;
    (void)link;
    (void)e;
    abort(); /* there is no session */
}

static void on_outcome(void *ctx, void *link, const struct outcome *o)
{
    (void)ctx;
    (void)link;
    (void)o;
    abort();
}

static void on_end(void *ctx, void *link, enum close_reason reason)
{
    (void)ctx;
    (void)link;
    (void)reason;
    abort();
}

struct world {
    struct net net;
    struct channel ca, parent; /* the far ends */
    uint64_t list, head;       /* the newest so far */
};

static void open_world(struct world *w)
{
    static const struct router_out out = { .deliver = on_deliver,
                                           .outcome = on_outcome,
                                           .end = on_end };
    int ca[2];
    int parent[2];
    memset(w, 0, sizeof(*w));
    struct net *net = &w->net;
    net->env = &house->clock.env;
    net->group = DH_FFDHE2048;
    net->ca.channel.fd = -1;
    TAILQ_INIT(&net->connections);
    TAILQ_INIT(&net->half_open);
    TAILQ_INIT(&net->touched);
    net_asks_init(&net->ca.asks);
    must(uv_loop_init(&net->loop) == 0);
    must(net_mail_init(net) == MLT_OK);
    must(net_seen_init(net) == MLT_OK);
    net_work_init(&net->work, &net->loop);
    net_crl_init(net);
    net->dir = -1;
    net->crl.loaded = true; /* there was none, and there is no disk */
    net->mail.ready = true; /* with nothing in it: nonces are all it wants of ca */
    must(router_new(net->env, &out, &net->router) == MLT_OK);
    must(channel_pair(ca) == MLT_OK && channel_pair(parent) == MLT_OK);
    channel_init(&net->parent, parent[0], IPC_NET, IPC_PARENT);
    channel_init(&w->parent, parent[1], IPC_PARENT, IPC_NET);
    channel_init(&w->ca, ca[1], IPC_CA, IPC_NET);
    net_ca_connect(net, ca[0]);
    net->ca.making_key = true; /* no worker: the key that waits is there already */
    net->ca.key_tag = awaited_tag;
    must(rsa_key_share(house->server_key, &net->ca.new_key) == MLT_OK);
}

static void close_world(struct world *w)
{
    struct net *net = &w->net;
    net_work_clear(&net->work);
    net_ca_clear(net);
    net_mail_close(net);
    net_ledger_close(net);
    net_crl_clear(net);
    net_seen_clear(net);
    uv_close((uv_handle_t *)&net->mail.wake, NULL);
    while (uv_run(&net->loop, UV_RUN_NOWAIT) != 0) {}
    must(uv_loop_close(&net->loop) == 0);
    server_identity_drop(&net->identity);
    router_free(&net->router);
    channel_close(&net->parent);
    channel_close(&w->parent);
    channel_close(&w->ca);
}

static void make_revoked(const struct world *w, struct buf *made)
{
    struct ipc_revoked revoked = { .name = { "relay" }, .serial = { 1 }, .spki_hash = { 1 } };
    if (w->net.identity != NULL)
        memcpy(revoked.serial, w->net.identity->cert.fields.serial, CERT_SERIAL);
    must(ipc_revoked_encode(&revoked, made) == MLT_OK);
}

static void make_body(const struct world *w, unsigned type, uint8_t tag, struct buf *made)
{
    const struct ipc_ca_info info = { buf_span(&house->ca_der) };
    const struct ipc_server_cert cert = { MLT_OK, buf_span(&house->server_der) };
    const struct buf *list = &lists[tag % PAPERS];
    const struct ipc_crl_part part = { tag % PAPERS + UINT64_C(1), 0, (uint32_t)list->len,
                                       buf_span(list) };
    if (type == IPC_CA_INFO)
        must(ipc_ca_info_encode(&info, made) == MLT_OK);
    else if (type == IPC_SERVER_CERT)
        must(ipc_server_cert_encode(&cert, made) == MLT_OK);
    else if (type == IPC_REVOKED)
        make_revoked(w, made);
    else if (type == IPC_CRL_PART)
        must(ipc_crl_part_encode(&part, made) == MLT_OK);
    else if (type == IPC_NOTICE)
        must(buf_put(made, buf_span(&notices[tag % PAPERS])) == MLT_OK);
    else if (type == IPC_HEAD)
        must(buf_put(made, buf_span(&heads[tag % PAPERS])) == MLT_OK);
}

static void put_packet(struct world *w, unsigned type, uint8_t tag, struct span body)
{
    CLEANUP(buf_clear) struct buf made = { 0 };
    if (body.n == 0) {
        make_body(w, type, tag, &made);
        body = buf_span(&made);
    }
    enum mlt_err err = channel_send(&w->ca, (enum ipc_type)type, tag, body);
    must(err == MLT_OK || err == MLT_ERR_CUT || err_fault(err) == FAULT_PEER);
}

/* PEER_LOST, as soon as the channel is gone, and NET_READY once there is an identity. */
static void read_parent(struct world *w)
{
    for (;;) {
        CLEANUP(buf_clear) struct buf received = { 0 };
        struct ipc_message message = { 0 };
        struct ipc_peer_lost lost = { 0 };
        bool got = false;
        must(channel_receive(&w->parent, 0, &received, &message, &got) == MLT_OK);
        if (!got)
            return;
        if (message.type == IPC_PEER_LOST)
            must(ipc_peer_lost_decode(message.body, &lost) == MLT_OK && lost.misbehaved &&
                 w->net.ca.channel.fd < 0);
        else
            must(message.type == IPC_NET_READY && w->net.identity != NULL);
    }
}

static void check_authority(struct world *w)
{
    const struct net_crl *crl = &w->net.crl;
    uint64_t list = crl_newest(&crl->held, &crl->notices);
    uint64_t head = w->net.ledger.witness.head.size;
    must(list >= w->list && list <= PAPERS && crl->pushed <= list);
    must(head >= w->head && head <= PAPERS + 1);
    must(!crl->busy && crl->next.bytes.len == 0);
    w->list = list;
    w->head = head;
}

static void check(const struct world *w)
{
    const struct net *net = &w->net;
    must((net->ca.channel.fd < 0) == (net->ca.poll == NULL));
    must(!net->ca.synced || net->ca.ca_der.len > 0);
    must(net->serving || net->identity == NULL);
    must(router_sessions(net->router) == 0);
    must(net->mail.nonces.count <= LIMIT_NONCES);
    must(net->mail.nonces.count == 0 || net->ca.channel.fd >= 0);
    if (net->identity != NULL)
        must(span_eq(buf_span(&net->identity->der), buf_span(&house->server_der)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct world w;
    struct wire_in in = wire_in(span_of(data, n));
    open_world(&w);
    while (w.net.ca.channel.fd >= 0) {
        unsigned type = wire_get_u8(&in);
        uint8_t tag = (uint8_t)wire_get_u8(&in);
        struct span body = wire_get_vec16(&in, 0, 65535);
        if (in.err != MLT_OK)
            break;
        put_packet(&w, type, tag, body);
        uv_run(&w.net.loop, UV_RUN_NOWAIT);
        while (w.net.work.running > 0)
            uv_run(&w.net.loop, UV_RUN_ONCE);
        net_ca_turn(&w.net);
        check_authority(&w);
        check(&w);
        must(type != IPC_SERVER_CERT || tag == awaited_tag || w.net.ca.channel.fd < 0);
        read_parent(&w);
    }
    close_world(&w);
    return 0;
}
