/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/env.h"
#include "base/timefmt.h"
#include "cmd/explain.h"
#include "cmd/say.h"
#include "cmd/show.h"

/* malote contacts */

static void when(int64_t wall_ms, int64_t now_ms, char out[static TIMEFMT_RELATIVE])
{
    if (wall_ms == 0)
        snprintf(out, TIMEFMT_RELATIVE, "%s", TEXT_CONTACT_NEVER);
    else if (now_ms - wall_ms < 1000) /* also when the server's clock is ahead of ours */
        snprintf(out, TIMEFMT_RELATIVE, "%s", TEXT_CONTACT_NOW);
    else
        timefmt_relative(wall_ms, now_ms, out);
}

static enum exit_code show_all(const struct host *host)
{
    int64_t now_ms = env_wall_ms(env_system());
    struct mlt_contact c = MLT_CONTACT_INIT;
    bool found = false;
    enum mlt_error error = mlt_next_contact(host->client, NULL, &c, &found);
    if (error == MLT_ERROR_NONE && !found) /* not on stdout: a program reads names there */
        say_notice(TEXT_CONTACTS_NONE);
    while (error == MLT_ERROR_NONE && found) {
        char received[TIMEFMT_RELATIVE];
        char reached[TIMEFMT_RELATIVE];
        when(c.received_ms, now_ms, received);
        when(c.reached_ms, now_ms, reached);
        enum mlt_err written = show_line(TEXT_CONTACT, c.name, received, reached);
        if (written != MLT_OK)
            return explain_output(written);
        error = mlt_next_contact(host->client, c.name, &c, &found);
    }
    return error == MLT_ERROR_NONE ? EXIT_DONE : explain_store(host, error);
}

enum exit_code cmd_contacts(const struct malote_options *options, int argc, char **argv)
{
    if (argc != 1)
        return malote_wrong_usage(argv[0]);
    CLEANUP(host_close) struct host host = { 0 };
    enum exit_code code = host_open_joined(options, &host);
    return code == EXIT_DONE ? show_all(&host) : code;
}
