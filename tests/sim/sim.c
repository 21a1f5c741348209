/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "chaos.h"
#include "fleet.h"
#include "judge.h"
#include "mail.h"
#include "people.h"
#include "server.h"

/*
 * sim [--seed N] [--events M] [--seconds S] [--size EVENTS] [--plant NAME] [--loud]
 *     [--watch SENDER RECIPIENT]
 *
 * sim --fleet MINUTES [--people N] ...
 * sim [--fleet MINUTES] --plants
 *
 * One world after another, each from its own seed, until M events or S seconds of the real clock
 * have gone by; with neither, one world.  After --size events (60,000 unless told) each ends
 * healed, and is judged.  Exit 1 and the seed when a promise was broken.
 *
 * With --fleet a world lasts so many minutes of virtual time, and less goes wrong in each; but
 * certificates have ten minutes, from a real CA, and nobody may notice (20 people unless told).
 */

struct sim sim;

const char *const plant_names[PLANT_COUNT] = { "nothing",
                                               "acknowledge-before-fsync",
                                               "delete-before-receipt",
                                               "confirm-before-storing",
                                               "no-memory-of-ids",
                                               "no-going-back",
                                               "live-before-drained",
                                               "forget-puts-of-the-gone",
                                               "renew-at-the-end",
                                               "no-retry-after-busy",
                                               "end-not-extended",
                                               "second-process-not-renewed",
                                               "grace-ends-early",
                                               "grace-ends-late" };

static const int64_t epoch_ms = 1795361897000;

static char directory[64];

/* ---- virtual time and dust ---- */

int64_t sim_now_ms(void)
{
    return epoch_ms + sim.agenda.now / MS;
}

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return sim_now_ms();
}

static int64_t mono_ms(void *ctx)
{
    (void)ctx;
    return sim.agenda.now / MS;
}

static enum mlt_err draw(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(dice_roll(&sim.dust) >> 40);
    return MLT_OK;
}

bool sim_has(enum plant plant)
{
    return sim.plant == plant && !sim.healed;
}

/* ---- saying ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_directory(void)
{
    if (directory[0] != '\0')
        nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    directory[0] = '\0';
}

void sim_fail(const char *file, int line, const char *what)
{
    printf("not ok: %s:%d: %s\n", file, line, what);
    printf("again: sim --seed %" PRIu64, sim.seed);
    if (sim.fleet)
        printf(" --fleet %" PRId64 " --people %u", sim.lasts / (60 * SECONDS), sim.people);
    printf(" --size %" PRIu64 "%s%s; at %" PRId64 " ms, %" PRIu64 " events\n", sim.size,
           sim.plant != 0 ? " --plant " : "", sim.plant != 0 ? plant_names[sim.plant] : "",
           sim.agenda.now / MS, sim.events);
    fflush(stdout);
    remove_directory();
    _exit(1);
}

void sim_say(const char *format, ...)
{
    if (!sim.loud)
        return;
    va_list args;
    va_start(args, format);
    printf("%10.3f ", (double)sim.agenda.now / (double)SECONDS);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

void sim_watch(uint64_t index, const char *what, const void *where)
{
    const struct judged *m = judge_at(index);
    if ((int)m->sender == sim.watched[0] && (int)m->recipient == sim.watched[1])
        sim_say("%" PRIu64 " number %" PRIu64 " %s %p", index, m->number, what, where);
}

/* ---- a world ---- */

static void begin(uint64_t seed)
{
    sim.seed = seed;
    sim.healed = false;
    sim.events = 0;
    sim.dice.state = seed;
    sim.dust.state = ~seed;
    sim.env = (struct env) { NULL, wall_ms, mono_ms, draw };
    snprintf(directory, sizeof(directory), "/dev/shm/malote-sim-XXXXXX");
    must(mkdtemp(directory) != NULL);
    if (sim.fleet)
        chaos_draw_fleet(sim.people);
    else
        chaos_draw();
    mail_init();
    if (sim.fleet)
        fleet_begin(directory, chaos.people);
    people_begin(directory, chaos.people);
    server_begin();
    chaos_begin();
    if (sim.fleet)
        fleet_ca_begin();
}

static void end(void)
{
    people_clear();
    server_clear();
    line_clear_all();
    mail_clear();
    judge_clear();
    if (sim.fleet)
        fleet_clear();
    agenda_clear(&sim.agenda);
    remove_directory();
}

static bool is_quiet(void)
{
    return server_is_quiet() && mail_is_empty() && people_waiting() == 0;
}

static void run_for(int64_t us)
{
    int64_t until = sim.agenda.now + us;
    while (sim.agenda.now < until)
        must(agenda_step(&sim.agenda));
}

/* Everything finds its end, without anybody's doing but logging in anew now and then. */
static void drain(void)
{
    chaos_end();
    int quiet = 0;
    for (int i = 1; i <= 600 && quiet < 4; i++) {
        run_for(1 * SECONDS);
        quiet = is_quiet() ? quiet + 1 : 0;
        if (i % 120 == 0)
            people_come_together();
    }
    sim_say("server %s, mail %s, %" PRIu64 " wait in outboxes",
            server_is_quiet() ? "quiet" : "not quiet", mail_is_empty() ? "empty" : "not empty",
            people_waiting());
    mail_say();
    must(quiet > 0);
}

struct sums {
    uint64_t worlds, events, messages, delivered, refused, expired, gaps, virtual_s;
    struct chaos_figures chaos;
    struct mail_figures mail;
};

static void add_up(struct sums *s)
{
    const struct judge_figures j = judge_figures();
    const struct chaos_figures c = chaos_figures();
    const struct mail_figures m = mail_figures();
    s->worlds++;
    s->events += sim.events;
    s->messages += judge_count();
    s->delivered += j.delivered;
    s->refused += j.refused;
    s->expired += j.expired;
    s->gaps += j.gaps;
    s->virtual_s += (uint64_t)(sim.agenda.now / SECONDS);
    s->chaos.breaks += c.breaks;
    s->chaos.crashes += c.crashes + c.stops;
    s->chaos.kills += c.kills + c.ends;
    s->chaos.pauses += c.pauses;
    s->chaos.aways += c.aways;
    s->mail.commits += m.commits;
    s->mail.failed_commits += m.failed_commits;
    s->mail.came_true += m.came_true;
}

static void run_world(uint64_t seed, struct sums *s)
{
    begin(seed);
    while (sim.fleet ? sim.agenda.now < sim.lasts : sim.events < sim.size)
        must(agenda_step(&sim.agenda));
    drain();
    judge_all();
    if (sim.fleet)
        fleet_judge();
    sim_say("seed %" PRIu64 ": %" PRIu64 " events, digest %016" PRIx64, seed, sim.events,
            sim.agenda.digest);
    add_up(s);
    if (sim.fleet)
        fleet_edge_of_grace();
    end();
}

/* ---- the program ---- */

struct wish {
    uint64_t seed, events, seconds;
};

static uint64_t number(const char *text)
{
    char *rest = NULL;
    uint64_t n = strtoull(text, &rest, 10);
    if (*text < '0' || *text > '9' || *rest != '\0') {
        fprintf(stderr, "sim: '%s' is no number\n", text);
        exit(2);
    }
    return n;
}

static enum plant plant_of(const char *name)
{
    for (unsigned i = 0; i < PLANT_COUNT; i++)
        if (strcmp(plant_names[i], name) == 0)
            return (enum plant)i;
    fprintf(stderr, "sim: no plant '%s'\n", name);
    exit(2);
}

static NORETURN void list_plants(void)
{
    unsigned first = sim.fleet ? PLANT_RENEW_AT_THE_END : 1;
    unsigned end = sim.fleet ? PLANT_COUNT : PLANT_RENEW_AT_THE_END;
    for (unsigned i = first; i < end; i++)
        puts(plant_names[i]);
    exit(0);
}

static void read_arguments(int argc, char **argv, struct wish *wish)
{
    for (int i = 1; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--plants") == 0)
            list_plants();
        else if (strcmp(argv[i], "--fleet") == 0 && has_value) {
            sim.fleet = true;
            sim.lasts = (int64_t)number(argv[++i]) * 60 * SECONDS;
        } else if (strcmp(argv[i], "--people") == 0 && has_value)
            sim.people = (unsigned)number(argv[++i]);
        else if (strcmp(argv[i], "--loud") == 0)
            sim.loud = true;
        else if (strcmp(argv[i], "--seed") == 0 && has_value)
            wish->seed = number(argv[++i]);
        else if (strcmp(argv[i], "--events") == 0 && has_value)
            wish->events = number(argv[++i]);
        else if (strcmp(argv[i], "--size") == 0 && has_value)
            sim.size = number(argv[++i]);
        else if (strcmp(argv[i], "--seconds") == 0 && has_value)
            wish->seconds = number(argv[++i]);
        else if (strcmp(argv[i], "--watch") == 0 && i + 2 < argc) {
            sim.watched[0] = (int)number(argv[++i]);
            sim.watched[1] = (int)number(argv[++i]);
        } else if (strcmp(argv[i], "--plant") == 0 && has_value)
            sim.plant = plant_of(argv[++i]);
        else {
            fprintf(
                stderr,
                "usage: sim [--seed N] [--events M] [--seconds S] [--size EVENTS] [--plant NAME]"
                " [--loud] [--watch SENDER RECIPIENT] [--fleet MINUTES [--people N]]\n");
            exit(2);
        }
    }
    must(sim.people >= 2 && sim.people <= PEOPLE_MOST);
}

static double real_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void report_fleet(const struct sums *s)
{
    const struct fleet_figures *f = fleet_figures();
    printf("    %" PRIu64 " certificates, %" PRIu64 " given again, %" PRIu64
           " asked for too early, %" PRIu64 " while the ca was away (%" PRIu64 " times, %" PRIu64
           " s at most)\n",
           f->issued, f->given_again, f->too_early, f->busy, f->downs, f->longest_down_s);
    printf("    %" PRIu64 " times somebody was away, %" PRIu64
           " logins after the end; the others had %" PRId64 " s left at least\n",
           s->chaos.aways, f->renewed_late, f->least_left_s);
}

static void report(const struct wish *wish, const struct sums *s, double took)
{
    double worked = (double)clock() / CLOCKS_PER_SEC;
    printf("ok: seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " events in %.1f s (%.0f a second,"
           " %.0f of processor time), %" PRIu64 " s of virtual time\n",
           wish->seed, wish->seed + s->worlds - 1, s->events, took, (double)s->events / took,
           (double)s->events / worked, s->virtual_s);
    printf("    %" PRIu64 " messages: %" PRIu64 " delivered, %" PRIu64 " refused, %" PRIu64
           " expired; %" PRIu64 " gaps shown\n",
           s->messages, s->delivered, s->refused, s->expired, s->gaps);
    printf("    %" PRIu64 " lines broken, %" PRIu64 " ends of the server, %" PRIu64
           " of clients, %" PRIu64 " pauses, %" PRIu64 " of %" PRIu64 " commits failed (%" PRIu64
           " messages of them came true)\n",
           s->chaos.breaks, s->chaos.crashes, s->chaos.kills, s->chaos.pauses,
           s->mail.failed_commits, s->mail.commits, s->mail.came_true);
    if (sim.fleet)
        report_fleet(s);
}

int main(int argc, char **argv)
{
    struct wish wish = { .seed = 1 };
    struct sums sums = { 0 };
    sim.size = 60000;
    sim.people = 20;
    sim.watched[0] = sim.watched[1] = -1;
    read_arguments(argc, argv, &wish);
    double began = real_seconds();
    uint64_t seed = wish.seed;
    do {
        run_world(seed++, &sums);
    } while (sums.events < wish.events ||
             (wish.seconds > 0 && real_seconds() - began < (double)wish.seconds));
    report(&wish, &sums, real_seconds() - began);
    fleet_forget_keys();
    return 0;
}
