/* SPDX-License-Identifier: Apache-2.0
 *
 * A hostile peer that speaks raw frames.  As a client it waits for ServerHello, does one thing,
 * and prints what came back as one line: "alert N", "frame TYPE", "closed" or "silence", and the
 * milliseconds it took.
 *
 *   raw_peer HOST:PORT dh KIND               ClientHello with a value of KIND (values[] below)
 *   raw_peer HOST:PORT frame TYPE SIZE SENT  a header that claims SIZE, and SENT bytes of body
 *   raw_peer HOST:PORT hex BYTES             these bytes
 *   raw_peer HOST:PORT reflect hello|auth    the server's own frame, sent back to it
 *   raw_peer HOST:PORT junk COUNT            COUNT connections of nonsense; "closed N of COUNT"
 *   raw_peer serve KIND                      a server with a group of KIND (groups[] below);
 *                                            prints "listening on PORT", then as above
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/env.h"
#include "base/hex.h"
#include "crypto/crypto.h"
#include "crypto/dh.h"
#include "wire/client_hello.h"
#include "wire/frame.h"
#include "wire/server_hello.h"

#define PATIENCE_MS 20000

static void die(const char *what)
{
    fprintf(stderr, "raw_peer: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void must(enum mlt_err err, const char *what)
{
    if (err != MLT_OK) {
        fprintf(stderr, "raw_peer: %s: %s\n", what, err_text(err));
        exit(1);
    }
}

static int dial(const char *to)
{
    char host[300];
    const char *colon = strrchr(to, ':');
    if (colon == NULL || (size_t)(colon - to) >= sizeof(host))
        die(to);
    memcpy(host, to, (size_t)(colon - to));
    host[colon - to] = '\0';
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        die(to);
    int fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0)
        die(to);
    freeaddrinfo(found);
    return fd;
}

/* What the other side does to us is the result, so a failed write is no error here. */
static void write_out(int fd, struct span s)
{
    while (s.n > 0) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        s = span_from(s, (size_t)n);
    }
}

/* False at the end of the stream, or when nothing came in time (errno ETIMEDOUT). */
static bool read_more(int fd, struct buf *in, int patience_ms)
{
    uint8_t chunk[4096];
    struct pollfd p = { .fd = fd, .events = POLLIN };
    errno = 0;
    if (poll(&p, 1, patience_ms) == 0) {
        errno = ETIMEDOUT;
        return false;
    }
    ssize_t n = read(fd, chunk, sizeof(chunk));
    if (n <= 0)
        return false;
    must(buf_put(in, span_of(chunk, (size_t)n)), "memory");
    return true;
}

static bool read_frame(int fd, struct buf *in, struct frame *frame, int patience_ms)
{
    bool complete = false;
    for (;;) {
        must(frame_decode(buf_span(in), frame, &complete), "a frame of the other side");
        if (complete)
            return true;
        if (!read_more(fd, in, patience_ms))
            return false;
    }
}

static void tell(int fd, struct buf *in)
{
    int64_t start = env_mono_ms(env_system());
    struct frame frame;
    const char *end = "silence";
    if (read_frame(fd, in, &frame, PATIENCE_MS)) {
        if (frame.type == FRAME_ALERT && frame.body.n == 1)
            printf("alert %u", frame.body.p[0]);
        else
            printf("frame %u", (unsigned)frame.type);
        end = "";
    } else if (errno != ETIMEDOUT) {
        end = "closed";
    }
    printf("%s in %lld ms\n", end, (long long)(env_mono_ms(env_system()) - start));
}

/* ---- client ---- */

/* y = p + difference, big-endian, in |p| bytes. */
static void near_prime(struct span p, int difference, uint8_t *y)
{
    memcpy(y, p.p, p.n);
    for (size_t i = p.n; i > 0 && difference != 0; i--) {
        int sum = y[i - 1] + difference;
        y[i - 1] = (uint8_t)(sum & 0xff);
        difference = sum >> 8;
    }
}

/* The offset is what to add to p; -4 and -2 are non-residues, since p = 3 mod 4 and 2 is one. */
static const struct {
    const char *kind;
    int offset;
    int length; /* added to |p| */
} values[] = { { "p", 0, 0 },      { "p-1", -1, 0 }, { "p+1", 1, 0 },
               { "p+2", 2, 0 },    { "p-2", -2, 0 }, { "p-4", -4, 0 },
               { "short", 0, -1 }, { "long", 0, 1 }, { "empty", 0, -4096 } };

static size_t make_value(const char *kind, enum dh_group group, struct span p, uint8_t *y)
{
    memset(y, 0, DH_PUBLIC_MAX + 1);
    if (strcmp(kind, "good") == 0) {
        EVP_PKEY *key = NULL;
        CLEANUP(buf_clear) struct buf public = { 0 };
        must(dh_key_new(group, &key), "key");
        must(dh_key_public(key, group, &public), "key");
        memcpy(y, public.p, public.len);
        dh_key_free(&key);
        return p.n;
    }
    if (strcmp(kind, "zero") == 0 || strcmp(kind, "one") == 0) {
        y[p.n - 1] = kind[0] == 'o';
        return p.n;
    }
    if (strcmp(kind, "ones") == 0) {
        memset(y, 0xff, p.n);
        return p.n;
    }
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        if (strcmp(kind, values[i].kind) != 0)
            continue;
        near_prime(p, values[i].offset, y);
        return values[i].length < -1 ? 0 : (size_t)((long)p.n + values[i].length);
    }
    die(kind);
    return 0;
}

static void send_hello(int fd, const struct server_hello *hello, const char *kind)
{
    enum dh_group group;
    must(dh_group_from_params(hello->p, hello->g, &group), "the server's group");
    uint8_t y[DH_PUBLIC_MAX + 1];
    size_t n = make_value(kind, group, hello->p, y);
    CLEANUP(buf_clear) struct buf body = { 0 };
    CLEANUP(buf_clear) struct buf out = { 0 };
    uint8_t random[CLIENT_HELLO_RANDOM];
    must(env_random(env_system(), random, sizeof(random)), "random");
    struct wire_out w = wire_out(&body);
    wire_put_bytes(&w, SPAN_OF(random));
    wire_put_vec16(&w, span_of(y, n), 0, DH_PUBLIC_MAX + 1);
    wire_put_u16(&w, 0);
    must(wire_out_end(&w), "ClientHello");
    must(buf_put_u8(&out, FRAME_CLIENT_HELLO), "memory");
    must(buf_put_u8(&out, 0), "memory");
    must(buf_put_u8(&out, (uint8_t)(body.len >> 8)), "memory");
    must(buf_put_u8(&out, (uint8_t)body.len), "memory");
    must(buf_put(&out, buf_span(&body)), "memory");
    write_out(fd, buf_span(&out));
}

static void send_header(int fd, char **argv)
{
    unsigned long type = strtoul(argv[0], NULL, 0), size = strtoul(argv[1], NULL, 0);
    unsigned long sent = strtoul(argv[2], NULL, 0);
    uint8_t header[FRAME_HEADER] = { (uint8_t)type, (uint8_t)(size >> 16), (uint8_t)(size >> 8),
                                     (uint8_t)size };
    write_out(fd, SPAN_OF(header));
    uint8_t zeros[1024] = { 0 };
    for (; sent > 0; sent -= sent < sizeof(zeros) ? sent : sizeof(zeros))
        write_out(fd, span_of(zeros, sent < sizeof(zeros) ? sent : sizeof(zeros)));
}

static void send_hex(int fd, const char *text)
{
    uint8_t bytes[4096];
    size_t n = strlen(text) / 2;
    if (n > sizeof(bytes))
        die("too many bytes");
    must(hex_decode(span_str(text), bytes, n), "hex");
    write_out(fd, span_of(bytes, n));
}

/* The server's ServerHello, or its ServerAuth after an honest ClientHello, as our own. */
static void send_back(int fd, struct buf *in, struct frame *first, const char *which)
{
    if (strcmp(which, "auth") == 0) {
        struct server_hello hello;
        must(server_hello_decode(first->body, &hello), "ServerHello");
        send_hello(fd, &hello, "good");
        buf_drop(in, first->size);
        if (!read_frame(fd, in, first, PATIENCE_MS))
            die("no ServerAuth");
    }
    write_out(fd, span_of(in->p, first->size));
    buf_drop(in, first->size);
}

static void client(const char *to, int argc, char **argv)
{
    int fd = dial(to);
    CLEANUP(buf_clear) struct buf in = { 0 };
    struct frame frame;
    if (!read_frame(fd, &in, &frame, PATIENCE_MS) || frame.type != FRAME_SERVER_HELLO)
        die("no ServerHello");
    struct server_hello hello;
    must(server_hello_decode(frame.body, &hello), "ServerHello");
    if (strcmp(argv[0], "dh") == 0 && argc == 2) {
        send_hello(fd, &hello, argv[1]);
        buf_drop(&in, frame.size);
    } else if (strcmp(argv[0], "frame") == 0 && argc == 4) {
        buf_drop(&in, frame.size);
        send_header(fd, argv + 1);
    } else if (strcmp(argv[0], "hex") == 0 && argc == 2) {
        buf_drop(&in, frame.size);
        send_hex(fd, argv[1]);
    } else if (strcmp(argv[0], "reflect") == 0 && argc == 2) {
        send_back(fd, &in, &frame, argv[1]);
    } else {
        die(argv[0]);
    }
    tell(fd, &in);
    close(fd);
}

/* Nonsense of several kinds: nothing, noise, a plausible header, another protocol's greeting. */
static void junk(const char *to, unsigned long count)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char tls[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    unsigned long closed = 0;
    for (unsigned long i = 0; i < count; i++) {
        int fd = dial(to);
        uint8_t noise[2048];
        must(env_random(env_system(), noise, sizeof(noise)), "random");
        if (i % 5 == 1)
            write_out(fd, span_of(noise, noise[0] * 8u));
        if (i % 5 == 2)
            write_out(fd, SPAN_OF(http));
        if (i % 5 == 3)
            write_out(fd, SPAN_OF(tls));
        noise[0] = FRAME_CLIENT_HELLO;
        noise[1] = 0;
        noise[2] = 1;
        if (i % 5 == 4)
            write_out(fd, span_of(noise, 4 + 256 + noise[3]));
        shutdown(fd, SHUT_WR);
        CLEANUP(buf_clear) struct buf in = { 0 };
        while (read_more(fd, &in, PATIENCE_MS))
            ;
        closed += errno != ETIMEDOUT;
        close(fd);
    }
    printf("closed %lu of %lu\n", closed, count);
}

/* ---- server ---- */

/* A group that no client may accept; the modulus is `size` bytes. */
static const struct {
    const char *kind;
    size_t size;
    uint8_t generator;
} groups[] = { { "p512", 64, 2 },   { "random2048", 256, 2 }, { "random3072", 384, 2 },
               { "huge", 4096, 2 }, { "g0", 384, 0 },         { "g1", 384, 1 },
               { "g5", 384, 5 },    { "one_bit", 384, 2 },    { "ffdhe2048", 256, 2 },
               { "p0", 0, 2 },      { "p-1", 384, 2 } };

static size_t make_prime(size_t row, uint8_t *p)
{
    size_t size = groups[row].size;
    struct span real, g;
    must(env_random(env_system(), p, size), "random");
    if (size > 0) {
        p[0] |= 0x80;
        p[size - 1] |= 1;
    }
    if (size != 256 && size != 384)
        return size;
    if (strncmp(groups[row].kind, "random", 6) == 0)
        return size;
    dh_group_params(size == 256 ? DH_FFDHE2048 : DH_FFDHE3072, &real, &g);
    memcpy(p, real.p, size);
    if (strcmp(groups[row].kind, "one_bit") == 0)
        p[size / 2] ^= 0x10;
    if (strcmp(groups[row].kind, "p-1") == 0)
        p[size - 1] ^= 1;
    return size;
}

static void put_server_hello(const char *kind, struct buf *out)
{
    size_t row = 0;
    while (row < COUNT_OF(groups) && strcmp(kind, groups[row].kind) != 0)
        row++;
    if (row == COUNT_OF(groups))
        die(kind);
    static uint8_t p[4096];
    uint8_t random[SERVER_HELLO_RANDOM];
    size_t n = make_prime(row, p);
    must(env_random(env_system(), random, sizeof(random)), "random");
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct wire_out w = wire_out(&body);
    wire_put_u16(&w, WIRE_VERSION);
    wire_put_bytes(&w, SPAN_OF(random));
    wire_put_vec16(&w, span_of(p, n), 0, sizeof(p));
    wire_put_vec16(&w, span_of(&groups[row].generator, 1), 1, 1);
    wire_put_u16(&w, 0);
    must(wire_out_end(&w), "ServerHello");
    w = wire_out(out);
    wire_put_u8(&w, FRAME_SERVER_HELLO);
    wire_put_u24(&w, (uint32_t)body.len);
    wire_put_bytes(&w, buf_span(&body));
    must(wire_out_end(&w), "ServerHello");
}

static void serve(const char *kind)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(address);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, n) != 0 ||
        listen(listener, 8) != 0 || getsockname(listener, (struct sockaddr *)&address, &n) != 0)
        die("listen");
    printf("listening on %u\n", ntohs(address.sin_port));
    fflush(stdout);
    int fd = accept(listener, NULL, NULL);
    CLEANUP(buf_clear) struct buf hello = { 0 };
    CLEANUP(buf_clear) struct buf in = { 0 };
    put_server_hello(kind, &hello);
    write_out(fd, buf_span(&hello));
    tell(fd, &in);
    close(fd);
    close(listener);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    must(crypto_start(), "crypto");
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        serve(argv[2]);
    else if (argc == 4 && strcmp(argv[2], "junk") == 0)
        junk(argv[1], strtoul(argv[3], NULL, 10));
    else if (argc >= 4)
        client(argv[1], argc - 2, argv + 2);
    else
        die("usage stands at the top of raw_peer.c");
    return 0;
}
