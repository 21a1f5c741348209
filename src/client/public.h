/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_PUBLIC_H
#define MALOTE_CLIENT_PUBLIC_H

#include <malote/client.h>

#include "client/client.h"
#include "wire/join_url.h"

/*
 * Behind <malote/client.h>: what its handle holds.  public_*.c turn the public words into those of
 * this room and back, and decide nothing about the protocol.
 */

struct mlt_event {
    struct client_event is;
};

struct mlt_client {
    struct home home;
    int lock;                  /* held while joining, else -1 */
    bool has_server;           /* the home holds an identity */
    struct server_file server; /* as it was looked at; identity.server once loaded */
    bool is_loaded;
    struct identity identity;
    struct store *store;
    struct client *client;
    struct name only;
    bool tells_read;            /* as the last connection wanted it */
    struct dial_list addresses; /* given by the host */
    struct mlt_event event;
    struct store_message message; /* the last that was given out */
    char ca_fingerprint[2 * SERVER_PIN + 1];
    char key_fingerprint[2 * HASH_LEN + 1];
    char serial[2 * CERT_SERIAL + 1];
};

/* Fetches algorithms and makes the locked heap, once a process, whichever thread is first. */
MUST_CHECK enum mlt_err public_start(void);

/* The one mapping from our errors to the numbers of the public header. */
enum mlt_error public_error(enum mlt_err err);

/* The newest known; zeroes if the home is empty. */
const struct server_file *public_server(const struct mlt_client *c);

/* Writes the facts that are texts anew. */
void public_refresh(struct mlt_client *c);

/* This identity from now on, moved into the handle; a connection as another is gone. */
void public_adopt(struct mlt_client *c, struct identity *identity);

MUST_CHECK enum mlt_err public_look(struct mlt_client *c);
MUST_CHECK enum mlt_err public_lock(struct mlt_client *c);
MUST_CHECK enum mlt_err public_open_store(struct mlt_client *c);

/* A connection exists that is not over. */
bool public_is_connected(const struct mlt_client *c);

/* No connection lasts, and what the last one had to say was taken. */
bool public_is_idle(const struct mlt_client *c);

/* A passphrase in locked memory; empty for NULL.  *given is NULL then, else `secret`. */
MUST_CHECK enum mlt_err public_secret(const void *bytes, size_t n, struct secret *secret,
                                      const struct secret **given);

/*
 * Structures begin with their size, and `first` is that of the first version.  public_take copies
 * the host's into ours, which is zeroed: what an older host does not know is 0, what a newer one
 * adds is not looked at.  public_give goes the other way and leaves the host's size.
 * MLT_ERR_USAGE when the host's is smaller than the first version's.
 */
MUST_CHECK enum mlt_err public_take(const void *theirs, size_t first, void *ours, size_t n);
MUST_CHECK enum mlt_err public_give(const void *ours, size_t n, size_t first, void *theirs);

/* The size of a structure that ends with this field; the first version's, so it stays.  No later
 * field goes into the padding behind it, which a host need not zero. */
#define PUBLIC_UP_TO(type, field) (offsetof(type, field) + sizeof(((type *)NULL)->field))

/* Without the white space that mail programs and editors leave around it.  As join_url_parse. */
MUST_CHECK enum mlt_err public_parse_url(const char *text, struct join_url *url);

#endif
