/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "ca/process.h"
#include "cmd/data_path.h"
#include "cmd/exit_codes.h"
#include "cmd/maloted_config.h"
#include "cmd/maloted_options.h"
#include "cmd/passphrase.h"
#include "cmd/say.h"
#include "cmd/standard_files.h"
#include "crypto/crypto.h"
#include "ipc/spawn.h"
#include "relay/parent.h"
#include "relay/process.h"

static const char usage[] =
    "usage: maloted [options]\n"
    "\n"
    "The server: relay and certificate authority in one, as three processes.\n"
    "\n"
    "  --data DIR             where it keeps everything (default /var/lib/malote as root,\n"
    "                         else $XDG_DATA_HOME/maloted, else ~/.local/share/maloted)\n"
    "  --config FILE          key = value lines; the keys are these options\n"
    "  --listen ADDR:PORT     may be repeated; port 0 picks one (default [::]:6256)\n"
    "  --advertise HOST[:PORT]  what join URLs name\n"
    "  --realm NAME           on the first run only (default malote.internal)\n"
    "  --enrol MODE           invite (default), open, approve\n"
    "  --passphrase-fd N      read the keystore's passphrase from this descriptor\n"
    "  --passphrase-file F    or from this file (0600); else a systemd credential called\n"
    "                         passphrase, else the terminal\n"
    "  --user-net U, --user-ca U  as root: under which users its children run\n"
    "                         (default _malote-net, _malote-ca)\n"
    "  --kdf-cost N           scrypt N of a new keystore (default 131072)\n"
    "  --ca-bits N            2048 (default), 3072, 4096: the key of a new CA\n"
    "  --group G              ffdhe2048, ffdhe3072 (default), ffdhe4096\n"
    "  --mailbox-messages N   kept for somebody who is away (default 1000000); 0 for none\n"
    "  --mailbox-bytes N      of them, as in 512M or 2G (default 1G)\n"
    "  --mailbox-share P      percent of a mailbox for one sender (default 25)\n"
    "  --mailbox-life TIME    how long they are kept, as in 12h or 30d (default 30d)\n"
    "  --cert-life TIME       how long a user's certificate is good, 10m to 90d (default 90d)\n"
    "  --accept-clock         once: the clock is right now, and was wrong when it ran last\n"
    "  --limits               print every numeric limit and its reason\n"
    "  --check                check options, configuration, addresses and users, start nothing\n"
    "  --help, --version\n";

/* ---- the children ---- */

static uid_t uid_of_parent(void)
{
    struct ucred peer = { 0 };
    socklen_t n = sizeof(peer);
    if (getsockopt(SPAWN_FIRST_FD, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
        return 0;
    return peer.uid;
}

static int run_ca(void)
{
    struct channel parent;
    channel_init(&parent, SPAWN_FIRST_FD, IPC_CA, IPC_PARENT);
    return ca_process(&parent, SPAWN_FIRST_FD + 1, uid_of_parent());
}

static int run_net(void)
{
    struct channel parent;
    int listeners[LISTEN_MAX];
    size_t count = 0;
    channel_init(&parent, SPAWN_FIRST_FD, IPC_NET, IPC_PARENT);
    /* The descriptors after the channel are listening sockets, as many as there are. */
    for (int fd = SPAWN_FIRST_FD + 1; count < LISTEN_MAX; fd++) {
        int listening = 0;
        socklen_t n = sizeof(listening);
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) != 0 || listening == 0)
            break;
        listeners[count++] = fd;
    }
    return net_process(env_system(), &parent, listeners, count);
}

/* ---- the command line ---- */

struct command {
    struct maloted_options options;
    const char *config;
    struct buf notices; /* a line each; said once it runs: a failed start is one line */
    bool accept_clock;
    bool limits, check, help, version;
};

enum {
    OPTION_CONFIG = KEY_COUNT,
    OPTION_ACCEPT_CLOCK,
    OPTION_LIMITS,
    OPTION_CHECK,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option long_options[] = {
    { "data", required_argument, NULL, KEY_DATA },
    { "listen", required_argument, NULL, KEY_LISTEN },
    { "advertise", required_argument, NULL, KEY_ADVERTISE },
    { "realm", required_argument, NULL, KEY_REALM },
    { "enrol", required_argument, NULL, KEY_ENROL },
    { "passphrase-fd", required_argument, NULL, KEY_PASSPHRASE_FD },
    { "passphrase-file", required_argument, NULL, KEY_PASSPHRASE_FILE },
    { "user-net", required_argument, NULL, KEY_USER_NET },
    { "user-ca", required_argument, NULL, KEY_USER_CA },
    { "kdf-cost", required_argument, NULL, KEY_KDF_COST },
    { "ca-bits", required_argument, NULL, KEY_CA_BITS },
    { "group", required_argument, NULL, KEY_GROUP },
    { "mailbox-messages", required_argument, NULL, KEY_MAILBOX_MESSAGES },
    { "mailbox-bytes", required_argument, NULL, KEY_MAILBOX_BYTES },
    { "mailbox-share", required_argument, NULL, KEY_MAILBOX_SHARE },
    { "mailbox-life", required_argument, NULL, KEY_MAILBOX_LIFE },
    { "cert-life", required_argument, NULL, KEY_CERT_LIFE },
    { "config", required_argument, NULL, OPTION_CONFIG },
    { "accept-clock", no_argument, NULL, OPTION_ACCEPT_CLOCK },
    { "limits", no_argument, NULL, OPTION_LIMITS },
    { "check", no_argument, NULL, OPTION_CHECK },
    { "help", no_argument, NULL, OPTION_HELP },
    { "version", no_argument, NULL, OPTION_VERSION },
    { 0 },
};

/* Says what is wrong itself. */
static enum mlt_err set_option(struct command *command, int option, const char *value)
{
    CLEANUP(buf_clear) struct buf why = { 0 };
    const char *text = NULL;
    switch (option) {
    case OPTION_CONFIG:
        if (command->config != NULL) {
            say_error(TEXT_MALOTED_BAD_OPTION, "config is given twice");
            return MLT_ERR_USAGE;
        }
        command->config = value;
        return MLT_OK;
    case OPTION_ACCEPT_CLOCK:
        command->accept_clock = true;
        return MLT_OK;
    case OPTION_LIMITS:
        command->limits = true;
        return MLT_OK;
    case OPTION_CHECK:
        command->check = true;
        return MLT_OK;
    case OPTION_HELP:
        command->help = true;
        return MLT_OK;
    case OPTION_VERSION:
        command->version = true;
        return MLT_OK;
    default:
        break;
    }
    enum mlt_err err =
        maloted_options_set(&command->options, (enum maloted_key)option, value, &why);
    if (err != MLT_OK && buf_text(&why, &text) == MLT_OK)
        say_error(TEXT_MALOTED_BAD_OPTION, text);
    return err;
}

static enum mlt_err parse_command(int argc, char **argv, struct command *command)
{
    int option = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == '?') {
            /* getopt has passed the word, but for one with more letters. */
            const char *word = argv[optind - 1];
            say_error(TEXT_MALOTED_UNKNOWN_OPTION, word[0] == '-' ? word : argv[optind]);
            return MLT_ERR_USAGE;
        }
        TRY(set_option(command, option, optarg));
    }
    if (optind < argc) {
        say_error(TEXT_MALOTED_NO_OPERANDS, argv[optind]);
        return MLT_ERR_USAGE;
    }
    return MLT_OK;
}

static enum mlt_err read_config(struct command *command)
{
    if (command->config == NULL)
        return MLT_OK;
    CLEANUP(buf_clear) struct buf why = { 0 };
    const char *text = NULL;
    enum mlt_err err = maloted_config_read(command->config, &command->options, &why);
    if (err == MLT_ERR_USAGE && buf_text(&why, &text) == MLT_OK)
        say_error(TEXT_MALOTED_CONFIG, command->config, text);
    else if (err != MLT_OK && buf_text(&why, &text) == MLT_OK)
        say_error(TEXT_MALOTED_CONFIG_UNREADABLE, command->config, text);
    return err == MLT_OK || err == MLT_ERR_NOMEM ? err : MLT_ERR_USAGE;
}

static int flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_DONE;
    say_error(TEXT_OUTPUT_FAILED, strerror(errno));
    return EXIT_LOCAL;
}

static void print_limits(void)
{
    size_t count = 0;
    const struct limit_row *rows = limit_rows(&count);
    for (size_t i = 0; i < count; i++)
        printf("%-32s %12" PRIu64 " %-12s %s\n", rows[i].name, rows[i].value, rows[i].unit,
               rows[i].why);
}

/* ---- the server ---- */

static enum mlt_err ask_passphrase(void *ctx, bool fresh, struct secret *out)
{
    const struct command *command = ctx;
    const struct passphrase_source source = {
        .fd = command->options.passphrase_fd,
        .file = command->options.texts[KEY_PASSPHRASE_FILE],
    };
    if (fresh && command->options.kdf_cost < LIMIT_KDF_COST)
        say_notice(TEXT_MALOTED_CHEAP_KDF, command->options.kdf_cost, (unsigned)LIMIT_KDF_COST);
    char room[PASSPHRASE_FAULT];
    const char *prompt = fresh ? TEXT_MALOTED_NEW_PASSPHRASE : TEXT_MALOTED_PASSPHRASE;
    enum mlt_err err = passphrase_read(&source, prompt, fresh, out);
    if (err == MLT_ERR_USAGE)
        say_error(TEXT_MALOTED_PASSPHRASE_WAYS, passphrase_ways());
    else if (err != MLT_OK)
        say_error(TEXT_MALOTED_PASSPHRASE_UNREADABLE, passphrase_fault(&source, err, room));
    return err == MLT_ERR_RANGE ? MLT_ERR_USAGE : err;
}

/* One notice a line. */
static void say_lines(const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        char line[256];
        snprintf(line, sizeof(line), "%.*s", (int)n, text);
        say_notice(TEXT_MALOTED_PLAIN, line);
        text += n + (text[n] == '\n');
    }
}

static void say_notices(struct command *command)
{
    const char *text = NULL;
    if (buf_text(&command->notices, &text) == MLT_OK)
        say_lines(text);
    buf_clear(&command->notices);
}

static void announce(void *ctx, const char *line)
{
    say_notices(ctx);
    if (puts(line) < 0 || fflush(stdout) != 0)
        say_error(TEXT_MALOTED_UNSAID, strerror(errno));
}

static void complain(void *ctx, const char *line)
{
    (void)ctx;
    say_error(TEXT_MALOTED_PLAIN, line);
}

static enum mlt_err open_data(const struct command *command, struct data_dir *data, struct buf *why)
{
    CLEANUP(buf_clear) struct buf path = { 0 };
    const char *text = NULL;
    enum mlt_err err = data_path_choose(command->options.texts[KEY_DATA], &path);
    if (err == MLT_ERR_USAGE)
        TRY(buf_put_str(why, TEXT_MALOTED_NO_DATA_HOME));
    TRY(err);
    TRY(buf_text(&path, &text));
    return data_dir_open(text, data, why);
}

static enum mlt_err choose_users(struct command *command, const struct data_dir *data,
                                 struct users *users, struct buf *why)
{
    CLEANUP(buf_clear) struct buf notice = { 0 };
    const struct users_wanted wanted = { .net = command->options.texts[KEY_USER_NET],
                                         .ca = command->options.texts[KEY_USER_CA],
                                         .data = data->dir };
    const char *text = NULL;
    enum mlt_err err = users_choose(&wanted, users, &notice);
    TRY(buf_text(&notice, &text));
    if (err != MLT_OK) {
        TRY(buf_put_str(why, text));
        return err;
    }
    TRY(buf_put_str(&command->notices, text));
    if (users->drop)
        return MLT_OK;
    TRY(buf_put_str(&command->notices, TEXT_MALOTED_SAME_USER));
    return buf_put_u8(&command->notices, '\n');
}

/* Said here in words: a child that runs out of descriptors could only end. */
static enum mlt_err check_files(struct buf *why)
{
    struct rlimit files;
    ENSURE(getrlimit(RLIMIT_NOFILE, &files) == 0, MLT_ERR_SYSTEM);
    if (files.rlim_cur < LIMIT_FILES_MIN && files.rlim_max >= LIMIT_FILES_MIN) {
        files.rlim_cur = LIMIT_FILES_MIN;
        ENSURE(setrlimit(RLIMIT_NOFILE, &files) == 0, MLT_ERR_SYSTEM);
    }
    if (files.rlim_cur >= LIMIT_FILES_MIN)
        return MLT_OK;
    TRY(buf_put_format(why, TEXT_MALOTED_FEW_FILES, (unsigned long long)files.rlim_max,
                       (unsigned)LIMIT_FILES_MIN));
    return MLT_ERR_NOSPACE;
}

/* What the options name outside of themselves, before anything is made. */
static enum mlt_err check_outside(const struct maloted_options *options, struct buf *why)
{
    const struct users_wanted wanted = { .net = options->texts[KEY_USER_NET],
                                         .ca = options->texts[KEY_USER_CA],
                                         .data = -1 };
    TRY(users_check(&wanted, why));
    return listen_look_up((const char *const *)options->listen, options->listen_count, why);
}

struct server {
    struct data_dir data;
    struct users users;
    struct listeners listeners;
    struct buf advertise;
    int program;
};

static void server_clear(struct server *s)
{
    data_dir_close(&s->data);
    listen_close(&s->listeners);
    buf_clear(&s->advertise);
    file_close(&s->program);
}

static enum mlt_err prepare(struct command *command, struct server *s, struct buf *why)
{
    const struct maloted_options *options = &command->options;
    bool locked = false, guessed = false;
    s->program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    ENSURE(s->program >= 0, MLT_ERR_SYSTEM);
    TRY(check_files(why));
    TRY(check_outside(options, why));
    TRY(secret_start(&locked));
    TRY(crypto_start());
    /* Before DATA: a start that is refused for its address leaves nothing behind. */
    const char *const *wanted = (const char *const *)options->listen;
    TRY(listen_open(wanted, options->listen_count, &s->listeners, why));
    TRY(open_data(command, &s->data, why));
    TRY(choose_users(command, &s->data, &s->users, why));
    TRY(data_dir_prepare(&s->data, &s->users, why));
    TRY(listen_advertise(&s->listeners, options->texts[KEY_ADVERTISE], &s->advertise, &guessed));
    const char *text = NULL;
    TRY(buf_text(&s->advertise, &text));
    if (!guessed)
        return MLT_OK;
    TRY(buf_put_format(&command->notices, TEXT_MALOTED_ADVERTISED, text));
    return buf_put_u8(&command->notices, '\n');
}

static enum mlt_err run(struct command *command, struct server *s)
{
    const struct maloted_options *options = &command->options;
    const char *advertise = NULL;
    TRY(buf_text(&s->advertise, &advertise));
    const struct parent_config config = { .program = s->program,
                                          .data = &s->data,
                                          .listeners = &s->listeners,
                                          .users = &s->users,
                                          .advertise = advertise,
                                          .realm = options->texts[KEY_REALM],
                                          .mode = options->mode,
                                          .kdf_cost = options->kdf_cost,
                                          .ca_bits = options->ca_bits,
                                          .group = options->group,
                                          .mailbox_messages = options->mailbox_messages,
                                          .mailbox_bytes = options->mailbox_bytes,
                                          .mailbox_share = options->mailbox_share,
                                          .mailbox_life_s = options->mailbox_life_s,
                                          .cert_life_s = options->cert_life_s,
                                          .accept_clock = command->accept_clock,
                                          .ctx = command,
                                          .passphrase = ask_passphrase,
                                          .announce = announce,
                                          .complain = complain };
    return parent_run(&config);
}

/* What ca refuses is a matter of files, whoever wrote them; its passphrase, and a ledger that is
 * not what the CA has signed, one of trust. */
static int status_of(enum mlt_err err)
{
    if (err == MLT_ERR_REFUSED)
        return EXIT_REFUSED;
    if (err == MLT_ERR_LEDGER)
        return EXIT_TRUST;
    return err_fault(err) == FAULT_PEER ? EXIT_LOCAL : (int)exit_of_err(err);
}

/* Says why nothing was started. */
static int refuse_start(enum mlt_err err, struct buf *why)
{
    const char *text = NULL;
    if (buf_text(why, &text) != MLT_OK || why->len == 0)
        text = err_text(err);
    say_error(TEXT_MALOTED_START_FAILED, text);
    return status_of(err);
}

static int check(const struct command *command)
{
    CLEANUP(buf_clear) struct buf why = { 0 };
    enum mlt_err err = check_outside(&command->options, &why);
    if (err != MLT_OK)
        return refuse_start(err, &why);
    puts(TEXT_MALOTED_CHECKED);
    return flush();
}

static int serve(struct command *command)
{
    CLEANUP(server_clear)
    struct server s = { .program = -1,
                        .data = { .dir = -1, .lock = -1, .ca = -1, .net = -1, .socket = -1 } };
    CLEANUP(buf_clear) struct buf why = { 0 };
    enum mlt_err err = prepare(command, &s, &why);
    if (err != MLT_OK)
        return refuse_start(err, &why);
    return status_of(run(command, &s));
}

static int act(struct command *command, int argc, char **argv)
{
    if (parse_command(argc, argv, command) != MLT_OK)
        return EXIT_USAGE;
    if (command->help) {
        fputs(usage, stdout);
        return flush();
    }
    if (command->version) {
        puts("maloted " MALOTE_VERSION);
        return flush();
    }
    if (command->limits) {
        print_limits();
        return flush();
    }
    enum mlt_err err = read_config(command);
    if (err != MLT_OK)
        return exit_of_err(err);
    return command->check ? check(command) : serve(command);
}

int main(int argc, char **argv)
{
    if (argc == 1 && strcmp(argv[0], "maloted: ca") == 0)
        return run_ca();
    if (argc == 1 && strcmp(argv[0], "maloted: net") == 0)
        return run_net();
    say_start("maloted");
    log_start("maloted", LOG_LEVEL_INFO);
    if (argc < 1 || !standard_files_open())
        return EXIT_LOCAL;
    umask(077);
    opterr = 0; /* one line of ours instead */
    struct command command = { 0 };
    maloted_options_init(&command.options);
    int status = act(&command, argc, argv);
    maloted_options_clear(&command.options);
    buf_clear(&command.notices);
    return status;
}
