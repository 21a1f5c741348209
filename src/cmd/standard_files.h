/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_STANDARD_FILES_H
#define MALOTE_CMD_STANDARD_FILES_H

#include <stdbool.h>

/*
 * Fills what the caller closed of descriptors 0, 1 and 2: a file of ours opened there would be
 * taken for the terminal.  A closed stdout becomes one that cannot be written, since what is shown
 * to nobody must not count as shown.  False if that fails.
 */
bool standard_files_open(void);

#endif
