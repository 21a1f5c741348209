/* SPDX-License-Identifier: Apache-2.0 */
#include "client/resolver.h"

#include <ares.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "client/watch.h"

struct resolver {
    const struct env *env;
    int watch;
    ares_channel channel;
    bool has_channel;
    bool done;
    int status; /* of c-ares, once done */
    int64_t due_ms;
    struct dial_list found;
    char host[256];
};

/* Sockets of our own making: c-ares would have one that can raise SIGPIPE (writev to a name
 * server over TCP), and a library cannot ask its host to ignore that. */

static ares_socket_t make_socket(int family, int type, int protocol, void *ctx)
{
    (void)ctx;
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int close_socket(ares_socket_t fd, void *ctx)
{
    (void)ctx;
    return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t n, void *ctx)
{
    (void)ctx;
    return connect(fd, to, n);
}

static ares_ssize_t receive(ares_socket_t fd, void *bytes, size_t n, int flags,
                            struct sockaddr *from, ares_socklen_t *from_n, void *ctx)
{
    (void)ctx;
    return recvfrom(fd, bytes, n, flags, from, from_n);
}

static ares_ssize_t send_parts(ares_socket_t fd, const struct iovec *parts, int count, void *ctx)
{
    (void)ctx;
    struct msghdr message = { .msg_iovlen = (size_t)count };
    memcpy(&message.msg_iov, &parts, sizeof(parts)); /* not const there, and not written to */
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static const struct ares_socket_functions sockets = { make_socket, close_socket, connect_socket,
                                                      receive, send_parts };

static void on_socket(void *ctx, ares_socket_t fd, int readable, int writable)
{
    const struct resolver *r = ctx;
    enum mlt_err err = watch_set(r->watch, fd, readable != 0, writable != 0);
    (void)err; /* then c-ares' own clock wakes us */
}

static void keep(struct resolver *r, const struct ares_addrinfo *answer)
{
    for (const struct ares_addrinfo_node *a = answer->nodes; a != NULL; a = a->ai_next) {
        bool fits = (a->ai_family == AF_INET || a->ai_family == AF_INET6) &&
                    a->ai_addrlen <= sizeof(r->found.at[0].storage);
        if (!fits || r->found.count == LIMIT_ADDRESSES)
            continue;
        struct dial_address *to = &r->found.at[r->found.count++];
        memcpy(&to->storage, a->ai_addr, a->ai_addrlen);
        to->n = a->ai_addrlen;
        to->family = a->ai_family;
    }
}

static void on_answer(void *ctx, int status, int timeouts, struct ares_addrinfo *answer)
{
    (void)timeouts;
    struct resolver *r = ctx;
    r->done = true;
    r->status = status;
    if (answer == NULL)
        return;
    keep(r, answer);
    ares_freeaddrinfo(answer);
}

enum mlt_err resolver_new(const struct env *env, int watch, const char *host, uint16_t port,
                          struct resolver **resolver)
{
    CLEANUP(resolver_free) struct resolver *r = NULL;
    TRY(ALLOC_NEW(&r));
    r->env = env;
    r->watch = watch;
    r->due_ms = env_mono_ms(env) + LIMIT_LOOK_UP_MS;
    snprintf(r->host, sizeof(r->host), "%s", host);
    struct ares_options options = { .sock_state_cb = on_socket, .sock_state_cb_data = r };
    int rc = ares_init_options(&r->channel, &options, ARES_OPT_SOCK_STATE_CB);
    ENSURE(rc == ARES_SUCCESS, rc == ARES_ENOMEM ? MLT_ERR_NOMEM : MLT_ERR_SYSTEM);
    r->has_channel = true;
    ares_set_socket_functions(r->channel, &sockets, NULL);
    char service[8];
    snprintf(service, sizeof(service), "%u", (unsigned)port);
    const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
                                               .ai_socktype = SOCK_STREAM,
                                               .ai_flags = ARES_AI_NUMERICSERV };
    ares_getaddrinfo(r->channel, host, service, &hints, on_answer, r);
    *resolver = r;
    r = NULL;
    return MLT_OK;
}

void resolver_free(struct resolver **resolver)
{
    struct resolver *r = *resolver;
    if (r == NULL)
        return;
    if (r->has_channel)
        ares_destroy(r->channel); /* calls on_answer, if that has not been */
    alloc_free(r);
    *resolver = NULL;
}

void resolver_process(struct resolver *resolver)
{
    struct resolver *r = resolver;
    if (!r->done && env_mono_ms(r->env) >= r->due_ms)
        ares_cancel(r->channel); /* calls on_answer */
    if (r->done)
        return;
    ares_socket_t fds[ARES_GETSOCK_MAXNUM];
    /* Bits 0 to 15: to be read; 16 to 31: to be written.  The macros of c-ares shift into the sign.
     */
    unsigned wanted = (unsigned)ares_getsock(r->channel, fds, ARES_GETSOCK_MAXNUM);
    for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM && !r->done; i++) {
        int events = ((wanted >> i) & 1 ? POLLIN : 0) |
                     ((wanted >> (i + ARES_GETSOCK_MAXNUM)) & 1 ? POLLOUT : 0);
        struct pollfd ready = { .fd = fds[i], .events = (short)events };
        if (events == 0 || poll(&ready, 1, 0) <= 0)
            continue;
        bool can_read = (ready.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
        bool can_write = (ready.revents & POLLOUT) != 0;
        ares_process_fd(r->channel, can_read ? fds[i] : ARES_SOCKET_BAD,
                        can_write ? fds[i] : ARES_SOCKET_BAD);
    }
    if (!r->done)
        ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* its timeouts */
}

bool resolver_is_done(const struct resolver *resolver)
{
    return resolver->done;
}

int resolver_timeout_ms(const struct resolver *resolver)
{
    const struct resolver *r = resolver;
    if (r->done)
        return 0;
    int64_t left = r->due_ms - env_mono_ms(r->env);
    if (left <= 0)
        return 0;
    struct timeval most = { left / 1000, left % 1000 * 1000 };
    struct timeval until = { 0 };
    /* It hands out `most`, and leaves `until` alone, when nothing of its own is due before that. */
    const struct timeval *next = ares_timeout(r->channel, &most, &until);
    /* One more: it cuts off what is below a millisecond, and is then called a little too early. */
    int64_t ms = next->tv_sec * 1000 + (next->tv_usec + 999) / 1000 + 1;
    return (int)(ms < left ? ms : left);
}

enum mlt_err resolver_take(const struct resolver *resolver, struct dial_list *list,
                           char detail[static DIAL_DETAIL])
{
    const struct resolver *r = resolver;
    if (r->status == ARES_SUCCESS && r->found.count > 0) {
        *list = r->found;
        return MLT_OK;
    }
    bool late = r->status == ARES_ETIMEOUT || r->status == ARES_ECANCELLED;
    const char *why = late                        ? "no name server answered"
                      : r->status == ARES_SUCCESS ? "it has no address"
                                                  : ares_strerror(r->status);
    snprintf(detail, DIAL_DETAIL, "%.80s: %.70s", r->host, why);
    return late ? MLT_ERR_UNREACHABLE : MLT_ERR_UNKNOWN_HOST;
}
