/* SPDX-License-Identifier: Apache-2.0 */
#include "client/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

static void free_answers(struct addrinfo **answers)
{
    if (*answers != NULL)
        freeaddrinfo(*answers);
}

enum mlt_err dial_resolve(const char *host, uint16_t port, struct dial_list *list,
                          char detail[static DIAL_DETAIL])
{
    char service[8];
    snprintf(service, sizeof(service), "%u", (unsigned)port);
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICSERV };
    CLEANUP(free_answers) struct addrinfo *answers = NULL;
    int rc = getaddrinfo(host, service, &hints, &answers);
    if (rc != 0) {
        const char *why = rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc);
        snprintf(detail, DIAL_DETAIL, "%.80s: %s", host, why);
        return MLT_ERR_UNREACHABLE;
    }
    struct dial_list got = { 0 };
    for (const struct addrinfo *a = answers; a != NULL && got.count < LIMIT_ADDRESSES;
         a = a->ai_next) {
        if (a->ai_addrlen > sizeof(got.at[0].storage))
            continue;
        struct dial_address *to = &got.at[got.count++];
        memcpy(&to->storage, a->ai_addr, a->ai_addrlen);
        to->n = a->ai_addrlen;
        to->family = a->ai_family;
    }
    ENSURE(got.count > 0, MLT_ERR_UNREACHABLE);
    *list = got;
    return MLT_OK;
}

void dial_describe(const struct dial_address *address, const char *what,
                   char detail[static DIAL_DETAIL])
{
    char host[NI_MAXHOST] = "?";
    char service[NI_MAXSERV] = "?";
    getnameinfo((const struct sockaddr *)&address->storage, address->n, host, sizeof(host), service,
                sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV);
    bool is_v6 = address->family == AF_INET6;
    snprintf(detail, DIAL_DETAIL, "%s%.60s%s:%.8s: %.70s", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
             service, what);
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
