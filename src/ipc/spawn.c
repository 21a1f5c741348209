/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ipc/sandbox.h"

extern char **environ;

static enum mlt_err set_signals(void)
{
    /* A signal to the group (Ctrl-C, systemd) is the parent's to act on: it tells us to stop. */
    static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2 };
    for (size_t i = 0; i < COUNT_OF(ignored); i++)
        ENSURE(signal(ignored[i], SIG_IGN) != SIG_ERR, MLT_ERR_SYSTEM);
    ENSURE(signal(SIGCHLD, SIG_DFL) != SIG_ERR, MLT_ERR_SYSTEM);
    sigset_t none;
    sigemptyset(&none);
    ENSURE(sigprocmask(SIG_SETMASK, &none, NULL) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

/* First out of the way of the numbers they shall have, then down to them. */
static enum mlt_err place_fds(const struct spawn *s)
{
    int above[SPAWN_FDS_MAX];
    for (size_t i = 0; i < s->fd_count; i++) {
        above[i] = fcntl(s->fds[i], F_DUPFD_CLOEXEC, SPAWN_FIRST_FD + SPAWN_FDS_MAX);
        ENSURE(above[i] >= 0, MLT_ERR_SYSTEM);
    }
    for (size_t i = 0; i < s->fd_count; i++)
        ENSURE(dup2(above[i], SPAWN_FIRST_FD + (int)i) >= 0, MLT_ERR_SYSTEM);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    ENSURE(nothing >= 0, MLT_ERR_SYSTEM);
    ENSURE(dup2(nothing, STDIN_FILENO) >= 0, MLT_ERR_SYSTEM);
    /* stdout is the parent's alone: whoever reads it must see its end when the parent ends. */
    ENSURE(dup2(nothing, STDOUT_FILENO) >= 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err become(const struct spawn *s, pid_t parent)
{
    TRY(set_signals());
    ENSURE(fchdir(s->directory) == 0, MLT_ERR_SYSTEM);
    int program = fcntl(s->program, F_DUPFD_CLOEXEC, SPAWN_FIRST_FD + 2 * SPAWN_FDS_MAX);
    ENSURE(program >= 0, MLT_ERR_SYSTEM);
    TRY(place_fds(s));
    closefrom(SPAWN_FIRST_FD + 3 * SPAWN_FDS_MAX);
    for (int fd = SPAWN_FIRST_FD + (int)s->fd_count; fd < SPAWN_FIRST_FD + 3 * SPAWN_FDS_MAX; fd++)
        if (fd != program)
            close(fd);
    if (s->drop_user)
        TRY(sandbox_drop_user(s->uid, s->gid));
    /* After the change of user, which clears it. */
    ENSURE(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0, MLT_ERR_SYSTEM);
    ENSURE(getppid() == parent, MLT_ERR_SYSTEM);
    char *argv[] = { (char *)(uintptr_t)s->name, NULL };
    fexecve(program, argv, environ);
    return MLT_ERR_SYSTEM;
}

enum mlt_err spawn_child(const struct spawn *s, pid_t *pid)
{
    ENSURE(s->fd_count <= SPAWN_FDS_MAX, MLT_ERR_TOO_MANY);
    pid_t parent = getpid();
    pid_t made = fork();
    ENSURE(made >= 0, MLT_ERR_SYSTEM);
    if (made == 0)
        _exit(become(s, parent) == MLT_OK ? 0 : 127);
    *pid = made;
    return MLT_OK;
}
