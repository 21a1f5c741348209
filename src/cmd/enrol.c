/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/enrol.h"

#include "base/env.h"
#include "cmd/explain.h"
#include "cmd/say.h"
#include "cmd/show.h"
#include "cmd/when.h"

struct enrolment {
    struct host *host;
    bool quiet;
};

/* The one that this key had, which is past its end: another way than a login leads nowhere. */
static enum exit_code explain_over(const struct mlt_client *me)
{
    char until[WHEN_TEXT];
    when_text(mlt_not_after_s(me), until);
    say_error(TEXT_JOINED_OVER, mlt_name(me), until, mlt_name(me));
    return EXIT_TRUST;
}

static enum exit_code on_issued(const struct enrolment *e)
{
    if (mlt_not_after_s(e->host->client) <= env_wall_ms(env_system()) / 1000)
        return explain_over(e->host->client);
    if (e->quiet)
        return EXIT_DONE;
    const struct mlt_client *me = e->host->client;
    enum mlt_err err = show_line(TEXT_JOINED, mlt_name(me), mlt_realm(me), mlt_host(me),
                                 mlt_port(me), mlt_key_fingerprint(me));
    return err == MLT_OK ? EXIT_DONE : explain_output(err);
}

static enum exit_code on_pending(const struct enrolment *e)
{
    const struct mlt_client *me = e->host->client;
    say_error(TEXT_PENDING, mlt_name(me));
    if (e->quiet)
        return EXIT_REFUSED;
    enum mlt_err err = show_line(TEXT_PENDING_FINGERPRINT, mlt_name(me), mlt_key_fingerprint(me));
    return err == MLT_OK ? EXIT_REFUSED : explain_output(err);
}

static enum exit_code on_event(void *ctx, const struct mlt_event *event, bool *done)
{
    const struct enrolment *e = ctx;
    *done = true;
    switch (mlt_event_kind(event)) {
    case MLT_EVENT_ISSUED:
        return on_issued(e);
    case MLT_EVENT_PENDING:
        return on_pending(e);
    case MLT_EVENT_REFUSED:
        return explain_refused(e->host, event);
    case MLT_EVENT_CLOSED:
        return explain_closed(e->host, event);
    default:
        return explain_lost(e->host, event);
    }
}

enum exit_code enrol_run(struct host *host, bool quiet)
{
    struct enrolment e = { host, quiet };
    enum exit_code code = host_connect(host, &(struct mlt_connection) { .kind = MLT_KIND_JOIN });
    if (code != EXIT_DONE)
        return code;
    const struct host_loop loop = {
        .ctx = &e, .on_event = on_event, .other_fd = -1, .until_ms = INT64_MAX
    };
    enum host_end end;
    code = host_run(host, &loop, &end);
    if (end == HOST_END_SIGNAL) {
        say_error(TEXT_JOIN_INTERRUPTED);
        code = EXIT_REFUSED;
    }
    host_say_goodbye(host);
    return code;
}
