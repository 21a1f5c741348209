/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BENCH_FIGURE_H
#define MALOTE_BENCH_FIGURE_H

#include <stddef.h>

/* One JSON line on stdout for every figure; values are medians. */

/* What a figure is set beside, measured in the same run and interleaved with it. */
struct beside {
    const char *what; /* NULL: nothing */
    double value;
};

/* `n` measurements were taken of either.  ratio = value / beside.value */
void figure_print_in(const char *unit, const char *name, double value, struct beside beside,
                     size_t n);

/* In microseconds of CPU. */
void figure_print(const char *name, double us, struct beside beside, size_t n);

/* What others do on this machine meanwhile: a figure of a busy machine is worth less. */
struct load {
    double own_s, busy_s, wall_s;
};

void load_start(struct load *load);

/* The processors others kept busy since load_start, as a figure of that name. */
void load_print(const struct load *load, const char *name);

#endif
