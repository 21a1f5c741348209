/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/data_path.h"
#include "cmd/malote_ca_input.h"
#include "cmd/malote_ca_link.h"
#include "cmd/say.h"
#include "relay/data_dir.h"

static const char ca_name[] = "ca";
static const char fresh_name[] = "ca.new";

static bool is_here(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- the step, in the child that stays whom DATA belongs to ---- */

/* One step on file systems that can exchange two names; on others data_dir.h finishes what a kill
 * left half done. */
static enum mlt_err replace(const struct site *site)
{
    int data = site->data;
    ENSURE(renameat(data, fresh_name, data, site->kept) == 0, MLT_ERR_SYSTEM);
    ENSURE(fsync(data) == 0, MLT_ERR_SYSTEM);
    if (renameat2(data, site->kept, data, ca_name, RENAME_EXCHANGE) == 0)
        return MLT_OK;
    ENSURE(errno == EINVAL || errno == ENOSYS, MLT_ERR_SYSTEM);
    ENSURE(renameat(data, site->kept, data, DATA_DIR_RESTORED) == 0, MLT_ERR_SYSTEM);
    ENSURE(fsync(data) == 0, MLT_ERR_SYSTEM);
    ENSURE(renameat(data, ca_name, data, site->kept) == 0, MLT_ERR_SYSTEM);
    return data_dir_finish_restore(data);
}

static enum mlt_err publish(const struct site *site)
{
    ENSURE(unlinkat(site->data, ca_name, AT_REMOVEDIR) == 0 || errno == ENOENT ||
               errno == ENOTEMPTY || errno == EEXIST,
           MLT_ERR_SYSTEM);
    if (is_here(site->data, ca_name))
        TRY(replace(site));
    else
        ENSURE(renameat(site->data, fresh_name, site->data, ca_name) == 0, MLT_ERR_SYSTEM);
    ENSURE(fsync(site->data) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

/* `fd`: it is complete; -1: it was emptied, and goes. */
static enum exit_code on_word(void *ctx, int fd)
{
    const struct site *site = ctx;
    enum mlt_err err = ca_link_become_owner_of(site->data);
    if (err == MLT_OK && fd >= 0)
        err = publish(site);
    else if (err == MLT_OK && unlinkat(site->data, fresh_name, AT_REMOVEDIR) != 0)
        err = MLT_ERR_SYSTEM;
    if (err == MLT_OK)
        return EXIT_DONE;
    return ca_link_say_path(site->path, err);
}

/* ---- opening ---- */

static enum mlt_err open_data(struct site *site, const char *path)
{
    struct stat st;
    int n = snprintf(site->path, sizeof(site->path), "%s", path);
    ENSURE(n > 0 && (size_t)n < sizeof(site->path), MLT_ERR_RANGE);
    /* Root may work on somebody's DATA, which file_open_dir takes for nobody's business. */
    if (stat(path, &st) != 0)
        return file_open_dir(path, true, &site->data);
    site->data = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    ENSURE(site->data >= 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

/* Two restores in one second are rare, and no reason to fail. */
static void choose_kept(struct site *site)
{
    char text[32];
    struct tm utc;
    time_t now = time(NULL);
    if (gmtime_r(&now, &utc) == NULL || strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &utc) == 0)
        snprintf(text, sizeof(text), "%lld", (long long)now);
    snprintf(site->kept, sizeof(site->kept), "ca.old-%s", text);
    for (unsigned n = 2; n < 100 && is_here(site->data, site->kept); n++)
        snprintf(site->kept, sizeof(site->kept), "ca.old-%s-%u", text, n);
}

enum exit_code site_open(struct site *site, const struct malote_ca_options *options)
{
    CLEANUP(buf_clear) struct buf path = { 0 };
    if (data_path_choose(options->data, &path) != MLT_OK) {
        say_error(TEXT_CA_NO_DATA);
        return EXIT_USAGE;
    }
    enum mlt_err err = open_data(site, (const char *)path.p);
    if (err != MLT_OK)
        return ca_link_say_path((const char *)path.p, err);
    if (ca_link_is_listening(site->data)) {
        say_error(TEXT_CA_STOP_FIRST, site->path);
        return EXIT_UNREACHABLE;
    }
    choose_kept(site);
    const struct errand_work work = { .run = on_word, .ctx = site };
    return errand_start(&site->errand, &work);
}

enum exit_code site_lock(struct site *site)
{
    struct ca_link link = CA_LINK_CLOSED;
    link.data = site->data;
    enum mlt_err err = ca_link_take_lock(&link);
    if (err == MLT_OK) {
        site->lock = link.lock;
        err = data_dir_finish_restore(site->data);
    }
    if (err == MLT_ERR_LOCKED) {
        say_error(TEXT_CA_BUSY_FILES, site->path);
        return EXIT_UNREACHABLE;
    }
    return err == MLT_OK ? EXIT_DONE : ca_link_say_path(site->path, err);
}

bool site_has_ca(const struct site *site)
{
    return is_here(site->data, "ca/chaves.txt") || is_here(site->data, "ca/ledger.db");
}

/* ---- building ---- */

/* What an earlier one left when it was killed. */
static enum mlt_err take_away(int data, const char *name)
{
    CLEANUP(file_close)
    int dir = openat(data, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return errno == ENOENT ? MLT_OK : MLT_ERR_SYSTEM;
    TRY(input_empty_dir(dir));
    ENSURE(unlinkat(data, name, AT_REMOVEDIR) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

/* The one that maloted would give ca/ to. */
static enum exit_code choose_owner(const struct site *site, struct user *owner)
{
    const struct users_wanted wanted = { .data = site->data };
    CLEANUP(buf_clear) struct buf notice = { 0 };
    struct users users;
    const char *text = NULL;
    enum mlt_err err = users_choose(&wanted, &users, &notice);
    if (err == MLT_OK) {
        *owner = users.ca;
        return EXIT_DONE;
    }
    if (notice.len > 0 && buf_text(&notice, &text) == MLT_OK)
        say_error("%s", text);
    else
        return ca_link_say_path(site->path, err);
    return EXIT_LOCAL;
}

/* A link there, or a file, is nothing that we put in another's place. */
static enum mlt_err open_old(struct site *site)
{
    site->old = openat(site->data, ca_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    ENSURE(site->old >= 0 || errno == ENOENT,
           errno == ENOTDIR || errno == ELOOP ? MLT_ERR_PERMISSION : MLT_ERR_SYSTEM);
    return MLT_OK;
}

static enum mlt_err make_fresh(struct site *site, const struct user *owner)
{
    TRY(take_away(site->data, fresh_name));
    TRY(take_away(site->data, DATA_DIR_RESTORED));
    ENSURE(mkdirat(site->data, fresh_name, 0700) == 0, MLT_ERR_SYSTEM);
    TRY(file_open_dir_at(site->data, fresh_name, false, &site->fresh));
    if (owner->uid != 0)
        ENSURE(fchown(site->fresh, owner->uid, owner->gid) == 0, MLT_ERR_SYSTEM);
    if (owner->uid != 0)
        TRY(ca_link_become_owner_of(site->fresh));
    ENSURE(fchdir(site->fresh) == 0, MLT_ERR_SYSTEM);
    return MLT_OK;
}

enum exit_code site_enter(struct site *site)
{
    struct user owner = { .uid = 0, .gid = 0 };
    umask(077);
    if (geteuid() == 0) {
        enum exit_code code = choose_owner(site, &owner);
        if (code != EXIT_DONE)
            return code;
    }
    enum mlt_err err = open_old(site);
    if (err != MLT_OK)
        return ca_link_say_ca(site->path, err);
    err = make_fresh(site, &owner);
    return err == MLT_OK ? EXIT_DONE : ca_link_say_path(site->path, err);
}

enum exit_code site_publish(struct site *site)
{
    if (fsync(site->fresh) != 0)
        return ca_link_say_path(site->path, MLT_ERR_SYSTEM);
    enum exit_code code = errand_run(&site->errand, site->fresh);
    file_close(&site->fresh);
    return code;
}

void site_close(struct site *site)
{
    /* Left there by a failure, it is taken away by the next one. */
    if (site->fresh >= 0 && site->errand.to >= 0 && input_empty_dir(site->fresh) == MLT_OK)
        (void)!errand_run(&site->errand, -1);
    errand_clear(&site->errand);
    file_close(&site->fresh);
    file_close(&site->old);
    file_unlock(&site->lock);
    file_close(&site->data);
}
