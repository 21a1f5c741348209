/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/net_epochs.h"

#include <string.h>

#include "base/limits.h"
#include "ca/epochs.h"
#include "ca/ledger.h"
#include "ipc/messages.h"

/* Apart from each other, in the order of time. */
struct gaps {
    struct ipc_epoch each[LIMIT_EPOCHS + 1];
    size_t count;
};

/* They come in the order of their epochs, so it overlaps with the last ones or none; an earlier one
 * may end an hour later, as something is lost. */
static void add_gap(struct gaps *gaps, struct ipc_epoch gap)
{
    if (gap.from_s >= gap.until_s)
        return;
    while (gaps->count > 0 && gaps->each[gaps->count - 1].until_s >= gap.from_s) {
        const struct ipc_epoch *last = &gaps->each[--gaps->count];
        if (last->from_s < gap.from_s)
            gap.from_s = last->from_s;
        if (last->until_s > gap.until_s)
            gap.until_s = last->until_s;
    }
    gaps->each[gaps->count++] = gap;
    if (gaps->count <= LIMIT_EPOCHS)
        return;
    gaps->count--;
    gaps->each[1].from_s = gaps->each[0].from_s;
    memmove(&gaps->each[0], &gaps->each[1], gaps->count * sizeof(gaps->each[0]));
}

static enum mlt_err note_gap(void *ctx, const struct epoch *e)
{
    add_gap(ctx, (struct ipc_epoch) { e->from_s, e->until_s });
    return MLT_OK;
}

static enum mlt_err find_gaps(struct database *db, struct gaps *gaps)
{
    const struct epoch_visit visit = { note_gap, gaps };
    return epochs_each(db, &visit);
}

static enum mlt_err send_known(struct channel *net, const struct ipc_known *known, struct buf *sent)
{
    buf_reset(sent);
    TRY(ipc_known_encode(known, sent));
    return channel_send(net, IPC_KNOWN, 0, buf_span(sent));
}

static enum mlt_err send_known_of(struct channel *net, struct database *db,
                                  const struct ipc_epoch *gap, struct buf *sent)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT serial FROM certificate WHERE role = ? "
                                     "AND issued_s > ? AND issued_s < ?");
    query_put_int(&q, CERT_CLIENT);
    query_put_int(&q, gap->from_s);
    query_put_int(&q, gap->until_s);
    for (;;) {
        bool row = false;
        struct ipc_known known;
        TRY(query_next(&q, &row));
        if (!row)
            return MLT_OK;
        TRY(query_bytes(&q, 0, known.serial, CERT_SERIAL));
        TRY(send_known(net, &known, sent));
    }
}

enum mlt_err net_epochs_send(struct channel *net, struct database *db, struct buf *sent)
{
    struct gaps gaps = { 0 };
    TRY(find_gaps(db, &gaps));
    for (size_t i = 0; i < gaps.count; i++) {
        buf_reset(sent);
        TRY(ipc_epoch_encode(&gaps.each[i], sent));
        TRY(channel_send(net, IPC_EPOCH, 0, buf_span(sent)));
        TRY(send_known_of(net, db, &gaps.each[i], sent));
    }
    return MLT_OK;
}

enum mlt_err net_epochs_send_issued(struct channel *net, struct ca *ca, struct span certificate,
                                    struct buf *sent)
{
    CLEANUP(cert_clear) struct cert cert = { 0 };
    struct ipc_known known;
    struct epochs_loss loss;
    enum mlt_err err = cert_read_leaf(certificate, &ca->cert, CERT_CLIENT, ca_now_s(ca), &cert);
    ENSURE(err == MLT_OK || err == MLT_ERR_CERT_EXPIRED || err == MLT_ERR_CERT_NOT_YET, err);
    const struct certificate issued = { .issued_s = cert.fields.not_before_s + LIMIT_BACKDATE_S,
                                        .not_after_s = cert.fields.not_after_s };
    TRY(epochs_judge(&ca->db, &issued, &loss));
    if (!loss.in_doubt)
        return MLT_OK;
    memcpy(known.serial, cert.fields.serial, CERT_SERIAL);
    return send_known(net, &known, sent);
}
