/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_KEYSTORE_LINE_H
#define MALOTE_CA_KEYSTORE_LINE_H

#include "ca/keystore.h"

/* One line of chaves.txt after the first, without its newline: text, seal and chain. */

#define KEYSTORE_SALT 32

struct keystore_line {
    enum keystore_kind kind;
    struct span name; /* borrowed, like every span here */
    uint8_t salt[KEYSTORE_SALT];
    struct span head;    /* "<kind> <name> <salt> ": bound into the seal */
    struct span sealed;  /* hex */
    struct span chained; /* all before the mac: what the chain covers */
    uint8_t mac[HASH_LEN];
};

/* Only what keystore_line_make writes is read.  MLT_ERR_DAMAGED. */
MUST_CHECK enum mlt_err keystore_line_parse(struct span text, struct keystore_line *line);

/* The mac of a line whose text before the mac is `chained`, after a line with mac `before`. */
MUST_CHECK enum mlt_err keystore_line_mac(const struct secret *chain,
                                          const uint8_t before[static HASH_LEN],
                                          struct span chained, uint8_t mac[static HASH_LEN]);

/* Appends "<kind> <name> <salt> <sealed> ": everything but the mac. */
MUST_CHECK enum mlt_err keystore_line_make(const struct secret *master, enum keystore_kind kind,
                                           struct span name, struct span plain, struct buf *text);

MUST_CHECK enum mlt_err keystore_line_open(const struct secret *master,
                                           const struct keystore_line *line, struct secret *plain);

#endif
