/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "ipc_messages.h"

/* make_ipc_seeds DIR: one file for each sample, as fuzz_ipc reads them. */

static enum mlt_err write_seeds(int dirfd)
{
    size_t count = 0;
    const struct message_row *rows = ipc_message_rows(&count);
    for (size_t i = 0; i < count; i++) {
        for (unsigned variant = 0;; variant++) {
            CLEANUP(buf_clear) struct buf seed = { 0 };
            TRY(buf_put_u8(&seed, (uint8_t)i));
            if (rows[i].sample(variant, &seed) == MLT_ERR_MISSING)
                break;
            char name[64];
            snprintf(name, sizeof(name), "%s_%u", rows[i].name, variant);
            TRY(file_write(dirfd, name, buf_span(&seed)));
        }
    }
    return MLT_OK;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    int dirfd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return 6;
    enum mlt_err err = write_seeds(dirfd);
    close(dirfd);
    return err == MLT_OK ? 0 : 6;
}
