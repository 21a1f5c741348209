/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_MAIL_CHAIN_H
#define MALOTE_MAIL_CHAIN_H

#include <sys/queue.h>

#include "mail/mail_key.h"
#include "mail/mail_seal.h"

/*
 * The segments that are being written, one a mailbox, LIMIT_OPEN_SEGMENTS at most: their keys lie
 * in locked memory.  The one that was not used for longest ends; nothing is lost by that but an RSA
 * operation when its mailbox gets the next message.
 */

struct mail_chain {
    struct mail_entry entry; /* by the number of its box */
    TAILQ_ENTRY(mail_chain) by_use;
    struct mail_segment segment;
    int64_t number; /* in the table of segments */
    struct mail_key *key;
};

TAILQ_HEAD(mail_chain_list, mail_chain);

struct mail_chains {
    struct mail_map by_box;
    struct mail_chain_list by_use;
};

MUST_CHECK enum mlt_err mail_chains_init(struct mail_chains *chains, const struct env *env);
void mail_chains_clear(struct mail_chains *chains);

/* The one of this box that can take a message under `key`, borrowed; NULL if a new one is due. */
struct mail_chain *mail_chains_find(struct mail_chains *chains, int64_t box,
                                    const struct mail_key *key);

/* A new one; what the box had ends.  `*segment` is taken over. */
MUST_CHECK enum mlt_err mail_chains_put(struct mail_chains *chains, int64_t box, int64_t number,
                                        struct mail_key *key, struct mail_segment *segment);

void mail_chains_end(struct mail_chains *chains, int64_t box);
/* If `number` is the segment being written of this box. */
void mail_chains_end_segment(struct mail_chains *chains, int64_t box, int64_t number);
/* After a transaction that failed: never two messages under one key. */
void mail_chains_end_all(struct mail_chains *chains);

#endif
