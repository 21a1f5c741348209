/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PROTOCOL_SESSION_H
#define MALOTE_PROTOCOL_SESSION_H

#include "base/buf.h"
#include "base/env.h"
#include "base/secret.h"
#include "crypto/etm.h"
#include "wire/alert.h"
#include "wire/close.h"
#include "wire/record_kind.h"

/*
 * Protected records in both directions, sans-IO, the same for client and server.  Rekeys its own
 * direction by count, bytes and time, and holds the peer to the same limits.  PROTOCOL.md 6.
 */

/* Tests pass small ones; session_default_limits is the protocol's. */
struct session_limits {
    uint64_t rekey_records;
    uint64_t rekey_bytes;
    int64_t rekey_ms;
};

extern const struct session_limits session_default_limits;

struct session_direction {
    struct secret traffic;
    struct etm etm;
    uint64_t sequence; /* of the next record */
    uint64_t bytes;    /* under this key */
    int64_t since_ms;  /* monotonic time of this key */
    uint64_t rekeys;
};

struct session {
    const struct env *env;
    struct session_limits limits;
    struct session_direction send, receive;
    bool send_closed;    /* we said close or alert: nothing more may be sealed */
    bool receive_closed; /* the peer said close: end of file is a clean end */
    bool failed;
    enum close_reason close_reason; /* valid once receive_closed */
    enum alert peer_alert;          /* ALERT_NONE, or why the peer failed */
};

/* Both traffic secrets move into the session. */
MUST_CHECK enum mlt_err session_init(struct session *s, const struct env *env,
                                     const struct session_limits *limits, struct secret *send,
                                     struct secret *receive);
void session_clear(struct session *s);

/* Appends one record (and, when due, a rekey before it).  MLT_ERR_STATE after close. */
MUST_CHECK enum mlt_err session_seal(struct session *s, enum record_kind kind, struct span body,
                                     struct buf *out);

/*
 * Takes at most one frame from `in`.  *used = 0: incomplete.  *kind = 0: a frame the session
 * handled itself (rekey, close, ping is NOT among them).  Otherwise kind, and the body in
 * `plain` (reset first).  On error the session is over and `out` holds an alert, the same one
 * for every kind of bad record.  MLT_ERR_ALERT when the peer sent one.
 */
MUST_CHECK enum mlt_err session_open(struct session *s, struct span in, size_t *used,
                                     enum record_kind *kind, struct buf *plain, struct buf *out);

/*
 * At end of file, with what is still unread: MLT_OK after the peer's close and nothing left,
 * else MLT_ERR_CUT.
 */
MUST_CHECK enum mlt_err session_end(const struct session *s, struct span left);

/* Appends an authenticated close; nothing can be sealed afterwards. */
MUST_CHECK enum mlt_err session_close(struct session *s, enum close_reason reason, struct buf *out);

/* Appends a sealed alert; nothing can be sealed afterwards. */
void session_abort(struct session *s, enum alert alert, struct buf *out);

#endif
