/* SPDX-License-Identifier: Apache-2.0 */
#include "client/in_flight.h"

enum mlt_err in_flight_add(struct in_flight *f, const struct in_flight_entry *entry)
{
    ENSURE(f->count < LIMIT_SEND_WINDOW, MLT_ERR_TOO_MANY);
    f->at[f->count++] = *entry;
    return MLT_OK;
}

static void remove_at(struct in_flight *f, size_t i)
{
    f->count--;
    for (; i < f->count; i++)
        f->at[i] = f->at[i + 1];
}

enum mlt_err in_flight_take(struct in_flight *f, const uint8_t id[static ENVELOPE_ID],
                            struct in_flight_entry *entry)
{
    for (size_t i = 0; i < f->count; i++) {
        if (!span_eq(SPAN_OF(f->at[i].id), span_of(id, ENVELOPE_ID)))
            continue;
        *entry = f->at[i];
        remove_at(f, i);
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
