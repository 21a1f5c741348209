/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_RELAY_CRL_HELD_H
#define MALOTE_RELAY_CRL_HELD_H

#include "base/limits.h"
#include "ipc/messages.h"
#include "pki/crl.h"
#include "relay/key_set.h"
#include "wire/revocation.h"

/*
 * What net holds of revocations: the whole list, the last notices, and what somebody who is behind
 * gets of them.  Decisions alone; net_crl.c has the disk and the sessions.  PROTOCOL.md 11.4
 */

/* ---- the list ---- */

/* The zero value holds none. */
struct crl_held {
    uint64_t number; /* the highest there was */
    int64_t this_update_s, next_update_s;
    struct buf der;
};

/* A list and its serials, as somebody checked them. */
struct crl_checked {
    struct crl_held list;
    struct key_set serials;
};

void crl_checked_clear(struct crl_checked *c);

/* MLT_ERR_CRL_*, MLT_ERR_CRL when it is not number `number` (0: whatever it is).  Takes `der`. */
MUST_CHECK enum mlt_err crl_check(const struct cert *ca, uint64_t number, struct buf *der,
                                  struct crl_checked *c);

enum crl_verdict {
    CRL_BEHIND, /* ca is: an older list, or another one of the same number */
    CRL_SAME,
    CRL_NEWS
};
enum crl_verdict crl_held_judge(const struct crl_held *held, const struct crl_held *offered);

/* Takes the new list's bytes. */
void crl_held_replace(struct crl_held *held, struct crl_held *by);
void crl_held_clear(struct crl_held *held);

enum crl_age {
    CRL_AGE_NONE, /* there is no list */
    CRL_AGE_FRESH,
    CRL_AGE_OLD, /* past half of its life: ca should have signed the next one long ago */
    CRL_AGE_STALE
};
enum crl_age crl_held_age(const struct crl_held *held, int64_t now_s);

/* Whether a login passes: of a stale list, whoever was certified before it may have been revoked
 * since, and ca, which certified the others later, knew. */
bool crl_held_admits(const struct crl_held *held, const struct cert_fields *cert, int64_t now_s);

/* ---- the pieces that ca sends ---- */

struct crl_parts {
    uint64_t number;
    uint32_t total;
    struct buf bytes;
};

/* In order and without a gap; one with offset 0 begins anew.  *whole: all are there, and are the
 * caller's to take.  MLT_ERR_RANGE. */
MUST_CHECK enum mlt_err crl_parts_take(struct crl_parts *parts, const struct ipc_crl_part *part,
                                       bool *whole);
void crl_parts_clear(struct crl_parts *parts);

/* ---- the notices ---- */

struct crl_notices {
    struct crl_notice {
        uint64_t number;
        struct buf record; /* a REVOKED record's body */
    } kept[LIMIT_REVOCATIONS_KEPT];
    size_t first, count;
};

/* One that does not follow the last one makes those before it useless; one that is not newer is
 * ignored. */
MUST_CHECK enum mlt_err crl_notices_add(struct crl_notices *notices, uint64_t number,
                                        struct span record);
uint64_t crl_notices_newest(const struct crl_notices *notices); /* 0: none */
/* NULL if it is not kept. */
const struct crl_notice *crl_notices_find(const struct crl_notices *notices, uint64_t number);
void crl_notices_clear(struct crl_notices *notices);

/* The number that clients are told: the list's or the last notice's. */
uint64_t crl_newest(const struct crl_held *held, const struct crl_notices *notices);

/*
 * Who holds number `have` gets the notices from *from on, if they are all here, else the list.
 * Whoever is behind nobody is answered with the newest notice, if there is one.
 */
bool crl_notices_serve(const struct crl_notices *notices, uint64_t have, uint64_t newest,
                       uint64_t *from);

/* ---- the pieces that a client gets ---- */

/* { 0 } is before the first. */
struct crl_cursor {
    uint64_t number;
    uint32_t offset;
};

/* The next piece; a list that was replaced begins anew.  False after the last one. */
bool crl_cursor_next(struct crl_cursor *cursor, const struct crl_held *held,
                     struct crl_piece *piece);

#endif
