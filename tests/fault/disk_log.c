/* SPDX-License-Identifier: Apache-2.0 */
#include "disk_shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int log_fd = -1;

__attribute__((constructor)) static void start(void)
{
    const char *name = getenv("DISK_LOG");
    if (name != NULL)
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                              0666);
}

bool disk_logs(void)
{
    return log_fd >= 0;
}

/* One call, so that entries of several threads and processes stay whole and in one order. */
void disk_log(const struct disk_log_entry *entry, const char *path, const void *data)
{
    if (log_fd < 0)
        return;
    int kept = errno;
    struct disk_log_entry e = *entry;
    e.pid = (uint32_t)getpid();
    e.path_size = (uint32_t)strlen(path);
    struct iovec parts[] = { { &e, sizeof(e) },
                             { (void *)(uintptr_t)path, e.path_size },
                             { (void *)(uintptr_t)data, e.data_size } };
    size_t whole = sizeof(e) + e.path_size + e.data_size;
    if (syscall(SYS_writev, log_fd, parts, 3) != (ssize_t)whole)
        abort();
    errno = kept;
}
