/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_STORE_HISTORY_H
#define MALOTE_CLIENT_STORE_HISTORY_H

#include "client/store.h"

/* With body: the first message beyond row `after`, ours or theirs, with `peer` unless NULL. */
MUST_CHECK enum mlt_err store_history_next(struct store *store, const struct name *peer,
                                           int64_t after, struct store_message *m, bool *found);

#endif
