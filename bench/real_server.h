/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BENCH_REAL_SERVER_H
#define MALOTE_BENCH_REAL_SERVER_H

#include <sys/types.h>

#include "base/buf.h"
#include "crypto/hash.h"

/* The real maloted in a directory of its own, below the working directory: on the disk that people
 * build on, and not in a /tmp that may be memory. */
struct real_server {
    char dir[64];
    pid_t pid, net; /* the parent, and its child on the network */
    int in;         /* what it says on stdout */
    uint16_t port;
    uint8_t pin[HASH_LEN];
};

/* Started and listening on 127.0.0.1, open to everybody. */
MUST_CHECK enum mlt_err real_server_start(struct real_server *server, const char *maloted);

/* Stops it as an operator does; what it leaves on disk stays until real_server_remove. */
MUST_CHECK enum mlt_err real_server_stop(struct real_server *server);
void real_server_remove(struct real_server *server);

/* The last of its log, on stderr. */
void real_server_complain(const struct real_server *server);

/* Resident memory of the process on the network, in bytes. */
MUST_CHECK enum mlt_err real_server_memory(const struct real_server *server, double *bytes);

/* CPU that all its processes used so far, in seconds. */
MUST_CHECK enum mlt_err real_server_cpu(const struct real_server *server, double *seconds);

/* Transactions of mail.db so far: each is one fsync that somebody's answer waited for. */
MUST_CHECK enum mlt_err real_server_commits(const struct real_server *server, uint32_t *count);

/* mail.db and what belongs to it, in bytes. */
MUST_CHECK enum mlt_err real_server_disk(const struct real_server *server, double *bytes);

#endif
