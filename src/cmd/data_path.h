/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_DATA_PATH_H
#define MALOTE_CMD_DATA_PATH_H

#include "base/attr.h"
#include "base/buf.h"

/*
 * Where maloted and malote-ca keep DATA: `option` (--data) if not NULL, else /var/lib/malote as
 * root, else $XDG_DATA_HOME/maloted, else ~/.local/share/maloted.  Appended, NUL-terminated
 * beyond len.  MLT_ERR_USAGE when there is no home directory to fall back on.
 */
MUST_CHECK enum mlt_err data_path_choose(const char *option, struct buf *path);

#endif
