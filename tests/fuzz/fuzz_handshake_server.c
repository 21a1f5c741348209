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

static void expect_nobody(const struct pair *p, enum mlt_err err)
{
    must(err == MLT_OK || err_fault(err) == FAULT_PEER);
    must(hs_want(p->server) == (err == MLT_OK ? HS_WANT_INPUT : HS_WANT_NOTHING));
    must(hs_client_auth(p->server) == NULL);
}

static void meet_anybody(struct span frames)
{
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    must(buf_put(&p.to_server, frames) == MLT_OK);
    expect_nobody(&p, pair_move_server(&p));
}

/* A real client's ClientAuth, changed under the seal: nothing but the original is believed. */
static void meet_liar(enum client_auth_kind kind, enum pair_edit edit, struct span change)
{
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, kind);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_AUTH);
    bool changed =
        pair_reseal(&p.client->schedule.client, FRAME_HEADER, edit, change, &p.to_server);
    enum mlt_err err = pair_move_server(&p);
    if (changed)
        expect_nobody(&p, err);
    else
        must(err == MLT_OK && hs_want(p.server) == HS_WANT_SESSION);
    must(!changed || err != MLT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1)
        return 0;
    struct span rest = span_of(data + 1, n - 1);
    enum client_auth_kind kind = (data[0] & 0x40) != 0 ? CLIENT_AUTH_ENROL : CLIENT_AUTH_RECEIVE;
    if (data[0] % 3 == 0)
        meet_anybody(rest);
    else
        meet_liar(kind, data[0] % 3 == 1 ? PAIR_XOR : PAIR_OVERWRITE, rest);
    return 0;
}
