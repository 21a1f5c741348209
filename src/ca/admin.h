/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_ADMIN_H
#define MALOTE_CA_ADMIN_H

#include "ca/ca.h"
#include "ipc/admin.h"

/* What malote-ca may ask for; the same code answers over ca.sock and in malote-ca itself. */

/* Rows borrow what they hold for the call only; an error ends the answer and is returned. */
struct admin_sink {
    enum mlt_err (*on_row)(void *ctx, const struct admin_row *row);
    void *ctx;
};

/*
 * On failure *why is one line for people (what failed, what to do).  MLT_ERR_MISSING,
 * MLT_ERR_EXISTS, MLT_ERR_USAGE and MLT_ERR_REFUSED are the CA's "no"; others are faults.
 */
MUST_CHECK enum mlt_err admin_answer(struct ca *ca, const struct admin_request *request,
                                     const struct admin_sink *sink, struct buf *why);

#endif
