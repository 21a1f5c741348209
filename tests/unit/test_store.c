/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/store_history.h"
#include "client/store_outbox.h"

static char scratch[64];
static struct home home = HOME_CLOSED;

static void remove_files(void)
{
    static const char *const names[] = { "malote.db", "malote.db-wal", "malote.db-shm" };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlinkat(home.dirfd, names[i], 0);
}

static int begin(void **state)
{
    (void)state;
    snprintf(scratch, sizeof(scratch), "/tmp/malote-test-store-XXXXXX");
    if (mkdtemp(scratch) == NULL)
        return -1;
    return home_open(scratch, false, &home) == MLT_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    remove_files();
    home_close(&home);
    return rmdir(scratch);
}

static void name_of(const char *text, struct name *name)
{
    assert_ok(name_parse(span_str(text), name));
}

static struct envelope envelope(const char *from, uint8_t id, const char *body)
{
    struct envelope e = { .time_ms = 1000 * id,
                          .epoch = UINT64_MAX,
                          .number = id,
                          .body_kind = BODY_PLAIN,
                          .body = span_str(body) };
    memset(e.id, id, sizeof(e.id));
    name_of(from, &e.sender.name);
    return e;
}

static bool put(struct store *s, const char *from, uint8_t id, const char *body)
{
    struct envelope e = envelope(from, id, body);
    bool fresh = false;
    assert_ok(store_put(s, &e, &fresh));
    return fresh;
}

static void a_received_message_is_shown_once_in_order(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = false;
    assert_ok(store_open(&home, env_system(), &s));
    assert_true(put(s, "maria", 1, "one"));
    assert_true(put(s, "joao", 1, ""));
    assert_true(put(s, "maria", 2, "two"));
    assert_ok(store_unshown(s, 0, NULL, &m, &found));
    assert_true(found);
    assert_string_equal(m.peer.text, "maria");
    assert_span_equal(buf_span(&m.body), span_str("one"));
    assert_int_equal(m.epoch, UINT64_MAX);
    assert_int_equal(m.time_ms, 1000);
    assert_ok(store_shown(s, m.row, false));
    assert_ok(store_unshown(s, m.row, NULL, &m, &found));
    assert_true(found);
    assert_string_equal(m.peer.text, "joao");
    assert_int_equal(m.body.len, 0);
    store_close(&s);
    assert_ok(store_open(&home, env_system(), &s));
    assert_ok(store_unshown(s, 0, NULL, &m, &found));
    assert_string_equal(m.peer.text, "joao");
    assert_ok(store_shown(s, m.row, false));
    assert_ok(store_unshown(s, 0, NULL, &m, &found));
    assert_span_equal(buf_span(&m.body), span_str("two"));
    assert_ok(store_shown(s, m.row, false));
    assert_ok(store_unshown(s, 0, NULL, &m, &found));
    assert_false(found);
}

static void an_id_counts_once_per_sender(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    uint64_t count = 0;
    assert_ok(store_open(&home, env_system(), &s));
    assert_true(put(s, "maria", 9, "first"));
    assert_false(put(s, "maria", 9, "again"));
    assert_true(put(s, "joao", 9, "another sender's 9"));
    assert_ok(store_count_unshown(s, NULL, &count));
    assert_int_equal(count, 2);
}

static void a_message_that_was_shown_does_not_come_back_by_repetition(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = false;
    assert_ok(store_open(&home, env_system(), &s));
    assert_true(put(s, "maria", 9, "first"));
    assert_ok(store_unshown(s, 0, NULL, &m, &found));
    assert_ok(store_shown(s, m.row, false));
    assert_false(put(s, "maria", 9, "again"));
    assert_ok(store_unshown(s, 0, NULL, &m, &found));
    assert_false(found);
}

static void one_senders_messages_are_found_among_others(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    struct name joao;
    uint64_t count = 0;
    bool found = false;
    name_of("joao", &joao);
    assert_ok(store_open(&home, env_system(), &s));
    assert_true(put(s, "maria", 1, "a"));
    assert_true(put(s, "maria", 2, "b"));
    assert_true(put(s, "joao", 3, "c"));
    assert_ok(store_unshown(s, 0, &joao, &m, &found));
    assert_true(found);
    assert_span_equal(buf_span(&m.body), span_str("c"));
    assert_ok(store_count_unshown(s, &joao, &count));
    assert_int_equal(count, 2);
}

static void a_gap_in_a_stream_is_counted(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    static const struct {
        uint64_t epoch, number, gap;
    } comes[] = {
        { 1, 1, 0 }, { 1, 2, 0 }, { 1, 5, 2 }, { 1, 3, 0 }, /* late: it closes a gap and is none */
        { 1, 6, 0 }, { 2, 1, 0 }, { 3, 4, 3 }, { 3, UINT64_MAX, INT64_MAX },
        { 3, 5, 0 }, { 1, 7, 0 },
    };
    assert_ok(store_open(&home, env_system(), &s));
    for (uint8_t i = 0; i < COUNT_OF(comes); i++) {
        struct envelope e = envelope("maria", (uint8_t)(i + 1), "x");
        bool found = false;
        bool fresh = false;
        e.epoch = comes[i].epoch;
        e.number = comes[i].number;
        assert_ok(store_put(s, &e, &fresh));
        assert_ok(store_put(s, &e, &fresh)); /* its repetition counts for nothing */
        assert_false(fresh);
        assert_ok(store_unshown(s, m.row, NULL, &m, &found));
        assert_true(found);
        assert_true(m.gap == comes[i].gap);
    }
    assert_true(put(s, "joao", 1, "a stream of his own"));
}

static void a_batch_stands_as_a_whole_or_not_at_all(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    CLEANUP(store_close) struct store *other = NULL;
    uint64_t count = 0;
    assert_ok(store_open(&home, env_system(), &s));
    assert_ok(store_open(&home, env_system(), &other));
    assert_ok(store_begin(s));
    assert_true(put(s, "maria", 1, "a"));
    assert_true(put(s, "maria", 2, "b"));
    assert_ok(store_count_unshown(other, NULL, &count));
    assert_int_equal(count, 0);
    assert_err(store_end(s, MLT_ERR_CUT), MLT_ERR_CUT);
    assert_ok(store_count_unshown(s, NULL, &count));
    assert_int_equal(count, 0);
    assert_ok(store_begin(s));
    assert_true(put(s, "maria", 1, "a"));
    assert_false(put(s, "maria", 1, "a"));
    assert_true(put(s, "maria", 2, "b"));
    assert_err(store_begin(s), MLT_ERR_STATE);
    assert_ok(store_end(s, MLT_OK));
    assert_err(store_end(s, MLT_OK), MLT_ERR_STATE);
    assert_ok(store_count_unshown(other, NULL, &count));
    assert_int_equal(count, 2);
    assert_ok(store_begin(s));
    assert_true(put(s, "maria", 3, "of a process that ends here"));
    store_close(&s);
    assert_ok(store_count_unshown(other, NULL, &count));
    assert_int_equal(count, 2);
}

static void who_asked_to_hear_of_it_is_to_be_told_once(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    bool found = false;
    bool fresh = false;
    assert_ok(store_open(&home, env_system(), &s));
    for (uint8_t i = 1; i <= 3; i++) {
        struct envelope e = envelope("maria", i, "x");
        e.flags = i == 2 ? 0 : ENVELOPE_WANTS_READ;
        assert_ok(store_put(s, &e, &fresh));
    }
    assert_ok(store_untold(s, 0, &m, &found));
    assert_false(found);
    for (int64_t row = 1; row <= 3; row++)
        assert_ok(store_shown(s, row, row != 3)); /* 2 did not ask, 3 we do not tell */
    assert_ok(store_untold(s, 0, &m, &found));
    assert_true(found);
    assert_int_equal(m.id[0], 1);
    assert_ok(store_untold(s, m.row, &m, &found));
    assert_false(found);
    assert_ok(store_shown(s, 3, true)); /* it was shown already, and nobody to be told */
    assert_ok(store_told(s, 1));
    assert_ok(store_shown(s, 1, true));
    assert_ok(store_untold(s, 0, &m, &found));
    assert_false(found);
}

static void history_has_both_directions_in_the_order_of_arrival(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    struct store_outgoing ours = { .body = span_str("two, of ours") };
    uint8_t id[ENVELOPE_ID];
    bool found = false;
    name_of("maria", &ours.recipient);
    assert_ok(store_open(&home, env_system(), &s));
    assert_true(put(s, "maria", 1, "one"));
    assert_ok(store_outbox_keep(s, &ours, id));
    assert_true(put(s, "joao", 1, "another's"));
    assert_true(put(s, "maria", 2, "three"));
    static const char *const with_maria[] = { "one", "two, of ours", "three" };
    for (size_t i = 0; i < COUNT_OF(with_maria); i++) {
        assert_ok(store_history_next(s, &ours.recipient, m.row, &m, &found));
        assert_true(found);
        assert_span_equal(buf_span(&m.body), span_str(with_maria[i]));
        assert_int_equal(m.is_ours, i == 1);
    }
    assert_ok(store_history_next(s, &ours.recipient, m.row, &m, &found));
    assert_false(found);
    size_t all = 0;
    for (int64_t after = 0;; after = m.row, all++) {
        assert_ok(store_history_next(s, NULL, after, &m, &found));
        if (!found)
            break;
    }
    assert_int_equal(all, 4);
}

/* One of ours reaches somebody. */
static void reach(struct store *s, const char *name)
{
    struct store_outgoing ours = { .body = span_str("x") };
    struct outcome outcome = { .state = OUTCOME_DELIVERED };
    struct store_news news;
    name_of(name, &ours.recipient);
    assert_ok(store_outbox_keep(s, &ours, outcome.id));
    assert_ok(store_outbox_note(s, &outcome, &news));
    assert_true(news.changed);
}

static void contacts_are_listed_by_name(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    struct store_contact c;
    bool found = false;
    assert_ok(store_open(&home, env_system(), &s));
    assert_true(put(s, "maria", 5, "x"));
    assert_true(put(s, "maria", 3, "earlier"));
    reach(s, "zoe");
    assert_ok(store_next_contact(s, NULL, &c, &found));
    assert_true(found);
    assert_string_equal(c.name.text, "maria");
    assert_int_equal(c.received_ms, 5000);
    assert_int_equal(c.sent_ms, 0);
    struct name after = c.name;
    assert_ok(store_next_contact(s, &after, &c, &found));
    assert_true(found);
    assert_string_equal(c.name.text, "zoe");
    assert_true(c.sent_ms > 0);
    assert_int_equal(c.received_ms, 0);
    after = c.name;
    assert_ok(store_next_contact(s, &after, &c, &found));
    assert_false(found);
}

static void the_files_are_private_whatever_the_umask(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    struct stat st;
    mode_t before = umask(0);
    assert_ok(store_open(&home, env_system(), &s));
    assert_true(put(s, "maria", 1, "x"));
    umask(before);
    static const char *const names[] = { "malote.db", "malote.db-wal", "malote.db-shm" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_int_equal(fstatat(home.dirfd, names[i], &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
}

static sqlite3 *open_raw(void)
{
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/malote.db", scratch);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static void a_newer_database_is_refused_and_left_alone(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    assert_ok(store_open(&home, env_system(), &s));
    store_close(&s);
    sqlite3 *db = open_raw();
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 4", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_err(store_open(&home, env_system(), &s), MLT_ERR_NEWER);
    assert_null(s);
}

/* As version 1 left it behind. */
static const char version_1[] =
    "CREATE TABLE streams (recipient TEXT PRIMARY KEY, epoch INTEGER NOT NULL,"
    "  next INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE messages (row INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL,"
    "  id BLOB NOT NULL, time INTEGER NOT NULL, epoch INTEGER NOT NULL, number INTEGER NOT NULL,"
    "  body BLOB NOT NULL, shown INTEGER NOT NULL DEFAULT 0, UNIQUE (sender, id)) STRICT;"
    "CREATE INDEX messages_unshown ON messages (row) WHERE shown = 0;"
    "CREATE TABLE contacts (name TEXT PRIMARY KEY, received INTEGER NOT NULL DEFAULT 0,"
    "  sent INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = 1;"
    "INSERT INTO streams VALUES ('joao', -2, 8), ('zoe', 5, 2);"
    "INSERT INTO messages (row, sender, id, time, epoch, number, body, shown) VALUES"
    "  (3, 'maria', x'01010101010101010101010101010101', 1000, -1, 1, x'6f6e65', 1),"
    "  (4, 'joao', x'01010101010101010101010101010101', 2000, 9, 4, x'', 0),"
    "  (9, 'maria', x'02020202020202020202020202020202', 3000, -1, 2, x'74776f', 0);"
    "INSERT INTO contacts VALUES ('maria', 3000, 0), ('zoe', 0, 77);";

static void make_version_1(void)
{
    assert_ok(file_write(home.dirfd, "malote.db", span_str("")));
    sqlite3 *db = open_raw();
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_home_of_version_1_keeps_its_messages(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    uint64_t count = 0;
    bool found = false;
    make_version_1();
    for (int round = 0; round < 2; round++) { /* the second time it is up to date */
        assert_ok(store_open(&home, env_system(), &s));
        assert_ok(store_count_unshown(s, NULL, &count));
        assert_int_equal(count, 2);
        assert_ok(store_history_next(s, NULL, 0, &m, &found));
        assert_int_equal(m.row, 3);
        assert_true(m.is_shown);
        assert_false(m.is_ours);
        assert_string_equal(m.peer.text, "maria");
        assert_span_equal(buf_span(&m.body), span_str("one"));
        assert_int_equal(m.epoch, UINT64_MAX);
        assert_ok(store_unshown(s, 0, NULL, &m, &found));
        assert_int_equal(m.row, 4);
        assert_int_equal(m.gap, 0); /* nobody counted then */
        assert_ok(store_unshown(s, 4, NULL, &m, &found));
        assert_span_equal(buf_span(&m.body), span_str("two"));
        store_close(&s);
    }
    assert_ok(store_open(&home, env_system(), &s));
    struct envelope known = envelope("maria", 2, "two");
    bool fresh = true;
    assert_ok(store_put(s, &known, &fresh));
    assert_false(fresh);
    struct envelope next = envelope("joao", 7, "its stream goes on");
    next.epoch = 9;
    assert_ok(store_put(s, &next, &fresh));
    assert_true(fresh);
    assert_ok(store_unshown(s, 9, NULL, &m, &found));
    assert_true(m.row > 9);
    assert_int_equal(m.gap, 2);
}

static void a_home_of_version_1_goes_on_with_its_streams(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    struct store_outgoing ours = { .body = span_str("x") };
    struct store_contact contact;
    uint8_t id[ENVELOPE_ID];
    bool found = false;
    make_version_1();
    name_of("joao", &ours.recipient);
    assert_ok(store_open(&home, env_system(), &s));
    assert_ok(store_outbox_keep(s, &ours, id));
    assert_ok(store_outbox_find(s, id, &m, &found));
    assert_int_equal(m.number, 8);
    assert_true(m.epoch == UINT64_MAX - 1);
    assert_ok(store_next_contact(s, &ours.recipient, &contact, &found));
    assert_string_equal(contact.name.text, "maria");
    assert_int_equal(contact.received_ms, 3000);
}

static void what_is_no_database_is_refused(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    static const char text[] = "this is not a database, and it is long enough to be looked at by "
                               "SQLite, which wants a header of one hundred bytes at least.";
    assert_ok(file_write(home.dirfd, "malote.db", span_str(text)));
    assert_err(store_open(&home, env_system(), &s), MLT_ERR_DAMAGED);
}

/* Attack row 39. */
static void a_database_behind_a_link_or_open_to_others_is_refused(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    assert_int_equal(symlinkat("/tmp/elsewhere", home.dirfd, "malote.db"), 0);
    assert_err(store_open(&home, env_system(), &s), MLT_ERR_PERMISSION);
    assert_int_equal(unlinkat(home.dirfd, "malote.db", 0), 0);
    int fd = openat(home.dirfd, "malote.db", O_CREAT | O_RDWR, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, 0644), 0);
    close(fd);
    assert_err(store_open(&home, env_system(), &s), MLT_ERR_PERMISSION);
}

static void a_disk_without_room_refuses_and_keeps_what_was_there(void **state)
{
    (void)state;
    CLEANUP(store_close) struct store *s = NULL;
    static char large[60000];
    memset(large, 'x', sizeof(large) - 1);
    assert_ok(store_open(&home, env_system(), &s));
    assert_true(put(s, "maria", 1, "before"));
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = { 120000, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct envelope e = envelope("maria", 2, large);
    bool fresh = false;
    enum mlt_err err = store_put(s, &e, &fresh);
    if (err == MLT_OK) {
        e = envelope("maria", 3, large);
        err = store_put(s, &e, &fresh);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(err == MLT_ERR_SYSTEM || err == MLT_ERR_DATABASE);
    assert_true(put(s, "maria", 4, "after"));
    uint64_t count = 0;
    assert_ok(store_count_unshown(s, NULL, &count));
    assert_true(count >= 2);
}

enum { PROCESSES = 20, ROUNDS = 10 };

/* Everyone stores the same messages and takes places in the same stream. */
static enum mlt_err work_at_once(int report)
{
    CLEANUP(store_close) struct store *s = NULL;
    CLEANUP(store_message_clear) struct store_message m = { 0 };
    struct store_outgoing ours = { .body = span_str("x") };
    TRY(name_parse(span_str("joao"), &ours.recipient));
    TRY(store_open(&home, env_system(), &s));
    for (uint8_t i = 1; i <= ROUNDS; i++) {
        struct envelope e = { .time_ms = i, .number = i, .body = span_str("the same") };
        memset(e.id, i, sizeof(e.id));
        TRY(name_parse(span_str("maria"), &e.sender.name));
        bool fresh = false;
        TRY(store_put(s, &e, &fresh));
        uint8_t id[ENVELOPE_ID];
        bool found = false;
        TRY(store_outbox_keep(s, &ours, id));
        TRY(store_outbox_find(s, id, &m, &found));
        const uint64_t line[2] = { m.number, fresh };
        TRY(file_write_all(report, SPAN_OF(line)));
    }
    return MLT_OK;
}

static void twenty_processes_take_turns(void **state)
{
    (void)state;
    int report[2];
    pid_t pids[PROCESSES];
    assert_int_equal(pipe(report), 0);
    for (size_t i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            _exit((int)work_at_once(report[1]));
    }
    close(report[1]);
    bool taken[PROCESSES * ROUNDS + 1] = { false };
    uint64_t line[2];
    size_t fresh = 0, lines = 0;
    while (read(report[0], line, sizeof(line)) == sizeof(line)) {
        assert_true(line[0] >= 1 && line[0] <= PROCESSES * ROUNDS);
        assert_false(taken[line[0]]);
        taken[line[0]] = true;
        fresh += line[1];
        lines++;
    }
    close(report[0]);
    for (size_t i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(lines, PROCESSES * ROUNDS);
    assert_int_equal(fresh, ROUNDS);
}

/* A process of its own, forked before this one has a handle: SQLite does not live through that.
 * With each byte it is told it opens the store, says how many messages it sees, and closes it. */
struct visitor {
    pid_t pid;
    int orders, answers;
};

static void visit(int orders, int answers)
{
    char order;
    while (read(orders, &order, 1) == 1) {
        CLEANUP(store_close) struct store *s = NULL;
        uint64_t seen = UINT64_MAX;
        if (store_open(&home, env_system(), &s) != MLT_OK ||
            store_count_unshown(s, NULL, &seen) != MLT_OK ||
            file_write_all(answers, SPAN_OF((const uint64_t[]) { seen })) != MLT_OK)
            _exit(1);
    }
    _exit(0);
}

static void start_visitor(struct visitor *v)
{
    int orders[2], answers[2];
    assert_int_equal(pipe(orders), 0);
    assert_int_equal(pipe(answers), 0);
    v->pid = fork();
    assert_true(v->pid >= 0);
    if (v->pid == 0) {
        close(orders[1]);
        visit(orders[0], answers[1]);
    }
    close(orders[0]);
    close(answers[1]);
    v->orders = orders[1];
    v->answers = answers[0];
}

static uint64_t let_visit(const struct visitor *v)
{
    uint64_t seen = 0;
    assert_int_equal(write(v->orders, "x", 1), 1);
    assert_int_equal(read(v->answers, &seen, sizeof(seen)), sizeof(seen));
    return seen;
}

/* When it has also closed it. */
static void end_visitor(struct visitor *v)
{
    int status = -1;
    close(v->orders);
    assert_int_equal(waitpid(v->pid, &status, 0), v->pid);
    close(v->answers);
    assert_int_equal(status, 0);
}

/* The second handle must not cost the first one its locks (fcntl(2)): a visitor would then take
 * itself for the last one, and the journal away from under those who are still writing. */
static void a_second_handle_leaves_the_first_its_locks(void **state)
{
    (void)state;
    struct visitor passing, last;
    CLEANUP(store_close) struct store *first = NULL;
    CLEANUP(store_close) struct store *second = NULL;
    start_visitor(&last);
    start_visitor(&passing);
    assert_ok(store_open(&home, env_system(), &first));
    assert_true(put(first, "maria", 1, "before"));
    assert_ok(store_open(&home, env_system(), &second));
    assert_int_equal(let_visit(&passing), 1);
    end_visitor(&passing);
    assert_int_equal(faccessat(home.dirfd, "malote.db-wal", F_OK, 0), 0);
    assert_true(put(first, "maria", 2, "after"));
    assert_true(put(second, "maria", 3, "and after that"));
    assert_int_equal(let_visit(&last), 3);
    store_close(&second);
    assert_true(put(first, "maria", 4, "the other one is closed"));
    store_close(&first);
    assert_int_equal(let_visit(&last), 4);
    end_visitor(&last);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_received_message_is_shown_once_in_order),
        T(an_id_counts_once_per_sender),
        T(a_message_that_was_shown_does_not_come_back_by_repetition),
        T(one_senders_messages_are_found_among_others),
        T(a_gap_in_a_stream_is_counted),
        T(a_batch_stands_as_a_whole_or_not_at_all),
        T(who_asked_to_hear_of_it_is_to_be_told_once),
        T(history_has_both_directions_in_the_order_of_arrival),
        T(contacts_are_listed_by_name),
        T(the_files_are_private_whatever_the_umask),
        T(a_newer_database_is_refused_and_left_alone),
        T(a_home_of_version_1_keeps_its_messages),
        T(a_home_of_version_1_goes_on_with_its_streams),
        T(what_is_no_database_is_refused),
        T(a_database_behind_a_link_or_open_to_others_is_refused),
        T(a_disk_without_room_refuses_and_keeps_what_was_there),
        T(twenty_processes_take_turns),
        T(a_second_handle_leaves_the_first_its_locks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
