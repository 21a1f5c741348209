/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"
#include "relay/net.h"
#include "wire/cursor.h"

/*
 * The other direction: what net makes of packets from ca.  Steps of type u8, tag u8, vec16; the
 * pieces that only a CA could make stand for themselves: an empty CA_INFO is followed by a good
 * certificate, an empty SERVER_CERT by one for the key that waits.  A bad packet ends the channel
 * and the parent is told why; net serves only under a certificate of its own key.
 */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct pair_house *house;
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
    net_ca_clear(net);
    net_mail_close(net);
    uv_close((uv_handle_t *)&net->mail.wake, NULL);
    while (uv_run(&net->loop, UV_RUN_NOWAIT) != 0) {}
    must(uv_loop_close(&net->loop) == 0);
    server_identity_drop(&net->identity);
    router_free(&net->router);
    channel_close(&net->parent);
    channel_close(&w->parent);
    channel_close(&w->ca);
}

static void put_packet(struct world *w, unsigned type, uint8_t tag, struct span body)
{
    CLEANUP(buf_clear) struct buf made = { 0 };
    if (type == IPC_CA_INFO && body.n == 0) {
        const struct ipc_ca_info info = { buf_span(&house->ca_der) };
        must(ipc_ca_info_encode(&info, &made) == MLT_OK);
        body = buf_span(&made);
    } else if (type == IPC_SERVER_CERT && body.n == 0) {
        const struct ipc_server_cert cert = { MLT_OK, buf_span(&house->server_der) };
        must(ipc_server_cert_encode(&cert, &made) == MLT_OK);
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

static void check(const struct world *w)
{
    const struct net *net = &w->net;
    must((net->ca.channel.fd < 0) == (net->ca.poll == NULL));
    must(!net->ca.synced || net->ca.ca_der.len > 0);
    must(net->serving == (net->identity != NULL));
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
        net_ca_turn(&w.net);
        check(&w);
        must(type != IPC_SERVER_CERT || tag == awaited_tag || w.net.ca.channel.fd < 0);
        read_parent(&w);
    }
    close_world(&w);
    return 0;
}
