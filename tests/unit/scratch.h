/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SCRATCH_H
#define MALOTE_TESTS_SCRATCH_H

/* A directory of a test's own, in which it works: setup and teardown of each test. */

extern char scratch_dir[64];
extern int scratch_fd;

int scratch_enter(void **state);
/* It goes with all that is in it. */
int scratch_leave(void **state);

#endif
