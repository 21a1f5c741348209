/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PROTOCOL_STEPS_H
#define MALOTE_PROTOCOL_STEPS_H

#include "protocol/handshake.h"
#include "wire/frame.h"

/* The table of legal steps (steps.def), for the machine that obeys it and the test that walks it.
 */

enum hs_state {
#define STATE(name, want) HS_STATE_##name,
#include "protocol/steps.def"
};

enum hs_event {
#define EVENT(name) HS_EVENT_##name,
#include "protocol/steps.def"
};

struct hs_step {
    enum hs_role role;
    enum hs_state state;
    enum hs_event event;
    /* `frame` is NULL where the event is none.  What is to be sent goes into hs->out. */
    enum mlt_err (*action)(struct handshake *hs, const struct frame *frame);
    enum hs_state next;
};

/* Static storage. */
const struct hs_step *hs_steps(size_t *count);

/* NULL: not legal. */
const struct hs_step *hs_step_find(enum hs_role role, enum hs_state state, enum hs_event event);

enum hs_want hs_state_want(enum hs_state state);
const char *hs_state_name(enum hs_state state);
const char *hs_event_name(enum hs_event event);
size_t hs_state_count(void);
size_t hs_event_count(void);

#endif
