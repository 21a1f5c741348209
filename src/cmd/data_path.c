/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/data_path.h"

#include <stdlib.h>
#include <unistd.h>

static enum mlt_err choose(const char *option, struct buf *path)
{
    if (option != NULL)
        return option[0] != '\0' ? buf_put_str(path, option) : MLT_ERR_USAGE;
    if (geteuid() == 0)
        return buf_put_str(path, "/var/lib/malote");
    /* The XDG base directory specification: a relative path is to be ignored. */
    const char *data = getenv("XDG_DATA_HOME");
    if (data != NULL && data[0] == '/')
        return buf_put_format(path, "%s/maloted", data);
    const char *home = getenv("HOME");
    ENSURE(home != NULL && home[0] == '/', MLT_ERR_USAGE);
    return buf_put_format(path, "%s/.local/share/maloted", home);
}

enum mlt_err data_path_choose(const char *option, struct buf *path)
{
    TRY(choose(option, path));
    const char *text = NULL;
    return buf_text(path, &text);
}
