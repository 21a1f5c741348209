/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a program on a terminal of its own and shows what reached that terminal, byte for byte.
 *
 *   pty_run [--timeout S] [--on TEXT KEYS]... -- PROGRAM ARGUMENT...
 *
 * Each --on waits, in order, until TEXT was seen and then types KEYS (\n, \xNN, \\ are read).
 * Exit: the program's status; 97 when there are no terminals; 98 on a time-out; 99 when the program
 * left the terminal in another mode than it found it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SEEN_MAX  (1 << 20)
#define STEPS_MAX 32

struct step {
    const char *text;
    const char *keys;
};

static struct step steps[STEPS_MAX];
static size_t step_count, step_next;
static char seen[SEEN_MAX];
static size_t seen_len, seen_from;

static void die(const char *what)
{
    perror(what);
    exit(97);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void type_keys(int fd, const char *keys)
{
    while (*keys != '\0') {
        unsigned byte = (unsigned char)*keys++;
        if (byte == '\\' && *keys == 'n') {
            byte = '\n';
            keys++;
        } else if (byte == '\\' && *keys == 'x' && sscanf(keys, "x%2x", &byte) == 1) {
            keys += 3;
        } else if (byte == '\\' && *keys == '\\') {
            keys++;
        }
        unsigned char c = (unsigned char)byte;
        if (write(fd, &c, 1) != 1)
            die("write");
    }
}

static void take_steps(int fd)
{
    while (step_next < step_count) {
        const char *text = steps[step_next].text;
        char *at = memmem(seen + seen_from, seen_len - seen_from, text, strlen(text));
        if (at == NULL)
            return;
        seen_from = (size_t)(at - seen) + strlen(text);
        type_keys(fd, steps[step_next++].keys);
    }
}

/* False at the end of what the program writes. */
static bool pass_on(int fd)
{
    char chunk[4096];
    ssize_t n = read(fd, chunk, sizeof(chunk));
    if (n <= 0)
        return n < 0 && errno == EINTR;
    if (fwrite(chunk, 1, (size_t)n, stdout) != (size_t)n)
        die("stdout");
    fflush(stdout);
    if (seen_len + (size_t)n <= sizeof(seen)) {
        memcpy(seen + seen_len, chunk, (size_t)n);
        seen_len += (size_t)n;
    }
    take_steps(fd);
    return true;
}

static int read_options(int argc, char **argv, int *timeout_s)
{
    int i = 1;
    while (i < argc && strcmp(argv[i], "--") != 0) {
        if (strcmp(argv[i], "--timeout") == 0 && i + 1 < argc) {
            *timeout_s = (int)strtol(argv[i + 1], NULL, 10);
            i += 2;
        } else if (strcmp(argv[i], "--on") == 0 && i + 2 < argc && step_count < STEPS_MAX) {
            steps[step_count++] = (struct step) { argv[i + 1], argv[i + 2] };
            i += 3;
        } else {
            break;
        }
    }
    if (i + 1 >= argc || strcmp(argv[i], "--") != 0) {
        fprintf(stderr, "pty_run [--timeout S] [--on TEXT KEYS]... -- PROGRAM ARGUMENT...\n");
        exit(97);
    }
    return i + 1;
}

/* A tree with a bare /dev has no /dev/pts.  Root makes a file system of terminals all the same,
 * one that is mounted nowhere and goes with its last descriptor. */
static int open_unmounted_master(void)
{
    int context = fsopen("devpts", FSOPEN_CLOEXEC);
    if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "ptmxmode", "0600", 0) != 0 ||
        fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
        die("no terminals here");
    int root = fsmount(context, FSMOUNT_CLOEXEC, 0);
    if (root < 0)
        die("no terminals here");
    return openat(root, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static int open_master(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0)
        master = open_unmounted_master();
    int locked = 0;
    if (master < 0 || ioctl(master, TIOCSPTLCK, &locked) != 0)
        die("terminal");
    return master;
}

static pid_t start(char **argv, int terminal)
{
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid > 0)
        return pid;
    setsid();
    if (ioctl(terminal, TIOCSCTTY, 0) != 0)
        die("terminal");
    for (int i = 0; i < 3; i++) {
        if (dup2(terminal, i) < 0)
            die("dup2");
    }
    execvp(argv[0], argv);
    die(argv[0]);
    return -1;
}

static bool same_mode(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_lflag == b->c_lflag;
}

int main(int argc, char **argv)
{
    int timeout_s = 30;
    int first = read_options(argc, argv, &timeout_s);
    int master = open_master();
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    /* Kept open, so that its mode can be read after the program has gone. */
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios before, after;
    if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size) != 0 || tcgetattr(slave, &before) != 0)
        die("terminal");

    pid_t pid = start(argv + first, slave);
    int64_t end = now_ms() + (int64_t)timeout_s * 1000;
    int status = 0;
    bool gone = false;
    while (!gone) {
        struct pollfd p = { .fd = master, .events = POLLIN };
        gone = waitpid(pid, &status, WNOHANG) == pid;
        while (poll(&p, 1, gone ? 0 : 50) > 0 && pass_on(master))
            p.revents = 0;
        if (!gone && now_ms() > end) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return 98;
        }
    }
    if (tcgetattr(slave, &after) != 0 || !same_mode(&before, &after))
        return 99;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
