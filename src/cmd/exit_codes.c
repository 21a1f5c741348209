/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/exit_codes.h"

static enum exit_code of_peer_fault(enum mlt_err err)
{
    switch (err) {
    case MLT_ERR_REFUSED:
    case MLT_ERR_ALERT:
    case MLT_ERR_TOO_MANY:
    case MLT_ERR_NAME:
    case MLT_ERR_PROOF:
    case MLT_ERR_REQUEST:
        return EXIT_REFUSED;
    case MLT_ERR_TIMEOUT:
    case MLT_ERR_CUT:
        return EXIT_UNREACHABLE;
    default:
        return EXIT_TRUST; /* what a peer sent did not hold: nobody knows who it is */
    }
}

enum exit_code exit_of_err(enum mlt_err err)
{
    switch (err) {
    case MLT_OK:
        return EXIT_DONE;
    case MLT_ERR_UNREACHABLE:
        return EXIT_UNREACHABLE;
    case MLT_ERR_PASSPHRASE:
    case MLT_ERR_CLOCK:
    case MLT_ERR_STOPPED:
        return EXIT_TRUST;
    default:
        break;
    }
    switch (err_fault(err)) {
    case FAULT_PEER:
        return of_peer_fault(err);
    case FAULT_CALLER:
        return EXIT_USAGE;
    default:
        return EXIT_LOCAL;
    }
}
