/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BENCH_STOPWATCH_H
#define MALOTE_BENCH_STOPWATCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* CPU time of this thread, microseconds: what a noisy machine disturbs least. */
static inline double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* For what waits for a disk. */
static inline double wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* Sorts in place. */
static inline double median(double *values, size_t n)
{
    qsort(values, n, sizeof(values[0]), by_value);
    return values[n / 2];
}

#endif
