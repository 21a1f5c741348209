/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_SCHEMA_H
#define MALOTE_CA_SCHEMA_H

#include "db/database.h"

/* The tables of ledger.db.  Its errors are said in the log. */

#define SCHEMA_FILE "ledger.db"

extern const struct database_schema schema_ledger;

#endif
