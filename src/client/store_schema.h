/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_STORE_SCHEMA_H
#define MALOTE_CLIENT_STORE_SCHEMA_H

#include "db/database.h"

/* malote.db's tables, and how an older file becomes a newer one. */
extern const struct database_schema store_schema;

#endif
