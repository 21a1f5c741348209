/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_SETTING_H
#define MALOTE_CA_SETTING_H

#include "base/buf.h"
#include "db/database.h"

/* Small named values in ledger.db. */

/* Made or replaced. */
MUST_CHECK enum mlt_err setting_set(struct database *db, const char *key, struct span value);

/* Appended to `out`; MLT_ERR_MISSING. */
MUST_CHECK enum mlt_err setting_get(struct database *db, const char *key, struct buf *out);

/* The same for a number of 8 bytes; MLT_ERR_DAMAGED where it is none, or negative. */
MUST_CHECK enum mlt_err setting_set_number(struct database *db, const char *key, int64_t value);
MUST_CHECK enum mlt_err setting_get_number(struct database *db, const char *key, int64_t *value);

/* Also where there is none. */
MUST_CHECK enum mlt_err setting_forget(struct database *db, const char *key);

#endif
