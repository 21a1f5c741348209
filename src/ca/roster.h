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

#endif
