/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_witness.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "cmd/malote_ca_link.h"
#include "cmd/say.h"

static const char head_path[] = "net/head";
static const char crl_path[] = "net/crl.der";

void witness_clear(struct witness *w)
{
    buf_clear(&w->head);
    buf_clear(&w->crl);
}

/* Of net's user, who is not to be trusted with more than this: no link, bounded. */
static enum mlt_err read_kept(int data, const char *path, size_t most, struct buf *out)
{
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    CLEANUP(file_close) int fd = openat(data, path, flags);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? MLT_OK : MLT_ERR_SYSTEM;
    return file_read_all(fd, most, out);
}

enum exit_code witness_read(struct witness *w, const struct site *site)
{
    enum mlt_err err = read_kept(site->data, head_path, LIMIT_LEDGER_HEAD, &w->head);
    if (err == MLT_OK)
        err = read_kept(site->data, crl_path, LIMIT_CRL, &w->crl);
    return err == MLT_OK ? EXIT_DONE : ca_link_say_path(site->path, err);
}

void witness_hear(const struct witness *w, struct restore *restore)
{
    if (w->head.len > 0 && restore_see_head(restore, buf_span(&w->head)) != MLT_OK)
        say_notice(TEXT_CA_RESTORE_NO_WITNESS, head_path);
    if (w->crl.len > 0 && restore_see_crl(restore, buf_span(&w->crl)) != MLT_OK)
        say_notice(TEXT_CA_RESTORE_NO_WITNESS, crl_path);
}
