/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_LOG_H
#define MALOTE_BASE_LOG_H

#include "base/attr.h"
#include "base/span.h"

/*
 * One line per event on stderr: time, process, level, text.  Whatever a peer put into the text
 * stays one line: bytes that are not printable ASCII are written as \xNN, and the line ends at
 * LIMIT_LOG_LINE.  Secrets have no way in: struct secret has no printer.
 */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* `who` (static storage) names the process, as in "maloted[net]".  Before this call: "malote". */
void log_start(const char *who, enum log_level most);

void log_error(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *format, ...) PRINTF_LIKE(1, 2);
void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
