/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the seeds of the protocol's fuzz targets: make_seeds DIRECTORY, which holds a folder for
 * each.  The same bytes every time, so that a change of a format shows as a change of its seeds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/dh.h"
#include "messages.h"
#include "wire/alert.h"
#include "wire/client_hello.h"
#include "wire/frame.h"
#include "wire/record_kind.h"
#include "wire/server_hello.h"

#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

static int out_dir = -1;

/* Larger ones say nothing that these do not. */
static const size_t largest = 2500;

static void write_seed(const char *target, const char *name, int first, struct span bytes)
{
    CLEANUP(buf_clear) struct buf seed = { 0 };
    CLEANUP(file_close) int dir = -1;
    CLEANUP(file_close) int fd = -1;
    if (first >= 0)
        must(buf_put_u8(&seed, (uint8_t)first) == MLT_OK);
    must(buf_put(&seed, bytes) == MLT_OK);
    must(mkdirat(out_dir, target, 0755) == 0 || faccessat(out_dir, target, X_OK, 0) == 0);
    dir = openat(out_dir, target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(dir >= 0);
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(fd >= 0 && file_write_all(fd, buf_span(&seed)) == MLT_OK);
}

static void write_messages(void)
{
    size_t count = 0;
    const struct message_row *rows = message_rows(&count);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) struct buf sample = { 0 };
        for (unsigned v = 0; rows[i].sample(v, &sample) == MLT_OK; v++) {
            char name[64];
            snprintf(name, sizeof(name), "%s_%u", rows[i].name, v);
            bool padded = strcmp(rows[i].name, "client_auth") == 0;
            if (sample.len <= largest || (padded && v % 2 == 0))
                write_seed("messages", name, (int)i, buf_span(&sample));
            buf_reset(&sample);
        }
    }
}

static void put_frame(enum frame_type type, struct span body, struct buf *out)
{
    must(frame_put_header(out, type, body.n) == MLT_OK);
    must(buf_put(out, body) == MLT_OK);
}

/* A group of RFC 7919, and 4 as a public value: in the right subgroup, and short to write. */
static void put_server_hello(struct buf *out)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct server_hello hello = { 0 };
    dh_group_params(DH_FFDHE2048, &hello.p, &hello.g);
    must(server_hello_encode(&hello, &body) == MLT_OK);
    put_frame(FRAME_SERVER_HELLO, buf_span(&body), out);
}

static void put_client_hello(struct buf *out)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const uint8_t four[256] = { [255] = 4 };
    const struct client_hello hello = { .dh_public = SPAN_OF(four) };
    must(client_hello_encode(&hello, &body) == MLT_OK);
    put_frame(FRAME_CLIENT_HELLO, buf_span(&body), out);
}

static void write_frames(void)
{
    CLEANUP(buf_clear) struct buf frames = { 0 };
    const uint8_t busy[] = { ALERT_BUSY };
    const uint8_t sealed[33] = { 0 };
    put_frame(FRAME_ALERT, SPAN_OF(busy), &frames);
    write_seed("frame", "alert", -1, buf_span(&frames));
    write_seed("handshake_client", "alert", 0, buf_span(&frames));
    write_seed("handshake_server", "alert", 0, buf_span(&frames));
    put_frame(FRAME_ALERT, SPAN_OF(sealed), &frames);
    put_frame(FRAME_RECORD, SPAN_OF(sealed), &frames);
    write_seed("frame", "three", -1, buf_span(&frames));
    write_seed("session", "three", 0, buf_span(&frames));
    put_server_hello(&frames);
    put_client_hello(&frames);
    write_seed("frame", "all", -1, buf_span(&frames));
}

static void write_handshakes(void)
{
    CLEANUP(buf_clear) struct buf server = { 0 };
    CLEANUP(buf_clear) struct buf client = { 0 };
    static const uint8_t auth[8224] = { 1, 0, 4 };
    const uint8_t server_auth[1200] = { 1, 0, [257] = 4 };
    /* No change, one in the first certificate, one further in, one at the very end. */
    static const uint8_t changes[] = { 0, 0, 0, 0, 40, 1, 3, 0, 128, 255, 255, 1 };
    put_server_hello(&server);
    write_seed("handshake_client", "hello", 0, buf_span(&server));
    put_frame(FRAME_SERVER_AUTH, SPAN_OF(server_auth), &server);
    write_seed("handshake_client", "hello_auth", 0, buf_span(&server));
    put_client_hello(&client);
    write_seed("handshake_server", "hello", 0, buf_span(&client));
    put_frame(FRAME_CLIENT_AUTH, SPAN_OF(auth), &client);
    write_seed("handshake_server", "hello_auth", 0, buf_span(&client));
    for (size_t n = 3; n <= sizeof(changes); n += 3) {
        char name[32];
        snprintf(name, sizeof(name), "changed_%zu", n / 3);
        write_seed("handshake_client", name, 1, span_of(changes, n));
        write_seed("handshake_server", name, 1, span_of(changes, n));
        snprintf(name, sizeof(name), "enrol_%zu", n / 3);
        write_seed("handshake_server", name, 0x40, span_of(changes, n));
    }
    write_seed("handshake_client", "overwritten", 2, span_of(auth, 3));
    write_seed("handshake_server", "overwritten", 2, span_of(auth, 3));
}

static void write_urls(void)
{
#define HASH   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define INVITE "0102030405060708a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
    write_seed("join_url", "name", -1, span_str("malote://relay.example:6256/" HASH));
    write_seed("join_url", "invite", -1, span_str("malote://maria@10.0.0.1:1/" HASH "/" INVITE));
    write_seed("join_url", "v6", -1, span_str("malote://2001:db8::5:6256/" HASH "/" INVITE));
    write_seed("join_url", "brackets", -1, span_str("malote://[fe80::1%eth0]:6256/" HASH));
    write_seed("join_url", "address", -1, span_str("[::1]:0"));
}

/* Mode 1 of fuzz_session: frame kind, u16 length, plaintext. */
static void write_sessions(void)
{
    static const uint8_t ping_rekey_close[] = { 0, 0, 1, RECORD_PING,  0, 0, 1, RECORD_REKEY,
                                                0, 0, 2, RECORD_CLOSE, 1 };
    static const uint8_t alert[] = { 1, 0, 1, ALERT_BUSY };
    static const uint8_t outcome[] = { 0, 0, 20, RECORD_OUTCOME, [20] = 2, 0, 0 };
    static const uint8_t again[] = { 0, 0, 2, RECORD_CLOSE, 8 };
    static const uint8_t noted[] = { 0, 0, 18, RECORD_NOTED, [20] = 2 };
    write_seed("session", "ping_rekey_close", 1, SPAN_OF(ping_rekey_close));
    write_seed("session", "alert", 1, SPAN_OF(alert));
    write_seed("session", "outcome", 1, SPAN_OF(outcome));
    write_seed("session", "again", 1, SPAN_OF(again));
    write_seed("session", "noted", 1, SPAN_OF(noted));
}

static void write_envelopes(void)
{
    size_t count = 0;
    const struct message_row *rows = message_rows(&count);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) struct buf sample = { 0 };
        bool is_send = strcmp(rows[i].name, "send") == 0;
        if (!is_send && strcmp(rows[i].name, "deliver") != 0)
            continue;
        must(rows[i].sample(0, &sample) == MLT_OK);
        write_seed("envelope", rows[i].name, -1, buf_span(&sample));
        buf_reset(&sample);
        must(rows[i].sample(2, &sample) == MLT_OK); /* a flag, and no body */
        char name[32];
        snprintf(name, sizeof(name), "%s_wants_read", rows[i].name);
        write_seed("envelope", name, -1, buf_span(&sample));
    }
}

static void write_words(void)
{
    static const char *const words[] = {
        "maria.silva",
        "a--b",
        "relay",
        "malote.internal",
        "xn--a.b-c",
        "30s",
        "7d",
        "3650d",
        "99999999999999999h",
        "ffdhe3072",
        "00ff",
        "[::1]:6256",
        "127.0.0.1:0",
        ":6256",
        "relay.example:65536",
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        char name[16];
        snprintf(name, sizeof(name), "word_%zu", i);
        write_seed("words", name, -1, span_str(words[i]));
    }
}

static void write_texts(void)
{
    write_seed("text", "plain", -1, span_str("chegou o malote? \xe2\x80\x9csim\xe2\x80\x9d \\"));
    write_seed("text", "controls", -1, span_str("a\x1b[2J\x07\r\n\tb\x7f\xc2\x9b"));
    write_seed("text", "bidi", -1, span_str("\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8\xef\xbb\xbf"));
    write_seed("text", "joiners", -1, span_str("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"));
    write_seed("text", "not_utf8", -1,
               span_str("\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xff\xe2\x82"));
    write_seed("text", "beyond", -1,
               span_str("\xee\x80\x80\xf3\xa0\x80\x81\xf4\x8f\xbf\xbf\xcd\xb8"));
}

/* A leaf of each kind, and a root that has a name. */
static void write_ledger(void)
{
    uint8_t leaf[1 + 32 + 1 + 5 + 32 + 1 + 16 + 8] = { [33] = 5, 'm', 'a', 'r', 'i', 'a' };
    leaf[71] = 3;
    leaf[sizeof(leaf) - 1] = 9;
    write_seed("ledger", "client", -1, SPAN_OF(leaf));
    leaf[71] = 1;
    write_seed("ledger", "root_with_a_name", -1, SPAN_OF(leaf));
    uint8_t root[sizeof(leaf) - 5] = { [66] = 1 };
    write_seed("ledger", "root", -1, SPAN_OF(root));
}

static void write_key_files(void)
{
    static const char box[] = "malote-key 1 scrypt 1024 8 1 "
                              "0000000000000000000000000000000000000000000000000000000000000000 00 "
                              "0000000000000000000000000000000000000000000000000000000000000000\n";
    static const char dear[] =
        "malote-key 1 scrypt 1048576 8 1 "
        "0000000000000000000000000000000000000000000000000000000000000000 00 "
        "0000000000000000000000000000000000000000000000000000000000000000\n";
    static const uint8_t edits[] = { 0, 40, 1, 3, 0, 2, 6, 0 };
    write_seed("key_file", "box", 1, span_str(box));
    write_seed("key_file", "box_dear", 1, span_str(dear));
    write_seed("key_file", "pem", 0,
               span_str("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"));
    write_seed("key_file", "header", 0,
               span_str("-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMAA=\n"
                        "-----END PRIVATE KEY-----\n"));
    for (unsigned mode = 2; mode < 4; mode++) {
        char name[16];
        snprintf(name, sizeof(name), "good_%u", mode);
        write_seed("key_file", name, (int)mode, span_of(edits, 0));
        snprintf(name, sizeof(name), "edited_%u", mode);
        write_seed("key_file", name, (int)mode, span_of(edits, 3));
        snprintf(name, sizeof(name), "cut_%u", mode);
        write_seed("key_file", name, (int)mode, span_of(edits, 2));
    }
}

/* Steps of fuzz_router: what, which session, two words. */
static void write_routes(void)
{
    static const uint8_t talk[] = { 9, 1, 15,   0, 0,  0, 0x80, 0, 0, 1, 0x81, 1, 3,  0, 1, 7,
                                    7, 1, 0,    7, 3,  0, 1,    8, 2, 1, 0,    0, 12, 0, 7, 0,
                                    0, 1, 0x81, 1, 14, 0, 0xff, 0, 7, 1, 0,    8, 11, 0, 1, 0 };
    static const uint8_t replaced[] = { 9, 1, 15,   0, 0,  0, 0x80, 0, 0,  1, 0x80, 1, 3, 1, 0, 1,
                                        0, 2, 0x80, 2, 12, 0, 7,    0, 14, 0, 0xff, 0, 7, 2, 0, 1 };
    static const uint8_t ended[] = { 9, 1, 15, 0, 0,  0, 0x80, 0, 0, 1, 0x81, 1, 3, 0, 1, 1,
                                     9, 0, 1,  1, 10, 0, 0x80, 0, 3, 0, 1,    2, 9, 1, 1, 0 };
    static const uint8_t away[] = { 9, 1, 15, 0, 0, 0, 0x80, 0, 3, 0, 1, 1, 3, 0, 1,  2, 12, 0,
                                    0, 0, 12, 0, 7, 0, 3,    0, 1, 1, 3, 0, 1, 2, 15, 9, 7,  0 };
    write_seed("router", "talk", -1, SPAN_OF(talk));
    write_seed("router", "replaced", -1, SPAN_OF(replaced));
    write_seed("router", "ended", -1, SPAN_OF(ended));
    write_seed("router", "away", -1, SPAN_OF(away));
}

/* Rows of mail.db, as fuzz_mail.c reads them. */
#define ROW_BOX     "\0\4joao\0"
#define ROW_SEGMENT "\1\1\3\0\0"
#define ROW_ID                                                                                     \
    "\020"                                                                                         \
    "0123456789abcde"
#define ROW_INDEX "\0\0\0\0\0\0\0"

static void write_mail(void)
{
    static const struct {
        const char *name;
        struct span rows;
    } seeds[] = {
#define SEED(name, rows)                                                                           \
    {                                                                                              \
        name,                                                                                      \
        {                                                                                          \
            (const uint8_t *)(rows), sizeof(rows) - 1                                              \
        }                                                                                          \
    }
        SEED("true", ROW_BOX ROW_SEGMENT "\2\1\2" ROW_INDEX "\0\3ana" ROW_ID "0" ROW_INDEX
                                         "\1\1\0\0\2\1\2" ROW_INDEX "\1\3bia" ROW_ID "1" ROW_INDEX
                                         "\1\1\0\0"),
        SEED("flipped",
             ROW_BOX ROW_SEGMENT "\2\1\2" ROW_INDEX "\0\3ana" ROW_ID "2" ROW_INDEX "\1\1\0\1\1"),
        SEED("no_segment",
             ROW_BOX "\2\1\7" ROW_INDEX "\0\3ana" ROW_ID "3" ROW_INDEX "\1\0\0\5ABCDE"),
        SEED("not_its_owner", ROW_BOX "\2\1\2\377" ROW_INDEX "\3../\4"
                                      "0123" ROW_INDEX "\377\0\0\0"),
        SEED("other_proof", ROW_BOX "\1\1\1\0\4"
                                    "ABCD"
                                    "\2\1\2" ROW_INDEX "\0\3ana" ROW_ID "4" ROW_INDEX "\1\1\0\0"),
        SEED("erased", "\0\4joao\1\2\1\2" ROW_INDEX "\0\3ana" ROW_ID "5" ROW_INDEX "\1\0\0\0"),
        SEED("notices", "\3\3ana\4joao" ROW_ID "6\2\0\3\3ana\2ZZ" ROW_ID "7\2\0\3\3ana\4joao" ROW_ID
                        "8\377\177"),
        SEED("shares", ROW_BOX "\4\1\3ana\377" ROW_INDEX ROW_INDEX "\377\4\1\3bia" ROW_INDEX
                               "\1\177" ROW_INDEX),
#undef SEED
    };
    for (size_t i = 0; i < COUNT_OF(seeds); i++)
        write_seed("mail", seeds[i].name, -1, seeds[i].rows);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "make_seeds DIRECTORY\n");
        return 2;
    }
    out_dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(out_dir >= 0);
    write_messages();
    write_frames();
    write_handshakes();
    write_urls();
    write_sessions();
    write_envelopes();
    write_words();
    write_texts();
    write_ledger();
    write_key_files();
    write_routes();
    write_mail();
    file_close(&out_dir);
    return 0;
}
