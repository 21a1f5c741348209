/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>

#include "base/env.h"
#include "base/limits.h"
#include "ca/passwd.h"
#include "cmd/malote_ca_fresh.h"
#include "cmd/malote_ca_link.h"
#include "cmd/say.h"

/* passwd [--rotate] [--kdf-cost N]. */

struct wish {
    bool rotate;
    uint32_t cost; /* 0: as it is */
    bool is_same;  /* the passphrase is; it is the cost that changes */
    struct fresh fresh;
    struct secret passphrase; /* the new one */
};

static void wish_clear(struct wish *w)
{
    secret_clear(&w->passphrase);
}

static enum exit_code take_options(struct malote_ca_options *options, int argc, char **argv,
                                   struct wish *w)
{
    static const struct option known[] = {
        { "rotate", no_argument, NULL, 'r' },
        { "kdf-cost", required_argument, NULL, 'k' },
        { "new-passphrase-fd", required_argument, NULL, FRESH_FD },
        { "new-passphrase-file", required_argument, NULL, FRESH_FILE },
        { "json", no_argument, NULL, 'j' },
        { NULL, 0, NULL, 0 }
    };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'r')
            w->rotate = true;
        else if (c == 'j')
            options->json = true;
        else if (c == 'k' && malote_ca_take_cost(optarg, &w->cost))
            continue;
        else if ((c != FRESH_FD && c != FRESH_FILE) || !fresh_take(&w->fresh, c, optarg))
            return malote_ca_wrong_usage("passwd");
    }
    return argc == optind ? EXIT_DONE : malote_ca_wrong_usage("passwd");
}

static enum exit_code read_fresh(void *ctx)
{
    struct wish *w = ctx;
    return fresh_read(&w->fresh, &w->passphrase);
}

/* The same passphrase at another cost, and no more, may be what is wanted; anything else would
 * say that something has changed for whoever knows the old one. */
static enum mlt_err check_is_new(const struct ca *ca, struct wish *w)
{
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    CLEANUP(secret_clear) struct secret master = { 0 };
    const struct lockbox *box = &ca->keystore.box;
    TRY(kdf_scrypt(secret_span(&w->passphrase), SPAN_OF(box->salt), &box->cost, &stretched));
    enum mlt_err err = lockbox_open(box, &stretched, &master);
    if (err != MLT_OK)
        return err == MLT_ERR_PASSPHRASE ? MLT_OK : err;
    w->is_same = true;
    return !w->rotate && w->cost != 0 && w->cost != box->cost.n ? MLT_OK : MLT_ERR_EXISTS;
}

static enum mlt_err change(struct ca *ca, const struct wish *w)
{
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    struct keystore_renewal renewal = { .cost = ca->keystore.box.cost, .rotate = w->rotate };
    if (w->cost != 0)
        renewal.cost.n = w->cost;
    TRY(env_random(env_system(), renewal.salt, sizeof(renewal.salt)));
    TRY(kdf_scrypt(secret_span(&w->passphrase), SPAN_OF(renewal.salt), &renewal.cost, &stretched));
    renewal.stretched = &stretched;
    return passwd(ca, &renewal);
}

static void put_line(const struct wish *w)
{
    if (w->is_same)
        malote_ca_put_line(TEXT_CA_PASSWD_COST, (unsigned)w->cost);
    else
        malote_ca_put_line(w->rotate ? TEXT_CA_PASSWD_ROTATED : TEXT_CA_PASSWD_DONE);
}

static enum exit_code tell(const struct malote_ca_options *options, const struct wish *w)
{
    enum mlt_err err = MLT_OK;
    if (options->json)
        err = malote_ca_put_json(json_pack("{s:s, s:b}", "type", "passwd", "rotated", w->rotate));
    else
        put_line(w);
    return err == MLT_OK ? malote_ca_flush() : malote_ca_put_done(err);
}

enum exit_code malote_ca_passwd(struct malote_ca_options *options, int argc, char **argv)
{
    CLEANUP(wish_clear)
    struct wish w = { .fresh = { .source = { .fd = -1, .apart = true },
                                 .what = "new",
                                 .prompt = TEXT_CA_NEW_PASSPHRASE_PROMPT } };
    CLEANUP(ca_link_close) struct ca_link link = CA_LINK_CLOSED;
    enum exit_code code = take_options(options, argc, argv, &w);
    const struct ca_link_before before = { read_fresh, &w };
    if (code == EXIT_DONE)
        code = ca_link_open_files(options, &before, &link);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = check_is_new(&link.ca, &w);
    if (err == MLT_ERR_EXISTS) {
        say_error(TEXT_CA_PASSWD_SAME);
        return EXIT_REFUSED;
    }
    if (err == MLT_OK)
        err = change(&link.ca, &w);
    if (err == MLT_OK)
        return tell(options, &w);
    /* The file system may have failed on either side of the commit. */
    say_error(link.ca.db.broken || link.ca.keystore.broken ? TEXT_CA_PASSWD_UNSURE
                                                           : TEXT_CA_PASSWD_FAILED,
              err_cause(err));
    return EXIT_LOCAL;
}
