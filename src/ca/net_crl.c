/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/net_crl.h"

#include "base/limits.h"
#include "ca/crl_keep.h"
#include "ipc/messages.h"

struct telling {
    struct channel *net;
    struct buf *sent;
};

static enum mlt_err send_notice(void *ctx, uint64_t number, struct span record)
{
    const struct telling *t = ctx;
    (void)number;
    return channel_send(t->net, IPC_NOTICE, 0, record);
}

static enum mlt_err send_pieces(const struct telling *t, uint64_t number, struct span der)
{
    for (size_t at = 0; at < der.n;) {
        size_t left = der.n - at, n = left < LIMIT_IPC_PART ? left : LIMIT_IPC_PART;
        const struct ipc_crl_part part = { .number = number,
                                           .offset = (uint32_t)at,
                                           .total = (uint32_t)der.n,
                                           .bytes = span_of(der.p + at, n) };
        buf_reset(t->sent);
        TRY(ipc_crl_part_encode(&part, t->sent));
        TRY(channel_send(t->net, IPC_CRL_PART, 0, buf_span(t->sent)));
        at += n;
    }
    return MLT_OK;
}

enum mlt_err net_crl_send(struct channel *net, struct database *db, uint64_t after,
                          struct buf *sent)
{
    struct telling t = { net, sent };
    CLEANUP(buf_clear) struct buf der = { 0 };
    uint64_t number = 0;
    enum mlt_err err = crl_keep_der(db, &number, &der);
    if (err == MLT_ERR_MISSING)
        return MLT_OK;
    TRY(err);
    TRY(send_pieces(&t, number, buf_span(&der)));
    const struct notice_visit visit = { send_notice, &t };
    return crl_keep_notices(db, after, &visit);
}
