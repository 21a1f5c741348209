/* SPDX-License-Identifier: Apache-2.0 */
#include "agenda.h"

#include "base/alloc.h"
#include "sim.h"

static bool is_before(const struct agenda_entry *a, const struct agenda_entry *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void agenda_clear(struct agenda *a)
{
    alloc_free(a->heap);
    *a = (struct agenda) { 0 };
}

static void grow(struct agenda *a)
{
    struct agenda_entry *larger = NULL;
    size_t capacity = a->capacity == 0 ? 1024 : 2 * a->capacity;
    must_ok(ALLOC_ARRAY(capacity, &larger));
    if (a->count > 0)
        memcpy(larger, a->heap, a->count * sizeof(*larger));
    alloc_free(a->heap);
    a->heap = larger;
    a->capacity = capacity;
}

void agenda_plan(struct agenda *a, int64_t after, void (*act)(void *who, uint64_t tag), void *who,
                 uint64_t tag)
{
    if (a->count == a->capacity)
        grow(a);
    const struct agenda_entry e = { a->now + (after > 0 ? after : 0), a->planned++, act, who, tag };
    size_t i = a->count++;
    for (; i > 0 && is_before(&e, &a->heap[(i - 1) / 2]); i = (i - 1) / 2)
        a->heap[i] = a->heap[(i - 1) / 2];
    a->heap[i] = e;
}

static struct agenda_entry take_first(struct agenda *a)
{
    struct agenda_entry first = a->heap[0], last = a->heap[--a->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= a->count)
            break;
        if (child + 1 < a->count && is_before(&a->heap[child + 1], &a->heap[child]))
            child++;
        if (!is_before(&a->heap[child], &last))
            break;
        a->heap[i] = a->heap[child];
        i = child;
    }
    a->heap[i] = last;
    return first;
}

bool agenda_step(struct agenda *a)
{
    if (a->count == 0)
        return false;
    struct agenda_entry e = take_first(a);
    a->now = e.at;
    a->digest = (a->digest ^ (uint64_t)e.at ^ (e.order << 20) ^ e.tag) * UINT64_C(0x100000001b3);
    e.act(e.who, e.tag);
    return true;
}

/* splitmix64 */
uint64_t dice_roll(struct dice *d)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t dice_below(struct dice *d, uint64_t n)
{
    return dice_roll(d) % n;
}

bool dice_once_in(struct dice *d, uint64_t n)
{
    return n > 0 && dice_below(d, n) == 0;
}

int64_t dice_wait(struct dice *d, int64_t mean)
{
    int64_t wait = (int64_t)dice_below(d, (uint64_t)mean + 1);
    for (int i = 0; i < 3 && dice_once_in(d, 2); i++)
        wait *= 2;
    return wait;
}
