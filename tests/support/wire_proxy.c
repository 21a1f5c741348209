/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody on the wire: passes bytes between clients and a server, writes them down, and on
 * request does to one frame what an attacker would.
 *
 *   wire_proxy --to HOST:PORT [--record PREFIX] [--flip D:F:B[:BIT]] [--cut D:F:B] [--drop D:F]
 *              [--replay D:F] [--reflect D:F] [--swap D:F] [--replace D:F:PIECE]
 *              [--insert D:F:PIECE] [--connection N] [--while FILE]
 *
 * D is "up" (client to server) or "down", F the number of a frame in that direction from 0, B a
 * byte in it (its header has four).  F may be "-": then B counts bytes of the whole direction.
 * --swap lets the next frame pass first; the bytes of the file PIECE come in place of the frame,
 * or before it.
 * --connection N spares all connections but the N-th (from 0), --while FILE those that begin
 * while there is no such file.  Prints "listening on PORT".
 * PREFIX.<connection>.up and .down hold the bytes as they arrived; PREFIX.frames has a line a
 * frame: connection, direction, number, type, body length, offset in that file.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEADER 4

enum deed { NONE, FLIP, CUT, DROP, REPLAY, REFLECT, SWAP, REPLACE, INSERT };

struct plan {
    enum deed deed;
    bool up;
    long frame; /* -1: any, `byte` counts the whole direction */
    long byte;
    int bit;
    const char *piece; /* REPLACE, INSERT */
    long connection;   /* -1: all */
};

struct direction {
    bool up;
    int from, to;
    long frame;    /* the one the next byte belongs to */
    long at;       /* of the next byte in its frame */
    long total;    /* bytes so far */
    uint32_t size; /* of the frame, header included; 0 until the header is there */
    uint8_t header[HEADER];
    uint8_t held[1 << 18]; /* the frame to come again, or later */
    size_t held_len;
    uint8_t ready[1 << 14]; /* forwarded in one write */
    size_t ready_len;
};

static struct plan plan = { .connection = -1 };
static const char *prefix;
static const char *while_file;
static long connection_number;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void usage(void)
{
    fprintf(stderr, "wire_proxy --to HOST:PORT [--record PREFIX] [--flip D:F:B[:BIT]] "
                    "[--cut D:F:B] [--drop D:F] [--replay D:F] [--reflect D:F] [--swap D:F] "
                    "[--replace D:F:PIECE] [--insert D:F:PIECE] [--connection N] "
                    "[--while FILE]\n");
    exit(2);
}

static void read_place(enum deed deed, const char *text)
{
    char direction[8] = "", frame[16] = "";
    plan.deed = deed;
    plan.bit = 0;
    plan.byte = -1;
    int n = sscanf(text, "%7[a-z]:%15[0-9-]:%ld:%d", direction, frame, &plan.byte, &plan.bit);
    if (n < 2 || (strcmp(direction, "up") != 0 && strcmp(direction, "down") != 0))
        usage();
    plan.up = strcmp(direction, "up") == 0;
    plan.frame = strcmp(frame, "-") == 0 ? -1 : strtol(frame, NULL, 10);
    plan.piece = strchr(strchr(text, ':') + 1, ':');
    if (deed != REPLACE && deed != INSERT)
        return;
    if (plan.piece == NULL || plan.frame < 0)
        usage();
    plan.piece++;
}

static void write_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done <= 0)
            exit(0); /* the other side has gone: so have we */
        p += done;
        n -= (size_t)done;
    }
}

static void flush(struct direction *d)
{
    write_all(d->to, d->ready, d->ready_len);
    d->ready_len = 0;
}

static void write_down(const struct direction *d, const uint8_t *p, size_t n)
{
    if (prefix == NULL)
        return;
    char name[512];
    snprintf(name, sizeof(name), "%s.%ld.%s", prefix, connection_number, d->up ? "up" : "down");
    int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        die(name);
    write_all(fd, p, n);
    close(fd);
}

static void note_frame(const struct direction *d)
{
    if (prefix == NULL)
        return;
    char name[512];
    snprintf(name, sizeof(name), "%s.frames", prefix);
    FILE *f = fopen(name, "a");
    if (f == NULL)
        die(name);
    fprintf(f, "%ld %s %ld %u %u %ld\n", connection_number, d->up ? "up" : "down", d->frame,
            d->header[0], d->size - HEADER, d->total - (long)d->size);
    fclose(f);
}

static bool is_target(const struct direction *d)
{
    if (plan.deed == NONE || plan.up != d->up)
        return false;
    if (plan.connection >= 0 && plan.connection != connection_number)
        return false;
    return plan.frame < 0 || plan.frame == d->frame;
}

static bool is_target_byte(const struct direction *d)
{
    return is_target(d) && plan.byte == (plan.frame < 0 ? d->total : d->at);
}

static void put(struct direction *d, uint8_t byte)
{
    if (d->ready_len == sizeof(d->ready))
        flush(d);
    d->ready[d->ready_len++] = byte;
}

/* The file of the plan, as it is. */
static void put_piece(struct direction *d)
{
    static uint8_t bytes[1 << 18];
    int fd = open(plan.piece, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
    if (n < 0)
        die(plan.piece);
    close(fd);
    flush(d);
    write_all(d->to, bytes, (size_t)n);
}

static void forward(struct direction *d, uint8_t byte)
{
    bool has_piece = plan.deed == REPLACE || plan.deed == INSERT;
    bool holds = plan.deed == REPLAY || plan.deed == SWAP;
    if (is_target_byte(d) && plan.deed == CUT) {
        flush(d);
        exit(0);
    }
    if (is_target_byte(d) && plan.deed == FLIP)
        byte = (uint8_t)(byte ^ (1u << plan.bit));
    if (is_target(d) && has_piece && d->at == 0)
        put_piece(d);
    if (is_target(d) && (plan.deed == DROP || plan.deed == REPLACE))
        return;
    if (is_target(d) && plan.deed == REFLECT) {
        write_all(d->from, &byte, 1);
        return;
    }
    if (is_target(d) && holds && d->held_len < sizeof(d->held))
        d->held[d->held_len++] = byte;
    if (is_target(d) && plan.deed == SWAP)
        return;
    put(d, byte);
}

static void step(struct direction *d, uint8_t byte)
{
    if (d->at < HEADER)
        d->header[d->at] = byte;
    if (d->at == HEADER - 1) {
        d->size =
            HEADER + ((uint32_t)d->header[1] << 16 | (uint32_t)d->header[2] << 8 | d->header[3]);
    }
    forward(d, byte);
    d->at++;
    d->total++;
    if (d->at < HEADER || d->at < (long)d->size)
        return;
    note_frame(d);
    bool is_next = plan.deed == SWAP && !is_target(d) && d->held_len > 0;
    if ((is_target(d) && plan.deed == REPLAY) || is_next) {
        flush(d);
        write_all(d->to, d->held, d->held_len);
        d->held_len = 0;
    }
    d->at = 0;
    d->frame++;
}

static bool carry(struct direction *d)
{
    uint8_t chunk[16384];
    ssize_t n = read(d->from, chunk, sizeof(chunk));
    if (n <= 0)
        return false;
    write_down(d, chunk, (size_t)n);
    for (ssize_t i = 0; i < n; i++)
        step(d, chunk[i]);
    flush(d);
    return true;
}

static int dial(const char *to)
{
    char host[300];
    const char *colon = strrchr(to, ':');
    if (colon == NULL || (size_t)(colon - to) >= sizeof(host))
        usage();
    memcpy(host, to, (size_t)(colon - to));
    host[colon - to] = '\0';
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        die(to);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0)
        die(to);
    freeaddrinfo(found);
    return fd;
}

static void serve(int client, const char *to)
{
    int server = dial(to);
    if (while_file != NULL && access(while_file, F_OK) != 0)
        plan.deed = NONE;
    static struct direction up, down;
    up = (struct direction) { .up = true, .from = client, .to = server };
    down = (struct direction) { .up = false, .from = server, .to = client };
    for (;;) {
        struct pollfd p[] = { { .fd = client, .events = POLLIN },
                              { .fd = server, .events = POLLIN } };
        if (poll(p, 2, -1) < 0)
            die("poll");
        if (p[0].revents != 0 && !carry(&up))
            return;
        if (p[1].revents != 0 && !carry(&down))
            return;
    }
}

static const char *read_options(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum deed deed;
    } deeds[] = { { "--flip", FLIP },       { "--cut", CUT },         { "--drop", DROP },
                  { "--replay", REPLAY },   { "--reflect", REFLECT }, { "--swap", SWAP },
                  { "--replace", REPLACE }, { "--insert", INSERT } };
    const char *to = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--to") == 0)
            to = argv[i + 1];
        if (strcmp(argv[i], "--record") == 0)
            prefix = argv[i + 1];
        if (strcmp(argv[i], "--while") == 0)
            while_file = argv[i + 1];
        if (strcmp(argv[i], "--connection") == 0)
            plan.connection = strtol(argv[i + 1], NULL, 10);
        for (size_t k = 0; k < sizeof(deeds) / sizeof(deeds[0]); k++) {
            if (strcmp(argv[i], deeds[k].name) == 0)
                read_place(deeds[k].deed, argv[i + 1]);
        }
    }
    if (to == NULL || argc % 2 == 0)
        usage();
    return to;
}

int main(int argc, char **argv)
{
    const char *to = read_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(address);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, n) != 0 ||
        listen(listener, 64) != 0 || getsockname(listener, (struct sockaddr *)&address, &n) != 0)
        die("listen");
    printf("listening on %u\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;; connection_number++) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            die("accept");
        pid_t pid = fork();
        if (pid < 0)
            die("fork");
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve(client, to);
            return 0;
        }
        close(client);
    }
}
