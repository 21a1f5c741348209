/* SPDX-License-Identifier: Apache-2.0 */
#include "name_server.h"

#include <ares.h>
#include <arpa/inet.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test_base.h"

static uint16_t port_asked;

/* The library's own call, led here: it has no option for tests. */
__attribute__((visibility("default"))) int ares_init_options(ares_channel *channel,
                                                             struct ares_options *options, int mask)
{
    int (*real)(ares_channel *, struct ares_options *, int) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "ares_init_options");
    int rc = real(channel, options, mask);
    char servers[64];
    snprintf(servers, sizeof(servers), "127.0.0.1:%u", (unsigned)port_asked);
    return rc != ARES_SUCCESS ? rc : ares_set_servers_ports_csv(*channel, servers);
}

void name_server_start(struct name_server *s)
{
    struct sockaddr_in me = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(me);
    *s = (struct name_server) { .fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0) };
    assert_true(s->fd >= 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&me, sizeof(me)), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&me, &n), 0);
    s->port = port_asked = ntohs(me.sin_port);
}

void name_server_stop(struct name_server *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

/* RFC 1035 4.1: header, the question as it came, and for type A one answer. */
static size_t answer(const struct name_server *s, uint8_t m[static 512], size_t n)
{
    static const uint8_t record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1 };
    size_t end = 12;
    while (end < n && m[end] != 0)
        end += (size_t)m[end] + 1;
    end += 5;
    assert_true(end <= n);
    bool is_a = m[end - 3] == 1;
    m[2] = 0x81;
    m[3] = s->knows_nothing ? 0x83 : 0x80;
    m[7] = is_a && !s->knows_nothing;
    memset(m + 8, 0, 4);
    if (m[7] == 0)
        return end;
    memcpy(m + end, record, sizeof(record));
    return end + sizeof(record);
}

void name_server_turn(struct name_server *s)
{
    uint8_t m[512];
    struct sockaddr_in from;
    socklen_t from_n = sizeof(from);
    for (;;) {
        ssize_t n = recvfrom(s->fd, m, 400, 0, (struct sockaddr *)&from, &from_n);
        if (n < 12)
            return;
        s->questions++;
        if (s->is_mute)
            continue;
        size_t len = answer(s, m, (size_t)n);
        if (s->lies != NULL)
            len = (size_t)snprintf((char *)m + 12, sizeof(m) - 12, "%s", s->lies) + 12;
        assert_int_equal(sendto(s->fd, m, len, 0, (struct sockaddr *)&from, from_n), len);
    }
}
