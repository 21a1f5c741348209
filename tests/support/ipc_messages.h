/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_IPC_MESSAGES_H
#define MALOTE_TESTS_SUPPORT_IPC_MESSAGES_H

#include "messages.h"

/* Every codec of src/ipc, as messages.h has those of src/wire.  Static storage. */
const struct message_row *ipc_message_rows(size_t *count);

#endif
