/* SPDX-License-Identifier: Apache-2.0
 *
 * Bad certificates, shown to the real programs.
 *
 *   forge client HOST:PORT CADIR PASSFILE    logs in with every defect of fake.h in turn, signed
 *                                            by the real CA's key where the defect wants a good
 *                                            signature (CADIR: a copy of DATA/ca).  A line each:
 *                                            name, then "logged in", "refused: ..." or "alert: ..."
 *   forge server KIND                        shows a certificate of KIND (server_certificate below)
 * to whoever connects, under a CA of its own; "listening on PORT PIN", then "client: " and what the
 * client made of it
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hex.h"
#include "ca/ca.h"
#include "client/link.h"
#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "fake.h"
#include "pki/statement.h"
#include "protocol/handshake.h"
#include "wire/frame.h"
#include "wire/renew.h"
#include "wire/welcome.h"

static void forge_must(bool done, const char *what)
{
    if (!done) {
        fprintf(stderr, "forge: %s failed\n", what);
        exit(1);
    }
}

static void must(enum mlt_err err, const char *what)
{
    if (err != MLT_OK)
        fprintf(stderr, "forge: %s: %s\n", what, err_text(err));
    forge_must(err == MLT_OK, what);
}

/* ---- the real CA's key, out of a copy of its files ---- */

static void read_passphrase(const char *file, struct buf *out)
{
    FILE *f = fopen(file, "re");
    uint8_t chunk[1024];
    forge_must(f != NULL, file);
    size_t n = fread(chunk, 1, sizeof(chunk), f);
    fclose(f);
    while (n > 0 && chunk[n - 1] == '\n')
        n--;
    must(buf_put(out, span_of(chunk, n)), file);
}

static void open_ca(const char *directory, const char *passfile, struct ca *ca)
{
    struct ipc_key_needed need;
    struct secret stretched = { 0 };
    CLEANUP(buf_clear) struct buf passphrase = { 0 };
    CLEANUP(buf_clear) struct buf why = { 0 };
    read_passphrase(passfile, &passphrase);
    forge_must(chdir(directory) == 0, directory);
    must(ca_open(ca, env_system(), NULL, &need, &why), "CA");
    must(kdf_scrypt(buf_span(&passphrase), span_of(need.salt, sizeof(need.salt)), &need.cost,
                    &stretched),
         "scrypt");
    must(ca_unlock(ca, &stretched, &why), "CA");
    secret_clear(&stretched);
}

/* ---- client ---- */

static int dial(const char *to)
{
    const char *colon = strrchr(to, ':');
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    forge_must(colon != NULL, to);
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    forge_must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, to);
    forge_must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, to);
    return fd;
}

static enum mlt_err await_record(struct link *link, enum record_kind wanted, struct buf *plain)
{
    enum record_kind kind = 0;
    while (kind == 0) {
        struct pollfd p = { .fd = link_fd(link), .events = POLLIN };
        if (link_wants_write(link))
            p.events |= POLLOUT;
        poll(&p, 1, 1000);
        TRY(link_process(link));
        TRY(link_next(link, &kind, plain));
    }
    return kind == wanted ? MLT_OK : MLT_ERR_UNEXPECTED;
}

struct forgery {
    const struct fake *f;
    const char *name;
    X509 *x;
};

/* The session of a certificate that may only be renewed: asks for that, too. */
static enum mlt_err renew(struct link *link, const struct forgery *fy, struct buf *plain)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct renew request = { 0 };
    struct renewed answer = { 0 };
    const ASN1_INTEGER *serial = X509_get0_serialNumber(fy->x);
    ENSURE(ASN1_STRING_length(serial) == RENEW_SERIAL, MLT_ERR_UNEXPECTED);
    memcpy(request.serial, ASN1_STRING_get0_data(serial), RENEW_SERIAL);
    TRY(statement_sign_renewal(fy->f->leaf_key, &fy->f->ca, request.serial, &signature));
    request.signature = buf_span(&signature);
    TRY(renew_encode(&request, &body));
    TRY(link_send(link, RECORD_RENEW, buf_span(&body)));
    TRY(await_record(link, RECORD_RENEWED, plain));
    TRY(renewed_decode(buf_span(plain), &answer));
    if (answer.result == WELCOME_ISSUED)
        printf("renewed\n");
    else
        printf("renewal refused: %s\n", refusal_text(answer.reason));
    return MLT_OK;
}

static enum mlt_err take_welcome(struct link *link, const struct forgery *fy, struct buf *plain)
{
    struct welcome w;
    TRY(welcome_decode(buf_span(plain), &w));
    if (w.result == WELCOME_RENEW)
        return renew(link, fy, plain);
    if (w.result == WELCOME_LOGGED_IN)
        printf("logged in\n");
    else
        printf("refused: %s\n", refusal_text(w.reason));
    return MLT_OK;
}

static void log_in(const char *to, const struct forgery *fy)
{
    const struct fake *f = fy->f;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(link_free) struct link *link = NULL;
    fake_der(fy->x, &der);
    const struct hs_client_config config = { .env = env_system(),
                                             .min_group = DH_FFDHE2048,
                                             .pin = f->ca.spki_hash,
                                             .key = f->leaf_key,
                                             .kind = CLIENT_AUTH_SEND,
                                             .certificate = buf_span(&der) };
    must(link_new(&config, dial(to), &link), "link");
    enum mlt_err err = await_record(link, RECORD_WELCOME, &plain);
    printf("%s ", fy->name);
    if (err == MLT_OK)
        err = take_welcome(link, fy, &plain);
    if (err == MLT_OK)
        return;
    if (err == MLT_ERR_ALERT)
        printf("alert: %s\n", alert_text(link_peer_alert(link)));
    else
        printf("ended: %s\n", err_text(err));
}

static void try_one(const char *to, const struct fake *f, const char *name, X509 *x)
{
    log_in(to, &(struct forgery) { f, name, x });
    X509_free(x);
}

/* The forger's workshop, with the real CA's key in it. */
static void adopt(struct fake *f, struct ca *ca)
{
    rsa_key_free(&f->ca_key);
    cert_clear(&f->ca);
    must(rsa_key_share(ca->key, &f->ca_key), "CA key");
    must(cert_read_ca(buf_span(&ca->cert_der), NULL, &f->ca), "CA");
}

static void client(char **argv)
{
    char *passfile = realpath(argv[2], NULL);
    forge_must(passfile != NULL, argv[2]);
    struct ca ca = ca_none();
    struct fake f;
    size_t count = 0;
    fake_start(&f, env_wall_ms(env_system()) / 1000);
    open_ca(argv[1], passfile, &ca);
    adopt(&f, &ca);
    try_one(argv[0], &f, "good", fake_good(&f, CERT_CLIENT));
    const struct fake_defect *defects = fake_defects(&count);
    for (size_t i = 0; i < count; i++)
        try_one(argv[0], &f, defects[i].name, defects[i].make(&f));
    fake_stop(&f);
    ca_close(&ca);
}

/* ---- server ---- */

static int await(const char *pin)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(address);
    forge_must(listener >= 0 && bind(listener, (struct sockaddr *)&address, n) == 0 &&
                   listen(listener, 1) == 0 &&
                   getsockname(listener, (struct sockaddr *)&address, &n) == 0,
               "listen");
    printf("listening on %u %s\n", ntohs(address.sin_port), pin);
    fflush(stdout);
    int fd = accept(listener, NULL, NULL);
    forge_must(fd >= 0, "accept");
    close(listener);
    return fd;
}

static void flush(int fd, struct buf *out)
{
    forge_must(out->len == 0 || send(fd, out->p, out->len, MSG_NOSIGNAL) == (ssize_t)out->len,
               "send");
    buf_reset(out);
}

/* Until the client accepted us (ISSUE or SESSION follows a good ClientAuth), or did not. */
static enum mlt_err shake(struct handshake *hs, int fd)
{
    CLEANUP(buf_clear) struct buf in = { 0 };
    CLEANUP(buf_clear) struct buf out = { 0 };
    TRY(hs_begin(hs, &out));
    for (;;) {
        flush(fd, &out);
        enum hs_want want = hs_want(hs);
        if (want == HS_WANT_ISSUE || want == HS_WANT_SESSION)
            return MLT_OK;
        if (want != HS_WANT_INPUT) {
            hs_work(hs);
            TRY(hs_worked(hs, &out));
            continue;
        }
        size_t used = 0;
        TRY(hs_input(hs, buf_span(&in), &used, &out));
        buf_drop(&in, used);
        if (used > 0 || hs_want(hs) != HS_WANT_INPUT)
            continue;
        uint8_t chunk[4096];
        ssize_t n = read(fd, chunk, sizeof(chunk));
        ENSURE(n > 0, MLT_ERR_CUT);
        TRY(buf_put(&in, span_of(chunk, (size_t)n)));
    }
}

static X509 *server_certificate(struct fake *f, const char *kind)
{
    const int64_t hour = 3600;
    struct cert_fields fields;
    if (strcmp(kind, "of_a_client") == 0)
        return fake_good(f, CERT_CLIENT);
    fake_fields(CERT_SERVER, "relay", f->now_s, &fields);
    if (strcmp(kind, "expired") == 0) {
        fields.not_before_s = f->now_s - 3 * hour;
        fields.not_after_s = f->now_s - hour;
    }
    if (strcmp(kind, "not_yet_valid") == 0) {
        fields.not_before_s = f->now_s + hour;
        fields.not_after_s = f->now_s + 3 * hour;
    }
    X509 *x = fake_draft(f, &fields, f->leaf_key);
    if (strcmp(kind, "ca_bit") == 0)
        fake_replace(x, NID_basic_constraints, "critical,CA:TRUE");
    if (strcmp(kind, "no_eku") == 0)
        fake_drop(x, NID_ext_key_usage);
    if (strcmp(kind, "unknown_critical") == 0)
        fake_add(x, "1.2.3.4.5", "critical,DER:0500", -1);
    bool twin = strcmp(kind, "twin_ca") == 0, sha1 = strcmp(kind, "sha1") == 0;
    fake_sign(x, twin ? f->other_key : f->ca_key, sha1 ? FAKE_PKCS1_SHA1 : FAKE_PSS);
    return x;
}

static void server(const char *kind)
{
    struct fake f;
    CLEANUP(buf_clear) struct buf ca_der = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct handshake *hs = NULL;
    char pin[2 * HASH_LEN + 1];
    fake_start(&f, env_wall_ms(env_system()) / 1000);
    fake_der(f.ca.x509, &ca_der);
    X509 *x = server_certificate(&f, kind);
    fake_der(x, &der);
    X509_free(x);
    hex_encode(SPAN_OF(f.ca.spki_hash), pin);
    const struct hs_server_config config = { .env = env_system(),
                                             .group = DH_FFDHE3072,
                                             .ca = &f.ca,
                                             .ca_der = buf_span(&ca_der),
                                             .server_der = buf_span(&der),
                                             .server_key = f.leaf_key };
    int fd = await(pin);
    must(hs_server_new(&config, &hs), "handshake");
    enum mlt_err err = shake(hs, fd);
    if (err == MLT_OK)
        printf("client: accepted, and showed its name\n");
    else
        printf("client: %s\n", err == MLT_ERR_ALERT ? "alert" : err_text(err));
    hs_free(&hs);
    close(fd);
    fake_stop(&f);
}

int main(int argc, char **argv)
{
    bool locked;
    must(secret_start(&locked), "secrets");
    must(crypto_start(), "crypto");
    if (argc == 5 && strcmp(argv[1], "client") == 0)
        client(argv + 2);
    else if (argc == 3 && strcmp(argv[1], "server") == 0)
        server(argv[2]);
    else
        forge_must(false, "usage (at the top of forge.c)");
    return 0;
}
