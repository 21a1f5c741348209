/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>

#include "base/timefmt.h"
#include "cmd/explain.h"
#include "cmd/fate.h"
#include "cmd/say.h"
#include "cmd/show.h"
#include "cmd/when.h"

/* malote audit [--json]: what the CA ever issued for this name, and whether its ledger holds. */

struct audit {
    struct host host;
    bool json;
    bool has_head; /* of the table */
    bool is_over;
    struct mlt_audit result;
};

static void clear_audit(struct audit *a)
{
    host_close(&a->host);
}

static const char *whose(const struct mlt_leaf *leaf)
{
    if (leaf->is_own_key)
        return leaf->is_present ? "present" : "own";
    return leaf->is_before_us ? "earlier" : "other";
}

static enum mlt_err put_leaf_json(const struct mlt_leaf *leaf)
{
    char at[TIMEFMT_RFC3339];
    timefmt_rfc3339(leaf->time_s * 1000, at);
    return show_json(json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "type", "leaf", "position",
                               (json_int_t)leaf->position, "issued", at, "serial", leaf->serial,
                               "key", leaf->key, "whose", whose(leaf)));
}

static enum mlt_err put_leaf(struct audit *a, const struct mlt_leaf *leaf)
{
    if (a->json)
        return put_leaf_json(leaf);
    if (!a->has_head)
        TRY(show_line("%s", TEXT_AUDIT_LEAF_HEAD));
    a->has_head = true;
    char at[TIMEFMT_RFC3339];
    char other[128];
    const char *text = leaf->is_present ? TEXT_AUDIT_LEAF_PRESENT : TEXT_AUDIT_LEAF_OWN;
    timefmt_rfc3339(leaf->time_s * 1000, at);
    if (!leaf->is_own_key) {
        snprintf(other, sizeof(other),
                 leaf->is_before_us ? TEXT_AUDIT_LEAF_EARLIER : TEXT_AUDIT_LEAF_OTHER, leaf->key);
        text = other;
    }
    return show_line(TEXT_AUDIT_LEAF, (unsigned long long)leaf->position, at, leaf->serial, text);
}

static enum exit_code on_leaf(struct audit *a, const struct mlt_event *event)
{
    struct mlt_leaf leaf = MLT_LEAF_INIT;
    enum mlt_error error = mlt_event_leaf(event, &leaf);
    if (error != MLT_ERROR_NONE)
        return explain_failure(&a->host, error, 0);
    enum mlt_err err = put_leaf(a, &leaf);
    return err == MLT_OK ? EXIT_DONE : explain_output(err);
}

static enum exit_code on_event(void *ctx, const struct mlt_event *event, bool *done)
{
    struct audit *a = ctx;
    enum mlt_error error = MLT_ERROR_NONE;
    switch (mlt_event_kind(event)) {
    case MLT_EVENT_LOGGED_IN:
        error = mlt_audit(a->host.client);
        break;
    case MLT_EVENT_LEAF:
        return on_leaf(a, event);
    case MLT_EVENT_AUDITED:
        error = mlt_event_audit(event, &a->result);
        *done = a->is_over = true;
        break;
    case MLT_EVENT_OUTCOME:
        fate_earlier(&a->host, event);
        break;
    case MLT_EVENT_REFUSED:
        return explain_refused(&a->host, event);
    case MLT_EVENT_CLOSED:
        return explain_closed(&a->host, event);
    default:
        return explain_lost(&a->host, event);
    }
    return error == MLT_ERROR_NONE ? EXIT_DONE : explain_failure(&a->host, error, 0);
}

/* ---- the verdict ---- */

static const struct {
    enum mlt_audit_fault fault;
    const char *word;
    const char *text;
    bool is_alarm;
} faults[] = {
    { MLT_AUDIT_ROOT, "root", TEXT_AUDIT_ROOT, true },
    { MLT_AUDIT_OTHER_KEY, "other-key", TEXT_AUDIT_OTHER_KEY, true },
    { MLT_AUDIT_EARLIER_KEY, "earlier-key", TEXT_AUDIT_EARLIER_KEY, false },
    { MLT_AUDIT_OWN_ABSENT, "own-absent", TEXT_AUDIT_ABSENT_OWN, true },
    { MLT_AUDIT_SERVER_ABSENT, "server-absent", TEXT_AUDIT_ABSENT_SERVER, true },
    { MLT_AUDIT_UNPROVEN, "unproven", TEXT_AUDIT_UNPROVEN, false },
};

static bool has(const struct audit *a, unsigned fault)
{
    return (a->result.faults & fault) != 0;
}

static enum mlt_err show_result_json(const struct audit *a)
{
    const struct mlt_audit *r = &a->result;
    char at[TIMEFMT_RFC3339];
    char epoch[TIMEFMT_RFC3339];
    timefmt_rfc3339(r->time_s * 1000, at);
    timefmt_rfc3339(r->epoch_s * 1000, epoch);
    json_t *words = json_array();
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        if (has(a, faults[i].fault) &&
            json_array_append_new(words, json_string(faults[i].word)) != 0)
            break;
    }
    return show_json(json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:o}", "type", "audit",
                               "name", mlt_name(a->host.client), "leaves", (json_int_t)r->leaves,
                               "ours", (json_int_t)r->ours, "of_others", (json_int_t)r->of_others,
                               "root", r->root, "time", at, "epoch", epoch, "faults", words));
}

static enum mlt_err show_result(const struct audit *a)
{
    const struct mlt_audit *r = &a->result;
    char at[WHEN_TEXT];
    when_text(r->time_s, at);
    if (!has(a, MLT_AUDIT_ROOT | MLT_AUDIT_UNPROVEN))
        TRY(show_line(TEXT_AUDIT_READ, (unsigned long long)r->leaves, r->root, at));
    if (r->faults != 0)
        return MLT_OK;
    const char *name = mlt_name(a->host.client);
    return r->ours == 1 ? show_line(TEXT_AUDIT_OURS_ONE, name)
                        : show_line(TEXT_AUDIT_OURS, (unsigned long long)r->ours, name);
}

static enum exit_code tell(const struct audit *a)
{
    enum mlt_err err = a->json ? show_result_json(a) : show_result(a);
    if (err != MLT_OK)
        return explain_output(err);
    enum exit_code code = has(a, MLT_AUDIT_UNPROVEN) ? EXIT_REFUSED : EXIT_DONE;
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        if (!has(a, faults[i].fault))
            continue;
        say_error("%s", faults[i].text);
        if (faults[i].is_alarm)
            code = EXIT_TRUST;
    }
    /* A fault that a newer library knows is no lesser one. */
    return a->result.faults >= 2 * MLT_AUDIT_UNPROVEN ? EXIT_TRUST : code;
}

static enum exit_code run_audit(struct audit *a)
{
    const struct mlt_connection wanted = { .kind = MLT_KIND_SEND };
    enum exit_code code = host_connect(&a->host, &wanted);
    if (code != EXIT_DONE)
        return code;
    const struct host_loop loop = {
        .ctx = a, .on_event = on_event, .other_fd = -1, .until_ms = INT64_MAX
    };
    enum host_end end;
    code = host_run(&a->host, &loop, &end);
    if (code == EXIT_DONE && a->is_over)
        code = tell(a);
    else if (code == EXIT_DONE) {
        say_error(TEXT_AUDIT_INTERRUPTED);
        code = EXIT_REFUSED;
    }
    host_finish(&a->host);
    return code;
}

enum exit_code cmd_audit(const struct malote_options *options, int argc, char **argv)
{
    static const struct option known[] = { { "json", no_argument, NULL, 'j' },
                                           { NULL, 0, NULL, 0 } };
    CLEANUP(clear_audit) struct audit a = { .result = MLT_AUDIT_INIT };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c != 'j')
            return malote_wrong_usage(argv[0]);
        a.json = true;
    }
    if (optind != argc)
        return malote_wrong_usage(argv[0]);
    enum exit_code code = host_open_joined(options, &a.host);
    return code == EXIT_DONE ? run_audit(&a) : code;
}
