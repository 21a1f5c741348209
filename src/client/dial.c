/* SPDX-License-Identifier: Apache-2.0 */
#include "client/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

enum mlt_err dial_numeric(const char *text, uint16_t port, struct dial_address *address)
{
    struct dial_address got = { .family = AF_INET, .n = sizeof(struct sockaddr_in) };
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(&got.storage, &v4, sizeof(v4));
        *address = got;
        return MLT_OK;
    }
    char digits[INET6_ADDRSTRLEN];
    const char *scope = strchrnul(text, '%');
    size_t n = (size_t)(scope - text);
    ENSURE(n < sizeof(digits), MLT_ERR_USAGE);
    memcpy(digits, text, n);
    digits[n] = '\0';
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    ENSURE(inet_pton(AF_INET6, digits, &v6.sin6_addr) == 1, MLT_ERR_USAGE);
    if (*scope == '%') {
        v6.sin6_scope_id = if_nametoindex(scope + 1);
        ENSURE(v6.sin6_scope_id != 0, MLT_ERR_USAGE);
    }
    got.family = AF_INET6;
    got.n = sizeof(v6);
    memcpy(&got.storage, &v6, sizeof(v6));
    *address = got;
    return MLT_OK;
}

void dial_describe(const struct dial_address *address, const char *what,
                   char detail[static DIAL_DETAIL])
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool is_v6 = address->family == AF_INET6;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memcpy(&v4, &address->storage, sizeof(v4));
    memcpy(&v6, &address->storage, sizeof(v6));
    const void *bytes = is_v6 ? (const void *)&v6.sin6_addr : (const void *)&v4.sin_addr;
    inet_ntop(address->family, bytes, host, sizeof(host));
    unsigned port = ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
    snprintf(detail, DIAL_DETAIL, "%s%s%s:%u: %.70s", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
             port, what);
}

static enum mlt_err fail(const struct dial_address *address, char detail[static DIAL_DETAIL])
{
    dial_describe(address, strerror(errno), detail);
    return MLT_ERR_UNREACHABLE;
}

enum mlt_err dial_start(const struct dial_address *address, int *fd,
                        char detail[static DIAL_DETAIL])
{
    CLEANUP(file_close)
    int made = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0)
        return fail(address, detail);
    /* Records are written whole, so waiting to fill a segment only delays them. */
    const int on = 1;
    (void)setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    int rc = connect(made, (const struct sockaddr *)&address->storage, address->n);
    if (rc != 0 && errno != EINPROGRESS && errno != EINTR)
        return fail(address, detail);
    *fd = made;
    made = -1;
    return MLT_OK;
}

enum mlt_err dial_finish(const struct dial_address *address, int fd,
                         char detail[static DIAL_DETAIL])
{
    int outcome = 0;
    socklen_t n = sizeof(outcome);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &outcome, &n) != 0)
        return fail(address, detail);
    if (outcome == 0)
        return MLT_OK;
    errno = outcome;
    return fail(address, detail);
}
