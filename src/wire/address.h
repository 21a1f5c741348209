/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_ADDRESS_H
#define MALOTE_WIRE_ADDRESS_H

#include "wire/cursor.h"
#include "wire/name.h"

/* Who a message is from or for: kind u8, vec8 name.  Device and group are reserved kinds. */

enum address_kind { ADDRESS_USER = 1, ADDRESS_DEVICE = 2, ADDRESS_GROUP = 3 };

struct address {
    enum address_kind kind; /* only ADDRESS_USER decodes in this version */
    struct name name;
};

void address_put(struct wire_out *out, const struct address *address);
void address_get(struct wire_in *in, struct address *address);

#endif
