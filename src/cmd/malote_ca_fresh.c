/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/malote_ca_fresh.h"

#include "cmd/say.h"

bool fresh_take(struct fresh *fresh, int option, const char *value)
{
    if (fresh->source.fd >= 0 || fresh->source.file != NULL)
        return false;
    if (option == FRESH_FD)
        return passphrase_take_fd(value, &fresh->source.fd);
    fresh->source.file = value;
    return true;
}

enum exit_code fresh_read(const struct fresh *fresh, struct secret *out)
{
    enum mlt_err err = passphrase_read(&fresh->source, fresh->prompt, !fresh->known, out);
    if (err == MLT_OK)
        return EXIT_DONE;
    if (err == MLT_ERR_USAGE) {
        say_error(TEXT_CA_FRESH_NEEDED, fresh->what, fresh->what, fresh->what);
        return EXIT_USAGE;
    }
    char room[PASSPHRASE_FAULT];
    say_error(TEXT_CA_FRESH_UNREADABLE, fresh->what, passphrase_fault(&fresh->source, err, room));
    return err == MLT_ERR_RANGE ? EXIT_USAGE : EXIT_LOCAL;
}
