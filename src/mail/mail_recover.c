/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/statvfs.h>

#include "base/limits.h"
#include "base/log.h"
#include "mail/mail_writer.h"

static const uint64_t page_bytes = 4096; /* SQLite's own default */

static void wait_for_retry(struct mail_writer *w)
{
    w->stuck = true;
    w->retry_ms = env_mono_ms(w->env) + LIMIT_STORE_RETRY_MS;
}

void mail_recover_complain(struct mail_writer *w, enum mlt_err err)
{
    int number = errno;
    if (!w->complained)
        log_error("mail.db cannot be written (%s): mail for those who are away is refused",
                  err_cause(err));
    w->complained = true;
    errno = number;
}

void mail_recover_praise(struct mail_writer *w)
{
    if (w->complained)
        log_info("mail.db can be written again");
    w->complained = false;
}

/*
 * Without its WAL the database goes on.  Without the database itself nothing more is kept until the
 * next start: an empty one begun here would answer for mail that is lost, and would be in the way
 * of who puts the old one back.  What is refused stays with its sender.
 */
static void note_loss(struct mail_writer *w)
{
    const struct database *db = &w->table.db;
    if (db->loss == DB_LOSS_WAL) {
        log_error(
            "mail.db-wal or mail.db-shm was removed or replaced while in use: what it held %s",
            db->wal_saved ? "is saved in mail.db" : "is lost, unless it is put back");
    } else if (db->loss == DB_LOSS_FILE && !w->gone) {
        log_error("mail.db was removed or replaced while in use: what was stored in it is lost, "
                  "unless it is put back while maloted is stopped; until maloted is started anew, "
                  "mail for those who are away is refused");
        w->gone = true;
        w->complained = true;
    }
}

static void close_all(struct mail_writer *w)
{
    mail_reader_pause(w->reader);
    mail_reader_close(w->reader);
    mail_table_close(&w->table);
    mail_reader_go_on(w->reader);
    w->well = false;
}

/* `shrink`: what the WAL has of the disk is given back. */
static enum mlt_err checkpoint(struct mail_writer *w, bool shrink)
{
    mail_reader_pause(w->reader); /* or a reader's snapshot would keep the WAL from ending */
    enum mlt_err err =
        shrink ? database_checkpoint(&w->table.db) : mail_table_restart_wal(&w->table);
    mail_reader_go_on(w->reader);
    if (err == MLT_OK)
        w->written = database_written(&w->table.db);
    if (!w->table.db.broken)
        return err;
    note_loss(w);
    mail_recover_complain(w, err);
    close_all(w);
    wait_for_retry(w);
    return err;
}

void mail_recover_note(struct mail_writer *w, enum mlt_err err, const struct mail_attempt *attempt)
{
    bool in_doubt = w->table.db.broken;
    bool full = err == MLT_ERR_SYSTEM && errno == ENOSPC && !in_doubt;
    note_loss(w);
    mail_recover_complain(w, err);
    mail_counts_forget(&w->counts);
    mail_chains_end_all(&w->chains); /* never two messages under one key */
    w->touched_count = 0;
    if (in_doubt && w->doubt == 0)
        w->doubt = attempt->first;
    if (in_doubt)
        STAILQ_CONCAT(&w->doubtful, &w->out);
    else
        mail_dones_clear(&w->out);
    if (err == MLT_ERR_DAMAGED)
        w->most = 1; /* perhaps one of them needs a page that the others do without */
    if (full) {
        /* Removals may still find room for what they write, a few at a time. */
        w->most = attempt->count > 8 ? attempt->count / 8 : 1;
        w->stuck = w->no_room && attempt->count <= 1;
        w->no_room = true;
        w->retry_ms = env_mono_ms(w->env) + LIMIT_STORE_RETRY_MS;
        (void)checkpoint(w, true);
        return;
    }
    close_all(w);
    wait_for_retry(w);
}

/* ---- after a failure ---- */

/* One bounded part of what was reported as failed and is there all the same. */
static enum mlt_err take_back_some(struct mail_writer *w, bool *more)
{
    struct mail_row rows[64];
    size_t count = 0;
    TRY(mail_table_from(&w->table, w->doubt, COUNT_OF(rows), rows, &count));
    for (size_t i = 0; i < count; i++) {
        struct mail_box *box = NULL;
        struct mail_share *share = NULL;
        struct name owner;
        bool erased = false;
        TRY(mail_table_box_owner(&w->table, rows[i].box, &owner, &erased));
        TRY(mail_table_remove(&w->table, rows[i].row));
        if (erased)
            continue;
        TRY(mail_counts_box(&w->counts, &owner, false, &box));
        ENSURE(box != NULL, MLT_ERR_DAMAGED);
        TRY(mail_counts_share(&w->counts, box, &rows[i].sender, &share));
        mail_counts_take(&w->counts, box, share, rows[i].bytes);
        w->touched[w->touched_count++] = rows[i];
    }
    *more = count == COUNT_OF(rows);
    return mail_apply_rest(w);
}

/*
 * A commit whose fsync failed may stand.  Its messages were refused, so their senders have them
 * still and send them again; a mailbox must not hold more than its owner's session was told.
 */
static enum mlt_err take_back(struct mail_writer *w)
{
    bool more = w->doubt != 0;
    while (more) {
        TRY(database_begin(&w->table.db));
        TRY(database_end(&w->table.db, take_back_some(w, &more)));
    }
    w->doubt = 0;
    return MLT_OK;
}

/* Of a sweep in doubt: what is gone is told now; what is not will be swept again. */
static enum mlt_err settle_sweep(struct mail_writer *w)
{
    while (!STAILQ_EMPTY(&w->doubtful)) {
        struct mail_done_entry *entry = STAILQ_FIRST(&w->doubtful);
        struct mail_done_list one = STAILQ_HEAD_INITIALIZER(one);
        struct mail_row m;
        bool found = false;
        TRY(mail_table_find_row(&w->table, entry->row, &m, &found));
        STAILQ_REMOVE_HEAD(&w->doubtful, next);
        STAILQ_INSERT_TAIL(&one, entry, next);
        if (found)
            mail_dones_clear(&one);
        else
            mail_desk_answer(w->desk, &w->desk->writer, &one, 0);
    }
    return MLT_OK;
}

static enum mlt_err reopen(struct mail_writer *w)
{
    TRY(mail_table_open(&w->table, w->dirfd, false));
    /* Only what is in the file itself is known to be on disk: what the WAL shows may be in memory
     * alone, and an fsync that is asked again says nothing about what it did not write. */
    TRY(database_checkpoint(&w->table.db));
    TRY(take_back(w));
    return settle_sweep(w);
}

static void recover(struct mail_writer *w)
{
    mail_counts_forget(&w->counts);
    w->touched_count = 0;
    if (reopen(w) != MLT_OK) {
        note_loss(w);
        mail_table_close(&w->table);
        wait_for_retry(w);
        return;
    }
    w->written = database_written(&w->table.db);
    w->well = true;
    w->no_room = false;
    w->stuck = false;
    mail_reader_allow(w->reader);
}

void mail_recover_try(struct mail_writer *w)
{
    bool due = env_mono_ms(w->env) >= w->retry_ms;
    if (!due || w->gone || (w->well && !w->no_room))
        return;
    if (!w->well) {
        recover(w);
        return;
    }
    w->stuck = false;
    if (mail_recover_has_room(w))
        w->no_room = false;
    else
        w->retry_ms = env_mono_ms(w->env) + LIMIT_STORE_RETRY_MS;
}

void mail_recover_checkpoint(struct mail_writer *w)
{
    if (!w->well)
        return;
    int64_t pages = database_written(&w->table.db) - w->written;
    /* Where there is no room the next removal needs what this one had of the WAL. */
    if (pages >= LIMIT_STORE_WAL || (w->no_room && pages > 0))
        (void)checkpoint(w, w->no_room); /* tried again after the next transaction */
}

/* ---- room ---- */

struct room {
    uint64_t disk;  /* bytes that are free on it */
    uint64_t inner; /* free pages of the database itself */
    uint64_t spare; /* to be left */
    uint64_t held;  /* what the WAL holds and the database will have to take */
};

static uint64_t count_inner(struct mail_writer *w)
{
    uint64_t pages = 0;
    return mail_table_free_pages(&w->table, &pages) == MLT_OK ? pages * page_bytes : 0;
}

static struct room look_for_room(struct mail_writer *w)
{
    struct statvfs fs;
    if (fstatvfs(w->dirfd, &fs) != 0)
        return (struct room) { .disk = UINT64_MAX }; /* the disk itself will say */
    struct room room = { .disk = (uint64_t)fs.f_bavail * fs.f_frsize };
    uint64_t part = (uint64_t)fs.f_blocks * fs.f_frsize / 8;
    room.spare = part < LIMIT_STORE_SPARE ? part : LIMIT_STORE_SPARE;
    room.held = (uint64_t)(database_written(&w->table.db) - w->written) * page_bytes;
    if (room.disk < 4 * room.spare + room.held)
        room.inner = count_inner(w);
    return room;
}

/*
 * A disk that is full to the last byte could not even be drained: to remove a message takes room
 * in the WAL, and to end the WAL takes room in the database for what it holds.
 */
static bool is_enough(const struct room *room)
{
    return room->disk >= room->spare / 4 * 3 &&
           room->disk + room->inner >= room->spare + room->held;
}

uint64_t mail_recover_budget(const struct mail_writer *w)
{
    struct statvfs fs;
    return fstatvfs(w->dirfd, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize / 4 : UINT64_MAX;
}

bool mail_recover_has_room(struct mail_writer *w)
{
    struct room room = look_for_room(w);
    if (is_enough(&room))
        return true;
    if (checkpoint(w, true) != MLT_OK)
        return false;
    room = look_for_room(w);
    return is_enough(&room);
}
