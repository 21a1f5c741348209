/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/hex.h"
#include "base/secret.h"
#include "crypto/crypto.h"
#include "crypto/pkcs12.h"
#include "fake_crl.h"
#include "pki/crl.h"
#include "pki/request.h"

/*
 * make_pki DIR: a CA, a server and a client as malote issues them (ca, server, client .pem, .der
 * and .key), a client's request.der, twin.pem (a root of the same name, another key), the CA's
 * pin, and below bad/ every certificate that must be refused; bad/expected.txt names the error.
 * Two revocation lists, crl (which has revoked.pem on it) and crl_empty, and below bad_crl/ those
 * that must be refused; ca.p12, the CA's key and certificate under the passphrase PKI_PASSPHRASE.
 */

#define PKI_PASSPHRASE "what make_pki says"
#define PKI_CRL_NUMBER 4711

static void quit(const char *what)
{
    perror(what);
    exit(1);
}

static FILE *create(const char *name, const char *suffix)
{
    char path[256];
    snprintf(path, sizeof path, "%s%s", name, suffix);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL)
        quit(path);
    return f;
}

static void finish(FILE *f)
{
    if (fclose(f) != 0)
        quit("write");
}

static void write_bytes(const char *name, const char *suffix, struct span bytes)
{
    FILE *f = create(name, suffix);
    if (fwrite(bytes.p, 1, bytes.n, f) != bytes.n)
        quit(name);
    finish(f);
}

static void write_key(const char *name, EVP_PKEY *key)
{
    FILE *f = create(name, ".key");
    if (PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) != 1)
        quit(name);
    finish(f);
}

static void write_certificate(const char *name, X509 *x)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf pem = { 0 };
    fake_der(x, &der);
    if (cert_pem(x, &pem) != MLT_OK)
        quit(name);
    write_bytes(name, ".der", buf_span(&der));
    write_bytes(name, ".pem", buf_span(&pem));
}

static void write_good(struct fake *fake)
{
    X509 *server = fake_good(fake, CERT_SERVER);
    X509 *client = fake_good(fake, CERT_CLIENT);
    X509 *twin = fake_root(fake->other_key, FAKE_REALM, fake->now_s);
    write_certificate("ca", fake->ca.x509);
    write_certificate("server", server);
    write_certificate("client", client);
    write_certificate("twin", twin);
    write_key("ca", fake->ca_key);
    write_key("server", fake->leaf_key);
    write_key("client", fake->leaf_key);
    write_key("twin", fake->other_key);
    X509_free(server);
    X509_free(client);
    X509_free(twin);

    char pin[2 * HASH_LEN + 1];
    hex_encode(SPAN_OF(fake->ca.spki_hash), pin);
    FILE *f = create("pin", ".txt");
    fprintf(f, "%s\n", pin);
    finish(f);
}

static void write_request(EVP_PKEY *key)
{
    struct name name;
    CLEANUP(buf_clear) struct buf der = { 0 };
    if (name_parse(span_str("maria.silva"), &name) != MLT_OK ||
        request_make(key, &name, &der) != MLT_OK)
        quit("request");
    write_bytes("request", ".der", buf_span(&der));
}

static void write_bad(struct fake *fake)
{
    size_t count = 0;
    const struct fake_defect *defects = fake_defects(&count);
    FILE *expected = create("bad/expected", ".txt");
    for (size_t i = 0; i < count; i++) {
        char name[128];
        snprintf(name, sizeof name, "bad/%s", defects[i].name);
        X509 *x = defects[i].make(fake);
        write_certificate(name, x);
        X509_free(x);
        fprintf(expected, "%s %s\n", defects[i].name, err_name(defects[i].wanted));
    }
    finish(expected);
}

static void write_list(const char *name, struct span der)
{
    CLEANUP(buf_clear) struct buf pem = { 0 };
    write_bytes(name, ".der", der);
    if (crl_pem(der, &pem) == MLT_OK)
        write_bytes(name, ".pem", buf_span(&pem));
}

/* As ca makes them. */
static void write_signed(struct fake *fake, const char *name, struct crl *crl)
{
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    crl->number = PKI_CRL_NUMBER;
    crl->this_update_s = fake->now_s;
    crl->next_update_s = fake->now_s + LIMIT_CRL_S;
    if (crl_tbs(crl, &fake->ca, &tbs) != MLT_OK ||
        crl_sign(buf_span(&tbs), fake->ca_key, &fake->ca, &der) != MLT_OK)
        quit(name);
    write_list(name, buf_span(&der));
}

static void write_lists(struct fake *fake)
{
    CLEANUP(crl_clear) struct crl crl = { 0 };
    struct cert_fields fields;
    X509 *x = fake_good(fake, CERT_CLIENT);
    write_signed(fake, "crl_empty", &crl);
    if (profile_check(x, CERT_CLIENT, &fields) != MLT_OK || crl_reserve(&crl, 1) != MLT_OK)
        quit("crl");
    memcpy(crl.entries[0].serial, fields.serial, CERT_SERIAL);
    crl.entries[0].reason = CRL_KEY_COMPROMISE;
    crl.entries[0].revoked_s = fake->now_s;
    write_signed(fake, "crl", &crl);
    write_certificate("revoked", x);
    X509_free(x);
}

static void write_bad_lists(struct fake *fake)
{
    size_t count = 0;
    const struct fake_crl_defect *defects = fake_crl_defects(&count);
    FILE *expected = create("bad_crl/expected", ".txt");
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) struct buf der = { 0 };
        char name[128];
        snprintf(name, sizeof name, "bad_crl/%s", defects[i].name);
        fake_crl_make(fake, &defects[i], &der);
        write_list(name, buf_span(&der));
        fprintf(expected, "%s %s\n", defects[i].name, err_name(defects[i].wanted));
    }
    finish(expected);
}

static void write_export(struct fake *fake)
{
    CLEANUP(buf_clear) struct buf file = { 0 };
    struct pkcs12 p = { .key = fake->ca_key };
    fake_der(fake->ca.x509, &p.certificate);
    if (pkcs12_make(&p, "malote CA", span_str(PKI_PASSPHRASE), &file) != MLT_OK)
        quit("ca.p12");
    write_bytes("ca", ".p12", buf_span(&file));
    buf_clear(&p.certificate);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_pki DIR\n");
        return 2;
    }
    bool locked = false;
    if (secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK)
        quit("start");
    if (mkdir(argv[1], 0700) != 0 || chdir(argv[1]) != 0 || mkdir("bad", 0700) != 0 ||
        mkdir("bad_crl", 0700) != 0)
        quit(argv[1]);
    struct fake fake;
    fake_start(&fake, (int64_t)time(NULL));
    write_good(&fake);
    write_request(fake.leaf_key);
    write_bad(&fake);
    write_lists(&fake);
    write_bad_lists(&fake);
    write_export(&fake);
    fake_stop(&fake);
    return 0;
}
