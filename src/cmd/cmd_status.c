/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <jansson.h>

#include "base/limits.h"
#include "base/timefmt.h"
#include "cmd/authority.h"
#include "cmd/enrol.h"
#include "cmd/explain.h"
#include "cmd/fate.h"
#include "cmd/say.h"
#include "cmd/show.h"

/* malote status [--json]: the login it tries sends what waits, as any does */

struct status {
    struct host host;
    bool json;
    uint64_t unshown;
    uint64_t waiting;
    uint64_t stored; /* ours, by the server */
    uint64_t failed; /* and not dropped from the outbox yet */
    bool logged_in;
    bool refused; /* our certificate, by the server */
    struct mlt_authority authority;
    struct host_loop loop;
};

static void clear_status(struct status *s)
{
    host_close(&s->host);
}

static enum mlt_err show_as_json(const struct status *s)
{
    static const char *const states[] = { [MLT_STATE_JOINING] = "joining",
                                          [MLT_STATE_PENDING] = "pending",
                                          [MLT_STATE_JOINED] = "joined" };
    const struct mlt_client *me = s->host.client;
    char until[TIMEFMT_RFC3339] = "";
    char renews[TIMEFMT_RFC3339] = "";
    bool joined = mlt_state(me) == MLT_STATE_JOINED;
    if (joined) {
        timefmt_rfc3339(mlt_not_after_s(me) * 1000, until);
        timefmt_rfc3339(mlt_renewal_s(me) * 1000, renews);
    }
    return show_json(json_pack(
        "{s:s, s:s, s:s, s:s*, s:s, s:i, s:s, s:s*, s:s*, s:s*, s:o*, s:I, s:I, s:I, s:I, s:b}",
        "type", "status", "state", states[mlt_state(me)], "name", mlt_name(me), "realm",
        joined ? mlt_realm(me) : NULL, "host", mlt_host(me), "port", (int)mlt_port(me),
        "fingerprint", mlt_key_fingerprint(me), "serial", joined ? mlt_serial(me) : NULL,
        "not_after", joined ? until : NULL, "renews", joined ? renews : NULL, "authority",
        joined ? authority_json(&s->authority) : NULL, "unshown", (json_int_t)s->unshown, "outbox",
        (json_int_t)s->waiting, "stored", (json_int_t)s->stored, "failed", (json_int_t)s->failed,
        "logged_in", s->logged_in));
}

static enum mlt_err show_as_text(const struct status *s)
{
    const struct mlt_client *me = s->host.client;
    TRY(show_line(TEXT_STATUS_NAME, mlt_name(me), mlt_realm(me)));
    TRY(show_line(TEXT_STATUS_KEY, mlt_key_fingerprint(me)));
    TRY(show_line(TEXT_STATUS_SERVER, mlt_host(me), mlt_port(me),
                  s->logged_in ? TEXT_STATUS_REACHED : TEXT_STATUS_NOT_REACHED));
    TRY(authority_show(me, &s->authority, s->refused));
    TRY(show_line(TEXT_STATUS_UNSHOWN, (unsigned long long)s->unshown));
    TRY(show_line(TEXT_STATUS_OUTBOX, (unsigned long long)s->waiting,
                  (unsigned long long)s->stored));
    if (s->failed == 0)
        return MLT_OK;
    return show_line(TEXT_STATUS_FAILED, (unsigned long long)s->failed);
}

static enum exit_code show(const struct status *s)
{
    enum mlt_err err = s->json ? show_as_json(s) : show_as_text(s);
    return err == MLT_OK ? EXIT_DONE : explain_output(err);
}

static enum mlt_error count_outbox(struct status *s)
{
    s->waiting = s->stored = s->failed = 0;
    struct mlt_message m = MLT_MESSAGE_INIT;
    bool found = false;
    enum mlt_error error = mlt_next_waiting(s->host.client, 0, &m, &found);
    while (error == MLT_ERROR_NONE && found) {
        if (m.outcome == MLT_OUTCOME_WAITING)
            s->waiting++;
        else if (m.outcome == MLT_OUTCOME_STORED)
            s->stored++;
        else
            s->failed++;
        error = mlt_next_waiting(s->host.client, m.row, &m, &found);
    }
    return error;
}

/* The server tells by itself what became of stored messages, and not when that was all. */
static void stay_for_news(struct status *s)
{
    s->loop.until_ms = host_now_ms() + (s->stored > 0 ? LIMIT_NEWS_MS : 0);
}

static enum exit_code on_event(void *ctx, const struct mlt_event *event, bool *done)
{
    struct status *s = ctx;
    (void)done; /* time ends it, or a failure */
    switch (mlt_event_kind(event)) {
    case MLT_EVENT_LOGGED_IN:
        s->logged_in = true;
        stay_for_news(s);
        return EXIT_DONE;
    case MLT_EVENT_OUTCOME:
        fate_earlier(&s->host, event);
        if (s->logged_in)
            stay_for_news(s);
        return EXIT_DONE;
    case MLT_EVENT_REFUSED:
        s->refused = mlt_event_refusal(event) == MLT_REFUSAL_REVOKED;
        return explain_refused(&s->host, event);
    case MLT_EVENT_CLOSED:
        return explain_closed(&s->host, event);
    default:
        return explain_lost(&s->host, event);
    }
}

static enum exit_code ask_server(struct status *s)
{
    const struct mlt_connection wanted = { .kind = MLT_KIND_SEND };
    enum exit_code code = host_connect(&s->host, &wanted);
    if (code != EXIT_DONE)
        return code;
    s->loop = (struct host_loop) {
        .ctx = s, .on_event = on_event, .other_fd = -1, .until_ms = INT64_MAX
    };
    enum host_end end;
    code = host_run(&s->host, &s->loop, &end);
    host_finish(&s->host);
    return code;
}

/* Logging in sends what waits, so what is counted is counted afterwards. */
static enum exit_code status_of_joined(struct status *s)
{
    enum mlt_error error = count_outbox(s);
    if (error != MLT_ERROR_NONE)
        return explain_store(&s->host, error);
    enum exit_code asked = ask_server(s);
    error = mlt_count_unshown(s->host.client, NULL, &s->unshown);
    if (error == MLT_ERROR_NONE)
        error = count_outbox(s);
    if (error == MLT_ERROR_NONE)
        error = mlt_get_authority(s->host.client, &s->authority);
    if (error != MLT_ERROR_NONE)
        return explain_store(&s->host, error);
    enum exit_code shown = show(s);
    return asked != EXIT_DONE ? asked : shown;
}

/* The server's answer to the repeated request. */
static enum exit_code status_of_joining(struct status *s)
{
    enum exit_code code = enrol_run(&s->host, s->json);
    enum exit_code shown = s->json ? show(s) : EXIT_DONE;
    return code != EXIT_DONE ? code : shown;
}

enum exit_code cmd_status(const struct malote_options *options, int argc, char **argv)
{
    static const struct option known[] = { { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    CLEANUP(clear_status) struct status s = { .authority = MLT_AUTHORITY_INIT };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c != 'j')
            return malote_wrong_usage(argv[0]);
        s.json = true;
    }
    if (optind != argc)
        return malote_wrong_usage(argv[0]);
    enum exit_code code = host_open(options, &s.host);
    if (code != EXIT_DONE)
        return code;
    if (mlt_state(s.host.client) != MLT_STATE_JOINED)
        return status_of_joining(&s);
    code = host_accept_clock(options, &s.host);
    return code == EXIT_DONE ? status_of_joined(&s) : code;
}
