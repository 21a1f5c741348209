/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/secret.h"
#include "crypto/crypto.h"
#include "pki/crl.h"

/*
 * read_crl CA.der LIST.der...: what malote says of revocation lists of other tools, a line each:
 * the file, then MLT_OK with number and entries, or the error.
 */

static void quit(const char *what)
{
    perror(what);
    exit(2);
}

static void read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "re");
    uint8_t chunk[65536];
    if (f == NULL)
        quit(path);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        if (out->len > LIMIT_CRL || buf_put(out, span_of(chunk, n)) != MLT_OK)
            quit(path);
    fclose(f);
}

int main(int argc, char **argv)
{
    bool locked = false;
    CLEANUP(buf_clear) struct buf root = { 0 };
    CLEANUP(cert_clear) struct cert ca = { 0 };
    if (argc < 3 || secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK)
        quit("read_crl CA.der LIST.der...");
    read_file(argv[1], &root);
    if (cert_read_ca(buf_span(&root), NULL, &ca) != MLT_OK)
        quit(argv[1]);
    for (int i = 2; i < argc; i++) {
        CLEANUP(buf_clear) struct buf der = { 0 };
        CLEANUP(crl_clear) struct crl crl = { 0 };
        read_file(argv[i], &der);
        enum mlt_err err = crl_read(buf_span(&der), &ca, &crl);
        if (err == MLT_OK)
            printf("%s MLT_OK %llu %zu\n", argv[i], (unsigned long long)crl.number, crl.count);
        else
            printf("%s %s\n", argv[i], err_name(err));
    }
    return 0;
}
