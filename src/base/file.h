/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_FILE_H
#define MALOTE_BASE_FILE_H

#include <sys/types.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * Private files, always relative to an open directory.  No link is ever followed; what is not
 * ours and closed to others is refused (MLT_ERR_PERMISSION).  MLT_ERR_MISSING, MLT_ERR_EXISTS,
 * else MLT_ERR_SYSTEM with errno telling.
 */

/* Opens a directory by path, creating it (0700, missing parents 0755) if `create`.  It must
 * belong to the caller's uid (or root) and be closed to group and others. */
MUST_CHECK enum mlt_err file_open_dir(const char *path, bool create, int *dirfd);

/* The same, one name below an open directory. */
MUST_CHECK enum mlt_err file_open_dir_at(int parent, const char *name, bool create, int *dirfd);

/* Opens for reading: a regular file, one link, owned by us or root, mode without group/other. */
MUST_CHECK enum mlt_err file_open_private(int dirfd, const char *name, int flags, int *fd);

/*
 * The same checks for a file that somebody else in this process opens; `create` makes it, empty and
 * 0600, if it is not there.  Nothing is opened that can hold a lock: for SQLite's files, whose
 * locks would all be dropped when any descriptor of theirs in this process is closed (fcntl(2)).
 */
MUST_CHECK enum mlt_err file_check_private(int dirfd, const char *name, bool create);

/* Whole content appended to `out`; MLT_ERR_RANGE beyond `most` bytes. */
MUST_CHECK enum mlt_err file_read(int dirfd, const char *name, size_t most, struct buf *out);

/* The same of an open file, from where it stands. */
MUST_CHECK enum mlt_err file_read_all(int fd, size_t most, struct buf *out);

/* A temporary (O_EXCL, 0600), fsync, rename over `name`, fsync of the directory. */
MUST_CHECK enum mlt_err file_write(int dirfd, const char *name, struct span content);

MUST_CHECK enum mlt_err file_remove(int dirfd, const char *name);

/* write(2) until all is written. */
MUST_CHECK enum mlt_err file_write_all(int fd, struct span content);

/* An exclusive lock held until file_unlock or the end of the process.  MLT_ERR_LOCKED if taken. */
MUST_CHECK enum mlt_err file_lock(int dirfd, const char *name, int *fd);

/* Closes *fd, if >= 0.  A child that was forked and holds a copy does not keep the lock. */
void file_unlock(int *fd);

/* For CLEANUP on an int: closes if >= 0. */
void file_close(int *fd);

#endif
