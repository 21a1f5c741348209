/* SPDX-License-Identifier: Apache-2.0 */
#include "client/watch.h"

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>

enum mlt_err watch_open(int *watch)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    ENSURE(fd >= 0, MLT_ERR_SYSTEM);
    *watch = fd;
    return MLT_OK;
}

enum mlt_err watch_set(int watch, int fd, bool read, bool write)
{
    struct epoll_event event = { .data.fd = fd };
    event.events = (read ? (uint32_t)EPOLLIN : 0) | (write ? (uint32_t)EPOLLOUT : 0);
    if (!read && !write) {
        (void)epoll_ctl(watch, EPOLL_CTL_DEL, fd, &event); /* it may be closed, and gone, already */
        return MLT_OK;
    }
    if (epoll_ctl(watch, EPOLL_CTL_MOD, fd, &event) == 0)
        return MLT_OK;
    ENSURE(errno == ENOENT, MLT_ERR_SYSTEM);
    ENSURE(epoll_ctl(watch, EPOLL_CTL_ADD, fd, &event) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}
