/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_map.h"

#include <string.h>

#include "base/alloc.h"

static const size_t first_capacity = 64;

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

static size_t bucket_of(const struct mail_map *map, int64_t number, const struct name *name)
{
    uint64_t h = mix(map->seed, (uint64_t)number);
    size_t n = name_span(name).n;
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        size_t left = n - i;
        memcpy(&word, name->text + i, left < sizeof(word) ? left : sizeof(word));
        h = mix(h, word);
    }
    return (size_t)(h >> 16) & (map->capacity - 1);
}

enum mlt_err mail_map_init(struct mail_map *map, const struct env *env)
{
    struct mail_map made = { .capacity = first_capacity };
    TRY(env_random(env, (uint8_t *)&made.seed, sizeof(made.seed)));
    TRY(ALLOC_ARRAY(made.capacity, &made.buckets));
    *map = made;
    return MLT_OK;
}

void mail_map_clear(struct mail_map *map)
{
    alloc_free(map->buckets);
    *map = (struct mail_map) { 0 };
}

struct mail_entry *mail_map_find(const struct mail_map *map, int64_t number,
                                 const struct name *name)
{
    struct mail_entry *at = map->buckets[bucket_of(map, number, name)];
    while (at != NULL && !(at->number == number && name_eq(&at->name, name)))
        at = at->next;
    return at;
}

static enum mlt_err grow(struct mail_map *map)
{
    struct mail_map larger = *map;
    larger.capacity = 2 * map->capacity;
    TRY(ALLOC_ARRAY(larger.capacity, &larger.buckets));
    for (size_t i = 0; i < map->capacity; i++) {
        struct mail_entry *at = map->buckets[i];
        while (at != NULL) {
            struct mail_entry *next = at->next;
            size_t to = bucket_of(&larger, at->number, &at->name);
            at->next = larger.buckets[to];
            larger.buckets[to] = at;
            at = next;
        }
    }
    alloc_free(map->buckets);
    *map = larger;
    return MLT_OK;
}

enum mlt_err mail_map_put(struct mail_map *map, struct mail_entry *entry)
{
    if (map->count >= map->capacity)
        TRY(grow(map));
    size_t to = bucket_of(map, entry->number, &entry->name);
    entry->next = map->buckets[to];
    map->buckets[to] = entry;
    map->count++;
    return MLT_OK;
}

void mail_map_remove(struct mail_map *map, struct mail_entry *entry)
{
    struct mail_entry **at = &map->buckets[bucket_of(map, entry->number, &entry->name)];
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    map->count--;
}

void mail_map_empty(struct mail_map *map)
{
    for (size_t i = 0; i < map->capacity; i++) {
        while (map->buckets[i] != NULL) {
            struct mail_entry *entry = map->buckets[i];
            map->buckets[i] = entry->next;
            alloc_free(entry);
        }
    }
    map->count = 0;
}
