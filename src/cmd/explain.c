/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/explain.h"

#include <errno.h>
#include <string.h>

#include "base/timefmt.h"
#include "cmd/say.h"

static const char *reason(enum mlt_err err)
{
    return err == MLT_ERR_SYSTEM ? strerror(errno) : err_text(err);
}

enum exit_code explain_file(const char *path, enum mlt_err err)
{
    say_error(TEXT_FILE_FAILED, path, reason(err));
    return EXIT_LOCAL;
}

enum exit_code explain_store(const char *home, enum mlt_err err)
{
    say_error(TEXT_STORE_FAILED, home, reason(err));
    return EXIT_LOCAL;
}

enum exit_code explain_identity(const char *home, enum mlt_err err)
{
    if (err == MLT_ERR_PASSPHRASE) {
        say_error(TEXT_PASSPHRASE_WRONG, home);
        return EXIT_TRUST;
    }
    say_error(TEXT_IDENTITY_UNUSABLE, home, reason(err));
    return err_fault(err) == FAULT_PEER ? EXIT_TRUST : EXIT_LOCAL;
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

static void say_clock(const struct host *host, enum mlt_err err, const char *id)
{
    char now[TIMEFMT_RFC3339];
    timefmt_rfc3339(env_wall_ms(env_system()), now);
    say_error(TEXT_SERVER_CERT_TIME, host->identity.server.host, err_text(err), now, id);
}

static void say_unreachable(const struct host *host)
{
    const struct server_file *server = &host->identity.server;
    const char *detail = host->client != NULL ? client_detail(host->client) : "";
    say_error(TEXT_UNREACHABLE, server->host, (unsigned)server->port,
              detail[0] != '\0' ? detail : err_text(MLT_ERR_UNREACHABLE));
}

static void say_lost(const struct host *host, const struct client_event *event, const char *id)
{
    const char *server = host->identity.server.host;
    switch (event->err) {
    case MLT_ERR_UNREACHABLE:
        say_unreachable(host);
        return;
    case MLT_ERR_CUT:
    case MLT_ERR_TIMEOUT:
        say_error(TEXT_LOST, server, err_text(event->err), id);
        return;
    case MLT_ERR_ALERT:
        say_error(TEXT_ALERTED, server, alert_text(event->alert), id);
        return;
    case MLT_ERR_PIN:
        say_error(TEXT_SERVER_PIN, server, id);
        return;
    case MLT_ERR_GROUP:
        say_error(TEXT_SERVER_GROUP, server, id);
        return;
    case MLT_ERR_CERT_EXPIRED:
    case MLT_ERR_CERT_NOT_YET:
        say_clock(host, event->err, id);
        return;
    default:
        break;
    }
    if (err_fault(event->err) == FAULT_PEER)
        say_error(TEXT_SERVER_REFUSED, server, err_text(event->err), id);
    else
        say_error(TEXT_LOCAL_FAILURE, host->home.path, reason(event->err), id);
}

enum exit_code explain_lost(const struct host *host, const struct client_event *event)
{
    say_lost(host, event, host->client != NULL ? client_id(host->client) : "--------");
    return exit_of_err(event->err);
}

static const char *advice(enum refusal refusal)
{
    switch (refusal) {
    case REFUSAL_NAME_TAKEN:
        return TEXT_ADVICE_NAME_TAKEN;
    case REFUSAL_NAME_RESERVED:
        return TEXT_ADVICE_NAME_RESERVED;
    case REFUSAL_INVITE:
    case REFUSAL_INVITE_NEEDED:
        return TEXT_ADVICE_INVITE;
    case REFUSAL_EXPIRED:
    case REFUSAL_REVOKED:
        return TEXT_ADVICE_REISSUE;
    case REFUSAL_NOT_YET:
        return TEXT_ADVICE_CLOCK;
    case REFUSAL_BUSY:
        return TEXT_ADVICE_LATER;
    default:
        return TEXT_ADVICE_ADMIN;
    }
}

enum exit_code explain_refused(const struct host *host, const struct client_event *event)
{
    const struct server_file *server = &host->identity.server;
    say_error(TEXT_REFUSED, server->host, server->name.text, refusal_text(event->refusal),
              advice(event->refusal), client_id(host->client));
    return EXIT_REFUSED;
}

enum exit_code explain_closed(const struct host *host, const struct client_event *event)
{
    say_error(TEXT_CLOSED, host->identity.server.host, close_reason_text(event->close),
              client_id(host->client));
    bool stays = event->close == CLOSE_REPLACED || event->close == CLOSE_REVOKED ||
                 event->close == CLOSE_EXPIRED;
    return stays ? EXIT_REFUSED : EXIT_UNREACHABLE;
}

const char *explain_outcome(const struct client_event *event)
{
    if (event->outcome.state == OUTCOME_UNKNOWN)
        return event->err == MLT_OK ? TEXT_OUTCOME_UNKNOWN : TEXT_OUTCOME_LOST;
    switch (event->outcome.reason) {
    case OUTCOME_REASON_NO_SUCH_NAME:
        return TEXT_OUTCOME_NO_SUCH_NAME;
    case OUTCOME_REASON_AWAY:
        return TEXT_OUTCOME_AWAY;
    case OUTCOME_REASON_BUSY:
        return TEXT_OUTCOME_BUSY;
    default:
        return TEXT_OUTCOME_REFUSED;
    }
}
