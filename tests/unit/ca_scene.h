/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_CA_SCENE_H
#define MALOTE_TESTS_UNIT_CA_SCENE_H

#include "scene.h"

#include "client/store_authority.h"
#include "pki/ledger_leaf.h"
#include "wire/ledger_head.h"

/*
 * The CA behind a scene's server, with its ledger, its heads, notices and lists: honest unless told
 * otherwise.  Roots and proofs are those of rfc9162.h.
 */

#define CA_SCENE_LEAVES 2048

struct ca_scene {
    struct buf leaves[CA_SCENE_LEAVES];
    uint8_t hashes[CA_SCENE_LEAVES][HASH_LEN];
    size_t count;

    uint64_t epoch; /* of heads */
    uint64_t base;
    int64_t ahead_s; /* of the CA's clock before the scene's */

    /* Of PROOF: */
    enum proof_result proof; /* 0: proven */
    bool proof_is_wrong;     /* one bit */
    size_t proof_size;       /* of the head it leads to; 0: `count` */
    uint8_t proof_root;      /* added to the first byte of that head's root */

    /* Of LEAVES: */
    bool leaves_are_busy;
    size_t leaves_at_once;
    size_t leaves_skipped; /* it answers from so many further on */
    size_t leaves_most;    /* beyond these there are none, it says; 0: all */

    /* Of RENEW: */
    struct renewed renewed; /* result 0: issued, with this certificate */
    struct buf certificate;

    struct buf head;              /* the last that was shown */
    struct store_authority known; /* as ca_scene_known read it last */
};

extern struct ca_scene *ca_scene;

/* And scene_begin, scene_begin_now: a test's set-up; and its tear-down. */
int ca_scene_begin(void **state);
int ca_scene_begin_now(void **state);
int ca_scene_end(void **state);

/* `count` leaves, of server certificates of nobody's. */
void ca_scene_grow(size_t count);
void ca_scene_add(const struct ledger_leaf *leaf);
/* The leaf of a certificate as it was issued. */
void ca_scene_add_certificate(struct span der, enum cert_role role);

void ca_scene_root(size_t size, uint8_t root[static HASH_LEN]);

/* A signed head over the first `size` leaves, appended; and Welcome's from now on. */
void ca_scene_sign_head(size_t size, struct buf *head);
void ca_scene_show(size_t size);

/* Signed by another key, and of another root. */
enum ca_scene_lie { CA_SCENE_FORGED = 1, CA_SCENE_OTHER_ROOT };
void ca_scene_show_lie(size_t size, enum ca_scene_lie lie);

/* A REVOKED record with `count` serials from `first` on (ca_scene_serial), appended. */
void ca_scene_serial(unsigned i, uint8_t serial[static CERT_SERIAL]);
void ca_scene_notice(uint64_t number, unsigned first, unsigned count, struct buf *record);
void ca_scene_notice_of(uint64_t number, const uint8_t serial[static CERT_SERIAL],
                        struct buf *record);
/* The whole list of that number, DER, appended; and sent in pieces. */
void ca_scene_list(uint64_t number, unsigned count, struct buf *der);
void ca_scene_send_list(uint64_t number, struct span der, size_t piece);

/* A certificate for the scene's user, by the scene's CA, valid from five minutes ago. */
void ca_scene_issue(const char *name, EVP_PKEY *key, int64_t life_s, struct buf *der);

/* Answers honestly: the server's `ca`. */
void ca_scene_answer(struct small_server *s, enum record_kind kind, struct span body);

/* What the home knows now. */
const struct store_authority *ca_scene_known(void);
struct ledger_head ca_scene_held(void);
bool ca_scene_is_revoked(unsigned i);

/* Joined, and a client of this kind logged in. */
void ca_scene_log_in(enum client_auth_kind kind);
/* Another session of the home, logged in. */
void ca_scene_log_in_anew(enum client_auth_kind kind);

#endif
