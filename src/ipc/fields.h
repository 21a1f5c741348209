/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_IPC_FIELDS_H
#define MALOTE_IPC_FIELDS_H

#include "wire/cursor.h"
#include "wire/join_url.h"
#include "wire/name.h"

/* Fields that the internal messages share; errors stay in the cursor, as everywhere in wire/. */

/* u8, 0 or 1: one encoding per value. */
bool field_get_bool(struct wire_in *in);

/* u8 within first..last.  MLT_ERR_RANGE. */
unsigned field_get_choice(struct wire_in *in, unsigned first, unsigned last);

/* u64 that is not negative as an int64_t.  MLT_ERR_RANGE. */
int64_t field_get_time(struct wire_in *in);

/* u16, a row of err.def.  MLT_ERR_RANGE. */
void field_put_err(struct wire_out *out, enum mlt_err err);
enum mlt_err field_get_err(struct wire_in *in);

/* vec8; `min` 0 lets a name be empty (none), 1 not. */
void field_put_name(struct wire_out *out, const struct name *name, size_t min);
void field_get_name(struct wire_in *in, struct name *name, size_t min);

#endif
