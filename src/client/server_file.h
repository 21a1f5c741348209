/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_SERVER_FILE_H
#define MALOTE_CLIENT_SERVER_FILE_H

#include "base/buf.h"
#include "crypto/dh.h"
#include "wire/invite.h"
#include "wire/name.h"

/*
 * The text of the file `server` in the client's home: whom this identity belongs to and how far
 * joining has come.
 *
 *   malote-server 1
 *   state joining|pending|joined
 *   host <name or address>
 *   port <1..65535>
 *   ca <fingerprint, 64 hex>
 *   name <user>
 *   group <ffdhe2048|ffdhe3072|ffdhe4096>
 *   invite <id and token, 48 hex>           (optional, and never once joined)
 *
 * Every line ends with a newline, in this order, with single spaces: one text per value.
 */

enum server_state { SERVER_JOINING = 1, SERVER_PENDING, SERVER_JOINED };

#define SERVER_HOST 256
#define SERVER_PIN  32

struct server_file {
    enum server_state state;
    char host[SERVER_HOST]; /* NUL-terminated */
    uint16_t port;
    uint8_t pin[SERVER_PIN]; /* SHA-256 of the CA's SPKI */
    struct name name;
    enum dh_group min_group;
    bool has_invite;
    struct invite invite;
};

/* MLT_ERR_DAMAGED for everything but the exact form; MLT_ERR_NEWER for another version. */
MUST_CHECK enum mlt_err server_file_parse(struct span text, struct server_file *file);

/* Appends the text.  MLT_ERR_USAGE when a field could not be read back. */
MUST_CHECK enum mlt_err server_file_put(const struct server_file *file, struct buf *out);

/* The invite in it is a key.  For CLEANUP. */
void server_file_wipe(struct server_file *file);

const char *server_state_name(enum server_state state);

#endif
