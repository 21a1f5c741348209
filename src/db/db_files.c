/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

static const char wal_ending[] = "-wal";
static const char index_ending[] = "-shm";

/* 0, or the number of the error. */
static int look_up(int dirfd, const char *name, const char *ending, struct db_file *file)
{
    char full[64];
    struct stat st;
    int n = snprintf(full, sizeof(full), "%s%s", name, ending);
    if (n < 0 || (size_t)n >= sizeof(full))
        return ENAMETOOLONG;
    if (fstatat(dirfd, full, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno;
    *file = (struct db_file) { st.st_dev, st.st_ino };
    return 0;
}

enum mlt_err db_files_note(struct db_files *files, sqlite3 *handle, int dirfd, const char *name)
{
    struct db_files noted = { .dirfd = dirfd, .name = name };
    int number = look_up(dirfd, name, wal_ending, &noted.wal);
    if (number == 0)
        number = look_up(dirfd, name, index_ending, &noted.index);
    if (number == 0 && db_files_look(&noted, handle) != DB_LOSS_NONE)
        number = ENOENT;
    errno = number;
    ENSURE(number == 0, MLT_ERR_SYSTEM);
    *files = noted;
    return MLT_OK;
}

static bool is_in_place(const struct db_files *files, const char *ending,
                        const struct db_file *noted)
{
    struct db_file now = { 0 };
    return look_up(files->dirfd, files->name, ending, &now) == 0 && now.dev == noted->dev &&
           now.ino == noted->ino;
}

/* SQLite compares the file that it has open with the one of that name; of the WAL it does not. */
static bool has_moved(sqlite3 *handle)
{
    int moved = 0;
    return sqlite3_file_control(handle, NULL, SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
           moved != 0;
}

enum db_loss db_files_look(const struct db_files *files, sqlite3 *handle)
{
    if (files->name == NULL)
        return DB_LOSS_NONE;
    if (has_moved(handle))
        return DB_LOSS_FILE;
    if (is_in_place(files, wal_ending, &files->wal) &&
        is_in_place(files, index_ending, &files->index))
        return DB_LOSS_NONE;
    return DB_LOSS_WAL;
}

static bool is_absent_or_ours(const struct db_files *files, const char *ending,
                              const struct db_file *noted)
{
    struct db_file now = { 0 };
    return look_up(files->dirfd, files->name, ending, &now) == ENOENT ||
           is_in_place(files, ending, noted);
}

bool db_files_may_save(const struct db_files *files)
{
    return is_absent_or_ours(files, wal_ending, &files->wal) &&
           is_absent_or_ours(files, index_ending, &files->index);
}
