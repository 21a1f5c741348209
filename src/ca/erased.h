/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_ERASED_H
#define MALOTE_CA_ERASED_H

#include "ca/members.h"

/*
 * Members whose mailbox pair was erased, and of whom net may still keep mail that nobody can open.
 * A name stays here until net says that its erasure is on disk (MAILBOX_GONE); until then net is
 * told at each of its starts, and the member gets no new pair, so that no word of this can ever hit
 * mail that is good.
 */

MUST_CHECK enum mlt_err erased_put(struct database *db, const struct name *name, int64_t now_s);

/* *was is false where it was not here. */
MUST_CHECK enum mlt_err erased_forget(struct database *db, const struct name *name, bool *was);

MUST_CHECK enum mlt_err erased_each(struct database *db, const struct member_visit *visit);

#endif
