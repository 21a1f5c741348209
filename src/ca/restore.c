/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "ca/backup.h"
#include "ca/ledger_tree.h"
#include "ca/schema.h"
#include "ca/setting.h"
#include "ca/stopped.h"
#include "pki/statement.h"

/* The ledger.db that is replaced, for as long as it is looked at beside the restored one. */
static const char old_name[] = "ledger.db.old";

static void remove_old(int dir)
{
    unlinkat(dir, old_name, 0);
    unlinkat(dir, "ledger.db.old-wal", 0);
    unlinkat(dir, "ledger.db.old-shm", 0);
}

void restore_clear(struct restore *r)
{
    database_close(&r->old);
    crl_clear(&r->crl);
    if (r->ca != NULL)
        remove_old(r->ca->dir);
    *r = (struct restore) { 0 };
}

/* ---- witnesses ---- */

static void note(uint64_t *highest, uint64_t seen)
{
    if (seen > *highest)
        *highest = seen;
}

static void note_lowest(uint64_t *lowest, uint64_t seen)
{
    if (seen < *lowest)
        *lowest = seen;
}

bool restore_is_beyond(struct restore_extent one, struct restore_extent other)
{
    return one.epoch > other.epoch || (one.epoch == other.epoch && one.size > other.size);
}

/* A ledger of `size` leaves, which holds in `epoch`. */
struct sight {
    uint64_t epoch, base, size;
    const uint8_t *root;
    struct database *leaves; /* NULL: its head is all that is left of it */
};

/*
 * How many of its leaves are ours too, by what was signed: of the later of two epochs no more is
 * said than where it began.  Of one epoch the longer ledger continues the shorter one, or the CA
 * has signed two of them.
 */
static uint64_t shared_leaves(const struct restore *r, const struct sight *sight)
{
    uint64_t theirs = sight->epoch > r->facts.epoch ? sight->base : sight->size;
    uint64_t ours = sight->epoch < r->facts.epoch ? r->facts.base : r->facts.size;
    return theirs < ours ? theirs : ours;
}

/*
 * Whether the first `size` leaves are not the same, as far as can be known.  The head alone of a
 * longer ledger proves nothing of ours, and is taken to continue it.  So it does, unless an older
 * ledger.db was copied into place by hand and grew before anybody showed the CA what it had signed:
 * then the heads of the other one that are shorter than the base we claim find no proof, the CA is
 * shown them (net_ledger.c) and stops, and with one as a witness the next restore claims less.
 */
static enum mlt_err parts_within(struct restore *r, const struct sight *sight, uint64_t size,
                                 bool *parts)
{
    uint8_t own[HASH_LEN], other[HASH_LEN];
    *parts = false;
    if (size == 0 || (sight->leaves == NULL && size != sight->size))
        return MLT_OK;
    if (sight->leaves == NULL)
        memcpy(other, sight->root, HASH_LEN);
    else
        TRY(ledger_tree_root(sight->leaves, size, other));
    TRY(ledger_tree_root(&r->ca->db, size, own));
    *parts = !span_eq(SPAN_OF(own), SPAN_OF(other));
    return MLT_OK;
}

/* The first `size` are not the same: how many are. */
static enum mlt_err count_common(struct restore *r, const struct sight *sight, uint64_t size,
                                 uint64_t *common)
{
    uint64_t same = 0, other = sight->leaves != NULL ? size : 1;
    while (other - same > 1) {
        uint64_t middle = same + (other - same) / 2;
        bool parts = false;
        TRY(parts_within(r, sight, middle, &parts));
        if (parts)
            other = middle;
        else
            same = middle;
    }
    *common = same;
    return MLT_OK;
}

static enum mlt_err see(struct restore *r, const struct sight *sight)
{
    uint64_t epoch = sight->epoch, size = shared_leaves(r, sight), common = 0;
    bool twice = epoch == r->facts.epoch && sight->base != r->facts.base; /* opened */
    bool parts = false;
    const struct restore_extent extent = { epoch, sight->size };
    if (restore_is_beyond(extent, r->seen))
        r->seen = extent;
    if (epoch > r->facts.epoch || twice)
        note_lowest(&r->common, sight->base);
    r->forked = r->forked || twice;
    TRY(parts_within(r, sight, size, &parts));
    if (!parts)
        return MLT_OK;
    TRY(count_common(r, sight, size, &common));
    note_lowest(&r->common, common);
    r->forked = true;
    return MLT_OK;
}

static enum mlt_err see_head(struct restore *r, struct span head, struct restore_extent *extent)
{
    struct ledger_head h;
    ENSURE(ledger_head_decode(head, &h) == MLT_OK, MLT_ERR_AUTH);
    TRY(statement_check_head(&r->ca->cert, &h));
    note(&r->seen_s, h.time_s);
    *extent = (struct restore_extent) { h.epoch, h.size };
    return see(r, &(struct sight) { h.epoch, h.base, h.size, h.root, NULL });
}

enum mlt_err restore_see_head(struct restore *r, struct span head)
{
    return see_head(r, head, &r->net);
}

/* The head that stopped an authority: it was there, in the hands of some client. */
static enum mlt_err see_stop(struct restore *r, struct database *db)
{
    CLEANUP(buf_clear) struct buf head = { 0 };
    struct restore_extent extent;
    TRY(stopped_kept(db, &head));
    if (head.len == 0)
        return MLT_OK;
    enum mlt_err err = see_head(r, buf_span(&head), &extent);
    r->stopped |= err == MLT_OK;
    return err == MLT_ERR_AUTH ? MLT_OK : err;
}

/* ---- a restore that had no witness ---- */

static const char unseen_size[] = "restore.unseen.size";
static const char unseen_s[] = "restore.unseen.s";

static enum mlt_err see_unseen(struct restore *r, struct database *db)
{
    int64_t size = 0, at_s = 0;
    enum mlt_err err = setting_get_number(db, unseen_size, &size);
    if (err == MLT_ERR_MISSING)
        return MLT_OK;
    TRY(err);
    TRY(setting_get_number(db, unseen_s, &at_s));
    if (at_s + (int64_t)LIMIT_CERT_DAYS * 86400 + LIMIT_GRACE_S <= ca_now_s(r->ca))
        return MLT_OK;
    r->unseen = true;
    note_lowest(&r->common, (uint64_t)size);
    return MLT_OK;
}

bool restore_has_no_witness(const struct restore *r)
{
    return r->unseen || (r->old.handle == NULL && r->net.epoch == 0);
}

static enum mlt_err put_unseen(struct restore *r)
{
    struct database *db = &r->ca->db;
    const uint64_t size = r->common; /* less, where it was so before */
    TRY(setting_set_number(db, unseen_size, (int64_t)size));
    return setting_set_number(db, unseen_s, ca_now_s(r->ca));
}

enum mlt_err restore_note_unseen(struct restore *r)
{
    TRY(database_begin(&r->ca->db));
    return database_end(&r->ca->db, put_unseen(r));
}

enum mlt_err restore_forget_unseen(struct database *db)
{
    TRY(setting_forget(db, unseen_size));
    return setting_forget(db, unseen_s);
}

enum mlt_err restore_start(struct restore *r, struct ca *ca)
{
    CLEANUP(restore_clear) struct restore made = { .ca = ca };
    TRY(ledger_facts_read(&ca->db, &made.facts));
    made.common = made.facts.size;
    TRY(see_stop(&made, &ca->db));
    TRY(see_unseen(&made, &ca->db));
    *r = made;
    made = (struct restore) { 0 };
    return MLT_OK;
}

enum mlt_err restore_see_crl(struct restore *r, struct span der)
{
    CLEANUP(crl_clear) struct crl crl = { 0 };
    TRY(crl_read(der, &r->ca->cert, &crl));
    note(&r->seen_crl, crl.number);
    crl_clear(&r->crl);
    r->crl = crl;
    crl = (struct crl) { 0 };
    return MLT_OK;
}

static enum mlt_err check_same_ca(struct restore *r, struct database *old)
{
    CLEANUP(query_end)
    struct query q = query_start(old, "SELECT spki FROM certificate WHERE role = ?");
    uint8_t spki[HASH_LEN];
    bool row = false;
    query_put_int(&q, CERT_CA);
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_DAMAGED);
    TRY(query_bytes(&q, 0, spki, HASH_LEN));
    bool same = span_eq(SPAN_OF(spki), SPAN_OF(r->ca->cert.spki_hash));
    return same ? MLT_OK : MLT_ERR_CERT_FOREIGN;
}

static enum mlt_err copy_here(int dir, int *fd)
{
    CLEANUP(database_close) struct database old = { 0 };
    const struct database_place place = { dir, SCHEMA_FILE };
    const struct database_place copy = { dir, BACKUP_COPY };
    bool fresh = false;
    TRY(database_open(&old, &schema_ledger, &place, false, &fresh));
    ENSURE(!fresh, MLT_ERR_MISSING);
    TRY(database_copy(&old, &copy));
    *fd = openat(dir, BACKUP_COPY, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return *fd >= 0 ? MLT_OK : MLT_ERR_SYSTEM;
}

enum mlt_err restore_copy_ledger(int *fd)
{
    CLEANUP(file_close) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ENSURE(dir >= 0, MLT_ERR_SYSTEM);
    enum mlt_err err = copy_here(dir, fd);
    int kept = errno;
    backup_tidy(dir);
    errno = kept;
    return err;
}

static enum mlt_err write_here(int dir, int from)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    CLEANUP(file_close) int to = openat(dir, old_name, flags, 0600);
    CLEANUP(buf_clear) struct buf piece = { 0 };
    ENSURE(to >= 0, MLT_ERR_SYSTEM);
    TRY(buf_reserve(&piece, (size_t)1 << 16));
    for (;;) {
        ssize_t n = read(from, piece.p, piece.cap);
        ENSURE(n >= 0 || errno == EINTR, MLT_ERR_SYSTEM);
        if (n == 0)
            return MLT_OK;
        if (n > 0)
            TRY(file_write_all(to, span_of(piece.p, (size_t)n)));
    }
}

static enum mlt_err open_old(struct restore *r, struct database *old)
{
    const struct database_place place = { r->ca->dir, old_name };
    bool fresh = false;
    r->old_schema = schema_ledger;
    r->old_schema.file = old_name;
    TRY(database_open(old, &r->old_schema, &place, false, &fresh));
    ENSURE(!fresh, MLT_ERR_MISSING);
    return ledger_tree_complete(old);
}

enum mlt_err restore_see_ledger(struct restore *r, int fd)
{
    CLEANUP(database_close) struct database old = { 0 };
    struct ledger_facts facts;
    struct keystore_mark mark;
    remove_old(r->ca->dir);
    TRY(write_here(r->ca->dir, fd));
    TRY(open_old(r, &old));
    TRY(check_same_ca(r, &old));
    TRY(ledger_facts_read(&old, &facts));
    TRY(keystore_mark_load(&old, &mark));
    TRY(see(r, &(struct sight) { facts.epoch, facts.base, facts.size, facts.root, &old }));
    TRY(see_stop(r, &old));
    TRY(see_unseen(r, &old));
    note(&r->seen_crl, facts.crl_number);
    note(&r->seen_entries, mark.count);
    r->old = old;
    old = (struct database) { 0 };
    return MLT_OK;
}
