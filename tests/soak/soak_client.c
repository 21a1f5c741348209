/* SPDX-License-Identifier: Apache-2.0
 *
 * One of the clients of soak.py: sends and receives until it is told to stop, and says what
 * happened, a line at a time by write(2), so that nothing of it is lost when it is killed.
 *
 *     soak_client run HOME SEED MESSAGES PAUSE_MS KIND PEER...
 *         until the home has MESSAGES of its own; KIND is receive or send.  SIGTERM: takes leave.
 *         "put PEER ID NUMBER" is said when mlt_send has returned, "fate ID OUTCOME WHY",
 *         "login", "closed REASON", "lost ERROR", "gap PEER EPOCH NUMBER N"
 *     soak_client dump HOME
 *         the history: "ours|theirs PEER ID EPOCH NUMBER OUTCOME BYTES HASH" in order of arrival
 */
#include <malote/client.h>

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { window = 96, body_most = 2000, id_text = 2 * MLT_ID_SIZE + 1 };

struct soak {
    struct mlt_client *client;
    char *const *peers;
    int peer_count;
    uint64_t random;
    long left;
    long pause_ms;
    int64_t due_ms;
    unsigned waiting; /* put here, and no word of the server yet */
    int signals;
    int status;
};

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[256];
    va_list more;
    va_start(more, format);
    int n = vsnprintf(line, sizeof(line), format, more);
    va_end(more);
    if (n < 0 || (size_t)n >= sizeof(line) || write(STDOUT_FILENO, line, (size_t)n) != n)
        abort();
}

static int fail(const char *what, enum mlt_error error)
{
    fprintf(stderr, "soak_client: %s: %s\n", what, mlt_error_text(error));
    return 1;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* xorshift64: the same seed sends the same messages. */
static uint64_t next_random(struct soak *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random;
}

static void id_to_text(const uint8_t *id, char text[static id_text])
{
    for (size_t i = 0; i < MLT_ID_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
}

/* FNV-1a. */
static uint64_t hash_of(const uint8_t *bytes, size_t n)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static size_t write_body(struct soak *s, uint8_t *body)
{
    size_t n = next_random(s) % 8 == 0 ? next_random(s) % body_most : next_random(s) % 80;
    for (size_t i = 0; i < n; i++)
        body[i] = (uint8_t)('a' + next_random(s) % 26);
    return n;
}

static void send_one(struct soak *s)
{
    uint8_t body[body_most];
    uint8_t id[MLT_ID_SIZE];
    char text[id_text];
    const char *peer = s->peers[next_random(s) % (unsigned)s->peer_count];
    size_t n = write_body(s, body);
    enum mlt_error error = mlt_send(s->client, peer, body, n, id);
    if (error == MLT_ERROR_TOO_MANY || error == MLT_ERROR_LOCKED)
        return;
    if (error != MLT_ERROR_NONE) {
        s->status = fail("send", error);
        return;
    }
    id_to_text(id, text);
    say("put %s %s\n", peer, text);
    s->waiting++;
    s->left--;
}

/* As much as is due and has room. */
static void send_some(struct soak *s)
{
    int64_t now = now_ms();
    if (now - s->due_ms > 1000)
        s->due_ms = now; /* asleep or stopped: nothing is made up for */
    while (s->left > 0 && s->waiting < window && s->due_ms <= now && s->status == 0) {
        send_one(s);
        s->due_ms += s->pause_ms;
        if (s->pause_ms == 0)
            break;
    }
}

static void on_outcome(struct soak *s, const struct mlt_event *event)
{
    char text[id_text];
    id_to_text(mlt_event_id(event), text);
    say("fate %s %u %u\n", text, mlt_event_outcome(event), mlt_event_why(event));
    if (mlt_event_outcome(event) != MLT_OUTCOME_WAITING && s->waiting > 0)
        s->waiting--;
}

static void on_message(struct soak *s, const struct mlt_event *event)
{
    if (mlt_event_gap(event) > 0)
        say("gap %s %llu %llu %llu\n", mlt_event_peer(event),
            (unsigned long long)mlt_event_epoch(event), (unsigned long long)mlt_event_number(event),
            (unsigned long long)mlt_event_gap(event));
    enum mlt_error error = mlt_shown(s->client, mlt_event_row(event));
    if (error != MLT_ERROR_NONE && error != MLT_ERROR_LOCKED)
        s->status = fail("shown", error);
}

static void on_event(struct soak *s, const struct mlt_event *event)
{
    switch (mlt_event_kind(event)) {
    case MLT_EVENT_LOGGED_IN:
        s->waiting = 0;
        say("login\n");
        break;
    case MLT_EVENT_OUTCOME:
        on_outcome(s, event);
        break;
    case MLT_EVENT_MESSAGE:
        on_message(s, event);
        break;
    case MLT_EVENT_CLOSED:
        say("closed %u %lld\n", mlt_event_closed(event), (long long)mlt_event_retry_ms(event));
        break;
    case MLT_EVENT_LOST:
        say("lost %u %lld %s\n", mlt_event_error(event), (long long)mlt_event_retry_ms(event),
            mlt_event_text(event));
        break;
    default:
        break;
    }
}

static int wait_ms(const struct soak *s)
{
    int due = mlt_timeout_ms(s->client);
    if (s->left <= 0 || s->waiting >= window)
        return due;
    int64_t until = s->due_ms - now_ms();
    int mine = until < 0 ? 0 : until > 1000 ? 1000 : (int)until;
    return due < 0 || mine < due ? mine : due;
}

static int run(struct soak *s)
{
    struct pollfd fds[2] = { { -1, 0, 0 }, { s->signals, POLLIN, 0 } };
    bool leaves = false;
    while (!mlt_is_over(s->client) && s->status == 0) {
        fds[0].fd = mlt_fd(s->client);
        fds[0].events = (short)((mlt_want(s->client) & MLT_WANT_READ ? POLLIN : 0) |
                                (mlt_want(s->client) & MLT_WANT_WRITE ? POLLOUT : 0));
        if (poll(fds, 2, wait_ms(s)) > 0 && fds[1].revents != 0) {
            leaves = true;
            mlt_leave(s->client);
            fds[1].fd = -1;
        }
        if (!leaves)
            send_some(s);
        mlt_process(s->client);
        const struct mlt_event *event = NULL;
        enum mlt_error error = MLT_ERROR_NONE;
        while ((error = mlt_next_event(s->client, &event)) == MLT_ERROR_NONE && event != NULL)
            on_event(s, event);
        if (error != MLT_ERROR_NONE && error != MLT_ERROR_LOCKED)
            s->status = fail("next event", error);
    }
    return s->status != 0 ? s->status : leaves ? 0 : 3;
}

/* How many of ours are in the history already. */
static long count_ours(struct mlt_client *client)
{
    struct mlt_message m = MLT_MESSAGE_INIT;
    bool found = true;
    long ours = 0;
    while (mlt_next_message(client, NULL, m.row, &m, &found) == MLT_ERROR_NONE && found)
        ours += m.is_ours;
    return ours;
}

static int start(struct soak *s, const char *home, const char *kind)
{
    struct mlt_connection how = MLT_CONNECTION_INIT;
    how.comes_back = true;
    how.kind = strcmp(kind, "send") == 0 ? MLT_KIND_SEND : MLT_KIND_RECEIVE;
    enum mlt_error error = mlt_open(home, 0, &s->client);
    if (error == MLT_ERROR_NONE)
        error = mlt_load(s->client, NULL, 0);
    if (error != MLT_ERROR_NONE)
        return fail(home, error);
    s->left -= count_ours(s->client);
    s->due_ms = now_ms();
    error = mlt_connect(s->client, &how);
    return error != MLT_ERROR_NONE ? fail(home, error) : run(s);
}

static int dump(const char *home)
{
    struct mlt_client *client = NULL;
    enum mlt_error error = mlt_open(home, 0, &client);
    if (error == MLT_ERROR_NONE)
        error = mlt_look(client);
    struct mlt_message m = MLT_MESSAGE_INIT;
    bool found = error == MLT_ERROR_NONE;
    while (found) {
        error = mlt_next_message(client, NULL, m.row, &m, &found);
        if (error != MLT_ERROR_NONE || !found)
            break;
        char text[id_text];
        id_to_text(m.id, text);
        printf("%s %s %s %llu %llu %u %zu %016llx\n", m.is_ours ? "ours" : "theirs", m.peer, text,
               (unsigned long long)m.epoch, (unsigned long long)m.number, (unsigned)m.outcome, m.n,
               (unsigned long long)hash_of(m.body, m.n));
    }
    mlt_close(&client);
    return error == MLT_ERROR_NONE ? 0 : fail(home, error);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "dump") == 0)
        return dump(argv[2]);
    if (argc < 8 || strcmp(argv[1], "run") != 0) {
        fprintf(stderr, "soak_client run HOME SEED MESSAGES PAUSE_MS KIND PEER...\n"
                        "soak_client dump HOME\n");
        return 2;
    }
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    struct soak s = { .peers = argv + 7,
                      .peer_count = argc - 7,
                      .random = strtoull(argv[3], NULL, 10) * 2 + 1,
                      .left = strtol(argv[4], NULL, 10),
                      .pause_ms = strtol(argv[5], NULL, 10),
                      .signals = signalfd(-1, &ending, SFD_CLOEXEC) };
    int status = start(&s, argv[2], argv[6]);
    mlt_close(&s.client);
    return status;
}
