/* SPDX-License-Identifier: Apache-2.0 */
#include "db/database.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

static const char shim_name[] = "malote";

/* A full path would be looked up through parents that may be closed to us. */
static int keep_relative(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
    (void)vfs;
    size_t n = strlen(name) + 1;
    if (n > (size_t)room)
        return SQLITE_CANTOPEN;
    for (size_t i = 0; i < n; i++)
        out[i] = name[i];
    return SQLITE_OK;
}

/* The default opens /dev/urandom, which the sandbox has closed. */
static int fill_random(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    ssize_t got = getrandom(out, (size_t)n, 0);
    return got > 0 ? (int)got : 0;
}

static bool shim_stands;

static void start_shim(void)
{
    static sqlite3_vfs shim;
    const sqlite3_vfs *original = sqlite3_vfs_find(NULL); /* initializes SQLite */
    if (original == NULL)
        return;
    shim = *original;
    shim.pNext = NULL;
    shim.zName = shim_name;
    shim.xFullPathname = keep_relative;
    shim.xRandomness = fill_random;
    shim_stands = sqlite3_vfs_register(&shim, 0) == SQLITE_OK;
}

/*
 * The VFS for `path`; NULL is SQLite's own.  A library must not leave a VFS behind in a process
 * that may unload it, so only the relative names of the server's processes get ours.
 */
static enum mlt_err choose_vfs(const char *path, const char **vfs)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    *vfs = NULL;
    if (path[0] == '/')
        return MLT_OK;
    pthread_once(&once, start_shim);
    ENSURE(shim_stands, MLT_ERR_DATABASE);
    *vfs = shim_name;
    return MLT_OK;
}

static enum mlt_err err_with_errno(int number)
{
    errno = number;
    return MLT_ERR_SYSTEM;
}

/* SQLite has one code for a file system and for a file that may not be written. */
static int why_readonly(int dirfd)
{
    struct statvfs fs;
    return fstatvfs(dirfd, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0 ? EROFS : EACCES;
}

static enum mlt_err err_of(const struct database *db, int number)
{
    sqlite3 *handle = db->handle;
    switch (sqlite3_errcode(handle) & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return MLT_ERR_LOCKED;
    case SQLITE_NOMEM:
        return MLT_ERR_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return MLT_ERR_DAMAGED;
    case SQLITE_FULL:
        return err_with_errno(ENOSPC);
    case SQLITE_READONLY:
        return err_with_errno(why_readonly(db->dirfd));
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return err_with_errno(number != 0 ? number : EIO);
    default:
        return MLT_ERR_DATABASE;
    }
}

static enum mlt_err report(struct database *db)
{
    /* SQLite remembers the number of some failures; that of a commit is only in errno. */
    int number = sqlite3_system_errno(db->handle);
    if (number == 0)
        number = errno;
    /* A commit whose fsync failed may stand or not; only opening the file anew tells. */
    if ((sqlite3_errcode(db->handle) & 0xff) == SQLITE_IOERR)
        db->broken = true;
    if (db->schema->in_log)
        log_error("%s: %s", db->schema->file, sqlite3_errmsg(db->handle));
    return err_of(db, number);
}

/* ---- files that lost their names ---- */

/* What is in a WAL without a name is moved into the file, so that nothing committed is lost. */
static bool save_frames(struct database *db)
{
    return db_files_may_save(&db->files) &&
           sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL) ==
               SQLITE_OK;
}

static void log_loss(const struct database *db)
{
    const char *file = db->schema->file;
    if (db->loss == DB_LOSS_FILE)
        log_error("%s was removed or replaced while it was in use: put it back, or restore it",
                  file);
    else
        log_error(
            "%s-wal or %s-shm was removed or replaced while it was in use: what it held is %s",
            file, file, db->wal_saved ? "saved" : "lost, unless it is put back");
}

/* Asked before anything is written, so that nothing is added where nobody will find it, and after
 * every commit, before anybody can hear of it. */
static enum mlt_err check_files(struct database *db)
{
    enum db_loss loss = db_files_look(&db->files, db->handle);
    if (loss == DB_LOSS_NONE)
        return MLT_OK;
    db->loss = loss;
    db->wal_saved = loss == DB_LOSS_WAL && save_frames(db);
    db->broken = true;
    if (db->schema->in_log)
        log_loss(db);
    return err_with_errno(ENOENT);
}

static enum mlt_err run(struct database *db, const char *sql)
{
    errno = 0;
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? MLT_OK : report(db);
}

static enum mlt_err read_version(struct database *db, int64_t *version, bool *fresh)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT (SELECT user_version FROM pragma_user_version), "
                                     "(SELECT count(*) FROM sqlite_schema)");
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_DATABASE);
    *version = query_int(&q, 0);
    *fresh = *version == 0 && query_int(&q, 1) == 0;
    return MLT_OK;
}

/* Inside a transaction; another process may have been first. */
static enum mlt_err step_forward(struct database *db)
{
    int64_t version = 0;
    bool fresh = false;
    TRY(read_version(db, &version, &fresh));
    for (; version < db->schema->version; version++)
        TRY(run(db, db->schema->step(version)));
    return MLT_OK;
}

/*
 * The change to WAL takes an exclusive lock without asking the busy handler, so processes that
 * open a fresh file at once meet here.  It is not asked for the first look at the file either:
 * else each try would wait as long as all of them may.
 */
static enum mlt_err enter_wal(struct database *db)
{
    static const char change[] = "PRAGMA journal_mode=WAL";
    const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
    sqlite3_busy_timeout(db->handle, 0);
    int rc = sqlite3_exec(db->handle, change, NULL, NULL, NULL);
    for (int waited = 0; rc == SQLITE_BUSY && waited < db->schema->busy_ms; waited += 10) {
        nanosleep(&pause, NULL);
        rc = sqlite3_exec(db->handle, change, NULL, NULL, NULL);
    }
    sqlite3_busy_timeout(db->handle, db->schema->busy_ms);
    return rc == SQLITE_OK ? MLT_OK : report(db);
}

/*
 * SQLite does not sync a WAL that it has cut off: after a power cut the old one would be back, and
 * if the end of it is what a failed fsync lost, it would hide what the file has instead.
 */
static enum mlt_err sync_wal(struct database *db)
{
    sqlite3_file *wal = NULL;
    int rc = sqlite3_file_control(db->handle, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    if (rc != SQLITE_OK || wal == NULL || wal->pMethods == NULL)
        return MLT_OK; /* there is none */
    if (wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) == SQLITE_OK)
        return MLT_OK;
    db->broken = true;
    return MLT_ERR_SYSTEM; /* errno is fsync's */
}

static enum mlt_err write_again(int fd)
{
    uint8_t piece[16384];
    off_t at = 0;
    for (;;) {
        ssize_t n = pread(fd, piece, sizeof(piece), at);
        ENSURE(n >= 0, MLT_ERR_SYSTEM);
        if (n == 0)
            break;
        ENSURE(pwrite(fd, piece, (size_t)n, at) == n, MLT_ERR_SYSTEM);
        at += n;
    }
    ENSURE(at == 0 || fsync(fd) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err write_wal_again(const struct database *db, int dirfd)
{
    CLEANUP(buf_clear) struct buf name = { 0 };
    const char *text = NULL;
    TRY(buf_put_format(&name, "%s-wal", db->schema->file));
    TRY(buf_text(&name, &text));
    CLEANUP(file_close) int fd = openat(dirfd, text, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    ENSURE(fd >= 0 || errno == ENOENT, MLT_ERR_SYSTEM);
    return fd >= 0 ? write_again(fd) : MLT_OK;
}

/*
 * A process whose fsync failed may have left frames in the WAL that are read from memory and are
 * not on disk, whatever a later fsync says: the kernel takes them for clean.  What is built on them
 * would be lost with them, so the WAL is written once more as it is.  The write lock keeps others
 * out; if one of them has it, the WAL was not read anew and ends before such frames.  The name of
 * the WAL has an fsync of its own: of that one SQLite does not look at the result.
 */
static enum mlt_err save_wal(struct database *db, int dirfd)
{
    sqlite3_busy_timeout(db->handle, 0);
    int rc = sqlite3_exec(db->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    sqlite3_busy_timeout(db->handle, db->schema->busy_ms);
    if (rc == SQLITE_OK)
        TRY(database_end(db, write_wal_again(db, dirfd)));
    else if (rc != SQLITE_BUSY)
        return report(db);
    ENSURE(fsync(dirfd) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

/* So that the WAL does not grow from one kill to the next. */
static enum mlt_err empty_wal(struct database *db)
{
    sqlite3_busy_timeout(db->handle, 0);
    int rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(db->handle, db->schema->busy_ms);
    if (rc == SQLITE_OK)
        return sync_wal(db);
    return rc == SQLITE_BUSY || rc == SQLITE_LOCKED ? MLT_OK : report(db);
}

static enum mlt_err prepare(struct database *db, int dirfd, bool *fresh)
{
    TRY(run(db, "PRAGMA trusted_schema=OFF; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;"
                "PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON;"));
    TRY(enter_wal(db));
    /* FULL: NORMAL may lose what was acknowledged when power goes. */
    TRY(run(db, "PRAGMA synchronous=FULL"));
    TRY(save_wal(db, dirfd));
    TRY(empty_wal(db));
    int64_t version = 0;
    TRY(read_version(db, &version, fresh));
    TRY(db_files_note(&db->files, db->handle, dirfd, db->schema->file));
    if (*fresh)
        return MLT_OK;
    ENSURE(version <= db->schema->version, MLT_ERR_NEWER);
    ENSURE(version >= 1, MLT_ERR_DAMAGED);
    if (version == db->schema->version)
        return MLT_OK;
    TRY(database_begin(db));
    return database_end(db, step_forward(db));
}

enum mlt_err database_open(struct database *db, const struct database_schema *schema,
                           const struct database_place *place, bool create, bool *fresh)
{
    const char *vfs = NULL;
    TRY(choose_vfs(place->path, &vfs));
    /* SQLite gives its other files the mode of this one: made before it looks, as 0600. */
    TRY(file_check_private(place->dirfd, schema->file, create));
    CLEANUP(database_close) struct database made = { .schema = schema, .dirfd = place->dirfd };
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                      SQLITE_OPEN_NOFOLLOW;
    if (sqlite3_open_v2(place->path, &made.handle, flags, vfs) != SQLITE_OK)
        return made.handle == NULL ? MLT_ERR_NOMEM : report(&made);
    sqlite3_extended_result_codes(made.handle, 0);
    sqlite3_busy_timeout(made.handle, schema->busy_ms);
    sqlite3_db_config(made.handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    bool empty = false;
    TRY(prepare(&made, place->dirfd, &empty));
    *fresh = empty;
    *db = made;
    made.handle = NULL;
    return MLT_OK;
}

void database_close(struct database *db)
{
    if (db->handle == NULL)
        return;
    int kept = errno;
    /* The last to close moves the WAL into the file and removes it, by its name.  Not on the word
     * of a file that failed us, and not if the name is another's by now. */
    if (db->broken || check_files(db) != MLT_OK)
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (sqlite3_close(db->handle) != SQLITE_OK && db->schema->in_log)
        log_error("%s: closed with statements open", db->schema->file);
    *db = (struct database) { 0 };
    errno = kept;
}

enum mlt_err database_create(struct database *db)
{
    return step_forward(db);
}

enum mlt_err database_begin(struct database *db)
{
    ENSURE(!db->broken, MLT_ERR_DATABASE);
    TRY(check_files(db));
    return run(db, "BEGIN IMMEDIATE"); /* an upgrade from reading could not wait for its lock */
}

enum mlt_err database_end(struct database *db, enum mlt_err err)
{
    if (err == MLT_OK)
        err = run(db, "COMMIT");
    if (err == MLT_OK)
        err = check_files(db);
    int kept = errno;
    if (err != MLT_OK && sqlite3_get_autocommit(db->handle) == 0 && run(db, "ROLLBACK") != MLT_OK)
        db->broken = true; /* still inside: nothing that follows may think it began anew */
    errno = kept;
    return err;
}

enum mlt_err database_checkpoint(struct database *db)
{
    ENSURE(!db->broken, MLT_ERR_DATABASE);
    int rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return rc == SQLITE_OK ? sync_wal(db) : report(db);
}

/*
 * The copy may fail for reasons of its own (its disk): that says nothing about the files that were
 * read, so db->broken is left alone.
 */
static enum mlt_err copy_into(struct database *db, const char *path)
{
    sqlite3_stmt *statement = NULL;
    errno = 0;
    int rc = sqlite3_prepare_v2(db->handle, "VACUUM INTO ?", -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    bool broken = db->broken;
    enum mlt_err err = rc == SQLITE_DONE ? MLT_OK : report(db);
    db->broken = broken;
    int kept = errno;
    sqlite3_finalize(statement);
    errno = kept;
    return err;
}

enum mlt_err database_copy(struct database *db, const struct database_place *place)
{
    ENSURE(!db->broken, MLT_ERR_DATABASE);
    ENSURE(sqlite3_get_autocommit(db->handle) != 0, MLT_ERR_STATE);
    ENSURE(unlinkat(place->dirfd, place->path, 0) == 0 || errno == ENOENT, MLT_ERR_SYSTEM);
    /* SQLite takes an empty file for a new one, and this one has our mode. */
    TRY(file_check_private(place->dirfd, place->path, true));
    enum mlt_err err = copy_into(db, place->path);
    int kept = errno;
    if (err != MLT_OK)
        unlinkat(place->dirfd, place->path, 0);
    errno = kept;
    return err;
}

int64_t database_written(const struct database *db)
{
    int now = 0;
    int most = 0;
    int rc = sqlite3_db_status(db->handle, SQLITE_DBSTATUS_CACHE_WRITE, &now, &most, 0);
    return rc == SQLITE_OK ? now : 0;
}

struct query query_start(struct database *db, const char *sql)
{
    struct query q = { .db = db };
    if (db->broken)
        q.err = MLT_ERR_DATABASE;
    else if (sqlite3_prepare_v2(db->handle, sql, -1, &q.statement, NULL) != SQLITE_OK)
        q.err = report(db);
    return q;
}

void query_end(struct query *q)
{
    int kept = errno;
    sqlite3_finalize(q->statement);
    *q = (struct query) { 0 };
    errno = kept;
}

void query_again(struct query *q)
{
    if (q->statement == NULL)
        return; /* it was never prepared: the error stays */
    sqlite3_reset(q->statement);
    sqlite3_clear_bindings(q->statement);
    q->bound = 0;
    q->err = MLT_OK;
}

static void note(struct query *q, int rc)
{
    if (rc != SQLITE_OK && q->err == MLT_OK)
        q->err = report(q->db);
}

void query_put_int(struct query *q, int64_t value)
{
    if (q->err == MLT_OK)
        note(q, sqlite3_bind_int64(q->statement, ++q->bound, value));
}

void query_put_span(struct query *q, struct span value)
{
    /* A NULL pointer would bind NULL instead of nothing. */
    const void *p = value.n > 0 ? (const void *)value.p : "";
    if (q->err == MLT_OK)
        note(q, sqlite3_bind_blob64(q->statement, ++q->bound, p, value.n, SQLITE_STATIC));
}

void query_put_text(struct query *q, const char *value)
{
    if (q->err == MLT_OK)
        note(q, sqlite3_bind_text(q->statement, ++q->bound, value, -1, SQLITE_STATIC));
}

void query_put_name(struct query *q, const struct name *name)
{
    struct span text = name_span(name);
    if (q->err == MLT_OK)
        note(q, sqlite3_bind_text(q->statement, ++q->bound, (const char *)text.p, (int)text.n,
                                  SQLITE_STATIC));
}

void query_put_null(struct query *q)
{
    if (q->err == MLT_OK)
        note(q, sqlite3_bind_null(q->statement, ++q->bound));
}

enum mlt_err query_next(struct query *q, bool *row)
{
    TRY(q->err);
    ENSURE(!q->db->broken, MLT_ERR_DATABASE);
    errno = 0;
    int rc = sqlite3_step(q->statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        q->err = report(q->db);
        return q->err;
    }
    *row = rc == SQLITE_ROW;
    return MLT_OK;
}

enum mlt_err query_run(struct query *q)
{
    bool row = false;
    TRY(query_next(q, &row));
    ENSURE(!row, MLT_ERR_STATE);
    /* Outside a transaction this was a commit. */
    bool commits =
        sqlite3_get_autocommit(q->db->handle) != 0 && sqlite3_stmt_readonly(q->statement) == 0;
    if (commits)
        q->err = check_files(q->db);
    return q->err;
}

int64_t query_changes(const struct query *q)
{
    return sqlite3_changes64(q->db->handle);
}

int64_t query_int(struct query *q, int column)
{
    return sqlite3_column_int64(q->statement, column);
}

struct span query_span(struct query *q, int column)
{
    const void *p = sqlite3_column_blob(q->statement, column);
    return span_of(p, (size_t)sqlite3_column_bytes(q->statement, column));
}

const char *query_text(struct query *q, int column)
{
    const unsigned char *text = sqlite3_column_text(q->statement, column);
    return text != NULL ? (const char *)text : "";
}

bool query_is_null(struct query *q, int column)
{
    return sqlite3_column_type(q->statement, column) == SQLITE_NULL;
}

enum mlt_err query_bytes(struct query *q, int column, uint8_t *out, size_t n)
{
    struct span s = query_span(q, column);
    ENSURE(s.n == n, MLT_ERR_DAMAGED);
    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i];
    return MLT_OK;
}

enum mlt_err query_number(struct query *q, int64_t *number)
{
    bool row = false;
    TRY(query_next(q, &row));
    ENSURE(row, MLT_ERR_DATABASE);
    *number = query_int(q, 0);
    return MLT_OK;
}

enum mlt_err query_name(struct query *q, int column, struct name *name)
{
    ENSURE(name_parse(query_span(q, column), name) == MLT_OK, MLT_ERR_DAMAGED);
    return MLT_OK;
}
