/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_TEXTS_H
#define MALOTE_CMD_TEXTS_H

/*
 * Every sentence the three programs say, as constants TEXT_<NAME> that the compiler checks as
 * printf formats.  strings.def is the table.  (Not named strings.h: <string.h> would find it.)
 */
#define S(name, text) static const char TEXT_##name[] __attribute__((unused)) = text;
#include "cmd/strings.def"
#undef S

#endif
