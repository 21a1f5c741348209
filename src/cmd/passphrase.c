/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"

static const char credential_name[] = "passphrase";

/* Signals that would end or stop the process while the terminal shows nothing. */
static const int watched[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
static volatile sig_atomic_t caught;

static void note_signal(int number)
{
    caught = number;
}

/* One byte at a time: what follows the line belongs to somebody else. */
static enum mlt_err read_line(int fd, struct secret *line)
{
    CLEANUP(secret_clear) struct secret room = { 0 };
    TRY(secret_new(&room, LIMIT_PASSPHRASE + 1));
    size_t n = 0;
    for (;;) {
        ENSURE(n < room.n, MLT_ERR_RANGE);
        ssize_t got = read(fd, room.p + n, 1);
        if (got < 0 && errno == EINTR)
            continue;
        ENSURE(got >= 0, MLT_ERR_SYSTEM);
        if (got == 0 || room.p[n] == '\n')
            break;
        n++;
    }
    ENSURE(n > 0, MLT_ERR_RANGE);
    return secret_copy(line, span_of(room.p, n));
}

/* A file holds one line and nothing else: two lines are a mistaken file, not a passphrase. */
static enum mlt_err read_whole(int fd, struct secret *out)
{
    CLEANUP(secret_clear) struct secret line = { 0 };
    TRY(read_line(fd, &line));
    uint8_t more;
    ENSURE(read(fd, &more, 1) == 0, MLT_ERR_RANGE);
    secret_move(out, &line);
    return MLT_OK;
}

static enum mlt_err read_file(const char *name, struct secret *out)
{
    CLEANUP(file_close) int fd = -1;
    TRY(file_open_private(AT_FDCWD, name, O_RDONLY, &fd));
    return read_whole(fd, out);
}

/* systemd lets the service's user in by an ACL, which shows as a group bit: no mode check. */
static enum mlt_err read_credential(const char *directory, struct secret *out)
{
    CLEANUP(file_close) int dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ENSURE(dirfd >= 0, MLT_ERR_MISSING);
    CLEANUP(file_close)
    int fd = openat(dirfd, credential_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ENSURE(fd >= 0, errno == ENOENT ? MLT_ERR_MISSING : MLT_ERR_PERMISSION);
    return read_whole(fd, out);
}

struct terminal {
    int fd;
    bool quiet;
    struct termios before;
    sigset_t mask;
    struct sigaction actions[COUNT_OF(watched)];
};

static void restore_terminal(struct terminal *t)
{
    if (t->quiet)
        tcsetattr(t->fd, TCSAFLUSH, &t->before);
    t->quiet = false;
    for (size_t i = 0; i < COUNT_OF(watched); i++)
        sigaction(watched[i], &t->actions[i], NULL);
    sigprocmask(SIG_SETMASK, &t->mask, NULL);
}

/* Blocked except inside ppoll, so that no signal falls between the look and the wait. */
static enum mlt_err quieten_terminal(struct terminal *t)
{
    ENSURE(tcgetattr(t->fd, &t->before) == 0, MLT_ERR_SYSTEM);
    sigset_t block;
    sigemptyset(&block);
    for (size_t i = 0; i < COUNT_OF(watched); i++)
        sigaddset(&block, watched[i]);
    ENSURE(sigprocmask(SIG_BLOCK, &block, &t->mask) == 0, MLT_ERR_SYSTEM);
    struct sigaction action = { .sa_handler = note_signal };
    sigemptyset(&action.sa_mask);
    caught = 0;
    for (size_t i = 0; i < COUNT_OF(watched); i++)
        sigaction(watched[i], &action, &t->actions[i]);
    struct termios silent = t->before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    silent.c_lflag |= ICANON | ISIG;
    if (tcsetattr(t->fd, TCSAFLUSH, &silent) != 0) {
        restore_terminal(t);
        return MLT_ERR_SYSTEM;
    }
    t->quiet = true;
    return MLT_OK;
}

/* True once a line can be read; false when a signal came first (`caught` says which). */
static bool wait_for_line(const struct terminal *t)
{
    sigset_t open_mask = t->mask;
    for (size_t i = 0; i < COUNT_OF(watched); i++)
        sigdelset(&open_mask, watched[i]);
    struct pollfd p = { t->fd, POLLIN, 0 };
    while (caught == 0) {
        if (ppoll(&p, 1, NULL, &open_mask) > 0)
            return true;
    }
    return false;
}

/* MLT_ERR_TIMEOUT: stopped and continued, ask again. */
static enum mlt_err ask_once(struct terminal *t, const char *prompt, struct secret *out)
{
    TRY(quieten_terminal(t));
    enum mlt_err err = file_write_all(t->fd, span_str(prompt));
    if (err == MLT_OK)
        err = wait_for_line(t) ? read_line(t->fd, out) : MLT_ERR_TIMEOUT;
    enum mlt_err ended = file_write_all(t->fd, span_str("\n"));
    int number = caught;
    restore_terminal(t);
    if (number != 0)
        raise(number); /* with the caller's own action: Ctrl-C ends the process here */
    return err != MLT_OK ? err : ended;
}

static enum mlt_err ask(int fd, const char *prompt, struct secret *out)
{
    struct terminal t = { .fd = fd };
    enum mlt_err err;
    do
        err = ask_once(&t, prompt, out);
    while (err == MLT_ERR_TIMEOUT && caught == SIGTSTP);
    return err;
}

static enum mlt_err ask_twice(int fd, const char *prompt, struct secret *out)
{
    CLEANUP(secret_clear) struct secret first = { 0 };
    CLEANUP(secret_clear) struct secret second = { 0 };
    for (int round = 0; round < 3; round++) {
        TRY(ask(fd, prompt, &first));
        TRY(ask(fd, "The same again: ", &second));
        if (secret_eq(secret_span(&first), secret_span(&second))) {
            secret_move(out, &first);
            return MLT_OK;
        }
        TRY(file_write_all(fd, span_str("They differ.\n")));
    }
    return MLT_ERR_USAGE;
}

enum mlt_err passphrase_read(const struct passphrase_source *src, const char *prompt, bool fresh,
                             struct secret *out)
{
    if (src->fd >= 0)
        return read_line(src->fd, out);
    if (src->file != NULL)
        return read_file(src->file, out);
    const char *credentials = src->apart ? NULL : getenv("CREDENTIALS_DIRECTORY");
    if (credentials != NULL) {
        enum mlt_err err = read_credential(credentials, out);
        if (err != MLT_ERR_MISSING)
            return err;
    }
    CLEANUP(file_close) int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    ENSURE(terminal >= 0, MLT_ERR_USAGE);
    return fresh ? ask_twice(terminal, prompt, out) : ask(terminal, prompt, out);
}

bool passphrase_take_fd(const char *word, int *fd)
{
    static const int beyond_any = 100000;
    int n = 0;
    const char *c = word;
    for (; *c >= '0' && *c <= '9' && n < beyond_any; c++)
        n = n * 10 + (*c - '0');
    *fd = n;
    return c != word && *c == '\0';
}

static const char *fault(enum mlt_err err)
{
    switch (err) {
    case MLT_ERR_RANGE:
        return "it must be one line of 1 to 1024 bytes";
    case MLT_ERR_SYSTEM:
        return strerror(errno);
    default:
        return err_text(err);
    }
}

const char *passphrase_fault(const struct passphrase_source *src, enum mlt_err err,
                             char room[static PASSPHRASE_FAULT])
{
    if (src->fd >= 0 || src->file == NULL)
        snprintf(room, PASSPHRASE_FAULT, "%s", fault(err));
    else
        snprintf(room, PASSPHRASE_FAULT, "%s: %s", src->file, fault(err));
    return room;
}

const char *passphrase_ways(void)
{
    return "give it at a terminal, with --passphrase-fd N, with --passphrase-file F, or as "
           "systemd credential \"passphrase\" ($CREDENTIALS_DIRECTORY)";
}
