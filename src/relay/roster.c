/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/roster.h"

#include "base/alloc.h"

static const size_t first_capacity = 64;

static size_t bucket_of(const struct roster *m, const struct name *name)
{
    uint64_t h = m->seed;
    for (const char *c = name->text; *c != '\0'; c++) {
        h = (h ^ (uint8_t)*c) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return (size_t)(h >> 16) & (m->capacity - 1);
}

enum mlt_err roster_init(struct roster *m, const struct env *env)
{
    struct roster made = { .capacity = first_capacity };
    TRY(env_random(env, (uint8_t *)&made.seed, sizeof(made.seed)));
    TRY(ALLOC_ARRAY(made.capacity, &made.buckets));
    *m = made;
    return MLT_OK;
}

void roster_clear(struct roster *m)
{
    for (size_t i = 0; i < m->capacity; i++) {
        while (m->buckets[i] != NULL) {
            struct member *gone = m->buckets[i];
            m->buckets[i] = gone->next;
            alloc_free(gone);
        }
    }
    alloc_free(m->buckets);
    *m = (struct roster) { 0 };
}

struct member *roster_find(const struct roster *m, const struct name *name)
{
    struct member *one = m->buckets[bucket_of(m, name)];
    while (one != NULL && !name_eq(&one->name, name))
        one = one->next;
    return one;
}

static enum mlt_err grow(struct roster *m)
{
    struct roster larger = *m;
    larger.capacity = 2 * m->capacity;
    TRY(ALLOC_ARRAY(larger.capacity, &larger.buckets));
    for (size_t i = 0; i < m->capacity; i++) {
        while (m->buckets[i] != NULL) {
            struct member *one = m->buckets[i];
            m->buckets[i] = one->next;
            size_t to = bucket_of(&larger, &one->name);
            one->next = larger.buckets[to];
            larger.buckets[to] = one;
        }
    }
    alloc_free(m->buckets);
    *m = larger;
    return MLT_OK;
}

enum mlt_err roster_get(struct roster *m, const struct name *name, struct member **member)
{
    struct member *one = roster_find(m, name);
    if (one == NULL) {
        if (m->count >= m->capacity)
            TRY(grow(m));
        TRY(ALLOC_NEW(&one));
        one->name = *name;
        TAILQ_INIT(&one->routes);
        one->serial = ++m->serial;
        TAILQ_INIT(&one->waiting);
        TAILQ_INIT(&one->putting);
        TAILQ_INIT(&one->kept);
        size_t to = bucket_of(m, name);
        one->next = m->buckets[to];
        m->buckets[to] = one;
        m->count++;
    }
    *member = one;
    return MLT_OK;
}

/* His mail outlives him in the list: it is his again when the CA names him again. */
static bool is_used(const struct member *one)
{
    return one->known || !TAILQ_EMPTY(&one->routes) || one->uses > 0 || one->messages > 0 ||
           one->unsure;
}

void roster_sweep(struct roster *m, uint64_t generation)
{
    for (size_t i = 0; i < m->capacity; i++) {
        struct member **at = &m->buckets[i];
        while (*at != NULL) {
            struct member *one = *at;
            if (one->generation != generation)
                one->known = false;
            if (is_used(one)) {
                at = &one->next;
                continue;
            }
            *at = one->next;
            alloc_free(one);
            m->count--;
        }
    }
}
