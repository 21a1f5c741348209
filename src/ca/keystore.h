/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_KEYSTORE_H
#define MALOTE_CA_KEYSTORE_H

#include "base/buf.h"
#include "base/secret.h"
#include "db/database.h"
#include "crypto/hash.h"
#include "crypto/lockbox.h"

/*
 * chaves.txt: every private key of the CA, encrypted, one line each (PROTOCOL.md 9):
 *
 *   malote-keystore 1 scrypt ...                     a lockbox that wraps the master key
 *   <kind> <name> <salt> <ciphertext and tag> <mac>  hex; keys from HKDF(master, salt)
 *
 * The mac of a line covers the mac before it, from the first line on, so that no line can be
 * changed, swapped, moved or taken out.  How many lines there must be, and the last mac, stand in
 * ledger.db: what lies beyond is the residue of a crash and is cut, a whole line to a file of its
 * own; anything else that is not exactly as written is MLT_ERR_DAMAGED (MLT_ERR_PASSPHRASE where
 * only the master key can tell).
 */

#define KEYSTORE_FILE "chaves.txt"
/* Complete and synced, but of a CA that ledger.db may not know yet. */
#define KEYSTORE_NEW "chaves.txt.new"
/* A line that ledger.db did not know; the first bytes of its mac follow. */
#define KEYSTORE_CUT "chaves.txt.cut-"

enum keystore_kind { KEYSTORE_CA_KEY = 1, KEYSTORE_CA_CERTIFICATE, KEYSTORE_MAILBOX };

/* How far the file counts, as ledger.db holds it. */
struct keystore_mark {
    uint64_t count; /* lines after the first */
    uint8_t head[HASH_LEN];
    int64_t size;   /* not stored: where the next line goes */
    int64_t offset; /* not stored: where the line just appended starts */
};

struct keystore {
    int fd; /* -1 when closed */
    struct buf first_line;
    struct lockbox box; /* borrows first_line; cost and salt for whoever runs scrypt */
    struct secret master;
    struct secret chain;
    struct keystore_mark mark;
    uint64_t bad_line; /* after MLT_ERR_DAMAGED from keystore_unlock: where, counted from 1 */
    unsigned beyond;   /* whole lines that ledger.db does not know, met by keystore_unlock */
    bool broken;       /* an fsync failed: what is on disk is unknown, no further append */
};

/* An empty one, to be cleared by keystore_close. */
struct keystore keystore_none(void);
void keystore_close(struct keystore *ks);

/* Opens `name` and reads its first line; locked until keystore_unlock.  MLT_ERR_MISSING. */
MUST_CHECK enum mlt_err keystore_open(struct keystore *ks, int dirfd, const char *name);

/* Called for each line at load; `offset` is for keystore_read. */
struct keystore_visit {
    enum mlt_err (*on_entry)(void *ctx, enum keystore_kind kind, struct span name, int64_t offset);
    void *ctx;
};

/*
 * Checks every line up to `committed` and cuts what lies beyond (said in the log).  If a whole line
 * does, ledger.db may be an older one that was put back: the line is written to KEYSTORE_CUT* in
 * `dirfd` first, fit to be appended again.
 */
MUST_CHECK enum mlt_err keystore_unlock(struct keystore *ks, int dirfd,
                                        const struct secret *stretched,
                                        const struct keystore_mark *committed,
                                        const struct keystore_visit *visit);

/* The decrypted content of the line at `offset`, which must be of this kind and name. */
MUST_CHECK enum mlt_err keystore_read(struct keystore *ks, int64_t offset, enum keystore_kind kind,
                                      struct span name, struct secret *plain);

/* A new keystore without entries, written as KEYSTORE_NEW, unlocked. */
MUST_CHECK enum mlt_err keystore_create(struct keystore *ks, int dirfd, const struct kdf_cost *cost,
                                        const uint8_t salt[static LOCKBOX_SALT],
                                        const struct secret *stretched);

/*
 * The same in memory only, with no file: a first line that wraps `master` (NULL: a new one), and
 * the keys that follow from it.
 */
MUST_CHECK enum mlt_err keystore_begin(struct keystore *ks, const struct kdf_cost *cost,
                                       const uint8_t salt[static LOCKBOX_SALT],
                                       const struct secret *stretched, const struct secret *master);

/* KEYSTORE_NEW becomes KEYSTORE_FILE, durably. */
MUST_CHECK enum mlt_err keystore_publish(int dirfd);

/*
 * One write and one fsync, whatever the file's size.  The line counts once *mark has been stored
 * (keystore_mark_store, in the transaction that needs it) and adopted after the commit.
 */
MUST_CHECK enum mlt_err keystore_append(struct keystore *ks, enum keystore_kind kind,
                                        struct span name, struct span plain,
                                        struct keystore_mark *mark);
void keystore_adopt(struct keystore *ks, const struct keystore_mark *mark);

/* What the chain of an unlocked keystore begins with: the mac of its first line. */
MUST_CHECK enum mlt_err keystore_first_mac(const struct keystore *ks, uint8_t mac[static HASH_LEN]);

MUST_CHECK enum mlt_err keystore_mark_store(struct database *db, const struct keystore_mark *mark);
MUST_CHECK enum mlt_err keystore_mark_load(struct database *db, struct keystore_mark *mark);

#endif
