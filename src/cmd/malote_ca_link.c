/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ca/admin.h"
#include "ca/backup.h"
#include "cmd/data_path.h"
#include "cmd/malote_ca_footer.h"
#include "cmd/malote_ca_socket.h"
#include "cmd/say.h"
#include "ipc/sandbox.h"

static const char lock_name[] = "lock";
static const char ca_name[] = "ca";

void ca_link_close(struct ca_link *link)
{
    ca_close(&link->ca);
    file_close(&link->file);
    file_close(&link->lock);
    file_close(&link->data);
}

bool ca_link_is_live(const struct ca_link *link)
{
    return link->lock < 0;
}

/* What has to be looked at is said whatever was asked; who asked for it shows it himself. */
static void say_alarms(const struct admin_request *request, const struct ca_rows *rows)
{
    struct ca_rows look = *rows; /* its own place in them */
    struct admin_row row;
    if (request->verb == ADMIN_LIST || request->verb == ADMIN_CRL)
        return;
    while (ca_rows_next(&look, &row)) {
        if (row.kind == ADMIN_ROW_ALARM)
            footer_say_alarm(&row);
    }
}

/* The CA's "no" is a refusal; its troubles are troubles of this machine. */
static enum exit_code exit_of_answer(enum mlt_err err)
{
    switch (err) {
    case MLT_OK:
        return EXIT_DONE;
    case MLT_ERR_MISSING:
    case MLT_ERR_EXISTS:
    case MLT_ERR_USAGE:
    case MLT_ERR_REFUSED:
    case MLT_ERR_CERT_REVOKED:
        return EXIT_REFUSED;
    case MLT_ERR_TIMEOUT:
        return EXIT_UNREACHABLE;
    case MLT_ERR_STOPPED:
    case MLT_ERR_CLOCK:
    case MLT_ERR_LEDGER:
        return EXIT_TRUST;
    default:
        return EXIT_LOCAL;
    }
}

static enum mlt_err on_row(void *ctx, const struct admin_row *row)
{
    CLEANUP(buf_clear) struct buf encoded = { 0 };
    TRY(admin_row_encode(row, &encoded));
    return ca_rows_keep(ctx, buf_span(&encoded));
}

static enum mlt_err ask_files(struct ca_link *link, const struct admin_request *request,
                              struct ca_rows *rows)
{
    const struct admin_sink sink = { on_row, rows };
    CLEANUP(buf_clear) struct buf why = { 0 };
    struct backup_manifest manifest;
    enum mlt_err err = request->verb == ADMIN_BACKUP
                           ? backup_make(&link->ca, &link->file, &manifest)
                           : admin_answer(&link->ca, request, &sink, &why);
    if (err != MLT_OK && why.len == 0)
        say_error(TEXT_CA_BACKUP_FAILED, err_cause(err));
    else if (err != MLT_OK)
        say_error("%.*s", (int)why.len, (const char *)why.p);
    return err;
}

enum exit_code ca_link_ask(struct ca_link *link, const struct admin_request *request,
                           struct ca_rows *rows)
{
    ca_rows_clear(rows);
    enum mlt_err err = MLT_OK;
    const struct ca_socket_answer to = { .rows = rows, .file = &link->file, .err = &err };
    enum exit_code code = EXIT_DONE;
    if (ca_link_is_live(link))
        code = ca_socket_ask(link->data, request, &to);
    else
        err = ask_files(link, request, rows);
    say_alarms(request, rows);
    return code == EXIT_DONE ? exit_of_answer(err) : code;
}

/* ---- on the files ---- */

enum exit_code ca_link_say_path(const char *path, enum mlt_err err)
{
    const char *reason = err == MLT_ERR_SYSTEM ? strerror(errno) : err_text(err);
    say_error(TEXT_CA_DATA_FAILED, path, reason);
    return EXIT_LOCAL;
}

enum exit_code ca_link_say_ca(const char *path, enum mlt_err err)
{
    say_error(TEXT_CA_DIR_FAILED, path, err == MLT_ERR_SYSTEM ? strerror(errno) : err_text(err));
    return EXIT_LOCAL;
}

/* Root works on somebody's files as that somebody, or they would not be theirs any more. */
enum mlt_err ca_link_become_owner_of(int fd)
{
    struct stat st;
    ENSURE(fstat(fd, &st) == 0, MLT_ERR_SYSTEM);
    if (geteuid() != 0 || st.st_uid == 0)
        return MLT_OK;
    return sandbox_drop_user(st.st_uid, st.st_gid);
}

static enum mlt_err enter_ca(int data)
{
    CLEANUP(file_close)
    int ca = openat(data, ca_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    ENSURE(ca >= 0, errno == ENOENT ? MLT_ERR_MISSING : MLT_ERR_PERMISSION);
    TRY(ca_link_become_owner_of(ca));
    CLEANUP(file_close) int checked = -1;
    TRY(file_open_dir_at(ca, ".", false, &checked));
    ENSURE(fchdir(checked) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

enum exit_code ca_link_passphrase(const struct passphrase_source *source, bool of_backup,
                                  struct secret *passphrase)
{
    enum mlt_err err = passphrase_read(source, TEXT_CA_PASSPHRASE_PROMPT, false, passphrase);
    if (err == MLT_OK)
        return EXIT_DONE;
    if (err == MLT_ERR_USAGE) {
        say_error(of_backup ? TEXT_CA_PASSPHRASE_BACKUP : TEXT_CA_PASSPHRASE_NEEDED,
                  passphrase_ways());
        return EXIT_USAGE;
    }
    char room[PASSPHRASE_FAULT];
    say_error(TEXT_CA_PASSPHRASE_UNREADABLE, passphrase_fault(source, err, room));
    return err == MLT_ERR_RANGE ? EXIT_USAGE : EXIT_LOCAL;
}

enum mlt_err ca_link_unlock(struct ca *ca, const struct secret *passphrase, struct buf *why)
{
    struct ipc_key_needed need;
    TRY(ca_open(ca, env_system(), NULL, &need, why));
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    TRY(kdf_scrypt(secret_span(passphrase), SPAN_OF(need.salt), &need.cost, &stretched));
    return ca_unlock(ca, &stretched, why);
}

/* DATA of a user: as that user from the lock on.  DATA of root: as root down to ca/. */
enum mlt_err ca_link_take_lock(struct ca_link *link)
{
    TRY(ca_link_become_owner_of(link->data));
    CLEANUP(file_close) int checked = -1;
    TRY(file_open_dir_at(link->data, ".", false, &checked));
    return file_lock(checked, lock_name, &link->lock);
}

static enum exit_code say_unopened(const char *path, enum mlt_err err, struct buf *why)
{
    const char *text = NULL;
    if (why->len > 0 && buf_text(why, &text) == MLT_OK)
        say_error(TEXT_CA_NOT_OPENED, path, text);
    else
        say_error(TEXT_CA_DATA_FAILED, path, err_text(err));
    bool is_trust = err == MLT_ERR_PASSPHRASE || err == MLT_ERR_CLOCK || err == MLT_ERR_LEDGER;
    return is_trust ? EXIT_TRUST : EXIT_LOCAL;
}

static enum exit_code open_files(const struct malote_ca_options *options, const char *path,
                                 const struct ca_link_before *before, struct ca_link *link)
{
    struct stat st;
    if (fstatat(link->data, "ca/chaves.txt", &st, AT_SYMLINK_NOFOLLOW) != 0) {
        bool is_torn = fstatat(link->data, "ca/ledger.db", &st, AT_SYMLINK_NOFOLLOW) == 0;
        say_error(is_torn ? TEXT_CA_KEYSTORE_GONE : TEXT_CA_NOT_HERE, path);
        return EXIT_LOCAL;
    }
    /* Before becoming somebody else: the passphrase may lie in a file of ours. */
    CLEANUP(secret_clear) struct secret passphrase = { 0 };
    enum exit_code code = ca_link_passphrase(&options->passphrase, false, &passphrase);
    if (code == EXIT_DONE && before != NULL)
        code = before->run(before->ctx);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = ca_link_take_lock(link);
    if (err == MLT_ERR_LOCKED) {
        say_error(before != NULL ? TEXT_CA_BUSY_FILES : TEXT_CA_LOCKED, path);
        return EXIT_UNREACHABLE;
    }
    if (err != MLT_OK)
        return ca_link_say_path(path, err);
    err = enter_ca(link->data);
    if (err != MLT_OK)
        return ca_link_say_ca(path, err);
    CLEANUP(buf_clear) struct buf why = { 0 };
    err = ca_link_unlock(&link->ca, &passphrase, &why);
    return err == MLT_OK ? EXIT_DONE : say_unopened(path, err, &why);
}

/* ---- which way ---- */

bool ca_link_is_listening(int data)
{
    return ca_socket_try(data) != MLT_ERR_MISSING;
}

static enum exit_code open_data(const struct malote_ca_options *options, const char *path,
                                const struct ca_link_before *before, struct ca_link *link)
{
    link->data = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (link->data < 0)
        return ca_link_say_path(path, errno == ENOENT ? MLT_ERR_MISSING : MLT_ERR_SYSTEM);
    enum mlt_err err = ca_socket_try(link->data);
    if ((err == MLT_OK || err == MLT_ERR_TIMEOUT) && before != NULL) {
        say_error(TEXT_CA_STOP_FIRST, path);
        return EXIT_UNREACHABLE;
    }
    if (err == MLT_OK)
        return EXIT_DONE;
    if (err == MLT_ERR_TIMEOUT)
        return ca_socket_say_crowd();
    if (err != MLT_ERR_MISSING)
        return ca_link_say_path(path, err);
    return open_files(options, path, before, link);
}

static enum exit_code choose_and_open(const struct malote_ca_options *options,
                                      const struct ca_link_before *before, struct ca_link *link)
{
    CLEANUP(buf_clear) struct buf path = { 0 };
    enum mlt_err err = data_path_choose(options->data, &path);
    if (err != MLT_OK) {
        say_error(TEXT_CA_NO_DATA);
        return EXIT_USAGE;
    }
    log_start("malote-ca", LOG_LEVEL_WARNING);
    CLEANUP(ca_link_close) struct ca_link made = CA_LINK_CLOSED;
    enum exit_code code = open_data(options, (const char *)path.p, before, &made);
    if (code != EXIT_DONE)
        return code;
    *link = made;
    made = (struct ca_link)CA_LINK_CLOSED;
    return EXIT_DONE;
}

enum exit_code ca_link_open(const struct malote_ca_options *options, struct ca_link *link)
{
    return choose_and_open(options, NULL, link);
}

enum exit_code ca_link_open_files(const struct malote_ca_options *options,
                                  const struct ca_link_before *before, struct ca_link *link)
{
    return choose_and_open(options, before, link);
}

enum exit_code ca_link_ask_once(const struct malote_ca_options *options,
                                const struct admin_request *request, struct ca_rows *rows)
{
    CLEANUP(ca_link_close) struct ca_link link = CA_LINK_CLOSED;
    enum exit_code code = ca_link_open(options, &link);
    return code == EXIT_DONE ? ca_link_ask(&link, request, rows) : code;
}
