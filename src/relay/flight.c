/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/flight.h"

#include <string.h>

#include "base/alloc.h"
#include "relay/roster.h"
#include "relay/router.h"

_Static_assert(sizeof(struct flight) <= ROUTER_FLIGHT_MOST, "router.h states it");

static const size_t first_capacity = 256;

static uint32_t half(const void *from, size_t i)
{
    uint32_t word = 0;
    memcpy(&word, (const uint8_t *)from + i * sizeof(word), sizeof(word));
    return word;
}

/* Pair-multiply-shift (Thorup, "High speed hashing for integers and strings", 3.5): universal, so
 * whoever chooses ids without knowing the seed cannot choose collisions. */
static size_t bucket_of(const struct flight_table *table, const struct member *from,
                        const uint8_t id[static ENVELOPE_ID])
{
    const uint64_t *a = table->seed;
    uint64_t who = from->serial;
    uint64_t h = a[10];
    for (size_t i = 0; i < ENVELOPE_ID / sizeof(uint32_t); i += 2)
        h += (a[i] + half(id, i)) * (a[i + 1] + half(id, i + 1));
    h += (a[8] + half(&who, 0)) * (a[9] + half(&who, 1));
    return (size_t)(h >> 32) & (table->capacity - 1);
}

enum mlt_err flight_table_init(struct flight_table *table, const struct env *env)
{
    struct flight_table made = { .capacity = first_capacity };
    TRY(env_random(env, (uint8_t *)made.seed, sizeof(made.seed)));
    TRY(ALLOC_ARRAY(made.capacity, &made.buckets));
    *table = made;
    return MLT_OK;
}

void flight_table_clear(struct flight_table *table)
{
    alloc_free(table->buckets);
    *table = (struct flight_table) { 0 };
}

static enum mlt_err grow(struct flight_table *table)
{
    struct flight_table larger = *table;
    larger.capacity = 2 * table->capacity;
    TRY(ALLOC_ARRAY(larger.capacity, &larger.buckets));
    for (size_t i = 0; i < table->capacity; i++) {
        while (table->buckets[i] != NULL) {
            struct flight *f = table->buckets[i];
            table->buckets[i] = f->next;
            size_t to = bucket_of(&larger, f->from, f->id);
            f->next = larger.buckets[to];
            larger.buckets[to] = f;
        }
    }
    alloc_free(table->buckets);
    *table = larger;
    return MLT_OK;
}

static void free_flight(struct flight **flight)
{
    struct flight *gone = *flight;
    if (gone == NULL)
        return;
    if (gone->body != NULL)
        alloc_free_wiped(gone->body, gone->bytes);
    alloc_free(gone);
    *flight = NULL;
}

static enum mlt_err copy_body(struct flight *f, struct span body)
{
    if (body.n == 0)
        return MLT_OK;
    TRY(alloc_bytes(body.n, &f->body));
    memcpy(f->body, body.p, body.n);
    return MLT_OK;
}

enum mlt_err flight_new(struct flight_table *table, const struct envelope *e,
                        const struct flight_way *way, struct flight **flight)
{
    if (table->count >= table->capacity)
        TRY(grow(table));
    CLEANUP(free_flight) struct flight *f = NULL;
    TRY(ALLOC_NEW(&f));
    f->flags = e->flags;
    f->body_kind = e->body_kind;
    memcpy(f->id, e->id, ENVELOPE_ID);
    f->from = way->from;
    f->to = way->to;
    f->epoch = e->epoch;
    f->number = e->number;
    f->time_ms = e->time_ms;
    f->bytes = e->body.n;
    if (way->with_body)
        TRY(copy_body(f, e->body));
    size_t bucket = bucket_of(table, f->from, f->id);
    f->next = table->buckets[bucket];
    table->buckets[bucket] = f;
    table->count++;
    if (f->body != NULL)
        table->body_bytes += f->bytes;
    f->from->uses++;
    f->to->uses++;
    *flight = f;
    f = NULL;
    return MLT_OK;
}

void flight_free(struct flight_table *table, struct flight **flight)
{
    struct flight *f = *flight;
    struct flight **at = &table->buckets[bucket_of(table, f->from, f->id)];
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    table->count--;
    flight_drop_body(table, f);
    f->from->uses--;
    f->to->uses--;
    free_flight(flight);
}

struct flight *flight_find(const struct flight_table *table, const struct member *from,
                           const uint8_t id[static ENVELOPE_ID], const struct member *to)
{
    struct flight *f = table->buckets[bucket_of(table, from, id)];
    while (f != NULL && (f->from != from || (to != NULL && f->to != to) ||
                         !span_eq(SPAN_OF(f->id), span_of(id, ENVELOPE_ID))))
        f = f->next;
    return f;
}

void flight_drop_body(struct flight_table *table, struct flight *f)
{
    if (f->body == NULL)
        return;
    table->body_bytes -= f->bytes;
    alloc_free_wiped(f->body, f->bytes);
    f->body = NULL;
}

void flight_envelope(const struct flight *f, struct envelope *e)
{
    *e = (struct envelope) { .sender = { ADDRESS_USER, f->from->name },
                             .time_ms = f->time_ms,
                             .recipient = { ADDRESS_USER, f->to->name },
                             .epoch = f->epoch,
                             .number = f->number,
                             .flags = f->flags,
                             .body_kind = f->body_kind,
                             .body = span_of(f->body, f->body == NULL ? 0 : f->bytes) };
    memcpy(e->id, f->id, ENVELOPE_ID);
}
