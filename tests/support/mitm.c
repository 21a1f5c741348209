/* SPDX-License-Identifier: Apache-2.0
 *
 * A man in the middle with Diffie-Hellman keys of his own on both sides.  He talks to the real
 * server as a client would, opens its ServerAuth, and shows the server's certificate to the
 * victim under keys he shares with the victim.  All he lacks is the server's private key.
 *
 *   mitm HOST:PORT KIND     prints "listening on PORT", then "client: alert" or "client: frame N"
 *
 * KIND: own_values     the server's hello as it came, other public values, the server's signature
 *       own_random     another hello too
 *       own_signature  a right signature, by a key of his own
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/env.h"
#include "crypto/crypto.h"
#include "crypto/dh.h"
#include "crypto/etm.h"
#include "crypto/rsa.h"
#include "protocol/schedule.h"
#include "protocol/transcript.h"
#include "wire/client_hello.h"
#include "wire/frame.h"
#include "wire/server_auth.h"
#include "wire/server_hello.h"

/* One side of what he does: a connection, its transcript and its keys. */
struct leg {
    int fd;
    struct buf in;
    struct frame frame;
    struct transcript transcript;
    EVP_PKEY *ephemeral;
    struct buf public; /* ours */
    struct schedule schedule;
};

static enum dh_group group;

static void die(const char *what)
{
    fprintf(stderr, "mitm: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void must(enum mlt_err err, const char *what)
{
    if (err != MLT_OK) {
        fprintf(stderr, "mitm: %s: %s\n", what, err_text(err));
        exit(1);
    }
}

static int dial(const char *to)
{
    const char *colon = strrchr(to, ':');
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (colon == NULL)
        die(to);
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die(to);
    return fd;
}

static int await(void)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(address);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, n) != 0 ||
        listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&address, &n) != 0)
        die("listen");
    printf("listening on %u\n", ntohs(address.sin_port));
    fflush(stdout);
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        die("accept");
    close(listener);
    return fd;
}

static void say(struct leg *leg, struct span s)
{
    if (send(leg->fd, s.p, s.n, MSG_NOSIGNAL) != (ssize_t)s.n)
        die("send");
}

/* The next frame, borrowed until the next call.  False when the other side has gone. */
static bool hear(struct leg *leg)
{
    bool complete = false;
    buf_drop(&leg->in, leg->frame.size);
    leg->frame.size = 0;
    for (;;) {
        struct frame frame;
        must(frame_decode(buf_span(&leg->in), &frame, &complete), "frame");
        if (complete) {
            leg->frame = frame;
            return true;
        }
        uint8_t chunk[4096];
        ssize_t n = read(leg->fd, chunk, sizeof(chunk));
        if (n <= 0)
            return false;
        must(buf_put(&leg->in, span_of(chunk, (size_t)n)), "memory");
    }
}

static void hear_frame(struct leg *leg, enum frame_type type)
{
    if (!hear(leg) || leg->frame.type != type)
        die(frame_type_name(type));
}

static void hash(struct leg *leg, struct span s)
{
    must(transcript_add(&leg->transcript, s), "transcript");
}

static void start(struct leg *leg, int fd)
{
    leg->fd = fd;
    must(transcript_init(&leg->transcript), "transcript");
}

static void make_pair(struct leg *leg)
{
    must(dh_key_new(group, &leg->ephemeral), "pair");
    must(dh_key_public(leg->ephemeral, group, &leg->public), "pair");
}

static void put_frame(enum frame_type type, struct span body, struct buf *out)
{
    must(frame_put_header(out, type, body.n), "frame");
    must(buf_put(out, body), "frame");
}

/* The keys of a leg, from the transcript through Ys and the other side's value. */
static void derive(struct leg *leg, struct span theirs)
{
    uint8_t digest[HASH_LEN];
    struct secret z = { 0 };
    must(transcript_digest(&leg->transcript, digest), "transcript");
    must(dh_derive(leg->ephemeral, group, theirs, &z), "derive");
    must(schedule_start(&leg->schedule, &z, digest), "schedule");
    secret_clear(&z);
}

/* To the server, as a client: its hello is taken as it came. */
static void offer_to_server(struct leg *server, const struct client_hello *victims)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    CLEANUP(buf_clear) struct buf out = { 0 };
    struct client_hello hello = *victims;
    make_pair(server);
    hello.dh_public = buf_span(&server->public);
    must(client_hello_encode(&hello, &body), "ClientHello");
    put_frame(FRAME_CLIENT_HELLO, buf_span(&body), &out);
    hash(server, buf_span(&out));
    say(server, buf_span(&out));
}

/* What the server says of itself, opened; *parts borrows `plain`. */
static void open_server_auth(struct leg *server, struct buf *plain, struct server_auth *auth,
                             struct server_auth_parts *parts)
{
    struct server_auth_frame apart;
    struct etm etm = { 0 };
    hear_frame(server, FRAME_SERVER_AUTH);
    must(server_auth_frame_decode(server->frame.body, dh_group_size(group), &apart), "ServerAuth");
    struct span clear = span_of(server->frame.header.p, FRAME_HEADER + apart.dh_field.n);
    hash(server, clear);
    derive(server, apart.dh_public);
    must(etm_init(&etm, &server->schedule.server), "keys");
    must(etm_open(&etm, 0, clear, apart.sealed, plain), "ServerAuth");
    etm_clear(&etm);
    must(server_auth_split(buf_span(plain), auth, parts), "ServerAuth");
}

static void sign_myself(const uint8_t digest[static HASH_LEN], struct buf *signature)
{
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    must(rsa_key_new(2048, &key), "key");
    must(rsa_sign(key, RSA_SERVER_HANDSHAKE, digest, signature), "signature");
}

/* The plaintext for the victim, with a Finished that is right under our keys. */
static void put_plain(struct leg *victim, const struct server_auth_parts *seen, bool own,
                      struct buf *plain)
{
    uint8_t digest[HASH_LEN], finished[HASH_LEN];
    CLEANUP(buf_clear) struct buf signature = { 0 };
    hash(victim, seen->body);
    must(transcript_digest(&victim->transcript, digest), "transcript");
    if (own)
        sign_myself(digest, &signature);
    else
        must(buf_put(&signature, seen->signature), "memory");
    must(transcript_add_vec16(&victim->transcript, buf_span(&signature)), "transcript");
    must(transcript_digest(&victim->transcript, digest), "transcript");
    must(schedule_finished(&victim->schedule.server, digest, finished), "finished");
    const struct server_auth_parts parts = { .body = seen->body,
                                             .signature = buf_span(&signature),
                                             .finished = SPAN_OF(finished) };
    must(server_auth_join(&parts, plain), "ServerAuth");
}

static void show_to_victim(struct leg *victim, struct span theirs,
                           const struct server_auth_parts *seen, bool own)
{
    CLEANUP(buf_clear) struct buf clear = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf out = { 0 };
    struct etm etm = { 0 };
    size_t body = 2 + dh_group_size(group) + seen->body.n + 2 + seen->signature.n +
                  SERVER_AUTH_FINISHED + ETM_TAG;
    must(frame_put_header(&clear, FRAME_SERVER_AUTH, body), "ServerAuth");
    struct wire_out w = wire_out(&clear);
    wire_put_vec16(&w, buf_span(&victim->public), DH_PUBLIC_MIN, DH_PUBLIC_MAX);
    must(wire_out_end(&w), "ServerAuth");
    hash(victim, buf_span(&clear));
    derive(victim, theirs);
    put_plain(victim, seen, own, &plain);
    must(etm_init(&etm, &victim->schedule.server), "keys");
    must(buf_put(&out, buf_span(&clear)), "memory");
    must(etm_seal(&etm, 0, buf_span(&clear), buf_span(&plain), &out), "seal");
    etm_clear(&etm);
    say(victim, buf_span(&out));
}

static void run(const char *to, const char *kind)
{
    static struct leg victim, server;
    struct server_hello hello;
    struct client_hello offer;
    struct server_auth auth;
    struct server_auth_parts parts;
    CLEANUP(buf_clear) struct buf body = { 0 };
    CLEANUP(buf_clear) struct buf out = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };

    start(&victim, await());
    start(&server, dial(to));
    hear_frame(&server, FRAME_SERVER_HELLO);
    hash(&server, span_of(server.frame.header.p, server.frame.size));
    must(server_hello_decode(server.frame.body, &hello), "ServerHello");
    must(dh_group_from_params(hello.p, hello.g, &group), "group");
    if (strcmp(kind, "own_random") == 0)
        must(env_random(env_system(), hello.random, sizeof(hello.random)), "random");
    must(server_hello_encode(&hello, &body), "ServerHello");
    put_frame(FRAME_SERVER_HELLO, buf_span(&body), &out);
    hash(&victim, buf_span(&out));
    say(&victim, buf_span(&out));

    hear_frame(&victim, FRAME_CLIENT_HELLO);
    hash(&victim, span_of(victim.frame.header.p, victim.frame.size));
    must(client_hello_decode(victim.frame.body, dh_group_size(group), &offer), "ClientHello");
    offer_to_server(&server, &offer);
    open_server_auth(&server, &plain, &auth, &parts);
    make_pair(&victim);
    show_to_victim(&victim, offer.dh_public, &parts, strcmp(kind, "own_signature") == 0);

    if (!hear(&victim))
        printf("client: closed\n");
    else if (victim.frame.type == FRAME_ALERT)
        printf("client: alert\n");
    else
        printf("client: frame %u\n", (unsigned)victim.frame.type);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        die("usage stands at the top of mitm.c");
    bool locked;
    must(secret_start(&locked), "secrets");
    must(crypto_start(), "crypto");
    run(argv[1], argv[2]);
    return 0;
}
