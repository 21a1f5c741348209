/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_PARENT_H
#define MALOTE_RELAY_PARENT_H

#include "crypto/dh.h"
#include "ipc/messages.h"
#include "relay/data_dir.h"
#include "relay/listen.h"
#include "relay/users.h"

/*
 * The parent process: starts net and ca, gives ca its key, introduces the two to each other,
 * restarts what dies, stops all on SIGINT or SIGTERM.  It reads nothing from the network.
 */

struct parent_config {
    int program;           /* of this executable */
    struct data_dir *data; /* open and prepared */
    const struct listeners *listeners;
    const struct users *users;
    const char *advertise; /* HOST:PORT */
    const char *realm;     /* NULL: not given */
    enum enrol_mode mode;
    uint32_t kdf_cost;
    uint32_t ca_bits;
    enum dh_group group;
    uint64_t mailbox_messages, mailbox_bytes; /* of one mailbox; 0 messages: there are none */
    unsigned mailbox_share;                   /* percent of it for one sender */
    int64_t mailbox_life_s;
    int64_t cert_life_s; /* of user certificates */
    bool accept_clock;   /* the first ca is told that the clock is right now */

    void *ctx;
    /* Asks for the passphrase, `fresh` for a new one; says itself why it could not. */
    enum mlt_err (*passphrase)(void *ctx, bool fresh, struct secret *out);
    /* A line for stdout: where we listen, the join URL. */
    void (*announce)(void *ctx, const char *line);
    /* A line for the user: why maloted ends. */
    void (*complain)(void *ctx, const char *line);
};

/*
 * Runs until it is told to stop (MLT_OK).  MLT_ERR_REFUSED when a child kept dying, what
 * `passphrase` returned, MLT_ERR_PASSPHRASE for a wrong one, else what ca said.
 */
MUST_CHECK enum mlt_err parent_run(const struct parent_config *config);

#endif
