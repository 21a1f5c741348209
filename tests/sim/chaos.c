/* SPDX-License-Identifier: Apache-2.0 */
#include "chaos.h"

#include "fleet.h"
#include "mail.h"
#include "people.h"
#include "server.h"
#include "sim.h"

struct chaos chaos;
static struct chaos_figures figures;

struct chaos_figures chaos_figures(void)
{
    return figures;
}

static int64_t between(int64_t least, int64_t most)
{
    return least + (int64_t)dice_below(&sim.dice, (uint64_t)(most - least));
}

/* Every world has its own weather; some are calm in one respect, so that the rest is seen. */
void chaos_draw(void)
{
    figures = (struct chaos_figures) { 0 };
    bool calm = dice_once_in(&sim.dice, 6);
    bool crowd = dice_once_in(&sim.dice, 3);
    unsigned burst_most = (unsigned)between(1, dice_once_in(&sim.dice, 3) ? 200 : 20);
    chaos = (struct chaos) {
        .people = (unsigned)between(3, 9),
        .burst_every = between(8 * MS, 60 * MS) * (burst_most / 2 + 1),
        .burst_most = burst_most,
        .big_body = crowd && dice_once_in(&sim.dice, 2) ? 2
                    : dice_once_in(&sim.dice, 3)        ? 8
                                                        : 200,
        .crowd = crowd,
        .break_every = between(1 * SECONDS, 20 * SECONDS),
        .process_every = between(1 * SECONDS, 10 * SECONDS),
        .pause_every = between(2 * SECONDS, 30 * SECONDS),
        .pause = between(1 * SECONDS, 20 * SECONDS),
        .crash_every = between(5 * SECONDS, 60 * SECONDS),
        .disk_every = between(5 * SECONDS, 60 * SECONDS),
        .damage_every = dice_once_in(&sim.dice, 4) ? between(2 * SECONDS, 20 * SECONDS) : 0,
        .commit_fails = calm ? 0 : 40,
        .put_is_busy = calm ? 0 : 400,
        .grant_is_void = 50,
        .died_while_saying = 1000,
        .read_aloud = 20,
        .dropped = 100,
        .quota = dice_once_in(&sim.dice, 4) ? 40 : 1000000,
        .ttl_ms = dice_once_in(&sim.dice, 4) ? 20000 : 1000000000,
        .delay = between(1 * MS, 300 * MS),
    };
}

void chaos_draw_fleet(unsigned people)
{
    figures = (struct chaos_figures) { 0 };
    chaos = (struct chaos) {
        .people = people,
        .burst_every = between(20 * SECONDS, 100 * SECONDS),
        .burst_most = 4,
        .big_body = 200,
        .break_every = between(300 * SECONDS, 1800 * SECONDS),
        .process_every = between(60 * SECONDS, 600 * SECONDS),
        .pause_every = between(1800 * SECONDS, 7200 * SECONDS),
        .pause = between(1 * SECONDS, 3 * SECONDS),
        .crash_every = between(3600 * SECONDS, 14400 * SECONDS),
        .disk_every = between(7200 * SECONDS, 14400 * SECONDS),
        .commit_fails = 400,
        .put_is_busy = 4000,
        .grant_is_void = 500,
        .died_while_saying = 10000,
        .read_aloud = 5,
        .dropped = 1000,
        .quota = 1000000,
        .ttl_ms = INT64_C(10000000000),
        .delay = between(1 * MS, 300 * MS),
        .away_every = between(3600 * SECONDS, 14400 * SECONDS),
        .away = between(600 * SECONDS, 14400 * SECONDS),
        .ca_every = between(300 * SECONDS, 1200 * SECONDS),
    };
}

/* ---- one thing after another ---- */

enum trouble { SAY, BREAK, PROCESS, PAUSE, CRASH, DISK, DAMAGE, AWAY, TROUBLES };

static int64_t every(enum trouble what)
{
    const int64_t times[] = { chaos.burst_every,  chaos.break_every, chaos.process_every,
                              chaos.pause_every,  chaos.crash_every, chaos.disk_every,
                              chaos.damage_every, chaos.away_every };
    return times[what];
}

/* A server has no certificate of its own before its CA is there. */
static void come_back(void *who, uint64_t tag)
{
    (void)who;
    (void)tag;
    if (sim.fleet && !fleet_ca_is_up())
        agenda_plan(&sim.agenda, 1 * SECONDS, come_back, NULL, 0);
    else
        server_begin();
}

static void crash(void)
{
    if (!server_is_up())
        return;
    if (dice_once_in(&sim.dice, 3)) {
        figures.stops++;
        server_stop();
    } else {
        figures.crashes++;
        server_crash();
    }
    agenda_plan(&sim.agenda, 2500 * MS + dice_wait(&sim.dice, 2 * SECONDS), come_back, NULL, 0);
}

static void process(void)
{
    if (dice_once_in(&sim.dice, 2)) {
        people_begin_process();
        return;
    }
    bool killed = dice_once_in(&sim.dice, 2);
    figures.kills += killed;
    figures.ends += !killed;
    people_end_process(killed);
}

static void happen(enum trouble what)
{
    switch (what) {
    case SAY:
        people_say();
        break;
    case BREAK:
        figures.breaks += people_break_line();
        break;
    case PROCESS:
        process();
        break;
    case PAUSE:
        figures.pauses++;
        people_pause_process(dice_wait(&sim.dice, chaos.pause));
        break;
    case CRASH:
        crash();
        break;
    case DISK:
        figures.disks++;
        mail_fail(dice_wait(&sim.dice, 5 * SECONDS));
        break;
    case DAMAGE:
        mail_damage();
        break;
    case AWAY:
        figures.aways++;
        people_go_away(dice_wait(&sim.dice, chaos.away));
        break;
    case TROUBLES:
        break;
    }
}

static void trouble(void *who, uint64_t what)
{
    (void)who;
    if (sim.healed)
        return;
    happen((enum trouble)what);
    agenda_plan(&sim.agenda, dice_wait(&sim.dice, 2 * every((enum trouble)what)) / 2 + 1, trouble,
                NULL, what);
}

void chaos_begin(void)
{
    for (enum trouble what = 0; what < TROUBLES; what++)
        if (every(what) > 0)
            agenda_plan(&sim.agenda, dice_wait(&sim.dice, every(what)), trouble, NULL, what);
}

void chaos_end(void)
{
    sim.healed = true;
    if (sim.fleet)
        fleet_ca_heal();
    chaos.ttl_ms = INT64_C(10000000000);
    chaos.quota = 100000000;
    server_crash();
    server_begin();
    people_come_together();
}
