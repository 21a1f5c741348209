/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_TYPED_LIST_H
#define MALOTE_WIRE_TYPED_LIST_H

#include "wire/cursor.h"

/*
 * The hello messages' place for what later versions offer: a vec16 of entries, each type u16 and
 * vec16 value, types strictly ascending.  A client skips what it
 * does not know (the transcript covers it all the same), a server refuses it.  PROTOCOL.md 3.2
 */

struct typed_list {
    struct span entries; /* borrowed; well-formed if it came from typed_list_get */
};

struct typed_entry {
    uint16_t type;
    struct span value; /* borrowed */
};

/* Remember their error in the cursor: MLT_ERR_RANGE for types out of order, too long a list. */
void typed_list_get(struct wire_in *in, struct typed_list *list);
void typed_list_put(struct wire_out *out, const struct typed_list *list);

/* Takes the first entry off; false at the end (or where *list is not well-formed). */
bool typed_list_next(struct typed_list *list, struct typed_entry *entry);

/* Appends one entry to a list being made; the caller keeps the order.  MLT_ERR_RANGE. */
MUST_CHECK enum mlt_err typed_list_add(struct buf *entries, const struct typed_entry *entry);

#endif
