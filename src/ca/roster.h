/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_ROSTER_H
#define MALOTE_CA_ROSTER_H

#include "ca/certificates.h"
#include "ipc/admin.h"

/* Who is in, for people: of each name its newest certificate, and what became of it. */

struct roster_row {
    struct certificate newest;
    bool closed;    /* revoked, and not reissued since */
    bool replaced;  /* by a newer one: nothing of it waits, and it is never late */
    int64_t seen_s; /* the last login, to the minute; 0: none is known of */
};

enum cert_state roster_state(const struct roster_row *row, int64_t now_s);

struct roster_visit {
    enum mlt_err (*on_row)(void *ctx, const struct roster_row *row);
    void *ctx;
};

/* Clients', by name; no DER. */
MUST_CHECK enum mlt_err roster_each(struct database *db, const struct roster_visit *visit);

/* One name, or "relay"; its DER is appended to `der`, and the row borrows nothing.
 * MLT_ERR_MISSING. */
MUST_CHECK enum mlt_err roster_newest(struct database *db, const struct name *name,
                                      struct roster_row *row, struct buf *der);

/* All older ones of that row's name and role, the newest first; no DER. */
MUST_CHECK enum mlt_err roster_older(struct database *db, const struct roster_row *newest,
                                     const struct roster_visit *visit);

/* A name that is taken without a certificate: restore_accept_loss closed it, for it was certified
 * after the backup, or revoked then. */
struct roster_name {
    struct name name;
    int64_t closed_s; /* 0: reissued since, and waits for a key */
    int64_t seen_s;   /* 0: none is known of */
};

struct roster_name_visit {
    enum mlt_err (*on_name)(void *ctx, const struct roster_name *name);
    void *ctx;
};

/* All of them, by name; or that one alone, if it is one. */
MUST_CHECK enum mlt_err roster_names(struct database *db, const struct name *only,
                                     const struct roster_name_visit *visit);

#endif
