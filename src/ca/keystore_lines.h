/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_KEYSTORE_LINES_H
#define MALOTE_CA_KEYSTORE_LINES_H

#include "base/buf.h"

/* chaves.txt, a line at a time, in bounded memory. */

struct keystore_lines {
    int fd; /* borrowed */
    struct buf ahead;
    size_t used;    /* of `ahead`, given out already */
    int64_t offset; /* in the file, of the next line */
};

void keystore_lines_clear(struct keystore_lines *l);

/* Without its newline, borrowed until the next call; a line that never ends, or ends with the file,
 * is MLT_ERR_DAMAGED. */
MUST_CHECK enum mlt_err keystore_lines_next(struct keystore_lines *l, struct span *line);

#endif
