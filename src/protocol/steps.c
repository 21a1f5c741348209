/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/steps.h"

#include "protocol/actions.h"

static const struct hs_step steps[] = {
#define STEP(role, state, event, action, next)                                                     \
    { HS_##role, HS_STATE_##state, HS_EVENT_##event, action, HS_STATE_##next },
#include "protocol/steps.def"
};

static const enum hs_want wants[] = {
#define STATE(name, want) HS_WANT_##want,
#include "protocol/steps.def"
};

static const char *const state_names[] = {
#define STATE(name, want) #name,
#include "protocol/steps.def"
};

static const char *const event_names[] = {
#define EVENT(name) #name,
#include "protocol/steps.def"
};

const struct hs_step *hs_steps(size_t *count)
{
    *count = COUNT_OF(steps);
    return steps;
}

const struct hs_step *hs_step_find(enum hs_role role, enum hs_state state, enum hs_event event)
{
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        if (steps[i].role == role && steps[i].state == state && steps[i].event == event)
            return &steps[i];
    return NULL;
}

enum hs_want hs_state_want(enum hs_state state)
{
    return wants[state];
}

const char *hs_state_name(enum hs_state state)
{
    return state_names[state];
}

const char *hs_event_name(enum hs_event event)
{
    return event_names[event];
}

size_t hs_state_count(void)
{
    return COUNT_OF(state_names);
}

size_t hs_event_count(void)
{
    return COUNT_OF(event_names);
}
