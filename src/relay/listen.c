/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "wire/join_url.h"

static const int backlog = 4096;

static in_port_t *port_of(struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return &((struct sockaddr_in6 *)address)->sin6_port;
    return &((struct sockaddr_in *)address)->sin_port;
}

static bool is_any(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return ((const struct sockaddr_in *)address)->sin_addr.s_addr == htonl(INADDR_ANY);
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}

static socklen_t size_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

/* ---- opening ---- */

static enum mlt_err bind_one(struct listeners *l, const struct sockaddr_storage *address,
                             bool both_families)
{
    ENSURE(l->count < LISTEN_MAX, MLT_ERR_TOO_MANY);
    CLEANUP(file_close)
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ENSURE(fd >= 0, MLT_ERR_SYSTEM);
    int on = 1;
    int only = both_families ? 0 : 1;
    ENSURE(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0, MLT_ERR_SYSTEM);
    if (address->ss_family == AF_INET6)
        ENSURE(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) == 0, MLT_ERR_SYSTEM);
    ENSURE(bind(fd, (const struct sockaddr *)address, size_of(address)) == 0, MLT_ERR_SYSTEM);
    /* From now on who connects waits in the backlog, also while net is being restarted. */
    ENSURE(listen(fd, backlog) == 0, MLT_ERR_SYSTEM);
    struct sockaddr_storage bound = { 0 };
    socklen_t n = sizeof(bound);
    ENSURE(getsockname(fd, (struct sockaddr *)&bound, &n) == 0, MLT_ERR_SYSTEM);
    l->fds[l->count] = fd;
    l->addresses[l->count] = bound;
    l->count++;
    fd = -1;
    return MLT_OK;
}

static enum mlt_err bind_any(struct listeners *l, uint16_t port)
{
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_storage address = { 0 };
    memcpy(&address, &six, sizeof(six));
    enum mlt_err err = bind_one(l, &address, true);
    if (err != MLT_ERR_SYSTEM || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
        return err;
    address = (struct sockaddr_storage) { 0 };
    memcpy(&address, &four, sizeof(four));
    return bind_one(l, &address, false);
}

/* Appends what `info` leads to; port 0 of a name picks the same port for all its addresses. */
static enum mlt_err bind_all(struct listeners *l, const struct addrinfo *info, bool both_families)
{
    size_t first = l->count;
    enum mlt_err err = MLT_ERR_SYSTEM;
    for (; info != NULL; info = info->ai_next) {
        struct sockaddr_storage address = { 0 };
        memcpy(&address, info->ai_addr, info->ai_addrlen);
        if (*port_of(&address) == 0 && l->count > first)
            *port_of(&address) = *port_of(&l->addresses[first]);
        bool both = both_families && is_any(&address);
        err = bind_one(l, &address, both);
        if (err == MLT_OK)
            continue;
        /* A family this kernel lacks is no reason to refuse the other one. */
        if (err != MLT_ERR_SYSTEM || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
            return err;
    }
    return l->count > first ? MLT_OK : err;
}

static enum mlt_err parse(const char *wanted, char host[static 256], uint16_t *port)
{
    *port = LISTEN_PORT;
    enum mlt_err err = host_port_parse(span_str(wanted), host, port);
    return err == MLT_OK ? MLT_OK : MLT_ERR_USAGE;
}

enum mlt_err listen_check(const char *wanted)
{
    char host[256];
    uint16_t port = 0;
    return parse(wanted, host, &port);
}

static void free_info(struct addrinfo **info)
{
    if (*info != NULL)
        freeaddrinfo(*info);
}

/* What `host` leads to, *info for the caller to free. */
static enum mlt_err look_up(const char *wanted, const char *host, uint16_t port,
                            struct addrinfo **info, struct buf *why)
{
    char service[8];
    snprintf(service, sizeof(service), "%u", port);
    struct addrinfo hints = { .ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    int rc = getaddrinfo(host, service, &hints, info);
    if (rc == 0)
        return MLT_OK;
    TRY(buf_put_format(why, "cannot listen on %s: %s", wanted, gai_strerror(rc)));
    return MLT_ERR_USAGE;
}

static enum mlt_err open_wanted(struct listeners *l, const char *wanted, bool both_families,
                                struct buf *why)
{
    char host[256];
    uint16_t port = 0;
    TRY(parse(wanted, host, &port));
    if (host[0] == '\0')
        return bind_any(l, port);
    CLEANUP(free_info) struct addrinfo *info = NULL;
    TRY(look_up(wanted, host, port, &info, why));
    return bind_all(l, info, both_families);
}

enum mlt_err listen_look_up(const char *const *wanted, size_t count, struct buf *why)
{
    for (size_t i = 0; i < count; i++) {
        char host[256];
        uint16_t port = 0;
        CLEANUP(free_info) struct addrinfo *info = NULL;
        TRY(parse(wanted[i], host, &port));
        if (host[0] != '\0')
            TRY(look_up(wanted[i], host, port, &info, why));
    }
    return MLT_OK;
}

/* [::] takes IPv4 along, unless an IPv4 address is asked for by itself. */
static bool names_ipv4(const char *const *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char host[256];
        uint16_t port = 0;
        struct in_addr four;
        if (parse(wanted[i], host, &port) == MLT_OK && inet_pton(AF_INET, host, &four) == 1)
            return true;
    }
    return false;
}

enum mlt_err listen_open(const char *const *wanted, size_t count, struct listeners *l,
                         struct buf *why)
{
    CLEANUP(listen_close) struct listeners got = { 0 };
    enum mlt_err err = MLT_OK;
    const char *failed = ":6256";
    if (count == 0)
        err = bind_any(&got, LISTEN_PORT);
    for (size_t i = 0; i < count && err == MLT_OK; i++) {
        failed = wanted[i];
        err = open_wanted(&got, wanted[i], !names_ipv4(wanted, count), why);
    }
    if (err != MLT_OK && why->len == 0)
        TRY(buf_put_format(why, "cannot listen on %s: %s", failed, err_cause(err)));
    TRY(err);
    *l = got;
    got.count = 0;
    return MLT_OK;
}

void listen_close(struct listeners *l)
{
    while (l->count > 0)
        file_close(&l->fds[--l->count]);
}

/* ---- telling ---- */

static enum mlt_err put_host_port(struct buf *out, const char *host, unsigned port)
{
    bool six = strchr(host, ':') != NULL;
    return buf_put_format(out, six ? "[%s]:%u" : "%s:%u", host, port);
}

static enum mlt_err host_text(const struct sockaddr_storage *address, char host[static 256])
{
    int rc = getnameinfo((const struct sockaddr *)address, size_of(address), host, 256, NULL, 0,
                         NI_NUMERICHOST);
    ENSURE(rc == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

enum mlt_err listen_describe(const struct sockaddr_storage *address, struct buf *out)
{
    char host[256];
    struct sockaddr_storage copy = *address;
    TRY(host_text(address, host));
    return put_host_port(out, host, ntohs(*port_of(&copy)));
}

static bool is_reachable(const struct ifaddrs *one, int family)
{
    if (one->ifa_addr == NULL || one->ifa_addr->sa_family != family)
        return false;
    if ((one->ifa_flags & IFF_UP) == 0 || (one->ifa_flags & IFF_LOOPBACK) != 0)
        return false;
    if (family != AF_INET6)
        return true;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)one->ifa_addr;
    return !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr);
}

static bool first_address(int family, char host[static 256])
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0)
        return false;
    bool found = false;
    for (const struct ifaddrs *one = all; one != NULL && !found; one = one->ifa_next) {
        struct sockaddr_storage address = { 0 };
        if (!is_reachable(one, family))
            continue;
        memcpy(&address, one->ifa_addr,
               family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
        found = host_text(&address, host) == MLT_OK;
    }
    freeifaddrs(all);
    return found;
}

static enum mlt_err guess_host(char host[static 256])
{
    if (first_address(AF_INET, host) || first_address(AF_INET6, host))
        return MLT_OK;
    ENSURE(gethostname(host, 255) == 0, MLT_ERR_SYSTEM);
    host[255] = '\0';
    return MLT_OK;
}

/* The socket whose address says most: one that is neither "any" nor loopback, then loopback. */
static const struct sockaddr_storage *telling_address(const struct listeners *l)
{
    const struct sockaddr_storage *loopback = NULL;
    for (size_t i = 0; i < l->count; i++) {
        if (is_any(&l->addresses[i]))
            return NULL;
        if (!is_loopback(&l->addresses[i]))
            return &l->addresses[i];
        if (loopback == NULL)
            loopback = &l->addresses[i];
    }
    return loopback;
}

enum mlt_err listen_advertise(const struct listeners *l, const char *wanted, struct buf *out,
                              bool *guessed)
{
    char host[256];
    struct sockaddr_storage first = l->addresses[0];
    uint16_t port = ntohs(*port_of(&first));
    if (wanted != NULL) {
        ENSURE(host_port_parse(span_str(wanted), host, &port) == MLT_OK, MLT_ERR_USAGE);
        ENSURE(host[0] != '\0' && port != 0, MLT_ERR_USAGE);
        *guessed = false;
        return put_host_port(out, host, port);
    }
    const struct sockaddr_storage *telling = telling_address(l);
    if (telling != NULL) {
        *guessed = false;
        return listen_describe(telling, out);
    }
    TRY(guess_host(host));
    *guessed = true;
    return put_host_port(out, host, port);
}
