/* SPDX-License-Identifier: Apache-2.0 */
#include "people.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "chaos.h"
#include "client/courier.h"
#include "client/renewal.h"
#include "fleet.h"
#include "judge.h"
#include "sim.h"

#define SLOTS 4 /* processes of one home; the first receives */

struct process {
    unsigned person, slot;
    bool runs, is_in;
    bool dies; /* within what it is just doing */
    enum client_auth_kind kind;
    struct store *store;
    struct courier *courier;
    struct line *line;
    int64_t paused_until, wake_at;
    uint64_t life;
    struct renewal renewal;
    uint64_t generation; /* of the certificate its session stands on */
    uint32_t refused_s;  /* what the server said of it when it was busy */
};

struct person {
    struct home home;
    struct process processes[SLOTS];
    bool away;
    struct process *turns[PEOPLE_STREAMS];
};

static struct person people[PEOPLE_MOST];
static unsigned count;

unsigned people_count(void)
{
    return count;
}

struct name people_name(unsigned i)
{
    struct name name = { 0 };
    snprintf(name.text, sizeof(name.text), "p%02u", i % 100);
    return name;
}

unsigned people_index(const struct name *name)
{
    must(name->text[0] == 'p');
    return (unsigned)(10 * (name->text[1] - '0') + (name->text[2] - '0'));
}

const struct home *people_home(unsigned i)
{
    return &people[i].home;
}

size_t people_connected(void)
{
    size_t n = 0;
    for (unsigned i = 0; i < count; i++)
        for (unsigned s = 0; s < SLOTS; s++)
            n += people[i].processes[s].is_in;
    return n;
}

uint64_t people_waiting(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t waiting = 0;
        must(people[i].processes[0].runs);
        must_ok(store_outbox_count(people[i].processes[0].store, &waiting));
        sum += waiting;
    }
    return sum;
}

/* ---- a process ---- */

static void connect_again(void *who, uint64_t life);

static void hang_up(struct process *p, enum mlt_err err, int64_t pause)
{
    if (p->line != NULL)
        line_client_hangs_up(p->line);
    p->line = NULL;
    if (p->is_in)
        courier_down(p->courier, err);
    p->is_in = false;
    renewal_end(&p->renewal);
    agenda_plan(&sim.agenda, pause, connect_again, p, p->life);
}

static int64_t retry_pause(void)
{
    return 200 * MS + (int64_t)dice_below(&sim.dice, 1800 * MS);
}

/* As kill -9 ends it: what was not committed is not there. */
static void kill_process(struct process *p)
{
    if (!p->runs)
        return;
    if (p->line != NULL)
        line_client_hangs_up(p->line);
    p->line = NULL;
    p->is_in = p->runs = p->dies = false;
    renewal_end(&p->renewal);
    courier_free(&p->courier);
    store_close(&p->store);
    p->life++;
}

static bool is_ok(struct process *p, enum mlt_err err)
{
    if (err == MLT_OK && !p->dies)
        return true;
    must(err == MLT_OK || err == MLT_ERR_CUT);
    if (p->dies)
        kill_process(p);
    else
        hang_up(p, err, retry_pause());
    return false;
}

static enum mlt_err say(struct process *p, const struct sim_record *record)
{
    if (p->dies || p->line == NULL)
        return MLT_ERR_CUT;
    line_up(p->line, record);
    if (sim.healed || !dice_once_in(&sim.dice, chaos.died_while_saying))
        return MLT_OK;
    p->dies = true;
    return MLT_ERR_CUT;
}

static enum mlt_err on_send(void *ctx, const struct envelope *e)
{
    struct sim_record r = { .kind = SIM_SEND, .e = *e };
    judge_of(e, &r.index);
    sim_watch(r.index, "goes out from", ctx);
    return say(ctx, &r);
}

static enum mlt_err on_receipt(void *ctx, const struct receipt *receipt)
{
    struct sim_record r = { .kind = SIM_RECEIPT, .receipt = *receipt };
    if (judge_of_id(receipt->id) == NULL)
        judge_disguise(r.receipt.id);
    return say(ctx, &r);
}

static enum mlt_err on_noted(void *ctx, const struct noted *noted)
{
    const struct sim_record r = { .kind = SIM_NOTED, .noted = *noted };
    return say(ctx, &r);
}

static void on_wait(void *ctx, const struct courier_wait *wait)
{
    (void)ctx;
    must(judge_of_id(wait->id) != NULL);
}

static enum mlt_err on_take(void *ctx, int64_t stream, bool *taken)
{
    struct process *p = ctx;
    must(stream > 0 && stream < PEOPLE_STREAMS);
    struct process **turn = &people[p->person].turns[stream];
    *taken = *turn == NULL || *turn == p;
    if (*taken)
        *turn = p;
    return MLT_OK;
}

static void on_leave(void *ctx, int64_t stream)
{
    struct process *p = ctx;
    struct process **turn = &people[p->person].turns[stream];
    must(*turn == p);
    *turn = NULL;
}

static void begin_process(struct process *p, enum client_auth_kind kind)
{
    struct person *person = &people[p->person];
    must(!p->runs);
    must_ok(store_open(&person->home, &sim.env, &p->store));
    const struct courier_config config = {
        .env = &sim.env,
        .store = p->store,
        .turn = { p, on_take, on_leave },
        .out = { p, on_send, on_receipt, on_noted, on_wait },
        .receives = kind == CLIENT_AUTH_RECEIVE,
    };
    must_ok(courier_new(&config, &p->courier));
    p->kind = kind;
    p->runs = true;
    p->paused_until = p->wake_at = 0;
    agenda_plan(&sim.agenda, 1 * MS, connect_again, p, p->life);
}

static void connect_again(void *who, uint64_t life)
{
    struct process *p = who;
    if (!p->runs || life != p->life || p->line != NULL)
        return;
    struct sim_record login = { .kind = SIM_LOGIN, .login = p->kind };
    if (sim.fleet)
        login.generation = p->generation = fleet_newest(p->person);
    p->line = line_open(p, p->person);
    line_up(p->line, &login);
}

void process_lost(struct process *p)
{
    hang_up(p, MLT_ERR_CUT, retry_pause());
}

bool process_reads(const struct process *p)
{
    return p->runs && sim.agenda.now >= p->paused_until;
}

/* ---- its certificate ---- */

static const struct cert_fields *own(const struct process *p)
{
    return &fleet_certificate(p->person, p->generation)->cert.fields;
}

static void take_welcome(struct process *p, const struct renewed *welcome)
{
    must(welcome->result == WELCOME_LOGGED_IN || welcome->result == WELCOME_RENEW);
    if (sim.fleet)
        renewal_begin(&p->renewal, &sim.env, own(p), welcome->result == WELCOME_RENEW);
    if (welcome->result == WELCOME_RENEW) {
        fleet_figures()->renewed_late++;
        return;
    }
    p->is_in = true;
    courier_up(p->courier, LIMIT_BODY);
}

static bool renews_now(struct process *p)
{
    if (sim_has(PLANT_RENEW_AT_THE_END) && sim_now_ms() / 1000 < own(p)->not_after_s - 5)
        return false;
    if (!renewal_is_due(&p->renewal))
        return false;
    bool is_second = fleet_newest(p->person) != p->generation;
    if (sim_has(PLANT_SECOND_PROCESS_NOT_RENEWED) && is_second) {
        p->generation = fleet_newest(p->person);
        renewal_issued(&p->renewal, own(p));
        return false;
    }
    return true;
}

static void renew(struct process *p)
{
    if (!sim.fleet || p->line == NULL || !renews_now(p))
        return;
    const struct sim_record r = { .kind = SIM_RENEW, .generation = p->generation };
    renewal_asked(&p->renewal);
    line_up(p->line, &r);
}

static int64_t renewal_wake_ms(const struct process *p)
{
    int64_t due_ms = renewal_due_ms(&p->renewal);
    if (due_ms != INT64_MAX && sim_has(PLANT_RENEW_AT_THE_END) && p->renewal.due_s != INT64_MAX)
        due_ms += (own(p)->not_after_s - 5 - renewal_due_s(own(p))) * 1000;
    return due_ms;
}

static void take_renewed(struct process *p, const struct sim_record *record)
{
    bool tell = false;
    p->refused_s = record->renewed.retry_after_s;
    if (record->renewed.result == WELCOME_ISSUED) {
        must(record->generation > p->generation);
        p->generation = record->generation;
        fleet_keep(p->person, p->generation);
        renewal_issued(&p->renewal, own(p));
        return;
    }
    if (sim_has(PLANT_NO_RETRY_AFTER_BUSY))
        return;
    renewal_refused(&p->renewal, record->renewed.reason, record->renewed.retry_after_s, &tell);
    must(!tell); /* nobody notices */
}

/* ---- what it is told ---- */

static enum mlt_err take_deliver(struct process *p, const struct sim_record *record)
{
    const struct judged *m = judge_at(record->index);
    struct envelope e = record->e;
    e.body = judge_body(record->index, m->bytes);
    must(m->recipient == p->person && e.epoch == m->epoch && e.number == m->number);
    if (sim_has(PLANT_CONFIRM_BEFORE_STORING)) {
        struct receipt receipt = { .sender = e.sender, .state = OUTCOME_DELIVERED };
        memcpy(receipt.id, e.id, ENVELOPE_ID);
        TRY(on_receipt(p, &receipt));
        p->dies = p->dies || dice_once_in(&sim.dice, 100);
    }
    if (sim_has(PLANT_NO_MEMORY_OF_IDS) && judge_was_held(record->index))
        judge_disguise(e.id);
    return p->dies ? MLT_ERR_CUT : courier_deliver(p->courier, &e);
}

/* Whoever may do nothing but renew is back at once with a new certificate, or asks later. */
static int64_t pause_after(const struct process *p, enum close_reason reason)
{
    if (reason == CLOSE_DONE && p->refused_s > 0)
        return p->refused_s * SECONDS;
    return reason == CLOSE_AGAIN || reason == CLOSE_DONE ? 0 : retry_pause();
}

static void take_close(struct process *p, enum close_reason reason)
{
    must(reason != CLOSE_EXPIRED && reason != CLOSE_REVOKED);
    if (reason == CLOSE_REPLACED)
        kill_process(p); /* it ends, and says why */
    else
        hang_up(p, MLT_OK, pause_after(p, reason));
}

void process_receive(struct process *p, struct line *line, const struct sim_record *record)
{
    must(p->line == line);
    switch (record->kind) {
    case SIM_WELCOME:
        take_welcome(p, &record->renewed);
        break;
    case SIM_RENEWED:
        take_renewed(p, record);
        break;
    case SIM_DELIVER:
        must(p->is_in && p->kind == CLIENT_AUTH_RECEIVE);
        (void)is_ok(p, take_deliver(p, record));
        break;
    case SIM_OUTCOME:
        must(p->is_in);
        (void)is_ok(p, courier_outcome(p->courier, &record->outcome));
        break;
    case SIM_CLOSE:
        take_close(p, record->close);
        break;
    default:
        must(false);
    }
}

static void read_aloud(struct process *p)
{
    struct store_message m = { 0 };
    bool found = true;
    for (int i = 0; i < 5; i++) {
        must_ok(store_unshown(p->store, m.row, NULL, &m, &found));
        if (!found)
            break;
        must_ok(store_shown(p->store, m.row, true));
    }
    store_message_clear(&m);
    courier_wake(p->courier);
}

static void wake(void *who, uint64_t life);

static void plan_wake(struct process *p)
{
    int64_t due_ms = courier_due_ms(p->courier);
    int64_t renewal_ms = sim.fleet ? renewal_wake_ms(p) : INT64_MAX;
    if (renewal_ms < due_ms)
        due_ms = renewal_ms;
    if (due_ms == INT64_MAX)
        return;
    int64_t at = due_ms * MS;
    if (at < sim.agenda.now)
        at = sim.agenda.now;
    if (p->wake_at > sim.agenda.now && p->wake_at <= at)
        return;
    p->wake_at = at;
    agenda_plan(&sim.agenda, at - sim.agenda.now, wake, p, p->life);
}

void process_run(struct process *p)
{
    if (!process_reads(p) || !is_ok(p, courier_process(p->courier)))
        return;
    if (p->is_in && courier_is_stuck(p->courier))
        hang_up(p, MLT_OK, retry_pause());
    renew(p);
    struct courier_news news = courier_take_news(p->courier);
    if (news.messages && p->kind == CLIENT_AUTH_RECEIVE &&
        dice_once_in(&sim.dice, chaos.read_aloud))
        read_aloud(p);
    plan_wake(p);
}

static void wake(void *who, uint64_t life)
{
    struct process *p = who;
    if (!p->runs || life != p->life || sim.agenda.now < p->wake_at)
        return;
    p->wake_at = 0;
    sim.events++;
    process_run(p);
}

/* ---- what happens to people ---- */

static struct process *any_process(bool running)
{
    uint64_t first = dice_below(&sim.dice, (uint64_t)count * SLOTS);
    for (uint64_t i = 0; i < (uint64_t)count * SLOTS; i++) {
        uint64_t at = (first + i) % ((uint64_t)count * SLOTS);
        struct process *p = &people[at / SLOTS].processes[at % SLOTS];
        if (p->runs == running && !people[at / SLOTS].away)
            return p;
    }
    return NULL;
}

static bool keep_one(struct process *p, unsigned recipient)
{
    struct judged m = { .sender = p->person, .recipient = recipient, .bytes = 16 };
    uint8_t id[ENVELOPE_ID];
    if (dice_once_in(&sim.dice, chaos.big_body))
        m.bytes = 16 + (size_t)dice_below(&sim.dice, LIMIT_BODY - 16);
    m.flags = dice_once_in(&sim.dice, 3) ? ENVELOPE_WANTS_READ : 0;
    const struct store_outgoing out = { .recipient = people_name(recipient),
                                        .body = judge_body(judge_count(), m.bytes),
                                        .flags = m.flags };
    enum mlt_err err = store_outbox_keep(p->store, &out, id);
    if (err == MLT_ERR_TOO_MANY)
        return false;
    must_ok(err);
    judge_kept(id, &m);
    return true;
}

static void drop_one(struct process *p)
{
    for (int i = 0; i < 20 && judge_count() > 0; i++) {
        uint64_t index = judge_count() - 1 - dice_below(&sim.dice, judge_count()) % 100;
        struct judged *m = judge_at(index % judge_count());
        if (m->sender != p->person || m->dropped)
            continue;
        m->dropped = store_outbox_drop(p->store, m->id) == MLT_OK;
        if (m->dropped)
            sim_watch(judge_index(m), "dropped by", p);
        return;
    }
}

void people_say(void)
{
    struct process *p = any_process(true);
    if (p == NULL || !process_reads(p))
        return;
    unsigned recipient = (unsigned)dice_below(&sim.dice, count);
    if (chaos.crowd && !dice_once_in(&sim.dice, 4))
        recipient = 0;
    uint64_t most = 1 + dice_below(&sim.dice, chaos.burst_most);
    sim.events++;
    must_ok(store_begin(p->store));
    bool room = true;
    for (uint64_t i = 0; i < most && room; i++)
        room = keep_one(p, recipient);
    must_ok(store_end(p->store, MLT_OK));
    if (dice_once_in(&sim.dice, chaos.dropped))
        drop_one(p);
    courier_wake(p->courier);
    process_run(p);
}

void people_begin_process(void)
{
    struct process *p = any_process(false);
    if (p == NULL)
        return;
    bool receives = p->slot == 0 || dice_once_in(&sim.dice, 8);
    begin_process(p, receives ? CLIENT_AUTH_RECEIVE : CLIENT_AUTH_SEND);
}

enum { COMES_BACK = 1 };

/* Somebody's processes are all gone for a while. */
static void return_home(void *who, uint64_t tag)
{
    struct process *p = who;
    if (tag == COMES_BACK)
        people[p->person].away = false;
    if (!p->runs && !people[p->person].away)
        begin_process(p, CLIENT_AUTH_RECEIVE);
}

void people_go_away(int64_t us)
{
    unsigned person = (unsigned)dice_below(&sim.dice, count);
    if (people[person].away)
        return;
    for (unsigned s = 0; s < SLOTS; s++)
        kill_process(&people[person].processes[s]);
    people[person].away = true;
    agenda_plan(&sim.agenda, us, return_home, &people[person].processes[0], COMES_BACK);
}

void people_end_process(bool killed)
{
    struct process *p = any_process(true);
    if (p == NULL)
        return;
    if (!killed && process_reads(p))
        process_run(p); /* what came is stored, and said to be */
    kill_process(p);
    if (sim.fleet && p->slot == 0) /* most of a fleet is there most of the time */
        agenda_plan(&sim.agenda, dice_wait(&sim.dice, 60 * SECONDS), return_home, p, 0);
}

static void go_on(void *who, uint64_t life)
{
    struct process *p = who;
    if (!p->runs || life != p->life || !process_reads(p))
        return;
    if (p->line != NULL)
        line_look(p->line);
    if (p->runs)
        process_run(p);
}

void people_pause_process(int64_t us)
{
    struct process *p = any_process(true);
    if (p == NULL)
        return;
    p->paused_until = sim.agenda.now + us;
    agenda_plan(&sim.agenda, us, go_on, p, p->life);
}

bool people_break_line(void)
{
    struct process *p = any_process(true);
    if (p == NULL || p->line == NULL)
        return false;
    line_break(p->line, (enum line_end)dice_below(&sim.dice, LINE_ENDS));
    return true;
}

void people_come_together(void)
{
    for (unsigned i = 0; i < count; i++) {
        people[i].away = false;
        for (unsigned s = 0; s < SLOTS; s++)
            kill_process(&people[i].processes[s]);
        begin_process(&people[i].processes[0], CLIENT_AUTH_RECEIVE);
    }
}

void people_begin(const char *directory, unsigned n)
{
    count = n;
    memset(people, 0, sizeof(people));
    for (unsigned i = 0; i < n; i++) {
        char path[300];
        snprintf(path, sizeof(path), "%s/%s", directory, people_name(i).text);
        must_ok(home_open(path, true, &people[i].home));
        for (unsigned s = 0; s < SLOTS; s++) {
            people[i].processes[s].person = i;
            people[i].processes[s].slot = s;
        }
        begin_process(&people[i].processes[0], CLIENT_AUTH_RECEIVE);
        if (sim.fleet && i % 2 == 0)
            begin_process(&people[i].processes[1], CLIENT_AUTH_SEND);
    }
}

void people_clear(void)
{
    for (unsigned i = 0; i < count; i++) {
        for (unsigned s = 0; s < SLOTS; s++)
            kill_process(&people[i].processes[s]);
        home_close(&people[i].home);
    }
    count = 0;
}
