/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

/* ABI 3 and 5; Debian 12's header stops at ABI 2, the kernel need not. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

/* What the directory's owner needs there: SQLite creates, truncates, renames and unlinks. */
static const uint64_t allowed_inside =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE;

enum mlt_err sandbox_drop_user(uid_t uid, gid_t gid)
{
    ENSURE(uid != 0 && gid != 0, MLT_ERR_SANDBOX);
    ENSURE(setgroups(0, NULL) == 0, MLT_ERR_SANDBOX);
    ENSURE(setresgid(gid, gid, gid) == 0, MLT_ERR_SANDBOX);
    ENSURE(setresuid(uid, uid, uid) == 0, MLT_ERR_SANDBOX);
    uid_t uids[3];
    gid_t gids[3];
    ENSURE(getresuid(&uids[0], &uids[1], &uids[2]) == 0, MLT_ERR_SANDBOX);
    ENSURE(getresgid(&gids[0], &gids[1], &gids[2]) == 0, MLT_ERR_SANDBOX);
    for (int i = 0; i < 3; i++)
        ENSURE(uids[i] == uid && gids[i] == gid, MLT_ERR_SANDBOX);
    ENSURE(getgroups(0, NULL) == 0, MLT_ERR_SANDBOX);
    /* The way back must be closed. */
    ENSURE(setuid(0) != 0, MLT_ERR_SANDBOX);
    return MLT_OK;
}

static uint64_t handled_by(long abi)
{
    uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
    if (abi >= 2)
        all |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        all |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (abi >= 5)
        all |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
    return all;
}

static enum mlt_err allow_below(int ruleset, int dirfd, uint64_t handled)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = allowed_inside & handled,
                                               .parent_fd = dirfd };
    long rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    ENSURE(rc == 0, MLT_ERR_SANDBOX);
    return MLT_OK;
}

static enum mlt_err enter_landlock(int dirfd, bool *entered)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) {
        ENSURE(errno == ENOSYS || errno == EOPNOTSUPP, MLT_ERR_SANDBOX);
        *entered = false;
        return MLT_OK;
    }
    struct landlock_ruleset_attr attr = { .handled_access_fs = handled_by(abi) };
    CLEANUP(file_close)
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    ENSURE(ruleset >= 0, MLT_ERR_SANDBOX);
    if (dirfd >= 0)
        TRY(allow_below(ruleset, dirfd, attr.handled_access_fs));
    ENSURE(syscall(SYS_landlock_restrict_self, ruleset, 0) == 0, MLT_ERR_SANDBOX);
    *entered = true;
    return MLT_OK;
}

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define OWN_ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define OWN_ARCH AUDIT_ARCH_RISCV64
#endif

#ifdef OWN_ARCH
#define REFUSE         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES)
#define REFUSE_CALL(n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (n), 0, 1), REFUSE

/* The highest number that is a call of this ABI; above it lies x32, with numbers of its own. */
static const unsigned last_call = 0x3fffffff;

/*
 * Landlock does not cover Unix sockets: ca.sock, or the session bus of whoever started us, would
 * let whoever runs under our uid in.  Every socket a child needs it was given or accepts; io_uring
 * would make new ones without asking.
 */
static enum mlt_err forbid_new_sockets(bool *forbidden)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0),
        REFUSE,
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last_call, 0, 1),
        REFUSE,
        REFUSE_CALL(SYS_socket),
        REFUSE_CALL(SYS_socketpair),
        REFUSE_CALL(SYS_connect),
        REFUSE_CALL(SYS_io_uring_setup),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = { COUNT_OF(program), program };
    int rc = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
    /* EINVAL: a kernel without filters. */
    ENSURE(rc == 0 || errno == EINVAL, MLT_ERR_SANDBOX);
    *forbidden = rc == 0;
    return MLT_OK;
}
#else
static enum mlt_err forbid_new_sockets(bool *forbidden)
{
    *forbidden = false;
    return MLT_OK;
}
#endif

enum mlt_err sandbox_enter(int dirfd, struct sandbox_report *report)
{
    const struct rlimit none = { 0, 0 };
    ENSURE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, MLT_ERR_SANDBOX);
    ENSURE(setrlimit(RLIMIT_CORE, &none) == 0, MLT_ERR_SANDBOX);
    ENSURE(setrlimit(RLIMIT_MSGQUEUE, &none) == 0, MLT_ERR_SANDBOX);
    ENSURE(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, MLT_ERR_SANDBOX);
    ENSURE(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0, MLT_ERR_SANDBOX);
    struct sandbox_report got = { 0 };
    TRY(enter_landlock(dirfd, &got.landlock));
    TRY(forbid_new_sockets(&got.seccomp));
    *report = got;
    return MLT_OK;
}
