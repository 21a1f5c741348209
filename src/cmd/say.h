/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_SAY_H
#define MALOTE_CMD_SAY_H

#include "base/attr.h"
#include "cmd/texts.h"

/*
 * What a program tells its user on stderr, always ONE line, whatever was put into it: anything a
 * terminal would obey is escaped (base/text).  Formats are the TEXT_ constants of texts.h.
 */

/* The program's name, static storage; "malote" before this call. */
void say_start(const char *program);

/* "malote: <text>" */
void say_error(const char *format, ...) PRINTF_LIKE(1, 2);

/* The same form, for what is no error. */
void say_notice(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
