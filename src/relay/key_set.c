/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/key_set.h"

#include <string.h>

#include "base/alloc.h"

static const size_t first_capacity = 64;
static const uint8_t free_slot[KEY_SET_KEY];

static struct span slot_span(const struct key_set *set, size_t i)
{
    return span_of(set->slots[i], KEY_SET_KEY);
}

/* Serials are random and hashes are hashes, and only ca puts them in: their bytes spread well.  A
 * serial is 16 bytes, all of which are looked at. */
static size_t start_of(const struct key_set *set, const uint8_t key[static KEY_SET_KEY])
{
    uint64_t half[2];
    memcpy(half, key, sizeof(half));
    uint64_t h = half[0] * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 32;
    h = (h ^ half[1]) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ h >> 32) * UINT64_C(0x94d049bb133111eb);
    return (size_t)(h ^ h >> 29) & (set->capacity - 1);
}

/* Where `key` stands, or the free slot where it would. */
static size_t find_slot(const struct key_set *set, const uint8_t key[static KEY_SET_KEY])
{
    size_t i = start_of(set, key);
    while (!span_eq(slot_span(set, i), SPAN_OF(free_slot)) &&
           !span_eq(slot_span(set, i), span_of(key, KEY_SET_KEY)))
        i = (i + 1) & (set->capacity - 1);
    return i;
}

static enum mlt_err grow(struct key_set *set)
{
    struct key_set larger = { .capacity = set->capacity > 0 ? 2 * set->capacity : first_capacity };
    TRY(ALLOC_ARRAY(larger.capacity, &larger.slots));
    for (size_t i = 0; i < set->capacity; i++) {
        if (span_eq(slot_span(set, i), SPAN_OF(free_slot)))
            continue;
        memcpy(larger.slots[find_slot(&larger, set->slots[i])], set->slots[i], KEY_SET_KEY);
        larger.count++;
    }
    key_set_clear(set);
    *set = larger;
    return MLT_OK;
}

void key_set_clear(struct key_set *set)
{
    alloc_free(set->slots);
    *set = (struct key_set) { 0 };
}

enum mlt_err key_set_add(struct key_set *set, struct span key)
{
    uint8_t padded[KEY_SET_KEY] = { 0 };
    ENSURE(key.n >= 1 && key.n <= KEY_SET_KEY, MLT_ERR_RANGE);
    memcpy(padded, key.p, key.n);
    ENSURE(!span_eq(SPAN_OF(padded), SPAN_OF(free_slot)), MLT_ERR_RANGE);
    if (2 * (set->count + 1) > set->capacity)
        TRY(grow(set));
    size_t i = find_slot(set, padded);
    if (span_eq(slot_span(set, i), SPAN_OF(free_slot)))
        set->count++;
    memcpy(set->slots[i], padded, KEY_SET_KEY);
    return MLT_OK;
}

bool key_set_has(const struct key_set *set, struct span key)
{
    uint8_t padded[KEY_SET_KEY] = { 0 };
    if (set->count == 0 || key.n == 0 || key.n > KEY_SET_KEY)
        return false;
    memcpy(padded, key.p, key.n);
    if (span_eq(SPAN_OF(padded), SPAN_OF(free_slot)))
        return false;
    return span_eq(slot_span(set, find_slot(set, padded)), SPAN_OF(padded));
}
