/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_RIG_H
#define MALOTE_TESTS_UNIT_RIG_H

#include <netinet/in.h>
#include <sys/resource.h>

#include "ipc/channel.h"
#include "pair.h"
#include "wire/envelope.h"
#include "wire/outcome.h"
#include "wire/receipt.h"
#include "wire/welcome.h"

/* The net process as it is, in a process of its own; the test is its parent, its ca, its peers.
 * What fails here fails the test. */

static const int rig_patience_ms = 10000;
/* For net to make a key of its own: how long that takes is a matter of luck, and of the machine. */
static const int rig_key_patience_ms = 60000;

struct rig_options {
    rlim_t most_files; /* of net; 0: as it is */
    bool no_mailboxes;
    int64_t ttl_s; /* of stored mail; 0: the default */
};

/* A ca that opens mailboxes, in a process of its own: what it answers, and what it was asked. */
struct rig_fake_ca {
    enum mlt_err mailbox_err, grant_err, unwrap_err;
    uint8_t era; /* of grants: another one and they are void */
    unsigned proofs, unwraps, keys_wanted;
};

struct rig {
    char dir[64];
    struct rig_options options;
    pid_t pid, ca_pid;
    struct channel parent, ca; /* ca: ours until rig_start_ca */
    uint64_t taken;            /* of the CRL_TAKEN that rig_hear_ca passed over; 0: none */
    struct rig_fake_ca *fake;  /* shared with it */
    struct sockaddr_in address;
    struct buf received;
    struct ipc_message message;
};

int64_t rig_now_s(void);
/* A group's set-up: errors only are logged, and the house is made before anything forks. */
int rig_quiet(void **state);

/* ---- as the parent ---- */

void rig_start(struct rig *rig);
void rig_start_as(struct rig *rig, const struct rig_options *options);
/* And as ca, until it serves. */
void rig_start_serving(struct rig *rig);
void rig_start_serving_as(struct rig *rig, const struct rig_options *options);
void rig_introduce(struct rig *rig);
/* kill -9, and another one on the same directory, with a ca of its own. */
void rig_restart(struct rig *rig);
/* The same in two steps; the other one knows nothing of ca yet. */
void rig_kill_net(struct rig *rig);
void rig_start_again(struct rig *rig);
/* Of the process that has ended, or ends soon; -2: it did not. */
int rig_status(struct rig *rig);
void rig_stop(struct rig *rig);
bool rig_hear(struct rig *rig, struct channel *from, int timeout_ms);

/* Time passes in net alone: on its wall clock, and on the one that only goes on. */
void rig_pass(int64_t wall_s, int64_t mono_s);
/* From now on its monotonic clock moves by rig_pass alone, however slow the machine is. */
void rig_hold(void);

/* ---- as ca ---- */

/* The next question but for those that come by themselves: nonces are given, proofs and SEEN passed
 * over. */
void rig_hear_ca(struct rig *rig, enum ipc_type type);
/* Clears `body`. */
void rig_tell(struct rig *rig, enum ipc_type type, uint32_t tag, struct buf *body);
void rig_synchronise(struct rig *rig);
/* The same in steps: the first message of it; SYNCED, and what follows until net is ready. */
void rig_say_ca(struct rig *rig);
void rig_make_ready(struct rig *rig);
/* Answers the SERVER_REQUEST with a certificate of this key, or of the one asked for. */
void rig_certify(struct rig *rig, EVP_PKEY *instead);
/* The one that rig_hear_ca has heard. */
void rig_certify_heard(struct rig *rig, EVP_PKEY *instead);
bool rig_is_dropped(struct channel *c);
void rig_start_ca(struct rig *rig);
void rig_kill_ca(struct rig *rig);
/* Another process, which knows nothing of the grants of the one before. */
void rig_new_ca(struct rig *rig);

/* ---- as a client ---- */

struct rig_client {
    int fd;
    struct hs_client_config config;
    struct handshake *hs;
    struct session session;
    struct buf certificate, in, out, plain;
    struct cert server; /* whose Welcome it got */
    struct welcome welcome;
};

/* maria, connected; the rest may be changed before rig_ask. */
void rig_prepare(struct rig_client *c, struct rig *rig, enum client_auth_kind kind);
void rig_hold_certificate(struct rig_client *c, int64_t from_s, int64_t until_s);
void rig_step(struct rig_client *c);
/* Up to ClientAuth: the server has all it needs. */
void rig_ask(struct rig_client *c);
/* Its answer: the first record. */
void rig_get_welcome(struct rig_client *c);
/* Who is prepared asks, and is told this. */
void rig_must_be_refused(struct rig_client *c, enum refusal reason);
void rig_log_in(struct rig_client *c, struct rig *rig, enum client_auth_kind kind);
void rig_log_in_joao(struct rig_client *c, struct rig *rig, enum client_auth_kind kind);
void rig_client_clear(struct rig_client *c);
void rig_flush(struct rig_client *c);
/* False at the end of the stream, or when nothing comes. */
bool rig_read_more(struct rig_client *c);
bool rig_read_more_within(struct rig_client *c, int ms);
/* The next record; 0 at an authenticated end. */
enum record_kind rig_next_record(struct rig_client *c);
/* Everything before it was taken when it is answered. */
void rig_ping(struct rig_client *c);
void rig_must_close(struct rig_client *c, enum close_reason reason);
/* The server's alert is the next that comes. */
void rig_must_fail(struct rig_client *c, enum alert alert);

/* A net that serves, and maria in a session of this kind. */
#define RIG_WITH_MARIA(rig, maria, kind)                                                           \
    CLEANUP(rig_stop) struct rig rig;                                                              \
    CLEANUP(rig_client_clear) struct rig_client maria;                                             \
    rig_start_serving(&rig);                                                                       \
    rig_log_in(&maria, &rig, kind)

/* ---- messages ---- */

struct rig_message {
    const char *to;
    uint64_t number; /* in its stream, and in its id */
    size_t size;     /* of the body */
};

/* It leaves with the next rig_flush. */
void rig_write(struct rig_client *c, const struct rig_message *m);
void rig_send(struct rig_client *c, const struct rig_message *m);
uint64_t rig_number(const uint8_t id[static ENVELOPE_ID]);
struct outcome rig_take_outcome(struct rig_client *c);
void rig_must_hear(struct rig_client *c, uint64_t number, enum outcome_state state);
void rig_must_hear_refusal(struct rig_client *c, uint64_t number, enum outcome_reason reason);
/* Borrowed until the next record. */
struct envelope rig_take_delivery(struct rig_client *c);
void rig_confirm(struct rig_client *c, const struct envelope *e);

#endif
