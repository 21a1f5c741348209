/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include "fleet.h"
#include "judge.h"
#include "mail.h"
#include "people.h"
#include "relay/admission.h"
#include "sim.h"

static struct {
    struct router *router;
    uint64_t life;
    bool stopping, leaving;
} server;

/* ---- what the router decides ---- */

static void on_deliver(void *ctx, void *link, const struct envelope *e)
{
    struct line *line = link;
    struct sim_record r = { .kind = SIM_DELIVER, .e = *e };
    const struct judged *m = judge_of(e, &r.index);
    (void)ctx;
    must(line->server && m->recipient == line->person);
    must(people_index(&e->sender.name) == m->sender);
    r.e.epoch = m->epoch; /* what a plant may have made of it was for the router */
    sim_watch(r.index, "delivered to", line);
    line_down(line, &r);
}

static void on_outcome(void *ctx, void *link, const struct outcome *o)
{
    struct line *line = link;
    const struct sim_record r = { .kind = SIM_OUTCOME, .outcome = *o };
    const struct judged *m = judge_of_id(o->id);
    (void)ctx;
    must(line->server && m != NULL && m->sender == line->person);
    sim_watch(judge_index(m), outcome_text(o), line);
    line_down(line, &r);
}

static void close_line(struct line *line, enum close_reason reason)
{
    const struct sim_record r = { .kind = SIM_CLOSE, .close = reason };
    line->route = NULL;
    if (!line->server)
        return;
    line_down(line, &r);
    line_note_server(line, false);
    line_server_hangs_up(line);
}

static void on_end(void *ctx, void *link, enum close_reason reason)
{
    (void)ctx;
    close_line(link, reason);
}

static void answer_forgotten(void *who, uint64_t life)
{
    const struct router_put_result result = { .outcome = { .state = OUTCOME_STORED } };
    if (life == server.life && server.router != NULL)
        router_put_done(server.router, who, &result, sim_now_ms());
}

static void on_put(void *ctx, const struct envelope *e, void *ticket)
{
    (void)ctx;
    if (server.leaving && sim_has(PLANT_FORGET_PUTS_OF_THE_GONE))
        agenda_plan(&sim.agenda, 1, answer_forgotten, ticket, server.life);
    else
        mail_put(e, ticket);
}

static void on_read(void *ctx, void *link, const struct router_read *read)
{
    (void)ctx;
    (void)link;
    mail_read(read);
}

static void on_remove(void *ctx, const struct name *recipient, int64_t row,
                      enum outcome_state state)
{
    (void)ctx;
    mail_remove(recipient, row, state);
}

static void on_tell(void *ctx, const struct router_notice *notice)
{
    (void)ctx;
    mail_tell(notice);
}

static void on_noted(void *ctx, const struct name *sender, const struct noted *noted)
{
    (void)ctx;
    mail_noted(sender, noted);
}

static void on_read_notices(void *ctx, const struct router_read_notices *read)
{
    (void)ctx;
    mail_read_notices(read);
}

/* ---- the process ---- */

static void tick(void *who, uint64_t life)
{
    (void)who;
    if (life != server.life || server.router == NULL)
        return;
    sim.events++;
    router_tick(server.router, sim_now_ms());
    router_expire(server.router, env_mono_ms(&sim.env));
    mail_tick();
    server_check();
    agenda_plan(&sim.agenda, 250 * MS, tick, NULL, life);
}

void server_begin(void)
{
    const struct router_out out = { .deliver = on_deliver,
                                    .outcome = on_outcome,
                                    .end = on_end,
                                    .put = on_put,
                                    .read = on_read,
                                    .remove = on_remove,
                                    .tell = on_tell,
                                    .noted = on_noted,
                                    .read_notices = on_read_notices };
    if (server.router != NULL)
        return;
    must_ok(router_new(&sim.env, &out, &server.router));
    server.life++;
    server.stopping = server.leaving = false;
    for (unsigned i = 0; i < people_count(); i++) {
        const struct name name = people_name(i);
        must_ok(router_member(server.router, &name));
    }
    mail_begin(server.router);
    agenda_plan(&sim.agenda, 250 * MS, tick, NULL, server.life);
}

void server_crash(void)
{
    if (server.router == NULL)
        return;
    mail_lose();
    router_free(&server.router);
    line_server_dies();
}

static void leave_at_last(void *who, uint64_t life)
{
    (void)who;
    if (life != server.life || server.router == NULL)
        return;
    server.leaving = false;
    if (router_putting(server.router) > 0 && !sim.healed && dice_below(&sim.dice, 200) > 0)
        agenda_plan(&sim.agenda, 10 * MS, leave_at_last, NULL, life);
    else
        server_crash();
}

void server_stop(void)
{
    if (server.router == NULL || server.stopping)
        return;
    server.stopping = true;
    router_stop(server.router);
    agenda_plan(&sim.agenda, 10 * MS, leave_at_last, NULL, server.life);
}

void server_clear(void)
{
    router_free(&server.router);
    memset(&server, 0, sizeof(server));
}

bool server_is_up(void)
{
    return server.router != NULL && !server.stopping;
}

/* ---- certificates ---- */

static int64_t ends_ms(const struct cert *cert)
{
    return env_mono_ms(&sim.env) + cert->fields.not_after_s * 1000 - sim_now_ms();
}

/* What Welcome says. */
static void admit(const struct line *line, struct renewed *answer)
{
    *answer = (struct renewed) { .result = WELCOME_LOGGED_IN };
    if (!sim.fleet)
        return;
    const struct cert *cert = &fleet_certificate(line->person, line->generation)->cert;
    struct welcome w;
    bool is_over = sim_now_ms() / 1000 >= cert->fields.not_after_s;
    const struct admission_facts facts = { .verdict = is_over ? MLT_ERR_CERT_EXPIRED : MLT_OK,
                                           .revoked = router_is_revoked(server.router, cert) };
    admission_login(&facts, sim_now_ms(), &w);
    *answer = (struct renewed) { .result = w.result, .reason = w.reason };
}

static bool is_mine(const struct line *line)
{
    return server.router != NULL && line->server && line->server_life == server.life &&
           (line->route != NULL || line->only_renews);
}

static void extend(struct line *line, uint64_t generation)
{
    const struct cert *cert = &fleet_certificate(line->person, generation)->cert;
    line->generation = generation;
    if (line->route == NULL || sim_has(PLANT_END_NOT_EXTENDED))
        return;
    must_ok(router_renewed(server.router, line->route, cert, ends_ms(cert)));
    must(router_is_of(line->route, cert->fields.serial));
}

static void be_busy(struct renewed *answer)
{
    fleet_figures()->busy++;
    admission_renew_busy(answer);
}

/* The ca's process answers, or is not there. */
static void answer_renewal(void *who, uint64_t life)
{
    struct line *line = who;
    struct sim_record r = { .kind = SIM_RENEWED };
    struct fleet_answer answer = { 0 };
    if (life != server.life || !is_mine(line))
        return;
    sim.events++;
    if (fleet_ca_is_up())
        fleet_renew(line->person, line->generation, &answer);
    else
        be_busy(&answer.renewed);
    line->renews = false;
    if (answer.renewed.result == WELCOME_ISSUED)
        extend(line, answer.generation);
    r.renewed = answer.renewed;
    r.generation = answer.generation;
    line_down(line, &r);
    if (line->only_renews)
        close_line(line, CLOSE_DONE);
}

static void take_renew(struct line *line, const struct sim_record *record)
{
    must(record->generation == line->generation); /* over the session's serial */
    must(!line->renews);                          /* one at a time */
    line->renews = true;
    agenda_plan(&sim.agenda, 1 * MS + (int64_t)dice_below(&sim.dice, 50 * MS), answer_renewal, line,
                server.life);
}

/* ---- records ---- */

static void join(struct line *line, enum client_auth_kind kind)
{
    struct cert cert = { .fields = { .role = CERT_CLIENT } };
    struct route_facts facts = { .kind = kind, .cert = &cert, .link = line, .ends_ms = INT64_MAX };
    cert.fields.name = people_name(line->person);
    cert.fields.serial[0] = (uint8_t)(1 + line->person);
    cert.spki_hash[0] = (uint8_t)(1 + line->person);
    if (sim.fleet) {
        facts.cert = &fleet_certificate(line->person, line->generation)->cert;
        facts.ends_ms = ends_ms(facts.cert);
    }
    must_ok(router_join(server.router, &facts, &line->route));
}

static void log_in(struct line *line, const struct sim_record *record)
{
    const struct name name = people_name(line->person);
    struct sim_record welcome = { .kind = SIM_WELCOME };
    if (!server_is_up() || !router_has_room(server.router, &name)) {
        line_server_hangs_up(line);
        return;
    }
    line->generation = record->generation;
    admit(line, &welcome.renewed);
    line->only_renews = welcome.renewed.result == WELCOME_RENEW;
    line_note_server(line, true);
    line->server_life = server.life;
    line_down(line, &welcome);
    if (!line->only_renews)
        join(line, record->login);
}

static void take_send(const struct line *line, const struct sim_record *record)
{
    struct judged *m = judge_at(record->index);
    struct envelope e = record->e;
    must(m->sender == line->person);
    m->epoch = e.epoch;
    m->number = e.number;
    sim_watch(record->index, "sent by", line);
    m->time_ms = sim_now_ms();
    e.body = judge_body(record->index, m->bytes);
    /* The router then sees streams of one message each. */
    if (sim_has(PLANT_NO_GOING_BACK))
        e.epoch ^= e.number << 32;
    router_send(server.router, line->route, &e, sim_now_ms());
}

void server_receive(struct line *line, const struct sim_record *record)
{
    if (record->kind == SIM_LOGIN) {
        log_in(line, record);
        return;
    }
    if (!is_mine(line))
        return;
    must(record->kind == SIM_RENEW || !line->only_renews);
    switch (record->kind) {
    case SIM_RENEW:
        take_renew(line, record);
        break;
    case SIM_SEND:
        take_send(line, record);
        break;
    case SIM_RECEIPT:
        sim_watch(judge_index(judge_of_id(record->receipt.id)), "receipt of", line);
        must_ok(router_receipt(server.router, line->route, &record->receipt, sim_now_ms()));
        break;
    case SIM_NOTED:
        router_noted(server.router, line->route, &record->noted);
        break;
    default:
        must(false);
    }
}

void server_lost(struct line *line)
{
    if (is_mine(line)) {
        server.leaving = true;
        router_leave(server.router, line->route);
        server.leaving = false;
    }
    line->route = NULL;
    line_note_server(line, false);
}

static void drop_slow(void *who, uint64_t life)
{
    struct line *line = who;
    if (life != server.life || !is_mine(line))
        return;
    router_leave(server.router, line->route);
    close_line(line, CLOSE_SLOW);
}

void server_drop_slow(struct line *line)
{
    if (is_mine(line))
        agenda_plan(&sim.agenda, 0, drop_slow, line, server.life);
}

/* ---- what holds at any time ---- */

void server_check(void)
{
    if (server.router == NULL)
        return;
    size_t memory = router_memory(server.router);
    size_t most = people_count() * ROUTER_RECIPIENT_MOST +
                  router_putting(server.router) * (size_t)ROUTER_FLIGHT_MOST;
    must(memory <= most);
}

bool server_is_quiet(void)
{
    return server.router != NULL && router_in_flight(server.router) == 0 &&
           router_sessions(server.router) == line_open_count() &&
           router_sessions(server.router) == people_connected();
}
