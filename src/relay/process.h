/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_PROCESS_H
#define MALOTE_RELAY_PROCESS_H

#include "base/env.h"
#include "ipc/channel.h"

/*
 * The net process: sockets, handshakes, records, routing; no long-term key.  Enters the sandbox,
 * waits for NET_START and PEER, serves until the parent's socket closes.
 *
 *   env                the clocks (env_system, but in tests)
 *   listeners, count   listening TCP sockets, inherited
 *
 * Returns the process's exit status.
 */
int net_process(const struct env *env, struct channel *parent, const int *listeners, size_t count);

#endif
