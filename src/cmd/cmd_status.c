/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <jansson.h>

#include "base/hex.h"
#include "base/timefmt.h"
#include "cmd/enrol.h"
#include "cmd/explain.h"
#include "cmd/say.h"
#include "cmd/show.h"

/* malote status [--json] */

struct status {
    struct host host;
    bool json;
    uint64_t unshown;
    bool logged_in;
};

static void clear_status(struct status *s)
{
    host_close(&s->host);
}

static enum mlt_err show_as_json(const struct status *s)
{
    const struct identity *me = &s->host.identity;
    char fingerprint[2 * HASH_LEN + 1];
    char until[TIMEFMT_RFC3339] = "";
    hex_encode(SPAN_OF(me->key_hash), fingerprint);
    bool joined = me->server.state == SERVER_JOINED;
    if (joined)
        timefmt_rfc3339(me->own.fields.not_after_s * 1000, until);
    return show_json(json_pack("{s:s, s:s, s:s, s:s*, s:s, s:i, s:s, s:s*, s:I, s:b}", "type",
                               "status", "state", server_state_name(me->server.state), "name",
                               me->server.name.text, "realm", joined ? me->ca.fields.realm : NULL,
                               "host", me->server.host, "port", (int)me->server.port, "fingerprint",
                               fingerprint, "not_after", joined ? until : NULL, "unshown",
                               (json_int_t)s->unshown, "logged_in", s->logged_in));
}

static enum mlt_err show_as_text(const struct status *s)
{
    const struct identity *me = &s->host.identity;
    char fingerprint[2 * HASH_LEN + 1];
    char until[TIMEFMT_RFC3339];
    char relative[TIMEFMT_RELATIVE];
    hex_encode(SPAN_OF(me->key_hash), fingerprint);
    int64_t until_ms = me->own.fields.not_after_s * 1000;
    timefmt_rfc3339(until_ms, until);
    timefmt_relative(until_ms, env_wall_ms(env_system()), relative);
    TRY(show_line(TEXT_STATUS_NAME, me->server.name.text, me->ca.fields.realm));
    TRY(show_line(TEXT_STATUS_KEY, fingerprint));
    TRY(show_line(TEXT_STATUS_CERTIFICATE, until, relative));
    TRY(show_line(TEXT_STATUS_SERVER, me->server.host, (unsigned)me->server.port,
                  s->logged_in ? TEXT_STATUS_REACHED : TEXT_STATUS_NOT_REACHED));
    return show_line(TEXT_STATUS_UNSHOWN, (unsigned long long)s->unshown);
}

static enum exit_code show(const struct status *s)
{
    enum mlt_err err = s->json ? show_as_json(s) : show_as_text(s);
    return err == MLT_OK ? EXIT_DONE : explain_output(err);
}

static enum exit_code on_event(void *ctx, const struct client_event *event, bool *done)
{
    struct status *s = ctx;
    *done = true;
    switch (event->kind) {
    case CLIENT_EVENT_LOGGED_IN:
        s->logged_in = true;
        return EXIT_DONE;
    case CLIENT_EVENT_REFUSED:
        return explain_refused(&s->host, event);
    case CLIENT_EVENT_CLOSED:
        return explain_closed(&s->host, event);
    default:
        return explain_lost(&s->host, event);
    }
}

static enum exit_code ask_server(struct status *s)
{
    enum exit_code code = host_connect(&s->host, CLIENT_AUTH_SEND, false, NULL);
    if (code != EXIT_DONE)
        return code;
    const struct host_loop loop = {
        .ctx = s, .on_event = on_event, .other_fd = -1, .until_ms = INT64_MAX
    };
    enum host_end end;
    code = host_run(&s->host, &loop, &end);
    host_say_goodbye(&s->host);
    return code;
}

static enum exit_code status_of_joined(struct status *s)
{
    enum mlt_err err = store_open(&s->host.home, &s->host.store);
    if (err == MLT_OK)
        err = store_count_unshown(s->host.store, NULL, &s->unshown);
    if (err != MLT_OK)
        return explain_store(s->host.home.path, err);
    enum exit_code asked = ask_server(s);
    enum exit_code shown = show(s);
    return asked != EXIT_DONE ? asked : shown;
}

/* The server's answer to the repeated request; join holds the lock while it runs. */
static enum exit_code status_of_joining(struct status *s)
{
    CLEANUP(file_close) int lock = -1;
    enum mlt_err err = home_lock(&s->host.home, &lock);
    if (err != MLT_OK)
        return explain_file(s->host.home.path, err);
    enum exit_code code = enrol_run(&s->host, s->json);
    enum exit_code shown = s->json ? show(s) : EXIT_DONE;
    return code != EXIT_DONE ? code : shown;
}

enum exit_code cmd_status(const struct malote_options *options, int argc, char **argv)
{
    static const struct option known[] = { { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    CLEANUP(clear_status) struct status s = { .host = HOST_CLOSED };
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
    bool joined = s.host.identity.server.state == SERVER_JOINED;
    return joined ? status_of_joined(&s) : status_of_joining(&s);
}
