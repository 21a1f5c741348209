/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_BACKUP_H
#define MALOTE_CA_BACKUP_H

#include "ca/backup_file.h"
#include "ca/ca.h"

/*
 * Everything of an authority in one encrypted file: chaves.txt as far as ledger.db counts it, and
 * ledger.db as of the same moment.  The stored mail is not in it.
 */

/* ledger.db as it goes into a backup; has a name for as long as SQLite writes it. */
#define BACKUP_COPY "ledger.db.copy"

/*
 * *fd: a new backup of an opened authority, to be read from its start, without a name; the
 * caller's.  Needs room for it and for a copy of ledger.db in the CA's directory: MLT_ERR_SYSTEM
 * with ENOSPC where taking it would leave none to the rest.
 */
MUST_CHECK enum mlt_err backup_make(struct ca *ca, int *fd, struct backup_manifest *manifest);

/* What a kill left, at every start. */
void backup_tidy(int dirfd);

/*
 * The files of an unlocked backup, as they were, synced, into an empty directory.  MLT_ERR_DAMAGED
 * where the backup does not hold exactly what its manifest says.
 */
MUST_CHECK enum mlt_err backup_unpack(struct backup_reader *reader, int dirfd,
                                      struct backup_manifest *manifest);

/* What people want to know of one that was unpacked and opened. */
struct backup_contents {
    uint64_t names, revoked;
};

MUST_CHECK enum mlt_err backup_contents(struct ca *ca, struct backup_contents *contents);

#endif
