/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <stdio.h>

#include "pair.h"
#include "protocol/actions.h"

/*
 * The table of legal steps, walked: every (role, state, event) against the machine itself, and
 * every path from the start.  With --paths the program prints the paths for PROTOCOL.md; with
 * --compare FILE it compares them with what stands there between the markers.
 */

static const char *const role_names[] = { [HS_CLIENT] = "CLIENT", [HS_SERVER] = "SERVER" };
static const enum hs_state starts[] = {
    [HS_CLIENT] = HS_STATE_WAIT_SERVER_HELLO, [HS_SERVER] = HS_STATE_START
};

static bool is_end(enum hs_role role, enum hs_state state)
{
    for (unsigned event = 0; event < hs_event_count(); event++)
        if (hs_step_find(role, state, (enum hs_event)event) != NULL)
            return false;
    return true;
}

/* Depth first, in the order of the events; a loop would not end, so its length is bounded. */
static void put_paths(enum hs_role role, enum hs_state state, const char *before, struct buf *out)
{
    assert_true(strlen(before) < 900);
    if (is_end(role, state)) {
        assert_ok(buf_put_format(out, "%s\n", before));
        return;
    }
    for (unsigned event = 0; event < hs_event_count(); event++) {
        const struct hs_step *step = hs_step_find(role, state, (enum hs_event)event);
        if (step == NULL)
            continue;
        char path[1024];
        snprintf(path, sizeof(path), "%s -%s-> %s", before, hs_event_name(step->event),
                 hs_state_name(step->next));
        put_paths(role, step->next, path, out);
    }
}

static void put_all_paths(struct buf *out)
{
    for (int role = HS_CLIENT; role <= HS_SERVER; role++) {
        char path[64];
        snprintf(path, sizeof(path), "%s: %s", role_names[role], hs_state_name(starts[role]));
        put_paths((enum hs_role)role, starts[role], path, out);
    }
}

#define OPEN_C  "CLIENT: WAIT_SERVER_HELLO"
#define HELLO_C OPEN_C " -SERVER_HELLO-> EPHEMERAL -WORK-> WAIT_SERVER_AUTH"
#define AUTH_C  HELLO_C " -SERVER_AUTH-> DERIVE -WORK-> VERIFY -WORK-> SIGN -WORK-> WAIT_RECORD"
#define OPEN_S  "SERVER: START -BEGIN-> WAIT_CLIENT_HELLO"
#define HELLO_S OPEN_S " -CLIENT_HELLO-> EPHEMERAL"
#define GIVEN_S HELLO_S " -GIVEN-> DERIVE -WORK-> SIGN -WORK-> WAIT_CLIENT_AUTH"
#define MADE_S  HELLO_S " -WORK-> DERIVE -WORK-> SIGN -WORK-> WAIT_CLIENT_AUTH"
#define AUTH_S  " -CLIENT_AUTH-> VERIFY -WORK-> VERIFIED"

/* Written by hand, once: the second model that the table is held against. */
static const char all_paths[] = HELLO_C
    " -PLAIN_ALERT-> FAILED\n" AUTH_C " -RECORD-> SESSION -TAKE-> OVER\n" AUTH_C
    " -SEALED_ALERT-> FAILED\n" OPEN_C " -PLAIN_ALERT-> FAILED\n" GIVEN_S AUTH_S
    " -LOGIN-> SESSION -TAKE-> OVER\n" GIVEN_S AUTH_S
    " -ENROL-> ISSUE -ISSUED-> SESSION -TAKE-> OVER\n" GIVEN_S
    " -SEALED_ALERT-> FAILED\n" MADE_S AUTH_S " -LOGIN-> SESSION -TAKE-> OVER\n" MADE_S AUTH_S
    " -ENROL-> ISSUE -ISSUED-> SESSION -TAKE-> OVER\n" MADE_S " -SEALED_ALERT-> FAILED\n" OPEN_S
    " -PLAIN_ALERT-> FAILED\n";

static void sort_lines(struct span text, struct buf *sorted)
{
    struct span lines[64];
    size_t count = 0;
    while (text.n > 0) {
        size_t n = 0;
        while (n < text.n && text.p[n] != '\n')
            n++;
        size_t at = count++;
        assert_true(count < COUNT_OF(lines) && n < text.n);
        for (; at > 0 && span_cmp(lines[at - 1], span_of(text.p, n + 1)) > 0; at--)
            lines[at] = lines[at - 1];
        lines[at] = span_of(text.p, n + 1);
        text = span_from(text, n + 1);
    }
    for (size_t i = 0; i < count; i++)
        assert_ok(buf_put(sorted, lines[i]));
}

static void the_paths_are_these_and_no_others(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf paths = { 0 };
    CLEANUP(buf_clear) struct buf sorted = { 0 };
    CLEANUP(buf_clear) struct buf wanted = { 0 };
    put_all_paths(&paths);
    sort_lines(buf_span(&paths), &sorted);
    sort_lines(span_str(all_paths), &wanted);
    assert_ok(buf_put_u8(&sorted, 0));
    assert_ok(buf_put_u8(&wanted, 0));
    assert_string_equal((const char *)sorted.p, (const char *)wanted.p);
}

static void every_row_is_on_a_path_and_none_comes_twice(void **state)
{
    (void)state;
    bool reached[2][32] = { 0 };
    size_t count = 0;
    const struct hs_step *steps = hs_steps(&count);
    assert_true(hs_state_count() < 32);
    reached[HS_CLIENT][starts[HS_CLIENT]] = true;
    reached[HS_SERVER][starts[HS_SERVER]] = true;
    for (size_t round = 0; round < count; round++)
        for (size_t i = 0; i < count; i++)
            if (reached[steps[i].role][steps[i].state])
                reached[steps[i].role][steps[i].next] = true;
    for (size_t i = 0; i < count; i++) {
        assert_true(reached[steps[i].role][steps[i].state]);
        /* The first row that is found is the only one. */
        assert_ptr_equal(hs_step_find(steps[i].role, steps[i].state, steps[i].event), &steps[i]);
    }
}

static void the_zero_state_is_the_safe_one(void **state)
{
    (void)state;
    assert_int_equal(HS_STATE_FAILED, 0);
    assert_int_equal(HS_WANT_NOTHING, 0);
    assert_int_equal(hs_state_want(HS_STATE_FAILED), HS_WANT_NOTHING);
    assert_true(is_end(HS_CLIENT, HS_STATE_FAILED));
    assert_true(is_end(HS_SERVER, HS_STATE_FAILED));
}

/* One step of one end, whatever it wants; false if it waits for what is not there. */
static bool advance(struct handshake *hs, struct buf *in, struct buf *out)
{
    size_t used = 0;
    switch (hs_want(hs)) {
    case HS_WANT_INPUT:
        assert_ok(hs_input(hs, buf_span(in), &used, out));
        buf_drop(in, used);
        return used > 0;
    case HS_WANT_ISSUE:
        assert_ok(hs_issued(hs));
        return true;
    case HS_WANT_NOTHING:
    case HS_WANT_SESSION:
        return false;
    default:
        hs_work(hs);
        assert_ok(hs_worked(hs, out));
        return true;
    }
}

/* The first record, as the session of the server would send it. */
static void put_record(struct buf *out)
{
    uint8_t frame[FRAME_HEADER + 33] = { FRAME_RECORD, 0, 0, 33 };
    assert_ok(buf_put(out, SPAN_OF(frame)));
}

static struct handshake *end_of(struct pair *p, enum hs_role role)
{
    return role == HS_SERVER ? p->server : p->client;
}

/* Brings that end into that state by an honest run; false where no run leads there. */
static bool reach(struct pair *p, enum hs_role role, enum hs_state wanted)
{
    struct hs_result result = { 0 };
    pair_init(p, wanted == HS_STATE_ISSUE ? CLIENT_AUTH_ENROL : CLIENT_AUTH_RECEIVE);
    assert_ok(hs_server_new(&p->server_config, &p->server));
    assert_ok(hs_client_new(&p->client_config, &p->client));
    struct handshake *hs = end_of(p, role);
    if (hs->state == wanted)
        return true;
    assert_ok(hs_begin(p->server, &p->to_client));
    for (int i = 0; i < 100 && hs->state != wanted; i++) {
        bool moved = role == HS_SERVER ? advance(p->server, &p->to_server, &p->to_client)
                                       : advance(p->client, &p->to_client, &p->to_server);
        if (moved || hs->state == wanted)
            continue;
        moved = role == HS_SERVER ? advance(p->client, &p->to_client, &p->to_server)
                                  : advance(p->server, &p->to_server, &p->to_client);
        if (!moved && hs->state == HS_STATE_WAIT_RECORD)
            put_record(&p->to_client);
    }
    if (wanted == HS_STATE_OVER) {
        assert_ok(hs_take_result(hs, &result));
        hs_result_clear(&result);
    }
    if (wanted == HS_STATE_FAILED) {
        CLEANUP(buf_clear) struct buf alert = { 0 };
        hs_abort(hs, ALERT_TIMEOUT, &alert);
    }
    return hs->state == wanted;
}

/* Whole frames of another run: of the right type and form. */
static struct buf frames[32];

static void keep_frames(void)
{
    struct pair p;
    const uint8_t plain_alert[] = { FRAME_ALERT, 0, 0, 1, ALERT_BUSY };
    const uint8_t sealed_alert[FRAME_HEADER + 33] = { FRAME_ALERT, 0, 0, 33 };
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    assert_ok(buf_put(&frames[HS_EVENT_SERVER_HELLO], buf_span(&p.to_client)));
    pair_run_to(&p, FRAME_CLIENT_HELLO);
    assert_ok(buf_put(&frames[HS_EVENT_CLIENT_HELLO], buf_span(&p.to_server)));
    assert_ok(pair_move_server(&p));
    assert_ok(buf_put(&frames[HS_EVENT_SERVER_AUTH], buf_span(&p.to_client)));
    assert_ok(pair_move_client(&p));
    assert_ok(buf_put(&frames[HS_EVENT_CLIENT_AUTH], buf_span(&p.to_server)));
    put_record(&frames[HS_EVENT_RECORD]);
    assert_ok(buf_put(&frames[HS_EVENT_PLAIN_ALERT], SPAN_OF(plain_alert)));
    assert_ok(buf_put(&frames[HS_EVENT_SEALED_ALERT], SPAN_OF(sealed_alert)));
    pair_clear(&p);
}

/* What the peer may cause: a frame that is not in the table is an alert and the end. */
static void try_frame(struct handshake *hs, const struct hs_step *row, enum hs_event event)
{
    CLEANUP(buf_clear) struct buf out = { 0 };
    enum hs_state before = hs->state;
    size_t used = 0;
    enum mlt_err err = hs_input(hs, buf_span(&frames[event]), &used, &out);
    if (hs_state_want(before) != HS_WANT_INPUT) {
        assert_null(row);
        assert_err(err, MLT_ERR_STATE);
        assert_int_equal(hs->state, before);
    } else if (row == NULL) {
        assert_err(err, MLT_ERR_UNEXPECTED);
        assert_int_equal(hs->state, HS_STATE_FAILED);
        assert_true(out.len > 0);
    } else if (err == MLT_OK) {
        assert_int_equal(hs->state, row->next);
    } else {
        /* Another run's: legal here, but not authentic; or an alert. */
        assert_true(err == MLT_ERR_AUTH || err == MLT_ERR_ALERT);
        assert_int_equal(hs->state, HS_STATE_FAILED);
    }
}

/* What the owner may do: out of turn it is his mistake, and changes nothing. */
static void try_call(struct handshake *hs, const struct hs_step *row, enum hs_event event)
{
    CLEANUP(buf_clear) struct buf out = { 0 };
    enum hs_state before = hs->state;
    enum mlt_err err = MLT_OK;
    EVP_PKEY *key = NULL;
    struct hs_result result = { 0 };
    switch (event) {
    case HS_EVENT_BEGIN:
        err = hs_begin(hs, &out);
        break;
    case HS_EVENT_GIVEN:
        assert_ok(dh_key_new(DH_FFDHE2048, &key));
        err = hs_give_ephemeral(hs, &key);
        assert_int_equal(key == NULL, err == MLT_OK);
        dh_key_free(&key);
        break;
    case HS_EVENT_WORK:
        hs_work(hs);
        err = hs_worked(hs, &out);
        break;
    case HS_EVENT_ISSUED:
        err = hs_issued(hs);
        break;
    default:
        err = hs_take_result(hs, &result);
        hs_result_clear(&result);
        break;
    }
    assert_err(err, row != NULL ? MLT_OK : MLT_ERR_STATE);
    enum hs_state then = row == NULL ? before : row->next;
    assert_int_equal(hs->state, then == HS_STATE_VERIFIED ? HS_STATE_SESSION : then);
}

static bool is_frame(enum hs_event event)
{
    return frames[event].len > 0;
}

static void the_machine_obeys_the_table_in_every_state(void **state)
{
    (void)state;
    keep_frames();
    size_t tried = 0;
    for (int role = HS_CLIENT; role <= HS_SERVER; role++) {
        for (unsigned s = 0; s < hs_state_count(); s++) {
            for (unsigned event = 0; event < hs_event_count(); event++) {
                CLEANUP(pair_clear) struct pair p;
                const struct hs_step *row =
                    hs_step_find((enum hs_role)role, (enum hs_state)s, (enum hs_event)event);
                if (!reach(&p, (enum hs_role)role, (enum hs_state)s))
                    break;
                /* LOGIN and ENROL are the machine's own: no call, no frame brings them. */
                if (event == HS_EVENT_LOGIN || event == HS_EVENT_ENROL)
                    continue;
                tried++;
                if (is_frame((enum hs_event)event))
                    try_frame(end_of(&p, (enum hs_role)role), row, (enum hs_event)event);
                else
                    try_call(end_of(&p, (enum hs_role)role), row, (enum hs_event)event);
            }
        }
    }
    /* Client: 10 states can be stood in; server: 11; each with 12 events from outside. */
    assert_int_equal(tried, (10 + 11) * 12);
    for (size_t i = 0; i < COUNT_OF(frames); i++)
        buf_clear(&frames[i]);
}

static int print_paths(void)
{
    CLEANUP(buf_clear) struct buf paths = { 0 };
    put_all_paths(&paths);
    fwrite(paths.p, 1, paths.len, stdout);
    return 0;
}

/* PROTOCOL.md holds the lines in a code block between its markers. */
static int compare_paths(const char *file)
{
    static char text[1 << 20];
    CLEANUP(buf_clear) struct buf paths = { 0 };
    const char *want = NULL;
    FILE *f = fopen(file, "r");
    if (f == NULL)
        return 2;
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    put_all_paths(&paths);
    if (buf_text(&paths, &want) != MLT_OK)
        return 2;
    const char *from = strstr(text, "<!-- paths -->");
    const char *found = from != NULL ? strstr(from, want) : NULL;
    const char *until = from != NULL ? strstr(from + 1, "<!-- /paths -->") : NULL;
    bool same = found != NULL && until != NULL && found < until;
    printf("%s: the paths are %s\n", file, same ? "those of the table" : "not those of the table");
    return same ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--paths") == 0)
        return print_paths();
    if (argc == 3 && strcmp(argv[1], "--compare") == 0)
        return compare_paths(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_paths_are_these_and_no_others),
        cmocka_unit_test(every_row_is_on_a_path_and_none_comes_twice),
        cmocka_unit_test(the_zero_state_is_the_safe_one),
        cmocka_unit_test(the_machine_obeys_the_table_in_every_state),
    };
    return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
