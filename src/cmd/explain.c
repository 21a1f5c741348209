/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/explain.h"

#include <errno.h>
#include <string.h>

#include "base/env.h"
#include "base/timefmt.h"
#include "cmd/say.h"

static const char *reason(enum mlt_err err)
{
    return err == MLT_ERR_SYSTEM ? strerror(errno) : err_text(err);
}

static const char *reason_of(enum mlt_error error, int system_errno)
{
    return error == MLT_ERROR_SYSTEM ? strerror(system_errno) : mlt_error_text(error);
}

enum exit_code explain_file(const char *path, enum mlt_err err)
{
    say_error(TEXT_FILE_FAILED, path, reason(err));
    return EXIT_LOCAL;
}

enum exit_code explain_home(const char *path, enum mlt_error error)
{
    say_error(TEXT_FILE_FAILED, path, reason_of(error, errno));
    return EXIT_LOCAL;
}

enum exit_code explain_store(const struct host *host, enum mlt_error error)
{
    say_error(TEXT_STORE_FAILED, mlt_home(host->client), reason_of(error, errno));
    return EXIT_LOCAL;
}

enum exit_code explain_identity(const struct host *host, enum mlt_error error)
{
    const char *home = mlt_home(host->client);
    if (error == MLT_ERROR_PASSPHRASE) {
        say_error(TEXT_PASSPHRASE_WRONG, home);
        return EXIT_TRUST;
    }
    /* Among one's own files this says more than who issued what. */
    const char *why =
        error == MLT_ERROR_CERT_FOREIGN ? TEXT_IDENTITY_MIXED : reason_of(error, errno);
    say_error(TEXT_IDENTITY_UNUSABLE, home, why);
    return mlt_error_blame(error) == MLT_BLAME_SERVER ? EXIT_TRUST : EXIT_LOCAL;
}

enum exit_code explain_passphrase(enum mlt_err err)
{
    if (err == MLT_ERR_USAGE)
        say_error(TEXT_PASSPHRASE_WAYS, passphrase_ways());
    else
        say_error(TEXT_PASSPHRASE_UNREADABLE, passphrase_fault(err));
    return err == MLT_ERR_USAGE || err == MLT_ERR_RANGE ? EXIT_USAGE : EXIT_LOCAL;
}

enum exit_code explain_output(enum mlt_err err)
{
    if (err != MLT_ERR_SYSTEM || errno != EPIPE)
        say_error(TEXT_OUTPUT_FAILED, reason(err));
    return EXIT_LOCAL;
}

static void say_clock(const struct host *host, enum mlt_error error)
{
    char now[TIMEFMT_RFC3339];
    timefmt_rfc3339(env_wall_ms(env_system()), now);
    say_error(TEXT_SERVER_CERT_TIME, mlt_host(host->client), mlt_error_text(error), now,
              mlt_connection_id(host->client));
}

static void say_unreachable(const struct host *host, enum mlt_error error)
{
    const char *detail = host->detail[0] != '\0' ? host->detail : mlt_detail(host->client);
    say_error(TEXT_UNREACHABLE, mlt_host(host->client), mlt_port(host->client),
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
        say_error(TEXT_LOST, server, mlt_error_text(error), id);
        return;
    case MLT_ERROR_PIN:
        say_error(TEXT_SERVER_PIN, server, id);
        return;
    case MLT_ERROR_GROUP:
        say_error(TEXT_SERVER_GROUP, server, id);
        return;
    case MLT_ERROR_CERT_EXPIRED:
    case MLT_ERROR_CERT_NOT_YET:
        say_clock(host, error);
        return;
    default:
        break;
    }
    if (mlt_error_blame(error) == MLT_BLAME_SERVER)
        say_error(TEXT_SERVER_REFUSED, server, mlt_error_text(error), id);
    else
        say_error(TEXT_LOCAL_FAILURE, mlt_home(host->client), reason_of(error, system_errno), id);
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
    if (error == MLT_ERROR_PASSPHRASE)
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

enum exit_code explain_failure(const struct host *host, enum mlt_error error, int system_errno)
{
    say_failure(host, error, system_errno);
    return exit_of_failure(error);
}

enum exit_code explain_lost(const struct host *host, const struct mlt_event *event)
{
    enum mlt_error error = mlt_event_error(event);
    if (error != MLT_ERROR_ALERT)
        return explain_failure(host, error, mlt_event_errno(event));
    say_error(TEXT_ALERTED, mlt_host(host->client), mlt_event_text(event),
              mlt_connection_id(host->client));
    return exit_of_failure(error);
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
    case MLT_REFUSAL_EXPIRED:
    case MLT_REFUSAL_REVOKED:
        return TEXT_ADVICE_REISSUE;
    case MLT_REFUSAL_NOT_YET:
        return TEXT_ADVICE_CLOCK;
    case MLT_REFUSAL_BUSY:
        return TEXT_ADVICE_LATER;
    default:
        return TEXT_ADVICE_ADMIN;
    }
}

enum exit_code explain_refused(const struct host *host, const struct mlt_event *event)
{
    say_error(TEXT_REFUSED, mlt_host(host->client), mlt_name(host->client), mlt_event_text(event),
              advice(mlt_event_refusal(event)), mlt_connection_id(host->client));
    return EXIT_REFUSED;
}

enum exit_code explain_closed(const struct host *host, const struct mlt_event *event)
{
    say_error(TEXT_CLOSED, mlt_host(host->client), mlt_event_text(event),
              mlt_connection_id(host->client));
    enum mlt_closed why = mlt_event_closed(event);
    bool stays =
        why == MLT_CLOSED_REPLACED || why == MLT_CLOSED_REVOKED || why == MLT_CLOSED_EXPIRED;
    return stays ? EXIT_REFUSED : EXIT_UNREACHABLE;
}

static const char *reason_of_outcome(const struct mlt_event *event)
{
    if (mlt_event_outcome(event) == MLT_OUTCOME_UNKNOWN)
        return mlt_event_error(event) == MLT_ERROR_NONE ? TEXT_OUTCOME_UNKNOWN : TEXT_OUTCOME_LOST;
    switch (mlt_event_why(event)) {
    case MLT_WHY_NO_SUCH_NAME:
        return TEXT_OUTCOME_NO_SUCH_NAME;
    case MLT_WHY_AWAY:
        return TEXT_OUTCOME_AWAY;
    case MLT_WHY_BUSY:
        return TEXT_OUTCOME_BUSY;
    default:
        return TEXT_OUTCOME_REFUSED;
    }
}

const char *explain_outcome(const struct host *host, const struct mlt_event *event)
{
    const char *why = reason_of_outcome(event);
    const char *id = mlt_connection_id(host->client);
    if (mlt_event_outcome(event) == MLT_OUTCOME_UNKNOWN)
        say_error(TEXT_NOT_KNOWN, mlt_event_peer(event), why, id);
    else
        say_error(TEXT_NOT_DELIVERED, mlt_event_peer(event), why, id);
    return why;
}
