/* SPDX-License-Identifier: Apache-2.0 */
#include "real_server.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "wire/join_url.h"

extern char **environ;

static const int patience_ms = 20000;

static enum mlt_err write_passphrase(const struct real_server *server)
{
    static const char words[] = "of no value to anybody\n";
    char path[96];
    snprintf(path, sizeof(path), "%s/passphrase", server->dir);
    CLEANUP(file_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ENSURE(fd >= 0, MLT_ERR_SYSTEM);
    return file_write_all(fd, span_of(words, sizeof(words) - 1));
}

static enum mlt_err spawn(struct real_server *server, const char *maloted, int out)
{
    char program[PATH_MAX], data[96], passphrase[96], log[96];
    snprintf(program, sizeof(program), "%s", maloted);
    snprintf(data, sizeof(data), "%s/data", server->dir);
    snprintf(passphrase, sizeof(passphrase), "%s/passphrase", server->dir);
    snprintf(log, sizeof(log), "%s/log", server->dir);
    char *argv[] = { program,     "--data",     data,          "--passphrase-file",
                     passphrase,  "--listen",   "127.0.0.1:0", "--advertise",
                     "127.0.0.1", "--kdf-cost", "1024",        "--enrol",
                     "open",      NULL };
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_addopen(&files, 2, log, O_WRONLY | O_CREAT, 0600);
    int failed = posix_spawn(&server->pid, program, &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    errno = failed;
    return failed == 0 ? MLT_OK : MLT_ERR_SYSTEM;
}

/* Its port stands in "listening on 127.0.0.1:N", the CA in the join URL. */
static bool take_words(struct real_server *server, char *said)
{
    char *listening = strstr(said, "listening on 127.0.0.1:");
    char *url = strstr(said, "malote://");
    if (listening == NULL || url == NULL || strchr(url, '\n') == NULL)
        return false;
    struct join_url parsed;
    if (join_url_parse(span_of(url, (size_t)(strchr(url, '\n') - url)), &parsed) != MLT_OK)
        return false;
    server->port = (uint16_t)strtoul(listening + strlen("listening on 127.0.0.1:"), NULL, 10);
    memcpy(server->pin, parsed.ca_hash, sizeof(server->pin));
    return true;
}

static enum mlt_err await_words(struct real_server *server)
{
    char said[4096];
    size_t have = 0;
    struct pollfd fd = { server->in, POLLIN, 0 };
    while (have < sizeof(said) - 1 && poll(&fd, 1, patience_ms) == 1) {
        ssize_t n = read(server->in, said + have, sizeof(said) - 1 - have);
        if (n <= 0)
            return MLT_ERR_CUT;
        have += (size_t)n;
        said[have] = '\0';
        if (take_words(server, said))
            return MLT_OK;
    }
    return MLT_ERR_TIMEOUT;
}

/* The first line of a file of /proc that begins with `key`; what follows it. */
static enum mlt_err read_line(const char *path, const char *key, char *value, size_t n)
{
    char line[512];
    FILE *f = fopen(path, "re");
    ENSURE(f != NULL, MLT_ERR_SYSTEM);
    bool found = false;
    while (!found && fgets(line, sizeof(line), f) != NULL)
        found = strncmp(line, key, strlen(key)) == 0;
    fclose(f);
    ENSURE(found, MLT_ERR_MISSING);
    snprintf(value, n, "%s", line + strlen(key));
    return MLT_OK;
}

/* The children of `pid`, as many as there is room for. */
static size_t children(pid_t pid, pid_t *found, size_t most)
{
    char path[64], line[256] = "";
    size_t n = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    if (read_line(path, "", line, sizeof(line)) != MLT_OK)
        return 0;
    char *at = line;
    while (n < most) {
        char *end = at;
        long number = strtol(at, &end, 10);
        if (end == at)
            break;
        found[n++] = (pid_t)number;
        at = end;
    }
    return n;
}

static enum mlt_err find_net(struct real_server *server)
{
    pid_t found[8];
    size_t n = children(server->pid, found, COUNT_OF(found));
    for (size_t i = 0; i < n; i++) {
        char path[64], line[64] = "";
        snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)found[i]);
        if (read_line(path, "maloted: net", line, sizeof(line)) == MLT_OK)
            server->net = found[i];
    }
    return server->net > 0 ? MLT_OK : MLT_ERR_MISSING;
}

enum mlt_err real_server_start(struct real_server *server, const char *maloted)
{
    int pipe_fds[2];
    *server = (struct real_server) { .dir = "bench-server.XXXXXX", .in = -1 };
    ENSURE(mkdtemp(server->dir) != NULL, MLT_ERR_SYSTEM);
    TRY(write_passphrase(server));
    ENSURE(pipe2(pipe_fds, O_CLOEXEC) == 0, MLT_ERR_SYSTEM);
    server->in = pipe_fds[0];
    CLEANUP(file_close) int out = pipe_fds[1];
    TRY(spawn(server, maloted, out));
    file_close(&out);
    TRY(await_words(server));
    return find_net(server);
}

enum mlt_err real_server_stop(struct real_server *server)
{
    int status = 0;
    if (server->pid <= 0)
        return MLT_OK;
    kill(server->pid, SIGTERM);
    ENSURE(waitpid(server->pid, &status, 0) == server->pid, MLT_ERR_SYSTEM);
    server->pid = 0;
    file_close(&server->in);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? MLT_OK : MLT_ERR_STATE;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void real_server_remove(struct real_server *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
    }
    file_close(&server->in);
    if (server->dir[0] != '\0' && strstr(server->dir, "XXXXXX") == NULL)
        nftw(server->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    *server = (struct real_server) { .in = -1 };
}

void real_server_complain(const struct real_server *server)
{
    char path[96], last[2048];
    struct stat st;
    snprintf(path, sizeof(path), "%s/log", server->dir);
    CLEANUP(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return;
    off_t from = st.st_size > (off_t)sizeof(last) ? st.st_size - (off_t)sizeof(last) : 0;
    ssize_t n = pread(fd, last, sizeof(last), from);
    if (n > 0)
        fwrite(last, 1, (size_t)n, stderr);
}

enum mlt_err real_server_memory(const struct real_server *server, double *bytes)
{
    char path[64], value[64];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)server->net);
    TRY(read_line(path, "VmRSS:", value, sizeof(value)));
    *bytes = strtod(value, NULL) * 1024;
    return MLT_OK;
}

/* user and system time: fields 14 and 15 of proc_pid_stat(5), counted behind the name. */
static double cpu_of(pid_t pid)
{
    char path[64], line[512];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (read_line(path, "", line, sizeof(line)) != MLT_OK || strrchr(line, ')') == NULL)
        return 0;
    if (sscanf(strrchr(line, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

enum mlt_err real_server_cpu(const struct real_server *server, double *seconds)
{
    pid_t found[8];
    size_t n = children(server->pid, found, COUNT_OF(found));
    *seconds = cpu_of(server->pid);
    for (size_t i = 0; i < n; i++)
        *seconds += cpu_of(found[i]);
    return n > 0 ? MLT_OK : MLT_ERR_MISSING;
}

/* SQLite counts transactions in the header of the WAL's index: walformat.html 2.1, iChange. */
enum mlt_err real_server_commits(const struct real_server *server, uint32_t *count)
{
    char path[96];
    uint32_t header[3];
    snprintf(path, sizeof(path), "%s/data/net/mail.db-shm", server->dir);
    CLEANUP(file_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ENSURE(fd >= 0 && pread(fd, header, sizeof(header), 0) == sizeof(header), MLT_ERR_SYSTEM);
    *count = header[2];
    return MLT_OK;
}

enum mlt_err real_server_disk(const struct real_server *server, double *bytes)
{
    static const char *const names[] = { "mail.db", "mail.db-wal", "mail.db-shm" };
    *bytes = 0;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[96];
        struct stat st;
        snprintf(path, sizeof(path), "%s/data/net/%s", server->dir, names[i]);
        if (stat(path, &st) == 0)
            *bytes += (double)st.st_size;
    }
    return *bytes > 0 ? MLT_OK : MLT_ERR_MISSING;
}
