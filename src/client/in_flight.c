/* SPDX-License-Identifier: Apache-2.0 */
#include "client/in_flight.h"

static void remove_at(struct in_flight *f, size_t i)
{
    f->count--;
    for (; i < f->count; i++)
        f->at[i] = f->at[i + 1];
}

size_t in_flight_waiting(const struct in_flight *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++)
        n += f->at[i].given_up ? 0 : 1;
    return n;
}

/* A server that leaves messages unanswered does not stop the host from sending for ever. */
static enum mlt_err make_room(struct in_flight *f)
{
    size_t i = 0;
    while (i < f->count && !f->at[i].given_up)
        i++;
    ENSURE(i < f->count, MLT_ERR_TOO_MANY);
    f->late[f->late_next] = f->at[i];
    f->late_next = (f->late_next + 1) % LIMIT_SEND_WINDOW;
    remove_at(f, i);
    return MLT_OK;
}

enum mlt_err in_flight_add(struct in_flight *f, const struct in_flight_entry *entry)
{
    if (f->count == LIMIT_SEND_WINDOW)
        TRY(make_room(f));
    f->at[f->count++] = *entry;
    return MLT_OK;
}

static bool is_it(const struct in_flight_entry *entry, const uint8_t id[static ENVELOPE_ID])
{
    return span_eq(SPAN_OF(entry->id), span_of(id, ENVELOPE_ID));
}

enum mlt_err in_flight_take(struct in_flight *f, const uint8_t id[static ENVELOPE_ID],
                            struct in_flight_entry *entry)
{
    for (size_t i = 0; i < f->count; i++) {
        if (!is_it(&f->at[i], id))
            continue;
        *entry = f->at[i];
        remove_at(f, i);
        return MLT_OK;
    }
    for (size_t i = 0; i < LIMIT_SEND_WINDOW; i++) {
        if (!f->late[i].given_up || !is_it(&f->late[i], id))
            continue;
        *entry = f->late[i];
        f->late[i] = (struct in_flight_entry) { 0 };
        return MLT_OK;
    }
    return MLT_ERR_UNEXPECTED;
}

bool in_flight_take_any(struct in_flight *f, struct in_flight_entry *entry)
{
    if (f->count == 0)
        return false;
    *entry = f->at[0];
    remove_at(f, 0);
    return true;
}

bool in_flight_give_up(struct in_flight *f, int64_t now_ms, struct in_flight_entry *entry)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->at[i].given_up || f->at[i].due_ms > now_ms)
            continue;
        f->at[i].given_up = true;
        *entry = f->at[i];
        return true;
    }
    return false;
}

int64_t in_flight_due_ms(const struct in_flight *f)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < f->count; i++) {
        if (!f->at[i].given_up && f->at[i].due_ms < due)
            due = f->at[i].due_ms;
    }
    return due;
}
