/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_RESTORE_SCENE_H
#define MALOTE_TESTS_UNIT_RESTORE_SCENE_H

#include "test_base.h"

#include "authority.h"
#include "ca/restore.h"

/*
 * A backup is brought back, and what happened since is held against it: by the ledger.db that is
 * replaced, by a head, by a CRL.
 */

extern struct authority a; /* goes on after the backup, in its own directory */
extern char place[64];     /* where it is restored */
extern struct ca restored;

int restore_scene_libraries(void **state);
/* joao and maria are certified, with keys 0 and 1, and saved. */
int restore_scene_start(void **state);
int restore_scene_stop(void **state);
#define RESTORE_TEST(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, restore_scene_start, restore_scene_stop)

/* ---- the one that goes on ---- */

void enter(const char *dir);
void certify(const char *name, unsigned key);
void revoke_user(const char *text);
/* From now on this is the backup. */
void save(void);
/* A head of any contents, by the CA's own key. */
void sign_head(const struct ledger_head *head, struct buf *bytes);

/* ---- the one that is restored ---- */

void bring_back(void);
void open_restored(void);
/* The ledger.db of the one that went on; it is closed. */
void see_ledger(struct restore *r);
bool is_behind(struct restore *r);

struct fates {
    unsigned lost, kept;
    struct name last_lost;
};

enum mlt_err count_fate(void *ctx, const struct certificate *c, enum restore_fate fate);
/* Opens it anew: it has its list and head, and its audit finds nothing. */
void accept_loss(struct restore *r, struct restore_sum *sum, struct fates *fates);

void open_epoch(uint64_t epoch, uint64_t base);
/* What it says by now. */
uint64_t base_now(void);
bool has_key(const char *text);

#endif
