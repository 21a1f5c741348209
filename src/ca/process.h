/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_PROCESS_H
#define MALOTE_CA_PROCESS_H

#include <sys/types.h>

#include "ipc/channel.h"

/*
 * The ca process: keystore, CA, ledger, invites; no network.  Started by cmd/maloted.c with its
 * directory as working directory (chdir'ed by the parent), already under its own user.  Enters
 * the sandbox, waits for CA_START, answers until the parent's socket closes.
 *
 *   parent       the channel to the parent
 *   admin_fd     listening SOCK_SEQPACKET ca.sock, or -1
 *   owner        uid that may use ca.sock, beside root
 *
 * Returns the process's exit status.
 */
int ca_process(struct channel *parent, int admin_fd, uid_t owner);

#endif
