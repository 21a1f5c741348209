/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_HELP_H
#define MALOTE_CMD_HELP_H

#include <stdbool.h>

/* Is --help or -h among the words of a subcommand?  None takes them for anything else. */
bool help_is_wanted(int argc, char **argv);

#endif
