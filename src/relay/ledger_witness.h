/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_LEDGER_WITNESS_H
#define MALOTE_RELAY_LEDGER_WITNESS_H

#include "base/limits.h"
#include "pki/cert.h"
#include "wire/ledger_head.h"

/*
 * The newest signed head that net has seen of ca's ledger, and what follows from another one.
 * Decisions alone; net_ledger.c has ca, the disk and the sessions.  PROTOCOL.md 10
 */

/* { 0 } has seen none. */
struct ledger_witness {
    struct ledger_head head; /* without its signature */
    struct buf bytes;        /* as it was signed */
};

void ledger_witness_clear(struct ledger_witness *w);

/* MLT_ERR_AUTH for a head that this CA has not signed; else what its decoder says. */
MUST_CHECK enum mlt_err ledger_witness_read(const struct cert *ca, struct span bytes,
                                            struct ledger_head *head);

/* What a head that ca signed is to the one that is held. */
enum witness_verdict {
    WITNESS_FORKED = 0, /* another ledger of the same epoch */
    WITNESS_SAME,
    WITNESS_NEWER,
    WITNESS_OLDER /* the ledger it is of was put back */
};
enum witness_verdict ledger_witness_judge(const struct ledger_witness *w,
                                          const struct ledger_head *head);

/* Holds this one from now on. */
MUST_CHECK enum mlt_err ledger_witness_take(struct ledger_witness *w,
                                            const struct ledger_head *head, struct span bytes);

/* What a client is to be answered who shows one that ca signed. */
enum witness_answer {
    WITNESS_ALARM = 0, /* it is ahead, or of a fork: ca has to see it, the client is told */
    WITNESS_LOST,      /* of leaves that an earlier epoch took with it: the client is told */
    WITNESS_EQUAL,     /* nothing is to be proven */
    WITNESS_PROVABLE   /* ca proves from its size to ours */
};
enum witness_answer ledger_witness_answer(const struct ledger_witness *w,
                                          const struct ledger_head *shown);

#endif
