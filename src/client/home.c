/* SPDX-License-Identifier: Apache-2.0 */
#include "client/home.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "pki/cert.h"

static const char *const certificate_files[] = {
    [HOME_CA] = "ca.pem", [HOME_OWN] = "certificate.pem"
};

static enum mlt_err join_path(const char *start, const char *rest, char **path)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    TRY(buf_put_format(&text, "%s%s", start, rest));
    const char *joined = NULL;
    TRY(buf_text(&text, &joined));
    return alloc_text(joined, path);
}

static bool is_set(const char *value)
{
    return value != NULL && value[0] != '\0';
}

enum mlt_err home_locate(const char *option, char **path)
{
    if (option != NULL) {
        ENSURE(option[0] != '\0', MLT_ERR_MISSING);
        return alloc_text(option, path);
    }
    const char *own = getenv("MALOTE_HOME");
    if (is_set(own))
        return alloc_text(own, path);
    const char *data = getenv("XDG_DATA_HOME");
    if (is_set(data) && data[0] == '/') /* relative ones are invalid: XDG base directories */
        return join_path(data, "/malote", path);
    const char *user = getenv("HOME");
    ENSURE(is_set(user), MLT_ERR_MISSING);
    return join_path(user, "/.local/share/malote", path);
}

enum mlt_err home_open(const char *path, bool create, struct home *home)
{
    CLEANUP(file_close) int dirfd = -1;
    TRY(file_open_dir(path, create, &dirfd));
    char real[PATH_MAX];
    ENSURE(realpath(path, real) != NULL, MLT_ERR_SYSTEM);
    char *copy = NULL;
    TRY(alloc_text(real, &copy));
    *home = (struct home) { .dirfd = dirfd, .path = copy };
    dirfd = -1;
    return MLT_OK;
}

void home_close(struct home *home)
{
    file_close(&home->dirfd);
    home->dirfd = -1;
    alloc_free_text(&home->path);
    home->path = NULL;
}

enum mlt_err home_lock(const struct home *home, int *fd)
{
    return file_lock(home->dirfd, "lock", fd);
}

static void close_listing(DIR **listing)
{
    if (*listing != NULL)
        closedir(*listing);
}

/* As file_write names its temporaries. */
static bool is_temporary(const char *name)
{
    static const char tail[] = ".new";
    size_t n = strlen(name);
    return name[0] == '.' && n > sizeof(tail) && strcmp(name + n - (sizeof(tail) - 1), tail) == 0;
}

enum mlt_err home_sweep(const struct home *home)
{
    CLEANUP(file_close) int fd = openat(home->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ENSURE(fd >= 0, MLT_ERR_SYSTEM);
    CLEANUP(close_listing) DIR *listing = fdopendir(fd);
    ENSURE(listing != NULL, MLT_ERR_SYSTEM);
    fd = -1; /* the listing's now */
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        if (is_temporary(entry->d_name))
            unlinkat(home->dirfd, entry->d_name, 0);
    }
    return MLT_OK;
}

enum mlt_err home_read_server(const struct home *home, struct server_file *file)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    enum mlt_err err = file_read(home->dirfd, "server", LIMIT_SERVER_FILE, &text);
    if (err == MLT_ERR_RANGE)
        return MLT_ERR_DAMAGED;
    TRY(err);
    return server_file_parse(buf_span(&text), file);
}

enum mlt_err home_write_server(const struct home *home, const struct server_file *file)
{
    CLEANUP(buf_clear) struct buf text = { 0 };
    TRY(server_file_put(file, &text));
    return file_write(home->dirfd, "server", buf_span(&text));
}

enum mlt_err home_read_certificate(const struct home *home, enum home_certificate which,
                                   struct buf *der)
{
    CLEANUP(buf_clear) struct buf pem = { 0 };
    size_t most = (size_t)2 * LIMIT_CERTIFICATE;
    enum mlt_err err = file_read(home->dirfd, certificate_files[which], most, &pem);
    if (err == MLT_ERR_RANGE)
        return MLT_ERR_DAMAGED;
    TRY(err);
    ENSURE(cert_der_from_pem(buf_span(&pem), der) == MLT_OK, MLT_ERR_DAMAGED);
    return MLT_OK;
}

enum mlt_err home_write_certificate(const struct home *home, enum home_certificate which,
                                    X509 *certificate)
{
    CLEANUP(buf_clear) struct buf pem = { 0 };
    TRY(cert_pem(certificate, &pem));
    return file_write(home->dirfd, certificate_files[which], buf_span(&pem));
}
