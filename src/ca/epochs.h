/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_EPOCHS_H
#define MALOTE_CA_EPOCHS_H

#include "ca/certificates.h"

/*
 * What this ledger may have lost.  An epoch is opened when a ledger is put in the place of another
 * (restore, import): whatever was issued after the leaves that both have and before the epoch may
 * be missing here, and what is missing cannot be revoked.
 */

struct epoch {
    int64_t from_s, until_s; /* issued then, both ends exclusive: perhaps missing */
    int64_t at_s;            /* when it was opened */
    uint64_t size;           /* leaves that were here when it was opened */
    bool whole;              /* what is missing was never issued: see struct ledger_opening */
    bool has_crl;            /* a CRL told then who was revoked */
};

/* In the order of time.  An error ends the walk and is returned. */
struct epoch_visit {
    enum mlt_err (*on_epoch)(void *ctx, const struct epoch *e);
    void *ctx;
};

MUST_CHECK enum mlt_err epochs_each(struct database *db, const struct epoch_visit *visit);

/* Of a certificate, by its two times.  Of a moment of which nothing may be missing all is false. */
struct epochs_loss {
    bool in_doubt;  /* within the time of some epoch */
    bool lost;      /* of one that is not whole: the CA may have issued it, and forgotten */
    bool witnessed; /* every epoch since that is not whole had a CRL that would name it */
};

MUST_CHECK enum mlt_err epochs_judge(struct database *db, const struct certificate *lost,
                                     struct epochs_loss *loss);

/*
 * Whether its name may have been revoked without a trace: `newest`, the newest certificate here of
 * that name, was past its end and its grace when an epoch was opened that is not whole.  A lost
 * successor may have been revoked then, the list of that day would name that one alone, and so the
 * key that both have is not known to be closed.
 */
MUST_CHECK enum mlt_err epochs_hide(struct database *db, const struct certificate *newest,
                                    bool *hidden);

#endif
