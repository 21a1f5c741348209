/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_MAIL_SCHEMA_H
#define MALOTE_MAIL_SCHEMA_H

#include "db/database.h"

/* mail.db: its tables.  What they are for stands beside each in mail_schema.c. */

/* In the working directory `dirfd`; made if it is absent and `create`.  Its WAL is checkpointed
 * when whoever writes says so, and never by itself.  Errors as database_open. */
MUST_CHECK enum mlt_err mail_schema_open(struct database *db, int dirfd, bool create);

#endif
