/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SIM_JUDGE_H
#define MALOTE_TESTS_SIM_JUDGE_H

#include "relay/router.h"

/* Every message anybody ever sent, by its index, which its body carries too. */

struct judged {
    uint8_t id[ENVELOPE_ID];
    unsigned sender, recipient; /* people */
    int64_t row;                /* where it lies at the model's store; 0: nowhere */
    uint64_t epoch, number;
    int64_t time_ms;
    uint16_t flags;
    size_t bytes;    /* of the body */
    bool damaged;    /* its row cannot be opened any more */
    bool dropped;    /* its sender let go of it */
    bool held;       /* it was given to a client of its recipient */
    bool may_lack;   /* order: its place in it was given up, and it came again */
    unsigned notice; /* enum outcome_state that the store keeps for its sender; 0: none */
    unsigned notice_reason;
    unsigned copies; /* in its recipient's store, counted at the end */
};

void judge_clear(void);
uint64_t judge_count(void);
struct judged *judge_at(uint64_t index);
uint64_t judge_index(const struct judged *m);
struct envelope judge_envelope(uint64_t index); /* as DELIVER; the body is valid until the next */
/* By its body, which begins with the index. */
struct judged *judge_of(const struct envelope *e, uint64_t *index);
struct span judge_body(uint64_t index, size_t n);                 /* valid until the next call */
struct judged *judge_of_id(const uint8_t id[static ENVELOPE_ID]); /* NULL: nobody sent it */

/* A message was kept in an outbox; its body carried the index that is judge_count() before. */
void judge_kept(const uint8_t id[static ENVELOPE_ID], const struct judged *m);

/* A client without memory: was it given this before?  Makes another id of an id, and back. */
bool judge_was_held(uint64_t index);
void judge_disguise(uint8_t id[static ENVELOPE_ID]);

/* The world is quiet: was every promise kept? */
void judge_all(void);

struct judge_figures {
    uint64_t delivered, refused, expired, dropped, gaps;
};
struct judge_figures judge_figures(void);

#endif
