/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_FAULTY_DISK_H
#define MALOTE_TESTS_FAULTY_DISK_H

#include <stdbool.h>

/*
 * SQLite's file calls, counted and made to fail, for a test in one process.  (tests/fault does it
 * to whole programs.)  It is SQLite's default VFS after faulty_disk_start, which comes before the
 * first database is opened.
 */

enum faulty_kind {
    FAULTY_WRITE = 1,
    FAULTY_TRUNCATE = 2,
    FAULTY_SYNC = 4,
    FAULTY_CHANGES = 7, /* the three of them */
    FAULTY_READ = 8
};

/* FULL: as ENOSPC.  A sync that fails was done all the same, or not, nobody knows: here it was. */
enum faulty_how { FAULTY_EIO, FAULTY_FULL, FAULTY_READ_ONLY };

void faulty_disk_start(void);

/* From the `at`th call of `kinds` on (from 1), `times` of them fail (0: all, until healed). */
void faulty_disk_fail(unsigned kinds, enum faulty_how how, unsigned at, unsigned times);
void faulty_disk_heal(void);

/* Since the last faulty_disk_fail or faulty_disk_heal. */
unsigned faulty_disk_calls(unsigned kinds);
unsigned faulty_disk_failed(void);

#endif
