/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_IN_FLIGHT_H
#define MALOTE_CLIENT_IN_FLIGHT_H

#include "base/limits.h"
#include "wire/envelope.h"

/* Messages sent in this session whose fate the server has not told yet. */

struct in_flight_entry {
    uint8_t id[ENVELOPE_ID];
    struct name recipient;
    int64_t due_ms; /* when the host is told that nobody knows */
    bool given_up;  /* it was told; the answer may still come */
};

struct in_flight {
    struct in_flight_entry at[LIMIT_SEND_WINDOW]; /* in the order they were sent */
    size_t count;
    struct in_flight_entry late[LIMIT_SEND_WINDOW]; /* a ring: given up, and had to make room */
    size_t late_next;
};

/* Those the host still waits for. */
size_t in_flight_waiting(const struct in_flight *f);

/* The oldest that was given up makes room.  MLT_ERR_TOO_MANY when the host waits for
 * LIMIT_SEND_WINDOW already. */
MUST_CHECK enum mlt_err in_flight_add(struct in_flight *f, const struct in_flight_entry *entry);

/* The server answered, maybe late.  MLT_ERR_UNEXPECTED for an id that was not sent, or answered. */
MUST_CHECK enum mlt_err in_flight_take(struct in_flight *f, const uint8_t id[static ENVELOPE_ID],
                                       struct in_flight_entry *entry);

/* Any one of them, removed; for a lost link.  False when there is none. */
bool in_flight_take_any(struct in_flight *f, struct in_flight_entry *entry);

/* One that is overdue, marked given up.  False when there is none. */
bool in_flight_give_up(struct in_flight *f, int64_t now_ms, struct in_flight_entry *entry);

/* When the next becomes overdue; INT64_MAX when none can. */
int64_t in_flight_due_ms(const struct in_flight *f);

#endif
