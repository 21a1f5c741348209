/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "pair.h"
#include "protocol/actions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

/* Frames of anybody: no CA signed for him, so he gets at most a ClientHello and an alert. */
static void meet_anybody(struct span frames)
{
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    must(hs_client_new(&p.client_config, &p.client) == MLT_OK);
    must(buf_put(&p.to_client, frames) == MLT_OK);
    enum mlt_err err = pair_move_client(&p);
    must(err == MLT_OK || err_fault(err) == FAULT_PEER);
    must(hs_want(p.client) == (err == MLT_OK ? HS_WANT_INPUT : HS_WANT_NOTHING));
    must(p.to_server.len < LIMIT_CLIENT_AUTH);
}

/* The real server's ServerAuth, changed under the seal: nothing but the original is believed. */
static void meet_liar(enum pair_edit edit, struct span change)
{
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_SERVER_AUTH);
    size_t in_clear = FRAME_HEADER + 2 + dh_group_size(DH_FFDHE2048);
    bool changed = pair_reseal(&p.server->schedule.server, in_clear, edit, change, &p.to_client);
    enum mlt_err err = pair_move_client(&p);
    must(changed ? err_fault(err) == FAULT_PEER : err == MLT_OK);
    must(!changed || p.to_server.len == FRAME_HEADER + 1 + ETM_TAG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1)
        return 0;
    struct span rest = span_of(data + 1, n - 1);
    if (data[0] % 3 == 0)
        meet_anybody(rest);
    else
        meet_liar(data[0] % 3 == 1 ? PAIR_XOR : PAIR_OVERWRITE, rest);
    return 0;
}
