/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_BACKUP_FILE_H
#define MALOTE_CA_BACKUP_FILE_H

#include "base/limits.h"
#include "base/secret.h"
#include "crypto/etm.h"
#include "crypto/hash.h"
#include "crypto/lockbox.h"

/*
 * The file a backup is kept in (PROTOCOL.md 9.5): two lines of text, the second of which is the
 * keystore's first line, so that its passphrase opens both; a salt; and one stream of bytes in
 * sealed chunks, of which the last says that it is the last.  The stream begins with a manifest.
 */

#define BACKUP_SALT  32
#define BACKUP_CHUNK 65536 /* plain bytes of every chunk but the last, which has 1 to as many */

/* How far the CA had come, and how long the two files are that follow. */
struct backup_manifest {
    char realm[LIMIT_REALM + 1];
    uint8_t ca_hash[HASH_LEN]; /* the CA's fingerprint */
    int64_t made_s;
    uint64_t epoch, base; /* of the ledger */
    uint64_t size;
    uint8_t root[HASH_LEN];
    uint64_t crl_number;
    uint64_t keystore_count; /* entries */
    uint64_t keystore_bytes, ledger_bytes;
};

MUST_CHECK enum mlt_err backup_manifest_encode(const struct backup_manifest *m, struct buf *out);
MUST_CHECK enum mlt_err backup_manifest_decode(struct span src, struct backup_manifest *m);

/* ---- writing ---- */

struct backup_writer {
    int fd; /* borrowed */
    struct etm etm;
    uint64_t sequence;
    struct buf plain, sealed;
};

/* { 0 } is empty. */
void backup_writer_clear(struct backup_writer *w);

/* The part before the chunks, at once; `first_line` without its newline, `master` is what it
 * wraps. */
MUST_CHECK enum mlt_err backup_write_start(struct backup_writer *w, int fd, struct span first_line,
                                           const struct secret *master);
MUST_CHECK enum mlt_err backup_write(struct backup_writer *w, struct span bytes);
/* The last chunk.  Not synced. */
MUST_CHECK enum mlt_err backup_write_end(struct backup_writer *w);

/* ---- reading ---- */

struct backup_reader {
    int fd; /* borrowed */
    struct buf first_line;
    struct lockbox box; /* borrows first_line; cost and salt for whoever runs scrypt */
    uint8_t context[HASH_LEN];
    struct secret master;
    struct etm etm;
    uint64_t sequence;
    struct buf plain, sealed;
    size_t used; /* of `plain`, given out already */
    bool last;   /* `plain` is of the last chunk */
};

void backup_reader_clear(struct backup_reader *r);

/* The part before the chunks.  MLT_ERR_DAMAGED for what is no backup, MLT_ERR_NEWER. */
MUST_CHECK enum mlt_err backup_read_start(struct backup_reader *r, int fd);

/* With scrypt's output.  MLT_ERR_PASSPHRASE. */
MUST_CHECK enum mlt_err backup_read_unlock(struct backup_reader *r, const struct secret *stretched);

/* 1 to `most` bytes of the stream, borrowed until the next call; none at its proven end.  Whatever
 * was flipped, cut off, left out, moved or added is MLT_ERR_DAMAGED. */
MUST_CHECK enum mlt_err backup_read(struct backup_reader *r, size_t most, struct span *bytes);

/* What the stream begins with. */
MUST_CHECK enum mlt_err backup_read_manifest(struct backup_reader *r, struct backup_manifest *m);

#endif
