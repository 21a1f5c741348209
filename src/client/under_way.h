/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_UNDER_WAY_H
#define MALOTE_CLIENT_UNDER_WAY_H

#include "client/store_outbox.h"

/* What one session has sent and heard nothing of, and how its streams stand; and the losses, which
 * the next session heeds too.  { 0 } is empty. */

struct under_way_stream {
    struct store_stream is; /* row 0: this place is free */
    int64_t sent_row;       /* up to here this session has sent */
    size_t unanswered;
    int64_t blocked_row; /* the server refuses what comes behind it until it comes again; 0: none */
    int64_t due_ms;      /* nothing is sent before */
    int64_t pause_ms;    /* the last pause; 0: none was needed */
};

/* The server lost what it had stored for this recipient. */
struct under_way_loss {
    struct name recipient;
    int64_t due_ms;   /* nothing is sent to them before */
    int64_t pause_ms; /* the last pause; 0: this place is free */
};

struct under_way_message {
    uint8_t id[ENVELOPE_ID];
    int64_t row;
    struct under_way_stream *stream;
    int64_t due_ms; /* when the host is told that there is no answer yet */
    bool told;
};

struct under_way {
    struct under_way_message messages[LIMIT_SEND_WINDOW];
    size_t count;
    /* As many as a server lets one session have blocked. */
    struct under_way_stream streams[LIMIT_BLOCKED_STREAMS];
    struct under_way_loss losses[LIMIT_BLOCKED_STREAMS];
};

/* NULL when it has no place. */
struct under_way_stream *under_way_find(struct under_way *u, const struct name *recipient);

/* NULL when all places are taken. */
struct under_way_stream *under_way_add_stream(struct under_way *u, const struct store_stream *is);
bool under_way_has_place(const struct under_way *u);

/* Of the streams that have a place, the one whose recipient follows `after`; NULL: none. */
struct under_way_stream *under_way_follows(struct under_way *u, const struct name *after);

/* It was sent; there is room (count < LIMIT_SEND_WINDOW). */
void under_way_add(struct under_way *u, const struct under_way_message *message);

bool under_way_has(const struct under_way *u, const uint8_t id[static ENVELOPE_ID]);

/* The server answered: it is not under way any more.  False for what was not. */
bool under_way_answered(struct under_way *u, const uint8_t id[static ENVELOPE_ID],
                        struct under_way_message *message);

/* From this row on everything of the stream goes again, after a pause. */
void under_way_hold_back(struct under_way_stream *stream, int64_t row, int64_t now_ms);

/*
 * What was stored for the recipient is lost, and goes again from this row on, after a pause that
 * doubles until something is delivered to them.  Apart from the stream, which is given up while
 * nothing of it is under way.
 */
void under_way_lost(struct under_way *u, const struct name *recipient, int64_t row, int64_t now_ms);
bool under_way_rests(const struct under_way *u, const struct name *recipient, int64_t now_ms);
void under_way_delivered(struct under_way *u, const struct name *recipient);

/* When the first pause after a loss ends, of those that last beyond `since_ms`; INT64_MAX: none. */
int64_t under_way_rest_due_ms(const struct under_way *u, int64_t since_ms);

/* May it send now? */
bool under_way_may_send(const struct under_way_stream *stream, int64_t now_ms);

/* One that is overdue, marked as told.  NULL when there is none. */
const struct under_way_message *under_way_overdue(struct under_way *u, int64_t now_ms);

/* When something becomes overdue or a pause ends; INT64_MAX: never. */
int64_t under_way_due_ms(const struct under_way *u);

#endif
