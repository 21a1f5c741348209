/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SIM_AGENDA_H
#define MALOTE_TESTS_SIM_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Virtual time: what happens when.  Microseconds.  At one moment, in the order it was planned. */

struct agenda_entry {
    int64_t at;
    uint64_t order;
    void (*act)(void *who, uint64_t tag);
    void *who;
    uint64_t tag;
};

struct agenda {
    struct agenda_entry *heap;
    size_t count, capacity;
    uint64_t planned;
    int64_t now;
    uint64_t digest; /* of all that happened: equal runs have equal digests */
};

void agenda_clear(struct agenda *a);
void agenda_plan(struct agenda *a, int64_t after, void (*act)(void *who, uint64_t tag), void *who,
                 uint64_t tag);
/* The next thing happens; false: there is none. */
bool agenda_step(struct agenda *a);

/* Dice that fall the same way for the same seed. */
struct dice {
    uint64_t state;
};

uint64_t dice_roll(struct dice *d);
/* 0..n-1 */
uint64_t dice_below(struct dice *d, uint64_t n);
/* Once in n; n = 0: never. */
bool dice_once_in(struct dice *d, uint64_t n);
/* Around `mean`, from 0 to 8 times that, mostly small: waiting times. */
int64_t dice_wait(struct dice *d, int64_t mean);

#endif
