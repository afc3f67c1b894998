/*
 * The kernels of each tier, beside memcpy of the same traffic and beside scalar, in the same run.
 *
 * Traffic counts what is read and what is written: a memcpy of k bytes moves 2 k. A ratio to memcpy
 * near 1 means that memory is the limit, and that no arithmetic could make the kernel faster. The
 * small set stays in the caches, as a facility's cells do; the large one does not.
 */
#include "base/base.h"
#include "pipelines/emissions/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SMALL_CELLS = 1024, LARGE_CELLS = 1 << 21, ROUNDS = 15 };

struct arrays {
    int64_t *activity, *mass_mg;
    double *factor;
    uint32_t *covered_ms;
    char *copy;
};

static volatile uint64_t result; /* a sum without a reader would not be formed */

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

enum operation { OPERATION_RATE, OPERATION_SUM, OPERATION_SUM_U32, OPERATION_COUNT };

static const struct {
    const char *name;
    size_t cell_bytes; /* read and written, per cell */
} operations[OPERATION_COUNT] = {{"rate", 24}, {"sum", 8}, {"sum_u32", 4}};

static void run(enum operation operation, const struct kernels *tier, const struct arrays *arrays,
                size_t n)
{
    switch (operation) {
    case OPERATION_RATE:
        tier->rate(arrays->activity, arrays->factor, arrays->mass_mg, n);
        break;
    case OPERATION_SUM:
        result += (uint64_t)tier->sum(arrays->activity, n);
        break;
    case OPERATION_SUM_U32:
    case OPERATION_COUNT:
        result += tier->sum_u32(arrays->covered_ms, n);
        break;
    }
}

/* memcpy moves each byte twice; both sides lie in memory that the kernel uses as well. */
static void run_memcpy(enum operation operation, const struct arrays *arrays, size_t n)
{
    size_t size = n * operations[operation].cell_bytes / 2;
    memcpy(arrays->copy, arrays->copy + size, size);
    result += (uint64_t)(unsigned char)arrays->copy[n % size];
}

/* The best of some rounds: what disturbs a round only ever makes it slower. tier NULL: memcpy. */
static double seconds_per_cell(enum operation operation, const struct kernels *tier,
                               const struct arrays *arrays, size_t n)
{
    size_t repeats = LARGE_CELLS / n;
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds_now();
        for (size_t i = 0; i < repeats; i++) {
            if (tier != NULL)
                run(operation, tier, arrays, n);
            else
                run_memcpy(operation, arrays, n);
        }
        double elapsed = seconds_now() - start;
        best = elapsed < best ? elapsed : best;
    }
    return best / (double)(repeats * n);
}

static void compare(enum operation operation, const struct arrays *arrays, size_t n)
{
    static const char *const tiers[] = {"scalar", "avx2", "avx512"};
    double copy = seconds_per_cell(operation, NULL, arrays, n);
    double scalar = seconds_per_cell(operation, &kernels_scalar, arrays, n);
    for (size_t t = 0; t < ARRAY_LEN(tiers); t++) {
        const struct kernels *tier = kernels_find(tiers[t]);
        if (tier == NULL) {
            printf("%-8s %-7s %8zu  not on this machine\n", operations[operation].name, tiers[t],
                   n);
            continue;
        }
        double seconds = seconds_per_cell(operation, tier, arrays, n);
        printf("%-8s %-7s %8zu %10.3f %11.2f %11.2f\n", operations[operation].name, tiers[t], n,
               seconds * 1e9, copy / seconds, scalar / seconds);
    }
}

static void *array(size_t cell_size)
{
    void *memory = aligned_alloc(64, LARGE_CELLS * cell_size);
    if (memory == NULL) {
        perror("bench_kernels");
        abort();
    }
    memset(memory, 0, LARGE_CELLS * cell_size); /* pages are there before the clock runs */
    return memory;
}

int main(void)
{
    struct arrays arrays = {.activity = array(8),
                            .mass_mg = array(8),
                            .factor = array(8),
                            .covered_ms = array(4),
                            .copy = array(24)};
    for (size_t i = 0; i < LARGE_CELLS; i++) {
        arrays.activity[i] = (int64_t)(i * 2654435761U % 1000000007U);
        arrays.factor[i] = 0.404933;
        arrays.covered_ms[i] = 900000;
    }
    printf("%-8s %-7s %8s %10s %11s %11s\n", "kernel", "tier", "cells", "ns/cell", "x memcpy",
           "x scalar");
    for (enum operation operation = 0; operation < OPERATION_COUNT; operation++) {
        compare(operation, &arrays, SMALL_CELLS);
        compare(operation, &arrays, LARGE_CELLS);
    }
    free(arrays.activity);
    free(arrays.mass_mg);
    free(arrays.factor);
    free(arrays.covered_ms);
    free(arrays.copy);
    return 0;
}
