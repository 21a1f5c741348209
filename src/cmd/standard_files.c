/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/standard_files.h"

#include <fcntl.h>
#include <unistd.h>

bool standard_files_open(void)
{
    static const int flags[] = { O_RDONLY, O_RDONLY, O_WRONLY };
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", flags[fd]) != fd)
            return false;
    }
    return true;
}
