/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_DB_DB_FILES_H
#define MALOTE_DB_DB_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * Whether an open database still has its names.  What is committed to a file that was removed is
 * gone with the process, and no call of SQLite's fails: it has its descriptors, and in WAL mode
 * never looks.
 */

enum db_loss {
    DB_LOSS_NONE,
    DB_LOSS_WAL, /* "-wal" or "-shm" was removed or replaced: what was not moved over is at risk */
    DB_LOSS_FILE /* the database itself was: all of it is */
};

struct db_file {
    dev_t dev;
    ino_t ino;
};

struct sqlite3;

/* { 0 } is of no database, and has lost nothing. */
struct db_files {
    int dirfd; /* borrowed */
    const char *name;
    struct db_file wal, index;
};

/* To be asked while `handle` has its WAL open (after its first read): SQLite keeps it until the
 * database is closed, and nobody who goes by its locks removes it before.  MLT_ERR_SYSTEM with
 * ENOENT: it is gone already. */
MUST_CHECK enum mlt_err db_files_note(struct db_files *files, struct sqlite3 *handle, int dirfd,
                                      const char *name);

enum db_loss db_files_look(const struct db_files *files, struct sqlite3 *handle);

/* The WAL has no name, and nobody has made another: who still has it open may save what is in it.
 * Not if there is another: whoever made it does not see the frames of ours. */
bool db_files_may_save(const struct db_files *files);

#endif
