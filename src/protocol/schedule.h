/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PROTOCOL_SCHEDULE_H
#define MALOTE_PROTOCOL_SCHEDULE_H

#include "base/secret.h"
#include "crypto/hash.h"

/* The key schedule: a chain of Extract and labelled Expand, as in TLS 1.3.  PROTOCOL.md 5.2 */

/* { 0 } is empty. */
struct schedule {
    struct secret client; /* c_hs */
    struct secret server; /* s_hs */
    struct secret master;
};

/* From Z (left-padded to |p|) and the transcript through Ys. */
MUST_CHECK enum mlt_err schedule_start(struct schedule *s, const struct secret *z,
                                       const uint8_t th1[static HASH_LEN]);
void schedule_clear(struct schedule *s);

/* The Finished of the side whose handshake secret this is, over a transcript hash. */
MUST_CHECK enum mlt_err schedule_finished(const struct secret *traffic,
                                          const uint8_t digest[static HASH_LEN],
                                          uint8_t finished[static HASH_LEN]);

/* First traffic secrets of the session, from the transcript through ClientAuth's Finished. */
MUST_CHECK enum mlt_err schedule_session(const struct schedule *s,
                                         const uint8_t th2[static HASH_LEN], struct secret *client,
                                         struct secret *server);

/* Replaces a session's traffic secret by the next one; there is no way back. */
MUST_CHECK enum mlt_err schedule_next(struct secret *traffic);

#endif
