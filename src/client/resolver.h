/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_RESOLVER_H
#define MALOTE_CLIENT_RESOLVER_H

#include "base/env.h"
#include "client/dial.h"

/*
 * One look-up of a host name, by c-ares: /etc/hosts, then the name servers.  getaddrinfo would
 * wait, and its threaded sisters would need a thread.  Sockets come and go in `watch` (watch.h);
 * resolver_process does what can be done, and never waits.
 */
struct resolver; /* opaque */

/* The answer may be there at once.  MLT_ERR_NOMEM, MLT_ERR_SYSTEM. */
MUST_CHECK enum mlt_err resolver_new(const struct env *env, int watch, const char *host,
                                     uint16_t port, struct resolver **resolver);
void resolver_free(struct resolver **resolver);

/* At most LIMIT_LOOK_UP_MS after resolver_new it is done. */
void resolver_process(struct resolver *resolver);
bool resolver_is_done(const struct resolver *resolver);

/* Until resolver_process is due though nothing moved. */
int resolver_timeout_ms(const struct resolver *resolver);

/*
 * Addresses in the order of RFC 6724.  MLT_ERR_UNKNOWN_HOST when the name has none, or nobody can
 * be asked; MLT_ERR_UNREACHABLE when no name server answered in time; with the reason in `detail`.
 */
MUST_CHECK enum mlt_err resolver_take(const struct resolver *resolver, struct dial_list *list,
                                      char detail[static DIAL_DETAIL]);

#endif
