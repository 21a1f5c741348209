/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty_disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
};

static sqlite3_vfs vfs;
static sqlite3_vfs *real_vfs;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    unsigned kinds, at, times;
    enum faulty_how how;
    unsigned calls[FAULTY_READ + 1];
    unsigned matched, failed;
} plan;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real;
}

/* SQLITE_OK, or what the call is to answer. */
static int fate(enum faulty_kind kind)
{
    static const int answers[][FAULTY_READ + 1] = {
        [FAULTY_EIO] = { [FAULTY_WRITE] = SQLITE_IOERR_WRITE,
                         [FAULTY_TRUNCATE] = SQLITE_IOERR_TRUNCATE,
                         [FAULTY_SYNC] = SQLITE_IOERR_FSYNC,
                         [FAULTY_READ] = SQLITE_IOERR_READ },
        [FAULTY_FULL] = { [FAULTY_WRITE] = SQLITE_FULL,
                          [FAULTY_TRUNCATE] = SQLITE_IOERR_TRUNCATE,
                          [FAULTY_SYNC] = SQLITE_IOERR_FSYNC },
        [FAULTY_READ_ONLY] = { [FAULTY_WRITE] = SQLITE_READONLY,
                               [FAULTY_TRUNCATE] = SQLITE_READONLY,
                               [FAULTY_SYNC] = SQLITE_IOERR_FSYNC },
    };
    int rc = SQLITE_OK;
    pthread_mutex_lock(&lock);
    plan.calls[kind]++;
    if ((plan.kinds & kind) != 0) {
        plan.matched++;
        bool fails =
            plan.matched >= plan.at && (plan.times == 0 || plan.matched < plan.at + plan.times);
        plan.failed += fails;
        rc = fails ? answers[plan.how][kind] : SQLITE_OK;
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

static int file_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    int rc = fate(FAULTY_READ);
    return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}

static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    int rc = fate(FAULTY_WRITE);
    if (rc != SQLITE_OK)
        (void)real_of(f)->pMethods->xWrite(real_of(f), from, n / 2, at); /* torn */
    return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xWrite(real_of(f), from, n, at);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int rc = fate(FAULTY_TRUNCATE);
    return rc != SQLITE_OK ? rc : real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int file_sync(sqlite3_file *f, int flags)
{
    int rc = fate(FAULTY_SYNC);
    int done = real_of(f)->pMethods->xSync(real_of(f), flags);
    return rc != SQLITE_OK ? rc : done;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int file_lock(sqlite3_file *f, int kind)
{
    return real_of(f)->pMethods->xLock(real_of(f), kind);
}

static int file_unlock(sqlite3_file *f, int kind)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), kind);
}

static int file_check_lock(sqlite3_file *f, int *held)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), held);
}

static int file_control(sqlite3_file *f, int what, void *with)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), what, with);
}

static int file_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int file_device(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **to)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, to);
}

static int file_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int file_shm_unmap(sqlite3_file *f, int remove)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_device,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int open_file(sqlite3_vfs *of, sqlite3_filename name, sqlite3_file *file, int flags,
                     int *out)
{
    struct faulty_file *f = (struct faulty_file *)file;
    (void)of;
    f->real = (sqlite3_file *)(f + 1);
    f->real->pMethods = NULL;
    int rc = real_vfs->xOpen(real_vfs, name, f->real, flags, out);
    f->base.pMethods = f->real->pMethods != NULL ? &methods : NULL;
    return rc;
}

void faulty_disk_start(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    if (real_vfs == NULL)
        abort();
    vfs = *real_vfs;
    vfs.pNext = NULL;
    vfs.zName = "faulty";
    vfs.szOsFile = (int)sizeof(struct faulty_file) + real_vfs->szOsFile;
    vfs.xOpen = open_file;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}

static void set_plan(unsigned kinds, enum faulty_how how, unsigned at, unsigned times)
{
    pthread_mutex_lock(&lock);
    plan.kinds = kinds;
    plan.how = how;
    plan.at = at;
    plan.times = times;
    plan.matched = 0;
    plan.failed = 0;
    for (unsigned i = 0; i <= FAULTY_READ; i++)
        plan.calls[i] = 0;
    pthread_mutex_unlock(&lock);
}

void faulty_disk_fail(unsigned kinds, enum faulty_how how, unsigned at, unsigned times)
{
    set_plan(kinds, how, at, times);
}

void faulty_disk_heal(void)
{
    set_plan(0, FAULTY_EIO, 0, 0);
}

unsigned faulty_disk_calls(unsigned kinds)
{
    unsigned sum = 0;
    pthread_mutex_lock(&lock);
    for (unsigned kind = FAULTY_WRITE; kind <= FAULTY_READ; kind *= 2)
        sum += (kinds & kind) != 0 ? plan.calls[kind] : 0;
    pthread_mutex_unlock(&lock);
    return sum;
}

unsigned faulty_disk_failed(void)
{
    pthread_mutex_lock(&lock);
    unsigned failed = plan.failed;
    pthread_mutex_unlock(&lock);
    return failed;
}
