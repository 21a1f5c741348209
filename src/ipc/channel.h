/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_IPC_CHANNEL_H
#define MALOTE_IPC_CHANNEL_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * Typed messages between our own processes over SOCK_SEQPACKET: one packet is type u8, tag u32
 * (pairs a reply with its request; 0 where there is none), body.  The permit table (ipc.def) says
 * who may send what to whom; a message outside it, or one that does not decode, means the other
 * process was taken over: the caller logs it and drops the channel (MLT_ERR_UNEXPECTED,
 * MLT_ERR_RANGE, MLT_ERR_TRAILING).
 */

enum ipc_end {
    IPC_PARENT = 1,
    IPC_NET = 2,
    IPC_CA = 4,
    IPC_ADMIN = 8,
    IPC_BOTH = IPC_NET | IPC_CA
};

enum ipc_type {
#define X(name, type, from, to, min, max) IPC_##name = type,
#include "ipc/ipc.def"
#undef X
};

struct channel {
    int fd; /* owned; -1 when closed */
    enum ipc_end self, peer;
    int64_t patience_ms; /* for this peer to make room, whatever is sent; 0: no such bound */
    int64_t left_ms;     /* of it, at... */
    int64_t judged_ms;   /* ...this time, monotonic */
};

struct ipc_message {
    enum ipc_type type;
    uint32_t tag;
    struct span body; /* borrowed from the receive buffer until the next receive into it */
    int passed_fd;    /* -1, or a descriptor that came along (PEER, ADMIN_FILE), the receiver's */
};

/* Takes ownership of fd. */
void channel_init(struct channel *c, int fd, enum ipc_end self, enum ipc_end peer);
void channel_close(struct channel *c);

/* A connected pair, close-on-exec, non-blocking if asked. */
MUST_CHECK enum mlt_err channel_pair(int fds[static 2]);

/*
 * Bounds what all messages together may wait for room: the time is charged to patience_ms (> 0),
 * and a quarter of the time in between comes back.  A peer that reads on is never charged, one
 * that reads a message now and then cannot hold us for more than that and a fifth of the time.
 */
void channel_bound_waiting(struct channel *c, int64_t patience_ms);
bool channel_is_out_of_patience(const struct channel *c);

/*
 * Never blocks for long: a peer that does not read for a second, or for whom no patience is left,
 * is lost (MLT_ERR_TIMEOUT).
 */
MUST_CHECK enum mlt_err channel_send(struct channel *c, enum ipc_type type, uint32_t tag,
                                     struct span body);
MUST_CHECK enum mlt_err channel_send_fd(struct channel *c, enum ipc_type type, int fd);

/* The peer has not taken in yet what was sent last. */
bool channel_is_unread(const struct channel *c);

/*
 * One packet into `buffer`.  *got is false if none is waiting (non-blocking); with timeout_ms
 * >= 0 waits that long first, < 0 forever.  MLT_ERR_CUT at end of file.
 */
MUST_CHECK enum mlt_err channel_receive(struct channel *c, int timeout_ms, struct buf *buffer,
                                        struct ipc_message *message, bool *got);

#endif
