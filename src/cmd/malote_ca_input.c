/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_input.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ca/ledger.h"
#include "ca/ledger_tree.h"
#include "cmd/say.h"

void input_close(struct input *in)
{
    secret_clear(&in->stretched);
    backup_reader_clear(&in->reader);
    file_close(&in->fd);
}

static enum exit_code say_failed(const struct input *in, enum mlt_err err)
{
    switch (err) {
    case MLT_ERR_DAMAGED:
        say_error(TEXT_CA_BACKUP_DAMAGED, in->path);
        return EXIT_LOCAL;
    case MLT_ERR_NEWER:
        say_error(TEXT_CA_BACKUP_NEWER, in->path);
        return EXIT_LOCAL;
    case MLT_ERR_PASSPHRASE:
        say_error(TEXT_CA_BACKUP_PASSPHRASE, in->path);
        return EXIT_TRUST;
    default:
        say_error(TEXT_CA_FILE_UNREADABLE, in->path, err_cause(err));
        return EXIT_LOCAL;
    }
}

static enum mlt_err try_passphrase(struct input *in, const struct secret *passphrase)
{
    const struct lockbox *box = &in->reader.box;
    TRY(kdf_scrypt(secret_span(passphrase), SPAN_OF(box->salt), &box->cost, &in->stretched));
    return backup_read_unlock(&in->reader, &in->stretched);
}

enum exit_code input_open_file(const char *path, int *fd)
{
    struct stat st;
    if (path[0] == '\0') {
        say_error(TEXT_CA_FILE_UNNAMED);
        return EXIT_USAGE;
    }
    /* O_NONBLOCK: nobody may ever write into a FIFO. */
    CLEANUP(file_close) int opened = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (opened < 0 || fstat(opened, &st) != 0) {
        say_error(TEXT_CA_FILE_UNREADABLE, path, strerror(errno));
        return EXIT_LOCAL;
    }
    if (!S_ISREG(st.st_mode)) {
        say_error(TEXT_CA_FILE_UNREADABLE, path, TEXT_CA_FILE_IRREGULAR);
        return EXIT_LOCAL;
    }
    *fd = opened;
    opened = -1;
    return EXIT_DONE;
}

enum exit_code input_open(struct input *in, const char *path)
{
    in->path = path;
    enum exit_code code = input_open_file(path, &in->fd);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = backup_read_start(&in->reader, in->fd);
    if (err == MLT_ERR_DAMAGED) {
        say_error(TEXT_CA_BACKUP_FOREIGN, path);
        return EXIT_LOCAL;
    }
    return err == MLT_OK ? EXIT_DONE : say_failed(in, err);
}

enum exit_code input_unlock(struct input *in, const struct malote_ca_options *options)
{
    CLEANUP(secret_clear) struct secret passphrase = { 0 };
    enum exit_code code = ca_link_passphrase(&options->passphrase, true, &passphrase);
    if (code != EXIT_DONE)
        return code;
    enum mlt_err err = try_passphrase(in, &passphrase);
    return err == MLT_OK ? EXIT_DONE : say_failed(in, err);
}

/* ---- taking it apart ---- */

static enum exit_code say_unopened(const struct input *in, enum mlt_err err, struct buf *why)
{
    const char *text = NULL;
    if (why->len > 0 && buf_text(why, &text) == MLT_OK)
        say_error(TEXT_CA_BACKUP_UNOPENED, in->path, text);
    else
        say_error(TEXT_CA_BACKUP_UNOPENED, in->path, err_cause(err));
    return err == MLT_ERR_CLOCK || err == MLT_ERR_LEDGER ? EXIT_TRUST : EXIT_LOCAL;
}

enum exit_code input_reopen(const struct input *in, struct ca *ca)
{
    struct ipc_key_needed need;
    CLEANUP(buf_clear) struct buf why = { 0 };
    enum mlt_err err = ca_open(ca, env_system(), NULL, &need, &why);
    if (err == MLT_OK)
        err = ca_unlock(ca, &in->stretched, &why);
    return err == MLT_OK ? EXIT_DONE : say_unopened(in, err, &why);
}

/* The manifest is as authentic as the rest: what differs was never one backup. */
static enum mlt_err compare(struct ca *ca, const struct backup_manifest *m)
{
    struct ledger_facts facts;
    uint8_t root[HASH_LEN];
    TRY(ledger_facts_read(&ca->db, &facts));
    TRY(ledger_tree_root(&ca->db, m->size, root));
    bool same = facts.epoch == m->epoch && facts.size >= m->size &&
                span_eq(SPAN_OF(root), SPAN_OF(m->root)) &&
                span_eq(SPAN_OF(ca->cert.spki_hash), SPAN_OF(m->ca_hash)) &&
                ca->keystore.mark.count == m->keystore_count;
    return same ? MLT_OK : MLT_ERR_DAMAGED;
}

enum exit_code input_take(struct input *in, struct ca *ca, struct backup_manifest *manifest)
{
    CLEANUP(file_close) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum mlt_err err = dir >= 0 ? backup_unpack(&in->reader, dir, manifest) : MLT_ERR_SYSTEM;
    if (err == MLT_ERR_SYSTEM) {
        say_error(TEXT_CA_UNPACK_FAILED, in->path, in->where, err_cause(err));
        return EXIT_LOCAL;
    }
    if (err != MLT_OK)
        return say_failed(in, err);
    enum exit_code code = input_reopen(in, ca);
    if (code != EXIT_DONE)
        return code;
    err = compare(ca, manifest);
    return err == MLT_OK ? EXIT_DONE : say_failed(in, err);
}

/* ---- a directory of ours ---- */

static void close_list(DIR **list)
{
    if (*list != NULL)
        closedir(*list);
}

static bool is_itself_or_parent(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

enum mlt_err input_empty_dir(int dirfd)
{
    CLEANUP(file_close) int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ENSURE(fd >= 0, MLT_ERR_SYSTEM);
    CLEANUP(close_list) DIR *list = fdopendir(fd);
    ENSURE(list != NULL, MLT_ERR_SYSTEM);
    fd = -1; /* the list's now */
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(list);
        if (entry == NULL)
            return errno == 0 ? MLT_OK : MLT_ERR_SYSTEM;
        if (!is_itself_or_parent(entry->d_name))
            ENSURE(unlinkat(dirfd, entry->d_name, 0) == 0, MLT_ERR_SYSTEM);
    }
}
