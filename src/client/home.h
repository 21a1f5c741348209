/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_HOME_H
#define MALOTE_CLIENT_HOME_H

#include <openssl/types.h>

#include "base/file.h"
#include "client/server_file.h"

/*
 * The client's directory, 0700, which holds exactly one identity:
 *   server           whose, where, and how far joining has come (server_file.h)
 *   key              the private key, 0600 (key_file.h)
 *   ca.pem           the CA, and
 *   certificate.pem  our certificate, once joined; replaced by its successors (identity.h)
 *   malote.db        messages (store.h), and what is known of the CA (store_authority.h)
 *   turns            whose turn it is to send to whom (turn.h)
 *   lock             held while joining
 */
struct home {
    int dirfd;
    char *path; /* absolute, without symbolic links; owned */
};

#define HOME_CLOSED                                                                                \
    {                                                                                              \
        -1, NULL                                                                                   \
    }

/*
 * Where it is: `option` (--home) if not NULL, else $MALOTE_HOME, else $XDG_DATA_HOME/malote, else
 * $HOME/.local/share/malote.  *path is owned by the caller.  MLT_ERR_MISSING if none is set.
 */
MUST_CHECK enum mlt_err home_locate(const char *option, char **path);

/* MLT_ERR_MISSING without `create`; otherwise the errors of file_open_dir. */
MUST_CHECK enum mlt_err home_open(const char *path, bool create, struct home *home);
void home_close(struct home *home);

/* One process at a time may join.  MLT_ERR_LOCKED. */
MUST_CHECK enum mlt_err home_lock(const struct home *home, int *fd);

/* Removes what a process left that was killed while it wrote: a copy of a private key must not lie
 * around.  Under home_lock, since such files are written under it. */
MUST_CHECK enum mlt_err home_sweep(const struct home *home);

/* MLT_ERR_MISSING when nobody joined from here yet. */
MUST_CHECK enum mlt_err home_read_server(const struct home *home, struct server_file *file);
MUST_CHECK enum mlt_err home_write_server(const struct home *home, const struct server_file *file);

enum home_certificate { HOME_CA, HOME_OWN };

/* DER, appended; the file is PEM. */
MUST_CHECK enum mlt_err home_read_certificate(const struct home *home, enum home_certificate which,
                                              struct buf *der);

/* What is certain before the file `server` says joined: the CA first, then our own. */
MUST_CHECK enum mlt_err home_write_certificate(const struct home *home, enum home_certificate which,
                                               X509 *certificate);

#endif
