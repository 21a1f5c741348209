/* SPDX-License-Identifier: Apache-2.0 */
#include "disk_shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    const char *dir;
    size_t dir_size;
    const char *only;
    const char *file;
    const char *how;
    bool kills, fails;
    unsigned long at, times;
    int error;
    volatile const char *on; /* NULL: always */
    int trace;
} plan = { .trace = -1 };

static atomic_ulong seen;

static unsigned long number_of(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoul(text, NULL, 10);
}

static int errno_of(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } all[] = { { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EROFS", EROFS }, { "EDQUOT", EDQUOT } };
    for (size_t i = 0; name != NULL && i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i].name, name) == 0)
            return all[i].number;
    }
    return EIO;
}

/* By system calls: libc's are ours. */
static int open_directly(const char *name, int flags)
{
    return name == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, name, flags | O_CLOEXEC, 0666);
}

/* Before main, and so before a sandbox closes the way to these files. */
__attribute__((constructor)) static void start(void)
{
    plan.dir = getenv("DISK_DIR");
    plan.dir_size = plan.dir == NULL ? 0 : strlen(plan.dir);
    plan.only = getenv("DISK_ONLY");
    plan.file = getenv("DISK_FILE");
    plan.how = getenv("DISK_HOW");
    if (plan.how == NULL)
        plan.how = "before";
    const char *deed = getenv("DISK_DO");
    plan.kills = deed != NULL && strcmp(deed, "kill") == 0;
    plan.fails = deed != NULL && strcmp(deed, "fail") == 0;
    plan.at = number_of("DISK_AT", 1);
    plan.times = number_of("DISK_FOR", 1);
    plan.error = errno_of(getenv("DISK_ERRNO"));
    plan.trace = open_directly(getenv("DISK_TRACE"), O_WRONLY | O_CREAT | O_APPEND);
    int fd = open_directly(getenv("DISK_SWITCH"), O_RDONLY);
    if (fd < 0)
        return;
    void *page = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
    plan.on = page == MAP_FAILED ? NULL : page;
    syscall(SYS_close, fd);
}

bool disk_is_below(const char *path)
{
    return plan.dir != NULL && strncmp(path, plan.dir, plan.dir_size) == 0 &&
           (path[plan.dir_size] == '/' || path[plan.dir_size] == '\0');
}

static bool counts(enum disk_kind kind, const char *path)
{
    if (plan.on != NULL && *plan.on != '1')
        return false;
    if (plan.only != NULL && strchr(plan.only, (int)kind) == NULL)
        return false;
    size_t n = strlen(path);
    size_t end = plan.file == NULL ? 0 : strlen(plan.file);
    return plan.file == NULL || (n >= end && strcmp(path + n - end, plan.file) == 0);
}

enum disk_fate disk_fate(enum disk_kind kind, const char *path, unsigned long *number)
{
    *number = 0;
    if (!counts(kind, path))
        return DISK_PASS;
    unsigned long n = atomic_fetch_add(&seen, 1) + 1;
    *number = n;
    bool after = strcmp(plan.how, "after") == 0;
    bool torn = strcmp(plan.how, "torn") == 0 && kind == DISK_WRITE;
    if (plan.kills && n == plan.at)
        return torn ? DISK_KILL_TORN : after ? DISK_KILL_AFTER : DISK_KILL_BEFORE;
    if (plan.fails && n >= plan.at && (plan.times == 0 || n - plan.at < plan.times))
        return torn ? DISK_FAIL_TORN : after ? DISK_FAIL_AFTER : DISK_FAIL_BEFORE;
    return DISK_PASS;
}

int disk_error(void)
{
    errno = plan.error;
    return -1;
}

void disk_kill(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

void disk_trace(const struct disk_call *call)
{
    if (plan.trace < 0 || call->number == 0)
        return;
    int kept = errno;
    char line[DISK_PATH + 128];
    int n = snprintf(line, sizeof(line), "%lu %c %ld %ld %s\n", call->number, (char)call->kind,
                     call->result, call->size, call->path);
    if (n > 0 && (size_t)n < sizeof(line))
        (void)!syscall(SYS_write, plan.trace, line, (size_t)n);
    errno = kept;
}
