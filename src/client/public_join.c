/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "client/public.h"
#include "crypto/crypto.h"
#include "crypto/rsa.h"

_Static_assert((int)MLT_GROUP_FFDHE2048 == DH_FFDHE2048, "public group");
_Static_assert((int)MLT_GROUP_FFDHE3072 == DH_FFDHE3072, "public group");
_Static_assert((int)MLT_GROUP_FFDHE4096 == DH_FFDHE4096, "public group");

_Static_assert(MLT_URL_MAX == JOIN_URL_MAX, "public limit");

enum mlt_err public_parse_url(const char *text, struct join_url *url)
{
    static const char blank[] = " \t\r\n";
    struct span s = span_str(text + strspn(text, blank));
    while (s.n > 0 && strchr(blank, s.p[s.n - 1]) != NULL)
        s.n--;
    return join_url_parse(s, url);
}

static enum mlt_err settle_name(const struct mlt_membership *join, const struct join_url *url,
                                struct name *name)
{
    ENSURE(join->name != NULL || url->has_name, MLT_ERR_USAGE);
    if (join->name == NULL) {
        *name = url->name;
        return MLT_OK;
    }
    TRY(name_parse_user(span_str(join->name), name));
    return !url->has_name || name_eq(name, &url->name) ? MLT_OK : MLT_ERR_USAGE;
}

static enum mlt_err fill(const struct mlt_membership *join, const struct join_url *url,
                         struct server_file *wanted)
{
    CLEANUP(server_file_wipe)
    struct server_file w = { .state = SERVER_JOINING,
                             .port = url->port,
                             .min_group = (enum dh_group)join->minimum_group,
                             .has_invite = url->has_invite,
                             .invite = url->invite };
    if (join->minimum_group == MLT_GROUP_DEFAULT)
        w.min_group = DH_FFDHE3072;
    ENSURE(w.min_group >= DH_FFDHE2048 && w.min_group <= DH_FFDHE4096, MLT_ERR_USAGE);
    TRY(settle_name(join, url, &w.name));
    snprintf(w.host, sizeof(w.host), "%s", url->host);
    memcpy(w.pin, url->ca_hash, sizeof(w.pin));
    *wanted = w;
    return MLT_OK;
}

static enum mlt_err read_join(const struct mlt_membership *theirs, struct mlt_membership *join,
                              struct server_file *wanted)
{
    TRY(public_take(theirs, PUBLIC_UP_TO(struct mlt_membership, minimum_group), join,
                    sizeof(*join)));
    ENSURE(join->url != NULL, MLT_ERR_USAGE);
    unsigned bits = join->key_bits;
    ENSURE(bits == 0 || bits == 2048 || bits == 3072 || bits == 4096, MLT_ERR_USAGE);
    CLEANUP(join_url_wipe) struct join_url url = { 0 };
    TRY(public_parse_url(join->url, &url));
    return fill(join, &url, wanted);
}

/* An interrupted join for the same name at the same CA goes on with the key it made. */
static enum mlt_join_plan plan_of(const struct mlt_client *c, const struct server_file *wanted)
{
    const struct server_file *before = &c->server;
    if (!c->has_server)
        return MLT_PLAN_NEW;
    if (before->state == SERVER_JOINED)
        return MLT_PLAN_JOINED;
    CLEANUP(key_file_clear) struct key_file key = { 0 };
    bool same = name_eq(&before->name, &wanted->name) &&
                span_eq(SPAN_OF(before->pin), SPAN_OF(wanted->pin));
    if (same && key_file_read(&c->home, &key) == MLT_OK)
        return key.is_protected ? MLT_PLAN_TAKE_UP_PROTECTED : MLT_PLAN_TAKE_UP;
    /* A key that an administrator may approve any moment must not be thrown away in passing. */
    return before->state == SERVER_PENDING ? MLT_PLAN_WAITS : MLT_PLAN_NEW;
}

static enum mlt_err plan_join(struct mlt_client *c, const struct server_file *wanted,
                              enum mlt_join_plan *plan)
{
    ENSURE(public_is_idle(c), MLT_ERR_STATE);
    TRY(public_lock(c));
    TRY(home_sweep(&c->home));
    TRY(public_look(c));
    *plan = plan_of(c, wanted);
    return MLT_OK;
}

enum mlt_error mlt_plan_join(struct mlt_client *client, const struct mlt_membership *join,
                             enum mlt_join_plan *plan)
{
    CLEANUP(server_file_wipe) struct server_file wanted = { 0 };
    struct mlt_membership read;
    enum mlt_err err = read_join(join, &read, &wanted);
    if (err == MLT_OK)
        err = plan_join(client, &wanted, plan);
    return public_error(err);
}

static enum mlt_err begin_anew(struct mlt_client *c, const struct server_file *wanted,
                               unsigned bits, const struct secret *passphrase,
                               struct identity *made)
{
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    TRY(rsa_key_new(bits != 0 ? bits : 2048, &key));
    return identity_begin(&c->home, wanted, key, passphrase, made);
}

static enum mlt_err take_up(struct mlt_client *c, struct server_file *wanted,
                            const struct secret *passphrase, struct identity *taken)
{
    wanted->state = c->server.state; /* what waits for approval still does */
    CLEANUP(key_file_clear) struct key_file file = { 0 };
    TRY(key_file_read(&c->home, &file));
    return identity_take_up(&c->home, wanted, &file, passphrase, taken);
}

static enum mlt_err join_with(struct mlt_client *c, const struct mlt_membership *join,
                              const struct secret *passphrase)
{
    CLEANUP(server_file_wipe) struct server_file wanted = { 0 };
    struct mlt_membership read;
    TRY(read_join(join, &read, &wanted));
    enum mlt_join_plan plan;
    TRY(plan_join(c, &wanted, &plan));
    ENSURE(plan != MLT_PLAN_JOINED && plan != MLT_PLAN_WAITS, MLT_ERR_EXISTS);
    CLEANUP(identity_clear) struct identity got = { 0 };
    if (plan == MLT_PLAN_NEW)
        TRY(begin_anew(c, &wanted, read.key_bits, passphrase, &got));
    else
        TRY(take_up(c, &wanted, passphrase, &got));
    public_adopt(c, &got);
    return MLT_OK;
}

enum mlt_error mlt_join(struct mlt_client *client, const struct mlt_membership *join,
                        const void *passphrase, size_t n)
{
    CRYPTO_KEEP_ERRORS();
    CLEANUP(secret_clear) struct secret secret = { 0 };
    const struct secret *given = NULL;
    enum mlt_err err = public_secret(passphrase, n, &secret, &given);
    if (err == MLT_OK)
        err = join_with(client, join, given);
    return public_error(err);
}
