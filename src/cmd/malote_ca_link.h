/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_LINK_H
#define MALOTE_CMD_MALOTE_CA_LINK_H

#include "ca/ca.h"
#include "cmd/malote_ca_commands.h"
#include "ipc/admin.h"

/*
 * The way to the CA: over DATA/ca.sock while maloted runs, else on the files, under the same lock
 * and as the user they belong to.  Every failure is said, as one line; what is returned is the
 * exit code.
 */

struct ca_link {
    int data;     /* the directory */
    int lock;     /* -1: maloted runs, over the socket */
    struct ca ca; /* opened, when lock is held */
};

#define CA_LINK_CLOSED                                                                             \
    {                                                                                              \
        .data = -1, .lock = -1, .ca = {.dir = -1, .keystore = { .fd = -1 } }                       \
    }

MUST_CHECK enum exit_code ca_link_open(const struct malote_ca_options *options,
                                       struct ca_link *link);
void ca_link_close(struct ca_link *link);

/* The rows of an answer, all of them before the first is shown: a pager must not hold the CA. */
struct ca_rows {
    struct buf bytes;
    size_t at;
};

void ca_rows_clear(struct ca_rows *rows);
/* The next row, borrowed; false after the last. */
bool ca_rows_next(struct ca_rows *rows, struct admin_row *row);

/* One question; `rows` is emptied first.  EXIT_REFUSED when the CA said no. */
MUST_CHECK enum exit_code ca_link_ask(struct ca_link *link, const struct admin_request *request,
                                      struct ca_rows *rows);

/* Opens, asks one question and closes. */
MUST_CHECK enum exit_code ca_link_ask_once(const struct malote_ca_options *options,
                                           const struct admin_request *request,
                                           struct ca_rows *rows);

#endif
