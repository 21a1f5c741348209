/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_REQUESTS_WORLD_H
#define MALOTE_TESTS_UNIT_REQUESTS_WORLD_H

#include "test_base.h"

#include <openssl/x509.h>

#include "authority.h"
#include "base/limits.h"
#include "ca/net_link.h"

/*
 * A CA, a net that was taken over at the other end of its channel, and a model of who is entitled
 * to what.  What comes back signed goes through take_certificate.
 */

enum { KEYS = 18, NAMES = 16, INVITES = 24, SIGNED = 4096 };

enum { NOBODY = -1, CLOSED = -2 };

extern const char *const names[NAMES];
extern const char realm[];

struct known_invite {
    struct invite invite;
    int bound; /* name, or -1 */
    int64_t expires_s;
    bool used;
    int used_name, used_key;
};

/* What the CA gave out, as its holder knows it. */
struct known_certificate {
    uint8_t serial[CERT_SERIAL];
    int name, key; /* name -1: the server's */
    int64_t from_s, end_s, revoked_s;
    unsigned reason;
};

struct world {
    struct authority a;
    struct net_link link;
    struct channel net;
    struct buf packet;
    uint64_t seed;
    X509 *ca;
    int holder[NAMES]; /* key, NOBODY, or CLOSED */
    int name_of[KEYS]; /* of a client's key, or -1 */
    bool of_server[KEYS], revoked[KEYS];
    size_t server_key;       /* that an honest net would ask for */
    int64_t window_s[NAMES]; /* until when the administrator lets the name renew */
    struct known_certificate certificates[SIGNED];
    size_t certificate_count, renewed, lists;
    bool approved[NAMES][KEYS], waits[NAMES][KEYS];
    struct known_invite invites[INVITES];
    size_t invite_count;
    int64_t server_times[SIGNED]; /* when each server certificate was signed */
    size_t server_count, issued, returned, refused, dropped;
    struct buf seen; /* SHA-256 of every to-be-signed part that came back */
};

/* In a directory of its own; how one enrols goes by the seed. */
void world_start(struct world *w, uint64_t seed);
void world_stop(struct world *w);

uint64_t draw(struct world *w);
size_t below(struct world *w, size_t n);
int64_t now_s(const struct world *w);

/* Made once a program. */
EVP_PKEY *key_of(size_t i);
bool is_free_name(size_t name);

/* As net. */
void deliver(struct world *w, uint8_t type, struct span body);
/* The answer, past what net is told unasked; false if the ca dropped us, and then anew. */
bool answer(struct world *w, struct ipc_message *message);
/* Damages it somewhere: a bit, a byte, a cut, a stutter. */
void garble(struct world *w, struct buf *body);

/* What came back signed for this name and key, held against PROTOCOL.md 11 (signed_oracle.h).  True
 * if it is new; one that was signed before must be the same bytes. */
bool take_certificate(struct world *w, struct span der, const char *name, int key);
bool has_seen(const struct world *w, const uint8_t hash[static HASH_LEN]);

X509 *read_der(struct span der);
void tbs_hash(X509 *x, uint8_t hash[static HASH_LEN]);
/* The caller frees it. */
X509_CRL *newest_list(struct world *w, uint64_t *number);

#endif
