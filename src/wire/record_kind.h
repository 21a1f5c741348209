/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_WIRE_RECORD_KIND_H
#define MALOTE_WIRE_RECORD_KIND_H

#include "base/attr.h"
#include "base/err.h"
#include "base/span.h"

/* What a record can hold, and how long each may be.  PROTOCOL.md 7 prints this table. */

enum record_kind {
#define X(name, kind, min, max, from) RECORD_##name = kind,
#include "wire/records.def"
#undef X
};

/* Known kind, length within bounds.  MLT_ERR_UNEXPECTED, MLT_ERR_RANGE. */
MUST_CHECK enum mlt_err record_kind_check(unsigned kind, size_t body);

#endif
