/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ipc/admin.h"
#include "ipc/channel.h"
#include "ipc_messages.h"
#include "login.h"
#include "wire/cursor.h"
#include "wire/mailbox.h"

/*
 * The seeds of the targets that read internal messages: make_ipc_seeds DIRECTORY, which holds a
 * folder for each.  fuzz_ipc gets every sample as a body, fuzz_channel as a packet from whom it
 * may come, fuzz_ca and fuzz_net_ca what goes their way.
 */

#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

static int out_dir = -1;

static void write_seed(const char *target, const char *name, const struct buf *seed)
{
    CLEANUP(file_close) int dir = -1;
    CLEANUP(file_close) int fd = -1;
    must(mkdirat(out_dir, target, 0755) == 0 || faccessat(out_dir, target, X_OK, 0) == 0);
    dir = openat(out_dir, target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(dir >= 0);
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(fd >= 0 && file_write_all(fd, buf_span(seed)) == MLT_OK);
}

/* What lies beyond is filler, and mutated for hours it teaches a fuzzer nothing. */
static const size_t longest_seed = 8192;

/* `ends` is a row of fuzz_channel's table; this one leads from net to ca. */
static const uint8_t from_net = 1;

static const struct {
    const char *name;
    enum ipc_type type;
    uint8_t ends;
} packets[] = {
    { "ca_start", IPC_CA_START, 3 },
    { "key_needed", IPC_KEY_NEEDED, 2 },
    { "ca_ready", IPC_CA_READY, 2 },
    { "ca_failed", IPC_CA_FAILED, 2 },
    { "net_start", IPC_NET_START, 5 },
    { "peer_lost", IPC_PEER_LOST, 4 },
    { "ca_info", IPC_CA_INFO, 0 },
    { "member", IPC_MEMBER, 0 },
    { "revoked", IPC_REVOKED, 0 },
    { "server_cert", IPC_SERVER_CERT, 0 },
    { "enrol", IPC_ENROL, 1 },
    { "enrolled", IPC_ENROLLED, 0 },
    { "request", IPC_ADMIN_REQUEST, 6 },
    { "row", IPC_ADMIN_ROW, 7 },
    { "end", IPC_ADMIN_END, 7 },
    { "nonces", IPC_NONCES, 0 },
    { "mailbox", IPC_MAILBOX, 0 },
    { "mailbox_name", IPC_MAILBOX_WANTED, 1 },
    { "login_grant", IPC_LOGIN_GRANT, 0 },
    { "login_proof", IPC_LOGIN_PROOF, 1 },
    { "unwrapped", IPC_UNWRAPPED, 0 },
    { "unwrap", IPC_UNWRAP, 1 },
    { "renew", IPC_RENEW, 1 },
    { "epoch", IPC_EPOCH, 0 },
    { "known", IPC_KNOWN, 0 },
};

static void put_packet(struct wire_out *w, enum ipc_type type, struct span body)
{
    wire_put_u8(w, (uint8_t)type);
    wire_put_u32(w, 1);
    wire_put_bytes(w, body);
}

static void write_channel(const char *name, uint8_t ends, uint8_t fds, enum ipc_type type,
                          struct span body)
{
    CLEANUP(buf_clear) struct buf seed = { 0 };
    struct wire_out w = wire_out(&seed);
    wire_put_u8(&w, ends);
    wire_put_u8(&w, fds);
    wire_put_u16(&w, (uint16_t)(5 + body.n));
    put_packet(&w, type, body);
    must(wire_out_end(&w) == MLT_OK);
    write_seed("channel", name, &seed);
}

static void write_ca(const char *name, enum ipc_type type, struct span body)
{
    CLEANUP(buf_clear) struct buf what = { 0 };
    CLEANUP(buf_clear) struct buf seed = { 0 };
    struct wire_out w = wire_out(&what);
    if (type == IPC_ADMIN_REQUEST)
        wire_put_bytes(&w, body);
    else
        put_packet(&w, type, body);
    must(wire_out_end(&w) == MLT_OK);
    w = wire_out(&seed);
    wire_put_u8(&w, type == IPC_ADMIN_REQUEST ? 2 : 0);
    wire_put_vec16(&w, buf_span(&what), 0, 65535);
    must(wire_out_end(&w) == MLT_OK);
    write_seed("ca", name, &seed);
}

static void write_sample(size_t i, const char *row, unsigned variant, struct span body)
{
    char name[64];
    snprintf(name, sizeof(name), "%s_%u", row, variant);
    CLEANUP(buf_clear) struct buf seed = { 0 };
    must(buf_put_u8(&seed, (uint8_t)i) == MLT_OK && buf_put(&seed, body) == MLT_OK);
    write_seed("ipc", name, &seed);
    for (size_t k = 0; k < COUNT_OF(packets); k++) {
        if (strcmp(packets[k].name, row) != 0)
            continue;
        write_channel(name, packets[k].ends, 0, packets[k].type, body);
        if (packets[k].ends == from_net || packets[k].type == IPC_ADMIN_REQUEST)
            write_ca(name, packets[k].type, body);
    }
}

static void write_samples(void)
{
    size_t count = 0;
    const struct message_row *rows = ipc_message_rows(&count);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) struct buf body = { 0 };
        for (unsigned variant = 0; rows[i].sample(variant, &body) == MLT_OK; variant++) {
            if (body.len <= longest_seed)
                write_sample(i, rows[i].name, variant, buf_span(&body));
            buf_reset(&body);
        }
    }
    const struct span none = { 0 };
    write_channel("peer", 5, 1, IPC_PEER, none);
    write_channel("peer_without", 5, 0, IPC_PEER, none);
    write_channel("peer_with_three", 5, 3, IPC_PEER, none);
    write_channel("stop_with_one", 5, 1, IPC_STOP, none);
}

/* An administrator's requests with a name, and edits of the good ENROL. */
static void write_ca_steps(void)
{
    for (unsigned verb = ADMIN_INVITE; verb <= ADMIN_UNINVITE; verb++) {
        char name[32];
        CLEANUP(buf_clear) struct buf body = { 0 };
        const struct admin_request request = { .verb = (enum admin_verb)verb,
                                               .has_name = verb != ADMIN_PENDING,
                                               .name = { "maria" },
                                               .count = 1,
                                               .expires_s = 60 };
        must(admin_request_encode(&request, &body) == MLT_OK);
        snprintf(name, sizeof(name), "verb_%u", verb);
        write_ca(name, IPC_ADMIN_REQUEST, buf_span(&body));
    }
    for (unsigned place = 0; place < 8; place++) {
        char name[32];
        CLEANUP(buf_clear) struct buf seed = { 0 };
        struct wire_out w = wire_out(&seed);
        wire_put_u8(&w, 1);
        wire_put_u16(&w, 3);
        wire_put_u16(&w, (uint16_t)(place * 97 + 1));
        wire_put_u8(&w, 1);
        must(wire_out_end(&w) == MLT_OK);
        snprintf(name, sizeof(name), "edited_%u", place);
        write_seed("ca", name, &seed);
    }
}

/* What net asks without a body, and edits of a good proof and of a good wish to unwrap. */
static void write_ca_mail(void)
{
    const struct span none = { 0 };
    write_ca("nonces_wanted", IPC_NONCES_WANTED, none);
    for (unsigned kind = 3; kind <= 4; kind++)
        for (unsigned place = 0; place < 6; place++) {
            char name[32];
            CLEANUP(buf_clear) struct buf seed = { 0 };
            struct wire_out w = wire_out(&seed);
            wire_put_u8(&w, (uint8_t)kind);
            wire_put_u16(&w, place == 0 ? 0 : 3);
            if (place > 0) {
                wire_put_u16(&w, (uint16_t)(place * (kind == 3 ? 311 : 57)));
                wire_put_u8(&w, 1);
            }
            must(wire_out_end(&w) == MLT_OK);
            snprintf(name, sizeof(name), "%s_%u", kind == 3 ? "proof" : "unwrap_edited", place);
            write_seed("ca", name, &seed);
        }
}

/* Edits of the good RENEW of a lost certificate: serial, signature, and all over the certificate.
 */
static void write_ca_returns(void)
{
    static const uint16_t places[] = { 3, 40, 275, 276, 300, 420, 700, 900, 1000 };
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        char name[32];
        CLEANUP(buf_clear) struct buf seed = { 0 };
        struct wire_out w = wire_out(&seed);
        wire_put_u8(&w, 6);
        wire_put_u16(&w, 3);
        wire_put_u16(&w, places[i]);
        wire_put_u8(&w, 1);
        must(wire_out_end(&w) == MLT_OK);
        snprintf(name, sizeof(name), "return_edited_%u", places[i]);
        write_seed("ca", name, &seed);
    }
}

/* A login as it is, one without a nonce, one to send; see fuzz_login_proof. */
static void write_login_proofs(void)
{
    static const uint8_t nonce[MAILBOX_NONCE] = { 1 }, certificate[300] = { 0x30 };
    const struct login logins[] = {
        { CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), SPAN_OF(certificate), SPAN_OF(certificate) },
        { CLIENT_AUTH_RECEIVE, { 0 }, SPAN_OF(certificate), SPAN_OF(certificate) },
        { CLIENT_AUTH_SEND, SPAN_OF(nonce), SPAN_OF(certificate), SPAN_OF(certificate) },
        { CLIENT_AUTH_ENROL, SPAN_OF(nonce), SPAN_OF(certificate), SPAN_OF(certificate) },
    };
    for (size_t i = 0; i < COUNT_OF(logins); i++) {
        char name[32];
        CLEANUP(login_transcript_clear) struct login_transcript t = { 0 };
        login_make(&logins[i], &t);
        snprintf(name, sizeof(name), "login_%zu", i);
        write_seed("login_proof", name, &t.bytes);
    }
}

/* The order in which a CA speaks; every shorter sequence too. */
static void write_net_ca(void)
{
    static const uint8_t member[] = { 1, 'a' };
    uint8_t revoked[2 + 16 + 32] = { 1, 'a', 1, [18] = 1 };
    static const uint8_t epoch[8 + 8] = { [7] = 1, [15] = 9 };
    /* Nonces are asked for as soon as net is synchronised: the first question. */
    static const uint8_t nonce[2 + MAILBOX_NONCE] = { 0, MAILBOX_NONCE, 1 };
    const struct {
        enum ipc_type type;
        uint8_t tag;
        struct span body;
    } steps[] = { { IPC_CA_INFO, 7, { 0 } },
                  { IPC_MEMBER, 7, SPAN_OF(member) },
                  { IPC_REVOKED, 7, SPAN_OF(revoked) },
                  { IPC_EPOCH, 7, SPAN_OF(epoch) },
                  { IPC_KNOWN, 7, SPAN_OF(epoch) },
                  { IPC_SYNCED, 7, { 0 } },
                  { IPC_SERVER_CERT, 7, { 0 } },
                  { IPC_NONCES, 1, SPAN_OF(nonce) },
                  { IPC_MAILBOX_ERASED, 7, SPAN_OF(member) },
                  { IPC_CRL_PART, 1, { 0 } },
                  { IPC_NOTICE, 1, { 0 } },
                  { IPC_NOTICE, 2, { 0 } },
                  { IPC_CRL_PART, 0, { 0 } },
                  { IPC_HEAD, 2, { 0 } },
                  { IPC_HEAD, 1, { 0 } },
                  { IPC_REVOKED, 7, { 0 } },
                  { IPC_ENROLLED, 7, { 0 } } };
    CLEANUP(buf_clear) struct buf seed = { 0 };
    struct wire_out w = wire_out(&seed);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        char name[32];
        wire_put_u8(&w, (uint8_t)steps[i].type);
        wire_put_u8(&w, steps[i].tag);
        wire_put_vec16(&w, steps[i].body, 0, 65535);
        must(wire_out_end(&w) == MLT_OK);
        snprintf(name, sizeof(name), "steps_%zu", i + 1);
        write_seed("net_ca", name, &seed);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "make_ipc_seeds DIRECTORY\n");
        return 2;
    }
    out_dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(out_dir >= 0);
    write_samples();
    write_ca_steps();
    write_ca_mail();
    write_ca_returns();
    write_login_proofs();
    write_net_ca();
    file_close(&out_dir);
    return 0;
}
