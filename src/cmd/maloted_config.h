/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTED_CONFIG_H
#define MALOTE_CMD_MALOTED_CONFIG_H

#include "cmd/maloted_options.h"

/*
 * The configuration file: `key = value` lines, the keys of the command line, comments from ';'
 * or '#' at the start of a line.  One wrong line and the whole file is refused: nothing is
 * ignored, nothing is guessed.
 */

#define MALOTED_CONFIG_MAX 65536

/* `why` is one line for a person, with the number of the line.  MLT_ERR_USAGE, MLT_ERR_NOMEM. */
MUST_CHECK enum mlt_err maloted_config_parse(struct span text, struct maloted_options *o,
                                             struct buf *why);

/* The same from a file.  Also MLT_ERR_MISSING, MLT_ERR_SYSTEM. */
MUST_CHECK enum mlt_err maloted_config_read(const char *path, struct maloted_options *o,
                                            struct buf *why);

#endif
