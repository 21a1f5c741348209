/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_WITNESS_H
#define MALOTE_CMD_MALOTE_CA_WITNESS_H

#include "ca/restore.h"
#include "cmd/malote_ca_site.h"

/* What net keeps of the CA in DATA: DATA/net/head and DATA/net/crl.der. */

struct witness {
    struct buf head, crl; /* empty: not there */
};

void witness_clear(struct witness *w);

/* Before site_enter: who works on ca/ cannot read net/.  Said. */
MUST_CHECK enum exit_code witness_read(struct witness *w, const struct site *site);

/* Those that the CA has not signed are said to be none. */
void witness_hear(const struct witness *w, struct restore *restore);

#endif
