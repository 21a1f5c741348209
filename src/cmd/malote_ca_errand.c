/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_errand.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/say.h"

union one_fd {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
};

/* False where the other end is gone without a word. */
static bool receive_word(int from, int *fd)
{
    char word;
    union one_fd control = { 0 };
    struct iovec part = { .iov_base = &word, .iov_len = 1 };
    struct msghdr packet = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control) };
    ssize_t n;
    do
        n = recvmsg(from, &packet, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    *fd = -1;
    if (n != 1)
        return false;
    const struct cmsghdr *cmsg = CMSG_FIRSTHDR(&packet);
    if (cmsg != NULL && cmsg->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
    return true;
}

NORETURN static void be_the_child(int from, const struct errand_work *work)
{
    int fd = -1;
    if (!receive_word(from, &fd)) {
        if (work->otherwise != NULL)
            work->otherwise(work->ctx);
        _exit(EXIT_DONE);
    }
    /* _exit: what waits to be printed is the parent's to print. */
    _exit((int)work->run(work->ctx, fd));
}

enum exit_code errand_start(struct errand *errand, const struct errand_work *work)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        say_error(TEXT_CA_ERRAND_FAILED, strerror(errno));
        return EXIT_LOCAL;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_the_child(ends[1], work);
    }
    close(ends[1]);
    if (pid < 0) {
        say_error(TEXT_CA_ERRAND_FAILED, strerror(errno));
        close(ends[0]);
        return EXIT_LOCAL;
    }
    *errand = (struct errand) { .pid = pid, .to = ends[0] };
    return EXIT_DONE;
}

static bool send_word(int to, int fd)
{
    char word = 1;
    union one_fd control = { 0 };
    struct iovec part = { .iov_base = &word, .iov_len = 1 };
    struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };
    if (fd >= 0) {
        packet.msg_control = &control;
        packet.msg_controllen = sizeof(control);
        control.header = (struct cmsghdr) { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    }
    return sendmsg(to, &packet, MSG_NOSIGNAL) == 1;
}

static int wait_for(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

enum exit_code errand_run(struct errand *errand, int fd)
{
    bool sent = send_word(errand->to, fd);
    int number = errno;
    file_close(&errand->to);
    int status = wait_for(errand->pid);
    errand->pid = -1;
    if (sent && WIFEXITED(status))
        return (enum exit_code)WEXITSTATUS(status);
    say_error(TEXT_CA_ERRAND_FAILED, sent ? TEXT_CA_ERRAND_KILLED : strerror(number));
    return EXIT_LOCAL;
}

void errand_clear(struct errand *errand)
{
    int kept = errno;
    file_close(&errand->to);
    if (errand->pid > 0)
        wait_for(errand->pid);
    errand->pid = -1;
    errno = kept;
}
