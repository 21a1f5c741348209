/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include "base/alloc.h"
#include "client/store_history.h"
#include "people.h"
#include "sim.h"

static struct {
    struct judged *all;
    uint64_t count, capacity;
    uint64_t *by_id; /* index + 1; open addressing */
    uint64_t id_capacity;
    uint8_t body[2][LIMIT_BODY];
    unsigned body_next;
    struct judge_figures figures;
} judge;

void judge_clear(void)
{
    alloc_free(judge.all);
    alloc_free(judge.by_id);
    memset(&judge, 0, sizeof(judge));
}

uint64_t judge_count(void)
{
    return judge.count;
}

struct judge_figures judge_figures(void)
{
    return judge.figures;
}

struct judged *judge_at(uint64_t index)
{
    must(index < judge.count);
    return &judge.all[index];
}

uint64_t judge_index(const struct judged *m)
{
    return (uint64_t)(m - judge.all);
}

/* ---- ids ---- */

static uint64_t slot_of(const uint8_t id[static ENVELOPE_ID])
{
    uint64_t h = 0;
    memcpy(&h, id, sizeof(h)); /* random already */
    return h & (judge.id_capacity - 1);
}

struct judged *judge_of_id(const uint8_t id[static ENVELOPE_ID])
{
    if (judge.id_capacity == 0)
        return NULL;
    for (uint64_t i = slot_of(id); judge.by_id[i] != 0; i = (i + 1) & (judge.id_capacity - 1)) {
        struct judged *m = &judge.all[judge.by_id[i] - 1];
        if (span_eq(SPAN_OF(m->id), span_of(id, ENVELOPE_ID)))
            return m;
    }
    return NULL;
}

static void add_id(uint64_t index)
{
    uint64_t i = slot_of(judge.all[index].id);
    while (judge.by_id[i] != 0)
        i = (i + 1) & (judge.id_capacity - 1);
    judge.by_id[i] = index + 1;
}

static void grow(void)
{
    struct judged *larger = NULL;
    uint64_t capacity = judge.capacity == 0 ? 1024 : 2 * judge.capacity;
    must_ok(ALLOC_ARRAY(capacity, &larger));
    if (judge.count > 0)
        memcpy(larger, judge.all, judge.count * sizeof(*larger));
    alloc_free(judge.all);
    judge.all = larger;
    judge.capacity = capacity;
    alloc_free(judge.by_id);
    judge.by_id = NULL;
    judge.id_capacity = 4 * capacity;
    must_ok(ALLOC_ARRAY(judge.id_capacity, &judge.by_id));
    for (uint64_t i = 0; i < judge.count; i++)
        add_id(i);
}

void judge_kept(const uint8_t id[static ENVELOPE_ID], const struct judged *m)
{
    must(judge_of_id(id) == NULL);
    if (judge.count == judge.capacity)
        grow();
    struct judged *made = &judge.all[judge.count++];
    *made = *m;
    memcpy(made->id, id, ENVELOPE_ID);
    add_id(judge.count - 1);
}

bool judge_was_held(uint64_t index)
{
    struct judged *m = judge_at(index);
    bool was = m->held;
    m->held = true;
    return was;
}

void judge_disguise(uint8_t id[static ENVELOPE_ID])
{
    for (size_t i = 0; i < ENVELOPE_ID; i++)
        id[i] ^= 0xff;
}

/* ---- bodies ---- */

struct span judge_body(uint64_t index, size_t n)
{
    uint8_t *body = judge.body[judge.body_next++ % 2];
    memcpy(body, &index, sizeof(index));
    return span_of(body, n);
}

struct judged *judge_of(const struct envelope *e, uint64_t *index)
{
    must(e->body.n >= sizeof(*index));
    memcpy(index, e->body.p, sizeof(*index));
    struct judged *m = judge_at(*index);
    must(m->bytes == e->body.n);
    return m;
}

struct envelope judge_envelope(uint64_t index)
{
    const struct judged *m = judge_at(index);
    struct envelope e = { .sender = { ADDRESS_USER, people_name(m->sender) },
                          .recipient = { ADDRESS_USER, people_name(m->recipient) },
                          .time_ms = m->time_ms,
                          .epoch = m->epoch,
                          .number = m->number,
                          .flags = m->flags,
                          .body_kind = BODY_PLAIN,
                          .body = judge_body(index, m->bytes) };
    memcpy(e.id, m->id, ENVELOPE_ID);
    return e;
}

/* ---- the verdict ---- */

/* Of one stream: the last number that its recipient got in order, and the highest of all. */
struct heard {
    uint64_t epoch, number, highest;
};

static void check_gap(const struct store_message *got, struct heard *heard)
{
    bool is_next = got->number > heard->highest;
    must(got->gap == (is_next ? got->number - heard->highest - 1 : 0));
    judge.figures.gaps += got->gap;
    if (is_next)
        heard->highest = got->number;
}

static void hear(const struct store_message *got, unsigned recipient, struct heard *heard)
{
    uint64_t index = 0;
    must(got->body.len >= sizeof(index));
    memcpy(&index, got->body.p, sizeof(index));
    struct judged *m = judge_at(index);
    must(m->recipient == recipient && people_index(&got->peer) == m->sender);
    must(got->body.len == m->bytes && got->number == m->number);
    m->copies++;
    must(m->copies == 1); /* once in the store */
    check_gap(got, heard);
    /* What its sender let go of may be on its way still, behind what he sent afterwards. */
    if (m->may_lack || m->dropped)
        return;
    must(heard->epoch == 0 || heard->epoch == got->epoch);
    if (got->number <= heard->number)
        sim_say("%s to p%02u: number %u came after %u", got->peer.text, recipient,
                (unsigned)got->number, (unsigned)heard->number);
    must(got->number > heard->number); /* in order */
    heard->epoch = got->epoch;
    heard->number = got->number;
}

/* What its sender was told, and what is so. */
static void check_fate(const struct store_message *ours)
{
    const struct judged *m = judge_of_id(ours->id);
    must(m != NULL);
    switch (ours->state) {
    case STORE_DELIVERED:
    case STORE_READ:
        must(m->copies == 1); /* nothing that was acknowledged is lost */
        judge.figures.delivered++;
        break;
    case STORE_REFUSED: /* unless it was unknown before, he does not have it */
        must(m->copies == 0 || m->may_lack);
        judge.figures.refused++;
        break;
    case STORE_EXPIRED: /* in the mailbox: nobody is patient enough here to give one up */
        must(m->may_lack);
        judge.figures.expired++;
        break;
    case STORE_DROPPED:
        must(m->dropped);
        judge.figures.dropped++;
        break;
    default: /* waiting, stored, or given up: nobody told him */
        must(m->dropped);
        judge.figures.dropped++;
        break;
    }
}

static void walk(unsigned person, bool ours)
{
    struct store *store = NULL;
    struct store_message m = { 0 };
    struct heard heard[PEOPLE_MOST] = { 0 };
    bool found = true;
    int64_t row = 0;
    must_ok(store_open(people_home(person), &sim.env, &store));
    for (;;) {
        must_ok(store_history_next(store, NULL, row, &m, &found));
        if (!found)
            break;
        row = m.row;
        if (m.is_ours != ours)
            continue;
        if (ours)
            check_fate(&m);
        else
            hear(&m, person, &heard[people_index(&m.peer)]);
    }
    store_message_clear(&m);
    store_close(&store);
}

void judge_all(void)
{
    for (unsigned i = 0; i < people_count(); i++)
        walk(i, false);
    for (unsigned i = 0; i < people_count(); i++)
        walk(i, true);
    const struct judge_figures *f = &judge.figures;
    must(f->delivered + f->refused + f->expired + f->dropped == judge.count);
    for (uint64_t i = 0; i < judge.count; i++)
        must(judge.all[i].row == 0 && judge.all[i].notice == 0);
}
