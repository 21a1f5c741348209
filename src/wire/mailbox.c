/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/mailbox.h"

#include "wire/cursor.h"

enum mlt_err mailbox_label(const struct name *recipient, const uint8_t segment[static MAIL_SEGMENT],
                           struct buf *label)
{
    static const char prefix[] = "malote v1 mailbox"; /* with its NUL */
    struct wire_out w = wire_out(label);
    wire_put_bytes(&w, span_of(prefix, sizeof(prefix)));
    wire_put_vec8(&w, name_span(recipient), 1, LIMIT_NAME);
    wire_put_bytes(&w, span_of(segment, MAIL_SEGMENT));
    return wire_out_end(&w);
}
