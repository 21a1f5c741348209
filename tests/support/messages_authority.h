/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SUPPORT_MESSAGES_AUTHORITY_H
#define MALOTE_TESTS_SUPPORT_MESSAGES_AUTHORITY_H

#include "base/buf.h"

/* For the table of messages.c: renewal, revocation and ledger. */

#define MESSAGE(name)                                                                              \
    enum mlt_err recode_##name(struct span src, struct buf *again);                                \
    enum mlt_err sample_##name(unsigned variant, struct buf *out)

MESSAGE(renew);
MESSAGE(renewed);
MESSAGE(revoked);
MESSAGE(crl_wanted);
MESSAGE(crl_piece);
MESSAGE(ledger_head);
MESSAGE(ledger_proof);
MESSAGE(leaves_wanted);
MESSAGE(leaves);

#undef MESSAGE

#endif
