/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_MESSAGES_H
#define MALOTE_TESTS_SUPPORT_MESSAGES_H

#include "base/buf.h"

/* Every codec of src/wire in one table, for what must hold of all of them. */

struct message_row {
    const char *name;
    /* Decodes `src` and appends the encoding of what was understood. */
    enum mlt_err (*recode)(struct span src, struct buf *again);
    /* Appends a good message; variants from 0, MLT_ERR_MISSING behind the last. */
    enum mlt_err (*sample)(unsigned variant, struct buf *out);
};

/* Static storage. */
const struct message_row *message_rows(size_t *count);

#endif
