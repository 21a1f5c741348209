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
#include <sys/socket.h>
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
/* The highest number that is a call of this ABI; above it lies x32, with numbers of its own. */
static const unsigned last_call = 0x3fffffff;

/*
 * Landlock does not cover Unix sockets: ca.sock, or the session bus of whoever started us, would
 * let whoever runs under our uid in.  Every socket a child needs it was given or accepts.  Nor
 * does it keep processes of one uid from each other: a child signals, traces, limits and becomes
 * nobody else.  What else stands here leads round these rules, or into corners of the kernel that
 * no child has a use for.
 */
static const unsigned refused_calls[] = {
    SYS_socket,
    SYS_socketpair,
    SYS_connect,
    SYS_io_uring_setup,
    SYS_kill,
    SYS_tkill,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_pidfd_open,
    SYS_pidfd_send_signal,
    SYS_pidfd_getfd,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_unshare,
    SYS_setns,
    SYS_userfaultfd,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_execve,
    SYS_execveat,
};

/* A call that is refused for what one argument says. */
struct refused_use {
    unsigned call;
    unsigned argument;
    bool mask; /* refused with this bit; else with anything but this value */
    unsigned value;
};

enum { uses = 5, filter_most = 8 + 2 * COUNT_OF(refused_calls) + 5 * uses };

static unsigned argument_at(unsigned n)
{
    size_t at = offsetof(struct seccomp_data, args) + n * sizeof(uint64_t);
    return (unsigned)(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? at + sizeof(uint32_t) : at);
}

static const struct sock_filter load_call =
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
static const struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES);

static struct sock_filter if_equal(unsigned value, uint8_t yes, uint8_t no)
{
    return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no);
}

static struct sock_filter if_any_bit(unsigned bits, uint8_t yes, uint8_t no)
{
    return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, yes, no);
}

static size_t put_start(struct sock_filter *at)
{
    const struct sock_filter start[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0),
        refuse,
        load_call,
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last_call, 0, 1),
        refuse,
    };
    for (size_t i = 0; i < COUNT_OF(start); i++)
        at[i] = start[i];
    return COUNT_OF(start);
}

/* Afterwards the number of the call is in the accumulator again. */
static size_t put_use(const struct refused_use *use, struct sock_filter *at)
{
    at[0] = if_equal(use->call, 0, 4);
    at[1] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument_at(use->argument));
    at[2] = use->mask ? if_any_bit(use->value, 0, 1) : if_equal(use->value, 1, 0);
    at[3] = refuse;
    at[4] = load_call;
    return 5;
}

static size_t put_filter(struct sock_filter filter[static filter_most])
{
    const struct refused_use refused_uses[uses] = {
        /* A listening socket that was shut down is connected by these. */
        { SYS_sendto, 3, true, MSG_FASTOPEN },
        { SYS_sendmsg, 2, true, MSG_FASTOPEN },
        { SYS_sendmmsg, 3, true, MSG_FASTOPEN },
        /* Our own limits may be read, and abort() signals ourselves. */
        { SYS_prlimit64, 0, false, 0 },
        { SYS_tgkill, 0, false, (unsigned)getpid() },
    };
    size_t n = put_start(filter);
    for (size_t i = 0; i < COUNT_OF(refused_calls); i++) {
        filter[n++] = if_equal(refused_calls[i], 0, 1);
        filter[n++] = refuse;
    }
    for (size_t i = 0; i < uses; i++)
        n += put_use(&refused_uses[i], filter + n);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return n;
}

static enum mlt_err forbid_calls(bool *forbidden)
{
    struct sock_filter filter[filter_most];
    const struct sock_fprog program = { (unsigned short)put_filter(filter), filter };
    int rc = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
    /* EINVAL: a kernel without filters. */
    ENSURE(rc == 0 || errno == EINVAL, MLT_ERR_SANDBOX);
    *forbidden = rc == 0;
    return MLT_OK;
}
#else
static enum mlt_err forbid_calls(bool *forbidden)
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
    TRY(forbid_calls(&got.seccomp));
    *report = got;
    return MLT_OK;
}
