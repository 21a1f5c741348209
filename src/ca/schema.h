/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_SCHEMA_H
#define MALOTE_CA_SCHEMA_H

#include <stdint.h>

/* The tables of ledger.db, as steps: schema_step(v) takes a database from user_version v to v+1. */

extern const int64_t schema_version;

/* 0 <= from < schema_version; static storage. */
const char *schema_step(int64_t from);

#endif
