/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_ENROL_H
#define MALOTE_CA_ENROL_H

#include "ca/ca.h"

/*
 * What net may ask for.  Nothing it says is believed: the PKCS#10 and the invite's proof are
 * checked here, subject, role and life are chosen here.
 */

/*
 * Answers an ENROL; `certificate` holds what answer->certificate borrows.  A refusal is an
 * answer, not an error; errors are ours (disk, memory) and nothing was given out then.
 */
MUST_CHECK enum mlt_err enrol_client(struct ca *ca, const struct ipc_enrol *request,
                                     struct ipc_enrolled *answer, struct buf *certificate);

/*
 * The administrator's approval: certifies the request that waits under this name and key.
 * MLT_ERR_MISSING, MLT_ERR_REFUSED (policy says no by now: *reason).
 */
MUST_CHECK enum mlt_err enrol_approve(struct ca *ca, const struct name *name,
                                      const uint8_t spki_hash[static HASH_LEN],
                                      enum refusal *reason);

/*
 * A certificate for the server's key, 24 hours: appended to `certificate`.  MLT_ERR_REQUEST for
 * anything but a key and its proof under the name "relay", MLT_ERR_CERT_REVOKED,
 * MLT_ERR_TOO_MANY beyond LIMIT_SERVER_CERTS_PER_HOUR.
 */
MUST_CHECK enum mlt_err enrol_server(struct ca *ca, struct span request, struct buf *certificate);

#endif
