/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_IPC_MESSAGES_H
#define MALOTE_IPC_MESSAGES_H

#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "pki/profile.h"
#include "wire/client_auth.h"
#include "wire/mailbox.h"
#include "wire/welcome.h"

/*
 * The bodies of our internal messages (ipc.def).  One struct, encode and decode each; every span
 * is borrowed from the decoded packet.  Encoders append; decoders write only on success.
 */

enum enrol_mode { ENROL_INVITE = 1, ENROL_OPEN, ENROL_APPROVE };

struct ipc_ca_start {
    struct span realm; /* empty: not given */
    enum enrol_mode mode;
    uint32_t kdf_cost;     /* scrypt N for a new keystore */
    uint32_t ca_bits;      /* for a new CA: 2048, 3072, 4096 */
    struct span advertise; /* "HOST:PORT" for join URLs */
    uint32_t cert_life_s;  /* of user certificates */
    bool accept_clock;     /* once: what was signed under a later clock is no reason to stay away */
};

struct ipc_key_needed {
    bool fresh; /* a new keystore: ask twice */
    struct kdf_cost cost;
    uint8_t salt[32];
};

struct ipc_ca_ready {
    bool first_run;
    bool created; /* the CA was made now */
    struct span realm;
    struct span join_url; /* for stdout, never for the log; empty unless first_run */
};

struct ipc_ca_failed {
    enum mlt_err err;
    struct span text; /* what failed and what to do, one line */
};

struct ipc_net_start {
    uint8_t group;                            /* enum dh_group */
    uint64_t mailbox_messages, mailbox_bytes; /* the quota of one mailbox; 0 messages: none */
    uint8_t mailbox_share;                    /* percent of it, for one sender: 1..100 */
    uint64_t mailbox_ttl_s;
};

/* The channel to the other child is void: make a new one.  If that child broke the rules it was
 * taken over, and ends first. */
struct ipc_peer_lost {
    bool misbehaved;
};

struct ipc_ca_info {
    struct span ca_der;
};

struct ipc_member {
    struct name name;
};

struct ipc_revoked {
    struct name name;
    uint8_t serial[CERT_SERIAL];
    uint8_t spki_hash[HASH_LEN];
};

struct ipc_server_cert {
    enum mlt_err err;        /* MLT_OK, or why not */
    struct span certificate; /* DER */
};

/* ENROL is wire/client_auth's ENROL, passed on as it came and checked again by ca. */
struct ipc_enrol {
    struct name name;
    struct span request;
    bool has_invite;
    uint8_t invite_id[INVITE_ID];
    uint8_t proof[INVITE_PROOF];
};

struct ipc_enrolled {
    enum welcome_result result; /* ISSUED, PENDING or REFUSED */
    enum refusal reason;
    uint32_t retry_after_s;
    struct span certificate;
};

/* Nonces for the ServerHellos of the next minute, MAILBOX_NONCE bytes each, one after the other. */
struct ipc_nonces {
    struct span nonces;
};

/* Whose mailbox pair net wants the public half of; MAILBOX_ERASED: whose pair is gone;
 * MAILBOX_GONE: whose mail is gone with it, on disk (answered like a wish). */
struct ipc_mailbox_name {
    struct name name;
};

struct ipc_mailbox {
    enum mlt_err err; /* MLT_ERR_MISSING: not made yet, ask again; or there is no such member */
    struct span spki; /* DER */
};

/* What a client signed when it logged in to receive: ca looks for its own nonce in it.
 * PROTOCOL.md 9.4 */
struct ipc_login_proof {
    struct span transcript; /* PROTOCOL.md 5.1, ServerHello to ClientAuth's features */
    struct span signature;
};

struct ipc_login_grant {
    enum mlt_err err;
    uint8_t grant[MAILBOX_GRANT];
    uint32_t lasts_s;
};

struct ipc_unwrap {
    struct name recipient;
    uint8_t grant[MAILBOX_GRANT];
    uint8_t segment[MAIL_SEGMENT];
    struct span wrapped; /* 256..512 bytes */
};

/* MLT_ERR_STATE: the grant is void.  MLT_ERR_AUTH, MLT_ERR_MISSING: it can never be opened. */
struct ipc_unwrapped {
    enum mlt_err err;
    uint8_t secret[32]; /* wiped by whoever held it */
};

/* The client's statement (PROTOCOL.md 11.5), passed on as it came and checked by ca.  RENEWED is
 * struct ipc_enrolled. */
struct ipc_renew {
    uint8_t serial[CERT_SERIAL];
    struct span signature;
    struct span certificate; /* DER, if no KNOWN named it and an EPOCH wants one; else empty */
};

/* A piece of the whole CRL; pieces come in order, and no two CRLs mixed. */
struct ipc_crl_part {
    uint64_t number;
    uint32_t offset, total;
    struct span bytes; /* 1..LIMIT_IPC_PART */
};

/* net/ holds this CRL, durably. */
struct ipc_crl_taken {
    uint64_t number;
};

/* From the ledger of `from` leaves to that of `to`, in the ca's own epoch `epoch`. */
struct ipc_proof_wanted {
    uint64_t epoch, from, to;
};

struct ipc_proof {
    enum mlt_err err;
    struct span hashes; /* HASH_LEN bytes each, at most LIMIT_PROOF_HASHES; may be none */
};

struct ipc_leaves_wanted {
    uint64_t first;
};

struct ipc_leaves {
    enum mlt_err err;
    uint64_t first;
    struct span leaves; /* vec8 each; empty: there is none at `first`, or err */
};

/* Who logged in since the last one. */
struct ipc_seen {
    struct span names; /* vec8 each, LIMIT_SEEN of them at most; see ipc_seen_next */
};

/* When a ledger that was put back may have lost leaves, both ends exclusive: of the certificates
 * issued then only the KNOWN ones are good. */
struct ipc_epoch {
    int64_t from_s, until_s;
};

struct ipc_known {
    uint8_t serial[CERT_SERIAL];
};

/* Takes the first name off `names`; MLT_ERR_MISSING when there is none left. */
MUST_CHECK enum mlt_err ipc_seen_next(struct span *names, struct name *name);
MUST_CHECK enum mlt_err ipc_seen_add(struct buf *names, const struct name *name);

#define IPC_CODEC(name)                                                                            \
    MUST_CHECK enum mlt_err ipc_##name##_encode(const struct ipc_##name *m, struct buf *out);      \
    MUST_CHECK enum mlt_err ipc_##name##_decode(struct span src, struct ipc_##name *m)

IPC_CODEC(ca_start);
IPC_CODEC(key_needed);
IPC_CODEC(ca_ready);
IPC_CODEC(ca_failed);
IPC_CODEC(net_start);
IPC_CODEC(peer_lost);
IPC_CODEC(ca_info);
IPC_CODEC(member);
IPC_CODEC(revoked);
IPC_CODEC(server_cert);
IPC_CODEC(enrol);
IPC_CODEC(enrolled);
IPC_CODEC(nonces);
IPC_CODEC(mailbox_name);
IPC_CODEC(mailbox);
IPC_CODEC(login_proof);
IPC_CODEC(login_grant);
IPC_CODEC(unwrap);
IPC_CODEC(unwrapped);
IPC_CODEC(renew);
IPC_CODEC(crl_part);
IPC_CODEC(crl_taken);
IPC_CODEC(proof_wanted);
IPC_CODEC(proof);
IPC_CODEC(leaves_wanted);
IPC_CODEC(leaves);
IPC_CODEC(seen);
IPC_CODEC(epoch);
IPC_CODEC(known);

#endif
