/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_CA_CHILD_H
#define MALOTE_TESTS_UNIT_CA_CHILD_H

#include "test_base.h"

#include <sys/socket.h>
#include <sys/types.h>

#include "authority.h"
#include "ipc/admin.h"
#include "ipc/channel.h"

/* The real ca process, and the two who speak with it over real IPC: its parent, and net. */

#define CA_CHILD_PATIENCE_MS 20000

struct ca_child {
    struct authority a; /* its directory; its ca is the child's */
    pid_t pid;
    struct channel parent, net;
    struct buf packet, sent;
    struct ipc_key_needed need;
    struct cert cert; /* the CA's */
    struct invite first_invite;
};

extern struct ca_child ca_child;

/* Set-ups and tear-down of a test; and of the group. */
int ca_child_libraries(void **state);
int ca_child_start_invite(void **state);
int ca_child_start_approve(void **state);
int ca_child_start_open(void **state);
int ca_child_start_none(void **state); /* only its directory */
int ca_child_end(void **state);

/* ---- the parent's part ---- */

void ca_child_spawn(void);
void ca_child_send_start(enum enrol_mode mode, const char *realm);
void ca_child_send_key(const char *passphrase);
void ca_child_open(enum enrol_mode mode);
int ca_child_status(void); /* waits for its end */
int ca_child_close(void);

/* A net, in place of an older one. */
void ca_child_give_net(void);
/* What net is told at the start; how many members and revoked ones there were. */
void ca_child_sync(unsigned *members, unsigned *revoked);

/* ---- net's part ---- */

/* The next message, which must be this one; without and with HEADs before it. */
void ca_child_receive(struct channel *c, enum ipc_type wanted, struct ipc_message *message);
void ca_child_hear(enum ipc_type wanted, struct ipc_message *message);

/* Sends an ENROL and waits for its answer; MEMBERs and HEADs that come before are read over. */
struct ipc_enrolled ca_child_ask(const struct ipc_enrol *enrol, uint32_t tag);
struct ipc_enrolled ca_child_enrol(const char *name, unsigned key, const struct invite *invite);

/* A CRL in one piece, and its notice; its number. */
uint64_t ca_child_hear_list(void);
void ca_child_say_taken(uint64_t number);

/* ---- the administrator's, over ca.sock ---- */

void ca_child_question(const struct admin_request *request, struct channel *c);
/* Counts the rows: those of what was asked for, not those of the CA itself. */
enum mlt_err ca_child_answer(struct channel *c, unsigned *rows);
enum mlt_err ca_child_administer(const struct admin_request *request, unsigned *rows);

#endif
