/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_SOCKET_H
#define MALOTE_CMD_MALOTE_CA_SOCKET_H

#include "cmd/exit_codes.h"
#include "cmd/malote_ca_rows.h"

/* DATA/ca.sock, where the CA answers while maloted runs. */

/* Whether somebody listens.  MLT_ERR_MISSING: nobody, the files are left; MLT_ERR_TIMEOUT: too
 * many others wait; else what is wrong, with errno. */
MUST_CHECK enum mlt_err ca_socket_try(int data);

/* That too many wait, said. */
enum exit_code ca_socket_say_crowd(void);

/* Where an answer goes. */
struct ca_socket_answer {
    struct ca_rows *rows;
    int *file;         /* what came with it, or as it was */
    enum mlt_err *err; /* how it ended; what failed is said */
};

/* EXIT_DONE: it was answered.  Anything else is said. */
MUST_CHECK enum exit_code ca_socket_ask(int data, const struct admin_request *request,
                                        const struct ca_socket_answer *to);

#endif
