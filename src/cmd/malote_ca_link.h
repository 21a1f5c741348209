/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTE_CA_LINK_H
#define MALOTE_CMD_MALOTE_CA_LINK_H

#include "ca/ca.h"
#include "cmd/malote_ca_commands.h"
#include "cmd/malote_ca_rows.h"
#include "ipc/admin.h"

/*
 * The way to the CA: over DATA/ca.sock while maloted runs, else on the files, under the same lock
 * and as the user they belong to.  Every failure is said, as one line; what is returned is the
 * exit code.
 */

struct ca_link {
    int data;     /* the directory */
    int lock;     /* -1: maloted runs, over the socket */
    int file;     /* what came as an answer to ADMIN_BACKUP; -1: nothing */
    struct ca ca; /* opened, when lock is held */
};

#define CA_LINK_CLOSED                                                                             \
    {                                                                                              \
        .data = -1, .lock = -1, .file = -1, .ca = {.dir = -1, .keystore = { .fd = -1 } }           \
    }

MUST_CHECK enum exit_code ca_link_open(const struct malote_ca_options *options,
                                       struct ca_link *link);
void ca_link_close(struct ca_link *link);

/* maloted runs, and was asked. */
bool ca_link_is_live(const struct ca_link *link);

/* To be done once the passphrase was read, while we still are who called us. */
struct ca_link_before {
    enum exit_code (*run)(void *ctx);
    void *ctx;
};

/* The same for what cannot be done while maloted runs: then EXIT_UNREACHABLE, and said. */
MUST_CHECK enum exit_code ca_link_open_files(const struct malote_ca_options *options,
                                             const struct ca_link_before *before,
                                             struct ca_link *link);

/* The steps of it, for who opens another authority than the one that is there. */
MUST_CHECK enum exit_code ca_link_passphrase(const struct passphrase_source *source, bool of_backup,
                                             struct secret *passphrase);
MUST_CHECK enum mlt_err ca_link_become_owner_of(int fd);
MUST_CHECK enum mlt_err ca_link_unlock(struct ca *ca, const struct secret *passphrase,
                                       struct buf *why);
/* DATA's lock, once we are whom DATA belongs to.  MLT_ERR_LOCKED. */
MUST_CHECK enum mlt_err ca_link_take_lock(struct ca_link *link);
/* Whether maloted answers in this DATA, or may: anything but "nobody" counts. */
bool ca_link_is_listening(int data);
/* What failed in DATA, as a line and an exit code; and in ca/ there. */
MUST_CHECK enum exit_code ca_link_say_path(const char *path, enum mlt_err err);
MUST_CHECK enum exit_code ca_link_say_ca(const char *path, enum mlt_err err);

/*
 * One question; `rows` is emptied first.  EXIT_REFUSED when the CA said no, EXIT_TRUST when it
 * cannot sign (stopped, clock), EXIT_UNREACHABLE when it did it and net has not confirmed.  Alarms
 * that come with the answer to something else than the state of the CA are said here.
 */
MUST_CHECK enum exit_code ca_link_ask(struct ca_link *link, const struct admin_request *request,
                                      struct ca_rows *rows);

/* Opens, asks one question and closes. */
MUST_CHECK enum exit_code ca_link_ask_once(const struct malote_ca_options *options,
                                           const struct admin_request *request,
                                           struct ca_rows *rows);

#endif
