/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_STORE_AUTHORITY_H
#define MALOTE_CLIENT_STORE_AUTHORITY_H

#include "client/store.h"
#include "pki/profile.h"
#include "wire/ledger_head.h"

/*
 * What a home knows of its CA, in malote.db: nothing here ever goes back, whichever of its
 * processes writes.  PROTOCOL.md 10.3, 11.4, 11.6.  Transactions and errors as in store.h.
 *
 * Nothing is judged here: who writes has checked signatures and proofs.
 */

/* How the ledger was contradicted. */
enum store_alarm {
    STORE_ALARM_NONE = 0,
    STORE_ALARM_FORKED,    /* another root, or another base, than the one held */
    STORE_ALARM_WENT_BACK, /* shorter than the one held, or of an earlier epoch */
    STORE_ALARM_UNPROVEN   /* no proof, or a wrong one, that the one held is within it */
};

struct store_authority {
    uint8_t head[LIMIT_LEDGER_HEAD]; /* encoded, as it was signed */
    size_t head_size;                /* 0: none is held */
    int64_t proven_s;                /* when a head was last proven to continue the one held */
    int64_t unproven_s;              /* since when a newer one waits for that; 0: none does */
    uint64_t crl_number;             /* 0: none yet */
    int64_t crl_this_s;
    int64_t crl_next_s;
    int64_t newest_s; /* the newest time the CA signed */
    enum store_alarm alarm;
    int64_t alarm_s; /* 0: never */
};

MUST_CHECK enum mlt_err store_authority_read(struct store *store, struct store_authority *a);

static inline struct span store_authority_head(const struct store_authority *a)
{
    return span_of(a->head, a->head_size);
}

/*
 * Holds `next` from now on, if `held` (empty: none) is still what is held: *done.  Else another
 * process was first, and what it holds has to be compared.  `proven_s`: 0 for a head that nothing
 * was proven of.  `restored` unless NULL: with it the CA was put back, which somebody has to be
 * told.
 */
struct store_restored {
    int64_t epoch_s;
    uint64_t held; /* leaves we knew of */
    uint64_t base; /* of them, those that are left */
};
struct store_hold {
    struct span held;
    struct span next;
    int64_t proven_s;
    const struct store_restored *restored;
};
MUST_CHECK enum mlt_err store_authority_hold(struct store *store, const struct store_hold *hold,
                                             bool *done);

/* The head that is held was proven once more, or waits for a proof since this moment. */
MUST_CHECK enum mlt_err store_authority_proven(struct store *store, int64_t now_s);
MUST_CHECK enum mlt_err store_authority_unproven(struct store *store, int64_t now_s);

MUST_CHECK enum mlt_err store_authority_alarm(struct store *store, enum store_alarm alarm,
                                              int64_t now_s);

/* Nobody was told of *restored yet, and now somebody is: *tell. */
MUST_CHECK enum mlt_err store_authority_tell_restored(struct store *store,
                                                      struct store_restored *restored, bool *tell);

/* A list's number and times; and its serials, CERT_SERIAL bytes each. */
struct store_crl {
    uint64_t number;
    int64_t this_s, next_s;
    struct span serials;
};

/* What came with its number: applied if that follows ours, *done. */
MUST_CHECK enum mlt_err store_authority_add(struct store *store, const struct store_crl *news,
                                            bool *done);

/*
 * A whole list, if its number is higher than ours: *done.  A serial that we know and the list has
 * not is forgotten only when its certificate must have ended long ago, whatever the list says.
 */
MUST_CHECK enum mlt_err store_authority_replace(struct store *store, const struct store_crl *list,
                                                bool *done);

/* How many serials are held. */
MUST_CHECK enum mlt_err store_authority_count(struct store *store, uint64_t *revoked);

MUST_CHECK enum mlt_err store_authority_is_revoked(struct store *store,
                                                   const uint8_t serial[static CERT_SERIAL],
                                                   bool *is_revoked);

/* A time that the CA signed: kept if it is newer. */
MUST_CHECK enum mlt_err store_authority_note_time(struct store *store, int64_t signed_s);

/* The newest one, if it is later than this, becomes this; *was_s: what it was, or 0. */
MUST_CHECK enum mlt_err store_authority_accept_clock(struct store *store, int64_t now_s,
                                                     int64_t *was_s);

#endif
