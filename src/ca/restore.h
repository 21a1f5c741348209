/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_RESTORE_H
#define MALOTE_CA_RESTORE_H

#include "ca/ca.h"
#include "ca/ledger.h"
#include "pki/crl.h"

/*
 * Whether a restored authority goes behind what others have seen of it, and what to do then.
 * Witnesses are the ledger.db that it replaces, and what net keeps: the newest signed head and the
 * newest CRL.  They only ever say that something is missing, so a forged one can refuse a restore
 * and nothing else; what net keeps is signed, and is looked at only if the CA has signed it.
 */

/* How far a ledger or a head goes. */
struct restore_extent {
    uint64_t epoch, size;
};

bool restore_is_beyond(struct restore_extent one, struct restore_extent other);

struct restore {
    struct ca *ca; /* the restored one, opened; borrowed */
    struct ledger_facts facts;
    struct restore_extent seen; /* of the furthest head or ledger */
    struct restore_extent net;  /* of the head that net keeps; of none: 0 */
    bool stopped;               /* a head that stopped an authority was among them */
    bool unseen;                /* an earlier restore had no witness at all */
    uint64_t seen_crl;
    uint64_t seen_s;       /* when the newest head was signed */
    uint64_t seen_entries; /* of the keystore */
    uint64_t common; /* leaves that every ledger that was seen begins with, as far as is known */
    bool forked;     /* somebody has another ledger of the same epoch */
    struct database old;
    struct database_schema old_schema;
    struct crl crl;           /* the newest of net's; `number` 0: none */
    uint64_t unknown_revoked; /* revocations that the restored authority knows nothing of */
    uint64_t unknown_certs;   /* the same of certificates; only the old ledger.db tells */
};

/* { 0 } is empty.  To be cleared before `ca` is closed. */
void restore_clear(struct restore *r);

MUST_CHECK enum mlt_err restore_start(struct restore *r, struct ca *ca);

/*
 * *fd: a copy of the ledger.db in the working directory, in which nothing stays behind; the
 * caller's.  It is not the restored one's directory: SQLite finds its files by the working
 * directory, so two of them are never open in two directories at once.
 */
MUST_CHECK enum mlt_err restore_copy_ledger(int *fd);

/*
 * Such a copy as a witness.  MLT_ERR_CERT_FOREIGN where it is another CA's; other errors say that
 * it cannot be read, and it is no witness then.
 */
MUST_CHECK enum mlt_err restore_see_ledger(struct restore *r, int fd);

/* As net keeps them.  MLT_ERR_AUTH, or what crl_read says: not this CA's; no witness. */
MUST_CHECK enum mlt_err restore_see_head(struct restore *r, struct span head);
MUST_CHECK enum mlt_err restore_see_crl(struct restore *r, struct span der);

/* After all of them: whether anything is missing from the restored one. */
MUST_CHECK enum mlt_err restore_is_behind(struct restore *r, bool *behind);

/*
 * Where nothing is missing, what is in no leaf may be: a name that waited for a key and was closed
 * since stays closed, and an invite that the old ledger.db has open no more was withdrawn since,
 * and is void.  *count: of these.
 */
MUST_CHECK enum mlt_err restore_carry_unwritten(struct restore *r, size_t *count);

/*
 * Where nothing is missing because nothing is left that could tell: neither a ledger.db nor a head,
 * or only a ledger.db that grew from such a restore.  It is written down, and for as long as a
 * certificate of that time may be used the next restore_accept_loss takes what grew from here for
 * no witness.
 */
bool restore_has_no_witness(const struct restore *r);
MUST_CHECK enum mlt_err restore_note_unseen(struct restore *r);
/* An epoch is opened that says so from now on.  Within the caller's transaction. */
MUST_CHECK enum mlt_err restore_forget_unseen(struct database *db);

/* What becomes of a certificate that the restored ledger does not have. */
enum restore_fate {
    RESTORE_LOST = 1, /* revoked; its name stays taken and waits to be reissued */
    RESTORE_KEPT      /* the name still has that key: entered anew */
};

/* One that was certified since, borrowed for the call.  Nothing is committed by then. */
struct restore_sink {
    enum mlt_err (*on_certificate)(void *ctx, const struct certificate *c, enum restore_fate fate);
    void *ctx;
};

struct restore_sum {
    uint64_t epoch;
    uint64_t crl_number;
    uint64_t revocations; /* carried over */
    bool listed;          /* who was revoked since the backup is known */
};

/*
 * Carries over every revocation and every closed name that was seen, revokes what is lost, makes
 * void every invite and request that was open, and opens a new epoch, above everything that was
 * seen: one transaction.  The caller opens the authority anew, which signs its
 * first head, and makes its CRL.
 */
MUST_CHECK enum mlt_err restore_accept_loss(struct restore *r, const struct restore_sink *sink,
                                            struct restore_sum *sum);

#endif
