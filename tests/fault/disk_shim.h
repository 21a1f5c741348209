/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_DISK_SHIM_H
#define MALOTE_TESTS_DISK_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A disk that fails, that stops, and that forgets what was not synced.  disk_shim.so is preloaded
 * (LD_PRELOAD) and stands between a program and the calls that change what is below one directory:
 *
 *   DISK_DIR=PATH     that directory, without symbolic links; unset: nothing is done
 *   DISK_TRACE=FILE   a line for each call: number, letter, result, bytes, path
 *   DISK_LOG=FILE     what was done, for power.py: with every byte written, every sync, and what
 *                     the program said on its standard output
 *   DISK_DO=kill      SIGKILL at call DISK_AT (from 1)
 *   DISK_DO=fail      call DISK_AT fails with DISK_ERRNO (EIO, ENOSPC, EROFS), and the DISK_FOR - 1
 *                     calls after it (DISK_FOR=0: all)
 *   DISK_HOW=before   as if it never came to the disk; `after`: it was done; `torn`: half of a
 * write was.  A torn write that fails says how much was written. DISK_ONLY=cwtsru  which calls
 * count: create, write, truncate, sync, rename, unlink DISK_FILE=TEXT    count only calls on paths
 * that end with it DISK_SWITCH=FILE  DISK_DO only while the first byte of FILE is '1'; what comes
 * before does not count
 *
 * A -shm file of SQLite is not durable state: calls on it count, and are not logged.  stdio writes
 * inside libc and is not seen; so a program says with write(2) what the log shall know.
 * The children of a program have the same disk, and numbers of their own.
 */

#define DISK_PATH 4096

/* The letter is the one of DISK_ONLY and of the trace. */
enum disk_kind {
    DISK_CREATE = 'c',
    DISK_WRITE = 'w',
    DISK_TRUNCATE = 't',
    DISK_SYNC = 's',
    DISK_RENAME = 'r',
    DISK_UNLINK = 'u'
};

enum disk_log_kind {
    DISK_LOG_CREATE = 1,     /* path, ino */
    DISK_LOG_DIRECTORY = 2,  /* path, ino */
    DISK_LOG_UNLINK = 3,     /* path */
    DISK_LOG_RENAME = 4,     /* path and, as data, the new one */
    DISK_LOG_LINK = 5,       /* likewise */
    DISK_LOG_WRITE = 6,      /* ino, offset, data */
    DISK_LOG_TRUNCATE = 7,   /* ino, offset: the new size */
    DISK_LOG_SYNC_BEGIN = 8, /* ino */
    DISK_LOG_SYNC_END = 9,   /* ino */
    DISK_LOG_SYNC_FAILED = 10,
    DISK_LOG_SAID = 11 /* data */
};

/* In the byte order of this machine; then the path, then the data. */
struct disk_log_entry {
    uint32_t kind;
    uint32_t pid;
    uint64_t ino;
    uint64_t offset;
    uint32_t path_size;
    uint32_t data_size;
};

/* ---- disk_fate.c: what is to happen ---- */

enum disk_fate {
    DISK_PASS = 0,
    DISK_KILL_BEFORE,
    DISK_KILL_AFTER,
    DISK_KILL_TORN,
    DISK_FAIL_BEFORE,
    DISK_FAIL_AFTER,
    DISK_FAIL_TORN
};

/* Is this path ours? */
bool disk_is_below(const char *path);

/* The fate of the next call; *number is the call's. */
enum disk_fate disk_fate(enum disk_kind kind, const char *path, unsigned long *number);

/* For DISK_FAIL_*: sets errno and returns -1. */
int disk_error(void);

/* Ends the process as kill -9 does. */
_Noreturn void disk_kill(void);

/* A line of the trace. */
struct disk_call {
    enum disk_kind kind;
    unsigned long number;
    const char *path;
    long size;
    long result;
};
void disk_trace(const struct disk_call *call);

/* ---- disk_log.c ---- */

bool disk_logs(void);
void disk_log(const struct disk_log_entry *entry, const char *path, const void *data);

#endif
