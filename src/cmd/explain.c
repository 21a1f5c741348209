/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/timefmt.h"
#include "cmd/authority.h"
#include "cmd/say.h"
#include "cmd/show.h"
#include "cmd/when.h"

static const char *reason(enum mlt_err err)
{
    return err == MLT_ERR_SYSTEM ? strerror(errno) : err_text(err);
}

/* Stands in sentences that name the directory.  Valid until the next one, as strerror's. */
static const char *reason_of(enum mlt_error error, int system_errno)
{
    static char full[128];
    if (error != MLT_ERROR_SYSTEM)
        return mlt_error_text(error);
    const char *text = strerror(system_errno);
    if (system_errno != ENOSPC && system_errno != EDQUOT)
        return text;
    snprintf(full, sizeof(full), TEXT_DISK_FULL, text);
    return full;
}

/* Which file it is that others can read, and how to close it.  False: none of the home's. */
static bool say_not_private(const char *home)
{
    static const char *const files[] = { "key",    "server",        "certificate.pem",
                                         "ca.pem", "malote.db",     "malote.db-wal",
                                         "lock",   "malote.db-shm", "turns" };
    CLEANUP(file_close) int dir = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < COUNT_OF(files) && dir >= 0; i++) {
        if (file_check_private(dir, files[i], false) != MLT_ERR_PERMISSION)
            continue;
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%s/%s", home, files[i]);
        say_error(TEXT_NOT_PRIVATE, path, path);
        return true;
    }
    return false;
}

enum exit_code explain_file(const char *path, enum mlt_err err)
{
    say_error(TEXT_FILE_FAILED, path, reason(err));
    return EXIT_LOCAL;
}

enum exit_code explain_home(const char *path, enum mlt_error error)
{
    if (error == MLT_ERROR_PERMISSION)
        say_error(TEXT_NOT_PRIVATE, path, path);
    else
        say_error(TEXT_FILE_FAILED, path, reason_of(error, errno));
    return EXIT_LOCAL;
}

/* SQLite cannot make its files beside the database where nothing can be made, and says of those
 * that they are not there. */
static const char *reason_of_store(const struct host *host, enum mlt_error error)
{
    int number = errno;
    if (error == MLT_ERROR_SYSTEM && number == ENOENT && access(mlt_home(host->client), W_OK) != 0)
        number = errno;
    return reason_of(error, number);
}

enum exit_code explain_store(const struct host *host, enum mlt_error error)
{
    const char *home = mlt_home(host->client);
    if (error != MLT_ERROR_PERMISSION || !say_not_private(home))
        say_error(TEXT_STORE_FAILED, home, reason_of_store(host, error));
    return EXIT_LOCAL;
}

enum exit_code explain_not_kept(const struct host *host, enum mlt_error error)
{
    const char *home = mlt_home(host->client);
    if (error == MLT_ERROR_SYSTEM && errno == EIO)
        say_error(TEXT_PERHAPS_KEPT, home, reason_of_store(host, error));
    else
        say_error(TEXT_NOT_KEPT, home, reason_of_store(host, error));
    return EXIT_LOCAL;
}

enum exit_code explain_identity(const struct host *host, enum mlt_error error)
{
    const char *home = mlt_home(host->client);
    if (error == MLT_ERROR_PASSPHRASE) {
        say_error(TEXT_PASSPHRASE_WRONG, home);
        return EXIT_TRUST;
    }
    if (error == MLT_ERROR_PERMISSION && say_not_private(home))
        return EXIT_LOCAL;
    /* Among one's own files this says more than who issued what. */
    const char *why =
        error == MLT_ERROR_CERT_FOREIGN ? TEXT_IDENTITY_MIXED : reason_of(error, errno);
    say_error(TEXT_IDENTITY_UNUSABLE, home, why);
    return mlt_error_blame(error) == MLT_BLAME_SERVER ? EXIT_TRUST : EXIT_LOCAL;
}

enum exit_code explain_passphrase(const struct passphrase_source *source, enum mlt_err err)
{
    char room[PASSPHRASE_FAULT];
    if (err == MLT_ERR_USAGE)
        say_error(TEXT_PASSPHRASE_WAYS, passphrase_ways());
    else
        say_error(TEXT_PASSPHRASE_UNREADABLE, passphrase_fault(source, err, room));
    return err == MLT_ERR_USAGE || err == MLT_ERR_RANGE ? EXIT_USAGE : EXIT_LOCAL;
}

enum exit_code explain_output(enum mlt_err err)
{
    if (err != MLT_ERR_SYSTEM || errno != EPIPE)
        say_error(TEXT_OUTPUT_FAILED, reason(err));
    return EXIT_LOCAL;
}

/* Of a connection that ended before the server said anything: no log has a line for it. */
static const char no_id[] = " [id --------]";

/*
 * Why there is no session, and in the same line what that means for the message that was to go.
 * `passes`: a later command may well have more luck.
 */
static void PRINTF_LIKE(3, 4) tell(const struct host *host, bool passes, const char *format, ...)
{
    char why[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    if (n < 0)
        why[0] = '\0';
    char *id = strstr(why, no_id);
    if (id != NULL && id[sizeof(no_id) - 1] == '\0')
        *id = '\0';
    if (host->waits_for == NULL)
        say_error("%s", why);
    else if (host->is_stored)
        say_error(TEXT_STORED_ONLY, host->waits_for, why);
    else if (passes)
        say_error(TEXT_KEPT_FOR_LATER, host->waits_for, why);
    else if (host->is_known) /* what was on its way then may be there */
        say_error(TEXT_SEND_UNRECORDED, host->waits_for, why);
    else
        say_error(TEXT_KEPT, host->waits_for, why);
}

static void say_clock(const struct host *host, enum mlt_error error)
{
    char now[TIMEFMT_RFC3339];
    timefmt_rfc3339(env_wall_ms(env_system()), now);
    tell(host, false, TEXT_SERVER_CERT_TIME, mlt_host(host->client), mlt_error_text(error), now,
         mlt_connection_id(host->client));
}

static void say_unreachable(const struct host *host, enum mlt_error error)
{
    const char *detail = host->detail[0] != '\0' ? host->detail : mlt_detail(host->client);
    tell(host, true, TEXT_UNREACHABLE, mlt_host(host->client), mlt_port(host->client),
         detail[0] != '\0' ? detail : mlt_error_text(error));
}

static void say_failure(const struct host *host, enum mlt_error error, int system_errno)
{
    const char *server = mlt_host(host->client);
    const char *id = mlt_connection_id(host->client);
    switch (error) {
    case MLT_ERROR_UNREACHABLE:
    case MLT_ERROR_UNKNOWN_HOST:
        say_unreachable(host, error);
        return;
    case MLT_ERROR_CUT:
    case MLT_ERROR_TIMEOUT:
        if (host->waits_for != NULL) /* who says it again has it sent twice */
            tell(host, true, TEXT_LOST_ALONE, server, mlt_error_text(error), id);
        else
            tell(host, true, TEXT_LOST, server, mlt_error_text(error), id);
        return;
    case MLT_ERROR_PIN:
        tell(host, false, TEXT_SERVER_PIN, server, id);
        return;
    case MLT_ERROR_GROUP:
        tell(host, false, TEXT_SERVER_GROUP, server, id);
        return;
    case MLT_ERROR_CERT_EXPIRED:
    case MLT_ERROR_CERT_NOT_YET:
        say_clock(host, error);
        return;
    case MLT_ERROR_CERT_REVOKED:
        tell(host, false, TEXT_SERVER_CERT_REVOKED, server, id);
        return;
    case MLT_ERROR_NOT_DUE:
        tell(host, host->is_known, TEXT_SERVER_RENEWAL, server, id);
        return;
    default:
        break;
    }
    if (mlt_error_blame(error) == MLT_BLAME_SERVER)
        tell(host, host->is_known, TEXT_SERVER_REFUSED, server, mlt_error_text(error), id);
    else
        tell(host, false, TEXT_LOCAL_FAILURE, mlt_home(host->client),
             reason_of(error, system_errno), id);
}

static enum exit_code exit_of_peer_fault(enum mlt_error error)
{
    switch (error) {
    case MLT_ERROR_REFUSED:
    case MLT_ERROR_ALERT:
    case MLT_ERROR_TOO_MANY:
    case MLT_ERROR_NAME:
    case MLT_ERROR_PROOF:
    case MLT_ERROR_REQUEST:
        return EXIT_REFUSED;
    case MLT_ERROR_TIMEOUT:
    case MLT_ERROR_CUT:
        return EXIT_UNREACHABLE;
    default:
        return EXIT_TRUST; /* what a peer sent did not hold: nobody knows who it is */
    }
}

static enum exit_code exit_of_failure(enum mlt_error error)
{
    if (error == MLT_ERROR_UNREACHABLE || error == MLT_ERROR_UNKNOWN_HOST)
        return EXIT_UNREACHABLE;
    if (error == MLT_ERROR_PASSPHRASE || error == MLT_ERROR_CLOCK)
        return EXIT_TRUST;
    switch (mlt_error_blame(error)) {
    case MLT_BLAME_SERVER:
        return exit_of_peer_fault(error);
    case MLT_BLAME_CALLER:
        return EXIT_USAGE;
    default:
        return EXIT_LOCAL;
    }
}

/* What waits in the outbox has not failed. */
static enum exit_code exit_of_kept(const struct host *host, enum exit_code code)
{
    bool passes = code == EXIT_UNREACHABLE || (code == EXIT_TRUST && host->is_known);
    return host->waits_for != NULL && passes ? EXIT_OUTBOX : code;
}

enum exit_code explain_failure(const struct host *host, enum mlt_error error, int system_errno)
{
    say_failure(host, error, system_errno);
    return exit_of_kept(host, exit_of_failure(error));
}

const char *explain_alarm(enum mlt_alarm alarm)
{
    switch (alarm) {
    case MLT_ALARM_FORKED:
        return TEXT_ALARM_FORKED;
    case MLT_ALARM_WENT_BACK:
        return TEXT_ALARM_WENT_BACK;
    default:
        return TEXT_ALARM_UNPROVEN;
    }
}

/* Then --accept-clock, which forgets what was seen, cannot help: what was seen is no further on. */
static bool is_our_certificate(const struct host *host, const struct mlt_event *event)
{
    struct mlt_authority known = MLT_AUTHORITY_INIT;
    return mlt_event_signed_s(event) == authority_issued_s(host->client) &&
           mlt_get_authority(host->client, &known) == MLT_ERROR_NONE &&
           known.newest_s <= mlt_event_own_s(event) + LIMIT_CLOCK_SLACK_S;
}

/* The line holds, and who is at its other end is known: still nothing passes. */
static enum exit_code explain_distrust(const struct host *host, const struct mlt_event *event)
{
    const char *server = mlt_host(host->client);
    const char *id = mlt_connection_id(host->client);
    if (mlt_event_error(event) == MLT_ERROR_LEDGER) {
        tell(host, false, TEXT_SERVER_LEDGER, server, explain_alarm(mlt_event_alarm(event)), id);
        return EXIT_TRUST;
    }
    char own[TIMEFMT_RFC3339];
    char signed_at[TIMEFMT_RFC3339];
    timefmt_rfc3339(mlt_event_own_s(event) * 1000, own);
    timefmt_rfc3339(mlt_event_signed_s(event) * 1000, signed_at);
    if (is_our_certificate(host, event))
        tell(host, false, TEXT_CLOCK_CERTIFICATE, mlt_name(host->client), signed_at, own,
             mlt_name(host->client), id);
    else
        tell(host, false, TEXT_CLOCK_WRONG, own, server, signed_at, id);
    return EXIT_TRUST;
}

enum exit_code explain_lost(const struct host *host, const struct mlt_event *event)
{
    enum mlt_error error = mlt_event_error(event);
    if (error == MLT_ERROR_LEDGER || error == MLT_ERROR_CLOCK)
        return explain_distrust(host, event);
    if (error != MLT_ERROR_ALERT)
        return explain_failure(host, error, mlt_event_errno(event));
    bool passes = mlt_event_alert(event) != 5; /* version: PROTOCOL.md 3.3 */
    tell(host, passes, TEXT_ALERTED, mlt_host(host->client), mlt_event_text(event),
         mlt_connection_id(host->client));
    return passes && host->waits_for != NULL ? EXIT_OUTBOX : exit_of_failure(error);
}

static const char *advice(enum mlt_refusal refusal)
{
    switch (refusal) {
    case MLT_REFUSAL_NAME_TAKEN:
        return TEXT_ADVICE_NAME_TAKEN;
    case MLT_REFUSAL_NAME_RESERVED:
        return TEXT_ADVICE_NAME_RESERVED;
    case MLT_REFUSAL_INVITE:
    case MLT_REFUSAL_INVITE_NEEDED:
        return TEXT_ADVICE_INVITE;
    case MLT_REFUSAL_REVOKED:
        return TEXT_ADVICE_REISSUE;
    case MLT_REFUSAL_STALE:
        return TEXT_ADVICE_STALE;
    case MLT_REFUSAL_NOT_DUE:
        return TEXT_ADVICE_NOT_DUE;
    case MLT_REFUSAL_STOPPED:
        return TEXT_ADVICE_AUDIT;
    case MLT_REFUSAL_NOT_YET:
        return TEXT_ADVICE_CLOCK;
    case MLT_REFUSAL_BUSY:
        return TEXT_ADVICE_LATER;
    default:
        return TEXT_ADVICE_ADMIN;
    }
}

/* The grace after its end is over as well: else it would have been renewed by now. */
static enum exit_code explain_expired(const struct host *host)
{
    char until[WHEN_TEXT];
    const char *name = mlt_name(host->client);
    when_text(mlt_not_after_s(host->client), until);
    tell(host, false, TEXT_EXPIRED, mlt_host(host->client), name, until, name,
         mlt_connection_id(host->client));
    return EXIT_TRUST;
}

enum exit_code explain_refused(const struct host *host, const struct mlt_event *event)
{
    if (mlt_event_refusal(event) == MLT_REFUSAL_EXPIRED)
        return explain_expired(host);
    bool passes = mlt_event_refusal(event) == MLT_REFUSAL_BUSY;
    tell(host, passes, TEXT_REFUSED, mlt_host(host->client), mlt_name(host->client),
         mlt_event_text(event), advice(mlt_event_refusal(event)), mlt_connection_id(host->client));
    return passes && host->waits_for != NULL ? EXIT_OUTBOX : EXIT_REFUSED;
}

enum exit_code explain_closed(const struct host *host, const struct mlt_event *event)
{
    const char *server = mlt_host(host->client);
    const char *name = mlt_name(host->client);
    const char *id = mlt_connection_id(host->client);
    char until[WHEN_TEXT];
    switch (mlt_event_closed(event)) {
    case MLT_CLOSED_REVOKED:
        tell(host, false, TEXT_CLOSED_REVOKED, server, name, id);
        return EXIT_REFUSED;
    case MLT_CLOSED_EXPIRED:
        when_text(mlt_not_after_s(host->client), until);
        tell(host, false, TEXT_CLOSED_EXPIRED, server, name, until, id);
        return EXIT_TRUST;
    case MLT_CLOSED_REPLACED:
        tell(host, false, TEXT_CLOSED, server, mlt_event_text(event), id);
        return EXIT_REFUSED;
    default:
        tell(host, true, TEXT_CLOSED, server, mlt_event_text(event), id);
        return exit_of_kept(host, EXIT_UNREACHABLE);
    }
}

bool explain_own_fault(const struct host *host, const struct mlt_event *event)
{
    enum mlt_error error = mlt_event_error(event);
    if (error == MLT_ERROR_UNREACHABLE || error == MLT_ERROR_UNKNOWN_HOST ||
        mlt_error_blame(error) != MLT_BLAME_LOCAL)
        return false;
    say_error(TEXT_LOCAL_FAILURE, mlt_home(host->client), reason_of(error, mlt_event_errno(event)),
              mlt_connection_id(host->client));
    return true;
}
