/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_MAILBOX_H
#define MALOTE_WIRE_MAILBOX_H

#include "base/buf.h"
#include "wire/name.h"

/* What net, which keeps stored mail, and ca, which alone can open it, have to agree on.
 * PROTOCOL.md 9.3. */

#define MAIL_SEGMENT  16 /* bytes of a segment's id, random */
#define MAILBOX_NONCE 40 /* ca's, opaque to everybody else */
#define MAILBOX_GRANT 40 /* the same: who logged in may have segments unwrapped, for a while */

/* OAEP's label for the secret of a segment, appended: "malote v1 mailbox" 00, vec8 recipient,
 * segment [16]. */
MUST_CHECK enum mlt_err mailbox_label(const struct name *recipient,
                                      const uint8_t segment[static MAIL_SEGMENT],
                                      struct buf *label);

#endif
