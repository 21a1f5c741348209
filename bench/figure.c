/* SPDX-License-Identifier: Apache-2.0 */
#include "figure.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void figure_print_in(const char *unit, const char *name, double value, struct beside beside,
                     size_t n)
{
    printf("{\"figure\":\"%s\",\"unit\":\"%s\",\"value\":%.2f,", name, unit, value);
    if (beside.what != NULL)
        printf("\"ratio\":%.3f,\"compared_to\":\"%s\",\"compared_value\":%.2f,",
               value / beside.value, beside.what, beside.value);
    else
        printf("\"ratio\":null,\"compared_to\":null,");
    printf("\"n\":%zu}\n", n);
}

void figure_print(const char *name, double us, struct beside beside, size_t n)
{
    figure_print_in("us", name, us, beside, n);
}

static double seconds(clockid_t clock)
{
    struct timespec t = { 0 };
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* user, nice and system of all processors together: proc_stat(5) */
static double busy_seconds(void)
{
    uint64_t user = 0;
    uint64_t nice = 0;
    uint64_t system = 0;
    FILE *f = fopen("/proc/stat", "re");
    if (f == NULL)
        return 0;
    int got = fscanf(f, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64, &user, &nice, &system);
    fclose(f);
    return got == 3 ? (double)(user + nice + system) / (double)sysconf(_SC_CLK_TCK) : 0;
}

static void look(struct load *load)
{
    load->own_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
    load->busy_s = busy_seconds();
    load->wall_s = seconds(CLOCK_MONOTONIC);
}

void load_start(struct load *load)
{
    look(load);
}

void load_print(const struct load *load, const char *name)
{
    struct load now;
    look(&now);
    double others = now.busy_s - load->busy_s - (now.own_s - load->own_s);
    double busy = others > 0 ? others / (now.wall_s - load->wall_s) : 0;
    figure_print_in("processors", name, busy, (struct beside) { 0 }, 1);
}
